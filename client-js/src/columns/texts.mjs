// SPDX-License-Identifier: MIT
// Texts: of the heap, and columns of them.
import { readCounts } from "./ints.mjs";
import { TEXTS, takeArray } from "./pools.mjs";
import { badColumns, readVarint } from "./reader.mjs";

/* The next n bytes of the heap, as text. Their characters are counted only where some are not ASCII. */
export function takeText(r, n) {
  var start = r.textAt;
  var end = r.heapAt + n;
  var units = n;
  var heap = r.heap;
  var i, byte;

  if (end > heap.length) throw badColumns("a text goes beyond the heap");
  if (end > r.highAt) {
    for (i = r.highAt; i < end; i++) {
      byte = heap[i];
      if (byte < 0x80) continue;
      if (byte < 0xc0) units--;
      else if (byte >= 0xf0) units++;
    }
    while (i < heap.length && heap[i] < 0x80) i++;
    r.highAt = i;
  }
  r.heapAt = end;
  r.textAt += units;
  return r.text.substring(start, start + units);
}

function parseText(text) {
  if (text === "null") return null;
  if (text === "true") return true;
  if (text === "false") return false;
  try {
    return JSON.parse(text);
  } catch (e) {
    throw badColumns("a text is not JSON (" + e.message + ")");
  }
}

/* What a text of the heap stands for; where r.spell says so, its JSON. */
export function valueOf(r, text, string) {
  if (!string && text === "") throw badColumns("a text is empty");
  if (r.spell) return string ? "\"" + text + "\"" : text;
  if (!string) return parseText(text);
  return r.escapes && text.indexOf("\\") >= 0 ? parseText("\"" + text + "\"") : text;
}

/* A value that several rows have: objects are not shared by them. */
function again(value, text) {
  return typeof value === "object" && value !== null ? parseText(text) : value;
}

export function readTexts(r, n, codec) {
  var string = (codec & 1) === 1;
  var out = takeArray(TEXTS, n);
  var i, count, sizes, texts, values, index;

  if (codec < 2) {
    texts = takeText(r, readVarint(r));
    values = valueOf(r, texts, string);
    for (i = 0; i < n; i++) out[i] = i ? again(values, texts) : values;
    return out;
  }
  if (codec < 4) {
    sizes = readCounts(r, n);
    for (i = 0; i < n; i++) out[i] = valueOf(r, takeText(r, sizes[i]), string);
    return out;
  }
  count = readVarint(r);
  if (count === 0 || count > n) throw badColumns("a dictionary of " + count + " texts for " + n + " rows");
  sizes = readCounts(r, count);
  texts = new Array(count);
  values = new Array(count);
  for (i = 0; i < count; i++) {
    texts[i] = takeText(r, sizes[i]);
    values[i] = valueOf(r, texts[i], string);
  }
  index = readCounts(r, n);
  for (i = 0; i < n; i++) {
    if (index[i] >= count) throw badColumns("a text that is not in its dictionary");
    out[i] = string ? values[index[i]] : again(values[index[i]], texts[index[i]]);
  }
  return out;
}

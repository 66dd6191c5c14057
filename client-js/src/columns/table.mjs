// SPDX-License-Identifier: MIT
// Tables, and the rows that they stand for.
import { readCounts } from "./ints.mjs";
import { readNumbers } from "./numbers.mjs";
import { makeArrays } from "./objects.mjs";
import { badColumns, readByte, readVarint } from "./reader.mjs";
import { readSkeleton } from "./skeleton.mjs";
import { readTexts, takeText } from "./texts.mjs";

var DEPTH_MAX = 16; /* of tables */

function readLists(r, n, depth) {
  var sizes = readCounts(r, n);
  var out = new Array(n);
  var all = 0;
  var at = 0;
  var elements = [];
  var i;

  for (i = 0; i < n; i++) all += sizes[i];
  if (all > 0) elements = rowsOf(r, readTable(r, all, depth + 1));
  for (i = 0; i < n; i++) {
    out[i] = elements.slice(at, at + sizes[i]);
    if (r.spell) out[i] = "[" + out[i].join(",") + "]";
    at += sizes[i];
  }
  return out;
}

function readShape(r, skeleton, n, depth) {
  var slots = skeleton.lists.length;
  var columns = new Array(slots);
  var ints = new Array(slots);
  var i, codec;

  for (i = 0; i < slots; i++) {
    if (skeleton.lists[i]) {
      columns[i] = readLists(r, n, depth);
      continue;
    }
    codec = readByte(r);
    if (codec > 9) throw badColumns("an unknown column " + codec);
    columns[i] = codec < 6 ? readTexts(r, n, codec) : readNumbers(r, n, codec, ints, i);
  }
  return { n: n, skeleton: skeleton, columns: columns };
}

export function readTable(r, n, depth) {
  var count = readVarint(r);
  var sizes = [];
  var texts = [];
  var shapes = [];
  var of = null;
  var i, size;

  if (depth >= DEPTH_MAX) throw badColumns("lists are too deep");
  if (count === 0 || count > n || n > r.budget) throw badColumns("a table of " + n + " rows and " + count + " shapes");
  for (i = 0; i < count; i++) {
    size = readVarint(r);
    if (size === 0) throw badColumns("an empty skeleton");
    texts.push(takeText(r, size));
    sizes.push(size);
    shapes.push(0);
  }
  if (count === 1) {
    shapes[0] = n;
  } else {
    of = readCounts(r, n);
    for (i = 0; i < n; i++) {
      if (of[i] >= count) throw badColumns("a row without a shape");
      shapes[of[i]]++;
    }
  }
  for (i = 0; i < count; i++) {
    /* No value is shorter than its mark, so all skeletons together are no longer than what they stand for. */
    r.budget -= shapes[i] * sizes[i];
    if (shapes[i] === 0 || r.budget < 0) throw badColumns("it is longer than it says");
    shapes[i] = readShape(r, readSkeleton(texts[i]), shapes[i], depth);
  }
  return { n: n, of: of, shapes: shapes };
}

/* The values that a part of a shape has, in all its rows. */
export function makeValues(plan, shape) {
  var columns, i, out;

  if (typeof plan === "number") return shape.columns[plan];
  columns = new Array(plan.nodes.length);
  for (i = 0; i < columns.length; i++) columns[i] = makeValues(plan.nodes[i], shape);
  if (!plan.keys) return makeArrays(columns, shape.n);
  out = new Array(shape.n);
  plan.make(plan.keys, columns, shape.n, out);
  return out;
}

function spellRows(shape) {
  var pieces = shape.skeleton.pieces;
  var out = new Array(shape.n);
  var i, j, text;

  for (i = 0; i < shape.n; i++) {
    text = pieces[0];
    for (j = 0; j < shape.columns.length; j++) text += shape.columns[j][i] + pieces[j + 1];
    out[i] = text;
  }
  return out;
}

/* The rows of a table: values, or texts. */
export function rowsOf(r, table) {
  var shapes = table.shapes;
  var parts = new Array(shapes.length);
  var next = new Array(shapes.length);
  var out, i;

  for (i = 0; i < shapes.length; i++) {
    parts[i] = r.spell ? spellRows(shapes[i]) : makeValues(shapes[i].skeleton.plan, shapes[i]);
    next[i] = 0;
  }
  /* A column itself may be lent. */
  if (!table.of) return typeof shapes[0].skeleton.plan === "number" ? parts[0].slice(0, table.n) : parts[0];
  for (out = new Array(table.n), i = 0; i < table.n; i++) out[i] = parts[table.of[i]][next[table.of[i]]++];
  return out;
}

// SPDX-License-Identifier: MIT
// Columns of numbers.
import { readCounts, readInts } from "./ints.mjs";
import { FRACTIONS, takeArray } from "./pools.mjs";
import { badColumns, readVarint } from "./reader.mjs";
import { takeText, valueOf } from "./texts.mjs";

var SCALE_MAX = 15;

var POWERS = [1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15];

var ZEROS = "000000000000000";

/* A whole number of so many decimals as it was written. */
function spellNumber(v, scale, trimmed) {
  var minus = v < 0;
  var digits = String(minus ? -v : v);
  var fraction;

  if (scale > 0) {
    if (digits.length <= scale) digits = ZEROS.slice(0, scale + 1 - digits.length) + digits;
    fraction = digits.slice(-scale);
    digits = digits.slice(0, -scale);
    if (trimmed) fraction = fraction.replace(/0+$/, "");
    if (fraction) digits += "." + fraction;
  }
  return minus ? "-" + digits : digits;
}

/* Both are exact as doubles, so the quotient is the double that is nearest to the text. */
function divide(whole, power, out, n) {
  var i;

  for (i = 0; i < n; i++) out[i] = whole[i] / power;
}

export function readNumbers(r, n, codec, ints, slot) {
  var scale = readVarint(r);
  var whole, out, i, count, gaps, sizes, at, power;

  if (scale > SCALE_MAX) throw badColumns("a number has " + scale + " decimals");
  whole = out = ints[slot] = readInts(r, n, ints);
  if (r.spell) {
    for (out = new Array(n), i = 0; i < n; i++) out[i] = spellNumber(whole[i], scale, codec >= 8);
  } else if (codec & 1) {
    power = POWERS[scale];
    for (out = new Array(n), i = 0; i < n; i++) out[i] = whole[i] / power;
  } else if (scale > 0) {
    out = takeArray(FRACTIONS, n);
    divide(whole, POWERS[scale], out, n);
  }
  if (codec & 1) {
    count = readVarint(r);
    if (count === 0 || count > n) throw badColumns("more exceptions than rows");
    gaps = readCounts(r, count);
    sizes = readCounts(r, count);
    for (i = 0, at = 0; i < count; i++, at++) {
      at += gaps[i];
      if (at >= n) throw badColumns("an exception beyond its column");
      out[at] = valueOf(r, takeText(r, sizes[i]), false);
    }
  }
  return out;
}

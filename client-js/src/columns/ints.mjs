// SPDX-License-Identifier: MIT
// Whole numbers.
import { INTS, POOL_ROWS, takeArray } from "./pools.mjs";
import { badColumns, readByte, readVarint, unzigzag } from "./reader.mjs";

var INT_MAX = 0x8000000000000; /* 2^51 */

/* The numbers of `out` as they are written, without what they are differences to. Returns whether all are below 2^31. */
function readRests(r, out, n) {
  var bytes = r.bytes;
  var at = r.at;
  var end = r.end;
  var small = true;
  var i, u, next;

  for (i = 0; i < n; i++) {
    if (at >= end) throw badColumns("it is truncated");
    u = bytes[at++];
    if (u >= 0x80) {
      next = at < end ? bytes[at] : 0x80;
      if (next < 0x80) {
        u = (u & 0x7f) | (next << 7);
        at++;
      } else {
        r.at = at - 1;
        u = readVarint(r);
        at = r.at;
        if (u >= 0x80000000) small = false;
      }
    }
    out[i] = u;
  }
  r.at = at;
  return small;
}

/* The same with runs of zeros. */
function readRuns(r, out, n) {
  var small = true;
  var i = 0;
  var u, zeros;

  while (i < n) {
    out[i++] = u = readVarint(r);
    if (u >= 0x80000000) small = false;
    if (u !== 0) continue;
    zeros = readVarint(r);
    if (zeros > n - i) throw badColumns("a run goes beyond its column");
    while (zeros-- > 0) out[i++] = 0;
  }
  return small;
}

function isInt(v) {
  return v < INT_MAX && v > -INT_MAX;
}

/* Differences become what they are. other: the column that they are differences to, or null: an earlier row. */
function addUp(out, n, lag, other) {
  var before = 0;
  var good = true;
  var i, v;

  for (i = 0; i < n; i++) {
    v = unzigzag(out[i]);
    if (other) v += other[i];
    else v += i < lag ? before : out[i - lag];
    out[i] = before = v;
    good = good && isInt(v);
  }
  return good;
}

/* The same for the usual case: differences of less than 31 bits to the row before. */
function addUpSmall(out, n) {
  var before = 0;
  var i, u;

  for (i = 0; i < n; i++) {
    u = out[i];
    before += (u >>> 1) ^ -(u & 1);
    out[i] = before;
  }
  return true;
}

function signAll(out, n, small) {
  var good = true;
  var i, u;

  for (i = 0; i < n; i++) {
    u = out[i];
    out[i] = small ? (u >>> 1) ^ -(u & 1) : unzigzag(u);
    good = good && isInt(out[i]);
  }
  return good;
}

function areInts(out, n) {
  var i;

  for (i = 0; i < n && out[i] < INT_MAX; i++);
  return i === n;
}

function fill(out, n) {
  var i;

  for (i = 1; i < n; i++) out[i] = out[0];
}

/* n whole numbers. others: for each column before this one its whole numbers, where it has any. */
export function readInts(r, n, others) {
  var mode = readByte(r);
  var how = mode & 3;
  var out = takeArray(INTS, n);
  var other = null;
  var good, arg, small;

  if (mode > 15 || (mode & 7) === 7) throw badColumns("an unknown way to write numbers");
  if (how === 1 || how === 2) {
    arg = readVarint(r);
    other = how === 2 && others && arg < others.length ? others[arg] : null;
    if (!(mode & 8) || (how === 1 ? arg === 0 : !other)) throw badColumns("numbers that refer to nothing");
  }
  small = mode & 4 ? readRuns(r, out, n) : readRests(r, out, how === 3 ? 1 : n);
  if (how === 1 && arg === 1 && small && n <= POOL_ROWS) good = addUpSmall(out, n);
  else if (how === 1 || how === 2) good = addUp(out, n, arg, other);
  else if (mode & 8) good = signAll(out, how === 3 ? 1 : n, small);
  else good = small || areInts(out, how === 3 ? 1 : n);
  if (!good) throw badColumns("a number has more than 51 bits");
  if (how === 3) fill(out, n);
  return out;
}

export function readCounts(r, n) {
  var out = readInts(r, n, null);
  var i;

  for (i = 0; i < n; i++) {
    if (out[i] < 0) throw badColumns("a count below 0");
  }
  return out;
}

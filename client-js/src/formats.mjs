// SPDX-License-Identifier: MIT
// The bytes of a batch into those of its messages: arrays, lines, frames.

export var LF = 0x0a;

/* Calls each(bytes, index) for every frame. */
export function eachFrame(bytes, each) {
  var length = bytes.length;
  var at = 0;
  var index = 0;
  var size;

  while (at < length) {
    if (length - at < 4) {
      throw new Error("siocast: frame " + index + " at byte " + at + " is truncated: " +
        (length - at) + " of the 4 bytes of its length are there");
    }
    /* Not with <<, which would make lengths from 2^31 on negative. */
    size = bytes[at] * 0x1000000 + (bytes[at + 1] << 16 | bytes[at + 2] << 8 | bytes[at + 3]);
    at += 4;
    if (size > length - at) {
      throw new Error("siocast: frame " + index + " at byte " + (at - 4) + " is truncated: " +
        (length - at) + " of its " + size + " bytes are there");
    }
    each(bytes.subarray(at, at + size), index++);
    at += size;
  }
}

export function isSpace(c) {
  return c === 0x20 || c === LF || c === 0x0d || c === 0x09;
}

function badArray(why, at) {
  return new Error("siocast: not a batch: " + why + " at byte " + at);
}

/* The raw elements of a JSON array, without parsing them: only strings and nesting are followed. */
export function splitArray(bytes) {
  var out = [];
  var end = bytes.length;
  var start = 0;
  var depth = 0;
  var i, c, from, to;

  function element(stop) {
    from = start;
    to = stop;
    while (from < to && isSpace(bytes[from])) from++;
    while (to > from && isSpace(bytes[to - 1])) to--;
    if (from === to) throw badArray("an empty element", stop);
    out.push(bytes.subarray(from, to));
    start = stop + 1;
  }

  while (start < end && isSpace(bytes[start])) start++;
  while (end > start && isSpace(bytes[end - 1])) end--;
  if (bytes[start] !== 0x5b) throw badArray("no '['", start);
  if (end - start < 2 || bytes[end - 1] !== 0x5d) throw badArray("no ']'", end);
  start++;
  end--;
  for (i = start; i < end; i++) {
    c = bytes[i];
    if (c === 0x22) { /* a string: on to its closing quote */
      for (i++; i < end && bytes[i] !== 0x22; i++) {
        if (bytes[i] === 0x5c) i++;
      }
      if (i >= end) throw badArray("a string without end", end);
    } else if (c === 0x5b || c === 0x7b) {
      depth++;
    } else if (c === 0x5d || c === 0x7d) {
      if (--depth < 0) throw badArray("a closing bracket too many", i);
    } else if (c === 0x2c && depth === 0) {
      element(i);
    }
  }
  if (depth !== 0) throw badArray("a bracket without end", end);
  for (i = start; i < end && isSpace(bytes[i]); i++);
  if (i < end || out.length > 0) element(end);
  return out;
}

export function splitLines(bytes) {
  var out = [];
  var start = 0;
  var i;

  for (i = 0; i < bytes.length; i++) {
    if (bytes[i] === LF) {
      out.push(bytes.subarray(start, i));
      start = i + 1;
    }
  }
  return out;
}

export function splitFrames(bytes) {
  var out = [];

  eachFrame(bytes, function (frame) {
    out.push(frame);
  });
  return out;
}

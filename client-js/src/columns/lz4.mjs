// SPDX-License-Identifier: MIT
// What the texts of a batch are packed with.
import { badColumns } from "./reader.mjs";

var LONG = 128; /* bytes that are copied at once */
var SLACK = 3; /* bytes behind the last one, since others are copied four at a time */
var KEPT = 65536; /* bytes of memory that the next batch uses, too */

var kept = null; /* { bytes, view } */

function memoryFor(size) {
  var length = (size < KEPT ? KEPT : size) + SLACK;
  var memory = kept;

  if (!memory || memory.bytes.length < size + SLACK) {
    memory = { bytes: new Uint8Array(length), view: null };
    memory.view = new DataView(memory.bytes.buffer);
  }
  if (size <= KEPT) kept = memory;
  return memory;
}

/* Copies from `at` on to `to`, and up to SLACK bytes too many. */
function copyWords(target, to, source, at, count) {
  var end = to + count;

  for (; to < end; to += 4, at += 4) target.setInt32(to, source.getInt32(at, true), true);
}

function copyBytes(target, to, source, at, count) {
  while (count-- > 0) target[to++] = source[at++];
}

function truncated() {
  return badColumns("its texts are truncated");
}

/* A block of LZ4: the bytes from `at` to `end`, which become `size`; they are good until the next batch. */
export function unpack(bytes, at, end, size) {
  var memory = memoryFor(size);
  var out = memory.bytes;
  var target = memory.view;
  var source = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  var readable = bytes.length - SLACK;
  var n = 0;
  var token, more, from, byte;

  for (;;) {
    if (at >= end) throw truncated();
    token = bytes[at++];
    more = token >> 4;
    if (more === 15) {
      do {
        if (at >= end) throw truncated();
        byte = bytes[at++];
        more += byte;
      } while (byte === 255);
    }
    if (more > end - at || more > size - n) throw badColumns("its texts are longer than they say");
    if (more > LONG) out.set(bytes.subarray(at, at + more), n);
    else if (at + more <= readable) copyWords(target, n, source, at, more);
    else copyBytes(out, n, bytes, at, more);
    at += more;
    n += more;
    if (at === end) break;
    if (end - at < 2) throw truncated();
    from = n - (bytes[at] | (bytes[at + 1] << 8));
    at += 2;
    more = (token & 15) + 4;
    if (more === 19) {
      do {
        if (at >= end) throw truncated();
        byte = bytes[at++];
        more += byte;
      } while (byte === 255);
    }
    if (from < 0 || from >= n || more > size - n) throw badColumns("its texts refer to nothing");
    if (more > LONG && from + more <= n) out.set(out.subarray(from, from + more), n);
    else if (n - from >= 4) copyWords(target, n, target, from, more);
    else copyBytes(out, n, out, from, more);
    n += more;
  }
  if (n !== size) throw badColumns("its texts are shorter than they say");
  return out.subarray(0, size);
}

// SPDX-License-Identifier: MIT
// What the texts of a batch are packed with.
import { badColumns } from "./reader.mjs";

var LONG = 128; /* bytes that are copied at once */

/* A block of LZ4: the bytes from `at` to `end`, which become `size`. */
export function unpack(bytes, at, end, size) {
  var out = new Uint8Array(size);
  var n = 0;
  var token, more, from, byte;

  for (;;) {
    if (at >= end) throw badColumns("its texts are truncated");
    token = bytes[at++];
    more = token >> 4;
    if (more === 15) {
      do {
        if (at >= end) throw badColumns("its texts are truncated");
        byte = bytes[at++];
        more += byte;
      } while (byte === 255);
    }
    if (more > end - at || more > size - n) throw badColumns("its texts are longer than they say");
    if (more > LONG) {
      out.set(bytes.subarray(at, at + more), n);
      at += more;
      n += more;
    } else {
      while (more-- > 0) out[n++] = bytes[at++];
    }
    if (at === end) break;
    if (end - at < 2) throw badColumns("its texts are truncated");
    from = n - (bytes[at] | (bytes[at + 1] << 8));
    at += 2;
    more = (token & 15) + 4;
    if (more === 19) {
      do {
        if (at >= end) throw badColumns("its texts are truncated");
        byte = bytes[at++];
        more += byte;
      } while (byte === 255);
    }
    if (from < 0 || from >= n || more > size - n) throw badColumns("its texts refer to nothing");
    if (more > LONG && from + more <= n) {
      out.set(out.subarray(from, from + more), n);
      n += more;
    } else {
      while (more-- > 0) out[n++] = out[from++];
    }
  }
  if (n !== size) throw badColumns("its texts are shorter than they say");
  return out;
}

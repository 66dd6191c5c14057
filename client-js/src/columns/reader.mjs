// SPDX-License-Identifier: MIT
// The bytes of a batch, one after the other.

export function badColumns(why) {
  return new Error("siocast: not a batch in columns: " + why);
}

export function readByte(r) {
  if (r.at >= r.end) throw badColumns("it is truncated");
  return r.bytes[r.at++];
}

export function readVarint(r) {
  var u = 0;
  var factor = 1;
  var byte;

  do {
    if (factor > 0x2000000000000) throw badColumns("a number has more than 53 bits");
    byte = readByte(r);
    u += (byte & 0x7f) * factor;
    factor *= 128;
  } while (byte >= 0x80);
  if (u >= 0x20000000000000) throw badColumns("a number has more than 53 bits");
  return u;
}

export function unzigzag(u) {
  if (u < 0x80000000) return (u >>> 1) ^ -(u & 1);
  return u % 2 ? -(u + 1) / 2 : u / 2;
}

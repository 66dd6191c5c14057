/*! siocast-columns 0.1.0 | MIT | the decoder for batches in columns of siocast, a Socket.IO broadcast server */
/* Made of client-js/src of its repository by build.mjs, which is where it is to be changed. */
/* To be loaded behind siocast.js of the same version. */
(function (root, factory) {
  "use strict";
  var siocast;

  if (typeof module === "object" && module && module.exports) {
    siocast = module.exports = require("./siocast.js");
  } else {
    siocast = root.siocast;
  }
  if (!siocast || siocast.version !== "0.1.0") {
    throw new Error("siocast-columns.js needs siocast.js 0.1.0 before it");
  }
  siocast.use(factory);
})(typeof globalThis !== "undefined" ? globalThis : typeof self !== "undefined" ? self : this, function (shared) {
  "use strict";

  var isSpace = shared.isSpace;
  var putValue = shared.putValue;
  var tag = shared.tag;
  var token = shared.token;
  var utf8 = shared.utf8;
  var utf8Encode = shared.utf8Encode;

  /* --- columns/pools ------------------------------------------------------------------------------------------------- */

  // Arrays for whole columns, used again for each batch: what is made of them is copied into messages. Each kind has its own, so that
  // browsers find whole numbers, fractions or texts in an array, and never a mix. Only those of usual length are kept.

  var pools = [[], [], []];
  var poolsAt = [0, 0, 0];
  var INTS = 0;
  var FRACTIONS = 1;
  var TEXTS = 2;
  var POOL_ROWS = 4096;
  var POOL_MAX = 256;

  function takeArray(kind, n) {
    var pool = pools[kind];
    var at = poolsAt[kind];

    if (n > POOL_ROWS || at >= POOL_MAX) return new Array(n);
    if (at === pool.length) pool.push([]);
    poolsAt[kind] = at + 1;
    return pool[at];
  }

  /* A new batch begins: all of them may be used again. */
  function resetPools() {
    poolsAt = [0, 0, 0];
  }

  /* --- columns/reader ------------------------------------------------------------------------------------------------ */

  // The bytes of a batch, one after the other.

  function badColumns(why) {
    return new Error("siocast: not a batch in columns: " + why);
  }

  function readByte(r) {
    if (r.at >= r.end) throw badColumns("it is truncated");
    return r.bytes[r.at++];
  }

  function readVarint(r) {
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

  function unzigzag(u) {
    if (u < 0x80000000) return (u >>> 1) ^ -(u & 1);
    return u % 2 ? -(u + 1) / 2 : u / 2;
  }

  /* --- columns/lz4 --------------------------------------------------------------------------------------------------- */

  // What the texts of a batch are packed with.

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
  function unpack(bytes, at, end, size) {
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

  /* --- columns/ints -------------------------------------------------------------------------------------------------- */

  // Whole numbers.

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
  function readInts(r, n, others) {
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

  function readCounts(r, n) {
    var out = readInts(r, n, null);
    var i;

    for (i = 0; i < n; i++) {
      if (out[i] < 0) throw badColumns("a count below 0");
    }
    return out;
  }

  /* --- columns/texts ------------------------------------------------------------------------------------------------- */

  // Texts: of the heap, and columns of them.

  /* The next n bytes of the heap, as text. Their characters are counted only where some are not ASCII. */
  function takeText(r, n) {
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
  function valueOf(r, text, string) {
    if (!string && text === "") throw badColumns("a text is empty");
    if (r.spell) return string ? "\"" + text + "\"" : text;
    if (!string) return parseText(text);
    return r.escapes && text.indexOf("\\") >= 0 ? parseText("\"" + text + "\"") : text;
  }

  /* A value that several rows have: objects are not shared by them. */
  function again(value, text) {
    return typeof value === "object" && value !== null ? parseText(text) : value;
  }

  function readTexts(r, n, codec) {
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

  /* --- columns/numbers ----------------------------------------------------------------------------------------------- */

  // Columns of numbers.

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

  function readNumbers(r, n, codec, ints, slot) {
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

  /* --- columns/makers ------------------------------------------------------------------------------------------------ */

  // Made by build.mjs, which says why it is as it is. What makes n objects with the keys k, of 0 to 2, 3 to 4, 5 to 8, and more of them.

  /* They only say how much room objects take: they are never told to store anything, and what they make is like what {} makes. */
  function Object2(never) {
    if (never) this.p0 = this.p1 = 0;
  }
  function Object4(never) {
    if (never) this.p0 = this.p1 = this.p2 = this.p3 = 0;
  }
  function Object8(never) {
    if (never) this.p0 = this.p1 = this.p2 = this.p3 = this.p4 = this.p5 = this.p6 = this.p7 = 0;
  }
  function Object16(never) {
    if (never) this.p0 = this.p1 = this.p2 = this.p3 = this.p4 = this.p5 = this.p6 = this.p7 = this.p8 = this.p9 = this.p10 = this.p11 = this.p12 = this.p13 = this.p14 = this.p15 = 0;
  }
  Object2.prototype = Object4.prototype = Object8.prototype = Object16.prototype = Object.prototype;

  function objects2a(k, c, n, out) {
    var length = k.length;
    var k0 = k[0], k1 = k[1];
    var c0 = c[0], c1 = c[1];
    var i, o;

    for (i = 0; i < n; i++) {
      o = out[i] = new Object2();
      if (length > 0) o[k0] = c0[i];
      if (length > 1) o[k1] = c1[i];
    }
  }

  function objects2b(k, c, n, out) {
    var length = k.length;
    var k0 = k[0], k1 = k[1];
    var c0 = c[0], c1 = c[1];
    var i, o;

    for (i = 0; i < n; i++) {
      o = out[i] = new Object2();
      if (length > 0) o[k0] = c0[i];
      if (length > 1) o[k1] = c1[i];
    }
  }

  function objects2c(k, c, n, out) {
    var length = k.length;
    var k0 = k[0], k1 = k[1];
    var c0 = c[0], c1 = c[1];
    var i, o;

    for (i = 0; i < n; i++) {
      o = out[i] = new Object2();
      if (length > 0) o[k0] = c0[i];
      if (length > 1) o[k1] = c1[i];
    }
  }

  function objects2d(k, c, n, out) {
    var length = k.length;
    var k0 = k[0], k1 = k[1];
    var c0 = c[0], c1 = c[1];
    var i, o;

    for (i = 0; i < n; i++) {
      o = out[i] = new Object2();
      if (length > 0) o[k0] = c0[i];
      if (length > 1) o[k1] = c1[i];
    }
  }

  function objects4a(k, c, n, out) {
    var length = k.length;
    var k0 = k[0], k1 = k[1], k2 = k[2], k3 = k[3];
    var c0 = c[0], c1 = c[1], c2 = c[2], c3 = c[3];
    var i, o;

    for (i = 0; i < n; i++) {
      o = out[i] = new Object4();
      o[k0] = c0[i];
      o[k1] = c1[i];
      o[k2] = c2[i];
      if (length > 3) o[k3] = c3[i];
    }
  }

  function objects4b(k, c, n, out) {
    var length = k.length;
    var k0 = k[0], k1 = k[1], k2 = k[2], k3 = k[3];
    var c0 = c[0], c1 = c[1], c2 = c[2], c3 = c[3];
    var i, o;

    for (i = 0; i < n; i++) {
      o = out[i] = new Object4();
      o[k0] = c0[i];
      o[k1] = c1[i];
      o[k2] = c2[i];
      if (length > 3) o[k3] = c3[i];
    }
  }

  function objects4c(k, c, n, out) {
    var length = k.length;
    var k0 = k[0], k1 = k[1], k2 = k[2], k3 = k[3];
    var c0 = c[0], c1 = c[1], c2 = c[2], c3 = c[3];
    var i, o;

    for (i = 0; i < n; i++) {
      o = out[i] = new Object4();
      o[k0] = c0[i];
      o[k1] = c1[i];
      o[k2] = c2[i];
      if (length > 3) o[k3] = c3[i];
    }
  }

  function objects4d(k, c, n, out) {
    var length = k.length;
    var k0 = k[0], k1 = k[1], k2 = k[2], k3 = k[3];
    var c0 = c[0], c1 = c[1], c2 = c[2], c3 = c[3];
    var i, o;

    for (i = 0; i < n; i++) {
      o = out[i] = new Object4();
      o[k0] = c0[i];
      o[k1] = c1[i];
      o[k2] = c2[i];
      if (length > 3) o[k3] = c3[i];
    }
  }

  function objects8a(k, c, n, out) {
    var length = k.length;
    var k0 = k[0], k1 = k[1], k2 = k[2], k3 = k[3], k4 = k[4], k5 = k[5], k6 = k[6], k7 = k[7];
    var c0 = c[0], c1 = c[1], c2 = c[2], c3 = c[3], c4 = c[4], c5 = c[5], c6 = c[6], c7 = c[7];
    var i, o;

    for (i = 0; i < n; i++) {
      o = out[i] = new Object8();
      o[k0] = c0[i];
      o[k1] = c1[i];
      o[k2] = c2[i];
      o[k3] = c3[i];
      o[k4] = c4[i];
      if (length > 5) o[k5] = c5[i];
      if (length > 6) o[k6] = c6[i];
      if (length > 7) o[k7] = c7[i];
    }
  }

  function objects8b(k, c, n, out) {
    var length = k.length;
    var k0 = k[0], k1 = k[1], k2 = k[2], k3 = k[3], k4 = k[4], k5 = k[5], k6 = k[6], k7 = k[7];
    var c0 = c[0], c1 = c[1], c2 = c[2], c3 = c[3], c4 = c[4], c5 = c[5], c6 = c[6], c7 = c[7];
    var i, o;

    for (i = 0; i < n; i++) {
      o = out[i] = new Object8();
      o[k0] = c0[i];
      o[k1] = c1[i];
      o[k2] = c2[i];
      o[k3] = c3[i];
      o[k4] = c4[i];
      if (length > 5) o[k5] = c5[i];
      if (length > 6) o[k6] = c6[i];
      if (length > 7) o[k7] = c7[i];
    }
  }

  function objects8c(k, c, n, out) {
    var length = k.length;
    var k0 = k[0], k1 = k[1], k2 = k[2], k3 = k[3], k4 = k[4], k5 = k[5], k6 = k[6], k7 = k[7];
    var c0 = c[0], c1 = c[1], c2 = c[2], c3 = c[3], c4 = c[4], c5 = c[5], c6 = c[6], c7 = c[7];
    var i, o;

    for (i = 0; i < n; i++) {
      o = out[i] = new Object8();
      o[k0] = c0[i];
      o[k1] = c1[i];
      o[k2] = c2[i];
      o[k3] = c3[i];
      o[k4] = c4[i];
      if (length > 5) o[k5] = c5[i];
      if (length > 6) o[k6] = c6[i];
      if (length > 7) o[k7] = c7[i];
    }
  }

  function objects8d(k, c, n, out) {
    var length = k.length;
    var k0 = k[0], k1 = k[1], k2 = k[2], k3 = k[3], k4 = k[4], k5 = k[5], k6 = k[6], k7 = k[7];
    var c0 = c[0], c1 = c[1], c2 = c[2], c3 = c[3], c4 = c[4], c5 = c[5], c6 = c[6], c7 = c[7];
    var i, o;

    for (i = 0; i < n; i++) {
      o = out[i] = new Object8();
      o[k0] = c0[i];
      o[k1] = c1[i];
      o[k2] = c2[i];
      o[k3] = c3[i];
      o[k4] = c4[i];
      if (length > 5) o[k5] = c5[i];
      if (length > 6) o[k6] = c6[i];
      if (length > 7) o[k7] = c7[i];
    }
  }

  function objects16a(k, c, n, out) {
    var length = k.length;
    var k0 = k[0], k1 = k[1], k2 = k[2], k3 = k[3], k4 = k[4], k5 = k[5], k6 = k[6], k7 = k[7], k8 = k[8], k9 = k[9], k10 = k[10], k11 = k[11], k12 = k[12], k13 = k[13], k14 = k[14], k15 = k[15];
    var c0 = c[0], c1 = c[1], c2 = c[2], c3 = c[3], c4 = c[4], c5 = c[5], c6 = c[6], c7 = c[7], c8 = c[8], c9 = c[9], c10 = c[10], c11 = c[11], c12 = c[12], c13 = c[13], c14 = c[14], c15 = c[15];
    var i, o, j;

    for (i = 0; i < n; i++) {
      o = out[i] = new Object16();
      o[k0] = c0[i];
      o[k1] = c1[i];
      o[k2] = c2[i];
      o[k3] = c3[i];
      o[k4] = c4[i];
      o[k5] = c5[i];
      o[k6] = c6[i];
      o[k7] = c7[i];
      o[k8] = c8[i];
      if (length > 9) o[k9] = c9[i];
      if (length > 10) o[k10] = c10[i];
      if (length > 11) o[k11] = c11[i];
      if (length > 12) o[k12] = c12[i];
      if (length > 13) o[k13] = c13[i];
      if (length > 14) o[k14] = c14[i];
      if (length > 15) o[k15] = c15[i];
      for (j = 16; j < length; j++) o[k[j]] = c[j][i];
    }
  }

  function objects16b(k, c, n, out) {
    var length = k.length;
    var k0 = k[0], k1 = k[1], k2 = k[2], k3 = k[3], k4 = k[4], k5 = k[5], k6 = k[6], k7 = k[7], k8 = k[8], k9 = k[9], k10 = k[10], k11 = k[11], k12 = k[12], k13 = k[13], k14 = k[14], k15 = k[15];
    var c0 = c[0], c1 = c[1], c2 = c[2], c3 = c[3], c4 = c[4], c5 = c[5], c6 = c[6], c7 = c[7], c8 = c[8], c9 = c[9], c10 = c[10], c11 = c[11], c12 = c[12], c13 = c[13], c14 = c[14], c15 = c[15];
    var i, o, j;

    for (i = 0; i < n; i++) {
      o = out[i] = new Object16();
      o[k0] = c0[i];
      o[k1] = c1[i];
      o[k2] = c2[i];
      o[k3] = c3[i];
      o[k4] = c4[i];
      o[k5] = c5[i];
      o[k6] = c6[i];
      o[k7] = c7[i];
      o[k8] = c8[i];
      if (length > 9) o[k9] = c9[i];
      if (length > 10) o[k10] = c10[i];
      if (length > 11) o[k11] = c11[i];
      if (length > 12) o[k12] = c12[i];
      if (length > 13) o[k13] = c13[i];
      if (length > 14) o[k14] = c14[i];
      if (length > 15) o[k15] = c15[i];
      for (j = 16; j < length; j++) o[k[j]] = c[j][i];
    }
  }

  function objects16c(k, c, n, out) {
    var length = k.length;
    var k0 = k[0], k1 = k[1], k2 = k[2], k3 = k[3], k4 = k[4], k5 = k[5], k6 = k[6], k7 = k[7], k8 = k[8], k9 = k[9], k10 = k[10], k11 = k[11], k12 = k[12], k13 = k[13], k14 = k[14], k15 = k[15];
    var c0 = c[0], c1 = c[1], c2 = c[2], c3 = c[3], c4 = c[4], c5 = c[5], c6 = c[6], c7 = c[7], c8 = c[8], c9 = c[9], c10 = c[10], c11 = c[11], c12 = c[12], c13 = c[13], c14 = c[14], c15 = c[15];
    var i, o, j;

    for (i = 0; i < n; i++) {
      o = out[i] = new Object16();
      o[k0] = c0[i];
      o[k1] = c1[i];
      o[k2] = c2[i];
      o[k3] = c3[i];
      o[k4] = c4[i];
      o[k5] = c5[i];
      o[k6] = c6[i];
      o[k7] = c7[i];
      o[k8] = c8[i];
      if (length > 9) o[k9] = c9[i];
      if (length > 10) o[k10] = c10[i];
      if (length > 11) o[k11] = c11[i];
      if (length > 12) o[k12] = c12[i];
      if (length > 13) o[k13] = c13[i];
      if (length > 14) o[k14] = c14[i];
      if (length > 15) o[k15] = c15[i];
      for (j = 16; j < length; j++) o[k[j]] = c[j][i];
    }
  }

  function objects16d(k, c, n, out) {
    var length = k.length;
    var k0 = k[0], k1 = k[1], k2 = k[2], k3 = k[3], k4 = k[4], k5 = k[5], k6 = k[6], k7 = k[7], k8 = k[8], k9 = k[9], k10 = k[10], k11 = k[11], k12 = k[12], k13 = k[13], k14 = k[14], k15 = k[15];
    var c0 = c[0], c1 = c[1], c2 = c[2], c3 = c[3], c4 = c[4], c5 = c[5], c6 = c[6], c7 = c[7], c8 = c[8], c9 = c[9], c10 = c[10], c11 = c[11], c12 = c[12], c13 = c[13], c14 = c[14], c15 = c[15];
    var i, o, j;

    for (i = 0; i < n; i++) {
      o = out[i] = new Object16();
      o[k0] = c0[i];
      o[k1] = c1[i];
      o[k2] = c2[i];
      o[k3] = c3[i];
      o[k4] = c4[i];
      o[k5] = c5[i];
      o[k6] = c6[i];
      o[k7] = c7[i];
      o[k8] = c8[i];
      if (length > 9) o[k9] = c9[i];
      if (length > 10) o[k10] = c10[i];
      if (length > 11) o[k11] = c11[i];
      if (length > 12) o[k12] = c12[i];
      if (length > 13) o[k13] = c13[i];
      if (length > 14) o[k14] = c14[i];
      if (length > 15) o[k15] = c15[i];
      for (j = 16; j < length; j++) o[k[j]] = c[j][i];
    }
  }

  var makers = [
    [objects2a, objects2b, objects2c, objects2d],
    [objects4a, objects4b, objects4c, objects4d],
    [objects8a, objects8b, objects8c, objects8d],
    [objects16a, objects16b, objects16c, objects16d]
  ];

  /* --- columns/objects ----------------------------------------------------------------------------------------------- */

  // Objects and lists of columns.

  /* "__proto__" is a key like any other, as JSON.parse has it. */
  function objectsWithProto(k, c, n, out) {
    var i, j;

    for (i = 0; i < n; i++) {
      out[i] = {};
      for (j = 0; j < k.length; j++) {
        Object.defineProperty(out[i], k[j], { value: c[j][i], writable: true, enumerable: true, configurable: true });
      }
    }
  }

  /* How many of them were chosen. */
  var chosen = 0;

  /* What makes objects with these keys: each object of a skeleton has its own, as long as there are some. */
  function makerFor(keys) {
    var sizes = 0;

    if (keys.indexOf("__proto__") >= 0) return objectsWithProto;
    while (sizes < makers.length - 1 && keys.length > 2 << sizes) sizes++;
    return makers[sizes][chosen++ % makers[sizes].length];
  }

  function makeArrays(c, n) {
    var length = c.length;
    var out = new Array(n);
    var i, j, a;

    for (i = 0; i < n; i++) {
      if (length === 4) {
        out[i] = [c[0][i], c[1][i], c[2][i], c[3][i]];
      } else if (length === 2) {
        out[i] = [c[0][i], c[1][i]];
      } else {
        a = out[i] = [];
        for (j = 0; j < length; j++) a.push(c[j][i]);
      }
    }
    return out;
  }

  /* --- columns/skeleton ---------------------------------------------------------------------------------------------- */

  // What the rows of a shape have in common.

  var NESTING_MAX = 256; /* of brackets in a skeleton */

  /* How values are made of columns. A node is the number of a slot, or { keys, nodes, make }; keys null: of an array. */
  function planOf(tree) {
    var isArray = tag(tree) === "[object Array]";
    var keys;

    if (typeof tree === "number") return tree;
    if (typeof tree === "string") throw badColumns("a skeleton with a value");
    keys = Object.keys(tree);
    return {
      keys: isArray ? null : keys,
      nodes: keys.map(function (key) {
        return planOf(tree[key]);
      }),
      make: isArray ? null : makerFor(keys)
    };
  }

  /* What a skeleton is made of: texts around its slots, which slots are lists, and how values are made. */
  function parseSkeleton(text) {
    var lists = [];
    var pieces = [];
    var json = "";
    var from = 0;
    var depth = 0;
    var inString = false;
    var i, c, tree;

    for (i = 0; i < text.length; i++) {
      c = text.charCodeAt(i);
      if (c === 0x22) inString = !inString;
      else if (inString) i += c === 0x5c ? 1 : 0;
      else if (c > 1) {
        if (c === 0x5b || c === 0x7b) depth++;
        else if (c === 0x5d || c === 0x7d) depth--;
        else if (c !== 0x2c && c !== 0x3a && !isSpace(c)) throw badColumns("a skeleton with a value");
        if (depth > NESTING_MAX) throw badColumns("a skeleton is too deep");
        continue;
      }
      if (c > 1) continue;
      if (inString) throw badColumns("a slot within a string");
      pieces.push(text.slice(from, i));
      json += text.slice(from, i) + " " + lists.length + " ";
      lists.push(c === 1);
      from = i + 1;
    }
    pieces.push(text.slice(from));
    try {
      tree = JSON.parse(json + text.slice(from));
    } catch (e) {
      throw badColumns("a skeleton is not JSON (" + e.message + ")");
    }
    return { text: text, plan: planOf(tree), pieces: pieces, lists: lists };
  }

  /* Those of the latest batches: a stream has the same ones all the time, mostly in the same order. They are compared, and
   * not looked up by name: that would take longer for texts that are new each time. */
  var skeletons = [];
  var skeletonAt = 0;
  var SKELETONS_MAX = 32;
  var SKELETON_KEPT = 4096; /* characters of one that is kept */

  function readSkeleton(text) {
    var length = skeletons.length;
    var i, known;

    for (i = 0; i < length; i++) {
      if (++skeletonAt >= length) skeletonAt = 0;
      if (skeletons[skeletonAt].text === text) return skeletons[skeletonAt];
    }
    known = parseSkeleton(text);
    if (text.length > SKELETON_KEPT) return known;
    if (length < SKELETONS_MAX) skeletonAt = length;
    skeletons[skeletonAt] = known;
    return known;
  }

  /* --- columns/table ------------------------------------------------------------------------------------------------- */

  // Tables, and the rows that they stand for.

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

  function readTable(r, n, depth) {
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
  function makeValues(plan, shape) {
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
  function rowsOf(r, table) {
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

  /* --- columns/columns ----------------------------------------------------------------------------------------------- */

  // Batches in columns, as doc/columns.md of siocast describes them. Whoever sends one is not trusted: lengths are checked before
  // memory is taken, and nothing grows beyond what the batch says it stands for, which is bounded by its length.

  var GROWTH_MAX = 1024;

  function readHeap(r) {
    var size = readVarint(r);
    var packed = readVarint(r);
    var behind = r.at + (packed || size);

    if (behind > r.end || size > (packed || size) * 255) throw badColumns("it is truncated");
    r.heap = packed ? unpack(r.bytes, r.at, behind, size) : r.bytes.subarray(r.at, behind);
    r.at = behind;
    r.text = utf8(r.heap);
    r.highAt = r.heap.length;
    if (r.text.length !== r.heap.length) {
      for (r.highAt = 0; r.heap[r.highAt] < 0x80; r.highAt++);
    }
    r.escapes = r.text.indexOf("\\") >= 0;
  }

  /* Reads the batch, and what make(reader, table) makes of its table. */
  function readColumns(bytes, spell, make) {
    var r = {
      bytes: bytes, at: 1, end: bytes.length, spell: spell, budget: 0,
      heap: null, heapAt: 0, highAt: 0, text: "", textAt: 0, escapes: false
    };
    var n, out;

    resetPools();
    r.budget = readVarint(r);
    if (r.budget >= (bytes.length + 1) * GROWTH_MAX) throw badColumns("it says that it is too long");
    readHeap(r);
    n = readVarint(r);
    out = make(r, readTable(r, n, 0));
    if (r.at !== r.end - 1 || r.heapAt !== r.heap.length) throw badColumns("there is something behind it");
    return out;
  }

  function putShape(all, n, pointer, plan, shape, rows) {
    var values, i;

    if (plan.keys && plan.keys.length > 0) {
      for (i = 0; i < plan.keys.length; i++) {
        putShape(all, n, pointer + token(plan.keys[i]), plan.nodes[i], shape, rows);
      }
      return;
    }
    values = makeValues(plan, shape);
    for (i = 0; i < shape.n; i++) putValue(all, n, pointer, rows ? rows[i] : i, values[i]);
  }

  function putTable(all, table) {
    var rows = table.shapes.map(function () {
      return table.of ? [] : null;
    });
    var i;

    for (i = 0; table.of && i < table.n; i++) rows[table.of[i]].push(i);
    for (i = 0; i < table.shapes.length; i++) {
      putShape(all, table.n, "", table.shapes[i].skeleton.plan, table.shapes[i], rows[i]);
    }
    return table.n;
  }

  /* The parsed messages of a batch. */
  function decode(bytes) {
    return readColumns(bytes, false, rowsOf);
  }

  /* The same as they were published. */
  function split(bytes) {
    return readColumns(bytes, true, rowsOf).map(utf8Encode);
  }

  /* Puts its values into `all`, by where they stand. Returns how many messages there are. */
  function chart(bytes, all) {
    return readColumns(bytes, false, function (r, table) {
      return putTable(all, table);
    });
  }

  return { decode: decode, split: split, chart: chart };
});

/*! siocast 0.1.0 | MIT | the batch decoder of siocast, a Socket.IO broadcast server */
/*
 * siocast sends many messages as one binary argument. This file takes them
 * apart again:
 *
 *     socket.on("ticks", function (buffer) {
 *       siocast.decode(buffer).forEach(function (tick) { draw(tick); });
 *     });
 *
 * A batch has one of four formats:
 *
 *     array    [m1,m2]                       a JSON array; never ends with LF
 *     lines    m1 LF m2 LF                   ends with LF
 *     frames   u32 big-endian length, bytes, each; a length is below 2^24, so the first byte is 00
 *     columns  the values of each place in the messages together; first byte 01, last byte 00
 *
 * And it has clients before 4.6 come back to their session after their connection broke:
 *
 *     var socket = siocast.resume(io());
 *
 * It runs in every browser that has typed arrays (from IE 10 on) and in Node
 * from 0.10 on, as a <script> (global `siocast`), by require() and, through
 * siocast.mjs, by import. It needs nothing else, so it is written in ES5.
 */
(function (root, factory) {
  "use strict";
  if (typeof module === "object" && module && module.exports) {
    module.exports = factory();
  } else {
    root.siocast = factory();
  }
})(typeof globalThis !== "undefined" ? globalThis : typeof self !== "undefined" ? self : this, function () {
  "use strict";

  var LF = 0x0a;
  var REPLACEMENT = 0xfffd;
  /* Function.prototype.apply fails in some engines above about 65,000 arguments. */
  var CHUNK = 8192;

  /* --- bytes ------------------------------------------------------------------------------------------------------ */

  function tag(value) {
    return Object.prototype.toString.call(value);
  }

  /* The bytes of whatever binary a Socket.IO client hands out, as a Uint8Array over the same memory where possible.
   * Asked by name and not by instanceof, because a buffer may come from another frame or vm context. */
  function bytesOf(data) {
    var name = tag(data);

    if (name === "[object ArrayBuffer]") {
      return new Uint8Array(data);
    }
    if (data && typeof data === "object") {
      if (tag(data.buffer) === "[object ArrayBuffer]") {
        return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
      }
      /* The Buffer of Node before 4 is no typed array, but it looks like one. */
      if (typeof Buffer === "function" && Buffer.isBuffer && Buffer.isBuffer(data)) {
        return new Uint8Array(data);
      }
    }
    throw new Error("siocast: expected an ArrayBuffer, a typed array, a DataView, a Buffer or a string, got " +
      (data === null ? "null" : typeof data === "object" ? name : typeof data));
  }

  /* --- UTF-8 ------------------------------------------------------------------------------------------------------ */

  /*
   * The decoder of the Encoding Standard (encoding.spec.whatwg.org, "utf-8 decoder") with a byte order mark kept, for
   * browsers without TextDecoder. Malformed input becomes U+FFFD, one for each longest start of a valid sequence, just
   * as TextDecoder does it.
   */
  function utf8Fallback(bytes) {
    var text = "";
    var units = [];
    var length = bytes.length;
    var i = 0;
    var lead, point, more, lower, upper;

    while (i < length) {
      lead = bytes[i++];
      if (lead < 0x80) {
        units.push(lead);
      } else {
        lower = 0x80;
        upper = 0xbf;
        more = 0;
        if (lead >= 0xc2 && lead <= 0xdf) {
          more = 1;
          point = lead & 0x1f;
        } else if (lead >= 0xe0 && lead <= 0xef) {
          if (lead === 0xe0) lower = 0xa0; /* below: overlong */
          if (lead === 0xed) upper = 0x9f; /* above: a surrogate */
          more = 2;
          point = lead & 0x0f;
        } else if (lead >= 0xf0 && lead <= 0xf4) {
          if (lead === 0xf0) lower = 0x90; /* below: overlong */
          if (lead === 0xf4) upper = 0x8f; /* above: beyond U+10FFFF */
          more = 3;
          point = lead & 0x07;
        } else {
          point = REPLACEMENT;
        }
        while (more > 0) {
          if (i >= length || bytes[i] < lower || bytes[i] > upper) {
            /* The byte that does not belong is looked at again as a start. */
            point = REPLACEMENT;
            break;
          }
          point = (point << 6) | (bytes[i++] & 0x3f);
          lower = 0x80;
          upper = 0xbf;
          more--;
        }
        if (point > 0xffff) {
          point -= 0x10000;
          units.push(0xd800 + (point >> 10), 0xdc00 + (point & 0x3ff));
        } else {
          units.push(point);
        }
      }
      if (units.length >= CHUNK) {
        text += String.fromCharCode.apply(null, units);
        units = [];
      }
    }
    return text + String.fromCharCode.apply(null, units);
  }

  var decoder = null;

  function utf8(bytes) {
    if (decoder === null && typeof TextDecoder === "function") {
      /* A byte order mark is part of the message: it is not ours to drop. */
      decoder = new TextDecoder("utf-8", { fatal: false, ignoreBOM: true });
    }
    return decoder ? decoder.decode(bytes) : utf8Fallback(bytes);
  }

  /* The same for a string that has to become bytes (split() of a text feed); a lone surrogate becomes U+FFFD. */
  function utf8Encode(text) {
    var out = [];
    var i, c, next;

    for (i = 0; i < text.length; i++) {
      c = text.charCodeAt(i);
      if (c >= 0xd800 && c <= 0xdfff) {
        next = c <= 0xdbff && i + 1 < text.length ? text.charCodeAt(i + 1) : 0;
        if (next >= 0xdc00 && next <= 0xdfff) {
          c = 0x10000 + ((c - 0xd800) << 10) + (next - 0xdc00);
          i++;
        } else {
          c = REPLACEMENT;
        }
      }
      if (c < 0x80) {
        out.push(c);
      } else if (c < 0x800) {
        out.push(0xc0 | (c >> 6), 0x80 | (c & 0x3f));
      } else if (c < 0x10000) {
        out.push(0xe0 | (c >> 12), 0x80 | ((c >> 6) & 0x3f), 0x80 | (c & 0x3f));
      } else {
        out.push(0xf0 | (c >> 18), 0x80 | ((c >> 12) & 0x3f), 0x80 | ((c >> 6) & 0x3f), 0x80 | (c & 0x3f));
      }
    }
    return new Uint8Array(out);
  }

  /* --- the formats ------------------------------------------------------------------------------------------------ */

  /* Calls each(bytes, index) for every frame. */
  function eachFrame(bytes, each) {
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

  function isSpace(c) {
    return c === 0x20 || c === LF || c === 0x0d || c === 0x09;
  }

  function badArray(why, at) {
    return new Error("siocast: not a batch: " + why + " at byte " + at);
  }

  /* The raw elements of a JSON array, without parsing them: only strings and nesting are followed. */
  function splitArray(bytes) {
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

  function splitLines(bytes) {
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

  function splitFrames(bytes) {
    var out = [];

    eachFrame(bytes, function (frame) {
      out.push(frame);
    });
    return out;
  }

  /* --- JSON ------------------------------------------------------------------------------------------------------- */

  function parseMessage(text, index) {
    try {
      return JSON.parse(text);
    } catch (e) {
      throw new Error("siocast: message " + index + " is not JSON (" + e.message + "): " +
        (text.length > 80 ? text.slice(0, 80) + "..." : text));
    }
  }

  function decodeArray(text) {
    var batch;

    try {
      batch = JSON.parse(text);
    } catch (e) {
      throw new Error("siocast: the batch is not JSON (" + e.message + "): " +
        (text.length > 80 ? text.slice(0, 80) + "..." : text));
    }
    if (tag(batch) !== "[object Array]") {
      throw new Error("siocast: not a batch: a JSON " + (batch === null ? "null" : typeof batch) + ", not an array");
    }
    return batch;
  }

  function decodeLines(text) {
    var lines = text.split("\n");
    var out = [];
    var i;

    /* What follows the last LF is empty. */
    for (i = 0; i < lines.length - 1; i++) {
      out.push(parseMessage(lines[i], i));
    }
    return out;
  }

  function decodeFrames(bytes) {
    var out = [];

    eachFrame(bytes, function (frame, index) {
      out.push(parseMessage(utf8(frame), index));
    });
    return out;
  }

  /* --- columns ---------------------------------------------------------------------------------------------------- */

  /*
   * The compact format, as doc/columns.md of siocast describes it. Whoever sends it is not trusted: lengths are checked
   * before memory is taken, and nothing grows beyond what the batch says it stands for, which is bounded by its length.
   */
  var COLUMNS_FIRST = 1;
  var COLUMNS_LAST = 0;
  var GROWTH_MAX = 1024;
  var DEPTH_MAX = 16; /* of tables */
  var NESTING_MAX = 256; /* of brackets in a skeleton */
  var SCALE_MAX = 15;
  var INT_MAX = 0x8000000000000; /* 2^51 */
  var POWERS = [1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15];
  var LONG = 128; /* bytes that are copied at once */
  var ZEROS = "000000000000000";

  function isColumns(bytes) {
    return bytes.length > 1 && bytes[0] === COLUMNS_FIRST && bytes[bytes.length - 1] === COLUMNS_LAST;
  }

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

  /* Arrays for whole columns, used again for each batch: what is made of them is copied into messages. Each kind has its
   * own, so that browsers find whole numbers, fractions or texts in an array, and never a mix. Only those of usual length
   * are kept. */
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

  /* How values are made of columns. A node is the number of a slot, or { keys, nodes }; keys null: of an array. */
  function planOf(tree) {
    var keys;

    if (typeof tree === "number") return tree;
    if (typeof tree === "string") throw badColumns("a skeleton with a value");
    keys = Object.keys(tree);
    return {
      keys: tag(tree) === "[object Array]" ? null : keys,
      nodes: keys.map(function (key) {
        return planOf(tree[key]);
      })
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

  /*
   * Objects, one for each row. Each line that stores has a key of its own, and each size of object its own lines: so a
   * browser's compiler finds one name and one class of objects in each of them, mostly, and stores without looking up.
   * What makes them only says how much room they take: it is never told to store anything, and what it makes is like
   * what {} makes.
   */
  function Object2(never) {
    if (never) this.a = this.b = 0;
  }
  function Object4(never) {
    if (never) this.a = this.b = this.c = this.d = 0;
  }
  function Object8(never) {
    if (never) this.a = this.b = this.c = this.d = this.e = this.f = this.g = this.h = 0;
  }
  function Object16(never) {
    if (never) this.a = this.b = this.c = this.d = this.e = this.f = this.g = this.h = this.i = this.j = this.k = this.l = this.m = this.n = this.o = this.p = 0;
  }
  Object2.prototype = Object4.prototype = Object8.prototype = Object16.prototype = Object.prototype;

  function objects2(k, c, n, out) {
    var length = k.length;
    var k0 = k[0], k1 = k[1];
    var c0 = c[0], c1 = c[1];
    var i, o;

    for (i = 0; i < n; i++) {
      o = out[i] = new Object2();
      o[k0] = c0[i];
      if (length > 1) o[k1] = c1[i];
    }
  }

  function objects4(k, c, n, out) {
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

  function objects8(k, c, n, out) {
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

  function objects16(k, c, n, out) {
    var length = k.length;
    var k0 = k[0], k1 = k[1], k2 = k[2], k3 = k[3], k4 = k[4], k5 = k[5], k6 = k[6], k7 = k[7], k8 = k[8], k9 = k[9],
      k10 = k[10], k11 = k[11], k12 = k[12], k13 = k[13], k14 = k[14], k15 = k[15];
    var c0 = c[0], c1 = c[1], c2 = c[2], c3 = c[3], c4 = c[4], c5 = c[5], c6 = c[6], c7 = c[7], c8 = c[8], c9 = c[9],
      c10 = c[10], c11 = c[11], c12 = c[12], c13 = c[13], c14 = c[14], c15 = c[15];
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

  function makeObjects(k, c, n) {
    var out = new Array(n);
    var i;

    if (k.indexOf("__proto__") >= 0) objectsWithProto(k, c, n, out);
    else if (k.length > 8) objects16(k, c, n, out);
    else if (k.length > 4) objects8(k, c, n, out);
    else if (k.length > 2) objects4(k, c, n, out);
    else if (k.length > 0) objects2(k, c, n, out);
    else for (i = 0; i < n; i++) out[i] = {};
    return out;
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

  /* The values that a part of a shape has, in all its rows. */
  function makeValues(plan, shape) {
    var columns, i;

    if (typeof plan === "number") return shape.columns[plan];
    columns = new Array(plan.nodes.length);
    for (i = 0; i < columns.length; i++) columns[i] = makeValues(plan.nodes[i], shape);
    return plan.keys ? makeObjects(plan.keys, columns, shape.n) : makeArrays(columns, shape.n);
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

  /* A block of LZ4: the bytes from `at` to `end`, which become `size`. */
  function unpack(bytes, at, end, size) {
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

    poolsAt = [0, 0, 0];
    r.budget = readVarint(r);
    if (r.budget >= (bytes.length + 1) * GROWTH_MAX) throw badColumns("it says that it is too long");
    readHeap(r);
    n = readVarint(r);
    out = make(r, readTable(r, n, 0));
    if (r.at !== r.end - 1 || r.heapAt !== r.heap.length) throw badColumns("there is something behind it");
    return out;
  }

  /* --- columns for charts ----------------------------------------------------------------------------------------- */

  function token(key) {
    return "/" + key.replace(/~/g, "~0").replace(/\//g, "~1");
  }

  /* What message i has at a pointer; of an object what is in it, each with its own. */
  function putValue(all, n, pointer, i, value) {
    var keys = value !== null && typeof value === "object" && tag(value) !== "[object Array]" ? Object.keys(value) : [];
    var j;

    for (j = 0; j < keys.length; j++) putValue(all, n, pointer + token(keys[j]), i, value[keys[j]]);
    if (keys.length > 0) return;
    if (!all[pointer]) all[pointer] = new Array(n);
    all[pointer][i] = value;
  }

  /* The same for all rows of a shape; rows: which messages they are, null for all. */
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

  /* As a typed array, where there are only numbers, and places where there is nothing or null: NaN. */
  function typed(values) {
    var out = new Float64Array(values.length);
    var some = false;
    var i;

    for (i = 0; i < values.length; i++) {
      if (typeof values[i] === "number") some = true;
      else if (values[i] !== undefined && values[i] !== null) return values;
      out[i] = typeof values[i] === "number" ? values[i] : NaN;
    }
    return some ? out : values;
  }

  /* --- what the page calls ---------------------------------------------------------------------------------------- */

  /* Lengths are bytes that need not be UTF-8, so frames cannot have come through as text. */
  function refuseTextFrames(text) {
    if (text.charCodeAt(0) === 0) {
      throw new Error("siocast: a batch in frames is binary and cannot be read from a string");
    }
  }

  function decodeText(text) {
    if (text.length === 0) return [];
    refuseTextFrames(text);
    return text.charCodeAt(text.length - 1) === LF ? decodeLines(text) : decodeArray(text);
  }

  /* The parsed messages of a batch. */
  function decode(data) {
    var bytes;

    if (typeof data === "string") return decodeText(data);
    /* A feed with "encode": "json" sends the array itself; code that calls decode() works with it, too. */
    if (tag(data) === "[object Array]") return data;
    bytes = bytesOf(data);
    if (bytes.length > 0 && bytes[0] === 0) return decodeFrames(bytes);
    if (isColumns(bytes)) return readColumns(bytes, false, rowsOf);
    return decodeText(utf8(bytes));
  }

  /* The messages of a batch as they were published: Uint8Arrays, for messages that are not JSON or are parsed later.
   * They share the batch's memory, unless it is one of columns: then they are put together again. */
  function split(data) {
    var bytes;

    if (typeof data === "string") {
      refuseTextFrames(data);
      bytes = utf8Encode(data);
    } else {
      bytes = bytesOf(data);
    }
    if (bytes.length === 0) return [];
    if (bytes[0] === 0) return splitFrames(bytes);
    if (isColumns(bytes)) return readColumns(bytes, true, rowsOf).map(utf8Encode);
    return bytes[bytes.length - 1] === LF ? splitLines(bytes) : splitArray(bytes);
  }

  /*
   * The values of a batch by where they stand in its messages: `values["/price"]` has one for each message. Where they
   * are numbers it is a Float64Array, with NaN for a message that has none there; else an array. What is in objects has
   * a place of its own ("/trade/size"), a list is one value.
   */
  function columns(data) {
    var all = Object.create(null);
    var bytes = typeof data === "string" || tag(data) === "[object Array]" ? null : bytesOf(data);
    var messages, n;

    if (bytes && isColumns(bytes)) {
      n = readColumns(bytes, false, function (r, table) {
        return putTable(all, table);
      });
    } else {
      messages = decode(bytes || data);
      n = messages.length;
      messages.forEach(function (message, i) {
        putValue(all, n, "", i, message);
      });
    }
    Object.keys(all).forEach(function (pointer) {
      all[pointer] = typed(all[pointer]);
    });
    return { length: n, values: all };
  }

  /* Calls fn(message) for every message of every batch of an event. Returns a function that ends it. */
  function on(socket, event, fn) {
    function listener(data) {
      var messages = decode(data);
      var i;

      for (i = 0; i < messages.length; i++) fn(messages[i]);
    }

    socket.on(event, listener);
    return function off() {
      /* Node's own emitter has no off() before Node 10. */
      if (socket.off) socket.off(event, listener);
      else socket.removeListener(event, listener);
    };
  }

  /* --- coming back ------------------------------------------------------------------------------------------------ */

  /*
   * Clients before 4.6 know nothing of recovery. What siocast sends to one that asks for it is looked at before the
   * client's own code gets it: the offset behind the arguments of each event is taken off, and remembered. All
   * namespaces of a connection come back together, as siocast has it.
   *
   *     3.0 to 4.5   the CONNECT packet has the pid, and takes pid and offset when the client is back
   *     1.0 to 2.5   the event siocast:session has the pid, and the query of the next handshake takes pid and offset
   */
  var CONNECT = 0;
  var EVENT = 2;
  var BINARY_EVENT = 5;

  /* A parameter of the query for each namespace. */
  var SINCE = "siocast-since";

  /* "a=1&siocast-since=x" without what we added to it. */
  function withoutSince(query) {
    var parts = query.split("&");
    var kept = [];
    var i;

    for (i = 0; i < parts.length; i++) {
      if (parts[i] !== "" && parts[i].indexOf(SINCE) !== 0) kept.push(parts[i]);
    }
    return kept.join("&");
  }

  function withSince(query, since) {
    var text = withoutSince(query);
    var name;

    for (name in since) {
      text += (text === "" ? "" : "&") + encodeURIComponent(name) + "=" + encodeURIComponent(since[name]);
    }
    return text;
  }

  function copyOf(object) {
    var copy = {};
    var name;

    for (name in object) copy[name] = object[name];
    return copy;
  }

  /* The same for a query that is an object. */
  function mergeSince(query, since) {
    var merged = copyOf(query);
    var name;

    for (name in query) {
      if (name.indexOf(SINCE) === 0) delete merged[name];
    }
    for (name in since) merged[name] = since[name];
    return merged;
  }

  /* What the query of the next handshake says. The one of the address counts, where it has one. */
  function setQuery(manager, since) {
    var uri = manager.uri;
    var mark = typeof uri === "string" ? uri.indexOf("?") : -1;
    var query = manager.opts.query;

    if (mark >= 0) {
      manager.uri = uri.slice(0, mark + 1) + withSince(uri.slice(mark + 1), since);
      return;
    }
    /* A page may give one object of options to several managers. */
    manager.opts = copyOf(manager.opts);
    manager.opts.query =
      typeof query === "string" ? withSince(query.replace(/^\?/, ""), since) : mergeSince(query, since);
  }

  /* Adds pid and offset to the CONNECT packets of a socket. What the page gives for auth stays as it is. */
  function hookSocket(socket, place) {
    var packet = socket.packet;

    socket.packet = function (p) {
      var data, name;

      if (p && p.type === CONNECT && place.pid && place.answered) {
        data = { pid: place.pid };
        if (place.offset) data.offset = place.offset;
        for (name in p.data) data[name] = p.data[name];
        p.data = data;
      }
      return packet.apply(this, arguments);
    };
    if (typeof socket.recovered !== "boolean") socket.recovered = false;
    socket.on("disconnect", function () {
      socket.recovered = false;
    });
  }

  /* What is remembered of a socket, and the hook in it, made when they are new. memory is of a connection, and lives as
   * long as its manager. */
  function placeOf(memory, nsp) {
    var socket = memory.manager.nsps[nsp];
    var key = "n" + nsp;
    var place = memory.places[key];

    if (!place) {
      place = memory.places[key] = { nsp: nsp, pid: "", offset: "", socket: null, engine: null, answered: false };
    }
    if (socket && socket !== place.socket) {
      place.socket = socket;
      hookSocket(socket, place);
    }
    return place;
  }

  /* Another pid than before: what was remembered is of another session. Returns whether it is the same. */
  function renew(place, pid) {
    var same = pid !== "" && place.pid === pid;

    if (!same) place.offset = "";
    place.pid = pid;
    return same;
  }

  function onConnect(memory, place, data) {
    if (data && data.sid) {
      place.answered = true;
      place.socket.recovered = renew(place, data.pid || "");
    } else if (place.engine !== memory.manager.engine) {
      /* Of revision 3, and the server has not said anything: it was not asked yet, or has no recovery. */
      renew(place, "");
      place.socket.recovered = false;
      place.socket.emit("siocast:resume");
    }
  }

  function onEvent(memory, place, data) {
    if (data[0] === "siocast:session") {
      place.engine = memory.manager.engine;
      place.socket.recovered = renew(place, data[1]) && data[2] === true;
    } else if (place.pid && data.length > 1 && typeof data[data.length - 1] === "string") {
      place.offset = data.pop();
    }
  }

  function onPacket(memory, packet) {
    if (!packet || !memory.manager.nsps[packet.nsp]) return;
    if (packet.type === CONNECT) {
      onConnect(memory, placeOf(memory, packet.nsp), packet.data);
    } else if ((packet.type === EVENT || packet.type === BINARY_EVENT) && packet.id == null && packet.data) {
      onEvent(memory, placeOf(memory, packet.nsp), packet.data);
    }
  }

  /* The connection has ended: from here on nothing changes until the next handshake. */
  function onClose(memory) {
    var since = {};
    var any = false;
    var key, place;

    for (key in memory.places) {
      place = memory.places[key];
      if (place.answered || !place.pid) continue;
      any = true;
      since[SINCE + (place.nsp === "/" ? "" : place.nsp)] = place.pid + "~" + place.offset;
    }
    if (any || memory.asks) setQuery(memory.manager, since);
    memory.asks = any;
  }

  /* Ours comes before the listeners that are there. */
  function listenFirst(emitter, event, listener) {
    var others = emitter.listeners(event).slice();
    var i;

    for (i = 0; i < others.length; i++) emitter.removeListener(event, others[i]);
    emitter.on(event, listener);
    for (i = 0; i < others.length; i++) emitter.on(event, others[i]);
  }

  /* Has a client before 4.6 come back to its session: its rooms, and what it missed. Later ones do so by themselves. */
  function resume(socket) {
    var manager = socket.io;
    var memory = { manager: manager, places: {}, asks: false };

    if (manager.siocastMemory || typeof socket.recovered === "boolean") return socket;
    manager.siocastMemory = memory;
    listenFirst(manager.decoder, "decoded", function (packet) {
      onPacket(memory, packet);
    });
    manager.on("close", function () {
      onClose(memory);
    });
    placeOf(memory, socket.nsp);
    /* Of revision 3 its id is made of the engine's; before 1.3 it has none. Later ones were told the pid already. */
    if (socket.connected && String(socket.id || manager.engine.id).indexOf(manager.engine.id) >= 0) {
      socket.emit("siocast:resume");
    }
    return socket;
  }

  return {
    version: "0.1.0",
    decode: decode,
    split: split,
    columns: columns,
    on: on,
    resume: resume,
    utf8Fallback: utf8Fallback /* for its tests; pages need not know it */
  };
});

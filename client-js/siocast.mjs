/*! siocast 0.1.0 | MIT | the batch decoder of siocast, a Socket.IO broadcast server */
/* siocast.js as a module: made from it by build.mjs of its repository, where it is to be changed. */

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
  return decodeText(utf8(bytes));
}

/* The messages of a batch as they were published: Uint8Arrays, for messages that are not JSON or are parsed later.
 * They share the batch's memory. */
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
  return bytes[bytes.length - 1] === LF ? splitLines(bytes) : splitArray(bytes);
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

var version = "0.1.0";

export { version, decode, split, on };
export default { version: version, decode: decode, split: split, on: on };

/*! siocast 0.1.0 | MIT | the batch decoder of siocast, a Socket.IO broadcast server */
/* Made of client-js/src of its repository by build.mjs, which is where it is to be changed. */

var version = "0.1.0";

/* --- bytes --------------------------------------------------------------------------------------------------------- */

// What is binary, whatever it is called.

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

/* --- utf8 ---------------------------------------------------------------------------------------------------------- */

// UTF-8 to strings and back, in browsers without TextDecoder, too.

var REPLACEMENT = 0xfffd;
/* Function.prototype.apply fails in some engines above about 65,000 arguments. */
var CHUNK = 8192;

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

/* --- formats ------------------------------------------------------------------------------------------------------- */

// The bytes of a batch into those of its messages: arrays, lines, frames.

var LF = 0x0a;

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

/* --- messages ------------------------------------------------------------------------------------------------------ */

// A batch into its messages, parsed.

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

/* --- pointers ------------------------------------------------------------------------------------------------------ */

// Values by where they stand in messages.

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

/* --- batch --------------------------------------------------------------------------------------------------------- */

// What a page calls with a batch, and the place for what knows a format that is not here.

/* { decode, split, chart } of siocast-columns.js, once it is there. */
var inColumns = null;

/* For siocast-columns.js, which is loaded by pages that need it: it gives make(), which gets what both need. */
function use(make) {
  inColumns = make({ isSpace: isSpace, putValue: putValue, tag: tag, token: token, utf8: utf8, utf8Encode: utf8Encode });
}

/* What decodes the batch where it is one in columns, else null. */
function columnsFor(bytes) {
  if (bytes.length < 2 || bytes[0] !== 1 || bytes[bytes.length - 1] !== 0) return null;
  if (inColumns) return inColumns;
  throw new Error("siocast: a batch in columns, which needs siocast-columns.js: load it behind siocast.js, " +
    "or import \"siocast/columns\"");
}

/* The parsed messages of a batch. */
function decode(data) {
  var bytes, others;

  if (typeof data === "string") return decodeText(data);
  /* A feed with "encode": "json" sends the array itself; code that calls decode() works with it, too. */
  if (tag(data) === "[object Array]") return data;
  bytes = bytesOf(data);
  if (bytes.length > 0 && bytes[0] === 0) return decodeFrames(bytes);
  others = columnsFor(bytes);
  return others ? others.decode(bytes) : decodeText(utf8(bytes));
}

/* The messages of a batch as they were published: Uint8Arrays, for messages that are not JSON or are parsed later.
 * They share the batch's memory, unless it is one of columns: then they are put together again. */
function split(data) {
  var bytes, others;

  if (typeof data === "string") {
    refuseTextFrames(data);
    bytes = utf8Encode(data);
  } else {
    bytes = bytesOf(data);
  }
  if (bytes.length === 0) return [];
  if (bytes[0] === 0) return splitFrames(bytes);
  others = columnsFor(bytes);
  if (others) return others.split(bytes);
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

/* --- charts -------------------------------------------------------------------------------------------------------- */

// Columns for charts, of a batch in whatever format.

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

/*
 * The values of a batch by where they stand in its messages: `values["/price"]` has one for each message. Where they
 * are numbers it is a Float64Array, with NaN for a message that has none there; else an array. What is in objects has
 * a place of its own ("/trade/size"), a list is one value.
 */
function columns(data) {
  var all = Object.create(null);
  var bytes = typeof data === "string" || tag(data) === "[object Array]" ? null : bytesOf(data);
  var others = bytes ? columnsFor(bytes) : null;
  var messages, n;

  if (others) {
    n = others.chart(bytes, all);
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

/* --- query --------------------------------------------------------------------------------------------------------- */

// What siocast is told in the query of a handshake.

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

/* --- resume -------------------------------------------------------------------------------------------------------- */

// Coming back after a connection broke: clients before 4.6 know nothing of recovery. What siocast sends to one that asks for it is
// looked at before the client's own code gets it: the offset behind the arguments of each event is taken off, and remembered. All
// namespaces of a connection come back together, as siocast has it.
//
//     3.0 to 4.5   the CONNECT packet has the pid, and takes pid and offset when the client is back
//     1.0 to 2.5   the event siocast:session has the pid, and the query of the next handshake takes pid and offset

var CONNECT = 0;
var EVENT = 2;
var BINARY_EVENT = 5;

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

export { version, decode, split, columns, on, resume, use };
export default { version: version, decode: decode, split: split, columns: columns, on: on, resume: resume, use: use };

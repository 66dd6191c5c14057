// SPDX-License-Identifier: MIT
// What a page calls with a batch, and the place for what knows a format that is not here.
import { bytesOf, tag } from "./bytes.mjs";
import { LF, isSpace, splitArray, splitFrames, splitLines } from "./formats.mjs";
import { decodeFrames, decodeText, refuseTextFrames } from "./messages.mjs";
import { putValue, token } from "./pointers.mjs";
import { utf8, utf8Encode } from "./utf8.mjs";

/* { decode, split, chart } of siocast-columns.js, once it is there. */
var inColumns = null;

/* For siocast-columns.js, which is loaded by pages that need it: it gives make(), which gets what both need. */
export function use(make) {
  inColumns = make({ isSpace: isSpace, putValue: putValue, tag: tag, token: token, utf8: utf8, utf8Encode: utf8Encode });
}

/* What decodes the batch where it is one in columns, else null. */
export function columnsFor(bytes) {
  if (bytes.length < 2 || bytes[0] !== 1 || bytes[bytes.length - 1] !== 0) return null;
  if (inColumns) return inColumns;
  throw new Error("siocast: a batch in columns, which needs siocast-columns.js: load it behind siocast.js, " +
    "or import \"siocast/columns\"");
}

/* The parsed messages of a batch. */
export function decode(data) {
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
export function split(data) {
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
export function on(socket, event, fn) {
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

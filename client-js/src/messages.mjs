// SPDX-License-Identifier: MIT
// A batch into its messages, parsed.
import { tag } from "./bytes.mjs";
import { LF, eachFrame } from "./formats.mjs";
import { utf8 } from "./utf8.mjs";

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

export function decodeFrames(bytes) {
  var out = [];

  eachFrame(bytes, function (frame, index) {
    out.push(parseMessage(utf8(frame), index));
  });
  return out;
}

/* Lengths are bytes that need not be UTF-8, so frames cannot have come through as text. */
export function refuseTextFrames(text) {
  if (text.charCodeAt(0) === 0) {
    throw new Error("siocast: a batch in frames is binary and cannot be read from a string");
  }
}

export function decodeText(text) {
  if (text.length === 0) return [];
  refuseTextFrames(text);
  return text.charCodeAt(text.length - 1) === LF ? decodeLines(text) : decodeArray(text);
}

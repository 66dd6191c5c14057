// SPDX-License-Identifier: MIT
// Columns for charts, of a batch in whatever format.
import { columnsFor, decode } from "./batch.mjs";
import { bytesOf, tag } from "./bytes.mjs";
import { putValue } from "./pointers.mjs";

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
export function columns(data) {
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

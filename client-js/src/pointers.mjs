// SPDX-License-Identifier: MIT
// Values by where they stand in messages.
import { tag } from "./bytes.mjs";

export function token(key) {
  return "/" + key.replace(/~/g, "~0").replace(/\//g, "~1");
}

/* What message i has at a pointer; of an object what is in it, each with its own. */
export function putValue(all, n, pointer, i, value) {
  var keys = value !== null && typeof value === "object" && tag(value) !== "[object Array]" ? Object.keys(value) : [];
  var j;

  for (j = 0; j < keys.length; j++) putValue(all, n, pointer + token(keys[j]), i, value[keys[j]]);
  if (keys.length > 0) return;
  if (!all[pointer]) all[pointer] = new Array(n);
  all[pointer][i] = value;
}

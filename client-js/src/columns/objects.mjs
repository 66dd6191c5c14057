// SPDX-License-Identifier: MIT
// Objects and lists of columns.
import { makers } from "./makers.mjs";

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
export function makerFor(keys) {
  var sizes = 0;

  if (keys.indexOf("__proto__") >= 0) return objectsWithProto;
  while (sizes < makers.length - 1 && keys.length > 2 << sizes) sizes++;
  return makers[sizes][chosen++ % makers[sizes].length];
}

export function makeArrays(c, n) {
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

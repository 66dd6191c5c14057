// SPDX-License-Identifier: MIT
// Arrays for whole columns, used again for each batch: what is made of them is copied into messages. Each kind has its own, so that
// browsers find whole numbers, fractions or texts in an array, and never a mix. Only those of usual length are kept.

var pools = [[], [], []];
var poolsAt = [0, 0, 0];
export var INTS = 0;
export var FRACTIONS = 1;
export var TEXTS = 2;
export var POOL_ROWS = 4096;
var POOL_MAX = 256;

export function takeArray(kind, n) {
  var pool = pools[kind];
  var at = poolsAt[kind];

  if (n > POOL_ROWS || at >= POOL_MAX) return new Array(n);
  if (at === pool.length) pool.push([]);
  poolsAt[kind] = at + 1;
  return pool[at];
}

/* A new batch begins: all of them may be used again. */
export function resetPools() {
  poolsAt = [0, 0, 0];
}

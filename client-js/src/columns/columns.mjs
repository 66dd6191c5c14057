// SPDX-License-Identifier: MIT
// Batches in columns, as doc/columns.md of siocast describes them. Whoever sends one is not trusted: lengths are checked before
// memory is taken, and nothing grows beyond what the batch says it stands for, which is bounded by its length.
import { putValue, token } from "../pointers.mjs";
import { utf8, utf8Encode } from "../utf8.mjs";
import { unpack } from "./lz4.mjs";
import { resetPools } from "./pools.mjs";
import { badColumns, readVarint } from "./reader.mjs";
import { makeValues, readTable, rowsOf } from "./table.mjs";

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
export function decode(bytes) {
  return readColumns(bytes, false, rowsOf);
}

/* The same as they were published. */
export function split(bytes) {
  return readColumns(bytes, true, rowsOf).map(utf8Encode);
}

/* Puts its values into `all`, by where they stand. Returns how many messages there are. */
export function chart(bytes, all) {
  return readColumns(bytes, false, function (r, table) {
    return putTable(all, table);
  });
}

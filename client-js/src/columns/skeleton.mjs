// SPDX-License-Identifier: MIT
// What the rows of a shape have in common.
import { tag } from "../bytes.mjs";
import { isSpace } from "../formats.mjs";
import { makerFor } from "./objects.mjs";
import { badColumns } from "./reader.mjs";

var NESTING_MAX = 256; /* of brackets in a skeleton */

/* How values are made of columns. A node is the number of a slot, or { keys, nodes, make }; keys null: of an array. */
function planOf(tree) {
  var isArray = tag(tree) === "[object Array]";
  var keys;

  if (typeof tree === "number") return tree;
  if (typeof tree === "string") throw badColumns("a skeleton with a value");
  keys = Object.keys(tree);
  return {
    keys: isArray ? null : keys,
    nodes: keys.map(function (key) {
      return planOf(tree[key]);
    }),
    make: isArray ? null : makerFor(keys)
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

export function readSkeleton(text) {
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

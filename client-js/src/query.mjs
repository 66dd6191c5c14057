// SPDX-License-Identifier: MIT
// What siocast is told in the query of a handshake.

/* A parameter of the query for each namespace. */
export var SINCE = "siocast-since";

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
export function setQuery(manager, since) {
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

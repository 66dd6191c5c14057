/* SPDX-License-Identifier: MIT */
/*
 * A validating JSON scanner over bytes: no tree, no copy, no recursion.
 *
 * It exists because payload bytes are never re-serialized: integers above
 * 2^53, "\u0000", lone surrogate escapes and duplicate keys must come out as
 * they came in, which a parser that builds doubles and C strings cannot do.
 * Everything is a span of the caller's bytes and lives as long as they do.
 *
 * sio_json_check() takes any bytes. All other functions want text that passed
 * it (or a span such a function returned). Pure functions, any thread.
 */
#ifndef SIO_JSON_H
#define SIO_JSON_H

#include "eio/buf.h"
#include "eio/bytes.h"

/* Deeper nesting is refused. JSON.parse has no limit, but nothing real comes near 256, and a bound keeps every
 * consumer of the text, recursive ones included, safe. */
#define SIO_JSON_MAX_DEPTH 256

enum sio_json_kind {
	SIO_JSON_NULL,
	SIO_JSON_FALSE,
	SIO_JSON_TRUE,
	SIO_JSON_NUMBER,
	SIO_JSON_STRING,
	SIO_JSON_ARRAY,
	SIO_JSON_OBJECT
};

/* Whether s is exactly one JSON value (RFC 8259, well-formed UTF-8, no BOM) with optional whitespace around it.
 * 0, SIO_ERR_PAYLOAD, or SIO_ERR_DEPTH. */
int sio_json_check(struct eio_bytes s);

/* s without JSON whitespace at both ends. Any bytes. */
struct eio_bytes sio_json_trim(struct eio_bytes s);

/* What kind of value the text is. */
enum sio_json_kind sio_json_kind(struct eio_bytes json);

/* Walks the elements of an array or the members of an object:
 *
 *     struct sio_json_iter it = sio_json_iter(array);
 *     while (sio_json_next(&it, NULL, &value)) …
 *
 * Any other kind of value yields nothing. */
struct sio_json_iter {
	const char *p, *end;
	bool object;
};

struct sio_json_iter sio_json_iter(struct eio_bytes json);

/* The next element, as a span without surrounding whitespace; for objects *key is the raw key with its quotes (key
 * may be NULL). False when there is none left. */
bool sio_json_next(struct sio_json_iter *it, struct eio_bytes *key, struct eio_bytes *value);

/* What an RFC 6901 pointer ("" or "/a/0/b") refers to. Of duplicate keys the last counts, as in JSON.parse.
 * False when there is no such value; *value is untouched then. */
bool sio_json_find(struct eio_bytes json, struct eio_bytes pointer, struct eio_bytes *value);

/* Whether a pointer is well-formed: empty or starting with '/', '~' only as ~0 or ~1. Any bytes. */
bool sio_json_pointer_valid(struct eio_bytes pointer);

/* Whether a raw JSON string (with quotes) means exactly these bytes, escapes considered. */
bool sio_json_string_eq(struct eio_bytes string, struct eio_bytes bytes);

/* Appends the UTF-8 bytes a raw JSON string (with quotes) means. "\u0000" becomes a NUL byte, a lone surrogate
 * U+FFFD. */
void sio_json_unescape(struct eio_buf *out, struct eio_bytes string);

/* Appends bytes as a JSON string with quotes. Only what must be escaped is. Ill-formed UTF-8 becomes U+FFFD, so the
 * result is always valid. Any bytes. */
void sio_json_escape(struct eio_buf *out, struct eio_bytes bytes);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Help for tests of the Socket.IO core: reading the vector file, JSON values
 * brought into one comparable spelling, and bundles taken apart. The reading
 * of JSON here is a second implementation on purpose: it judges the first.
 */
#ifndef TESTS_UNIT_CANON_H
#define TESTS_UNIT_CANON_H

#include "eio/buf.h"
#include "eio/bundle.h"
#include "eio/bytes.h"

/* Appends a canonical spelling of a JSON value: strings as UTF-16 code units, numbers as doubles, {"$hex":"…"},
 * {"$utf16":[…]} and, with attachments, placeholders replaced by what they mean. The text must be valid JSON. */
void canon_value(struct eio_buf *out, struct eio_bytes json, const struct eio_bytes *attachments, size_t n);

/* Appends the bytes that hex digits spell. */
void canon_unhex(struct eio_buf *out, struct eio_bytes hex);

/* Reads a whole file, or fails the test. */
void canon_read_file(struct eio_buf *out, const char *path);

/* The vector file of this source tree (environment variable srcdir, else the working directory). */
void canon_read_vectors(struct eio_buf *out);

/* Whether two bundles carry the same messages: compared in the polling form. NULL equals nothing. */
bool canon_bundle_eq(struct eio_bundle *a, struct eio_bundle *b);

/* Fails the test, showing both, unless the bundle is this polling payload. Drops the reference. */
void canon_expect(struct eio_bundle *b, const char *payload);

#endif

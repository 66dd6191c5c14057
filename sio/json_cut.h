/* SPDX-License-Identifier: MIT */
/*
 * Cutting values out of JSON text: the rest keeps its bytes, white space included. With a
 * member goes one comma, and the white space on that side.
 *
 *     {"a": 1, "b": [1, 2], "c": 3}     without /b      {"a": 1, "c": 3}
 *                                       without /b/0    {"a": 1, "b": [2], "c": 3}
 *
 * Of duplicate keys all are cut. Indexes of arrays are those of the text as it came. What a
 * pointer does not find is nothing to cut.
 *
 * Threads: what is to be cut is immutable once made.
 */
#ifndef SIO_JSON_CUT_H
#define SIO_JSON_CUT_H

#include "eio/buf.h"
#include "eio/bytes.h"

/* So many pointers at most. */
#define SIO_JSON_MAX_CUTS 64

struct sio_json_cuts;

/* For 1 … SIO_JSON_MAX_CUTS pointers, each valid and not empty, which are copied. NULL when out of memory. */
struct sio_json_cuts *sio_json_cuts_new(const struct eio_bytes *pointers, size_t n);

void sio_json_cuts_free(struct sio_json_cuts *c); /* NULL is fine */

/* Appends JSON that passed sio_json_check() to out, without what is to be cut. False when there is nothing to cut: then
 * out is as it was. Whether out ran out of memory is for the caller to check. */
bool sio_json_cut(const struct sio_json_cuts *c, struct eio_bytes json, struct eio_buf *out);

#endif

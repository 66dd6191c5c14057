/* SPDX-License-Identifier: MIT */
/*
 * The language of conditions on JSON: values at JSON pointers (RFC 6901), compared as they
 * stand in the text, without building a tree.
 *
 *     {"/type": "trade", "/price": {">": 5, "<=": 100}, "/user/id": {"exists": true}}
 *
 * Every pair must be fulfilled. The configuration fills the structs; nothing here reads them.
 *
 * Threads: immutable once filled.
 */
#ifndef SRC_WHERE_WHERE_H
#define SRC_WHERE_WHERE_H

#include "eio/bytes.h"

#include <stdbool.h>
#include <stddef.h>

/* A value that others are compared with. */
struct where_scalar {
	enum {
		WHERE_SCALAR_NULL,
		WHERE_SCALAR_FALSE,
		WHERE_SCALAR_TRUE,
		WHERE_SCALAR_NUMBER,
		WHERE_SCALAR_STRING
	} kind;
	struct eio_bytes text; /* of a string; of a number as JSON writes it, with all its digits */
};

struct where_match;

/* One operator of `where`. */
struct where_operator {
	enum where_operator_kind {
		WHERE_EXISTS, /* there is a value, be it null; or there is none */
		WHERE_NOT, /* `not` is not fulfilled, also by a value that is missing */
		/* There is a value of the bound's type, and it lies on that side of it. */
		WHERE_LESS,
		WHERE_AT_MOST,
		WHERE_GREATER,
		WHERE_AT_LEAST,
	} kind;
	bool exists;
	struct where_match * not ;
	struct where_scalar bound; /* a number or a string */
};

/* What is wanted of a value: to equal one of some, or, where there are operators, to fulfil them all. */
struct where_match {
	struct where_scalar *values;
	size_t n;
	struct where_operator *operators;
	size_t n_operators;
};

/* One pair of `where`: what is wanted of the value at pointer. */
struct where_pair {
	char *pointer;
	struct where_match match;
};

/* A condition; without pairs it is always fulfilled. */
struct where {
	struct where_pair *v; /* owned, with all they point to, from malloc */
	size_t n;
};

/* Whether a value (raw JSON that passed sio_json_check(), or NULL when there is none) is what is wanted. */
bool where_match_fulfilled(const struct where_match *m, const struct eio_bytes *value);

/* Whether a message (checked JSON) fulfils a condition. */
bool where_fulfilled(const struct where *w, struct eio_bytes message);

/* Frees what it points to and empties it. */
void where_deinit(struct where *w);

#endif

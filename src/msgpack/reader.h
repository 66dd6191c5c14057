/* SPDX-License-Identifier: MIT */
/*
 * MessagePack as the libraries write it that Socket.IO's adapters and emitters have used, one value after the other:
 *
 *     msgpack-js 0.3        buffers as d8 and d9, undefined as c4, dates as strings; no other bytes mean what they
 *                           mean elsewhere
 *     msgpack-lite 0.1      buffers as c4 to c6, dates as ext 13, typed arrays as ext 17 to 29
 *     notepack 2            undefined as ext 0 of one byte, dates as ext 0 of eight, an ArrayBuffer as ext 0 that has
 *                           its length with it
 *     notepack 3, others    dates as ext -1
 *
 * All but the first can be told apart value by value, so there are two dialects. Any bytes may come: a length beyond
 * their end is found out before it is believed. Pure functions.
 */
#ifndef SRC_MSGPACK_READER_H
#define SRC_MSGPACK_READER_H

#include "eio/bytes.h"

#include <stdint.h>

enum msgpack_dialect { MSGPACK_STANDARD, MSGPACK_JS };

enum msgpack_kind {
	MSGPACK_NIL,
	MSGPACK_UNDEFINED,
	MSGPACK_FALSE,
	MSGPACK_TRUE,
	MSGPACK_UINT,
	MSGPACK_INT, /* below 0 */
	MSGPACK_FLOAT,
	MSGPACK_STRING, /* any bytes */
	MSGPACK_BINARY,
	MSGPACK_DATE,
	MSGPACK_ARRAY, /* its n elements are the next values */
	MSGPACK_MAP, /* n keys are the next values, each with its value behind it */
};

struct msgpack_value {
	enum msgpack_kind kind;
	uint64_t u; /* of MSGPACK_UINT */
	int64_t i; /* of MSGPACK_INT; of MSGPACK_DATE milliseconds since 1970, within what a Date of JavaScript has */
	double f;
	struct eio_bytes bytes; /* of strings and binary: they lie in what is read */
	size_t n;
};

struct msgpack_reader {
	struct eio_bytes rest; /* what has not been read */
	enum msgpack_dialect dialect;
};

/* Reads the next value. False when there is none, or none of the dialect. Of an array or a map there are at least as
 * many bytes left as it has elements. */
bool msgpack_read(struct msgpack_reader *r, struct msgpack_value *v);

#endif

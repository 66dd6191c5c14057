/* SPDX-License-Identifier: MIT */
/* The query string of a request target. Pure functions. */
#ifndef EIO_QUERY_H
#define EIO_QUERY_H

#include "eio/buf.h"

#include <sys/types.h>

/* Splits a request target at its first '?': the path stays in *path, the rest without the '?' goes to *query. */
void eio_query_split(struct eio_bytes target, struct eio_bytes *path, struct eio_bytes *query);

/* Finds the last parameter called name (names and values are percent-decoded, '+' is a blank), appends its decoded
 * value to out and returns true; false when there is none. A malformed escape stands for itself. */
bool eio_query_get(struct eio_bytes query, struct eio_bytes name, struct eio_buf *out);

/* Whether the parameter called name is there with exactly this value. */
bool eio_query_is(struct eio_bytes query, struct eio_bytes name, struct eio_bytes value);

/* Decodes the one parameter called name in place, to the start of the form. Returns its length, or -1 when there is none or more than
 * one. */
ssize_t eio_query_take(char *form, size_t n, struct eio_bytes name);

#endif

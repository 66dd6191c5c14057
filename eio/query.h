/* SPDX-License-Identifier: MIT */
/* The query string of a request target. Pure functions. */
#ifndef EIO_QUERY_H
#define EIO_QUERY_H

#include "eio/buf.h"

#include <sys/types.h>

/* Splits a request target at its first '?': the path stays in *path, the rest without the '?' goes to *query. */
void eio_query_split(struct eio_bytes target, struct eio_bytes *path, struct eio_bytes *query);

/* Cuts the next parameter off the query, name and value as they are, not decoded; false at the end. One without '='
 * has an empty value. */
bool eio_query_next(struct eio_bytes *query, struct eio_bytes *name, struct eio_bytes *value);

/* Finds the last parameter called name (names and values are percent-decoded, '+' is a blank), appends its decoded
 * value to out and returns true; false when there is none. A malformed escape stands for itself. */
bool eio_query_get(struct eio_bytes query, struct eio_bytes name, struct eio_buf *out);

/* Finds n parameters at once: values[i] becomes the last one called names[i], not decoded, or NULL and 0 when there is
 * none. */
void eio_query_find(struct eio_bytes query, const struct eio_bytes *names, struct eio_bytes *values, size_t n);

/* Whether what eio_query_find found is, decoded, exactly this value; nothing is not the empty value. */
bool eio_query_value_is(struct eio_bytes found, struct eio_bytes value);

/* Appends what eio_query_find found, decoded. */
void eio_query_value_decode(struct eio_bytes found, struct eio_buf *out);

/* Whether the parameter called name is there. */
bool eio_query_has(struct eio_bytes query, struct eio_bytes name);

/* Whether the parameter called name is there with exactly this value. */
bool eio_query_is(struct eio_bytes query, struct eio_bytes name, struct eio_bytes value);

/* Decodes the one parameter called name in place, to the start of the form. Returns its length, or -1 when there is
 * none or more than one. */
ssize_t eio_query_take(char *form, size_t n, struct eio_bytes name);

#endif

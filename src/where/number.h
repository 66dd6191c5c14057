/* SPDX-License-Identifier: MIT */
/* Numbers as JSON writes them, compared by value with all their digits. Pure functions. */
#ifndef SRC_WHERE_NUMBER_H
#define SRC_WHERE_NUMBER_H

#include "eio/bytes.h"

/* Below 0, 0 or above 0: a is less than b, equal to it, or greater. Both passed sio_json_check(). 1, 1.0 and 10e-1 are
 * equal; an exponent beyond a quadrillion counts as that. */
int where_number_compare(struct eio_bytes a, struct eio_bytes b);

#endif

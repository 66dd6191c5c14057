/* SPDX-License-Identifier: MIT */
/*
 * Channels for messages of our own: who publishes one hears by it that all before it has come. Each has a name that
 * nobody else has, so that nobody hears of it but by a pattern, and those can tell it by its form.
 *
 * Threads: any.
 */
#ifndef SRC_REDIS_MARKER_H
#define SRC_REDIS_MARKER_H

#include "eio/bytes.h"

#include <stdbool.h>

enum { REDIS_MARKER_NAME = 25 }; /* "siocast:", 16 hexadecimal digits, and a zero */

/* A new one. 0, or -1 without random numbers. */
int redis_marker_name(char name[REDIS_MARKER_NAME]);

/* Whether a channel is one, of whichever siocast. */
bool redis_is_marker(struct eio_bytes channel);

#endif

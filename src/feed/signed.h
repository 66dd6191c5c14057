/* SPDX-License-Identifier: MIT */
/*
 * Names of sessions that may be taken elsewhere, as clients have them: the name, and behind it what says that a siocast
 * with the same secret made it. Redis is not asked about any other.
 *
 *     pid = name (FEED_PID_LEN) mac (as many)
 *
 * Pure functions.
 */
#ifndef SRC_FEED_SIGNED_H
#define SRC_FEED_SIGNED_H

#include "src/feed/recovery.h"
#include "src/feed/sessions.h"

enum { FEED_SIGNED_LEN = 2 * FEED_PID_LEN };

/* Makes what siocasts share of what their operator gave them. False when out of memory. */
bool feed_secret_make(struct feed_secret *s, struct eio_bytes text);

/* False when out of memory. */
bool feed_pid_sign(const struct feed_secret *s, const char pid[FEED_PID_LEN], char out[FEED_SIGNED_LEN]);

/* Whether it is a name with its signature. Any bytes. */
bool feed_pid_is_signed(const struct feed_secret *s, struct eio_bytes text);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * What of an error of the server may stand in the log. An error may repeat what it was given ("unknown command 'AUTH',
 * with args beginning with: …"), so of an answer to AUTH, and of whatever holds the password, only words are told that
 * are known beforehand. Pure functions.
 */
#ifndef SRC_REDIS_REFUSAL_H
#define SRC_REDIS_REFUSAL_H

#include "eio/bytes.h"
#include "src/redis/url.h"

/* Writes what may be told of an error to out, fit to stand between quotes: all of it, but for its length.
 * answers_auth: it may be the answer to AUTH. */
void redis_refusal(struct eio_bytes error, const struct redis_url *u, bool answers_auth, char *out, size_t out_size);

#endif

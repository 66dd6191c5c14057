/* SPDX-License-Identifier: MIT */
/* Commands to Redis, as RESP arrays of bulk strings appended to a buffer. Pure functions. */
#ifndef SRC_REDIS_COMMAND_H
#define SRC_REDIS_COMMAND_H

#include "eio/buf.h"
#include "src/redis/url.h"

/* Begins a command of n words, its name included; and appends one of them. */
void redis_command(struct eio_buf *b, size_t n);
void redis_argument(struct eio_buf *b, struct eio_bytes s);

/* SUBSCRIBE to a channel, or PSUBSCRIBE to a pattern. */
void redis_command_subscribe(struct eio_buf *b, bool is_pattern, struct eio_bytes name);
void redis_command_unsubscribe(struct eio_buf *b, bool is_pattern, struct eio_bytes name);

/* What a new connection says first: AUTH and SELECT as the URL wants them, then CLIENT SETNAME. Returns how many
 * replies follow. */
unsigned redis_command_greet(struct eio_buf *b, const struct redis_url *u);

/* Which of them is answered when so many replies, that one included, are still to come: the command, a constant. */
const char *redis_command_greeting(const struct redis_url *u, unsigned left);

#endif

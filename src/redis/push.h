/* SPDX-License-Identifier: MIT */
/*
 * The one kind of reply that comes a million times: a published message, read
 * where it lies in the receive buffer, without a copy and in one look.
 *
 *     *3 CRLF $7 CRLF message CRLF $<n> CRLF <channel> CRLF $<n> CRLF <payload> CRLF
 *     *3 CRLF $8 CRLF smessage CRLF …                                                          of a shard channel
 *     *4 CRLF $8 CRLF pmessage CRLF $<n> CRLF <pattern> CRLF $<n> CRLF <channel> CRLF $<n> CRLF <payload> CRLF
 *
 * Only exactly this, as Redis writes it; whatever else there may be is for the
 * reader (reader.h). Pure functions.
 */
#ifndef SRC_REDIS_PUSH_H
#define SRC_REDIS_PUSH_H

#include "eio/bytes.h"

/* A published message. It borrows from the bytes it was read from. */
struct redis_message {
	bool is_pattern, is_shard; /* how it was subscribed to */
	struct eio_bytes name; /* as subscribed: the channel, or the pattern that matched */
	struct eio_bytes channel;
	struct eio_bytes payload;
};

enum redis_push {
	REDIS_PUSH_MESSAGE, /* *m is set, and *bytes begin behind it now */
	/* The beginning of one; *needs is how long it is on the wire, or 0 when that is not known yet. */
	REDIS_PUSH_PARTIAL,
	REDIS_PUSH_OTHER,
};

/* Takes a message that *bytes (at least one) begin with, if none of its strings is longer than max. */
enum redis_push redis_push_take(struct eio_bytes *bytes, size_t max, struct redis_message *m, size_t *needs);

#endif

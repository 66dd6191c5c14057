/* SPDX-License-Identifier: MIT */
/*
 * The channels and patterns of a subscriber, and what the server says to each. Each is asked for by a command of its
 * own: of a command with several names Redis refuses all when an ACL forbids one. No I/O.
 *
 * Threads: one at a time.
 */
#ifndef SRC_REDIS_SUBSCRIPTIONS_H
#define SRC_REDIS_SUBSCRIPTIONS_H

#include "eio/buf.h"

/* One of them. */
struct redis_subscription {
	struct eio_bytes name; /* borrowed */
	bool is_pattern;
	bool asked; /* and not answered yet */
	bool confirmed; /* on the connection at hand */
	bool refused; /* the last answer, also that of a connection before */
	bool told; /* for whoever logs: that it is refused */
	uint64_t missing_ms; /* since when it has been lost, as was told; 0: it has not, or never was there */
};

struct redis_subscriptions {
	struct redis_subscription *v; /* owned: n, in the order in which they are asked for */
	size_t n;
	size_t next; /* none before it is asked and not answered */
	size_t unanswered, confirmed, refused; /* how many are */
};

/* 0, or -1 when out of memory (nothing to undo then). The names are borrowed. */
int redis_subscriptions_init(struct redis_subscriptions *s, const char *const *channels, size_t n_channels,
	const char *const *patterns, size_t n_patterns);
void redis_subscriptions_deinit(struct redis_subscriptions *s);

/* Appends the commands for all of them, for a new connection: what the one before had confirmed is gone. Returns how
 * many commands. */
size_t redis_subscriptions_ask(struct redis_subscriptions *s, struct eio_buf *out);

/* The connection is lost, on which nothing was heard since then: a time that is not 0. */
void redis_subscriptions_lost(struct redis_subscriptions *s, uint64_t since_ms);

/* Appends those for the refused ones again; all must have been answered. Returns how many. */
size_t redis_subscriptions_ask_refused(struct redis_subscriptions *s, struct eio_buf *out);

/* The next answer has come. Returns whose it is, or NULL when none is to come. */
struct redis_subscription *redis_subscriptions_answered(struct redis_subscriptions *s, bool confirmed);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * The channels and patterns of a subscriber, and what the server says to each. Each is asked for by a command of its
 * own: of a command with several names Redis refuses all when an ACL forbids one. They may become others while a
 * connection lasts: what is new is asked for, then what is not wanted any more is left. No I/O.
 *
 * A server answers in the order of the commands. Of several about one name the last one's answer counts.
 *
 * Threads: one at a time.
 */
#ifndef SRC_REDIS_SUBSCRIPTIONS_H
#define SRC_REDIS_SUBSCRIPTIONS_H

#include "eio/buf.h"

/* One of them. */
struct redis_subscription {
	struct eio_bytes name; /* owned */
	bool is_pattern;
	bool wanted; /* else it is forgotten when nothing about it is to be answered any more */
	bool sent; /* asked for on the connection at hand, and not refused */
	unsigned unanswered; /* commands about it */
	bool confirmed; /* on the connection at hand */
	bool refused; /* the last answer, also that of a connection before */
	bool told; /* for whoever logs: that it is refused */
	uint64_t missing_ms; /* since when it has been lost, as was told; 0: it has not, or never was there */
};

/* A list of them. */
struct redis_subscription_list {
	struct redis_subscription *v; /* owned: n, in the order in which they are asked for */
	size_t n;
};

struct redis_subscriptions {
	struct redis_subscription_list all;
	struct redis_subscription_list next; /* what was prepared; v is NULL when nothing is */
	size_t *asked; /* owned: whom the commands without an answer are about, in their order */
	size_t asked_at, asked_n, asked_cap; /* the next one to be answered; how many there were; room */
	size_t unanswered, confirmed, refused; /* how many commands and names are */
	size_t returning; /* names with more than one command without an answer */
};

/* 0, or -1 when out of memory (nothing to undo then). The names are copied. */
int redis_subscriptions_init(struct redis_subscriptions *s, const char *const *channels, size_t n_channels,
	const char *const *patterns, size_t n_patterns);
void redis_subscriptions_deinit(struct redis_subscriptions *s);

/* Makes all that it takes to want others from now on, in the place of what was prepared before. 0, or -1 when out of
 * memory. Then they are wanted, or it is forgotten; nothing else may be called between. */
int redis_subscriptions_prepare(struct redis_subscriptions *s, const char *const *channels, size_t n_channels,
	const char *const *patterns, size_t n_patterns);
void redis_subscriptions_commit(struct redis_subscriptions *s);
void redis_subscriptions_forget(struct redis_subscriptions *s);

/* Appends the commands for all of them, for a new connection: what the one before had confirmed is gone. Returns how
 * many commands. */
size_t redis_subscriptions_ask(struct redis_subscriptions *s, struct eio_buf *out);

/* The same for what has changed since they were asked for. */
size_t redis_subscriptions_ask_changes(struct redis_subscriptions *s, struct eio_buf *out);

/* Whether what comes of a name is of a subscription that is being left: it was wanted before, and then not, and is
 * again. Nobody who wants it now has asked for that. To be asked only where some are returning. */
bool redis_subscriptions_is_left(const struct redis_subscriptions *s, bool is_pattern, struct eio_bytes name);

/* The connection is lost, on which nothing was heard since then: a time that is not 0. */
void redis_subscriptions_lost(struct redis_subscriptions *s, uint64_t since_ms);

/* Appends those for the refused ones again; all must have been answered. Returns how many. */
size_t redis_subscriptions_ask_refused(struct redis_subscriptions *s, struct eio_buf *out);

/* Appends what is confirmed, as words without zeros; and takes that for confirmed here. What is not wanted of it
 * is to be left, as a change. */
void redis_subscriptions_write(const struct redis_subscriptions *s, struct eio_buf *out);
void redis_subscriptions_read(struct redis_subscriptions *s, struct eio_bytes text);

/* The next answer has come. Returns whose it is, or NULL when none is to come. *counts: it says what is so now, and not
 * what something later will answer. Valid until the next call. */
struct redis_subscription *redis_subscriptions_answered(struct redis_subscriptions *s, bool confirmed, bool *counts);

#endif

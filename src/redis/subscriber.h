/* SPDX-License-Identifier: MIT */
/*
 * All subscriptions to one server, on one link. What the server refuses, because an ACL forbids it, keeps nothing else
 * from coming; it is asked for again and again, with the waits of backoff.h.
 *
 * Threads: the loop's only.
 */
#ifndef SRC_REDIS_SUBSCRIBER_H
#define SRC_REDIS_SUBSCRIBER_H

#include "src/redis/metrics.h"
#include "src/redis/push.h"
#include "src/redis/url.h"

#include <uv.h>

struct redis_subscriber;

struct redis_subscriber_options {
	const struct redis_url *url; /* borrowed, like all below */
	struct metrics *metrics;
	const char *const *channels, *const *patterns; /* what to subscribe to */
	size_t n_channels, n_patterns;
	size_t message_bytes; /* the longest message that is taken */
	unsigned silent_ms, dead_ms; /* as a link has them */
	bool may_pause; /* messages may come REDIS_PAUSE_MS late, together, when they are many */
	/* None of these may close the subscriber. The bytes of m are valid during the call. */
	void (*message)(void *user, const struct redis_message *m);
	/* A message was longer, its payload or, by n bytes, its channel, and is not there; its name is. */
	void (*too_long)(void *user, const struct redis_message *m, uint64_t n);
	/* Every subscription has been answered, and one at least is confirmed; or that is not so any more. */
	void (*state)(void *user, bool ready);
	/* All that was asked for has been answered, or that is not so any more. NULL: nobody asks. */
	void (*answered)(void *user, bool all);
	/* A channel or pattern is refused from now on, or is not any more. */
	void (*refused)(void *user, bool is_pattern, struct eio_bytes name, bool refused);
	/* A channel or pattern was lost, and is there again: what was published between these times, in milliseconds
	 * since 1970, is missing. NULL: nobody asks. */
	void (*gap)(void *user, bool is_pattern, struct eio_bytes name, uint64_t from_ms, uint64_t to_ms);
	void *user;
	/* What redis_subscriber_hand() of another process gave, borrowed until it is ready or lost; NULL: nothing. The
	 * descriptor is taken over, also when it fails. */
	const char *handed;
	int handed_fd;
};

/* A subscriber that begins to connect at once. NULL when out of memory. */
struct redis_subscriber *redis_subscriber_open(uv_loop_t *loop, const struct redis_subscriber_options *options);

/* Makes all that it takes to subscribe to others, and to pause or not, from now on, in the place of what was prepared
 * before; names are copied. 0, or -1 when out of memory. */
int redis_subscriber_prepare(struct redis_subscriber *s, const struct redis_subscriber_options *options);

/* They are subscribed to, or it is forgotten. What is refused of them is told again, and that all is answered. The
 * connection stays: of what is wanted before and after nothing is lost. Messages of others may still come. */
void redis_subscriber_commit(struct redis_subscriber *s);
void redis_subscriber_forget(struct redis_subscriber *s);

/* As redis_link_redial(). */
void redis_subscriber_redial(struct redis_subscriber *s);

/* Whether its connection is there; and all is answered, and something is confirmed. */
bool redis_subscriber_is_connected(const struct redis_subscriber *s);
bool redis_subscriber_is_complete(const struct redis_subscriber *s);

/* Tells of each that is refused that it is, or is not any more. */
void redis_subscriber_tell_refused(const struct redis_subscriber *s, bool refused);

/* For a subscriber of another process that goes on with the connection, without missing anything: a copy of it, and
 * what is to be known of it, appended as words without zeros. It must be closed in the same turn of the loop. -1 where
 * that cannot be. */
int redis_subscriber_hand(const struct redis_subscriber *s, struct eio_buf *text);

/* Closes it; nothing is called any more. What is left goes when the loop has run. */
void redis_subscriber_close(struct redis_subscriber *s);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Channels that come and go, on one link: whoever wants one says so, and says so again when not any more. Beside
 * subscriber.h, whose names are those of a configuration, this is for many, which clients cause: joining a room, and
 * leaving it. What the server refuses keeps nothing else from coming, and is asked for again and again, with the waits
 * of backoff.h. On a new connection all that is wanted is asked for. Of a Redis Cluster shard channels are at its
 * nodes, as shards.h says.
 *
 * Threads: the loop's only.
 */
#ifndef SRC_REDIS_CHANNELS_H
#define SRC_REDIS_CHANNELS_H

#include "eio/buf.h"
#include "src/redis/metrics.h"
#include "src/redis/push.h"
#include "src/redis/url.h"

#include <uv.h>

enum redis_channel_kind {
	REDIS_CHANNEL, /* SUBSCRIBE */
	REDIS_CHANNEL_PATTERN, /* PSUBSCRIBE */
	REDIS_CHANNEL_SHARD, /* SSUBSCRIBE, since Redis 7 */
};

struct redis_channels;

struct redis_channels_options {
	const struct redis_url *url; /* borrowed, like all below */
	struct metrics *metrics; /* of redis_metrics */
	size_t message_bytes; /* the longest message that is taken */
	/* None of these may close it. The bytes of m are valid during the call. */
	void (*message)(void *user, const struct redis_message *m);
	/* A message was longer, by a string of n bytes, and is not there; its channel is. */
	void (*too_long)(void *user, const struct redis_message *m, uint64_t n);
	/* Every channel has been answered, and none was refused; or that is not so any more. NULL, as all below: nobody
	 * asks. */
	void (*state)(void *user, bool ready);
	/* It is connected, and what was wanted by then has been answered; or that is not so any more. */
	void (*connected)(void *user, bool connected);
	/* A channel that is wanted is refused from now on, or is not any more, or is not wanted any more. */
	void (*refused)(void *user, enum redis_channel_kind kind, struct eio_bytes name, bool refused);
	/* The connection was lost, and is there again, before `connected` says so: what was published between these
	 * times, in milliseconds since 1970, to channels that were confirmed, is missing. */
	void (*gap)(void *user, uint64_t from_ms, uint64_t to_ms);
	void *user;
	/* What redis_channels_hand() of another process gave, borrowed until it is connected or lost; NULL: nothing.
	 * The descriptor is taken over, also when it fails. */
	const char *handed;
	int handed_fd;
};

/* One without channels that begins to connect at once. NULL when out of memory. */
struct redis_channels *redis_channels_open(uv_loop_t *loop, const struct redis_channels_options *options);

/* Wants a channel, which may be wanted several times, or not any more, as often. The server is told by
 * redis_channels_flush(). 0, or -1 when out of memory: then it is not wanted. Whoever does not want it any more must
 * have wanted it. */
int redis_channels_want(struct redis_channels *c, enum redis_channel_kind kind, struct eio_bytes name);
void redis_channels_leave(struct redis_channels *c, enum redis_channel_kind kind, struct eio_bytes name);

/* Whether it is wanted. */
bool redis_channels_has(const struct redis_channels *c, enum redis_channel_kind kind, struct eio_bytes name);

/* Messages may come REDIS_PAUSE_MS late, together, when they are many; or each is taken at once. Without memory they
 * are taken at once. Not from within the calls above. */
void redis_channels_set_pause(struct redis_channels *c, bool may_pause);

/* Wants all that another one wants, as often. 0, or -1 when out of memory: then it wants some of it. */
int redis_channels_want_all(struct redis_channels *c, const struct redis_channels *other);

/* Tells of each that is refused that it is, or is not any more. */
void redis_channels_tell_refused(const struct redis_channels *c, bool refused);

/* Whether it is connected; whether all that it was asked for has been answered besides; and whether that is all that is
 * wanted, and none of it was refused, as `state` says. */
bool redis_channels_is_connected(const struct redis_channels *c);
bool redis_channels_is_answered(const struct redis_channels *c);
bool redis_channels_is_ready(const struct redis_channels *c);

/* What is wanted by now counts, whatever is wanted later; and whether all of that has been answered, on the connection
 * at hand. Without a mark what is wanted when that is asked first counts. */
void redis_channels_mark(struct redis_channels *c);
bool redis_channels_passed_mark(struct redis_channels *c);

/* Whether it is connected, and one is wanted and confirmed. */
bool redis_channels_hears(const struct redis_channels *c, enum redis_channel_kind kind, struct eio_bytes name);

/* Asks for nothing more, nor again for what was refused, until it is connected anew. */
void redis_channels_rest(struct redis_channels *c);

/* As redis_link_redial(). */
void redis_channels_redial(struct redis_channels *c);

/* For another process that goes on with the connection, without missing anything: a copy of it, and what is to be known
 * of it, appended as words without zeros. It must be closed in the same turn of the loop. -1 where that cannot be. */
int redis_channels_hand(const struct redis_channels *c, struct eio_buf *text);

/* Tells of each channel in such words. Pure. */
void redis_channels_handed(
	const char *text, void (*tell)(void *user, enum redis_channel_kind kind, struct eio_bytes name), void *user);

/* Not from within one of the calls above: message, too_long. */
void redis_channels_flush(struct redis_channels *c);

/* The same, but only what another one was asked for is asked. */
void redis_channels_follow(struct redis_channels *c, const struct redis_channels *other);

/* Closes it; nothing is called any more. What is left goes when the loop has run. */
void redis_channels_close(struct redis_channels *c);

#endif

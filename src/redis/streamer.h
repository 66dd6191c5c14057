/* SPDX-License-Identifier: MIT */
/*
 * Reads all streams of one server, on one link, which waits in XREAD for whatever is added to any of them:
 *
 *     LOOK ── XINFO STREAM for each ──▶ READ ── XREAD BLOCK … COUNT … for all of them ──▶ READ …
 *      ▲                                  │ every REDIS_LOOK_MS, after an error, on a new connection
 *      └──────────────────────────────────┘
 *
 * The look says where a stream ends, what a server refuses (which XREAD would refuse for all of them), whether anything
 * is missing (cursor.h), and that a stream is another one than before. What is refused keeps nothing else from coming,
 * and is looked at again and again, with the waits of backoff.h.
 *
 * What was added lately before it began can be had, too, apart from what comes (past.h). It is read once, at the
 * beginning, in front of all that comes from that stream; when the connection is lost meanwhile, or something else
 * happens, it is not.
 *
 * After a lost connection reading goes on behind the last entry that was read. A position may be kept in Redis, in a
 * hash: what stands there has been read at least save_ms ago.
 *
 * Threads: the loop's only.
 */
#ifndef SRC_REDIS_STREAMER_H
#define SRC_REDIS_STREAMER_H

#include "src/redis/cursor.h"
#include "src/redis/metrics.h"
#include "src/redis/past.h"
#include "src/redis/url.h"

#include <uv.h>

#define REDIS_LOOK_MS 5000

struct redis_streamer;

/* One of the streams. */
struct redis_streamer_stream {
	const char *name;
	const char *from; /* "$": what is added from now on; "0" or an id: what is behind it */
	const char *position; /* the hash in which it is kept how far it has been read, or NULL */
	const char *resume; /* where to go on, from redis_streamer_store(), whatever the others say; or NULL */
};

struct redis_streamer_options {
	const struct redis_url *url; /* borrowed, like all below */
	struct metrics *metrics;
	const struct redis_streamer_stream *streams;
	size_t n;
	size_t message_bytes; /* the longest entry that is taken */
	unsigned silent_ms, dead_ms; /* as a link has them */
	unsigned look_ms; /* 0: REDIS_LOOK_MS */
	unsigned save_ms; /* how long after an entry was read its position is kept, at least */
	/* None of these may close the streamer; stream is the number of one. Bytes are valid during the call. */
	void (*entry)(void *user, size_t stream, const struct redis_entry *e);
	void (*gap)(void *user, size_t stream, const struct redis_gap *gap);
	/* Each stream has been answered, and one at least is read; or that is not so any more. */
	void (*state)(void *user, bool ready);
	/* A stream is refused from now on, or is not any more. */
	void (*refused)(void *user, size_t stream, bool refused);
	/* Of those that go on nowhere; NULL: nothing of it is wanted, and the next two are not told. */
	const struct redis_past_limits *past;
	/* An entry that was there before. */
	void (*past_entry)(void *user, size_t stream, const struct redis_entry *e);
	/* Once of each stream that it is wanted of: there is no more of it. From an id on, if the entry of that id was
	 * told, nothing is missing; NULL: that is not known of any. */
	void (*past_end)(void *user, size_t stream, const struct redis_id *from);
	/* Once: every stream has been looked at that goes on somewhere, and what is missing of it since then has been
	 * told; and the past of each is over. NULL: nobody wants to know. */
	void (*settled)(void *user);
	/* Whether more can be taken now. If not it is asked again soon. */
	bool (*may_read)(void *user);
	void *user;
};

/* A streamer that begins to connect at once. NULL when out of memory. */
struct redis_streamer *redis_streamer_open(uv_loop_t *loop, const struct redis_streamer_options *options);

/* Tells of each that is refused that it is, or is not any more. */
void redis_streamer_tell_refused(const struct redis_streamer *s, bool refused);

/* How far a stream has been read, as a text that ends in NUL. NULL when it is not known. */
const char *redis_streamer_store(const struct redis_streamer *s, size_t stream, char out[REDIS_CURSOR_TEXT]);

/* Closes it; nothing is called any more. What is left goes when the loop has run. */
void redis_streamer_close(struct redis_streamer *s);

#endif

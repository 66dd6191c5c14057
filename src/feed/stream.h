/* SPDX-License-Identifier: MIT */
/*
 * The streams of one feed. A stream is an event name and a target, a room or all of
 * the namespace; its messages are put together in a batch until the interval since the
 * first one has passed at most, or there are enough of them. No I/O and no clock: time is an
 * argument, and a batch that is complete is handed to a callback.
 *
 *              first message                interval over, or full
 *     idle ────────────────────▶ filling ──────────────────────────▶ idle
 *      │ 2 s without a message: its buffer is freed
 *      ▼
 *     cold ── 60 s without a message: the stream itself is freed
 *
 * Streams with the same interval become due at the same moment, that of the first which
 * began to fill: so what a client gets of many of them can leave in one write. All
 * streams of a feed become due together, so a list is enough, and every step is O(1).
 *
 * Formats on the wire (see also the decoder):
 *     array   [m1,m2]                 each message one JSON value
 *     lines   m1 LF m2 LF             no LF in a message, and no NUL at its start
 *     frames  u32 big-endian length, bytes, …   below 2^24 bytes each
 *     columns see src/columns         put together as an array, and encoded when it is complete; where that would be
 *                                     no shorter, it goes out as the array
 * The first byte 00 says frames, the last byte LF says lines, 01 and 00 say columns, anything else array.
 *
 * Threads: the feed's only.
 */
#ifndef SRC_FEED_STREAM_H
#define SRC_FEED_STREAM_H

#include "eio/buf.h"
#include "eio/hash.h"
#include "eio/list.h"
#include "sio/room.h"
#include "src/columns/columns.h"
#include "src/feed/crowd.h"
#include "src/feed/fate.h"
#include "src/feed/keys.h"
#include "src/feed/message.h"
#include "src/feed/retain.h"
#include "src/feed/spec.h"

#define FEED_STREAM_WARM_MS 2000 /* longer than any usual interval, so a stream in use keeps its buffer */
#define FEED_STREAM_COLD_MS 60000
#define FEED_STREAMS_BYTES ((size_t)64 << 20) /* of all idle ones of a feed: those idle longest go before their time */
#define FEED_FRAME_MAX 0xffffffu /* so that the first byte of a frame is always 00 */

/* One stream. Its owner is the set; event and target never change. */
struct feed_stream {
	struct eio_hash_node node;
	struct eio_list link; /* on filling, idle or cold */
	struct eio_buf body; /* the batch: what is there so far, without the end of the format */
	unsigned count; /* messages in body */
	struct eio_buf marks; /* of them, struct feed_mark; only where the feed has keys */
	uint64_t at_ms; /* while it is filling, when it becomes due; else when it last did something */
	uint64_t hash; /* the same for the same feed, event and target */
	size_t cost; /* bytes, with what stands behind interest or crowd */
	struct eio_bytes event;
	struct sio_room_key target; /* the bytes of both lie in data */
	bool wide; /* the target's name stands for a crowd, see targets.h */
	uint64_t order; /* among those of its feed: see journal.h, where there is one */
	bool recovers; /* clients that come back get what they missed of it */
	/* The set's owner's, who gives them back: who listens. Both are NULL until it was looked for. */
	struct interest *interest; /* of the target */
	struct feed_crowd *crowd; /* where it is wide */
	struct retained
		*retained; /* what outlives it, where the feed retains; NULL elsewhere. Its messages have notes */
	char data[];
};

/* What goes into an event: one bare message where feed_is_bare, else a batch. One that consists of a single message
 * need not be put together: the format around it stands in before and after. */
struct feed_content {
	struct eio_bytes before, body, after;
	/* Where body is in columns, what they stand for: the array; else empty. */
	struct eio_bytes array;
	/* Where its messages begin in all of that, or in the array; only where the feed has keys. */
	const struct feed_mark *marks;
	size_t n_marks;
};

/* A batch is complete. The content is valid during the call, which may not call back into the set. */
typedef void (*feed_flush_fn)(
	void *user, struct feed_stream *stream, const struct feed_content *content, unsigned count, uint64_t now_ms);

/* A stream is about to be freed: the place to give back stream->interest and its crowd. */
typedef void (*feed_release_fn)(void *user, struct feed_stream *stream);

/* The streams of one feed. */
struct feed_streams {
	const struct feed_spec *feed;
	feed_flush_fn flush;
	feed_release_fn release;
	void *user;
	uint64_t hash_key[2];
	struct eio_hash all;
	struct feed_stream *latest; /* the one got last, or NULL: many feeds have only one */
	struct eio_list filling, idle, cold; /* each with the longest waiting first */
	struct columns *columns; /* only for that format */
	uint64_t own_tick, *tick; /* when what began to fill last becomes due, shared by all of one interval */
	size_t cost; /* of all */
	/* Nothing leaves of itself, but what leaves at once: a batch that is full waits for its owner, who has all of
	 * one interval leave then. */
	bool gathers, full;
};

/* The workers that have members of its target, one bit each. It is connected. */
static inline uint64_t
feed_stream_workers(const struct feed_stream *stream)
{
	return stream->interest ? interest_workers(stream->interest) : feed_crowd_workers(stream->crowd);
}

/* The rooms it goes to. It is connected. */
static inline size_t
feed_stream_rooms(const struct feed_stream *stream, struct interest *const **rooms)
{
	*rooms = stream->interest ? &stream->interest : stream->crowd->interests;
	return stream->interest ? 1 : stream->crowd->n;
}

/* Whether somebody may come back to one of its rooms. It is connected. */
bool feed_stream_is_wanted(const struct feed_stream *stream);

/* Whether somebody gets what goes there, now or when he comes back. It is connected. */
static inline bool
feed_stream_is_heard(const struct feed_stream *stream)
{
	return feed_stream_workers(stream) || (stream->recovers && feed_stream_is_wanted(stream));
}

/* Whether it was looked for who listens to its target. */
static inline bool
feed_stream_is_connected(const struct feed_stream *stream)
{
	return stream->interest || stream->crowd;
}

/* Whether messages of a feed go out one by one without a format around them. */
static inline bool
feed_is_bare(const struct feed_spec *feed)
{
	return feed->interval_ms == 0 && feed->encode != FEED_ENCODE_BINARY;
}

/* An empty set for one feed, which is borrowed. hash_key: 16 random bytes, other ones for each feed. 0, or -1 when out
 * of memory. */
int feed_streams_init(struct feed_streams *s, const struct feed_spec *feed, const uint64_t hash_key[2],
	feed_flush_fn flush, feed_release_fn release, void *user);

/* Has its streams become due with those of another set, whose interval is the same and which must stay where it is as
 * long as both are in use: what begins to fill from now on. */
void feed_streams_share_tick(struct feed_streams *s, struct feed_streams *other);

/* Has it go on by itself. */
void feed_streams_own_tick(struct feed_streams *s);

/* Has it work from another spec with the same format. Where anything else is another, nothing may be filling, and its
 * tick must be its own. */
void feed_streams_change(struct feed_streams *s, const struct feed_spec *feed);

/* Frees all streams; what they hold is not flushed. */
void feed_streams_deinit(struct feed_streams *s);

/* The stream of an event name and a target; made when it is new (then *made is true). Valid until the next
 * feed_streams_tick or feed_streams_get. NULL when out of memory. */
struct feed_stream *feed_streams_get(
	struct feed_streams *s, struct eio_bytes event, struct sio_room_key target, uint64_t now_ms, bool *made);

/* The same where the target's name stands for a crowd, of so many rooms. */
struct feed_stream *feed_streams_get_wide(struct feed_streams *s, struct eio_bytes event, struct sio_room_key target,
	size_t rooms, uint64_t now_ms, bool *made);

/* The hash of the stream of an event name and a target, which need not be there. */
uint64_t feed_streams_hash(const struct feed_streams *s, struct eio_bytes event, struct sio_room_key target, bool wide);

/* Adds a message to a stream; flushes what is full. Anything but FEED_FATE_TAKEN: the message was refused and the
 * batch is as before. */
enum feed_fate feed_streams_append(struct feed_streams *s, struct feed_stream *stream, struct message *m);

/* Whether a message can stand in the feed's format: FEED_FATE_TAKEN, or why not. */
enum feed_fate feed_streams_fate(const struct feed_streams *s, struct message *m);

/* A message came that is not wanted: only keeps the stream from being freed. */
void feed_streams_touch(struct feed_streams *s, struct feed_stream *stream, uint64_t now_ms);

/* Flushes all that waits, due or not. */
void feed_streams_flush(struct feed_streams *s, uint64_t now_ms);

/* Flushes one that is filling. */
void feed_streams_flush_one(struct feed_streams *s, struct feed_stream *stream, uint64_t now_ms);

/* Flushes those to which nobody listens and those of so many messages, of the few that began to fill last: so that
 * little is left for the moment at which all are due. Only where nothing gathers. */
void feed_streams_flush_some(struct feed_streams *s, unsigned messages, uint64_t now_ms);

/* When feed_streams_tick has something to do next, or UINT64_MAX. */
uint64_t feed_streams_deadline(const struct feed_streams *s);

/* Whether a batch of it is due. */
static inline bool
feed_streams_due(const struct feed_streams *s, uint64_t now_ms)
{
	const struct eio_list *first = s->filling.next;

	return first != &s->filling &&
	       now_ms >= EIO_CONTAINER((struct eio_list *)(uintptr_t)first, struct feed_stream, link)->at_ms;
}

/* Flushes what is due and frees what has been idle. */
void feed_streams_tick(struct feed_streams *s, uint64_t now_ms);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Batches of one feed: messages of each stream (event name and room) are put
 * together until the interval since the first one has passed, or there are
 * enough of them. No I/O and no clock: time is an argument, and a batch that is
 * complete is handed to a callback.
 *
 *              first message                interval over, or full
 *     idle ────────────────────▶ filling ──────────────────────────▶ idle
 *      │ BATCH_WARM_MS without a message: its buffer is freed
 *      ▼
 *     cold ── BATCH_COLD_MS without a message: the stream itself is freed
 *
 * Because the interval is the same for the whole feed, the streams become due in
 * the order they began to fill: a list is enough, and every step is O(1).
 *
 * Formats on the wire (see also the decoder):
 *     array   [m1,m2]                 each message one JSON value
 *     lines   m1 LF m2 LF             no LF in a message, and no NUL at its start
 *     frames  u32 big-endian length, bytes, …   below 2^24 bytes each
 * The first byte 00 says frames, the last byte LF says lines, anything else array.
 *
 * Threads: the feed's only.
 */
#ifndef SRC_FEED_STREAM_H
#define SRC_FEED_STREAM_H

#include "eio/buf.h"
#include "eio/hash.h"
#include "eio/list.h"
#include "src/feed/spec.h"

#define BATCH_WARM_MS 2000 /* longer than any usual interval, so a stream in use keeps its buffer */
#define BATCH_COLD_MS 60000
#define BATCH_FRAME_MAX 0xffffffu /* so that the first byte of a frame is always 00 */

/* Why one message was refused: X(name, metric, text). */
#define BATCH_REASONS(X) \
	X(ROUTE, "route", "no event or room can be made of it") \
	X(JSON, "json", "not one JSON value") \
	X(UTF8, "utf8", "not UTF-8") \
	X(LINE, "line", "holds a line feed or starts with NUL") \
	X(SIZE, "size", "too long for a frame") \
	X(MEMORY, "memory", "out of memory")

enum batch_result {
	BATCH_OK,
#define X(name, metric, text) BATCH_##name,
	BATCH_REASONS(X)
#undef X
		BATCH_RESULT_COUNT
};

/* The word for metrics and the sentence for logs; "" for BATCH_OK. */
const char *batch_reason_name(enum batch_result r);
const char *batch_reason_text(enum batch_result r);

/* One stream. Its owner is the set; event and room never change. */
struct batch {
	struct eio_hash_node node;
	struct eio_list link; /* on filling, idle or cold */
	struct eio_buf body; /* what is there so far, without the end of the format */
	unsigned count; /* messages in body */
	uint64_t since_ms; /* when it began to fill, or when it last did something */
	uint64_t hash; /* the same for the same feed, event and room */
	bool everyone; /* no room */
	struct eio_bytes event, room; /* the bytes lie in data */
	void *user; /* the feed's: its struct interest */
	char data[];
};

/* A batch is complete: content is what goes into the event. `whole` says that it is one bare message, not a
 * batch (interval 0 with json and text). content is valid during the call, which may not call back into the set. */
typedef void (*batch_flush_fn)(void *user, struct batch *b, struct eio_bytes content, unsigned count, bool whole);

/* A stream is about to be freed: the place to give back b->user. */
typedef void (*batch_release_fn)(void *user, struct batch *b);

struct batch_set {
	const struct feed_spec *feed;
	batch_flush_fn flush;
	batch_release_fn release;
	void *user;
	uint64_t key[2];
	struct eio_hash streams;
	struct batch *latest; /* the one got last, or NULL: many feeds have only one */
	struct eio_list filling, idle, cold; /* each with the longest waiting first */
};

/* An empty set for one feed, which is borrowed. key: 16 random bytes for the hash. 0, or -1 when out of memory. */
int batch_set_init(struct batch_set *s, const struct feed_spec *feed, const uint64_t key[2], batch_flush_fn flush,
	batch_release_fn release, void *user);

/* Frees all streams; what they hold is not flushed. */
void batch_set_deinit(struct batch_set *s);

/* The stream of an event name and a room (NULL: everyone), made when it is new (then *made is true). Valid until
 * the next batch_set_tick. NULL when out of memory. */
struct batch *batch_set_get(
	struct batch_set *s, struct eio_bytes event, const struct eio_bytes *room, uint64_t now_ms, bool *made);

/* Adds a message to a stream; flushes what is full. known_json: the caller has already checked that it is one JSON
 * value in UTF-8. Anything but BATCH_OK: the message was refused and the batch is as before. */
enum batch_result batch_set_append(
	struct batch_set *s, struct batch *b, struct eio_bytes message, bool known_json, uint64_t now_ms);

/* A message came that is not wanted: only keeps the stream from being freed. */
void batch_set_touch(struct batch_set *s, struct batch *b, uint64_t now_ms);

/* When batch_set_tick has something to do next, or UINT64_MAX. */
uint64_t batch_set_deadline(const struct batch_set *s);

/* Flushes what is due and frees what has been idle. */
void batch_set_tick(struct batch_set *s, uint64_t now_ms);

#endif

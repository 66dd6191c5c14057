/* SPDX-License-Identifier: MIT */
/*
 * The past of one stream: the entries that it had got lately when it began to be read. No I/O.
 *
 *     WANTED ── the first look says up to where it is past
 *     ──▶ SOUGHT: back from there, by XREVRANGE, until that is long ago or much
 *     ──▶ READ: from there on, by XREAD, as what is to come
 *     ──▶ CHECKED ── the next look ──▶ it is over
 *
 * What was read may lack entries that others had read before they were deleted, or the stream was cut. The last look
 * says from where on it does not: a stream is cut from its beginning, so behind its first entry nothing was cut; and it
 * knows the highest id that was deleted. Servers before Redis 7 do not, and there no past can be had.
 *
 * Threads: one at a time.
 */
#ifndef SRC_REDIS_PAST_H
#define SRC_REDIS_PAST_H

#include "src/redis/cursor.h"

/* How much of it is wanted. */
struct redis_past_limits {
	uint64_t since_ms; /* since 1970, by ids that are times */
	uint64_t messages; /* of each stream */
	size_t bytes; /* of all */
};

enum redis_past_state {
	REDIS_PAST_NONE, /* it is over, or nobody wants it */
	REDIS_PAST_WANTED,
	REDIS_PAST_SOUGHT,
	REDIS_PAST_READ,
	REDIS_PAST_CHECKED,
};

/* The fields are private, but for `state`, `at` while it is read, and `messages`. */
struct redis_past {
	enum redis_past_state state;
	struct redis_id at; /* the earliest that was found; or the last that was read */
	struct redis_id upto; /* what comes behind it is not past */
	uint64_t messages; /* that were found, or read */
	size_t bytes; /* of those that were found */
	unsigned asked, got; /* entries, in the answer at hand */
	bool enough;
};

/* A stream that is wanted was looked at; info: NULL when there is none. Whether there may be something. If not it is
 * over. */
bool redis_past_begin(struct redis_past *p, const struct redis_cursor *c, const struct redis_stream_info *info);

/* Appends XREVRANGE for one that is sought. */
void redis_past_seek(struct redis_past *p, const char *stream, struct eio_buf *out);

/* An entry has come by that; how many bytes of all may still be found is counted in *bytes. */
void redis_past_found(
	struct redis_past *p, struct redis_id id, uint64_t size, const struct redis_past_limits *limits, size_t *bytes);

/* That has been answered: it is sought on, or read, or, where nothing is there, over. */
void redis_past_sought(struct redis_past *p);

/* An entry of one that is read. Whether it is of the past. */
bool redis_past_entry(struct redis_past *p, struct redis_id id);

/* All there was has been read. */
void redis_past_caught_up(struct redis_past *p);

/* One that is to be checked was looked at, and is over. From which id on nothing is missing, if the entry of that id is
 * there. False when nothing is sure. */
bool redis_past_check(struct redis_past *p, const struct redis_stream_info *info, struct redis_id *from);

#endif

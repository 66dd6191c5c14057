/* SPDX-License-Identifier: MIT */
/*
 * The streams of a streamer: what is asked for each of them, and what the server says to it. No I/O.
 *
 * Threads: one at a time.
 */
#ifndef SRC_REDIS_READING_H
#define SRC_REDIS_READING_H

#include "src/redis/streamer.h"

/* One of them. */
struct redis_reading {
	const struct redis_streamer_stream *stream; /* borrowed */
	struct redis_cursor cursor;
	struct redis_past past; /* what came before that */
	bool refused; /* the last answer, also that of a connection before */
	bool told; /* for whoever logs: that it is refused */
	bool behind; /* the same: that it is doubted */
	bool in_read; /* it is part of the XREAD at hand, */
	unsigned read; /* of which so many entries have come */
	char saved[REDIS_CURSOR_TEXT], next[REDIS_CURSOR_TEXT]; /* its position: as it is kept, and will be */
};

struct redis_readings {
	struct redis_reading *v; /* owned: n */
	size_t n;
	size_t refused; /* how many are */
	/* The look at hand. */
	size_t at; /* whose answer comes next; n: all have come */
	bool position; /* and that it is its position */
	/* The XREAD at hand, or to come. */
	unsigned count; /* entries of each stream */
	uint64_t entries, bytes; /* that have come */
	size_t latest; /* whose entry came last */
};

/* 0, or -1 when out of memory (nothing to undo then). The streams are borrowed. */
int redis_readings_init(struct redis_readings *rs, const struct redis_streamer_stream *streams, size_t n);
void redis_readings_deinit(struct redis_readings *rs);

/* Appends the commands of a look. Returns how many. */
size_t redis_readings_look(struct redis_readings *rs, struct eio_buf *out);

/* The stream whose answer comes next in a look, NULL when none does. */
struct redis_reading *redis_readings_asked(struct redis_readings *rs);

/* That answer has come. It was the stream's position, in a text, empty when there is none: whether that is one; NULL:
 * it is refused, and asked for again. Or what it is. */
bool redis_readings_position(struct redis_readings *rs, const struct eio_bytes *text);
void redis_readings_answered(struct redis_readings *rs, bool refused);

/* Appends XREAD for all that are not refused. Returns how many streams that is; without any there is nothing to
 * read. */
size_t redis_readings_read(struct redis_readings *rs, struct eio_buf *out, unsigned block_ms);

/* An entry has come: whose, or NULL of a stream that is none of them. */
struct redis_reading *redis_readings_entry(struct redis_readings *rs, const struct redis_entry *e);

/* XREAD has been answered: how many entries will be asked for next follows from how long these were. */
void redis_readings_read_done(struct redis_readings *rs);

/* Whether a stream had fewer entries than were asked for: all there was has come. */
bool redis_readings_caught_up(const struct redis_readings *rs, const struct redis_reading *r);

/* Whether a stream is doubted that is not refused. */
bool redis_readings_doubted(const struct redis_readings *rs);

/* Whether each stream that was to go on somewhere has been looked at and read up to where it ended then, and the past
 * of each is over. */
bool redis_readings_settled(const struct redis_readings *rs);

/* Appends commands that keep the positions noted at the call before, and notes those of now. Returns how many commands.
 * *more: there are positions that are not kept yet. */
size_t redis_readings_save(struct redis_readings *rs, struct eio_buf *out, bool *more);

#endif

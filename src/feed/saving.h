/* SPDX-License-Identifier: MIT */
/*
 * What the next process needs of a feed, as records (base/archive.h): sessions, what was sent lately, what is retained,
 * and how far the sources have read. For src/feed/ only. No I/O.
 *
 *     HEAD ── FEED … ── PLACE … ── ( ROOM … SESSION ) … ── BROADCAST … ── STATE … ── RETAINED …
 *
 * Rooms and states are counted, each kind from 0, and named by their numbers in what stands behind them. Of rooms there
 * are only those that somebody may come back to, and of what was sent only what went there. Times are ages.
 *
 * Threads: the feed's, or any when its thread is not there.
 */
#ifndef SRC_FEED_SAVING_H
#define SRC_FEED_SAVING_H

#include "src/base/archive.h"
#include "src/feed/feed_int.h"
#include "src/feed/intakes.h"

enum feed_record {
	/* The time since 1970 in milliseconds; with recovery: 1, the last serial number, the key of what stands for
	 * users, and the number before which something may be missing of a feed that was not there any more; else 0 */
	FEED_RECORD_HEAD = 1,
	FEED_RECORD_FEED, /* its print, and the number before which something may be missing */
	FEED_RECORD_PLACE, /* server, whether it is a stream, the stream, the place */
	FEED_RECORD_ROOM, /* namespace, whether it is all of it, the room, up to where it is forgotten what it got */
	FEED_RECORD_SESSION,
	FEED_RECORD_BROADCAST,
	FEED_RECORD_STATE, /* feed, event, namespace, whether it is all of it, room, audience */
	FEED_RECORD_RETAINED, /* state, key, age, message */
};

/* All is borrowed. */
struct feed_parts {
	struct feed_router *router;
	struct feed_intakes *intakes;
	uint64_t now_ms; /* the loop's */
	uint64_t wall_ms; /* the same moment since 1970 */
};

/* Writes all down. What is put together must have been flushed, and the places noted. */
void feed_saving_write(const struct feed_parts *p, struct archive_out *out, struct feed_tally *tally);

/* Reads it all, into a feed that has nothing yet. NULL, or in a few words why not: then it has nothing. */
const char *feed_saving_read(const struct feed_parts *p, struct archive_in *in, struct feed_tally *tally);

#endif

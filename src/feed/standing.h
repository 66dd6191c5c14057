/* SPDX-License-Identifier: MIT */
/*
 * How far what the sources sent has left a siocast, in words that another one on the same sources understands. It is
 * that of a moment between two broadcasts, whose offset carries it.
 *
 * Streams with one interval are a *class*, and all of a class leaves at one moment, a tick. So what has left of a class
 * is what came up to its last tick; and where a client may have the first of a tick's broadcasts and not the last, they
 * leave in an order that both know: that of the feeds, and in a feed that of the streams' hashes.
 *
 *     track     m1 m2 m3 m4 m5 m6 m7
 *     class 1                      └ all has left
 *     class 2            └ up to here, and up to m7 of the streams up to (feed, order)
 *
 * As text, numbers in base 64 (offset.h):
 *
 *     standing = place *( "," place ) [ "!" behind *( "," behind ) ] [ ":" class "," feed "," order ]
 *     place    = a "." b         of each track
 *     behind   = messages that have not left, of each class the tracks one after the other, without zeros at the end
 *
 * Pure functions.
 */
#ifndef SRC_FEED_STANDING_H
#define SRC_FEED_STANDING_H

#include "src/feed/track.h"

enum {
	STANDING_TRACKS = 8, /* sources; more make offsets too long to go behind each event */
	STANDING_CLASSES = 8, /* intervals */
	STANDING_ORDER_BITS = 36, /* of a hash: six digits */
	STANDING_TEXT = 112, /* one that is longer is none */
	/* How long one is at most, but for moments in which much more waits than usual: a place with what parts it from
	 * the next, what waits of each class and track, and what is partial. */
	STANDING_PLACE = 13,
	STANDING_BEHIND = 3,
	STANDING_PARTIAL = 13,
};

struct standing {
	unsigned n_tracks, n_classes;
	struct track_place at[STANDING_TRACKS]; /* the last message that came */
	uint64_t behind[STANDING_CLASSES][STANDING_TRACKS];
	bool partial; /* of one class some streams have had what came up to here */
	unsigned class, feed;
	uint64_t order; /* and this is the last of them */
};

struct standing_text {
	unsigned char n; /* 0: nobody else could understand it */
	char text[STANDING_TEXT];
};

/* Whether those of so many tracks and classes have room. */
static inline bool
standing_has_room(size_t tracks, size_t classes)
{
	return tracks <= STANDING_TRACKS && classes <= STANDING_CLASSES &&
	       tracks * (STANDING_PLACE + STANDING_BEHIND * classes) + STANDING_PARTIAL <= STANDING_TEXT;
}

/* n 0 when it is too long. */
struct standing_text standing_write(const struct standing *s);

/* False for what none of the former wrote, for so many tracks and classes. */
bool standing_read(struct eio_bytes text, unsigned n_tracks, unsigned n_classes, struct standing *out);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * What came from the sources lately, message by message, for clients that come from another siocast on the same
 * sources: that one made other batches of it, so what such a client missed is put together for it alone.
 *
 *     source ── message ──▶ track: its place ── slot ──▶ journal_message: the bytes, as they came
 *                                                          └── notes: a feed took it ── traces ──▶ rooms
 *
 * A note is made for each feed that has a stream for the message, also when nobody is there to hear it: whoever comes
 * may have been in any room. And the journal knows what has left: see standing.h.
 *
 * No I/O and no clock. Threads: the feed's only.
 */
#ifndef SRC_FEED_JOURNAL_H
#define SRC_FEED_JOURNAL_H

#include "eio/list.h"
#include "src/feed/history.h"
#include "src/feed/local.h"
#include "src/feed/message.h"
#include "src/feed/offset.h"
#include "src/feed/stream.h"

struct journal_message;

/* A feed took a message. */
struct journal_note {
	struct journal_note *next; /* of the same message */
	const struct journal_message *message;
	struct audience *audience; /* a reference, or NULL: all members of the one room */
	uint64_t order; /* its stream's */
	uint64_t found; /* by the question of that number */
	unsigned feed;
	unsigned n;
	struct journal_trace {
		struct eio_list link; /* in room->past.notes */
		struct interest *room; /* a reference */
		struct journal_note *note;
	} traces[];
};

struct journal_message {
	struct eio_list link; /* in the journal's, in the order they came */
	struct journal_note *notes;
	uint64_t serial; /* in the order they came, of whatever track */
	uint64_t number; /* in its track */
	unsigned track;
	uint64_t now_ms;
	size_t bytes;
	struct message m; /* its bytes lie in data */
	char data[];
};

/* A class of feeds, by their interval; the first one is of those whose messages leave at once. */
struct journal_class {
	unsigned interval_ms;
	bool busy; /* something has not left */
	bool full; /* one of its batches is: all shall leave */
	uint64_t clean[STANDING_TRACKS]; /* what came before these numbers has left; while it is busy */
};

/* The broadcast at hand: where its class is in its order. */
struct journal_flush {
	bool on, last; /* nothing comes behind it */
	bool vague; /* there is another stream with the same order */
	unsigned class, feed;
	uint64_t order;
};

struct journal {
	struct history_limits limits; /* of each track; bytes of all */
	unsigned n_tracks, n_classes;
	unsigned *class_of; /* of each feed; owned */
	struct track tracks[STANDING_TRACKS];
	bool past[STANDING_TRACKS]; /* what comes of it was there before we were: until then it says nothing */
	struct journal_class classes[STANDING_CLASSES];
	struct eio_list messages;
	size_t bytes;
	uint64_t serial;
	uint64_t questions;
	/* Who we are, at random: FEED_NODE_DIGITS digits, the last of which is the epoch. A new one begins when
	 * something was lost, or may be, that nobody elsewhere can know of: sessions that were stored before do not go
	 * with offsets that come later. */
	uint32_t node;
	uint64_t shape; /* of the feeds: the same where standings mean the same */
	struct feed_local local; /* namespaces of which nobody elsewhere knows all */
	uint64_t now_s; /* since 1970: told each second */
	uint64_t told_ms; /* when */
	/* The message at hand. */
	bool at_hand;
	unsigned track;
	struct journal_message *message; /* as soon as a feed took it */
	struct journal_flush flush;
};

enum { JOURNAL_NO_TRACK = 0 }; /* of a message that is no source's: track numbers in messages begin at 1 */

/* hashed: for each track whether it is of what is published. NULL when out of memory, or when there are too many tracks
 * or intervals. */
struct journal *journal_new(const struct history_limits *limits, const struct feed_specs *specs, const bool *hashed,
	unsigned n_tracks, uint64_t now_s, uint64_t now_ms);
void journal_free(struct journal *j); /* NULL is fine */

/* The time, each second. */
void journal_tell_time(struct journal *j, uint64_t now_s, uint64_t now_ms);

/* A message comes; feeds take it, with a stream that is connected; it is through. Without memory what comes is
 * missing. */
void journal_begin(struct journal *j, const struct message *m);
void journal_note(struct journal *j, const struct message *m, const struct feed_stream *stream, unsigned feed);
void journal_end(struct journal *j);

/* Before anything comes of a track: what was there before comes first. Such a message has left, for whoever was there;
 * journal_begin_past() takes the place of journal_begin(), and nothing of it may be filled. */
void journal_await_past(struct journal *j, unsigned track);
void journal_begin_past(struct journal *j, const struct message *m);

/* Whether something of that is still to come, of that track; or of any. */
bool journal_awaits_past(const struct journal *j, unsigned track);
bool journal_awaits_any_past(const struct journal *j);

/* It was all. Only what came behind the first message from a place on is kept; NULL: nothing. Once that is not so any
 * more this does nothing. */
void journal_end_past(struct journal *j, unsigned track, const struct track_place *from);

/* The message at hand is lost for some feed, because memory is out. */
void journal_lose(struct journal *j);

/* Something of a class waits from now on, if it did not before. */
void journal_fill(struct journal *j, unsigned class);

/* All of a class has left. */
void journal_clear(struct journal *j, unsigned class);

/* Something of a track is missing. */
void journal_break(struct journal *j, unsigned track);

/* A new epoch begins. */
void journal_begin_epoch(struct journal *j);

/* How far it is: behind the broadcast at hand, or else between two. n 0 when it cannot be said. */
struct standing_text journal_standing(const struct journal *j);

/* The order of a stream among those of its feed. */
uint64_t journal_order(struct eio_bytes event, struct sio_room_key target, bool wide);

/* A room that somebody was in elsewhere. */
struct journal_room {
	struct interest *room;
	struct eio_bytes joined; /* the standing when he came there; empty: before the one that he has */
};

struct journal_question {
	struct eio_bytes has; /* the standing of what he has; empty: he has nothing since he came */
	const struct journal_room *rooms; /* everyone's among them */
	size_t n_rooms;
	struct eio_bytes id; /* of his socket */
	size_t max_bytes; /* he can take no more */
};

/* What he missed, in its order. */
struct journal_missed {
	const struct journal_note **v; /* owned */
	size_t n, cap, bytes;
};

/* Finds it, where all that came has left here. The notes are valid until the next message. */
enum history_answer journal_ask(struct journal *j, const struct journal_question *q, struct journal_missed *out);

#endif

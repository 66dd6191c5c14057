/* SPDX-License-Identifier: MIT */
/*
 * What went to clients lately, for those who come back. An entry is a bundle that was sent, with who it was for; each
 * is found from the rooms it went to, so what a client missed costs what it missed, whatever else is remembered.
 *
 *     history ──list──▶ entry: serial, bundle ── traces ──▶ interest of each room ── past.traces ──▶ …
 *      of a feed         the oldest goes first
 *
 * What is forgotten leaves its number with its rooms: so it is known for each room from where on all is there, however
 * much went to others.
 *
 * Threads: the feed's only. No I/O and no clock.
 */
#ifndef SRC_FEED_HISTORY_H
#define SRC_FEED_HISTORY_H

#include "eio/bundle.h"
#include "eio/list.h"
#include "src/feed/audience.h"
#include "src/feed/interest.h"

#include <stdbool.h>

/* How much is remembered, of one feed. */
struct history_limits {
	unsigned ms;
	unsigned messages;
	size_t bytes; /* of what was sent, and of the memory for remembering it */
};

struct history {
	struct history_limits limits;
	struct eio_list entries; /* of struct history_entry, the oldest first */
	size_t messages, bytes; /* in them */
};

/* A broadcast. All is borrowed. */
struct history_broadcast {
	uint64_t serial; /* larger than that of any before it */
	struct eio_bundle *bundle;
	struct interest *const *rooms; /* at least one */
	size_t n_rooms;
	struct audience *audience; /* NULL: all members of the one room */
	uint64_t workers; /* that it was handed to, one bit each */
	unsigned messages;
	uint64_t now_ms;
};

void history_init(struct history *h, const struct history_limits *limits);
void history_deinit(struct history *h);

/* Remembers one. When memory is out it counts as forgotten. */
void history_add(struct history *h, const struct history_broadcast *b);

/* One could not even be sent: as if it was remembered and forgotten. */
void history_lose(struct interest *const *rooms, size_t n_rooms, uint64_t serial);

/* What is remembered, the oldest first: begin with *at NULL. False behind the last. The rooms are told by
 * history_room_of(), i below n_rooms. All is valid until something is added or forgotten. */
struct history_entry;
bool history_next(const struct history *h, const struct history_entry **at, struct history_broadcast *out);
struct interest *history_room_of(const struct history_entry *e, size_t i);

/* Forgets what is too old. */
void history_tick(struct history *h, uint64_t now_ms);

/* A room that somebody was in. */
struct history_room {
	struct interest *room;
	uint64_t after; /* he has all up to this number, or it was not for him: he was not there yet */
	/* Up to this one only what was handed to this worker was for him: he came there meanwhile. */
	uint64_t joined;
	unsigned worker;
};

/* What somebody missed. */
struct history_question {
	uint64_t number; /* another one for each question, from 1 on */
	const struct history_room *rooms; /* everyone's among them */
	size_t n_rooms;
	struct eio_bytes id; /* of his socket */
	size_t max_bytes; /* he can take no more */
};

/* The bundles that he missed, in their order. */
struct history_missed {
	struct eio_bundle **v; /* references; owned */
	size_t n;
	size_t bytes;
};

enum history_answer {
	HISTORY_ALL, /* *out is all of it, maybe nothing */
	HISTORY_GAP, /* something is forgotten; *out is empty, as below */
	HISTORY_TOO_MUCH, /* more than max_bytes */
	HISTORY_NOMEM,
	HISTORY_LATER, /* of somebody from elsewhere: what he has has not come here yet, or never will */
};

enum history_answer history_ask(const struct history_question *q, struct history_missed *out);
void history_missed_free(struct history_missed *m);

#endif

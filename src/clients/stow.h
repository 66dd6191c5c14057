/* SPDX-License-Identifier: MIT */
/*
 * Sockets whose clients may go to another siocast: Redis has their sessions while they live, so that nobody needs this
 * process for that. What a client may know of its session Redis has before: as soon as something about it changes, what
 * goes to the client is held back (eio_socket_cork), until Redis has said that it has the session as it is now.
 *
 *              something changes          the turn ends             Redis has it, and nothing changed meanwhile
 *     clean ─────────────────────▶ dirty ───────────────▶ under way ────────────────────────────────────────▶ clean
 *                                    ▲                        │ something changes
 *                                    └────────────────────────┘
 *
 * So what many joins in a turn, or while Redis is asked, come to is written once. stowing.h writes it; this is what is
 * noted.
 *
 * Threads: the worker's.
 */
#ifndef SRC_CLIENTS_STOW_H
#define SRC_CLIENTS_STOW_H

#include "src/clients/clients_int.h"
#include "src/feed/returns.h"

struct client_past;

struct client_stow {
	struct eio_list link; /* in clients->stowing while it is dirty; else in one of those that are put again */
	struct client_past *past;
	struct sio_socket *socket;
	char token[STORED_TOKEN];
	struct feed_offset_text begun, joined; /* how far we were when it began, and came to its namespace */
	/* The same of rooms that it came to later, by the hashes of their keys; owned. Maybe it left some again. */
	struct stow_room {
		uint64_t room;
		struct feed_offset_text joined;
	} * rooms;
	size_t n_rooms, cap;
	bool dirty, under_way, corked;
	bool stored; /* Redis has something of it, or may have */
	bool failed; /* it did not take what there is now */
	bool left; /* its client may come back */
	bool moved; /* another siocast has its session */
	uint64_t due_ms; /* when it is put again */
	uint64_t store; /* clients->store when it was written last */
};

/* Notes a socket; `recall` is the answer with its session, or NULL. The token is what the feed has in Redis for it
 * already, or n 0. False when out of memory. */
struct client_stow *stow_new(struct sio_socket *s, struct client_past *past, const struct feed_recall *recall);
void stow_free(struct client_stow *w); /* NULL is fine */

/* Somebody else has its session where that is kept, or gets it: nothing more is put there. NULL is fine. */
void stow_give_up(struct client_stow *w);

/* Something about its session changes. NULL is fine. */
void stow_touch(struct client_stow *w);

/* It came to a room, whose key's hash that is. False when out of memory. */
bool stow_joined(struct client_stow *w, uint64_t room);

/* How far we were when it came to a room. */
const struct feed_offset_text *stow_joined_at(const struct client_stow *w, uint64_t room);

/* Lets what was held back go, if nothing about any of its client's sockets is held back any more. */
void stow_uncork(struct client_stow *w);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * What is retained comes to those who join. Whoever joins a room is a member at once, but what feeds that retain send
 * there passes it over, until the feed's answer has come: that holds what was sent before it, and all that was sent
 * later comes behind it.
 *
 *     join ──▶ awaited ── feed_ask() ──▶ asked ── answer ──▶ settled: gets everything
 *                 ▲                        │
 *                 └── a room was left ─────┘     the answer is thrown away, what is left is asked for anew
 *
 * A socket has one question on its way; rooms that it joins meanwhile are asked for behind it, and a client that does
 * not read is not asked for until it has. While it awaits several of the rooms that something goes to, it gets it by
 * one that is settled, or with an answer.
 *
 * Threads: the worker's.
 */
#ifndef SRC_CLIENTS_SNAPSHOTS_H
#define SRC_CLIENTS_SNAPSHOTS_H

#include "src/clients/client.h"
#include "src/feed/ask.h"
#include "src/feed/audience.h"

/* A socket has joined a room; it is about to leave one; it is about to leave all. */
void snapshots_join(struct sio_socket *s, struct sio_room_key key);
void snapshots_leave(struct sio_socket *s, struct sio_room_key key);
void snapshots_end(struct sio_socket *s);

/* Whether some member of a room awaits what is retained for it. */
static inline bool
snapshots_awaited(const struct sio_room *room)
{
	return room->user != NULL; /* so many do */
}

/* Whether a client does, so that it is not to get what goes there, or to all of an audience (or NULL), by this room. */
bool snapshots_awaits(const struct client *c, const struct sio_room *room, const struct audience *audience);

#endif

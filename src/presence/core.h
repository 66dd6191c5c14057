/* SPDX-License-Identifier: MIT */
/*
 * Who is where. A member is somebody with an identity in a room: a user, however many connections (tabs) he has there
 * and on whatever node. A seat is one connection of ours to such a room; what other nodes say of their own comes as a
 * reference for each member they have.
 *
 *     room ─┬─ members ── member ─┬─ seats: how many of ours        none left: he lingers, then he leaves
 *           │                     └─ references: one for each other node that has him
 *           ├─ seats that know the list, and hear of changes
 *           └─ newcomers, who are to be told it
 *
 * Nothing is told from within a call that changes something. presence_next() compares what is with what was told, and
 * gives one event after the other: what is undone before it was told is never told. So events are right in this order:
 * JOINING and LEAVING go to all seats of the room that are no newcomers, HERE to the newcomers, with everybody in it
 * whose joining was told before. Whoever keeps that order on the way to a client gives it the list without a gap and
 * without a repeat.
 *
 * No I/O and no clock: time is an argument.
 *
 * Threads: one at a time.
 */
#ifndef SRC_PRESENCE_CORE_H
#define SRC_PRESENCE_CORE_H

#include "eio/buf.h"
#include "eio/hash.h"
#include "eio/list.h"
#include "sio/room.h"
#include "src/presence/spec.h"

#include <stdint.h>

/* A connection of ours in a room. Seats are numbered by whoever has the connection; the lowest six bits are its
 * worker. */
struct presence_seat {
	struct eio_hash_node node;
	struct eio_list link; /* in room->seated or room->newcomers */
	struct presence_room *room;
	struct presence_member *member;
	uint64_t id;
};

static inline unsigned
presence_seat_worker(uint64_t id)
{
	return (unsigned)(id & 63);
}

struct presence_room {
	struct eio_hash_node node;
	struct sio_room_key key; /* the bytes lie in data */
	const struct presence_spec *spec;
	struct eio_hash by_identity; /* of members */
	struct eio_list members; /* in the order they came */
	struct eio_list seated, newcomers; /* of seats */
	struct eio_list fresh; /* in core->fresh while there are newcomers */
	size_t n_seats;
	uint32_t *seats_of; /* by worker; lies in data */
	uint64_t version; /* changes with the list */
	uint64_t hold_ms; /* newcomers are not told the list before this time; the edge sets it */
	void *user; /* the edge's, NULL at first: `released` of the core frees it */
	uint32_t data[];
};

struct presence_member {
	struct eio_hash_node node;
	struct eio_list link; /* in room->members */
	struct eio_list changed; /* in core->changed when something may have to be told */
	struct eio_list lingering; /* in core->lingering[spec] */
	struct eio_list references; /* of struct presence_reference */
	struct presence_room *room;
	uint64_t due_ms; /* while he lingers: when he leaves */
	size_t seats; /* of ours */
	bool told; /* the room knows that he is there */
	bool shared; /* other nodes know that we have him */
	bool renewed; /* what they know of him is old */
	char *json; /* owned: member and info as JSON, one after the other */
	size_t member_n, info_n;
	size_t identity_n;
	char identity[];
};

static inline struct eio_bytes
presence_member_json(const struct presence_member *m)
{
	return eio_bytes(m->json, m->member_n);
}

static inline struct eio_bytes
presence_member_info(const struct presence_member *m)
{
	return eio_bytes(m->json + m->member_n, m->info_n);
}

struct presence_core {
	uint64_t hash_key[2];
	const struct presence_specs *specs; /* borrowed */
	unsigned workers;
	void (*released)(void *user); /* of a room's user, when that goes; NULL: nothing is to be done */
	struct eio_hash rooms, seats;
	struct eio_list changed, fresh;
	struct eio_list *lingering; /* one for each spec, the first due first */
	struct presence_room *told; /* the room of the HERE that was just told */
	struct presence_member *left; /* the member of the LEAVING that was just told; on no list any more */
	size_t n_members;
};

/* workers: how many there are. hash_key: 16 random bytes. 0, or -1 when out of memory. */
int presence_core_init(
	struct presence_core *c, const struct presence_specs *specs, unsigned workers, const uint64_t hash_key[2]);

/* Frees everything; nothing is told. */
void presence_core_deinit(struct presence_core *c);

/* Somebody, as JSON has it and as he is told apart from others. All bytes are copied. */
struct presence_who {
	struct eio_bytes identity; /* any bytes */
	struct eio_bytes member, info; /* checked JSON */
};

enum presence_result { PRESENCE_OK, PRESENCE_FULL, PRESENCE_NOMEM };

/* A connection of ours, with a number that no seat has, enters a room. When its member was there already he is called
 * as this one says from now on. FULL: the room has max_members, and he is none of them; there is no seat then, as after
 * NOMEM. */
enum presence_result presence_enter(struct presence_core *c, uint64_t seat, const struct presence_spec *spec,
	struct sio_room_key key, const struct presence_who *who);

/* It left. A number that no seat has is fine. */
void presence_exit(struct presence_core *c, uint64_t seat);

/* What another node says. A node is the caller's; all zero but for the list, which is to be initialized. */
struct presence_node {
	struct eio_list references;
	unsigned generation;
};

struct presence_reference {
	struct eio_list of_member, of_node;
	struct presence_member *member;
	struct presence_node *node;
	unsigned generation;
};

/* It has a member in a room, or does not have him any more. 0, or -1 when out of memory. */
int presence_node_set(struct presence_core *c, struct presence_node *node, const struct presence_spec *spec,
	struct sio_room_key key, const struct presence_who *who);
void presence_node_clear(
	struct presence_core *c, struct presence_node *node, struct sio_room_key key, struct eio_bytes identity);

/* What it says between the two calls is all it has: whoever is not set again is cleared. */
void presence_node_begin(struct presence_node *node);
void presence_node_end(struct presence_core *c, struct presence_node *node);

/* It has nobody any more. */
void presence_node_gone(struct presence_core *c, struct presence_node *node);

enum presence_event_kind {
	PRESENCE_JOINING, /* room, member: to all seats of the room but the newcomers */
	PRESENCE_LEAVING, /* the same */
	PRESENCE_HERE, /* room: to its newcomers, the list as it is now */
	PRESENCE_SHARE, /* room, member: other nodes are to know that we have him, as he is called now */
	PRESENCE_UNSHARE, /* room, member: that we do not have him any more */
};

struct presence_event {
	enum presence_event_kind kind;
	struct presence_room *room;
	struct presence_member *member;
};

/* The next thing to tell. What it points to is valid until the next call for this core. False when there is nothing
 * (more) to tell now. */
bool presence_next(struct presence_core *c, uint64_t now_ms, struct presence_event *ev);

/* When presence_next() has something to tell though nothing is called before, or UINT64_MAX. */
uint64_t presence_deadline(const struct presence_core *c);

/* The list of a room as JSON: what all its members are called, or with ids what they are. */
void presence_list(const struct presence_room *room, bool ids, struct eio_buf *out);

/* Calls each for every member whom we have and other nodes are to know. It may not change anything. */
void presence_each_shared(const struct presence_core *c,
	void (*each)(void *ctx, const struct presence_room *room, const struct presence_member *m), void *ctx);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * The rooms of one worker: which members listen to which (namespace, room).
 * "Everyone in the namespace" is a room of its own kind, so no name a client
 * chooses can collide with it. And beside each room there may be one of the owner's
 * own, for some of its members, which counts nowhere and is told to nobody.
 *
 *     table ──hash──▶ room: slots[0 … n-1] = { target, link }      dense, for the fan-out loop
 *                                                  │
 *     member ──list──▶ link: room, index in slots ─┘               also found by hash of (room, member)
 *
 * A slot repeats the member's target, what a broadcast is sent to: a fan-out over
 * thousands of members spends its time on memory that is not in the cache, and so
 * it need not look at the member at all.
 *
 * Joining and leaving one room takes constant time, leaving all takes time
 * proportional to the member's rooms. A room exists while it has members.
 * Owned by one worker thread; nothing here is thread-safe.
 */
#ifndef SIO_ROOM_H
#define SIO_ROOM_H

#include "eio/bytes.h"
#include "eio/hash.h"
#include "eio/list.h"

/* Which room: everyone in a namespace, or a named room in it; or the one beside it. */
struct sio_room_key {
	struct eio_bytes nsp;
	struct eio_bytes name; /* any bytes; ignored when everyone */
	bool everyone, aside;
};

static inline struct sio_room_key
sio_room_everyone(struct eio_bytes nsp)
{
	return (struct sio_room_key){ nsp, { NULL, 0 }, true, false };
}

static inline struct sio_room_key
sio_room_named(struct eio_bytes nsp, struct eio_bytes name)
{
	return (struct sio_room_key){ nsp, name, false, false };
}

/* The room beside one. */
static inline struct sio_room_key
sio_room_aside(struct sio_room_key key)
{
	key.aside = true;
	return key;
}

/* The hash of a key, under a random key of its own, and whether two keys mean the same room. */
uint64_t sio_room_key_hash(const uint64_t hash_key[2], struct sio_room_key key);
bool sio_room_key_eq(struct sio_room_key a, struct sio_room_key b);

/* How many bytes of names a key has; and the same key with its names in mem, which has room for them. */
static inline size_t
sio_room_key_size(struct sio_room_key key)
{
	return key.nsp.n + (key.everyone ? 0 : key.name.n);
}

struct sio_room_key sio_room_key_copy(struct sio_room_key key, char *mem);

struct sio_room_link;

/* Embedded in whatever joins rooms (struct sio_socket has one). */
struct sio_member {
	struct eio_list links; /* of struct sio_room_link */
	void *target; /* the owner's: what stands in the slots of its rooms */
	size_t named; /* how many named rooms: what the limit counts */
};

struct sio_room_slot {
	void *target; /* the member's; it leaves all rooms before it goes */
	struct sio_room_link *link;
};

/* Read key, slots and n; a fan-out walks slots[0 … n-1]. Nobody may join or leave while it walks. */
struct sio_room {
	struct eio_hash_node node;
	struct sio_room_key key; /* points into this room's own memory */
	struct sio_room_slot *slots;
	size_t n, cap;
	void *user; /* the owner's, NULL at first */
	unsigned pace_ms; /* the owner's, too: how long what goes there may wait; 0 at first */
	uint64_t bytes; /* the owner's, 0 at first */
};

struct sio_rooms_config {
	uint64_t hash_key[2]; /* random: room names are chosen by clients */
	size_t max_per_member; /* named rooms one member may be in; a membership costs about 100 bytes */
	size_t max_name; /* bytes of a room's name */

	/* Called when a room got its first member, and when it has lost its last one and is about to be freed. They
	 * must not join or leave. May be NULL. */
	void (*opened)(void *user, struct sio_room *room);
	void (*closing)(void *user, struct sio_room *room);
	void *user;
};

struct sio_rooms {
	struct sio_rooms_config config;
	struct eio_hash rooms; /* by key; its count is that of the rooms that exist */
	struct eio_hash links; /* by (room, member) */
	bool calling; /* opened or closing is running */
};

/* 0 or SIO_ERR_NOMEM. The configuration is copied. */
int sio_rooms_init(struct sio_rooms *t, const struct sio_rooms_config *config);

/* Other bounds from now on: who is in more rooms already, or in one of a longer name, stays there. */
void sio_rooms_set_limits(struct sio_rooms *t, unsigned max_per_member, size_t max_name);

/* Every member must have left before. */
void sio_rooms_deinit(struct sio_rooms *t);

/* A member of no room. target: see struct sio_member; it does not change afterwards. */
void sio_member_init(struct sio_member *m, void *target);

/* 1: joined, 0: was in it already, or SIO_ERR_TOO_MANY_ROOMS, SIO_ERR_ROOM_NAME, SIO_ERR_NOMEM. */
int sio_rooms_join(struct sio_rooms *t, struct sio_member *m, struct sio_room_key key);

/* 1: left, 0: was not in it. */
int sio_rooms_leave(struct sio_rooms *t, struct sio_member *m, struct sio_room_key key);

/* Leaves everything, "everyone" included. */
void sio_rooms_leave_all(struct sio_rooms *t, struct sio_member *m);

/* The room, or NULL when it has no members. Valid until somebody leaves it. */
struct sio_room *sio_rooms_find(const struct sio_rooms *t, struct sio_room_key key);

/* The rooms of a member, but those aside, in the order it joined them: begin with *at NULL; NULL behind the last. It
 * must not join or leave meanwhile. The key is valid until it leaves that room. */
const struct sio_room_key *sio_member_next_room(const struct sio_member *m, const struct eio_list **at);

#endif

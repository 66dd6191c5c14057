/* SPDX-License-Identifier: MIT */
/*
 * How many clients there are in a namespace or a room, here and on other nodes, and who is to be told when: everybody
 * at most once in an interval and only when the number has changed, a newcomer at once. So a newcomer may know another
 * number than the rest until the interval is over: what each was told is kept until then, and nobody hears the same
 * number twice in a row. No I/O and no clock.
 *
 * Threads: one at a time.
 */
#ifndef SRC_PRESENCE_COUNT_H
#define SRC_PRESENCE_COUNT_H

#include "eio/hash.h"
#include "eio/list.h"
#include "sio/room.h"
#include "src/presence/spec.h"

#include <stdint.h>

/* One that came since everybody was told. */
struct presence_newcomer {
	uint64_t seat; /* its number */
	uint64_t told; /* the last number that it heard, or PRESENCE_UNTOLD */
};

#define PRESENCE_UNTOLD UINT64_MAX

/* What is counted: the clients in one namespace or room. It is there while there are any. */
struct presence_target {
	struct eio_hash_node node;
	struct sio_room_key key; /* the bytes lie in data */
	const struct presence_count_spec *spec;
	struct eio_list changed; /* in counts->changed while there is, or will be, something to tell */
	struct eio_list parts; /* of struct presence_part: what other nodes have */
	uint64_t ours, others;
	uint64_t told, shared; /* what everybody was told; what other nodes know of ours */
	uint64_t told_ms, shared_ms; /* when that was; 0: never */
	struct presence_newcomer *newcomers; /* owned */
	size_t n_newcomers, cap_newcomers, untold;
	bool forgot; /* what some newcomer was told is not known any more: everybody is told, though nothing changed */
	char data[];
};

enum presence_count_kind {
	PRESENCE_COUNT_ALL, /* to everybody there, but to those newcomers who heard that number */
	PRESENCE_COUNT_NEWCOMERS, /* to those that presence_count_concerns() */
	PRESENCE_COUNT_SHARE, /* other nodes are to know how many we have, `ours` */
};

struct presence_count_event {
	enum presence_count_kind kind;
	struct presence_target *target;
	uint64_t n;
	bool due; /* the interval is over */
};

/* Whether such an event is for one of the target's newcomers. */
static inline bool
presence_count_concerns(const struct presence_count_event *ev, const struct presence_newcomer *who)
{
	if (ev->kind == PRESENCE_COUNT_NEWCOMERS && !ev->due) return who->told == PRESENCE_UNTOLD;
	return who->told != ev->n;
}

struct presence_counts {
	uint64_t hash_key[2];
	struct eio_hash targets;
	struct eio_list changed;
	struct presence_count_event looked_at; /* what was told last; its target is NULL when nothing was */
};

/* 0, or -1 when out of memory. */
int presence_counts_init(struct presence_counts *c, const uint64_t hash_key[2]);
void presence_counts_deinit(struct presence_counts *c);

/* A client of ours came, whose seat is to be told how many there are; or went. 0, or -1 when out of memory, and it is
 * not counted. */
int presence_count_enter(
	struct presence_counts *c, const struct presence_count_spec *spec, struct sio_room_key key, uint64_t seat);
void presence_count_exit(struct presence_counts *c, struct sio_room_key key, uint64_t seat);

/* What another node says; as struct presence_node. */
struct presence_count_node {
	struct eio_list parts;
	unsigned generation;
};

struct presence_part {
	struct eio_list of_target, of_node;
	struct presence_target *target;
	struct presence_count_node *node;
	uint64_t n;
	unsigned generation;
};

/* It has n clients there, 0 too. 0, or -1 when out of memory. */
int presence_count_set(struct presence_counts *c, struct presence_count_node *node,
	const struct presence_count_spec *spec, struct sio_room_key key, uint64_t n);

/* What it says between the two calls is all it has. */
void presence_count_begin(struct presence_count_node *node);
void presence_count_end(struct presence_counts *c, struct presence_count_node *node);

/* The next thing to tell, as presence_next(). */
bool presence_count_next(struct presence_counts *c, uint64_t now_ms, struct presence_count_event *ev);

/* When there is something to tell though nothing happens before, or UINT64_MAX. */
uint64_t presence_count_deadline(const struct presence_counts *c, uint64_t now_ms);

/* Calls each for every target that other nodes are to know. It may not change anything. */
void presence_count_each_shared(
	const struct presence_counts *c, void (*each)(void *ctx, const struct presence_target *t), void *ctx);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Which channels are to be subscribed to for feeds on demand, from who is in which room. No I/O, and no clock.
 *
 *     room (a pair of interest.h) ──link──▶ channel ──▶ the feeds that it goes to
 *
 * A channel is heard while one of its rooms has members. It is wanted from the first of them until it has not been
 * heard for the linger of its feeds, and nobody can be recovered who was there: so who comes back at once costs no
 * command, and who comes back later misses nothing.
 *
 * Threads: the feed's only.
 */
#ifndef SRC_FEED_DEMAND_H
#define SRC_FEED_DEMAND_H

#include "eio/buf.h"
#include "eio/hash.h"
#include "eio/list.h"
#include "src/feed/interest.h"
#include "src/feed/spec.h"

/* How often it is looked at least whether somebody may still come back to a room, where linger is less. */
enum { DEMAND_LOOK_MS = 1000 };

/* A feed that a channel goes to, by one of its names. */
struct demand_use {
	unsigned feed; /* its index */
	const char *name; /* the channel or pattern as it stands in the feed; borrowed from that */
};

struct demand_channel {
	struct eio_hash_node node;
	struct eio_list links; /* of struct demand_link: the rooms that it is wanted for */
	size_t heard; /* how many of them are heard */
	struct eio_list lingering; /* in demand.lingering of its linger, while it is not heard */
	uint64_t until_ms; /* the end of that */
	unsigned linger_ms;
	struct demand_use *uses; /* owned: at least one, in the order of the feeds */
	size_t n_uses;
	struct eio_bytes name; /* in data */
	char data[];
};

/* Channels that linger equally long, the one that ends first in front. */
struct demand_queue {
	unsigned linger_ms;
	struct eio_list channels;
};

/* What is told; NULL: nothing is. */
struct demand_events {
	void (*want)(void *user, struct eio_bytes channel);
	void (*leave)(void *user, struct eio_bytes channel);
};

struct demand {
	const struct feed_specs *specs; /* borrowed */
	uint64_t hash_key[2];
	struct eio_hash channels; /* of struct demand_channel, by their names */
	struct eio_hash links; /* of struct demand_link, by the address of the pair */
	struct demand_queue *queues; /* owned: one for each linger of a feed */
	size_t n_queues;
	size_t *counts; /* owned: for each feed of the set, how many channels go to it */
	const struct demand_events *events; /* borrowed */
	void *user;
	struct eio_buf scratch;
	unsigned starved; /* how often memory was missing, and a room has no channel for that */
};

/* One without channels that tells nothing yet. 0, or -1 when out of memory (nothing to undo then). */
int demand_init(struct demand *d, const struct feed_specs *specs, const uint64_t hash_key[2]);

/* Forgets all, and tells nothing of it. All zero is fine. */
void demand_deinit(struct demand *d);

/* Something may be different with a room: what is so now counts. */
void demand_note(struct demand *d, struct interest *room, uint64_t now_ms);

/* A channel that is there already, as of another process: it stays at least so long. Nothing happens when it goes to no
 * feed. */
void demand_keep(struct demand *d, struct eio_bytes channel, uint64_t now_ms, unsigned ms);

/* All channels of what was before, for its linger at least. */
void demand_carry(struct demand *d, const struct demand *before, uint64_t now_ms);

/* When something ends next, UINT64_MAX: never; and what ends by now. */
uint64_t demand_deadline(const struct demand *d);
void demand_tick(struct demand *d, uint64_t now_ms);

/* NULL: nobody wants it. */
const struct demand_channel *demand_find(const struct demand *d, struct eio_bytes channel);

/* Calls each() for every channel. */
void demand_each(const struct demand *d, void (*each)(void *user, struct eio_bytes channel), void *user);

/* Whether a channel goes to a feed on demand, whoever wants it, by its name number i or one behind that: *i is that
 * then. */
bool demand_goes_to(const struct feed_spec *f, struct eio_bytes channel, size_t *i);

#endif

/* SPDX-License-Identifier: MIT */
/* A retained state, for the files that keep and encode them. */
#ifndef SRC_FEED_SNAPSHOTS_INT_H
#define SRC_FEED_SNAPSHOTS_INT_H

#include "src/feed/feed_int.h"
#include "src/feed/snapshots.h"

#define FEED_STATE_MAGIC 0xfeed0005

/* That a state goes to a room, or not to who is in it. */
struct feed_link {
	struct eio_hash_node node; /* in feed_snapshots->rooms */
	struct feed_state *state;
	struct sio_room_key key; /* the bytes are the state's */
	bool except;
};

/* What is retained for one event and target of a feed. */
struct feed_state {
	unsigned magic; /* FEED_STATE_MAGIC */
	struct retained retained;
	struct feed_keeper *keeper;
	struct eio_hash_node node; /* in keeper->states */
	struct eio_list warm; /* in feed_snapshots->warm */
	struct eio_bundle *bundle; /* a reference, while it is warm */
	uint64_t bundled; /* the version that is in it */
	uint64_t used_ms; /* when it was asked for last */
	uint64_t born; /* its place among all states: in this order they are sent */
	size_t number; /* while it is written down */
	uint64_t seen; /* the serial number of the last question that it came up with */
	struct eio_bytes event;
	struct sio_room_key target;
	struct audience *audience; /* a reference; NULL: the target is all of it */
	bool recovers; /* its clients may come back: they must not take a text of ours for an offset */
	size_t n_links;
	struct feed_link links[];
};

struct feed_state *feed_state_of(struct retained *retained);

uint64_t feed_link_hash(const struct feed_snapshots *s, struct sio_room_key key);

/* What a state is found by, and made of. */
struct feed_state_key {
	struct eio_bytes event;
	struct sio_room_key target;
	bool wide;
	uint64_t hash; /* of its stream */
	struct audience *audience; /* borrowed; NULL unless it is wide */
	bool recovers;
};

/* The state of that key, made when it is new; it is in use. NULL when out of memory. */
struct feed_state *feed_keeper_state(struct feed_keeper *k, const struct feed_state_key *key);

/* Ends all states. */
void feed_keeper_clear(struct feed_keeper *k);

/* Forgets its bundle. */
void feed_state_cool(struct feed_state *s);

#endif

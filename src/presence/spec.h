/* SPDX-License-Identifier: MIT */
/*
 * Where presence is kept, and where clients are counted: the form that the configuration fills and the rest of this
 * folder works from.
 *
 * Threads: immutable once filled; any thread may read it. Sets count references, as those of feeds do.
 */
#ifndef SRC_PRESENCE_SPEC_H
#define SRC_PRESENCE_SPEC_H

#include "eio/bytes.h"
#include "sio/room.h"
#include "src/template/template.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

/* Which rooms: those of a namespace that fit one of some Redis glob patterns, or the namespace as a whole. */
struct presence_where {
	char *nsp; /* its key in the configuration */
	char **rooms;
	size_t n_rooms; /* 0: the namespace */
	/* Its clients may come back. They take the last argument of an event that is a string for an offset, so behind
	 * one of ours stands null. */
	bool recovers;
};

/* All that is pointed to belongs to the set. */
struct presence_spec {
	unsigned index; /* its place in the set */
	struct presence_where where;
	/* At "connection": what identifies a member, as a name; the same as JSON; what it is called, JSON, or NULL for the
	 * same. */
	struct template *identity, *member, *info;
	struct template *here, *joining, *leaving; /* a JSON list of event and arguments, in presence; NULL: no event */
	unsigned linger_ms;
	bool shared; /* with other nodes */
	size_t max_members; /* of a room, ours and theirs */
	size_t max_bytes; /* of member and info together */
};

struct presence_count_spec {
	unsigned index;
	struct presence_where where;
	struct template *event; /* a JSON list of event and arguments, in presence */
	unsigned interval_ms;
	bool shared;
};

struct presence_specs {
	atomic_uint refs;
	size_t n, n_counts;
	struct presence_spec *v; /* owned, with all they point to, as the next */
	struct presence_count_spec *counts;
	/* Which key of the configuration stands for a namespace: its name or a pattern; NULL when none does. Without it
	 * the name itself is that. ctx is borrowed. */
	const char *(*key_of)(const void *ctx, struct eio_bytes nsp);
	const void *ctx;
};

/* An empty set with a reference for the caller. NULL when out of memory. */
struct presence_specs *presence_specs_new(void);

/* Adds one and takes over what it points to, all of it from malloc; its index is set. 0, or -1 when out of memory: it
 * is still the caller's then. Only before the set is shared. */
int presence_specs_add(struct presence_specs *s, const struct presence_spec *spec);
int presence_specs_add_count(struct presence_specs *s, const struct presence_count_spec *spec);

/* Any thread. */
struct presence_specs *presence_specs_ref(struct presence_specs *s);
void presence_specs_unref(struct presence_specs *s); /* NULL is fine */

/* Free what one points to; all zero is fine. */
void presence_spec_deinit(struct presence_spec *spec);
void presence_count_spec_deinit(struct presence_count_spec *spec);

/* The first that a room, or everyone in a namespace, belongs to, or NULL. Valid as long as the set. */
const struct presence_spec *presence_specs_find(const struct presence_specs *s, struct sio_room_key key);
const struct presence_count_spec *presence_specs_find_count(const struct presence_specs *s, struct sio_room_key key);

/* Whether there is anything for a key of the configuration at all; and anything that is shared. */
bool presence_specs_speak_of(const struct presence_specs *s, struct eio_bytes nsp);
bool presence_specs_shared(const struct presence_specs *s);

#endif

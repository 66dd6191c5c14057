/* SPDX-License-Identifier: MIT */
/* What core.c has for the other files of the core; for src/presence/ only. */
#ifndef SRC_PRESENCE_CORE_INT_H
#define SRC_PRESENCE_CORE_INT_H

#include "src/presence/core.h"

/* A room; a member of it. NULL when there is none. */
struct presence_room *presence__room(const struct presence_core *c, struct sio_room_key key);
struct presence_member *presence__member(
	const struct presence_core *c, const struct presence_room *r, struct eio_bytes identity);

/* The member of a room, both made when they are new, called as who says. bounded: no more than max_members. Whoever
 * is made and gets neither seat nor reference is gone with the next presence_next(). */
enum presence_result presence__get(struct presence_core *c, const struct presence_spec *spec, struct sio_room_key key,
	const struct presence_who *who, bool bounded, struct presence_member **out);

/* Something is different with him. */
void presence__changed(struct presence_core *c, struct presence_member *m);

#endif

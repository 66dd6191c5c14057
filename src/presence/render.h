/* SPDX-License-Identifier: MIT */
/* The events of presence and count as packets. Pure functions. */
#ifndef SRC_PRESENCE_RENDER_H
#define SRC_PRESENCE_RENDER_H

#include "eio/buf.h"
#include "eio/bundle.h"
#include "src/presence/core.h"

struct presence_render {
	struct sio_room_key key;
	uint64_t count;
	const struct presence_room *room; /* for its lists; or NULL */
	const struct presence_member *member; /* or NULL */
	struct eio_buf *text, *list; /* scratch */
	bool recovers; /* as in the spec */
};

/* A bundle with one reference. NULL when out of memory, or when clients refuse the event's name. */
struct eio_bundle *presence_render(const struct template *t, const struct presence_render *r);

#endif

/* SPDX-License-Identifier: MIT */
/* What the files of the edge share; for src/presence/ only. */
#ifndef SRC_PRESENCE_PRESENCE_INT_H
#define SRC_PRESENCE_PRESENCE_INT_H

#include "src/presence/core.h"
#include "src/presence/count.h"
#include "src/presence/metrics.h"
#include "src/presence/presence.h"

/* Deliveries to workers. */
struct presence_out {
	const struct mail_port **workers; /* for each, the port; borrowed */
	_Atomic size_t *outstanding; /* for each, what it has not taken yet */
	unsigned n;
	size_t max_outstanding;
	struct metrics *metrics; /* borrowed: of presence_metrics */
	struct eio_list behind; /* of struct presence_told, with workers that were left out */
	/* Changes of one room that come one after the other leave in one write. */
	struct presence_room *room; /* whose they are; NULL: there are none */
	struct eio_bundle *gathered[64];
	size_t n_gathered;
	struct eio_buf text, list; /* scratch */
};

/* What the edge keeps of a room: its user. */
struct presence_told {
	struct eio_list link; /* in out->behind */
	struct presence_room *room;
	uint64_t behind; /* bit w: worker w has missed something */
	struct eio_bundle *list; /* a reference: the list as it was told last; or NULL */
	uint64_t version; /* of that */
};

/* 0, or -1 when out of memory. */
int presence_out_init(struct presence_out *o, unsigned workers, size_t max_outstanding, struct metrics *metrics);
void presence_out_deinit(struct presence_out *o);

/* A room's user goes. */
void presence_out_release(void *user);

/* JOINING, LEAVING or HERE. */
void presence_out_tell(struct presence_out *o, const struct presence_event *ev, uint64_t now_ms);
void presence_out_count(struct presence_out *o, const struct presence_count_event *ev);

/* Posts what was gathered. To be called at the end of each turn. */
void presence_out_flush(struct presence_out *o);

/* Tells the list anew to the clients of workers that were behind and are not any more. Returns whether others still
 * are: then it is to be called again in a while. */
bool presence_out_catch_up(struct presence_out *o, uint64_t now_ms);

#endif

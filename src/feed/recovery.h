/* SPDX-License-Identifier: MIT */
/*
 * What the configuration says about clients that come back.
 *
 * Threads: immutable once filled.
 */
#ifndef SRC_FEED_RECOVERY_H
#define SRC_FEED_RECOVERY_H

#include "src/feed/history.h"

/* What all siocasts know that clients may change between. */
struct feed_secret {
	unsigned char pid[32]; /* signs names of sessions */
	uint64_t who[2]; /* makes numbers of users */
};

struct feed_recovery {
	bool on; /* in some namespace */
	unsigned ms; /* so long after the end of its connection a client may come back */
	size_t session_bytes; /* what all sessions that are kept may take */
	struct history_limits history; /* of each feed that says nothing else, and of all that is sent without one */
	/* Whether it is on in a namespace. */
	bool (*in)(const void *ctx, struct eio_bytes nsp);
	const void *ctx;
	bool elsewhere; /* clients come from other siocasts on the same sources, or may go there */
	struct feed_secret secret; /* where they do */
};

static inline bool
feed_recovery_is_on(const struct feed_recovery *r, struct eio_bytes nsp)
{
	return r->on && r->in(r->ctx, nsp);
}

#endif

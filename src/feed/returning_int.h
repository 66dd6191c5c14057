/* SPDX-License-Identifier: MIT */
/* What the files about mail of clients that come back share. For src/feed/ only. */
#ifndef SRC_FEED_RETURNING_INT_H
#define SRC_FEED_RETURNING_INT_H

#include "eio/check.h"
#include "src/feed/returning.h"

#define RETURNING_MAGIC 0xfeed0005

static inline struct feed_returning *
returning__of(void *user)
{
	struct feed_returning *r = user;

	CHECK_MAGIC(r, RETURNING_MAGIC);
	return r;
}

/* returning_move.c: what the store asks and tells, see struct store_options. */
size_t returning__tell_leaving(void *user);
void returning__tell_kept(void *user, void (*tell)(void *user, const char pid[FEED_PID_LEN]), void *with);
void returning__write_tag(void *user, char out[FEED_TAG]);
void returning__moved(void *user, size_t carried);

#endif

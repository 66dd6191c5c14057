/* SPDX-License-Identifier: MIT */
/* GET /rooms?namespace=/&room=NAME&room=NAME: how many clients are in each, and in the namespace; of a hub also whether
 * edges are. */
#ifndef SRC_ADMIN_ROOMS_H
#define SRC_ADMIN_ROOMS_H

#include "eio/net/exchange.h"
#include "sio/room.h"
#include "src/feed/interest.h"

enum { ADMIN_ROOMS = 100 }; /* at most in one request */

/* Who counts, which is whoever knows the workers: census_take() without its first two. The table of who listens where
 * says where edges are. */
struct admin_census {
	int (*take)(void *ctx, const struct sio_room_key *keys, size_t n,
		void (*done)(void *user, const size_t *clients, size_t n), void *user);
	void *ctx;
	struct interest_table *interest;
	uint64_t edges; /* their bit there; 0: this is no hub */
};

/* Answers now or later; census is borrowed until then. */
void admin_rooms_answer(const struct admin_census *census, struct eio_exchange *ex);

#endif

/* SPDX-License-Identifier: MIT */
/* GET /rooms?namespace=/&room=NAME&room=NAME: how many clients are in each, and in the namespace. */
#ifndef SRC_ADMIN_ROOMS_H
#define SRC_ADMIN_ROOMS_H

#include "eio/net/exchange.h"
#include "sio/room.h"

enum { ADMIN_ROOMS = 100 }; /* at most in one request */

/* Who counts, which is whoever knows the workers: census_take() without its first two. */
struct admin_census {
	int (*take)(void *ctx, const struct sio_room_key *keys, size_t n,
		void (*done)(void *user, const size_t *clients, size_t n), void *user);
	void *ctx;
};

/* Answers now or later. */
void admin_rooms_answer(const struct admin_census *census, struct eio_exchange *ex);

#endif

/* SPDX-License-Identifier: MIT */
/* GET /stats?top=N: the feeds, rooms and clients that stand out, behind what /stats says anyway. */
#ifndef SRC_ADMIN_TOP_H
#define SRC_ADMIN_TOP_H

#include "eio/net/exchange.h"
#include "src/base/metrics.h"
#include "src/clients/top.h"

enum { ADMIN_TOP_USUAL = 10, ADMIN_TOP_MAX = 100 };

/* Who looks, which is whoever knows the workers: survey_take() without its first two. */
struct admin_survey {
	int (*take)(void *ctx, unsigned max, void (*done)(void *user, const struct clients_top *all, unsigned n),
		void *user);
	void *ctx;
};

/* How many are asked for: 0 without "top", or with a number that is none or too large. */
unsigned admin_top_wanted(struct eio_bytes query);

/* Appends `"feeds":[…],"workers":[…]`: the feeds that have sent most, and what each worker has found. */
void admin_top_write(
	struct metrics_set *metrics, const struct clients_top *all, unsigned n, unsigned max, struct eio_buf *out);

#endif

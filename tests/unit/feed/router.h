/* SPDX-License-Identifier: MIT */
/* A feed router without Redis and without a thread: messages in, deliveries out. */
#ifndef TESTS_UNIT_FEED_ROUTER_H
#define TESTS_UNIT_FEED_ROUTER_H

#include "sio/json.h"
#include "src/feed/feed_int.h"
#include "src/feed/posting.h"
#include "src/where/number.h"
#include "tests/unit/configured.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* The whole way */
struct rig {
	struct config *config;
	struct interest_table *interest;
	struct metrics_set metrics;
	struct feed_options options;
	struct feed_out out;
	struct feed_router router;
	struct rig_worker {
		struct mail_port port;
		struct delivery *got[64]; /* what it was given */
		size_t n;
	} workers[4];
	struct {
		unsigned w;
		const char *nsp, *room;
	} listening[8]; /* to take back at the end, as workers do */
	size_t n_listening;
};
struct rig *rig_new(const char *config);
void give_back(struct rig *r);
void leave(struct rig *r, unsigned w, const char *nsp, const char *room);
void rig_free(struct rig *r);
void listen_to(struct rig *r, unsigned w, const char *nsp, const char *room);

/* pattern: NULL for a message to a channel subscribed by its name. */
void message(struct rig *r, const char *pattern, const char *channel, const char *payload, uint64_t now);
uint64_t count(struct rig *r, enum feed_metric m);

/* The polling form of item i of worker w's delivery d, which shows everything as text. */
void expect(const struct rig *r, unsigned w, size_t d, size_t i, const char *wire);

#endif

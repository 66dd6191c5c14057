/* SPDX-License-Identifier: MIT */
/* A feed that is not started, without Redis, on a thread that does not run: for an edge or a hub that a test talks to.
 * Its one worker keeps what it is given. */
#ifndef TESTS_UNIT_RELAY_RIG_H
#define TESTS_UNIT_RELAY_RIG_H

#include "src/base/thread.h"
#include "src/config/config.h"
#include "src/feed/feed.h"

enum { RIG_DELIVERIES = 256 };

struct relay_rig {
	struct config *config;
	struct interest_table *interest;
	struct metrics_set metrics;
	struct thread thread;
	struct feed *feed;
	struct mail_port worker;
	struct delivery *got[RIG_DELIVERIES];
	size_t n;
};

/* edge: its feed is that of one; hub: the hub is a taker besides. */
void relay_rig_open(struct relay_rig *r, const char *config, bool edge, bool hub);

/* Between what is on the loop has been stopped and is freed; and behind that. */
void relay_rig_stop(struct relay_rig *r);
void relay_rig_close(struct relay_rig *r);

/* Lets mail and timers that are due come. */
void relay_rig_turn(struct relay_rig *r);

/* What came last, if it is one broadcast, as a poll's answer has it. */
void relay_rig_last(const struct relay_rig *r, char *text, size_t n);

#endif

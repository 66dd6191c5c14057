/* SPDX-License-Identifier: MIT */
/* What lives beside the feed on its thread, and has Redis connections of its own: presence, and the adapter. */
#ifndef SRC_BESIDE_H
#define SRC_BESIDE_H

#include "src/base/thread.h"

struct config;
struct feed;
struct interest_table;
struct presence;
struct adapter;

struct beside {
	struct presence *presence; /* NULL: no namespace has any */
	struct adapter *adapter; /* NULL: there is none */
};

/* Where it lives, and what it works with: borrowed until beside_free(). */
struct beside_place {
	struct thread *thread;
	struct feed *feed;
	struct interest_table *interest;
};

/* Makes what is configured. 0, or -1 when out of memory, which was logged. The configuration is borrowed as well. */
int beside_make(struct beside *b, const struct config *c, const struct beside_place *place);

/* Namespaces are those of another configuration from now on. While their thread runs. NULL is fine. */
void beside_renew(struct adapter *a, const struct config *c);

/* Before its thread starts. */
void beside_start(struct beside *b);

/* Ends it: the adapter before feed_stop(), the rest behind it. By the thread that starts and stops theirs. */
void beside_stop_sending(struct beside *b);
void beside_stop(struct beside *b);

/* After its thread. */
void beside_free(struct beside *b);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * What one process hands over to the next, and when: the end of a process whose successor waits (successor.h).
 *
 *     handing_begin   no request begins any more, the feed says what it has when it stops
 *     (sessions end, the feed stops)
 *     handing_end     the next process goes on
 *     handing_leave   connections go over: now, or when they have their answer
 *
 * Threads: the main one; connections are told by the workers'.
 */
#ifndef SRC_HANDING_H
#define SRC_HANDING_H

#include "src/adopting.h"
#include "src/beside.h"
#include "src/successor.h"
#include "src/worker/worker.h"

#include <stdatomic.h>

/* For answers that are still on their way, and for TLS, whose state no other process can have. Longer than a poll is
 * held by default (pingInterval). */
enum { HANDING_STAY_MS = 30000 };

/* One that has left before the next process went on. */
struct handing_early {
	int fd;
	struct eio_buf message;
};

/* All zero but for those that are borrowed. */
struct handing {
	struct successor *successor;
	struct workers *workers;
	struct feed *feed;
	struct adopting *adopting; /* or NULL */
	struct inherited links; /* to Redis, and to processes before */
	int state; /* what is in memory; -1: it could not be written down */
	uint64_t begun_ns;
	bool goes_on; /* the next process does: set before the workers look at it */
	struct handing_early *early;
	size_t n_early;
	atomic_uint left, lost; /* connections: of all, those that did not arrive */
	atomic_bool broken; /* nothing is taken any more */
};

/* Copies of all sockets that are listened on, for the next process. admin: NULL when there is none. 0, or -1 when that
 * failed. */
int handing_sockets(
	const struct listeners *l, const struct admin *admin, const struct beside *beside, struct inherited *out);

/* The next process is to have a connection, whose descriptor it takes. Before handing_begin on the main thread; from
 * handing_leave on, on any. */
void handing_connection(void *user, const struct eio_leaver *l, const char *address);

void handing_begin(struct handing *h);
void handing_end(struct handing *h);
void handing_leave(struct handing *h);

#endif

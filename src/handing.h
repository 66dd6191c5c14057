/* SPDX-License-Identifier: MIT */
/*
 * What one process hands over to the next, and when: the end of a process whose successor waits (successor.h).
 *
 * Threads: the main one.
 */
#ifndef SRC_HANDING_H
#define SRC_HANDING_H

#include "src/successor.h"
#include "src/worker/worker.h"

enum { HANDING_GRACE_MS = 2000 }; /* for requests of connections that were accepted already */

/* All zero but for the first three, which are borrowed. */
struct handing {
	struct successor *successor;
	struct workers *workers;
	struct feed *feed;
	struct inherited links; /* to Redis */
	int state; /* what is in memory; -1: it could not be written down */
	uint64_t begun_ns;
};

/* Copies of all sockets that are listened on, for the next process. admin: that of the admin port, or -1. 0, or -1 when
 * that failed. */
int handing_sockets(const struct listeners *l, int admin, struct inherited *out);

/* Before the sessions end: nobody is accepted any more, and who has been is served. Who comes later waits for the next
 * process. */
void handing_begin(struct handing *h);

/* When the feed has stopped: the next process goes on. */
void handing_end(struct handing *h);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * What the service manager is told: that siocast is ready, in a line what it does, that it stops; and, if it asks for
 * that (WatchdogSec= of systemd), again and again that every thread still works.
 *
 * Threads: the main thread's. Where nobody wants to be told nothing of it exists.
 */
#ifndef SRC_SERVICE_SERVICE_H
#define SRC_SERVICE_SERVICE_H

#include "src/base/inherited.h"
#include "src/base/thread.h"
#include "src/feed/feed.h"

#include <sys/types.h>

struct service;

struct service_options {
	uv_loop_t *loop; /* the main thread's; all is borrowed and outlives the service */
	struct thread *threads;
	unsigned n_threads;
	struct metrics_set *metrics;
	struct feed *feed;
};

/* Looks whether somebody wants to be told: as long as there are no threads and no privileges were given up. *out is
 * NULL when nobody does. 0, or -1 when out of memory; a manager that cannot be reached is logged, and not told. */
int service_new(const struct service_options *options, struct service **out);

/* All listens, and the threads run. The loop keeps running for others, not for this. NULL is fine, as in the next. */
void service_ready(struct service *s);

/* Whether the manager keeps sockets for the next process. */
bool service_keeps(const struct service *s);

/* Has it keep those that are ours (INHERITED_LISTENING), in the place of all that it has kept of them before: who
 * connects while there is no process waits for the next one. What it does not take is logged. */
void service_keep(struct service *s, const struct inherited *sockets);

/* The configuration is read anew; and that is over. */
void service_reloading(struct service *s);
void service_reloaded(struct service *s);

/* Another process goes on in the place of this one, which ends, but the service does not. As long as the threads
 * run. */
void service_hand_over(struct service *s, pid_t pid);

/* The end begins, and takes so many seconds more than a service manager may think; as long as the threads run. */
void service_draining(struct service *s, unsigned seconds);

/* The end is there; as long as the threads run. The loop must run until the handles are closed. */
void service_stopping(struct service *s);

/* After the threads have ended. */
void service_free(struct service *s);

#endif

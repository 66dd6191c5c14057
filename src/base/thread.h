/* SPDX-License-Identifier: MIT */
/*
 * A thread with what every thread here has: a loop, the clock on it, a mailbox,
 * random bytes and a set to count in. Workers and the feed live on one each; a single
 * worker and the feed may share one.
 *
 * A thread is made, and things are put on its loop, before it is started; what it is
 * to do from then on comes by mail or from the loop. Stopping closes mailbox and
 * clock, and the thread ends when nothing else is left on the loop.
 */
#ifndef SRC_BASE_THREAD_H
#define SRC_BASE_THREAD_H

#include "eio/net/clock.h"
#include "eio/net/random.h"
#include "src/base/mailbox.h"
#include "src/base/metrics.h"

#include <stdbool.h>

enum {
	THREAD_NAME = 16, /* bytes of a name with its end: what the kernel takes */
	THREAD_MAGIC = 0x7412ead5,
};

/* Of one thread. */
#define THREAD_METRICS(X) \
	X(THREAD_METRIC_TURN, HISTOGRAM(thread_turn_buckets), "thread_turn_seconds", "", \
		"Turns of a thread's loop, from what it woke for until it waits again") \
	X(THREAD_METRIC_LATE, HISTOGRAM(thread_turn_buckets), "thread_late_seconds", "", \
		"How much later than it wanted a thread woke for a timer")

enum thread_metric { THREAD_METRICS(METRICS_SLOT) THREAD_METRIC_COUNT };

extern const struct metrics_buckets thread_turn_buckets;
extern const struct metrics_table thread_metrics;

struct thread {
	unsigned magic; /* THREAD_MAGIC */
	char name[THREAD_NAME]; /* as top and ps show it */
	uv_loop_t loop; /* before the start its maker's, then the thread's */
	struct eio_clock clock; /* the same */
	struct mailbox mailbox; /* for the ports of what lives on the thread */
	struct eio_random random; /* the same */
	struct metrics_set *metrics; /* borrowed: for what lives on the thread to count in */
	uv_thread_t id;
	uv_check_t woken;
	uv_prepare_t waits;
	struct metrics *turns; /* owned: of thread_metrics */
	uint64_t woken_ms; /* when this turn began; 0: none has */
	uint64_t due_ms; /* when it wants to be woken; UINT64_MAX: only when there is something to read */
	bool running; /* from start to stop, by whoever calls these */
	struct mail_port ends;
	struct mail end;
};

/* Makes loop, clock and mailbox; t must stay where it is. A name that is too long is cut. 0 or a libuv error, and then
 * nothing is left of it. */
int thread_init(struct thread *t, const char *name, struct metrics_set *metrics);

/* Starts it; once. 0 or a libuv error. */
int thread_start(struct thread *t);

/* Closes mailbox and clock and waits for the thread, which ends when everything else on its loop is closed, too. No
 * mail may be posted any more. Of one that was not started the loop is run out here. Once, by the thread that started
 * it. */
void thread_stop(struct thread *t);

/* Frees a stopped thread. */
void thread_deinit(struct thread *t);

#endif

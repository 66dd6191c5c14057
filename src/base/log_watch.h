/* SPDX-License-Identifier: MIT */
/*
 * Has lines of the log bounded that come again and again, see log_bound_repeats(), and told how many they were,
 * whether or not another line comes.
 *
 * Threads: the loop's.
 */
#ifndef SRC_BASE_LOG_WATCH_H
#define SRC_BASE_LOG_WATCH_H

#include <uv.h>

struct log_watch {
	uv_timer_t timer;
};

/* From now on. It does not keep the loop running. */
void log_watch_start(struct log_watch *w, uv_loop_t *loop);

/* What was left out is told, and nothing is any more. */
void log_watch_stop(struct log_watch *w);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Has lines of the log bounded that come again and again, see log_bound_repeats(), and told how many they were,
 * whether or not another line comes; and its files opened again at SIGUSR1, by which whoever moves old ones away says
 * so.
 *
 * Threads: the loop's.
 */
#ifndef SRC_BASE_LOG_WATCH_H
#define SRC_BASE_LOG_WATCH_H

#include <uv.h>

struct log_watch {
	uv_timer_t timer;
	uv_signal_t reopen;
};

/* From now on. It does not keep the loop running. */
void log_watch_start(struct log_watch *w, uv_loop_t *loop);

/* What was left out is told, and nothing is any more; SIGUSR1 does nothing. The loop must run until the handles are
 * closed. */
void log_watch_stop(struct log_watch *w);

#endif

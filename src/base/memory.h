/* SPDX-License-Identifier: MIT */
/*
 * Gives back to the system what a burst has left. malloc keeps pages that were in use once, of each thread's arena,
 * in case they are needed again; after ten thousand clients have gone that is all they needed.
 *
 * Threads: the loop's.
 */
#ifndef SRC_BASE_MEMORY_H
#define SRC_BASE_MEMORY_H

#include <stddef.h>
#include <uv.h>

struct memory_watch {
	uv_timer_t timer;
	size_t known; /* pages' bytes without a use that the last look could not give back */
};

/* Looks every MEMORY_LOOK_MS from now on. It does not keep the loop running. */
void memory_watch_start(struct memory_watch *w, uv_loop_t *loop);
void memory_watch_stop(struct memory_watch *w);

/* Looks now. Returns how many bytes the system has got back. */
size_t memory_give_back(struct memory_watch *w);

#endif

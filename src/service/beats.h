/* SPDX-License-Identifier: MIT */
/*
 * Whether all threads still work: each gets a mail, and has answered when its loop has taken it. A loop that hangs, or
 * that spends more than the time between two looks in one turn, has not.
 *
 * Threads: one asks; answering takes an atomic store.
 */
#ifndef SRC_SERVICE_BEATS_H
#define SRC_SERVICE_BEATS_H

#include "src/base/thread.h"

#include <stdatomic.h>

struct beat {
	struct mail mail;
	struct mail_port port;
	atomic_bool out; /* on its way */
};

struct beats {
	struct thread *threads; /* borrowed */
	unsigned n;
	struct beat *all;
};

/* For n threads, which outlive it. 0, or -1 when out of memory. */
int beats_init(struct beats *b, struct thread *threads, unsigned n);

/* Sends one to each thread that has answered the last. Not before they run, and not once they are being stopped. */
void beats_send(struct beats *b);

/* The first thread that has not answered, or NULL. */
const struct thread *beats_missing(const struct beats *b);

/* After the threads have ended. */
void beats_deinit(struct beats *b);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * A timer wheel: thousands of deadlines, one clock. Moving a deadline later,
 * which is what most packets do, costs one store: the timer is looked at again
 * when its old slot comes by. No clock inside: time is an argument, monotonic
 * milliseconds. Not thread-safe.
 */
#ifndef EIO_WHEEL_H
#define EIO_WHEEL_H

#include "eio/list.h"

#include <stdint.h>

enum {
	EIO_WHEEL_SLOTS = 1024, /* a power of two; with the tick below one turn is 16 s, less than a heartbeat */
	EIO_WHEEL_TICK_MS = 16, /* timers fire at most this much late: nothing in the protocol is finer */
};

/* Embedded in what has a deadline. */
struct eio_timer {
	void (*fire)(struct eio_timer *t); /* for whoever drives the wheel; the wheel itself calls nothing */
	struct eio_list link;
	uint64_t at_ms; /* UINT64_MAX: not armed */
	uint64_t tick; /* of the slot it sits in */
};

struct eio_wheel {
	struct eio_list slots[EIO_WHEEL_SLOTS];
	uint64_t tick; /* everything before it has been looked at */
	uint64_t next; /* no timer sits in an earlier slot */
	size_t count;
};

void eio_wheel_init(struct eio_wheel *w, uint64_t now_ms);

static inline void
eio_timer_init(struct eio_timer *t, void (*fire)(struct eio_timer *))
{
	t->fire = fire;
	eio_list_init(&t->link);
	t->at_ms = UINT64_MAX;
}

/* Arms, moves, or with UINT64_MAX disarms a timer. */
void eio_wheel_set(struct eio_wheel *w, struct eio_timer *t, uint64_t at_ms);

/* Takes a timer that is due off the wheel, or returns NULL. Call until NULL. */
struct eio_timer *eio_wheel_expired(struct eio_wheel *w, uint64_t now_ms);

/* When to call eio_wheel_expired again, in milliseconds, or UINT64_MAX with no timer armed. May be early, never late by
 * more than a tick. */
uint64_t eio_wheel_next(const struct eio_wheel *w);

#endif

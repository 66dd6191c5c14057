/* SPDX-License-Identifier: MIT */
/* The timer wheel driven by one libuv timer: the clock of a loop. Belongs to the loop's thread. */
#ifndef EIO_NET_CLOCK_H
#define EIO_NET_CLOCK_H

#include "eio/wheel.h"

#include <uv.h>

enum { EIO_CLOCK_MAGIC = 0x636c6f63 };

struct eio_clock {
	unsigned magic; /* EIO_CLOCK_MAGIC */
	struct eio_wheel wheel;
	uv_timer_t timer;
	uint64_t armed_ms; /* when the libuv timer fires; UINT64_MAX: it is stopped */
};

/* 0 or a libuv error. The clock must stay where it is. */
int eio_clock_open(struct eio_clock *c, uv_loop_t *loop);
void eio_clock_close(struct eio_clock *c);

/* The loop's time in milliseconds, monotonic. */
uint64_t eio_clock_now(const struct eio_clock *c);

/* Arms, moves or (UINT64_MAX) disarms a timer; t->fire is called on the loop when it is due. */
void eio_clock_set(struct eio_clock *c, struct eio_timer *t, uint64_t at_ms);

#endif

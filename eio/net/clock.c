/* SPDX-License-Identifier: MIT */
/* The wheel on a libuv timer. */
#include "eio/net/clock.h"

#include "eio/check.h"

static void on_clock_timer(uv_timer_t *timer);

/* Makes the libuv timer fire when the wheel wants to be looked at. */
static void
rearm_clock(struct eio_clock *c)
{
	uint64_t next = eio_wheel_next(&c->wheel), now = uv_now(c->timer.loop);

	if (next == c->armed_ms) return;
	c->armed_ms = next;
	if (next == UINT64_MAX)
		uv_timer_stop(&c->timer);
	else
		uv_timer_start(&c->timer, on_clock_timer, next > now ? next - now : 0, 0);
}

static void
on_clock_timer(uv_timer_t *timer)
{
	struct eio_clock *c = timer->data;
	struct eio_timer *t;

	CHECK_MAGIC(c, EIO_CLOCK_MAGIC);
	c->armed_ms = UINT64_MAX;
	while ((t = eio_wheel_expired(&c->wheel, uv_now(timer->loop)))) t->fire(t);
	rearm_clock(c);
}

int
eio_clock_open(struct eio_clock *c, uv_loop_t *loop)
{
	c->magic = EIO_CLOCK_MAGIC;
	eio_wheel_init(&c->wheel, uv_now(loop));
	c->armed_ms = UINT64_MAX;
	c->timer.data = c;
	return uv_timer_init(loop, &c->timer);
}

void
eio_clock_close(struct eio_clock *c)
{
	uv_close((uv_handle_t *)&c->timer, NULL);
}

uint64_t
eio_clock_now(const struct eio_clock *c)
{
	return uv_now(c->timer.loop);
}

void
eio_clock_set(struct eio_clock *c, struct eio_timer *t, uint64_t at_ms)
{
	eio_wheel_set(&c->wheel, t, at_ms);
	if (eio_wheel_next(&c->wheel) < c->armed_ms) rearm_clock(c);
}

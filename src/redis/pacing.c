/* SPDX-License-Identifier: MIT */
/* When a link pauses, and what it does meanwhile. */
#include "src/redis/pacing.h"

#include "eio/check.h"
#include "src/redis/socket.h"

#include <stdlib.h>

enum {
	PAUSE_READS = 3, /* in one millisecond, then reading pauses */
	PAUSE_LOOKS = 32, /* as often as libuv reads before others have their turn */
	PAUSE_BYTES = REDIS_SOCKET_READ_BYTES / 4, /* a read that brought so much was worth its wake-up */
};

#define REDIS_PACING_MAGIC 0x4ed19ace

struct redis_pacing {
	unsigned magic;
	struct redis_link *link;
	uv_timer_t timer; /* runs while the link pauses */
	uint64_t read_ms; /* when it read last */
	unsigned reads; /* in that millisecond */
};

static struct redis_pacing *
pacing_of(void *data)
{
	struct redis_pacing *p = data;

	CHECK_MAGIC(p, REDIS_PACING_MAGIC);
	return p;
}

/*
 * One look at the link. Where that finds nothing, libuv goes on; it will also find out that the connection is lost.
 * It does not go on after something was taken: the timer that keeps running sees to it that the loop comes round in a
 * millisecond, and whoever got the messages to what is due then.
 */
static void
on_pause(uv_timer_t *t)
{
	struct redis_pacing *p = pacing_of(t->data);
	ssize_t n = REDIS_SOCKET_READ_BYTES;

	for (int looks = 0; n == REDIS_SOCKET_READ_BYTES && looks < PAUSE_LOOKS; looks++) {
		n = redis_link_look(p->link);
		if (n == 0 && looks == 0) {
			uv_timer_stop(t);
			redis_link_resume(p->link);
		}
	}
}

void
redis_pacing_note(struct redis_pacing *p, size_t n)
{
	uint64_t now = uv_now(p->timer.loop);

	if (uv_is_active((uv_handle_t *)&p->timer)) return;
	p->reads = p->read_ms == now ? p->reads + 1 : 1;
	p->read_ms = now;
	if (p->reads < PAUSE_READS || n >= PAUSE_BYTES) return;
	redis_link_pause(p->link);
	uv_timer_start(&p->timer, on_pause, REDIS_PAUSE_MS, REDIS_PAUSE_MS);
}

void
redis_pacing_reset(struct redis_pacing *p)
{
	uv_timer_stop(&p->timer);
}

void
redis_pacing_stop(struct redis_pacing *p)
{
	if (!uv_is_active((uv_handle_t *)&p->timer)) return;
	uv_timer_stop(&p->timer);
	redis_link_resume(p->link);
}

struct redis_pacing *
redis_pacing_new(uv_loop_t *loop, struct redis_link *link)
{
	struct redis_pacing *p = calloc(1, sizeof *p);

	if (!p) return NULL;
	p->magic = REDIS_PACING_MAGIC;
	p->link = link;
	uv_timer_init(loop, &p->timer); /* cannot fail */
	p->timer.data = p;
	return p;
}

static void
on_pacing_closed(uv_handle_t *h)
{
	struct redis_pacing *p = pacing_of(h->data);

	p->magic = 0;
	free(p);
}

void
redis_pacing_free(struct redis_pacing *p)
{
	uv_close((uv_handle_t *)&p->timer, on_pacing_closed);
}

/* SPDX-License-Identifier: MIT */
/* The timer wheel. A timer further away than one turn stays in its slot and is passed over until its turn comes. */
#include "eio/wheel.h"

#include "eio/check.h"

void
eio_wheel_init(struct eio_wheel *w, uint64_t now_ms)
{
	for (int i = 0; i < EIO_WHEEL_SLOTS; i++) eio_list_init(&w->slots[i]);
	w->tick = now_ms / EIO_WHEEL_TICK_MS;
	w->next = UINT64_MAX;
	w->count = 0;
}

static void
insert_timer(struct eio_wheel *w, struct eio_timer *t)
{
	/* Rounded up: a timer never fires early. */
	uint64_t tick = t->at_ms / EIO_WHEEL_TICK_MS + 1;

	if (tick < w->tick) tick = w->tick;
	t->tick = tick;
	eio_list_add_tail(&w->slots[tick & (EIO_WHEEL_SLOTS - 1)], &t->link);
	if (tick < w->next) w->next = tick;
	w->count++;
}

static void
take_out(struct eio_wheel *w, struct eio_timer *t)
{
	CHECK(w->count > 0);
	eio_list_remove(&t->link);
	w->count--;
}

void
eio_wheel_set(struct eio_wheel *w, struct eio_timer *t, uint64_t at_ms)
{
	bool armed = !eio_list_empty(&t->link);

	t->at_ms = at_ms;
	if (at_ms == UINT64_MAX) {
		if (armed) take_out(w, t);
		return;
	}
	if (armed && at_ms / EIO_WHEEL_TICK_MS + 1 >= t->tick) return;
	if (armed) take_out(w, t);
	insert_timer(w, t);
}

/* The first slot at or after `from` that holds a timer of any turn. */
static uint64_t
next_used_slot(const struct eio_wheel *w, uint64_t from)
{
	if (w->count == 0) return UINT64_MAX;
	for (uint64_t i = 0; i < EIO_WHEEL_SLOTS; i++)
		if (!eio_list_empty(&w->slots[(from + i) & (EIO_WHEEL_SLOTS - 1)])) return from + i;
	return UINT64_MAX;
}

/* A due timer of the current slot; one whose deadline moved is put where it belongs. */
static struct eio_timer *
due_in_slot(struct eio_wheel *w, uint64_t now_ms)
{
	struct eio_list *head = &w->slots[w->tick & (EIO_WHEEL_SLOTS - 1)], *l, *next;

	EIO_LIST_FOREACH_SAFE(l, next, head)
	{
		struct eio_timer *t = EIO_CONTAINER(l, struct eio_timer, link);

		if (t->tick > w->tick) continue;
		take_out(w, t);
		if (t->at_ms <= now_ms) {
			t->at_ms = UINT64_MAX;
			return t;
		}
		insert_timer(w, t);
	}
	return NULL;
}

struct eio_timer *
eio_wheel_expired(struct eio_wheel *w, uint64_t now_ms)
{
	uint64_t now = now_ms / EIO_WHEEL_TICK_MS;
	struct eio_timer *t;

	while (w->tick <= now) {
		t = due_in_slot(w, now_ms);
		if (t) return t;
		w->tick = next_used_slot(w, w->tick + 1);
		if (w->tick > now) w->tick = now + 1;
	}
	w->next = next_used_slot(w, w->tick);
	return NULL;
}

uint64_t
eio_wheel_next(const struct eio_wheel *w)
{
	return w->next == UINT64_MAX ? UINT64_MAX : w->next * EIO_WHEEL_TICK_MS;
}

/* SPDX-License-Identifier: MIT */
/* From workers to sources. A burst of joins is one run of notes, and what comes of it is one write to each server. */
#include "src/feed/demands.h"

#include "eio/check.h"

#include <stdlib.h>

enum {
	HANDED_MS = 10000, /* sockets of another process are here by then, and with them who hears its channels */
	STARVED_MS = 1000, /* when memory was short it is tried again */
};

/* On its way from a worker: something is different with a room. */
struct demand_room {
	struct mail mail;
	struct interest *room; /* a reference */
};

static struct feed_demands *
demands_of(void *user)
{
	struct feed_demands *d = user;

	CHECK_MAGIC(d, FEED_DEMANDS_MAGIC);
	return d;
}

static uint64_t
demands_now(const struct feed_demands *d)
{
	return uv_now(&d->options->thread->loop);
}

/* From the workers. Any thread, up to the next heading. */

/* The member came, or went, before this looks which feeds there are; and whoever changes feeds looks for members behind
 * that. Both change `changing`, the one by nothing, and whoever is second sees all that the first did before. */
static bool
is_to_be_noted(struct feed_demands *d, struct sio_room_key key)
{
	bool changing = atomic_fetch_add_explicit(&d->changing, 0, memory_order_acq_rel) > 0;

	if (atomic_load_explicit(&d->closed, memory_order_relaxed)) return false;
	if (changing) return !key.everyone;
	return feed_specs_demand(atomic_load_explicit(d->asked, memory_order_acquire), key);
}

static void
on_room_changed(void *user, struct interest *i)
{
	struct feed_demands *d = demands_of(user);
	struct demand_room *note;

	if (!is_to_be_noted(d, i->key)) return;
	note = malloc(sizeof *note);
	if (!note) {
		atomic_fetch_add_explicit(&d->unnoted, 1, memory_order_relaxed);
		if (!atomic_exchange(&d->look_posted, true)) mail_post(&d->looks, &d->look);
		return;
	}
	note->room = interest_ref(i);
	mail_post(&d->notes, &note->mail);
}

void
feed_demands_watch_all(struct feed_demands *d, bool on)
{
	atomic_exchange_explicit(&d->changing, on, memory_order_acq_rel);
}

/* To the sources */

static void
want_of_sources(void *user, struct eio_bytes channel)
{
	feed_intakes_want(demands_of(user)->intakes, channel);
}

static void
leave_at_sources(void *user, struct eio_bytes channel)
{
	feed_intakes_leave(demands_of(user)->intakes, channel);
}

static const struct demand_events demands_events = { .want = want_of_sources, .leave = leave_at_sources };

static void
show_channels(struct feed_demands *d)
{
	const struct feed_specs *specs = d->demand.specs;

	for (size_t i = 0; i < specs->n; i++)
		if (specs->v[i].subscribe == FEED_SUBSCRIBE_ON_DEMAND)
			metrics_put(d->router->feeds[i]->metrics, FEED_METRIC_CHANNELS, d->demand.counts[i]);
}

static void on_demands_timer(uv_timer_t *t);

/* Behind all that changes channels. */
static void
settle_demands(struct feed_demands *d)
{
	uint64_t at = demand_deadline(&d->demand), now = demands_now(d);

	feed_intakes_flush(d->intakes);
	show_channels(d);
	if (d->demand.starved)
		log_limited(LOG_LEVEL_ERROR, &d->limit, now, "event=not-subscribed error=\"out of memory\" rooms=%u",
			d->demand.starved);
	d->demand.starved = 0;
	if (atomic_load_explicit(&d->unnoted, memory_order_relaxed) && at > now + STARVED_MS) at = now + STARVED_MS;
	if (at == UINT64_MAX)
		uv_timer_stop(&d->timer);
	else
		uv_timer_start(&d->timer, on_demands_timer, at > now ? at - now : 1, 0);
}

/* Which rooms there are */

static bool
may_be_demanded(const void *ctx, struct sio_room_key key)
{
	return feed_specs_demand(ctx, key);
}

/* Has a new one know all rooms. Without memory for that it is tried again. */
static void
note_all_rooms(struct feed_demands *d, struct demand *demand)
{
	struct interest **rooms;
	ssize_t n = interest_collect(d->options->interest, may_be_demanded, demand->specs, &rooms);

	demand->starved += n < 0;
	if (n < 0) atomic_fetch_add_explicit(&d->unnoted, 1, memory_order_relaxed);
	for (ssize_t i = 0; i < n; i++) {
		demand_note(demand, rooms[i], demands_now(d));
		interest_unref(rooms[i]);
	}
	free(rooms);
}

/* The prepared one takes the place of the other. */
static void
swap_demands(struct feed_demands *d)
{
	struct demand before = d->demand;

	if (d->next.specs->on_demand) note_all_rooms(d, &d->next);
	if (d->next.specs->on_demand) demand_carry(&d->next, &before, demands_now(d));
	d->demand = d->next;
	d->next = before;
	d->intakes->demand = &d->demand;
}

/* All is looked at anew. */
static void
note_what_was_not(struct feed_demands *d)
{
	if (!atomic_exchange_explicit(&d->unnoted, 0, memory_order_relaxed)) return;
	d->demand.starved++;
	if (feed_demands_prepare(d, d->demand.specs) < 0) {
		atomic_fetch_add_explicit(&d->unnoted, 1, memory_order_relaxed);
		return;
	}
	swap_demands(d);
	feed_demands_apply(d);
}

static void
on_demands_timer(uv_timer_t *t)
{
	struct feed_demands *d = demands_of(t->data);

	demand_tick(&d->demand, demands_now(d));
	note_what_was_not(d);
	settle_demands(d);
}

/* There was no memory to note a room. */
static void
take_demands_look(void *user, struct mail *run)
{
	struct feed_demands *d = demands_of(user);

	(void)run;
	atomic_store(&d->look_posted, false);
	if (atomic_load_explicit(&d->closed, memory_order_relaxed)) return;
	note_what_was_not(d);
	settle_demands(d);
}

static void
take_rooms(void *user, struct mail *run)
{
	struct feed_demands *d = demands_of(user);
	bool closed = atomic_load_explicit(&d->closed, memory_order_relaxed);

	while (run) {
		struct demand_room *note = EIO_CONTAINER(run, struct demand_room, mail);

		run = run->next;
		if (!closed) demand_note(&d->demand, note->room, demands_now(d));
		interest_unref(note->room);
		free(note);
	}
	if (closed) return;
	note_what_was_not(d);
	settle_demands(d);
}

/* Other feeds */

int
feed_demands_prepare(struct feed_demands *d, const struct feed_specs *specs)
{
	return demand_init(&d->next, specs, d->router->hash_key);
}

void
feed_demands_commit(struct feed_demands *d)
{
	swap_demands(d);
}

static void
leave_if_unwanted(void *user, struct eio_bytes channel)
{
	struct feed_demands *d = demands_of(user);

	if (!demand_find(&d->demand, channel)) feed_intakes_leave(d->intakes, channel);
}

/* First what is new, as everywhere. */
void
feed_demands_apply(struct feed_demands *d)
{
	feed_demands_fill(d);
	demand_each(&d->next, leave_if_unwanted, d);
	demand_deinit(&d->next);
	settle_demands(d);
}

void
feed_demands_forget(struct feed_demands *d)
{
	demand_deinit(&d->next);
}

/* From the beginning to the end */

int
feed_demands_init(struct feed_demands *d, const struct feed_options *options, struct feed_router *router,
	struct feed_intakes *intakes, const _Atomic(struct feed_specs *) *asked)
{
	*d = (struct feed_demands){
		.magic = FEED_DEMANDS_MAGIC, .options = options, .router = router, .intakes = intakes, .asked = asked
	};
	atomic_init(&d->changing, 0);
	atomic_init(&d->closed, false);
	atomic_init(&d->unnoted, 0);
	if (demand_init(&d->demand, options->specs, router->hash_key) < 0) return -1;
	atomic_init(&d->look_posted, false);
	d->notes = (struct mail_port){ &options->thread->mailbox, take_rooms, d };
	d->looks = (struct mail_port){ &options->thread->mailbox, take_demands_look, d };
	intakes->demand = &d->demand;
	uv_timer_init(&options->thread->loop, &d->timer); /* cannot fail */
	d->timer.data = d;
	interest_watch(options->interest, true, on_room_changed, d);
	return 0;
}

static void
keep_handed(void *user, struct eio_bytes channel)
{
	struct feed_demands *d = demands_of(user);

	demand_keep(&d->demand, channel, demands_now(d), HANDED_MS);
}

void
feed_demands_begin(struct feed_demands *d)
{
	feed_intakes_tell_handed(d->intakes, keep_handed, d);
}

void
feed_demands_fill(struct feed_demands *d)
{
	d->demand.events = &demands_events;
	d->demand.user = d;
	demand_each(&d->demand, want_of_sources, d);
	settle_demands(d);
}

void
feed_demands_close(struct feed_demands *d)
{
	atomic_store_explicit(&d->closed, true, memory_order_relaxed);
	uv_close((uv_handle_t *)&d->timer, NULL);
}

void
feed_demands_deinit(struct feed_demands *d)
{
	interest_unwatch(d->options->interest, d);
	demand_deinit(&d->demand);
	d->magic = 0;
}

/* SPDX-License-Identifier: MIT */
/* From events to workers. A worker that is behind is left out, and its clients get the list anew later. */
#include "eio/check.h"
#include "src/presence/presence_int.h"
#include "src/presence/render.h"

#include <stdlib.h>

enum {
	HOLD_BYTES_MS =
		32768, /* bytes of lists that a room may make in a millisecond, so that many newcomers share one */
	KEEP_LIST_MEMBERS = 32, /* the list of a room with fewer is made anew each time */
	KEEP_SCRATCH = 1 << 16,
};

#define FOR_EACH_WORKER(w, o) for (unsigned w = 0; (w) < (o)->n; (w)++)

int
presence_out_init(struct presence_out *o, unsigned workers, size_t max_outstanding, struct metrics *metrics)
{
	*o = (struct presence_out){ .n = workers, .max_outstanding = max_outstanding, .metrics = metrics };
	eio_list_init(&o->behind);
	o->workers = calloc(workers, sizeof(const struct mail_port *));
	o->outstanding = calloc(workers, sizeof *o->outstanding);
	if (o->workers && o->outstanding) return 0;
	presence_out_deinit(o);
	return -1;
}

void
presence_out_deinit(struct presence_out *o)
{
	for (size_t i = 0; i < o->n_gathered; i++) eio_bundle_unref(o->gathered[i]);
	free(o->workers);
	free(o->outstanding);
	eio_buf_deinit(&o->text);
	eio_buf_deinit(&o->list);
	*o = (struct presence_out){ 0 };
}

void
presence_out_release(void *user)
{
	struct presence_told *t = user;

	eio_list_remove(&t->link);
	eio_bundle_unref(t->list);
	free(t);
}

/* NULL when out of memory. */
static struct presence_told *
told_of(struct presence_room *room)
{
	struct presence_told *t = room->user;

	if (t) return t;
	t = calloc(1, sizeof *t);
	if (!t) return NULL;
	eio_list_init(&t->link);
	t->room = room;
	room->user = t;
	return t;
}

/* To a worker */

static bool
is_behind(const struct presence_out *o, unsigned w, size_t bytes)
{
	size_t used = atomic_load_explicit(&o->outstanding[w], memory_order_relaxed);

	return used && used + bytes > o->max_outstanding;
}

/* Worker w has missed something of the room. */
static void
leave_out(struct presence_out *o, unsigned w, struct presence_told *t)
{
	metrics_inc(o->metrics, PRESENCE_METRIC_BEHIND);
	if (!t) return;
	t->behind |= UINT64_C(1) << w;
	eio_list_remove(&t->link);
	eio_list_add_tail(&o->behind, &t->link);
}

static bool
was_left_out(const struct presence_room *room, unsigned w)
{
	const struct presence_told *t = room->user;

	return t && t->behind >> w & 1;
}

static struct presence_delivery *
make_delivery(struct presence_out *o, unsigned w, struct presence_delivery_parts parts)
{
	struct presence_delivery *d;

	parts.outstanding = &o->outstanding[w];
	d = presence_delivery_new(&parts);
	if (!d) metrics_inc(o->metrics, PRESENCE_METRIC_NOMEM);
	return d;
}

static void
post_delivery(struct presence_out *o, unsigned w, struct presence_delivery *d)
{
	CHECK(o->workers[w]);
	mail_post(o->workers[w], &d->mail);
}

/* Changes */

static void
post_changes(struct presence_out *o, struct eio_bundle *b)
{
	struct presence_room *room = o->room;

	FOR_EACH_WORKER(w, o)
	{
		struct presence_delivery *d = NULL;

		if (!room->seats_of[w] || was_left_out(room, w)) continue;
		if (!is_behind(o, w, eio_bundle_size(b)))
			d = make_delivery(
				o, w, (struct presence_delivery_parts){ PRESENCE_TO_SEATED, b, room->key, 0, NULL, 0 });
		if (d)
			post_delivery(o, w, d);
		else
			leave_out(o, w, told_of(room));
	}
}

void
presence_out_flush(struct presence_out *o)
{
	struct eio_bundle *all = o->n_gathered > 1 ? eio_bundle_join(o->gathered, o->n_gathered) : NULL;

	for (size_t i = 0; i < o->n_gathered; i++) {
		if (!all) post_changes(o, o->gathered[i]);
		eio_bundle_unref(o->gathered[i]);
	}
	if (all) post_changes(o, all);
	eio_bundle_unref(all);
	o->n_gathered = 0;
	o->room = NULL;
	if (o->list.cap > KEEP_SCRATCH) eio_buf_deinit(&o->list);
	if (o->text.cap > KEEP_SCRATCH) eio_buf_deinit(&o->text);
}

static struct presence_render
render_of(struct presence_out *o, const struct presence_event *ev)
{
	return (struct presence_render){ ev->room->key, ev->room->by_identity.count, ev->room, ev->member, &o->text,
		&o->list, ev->room->spec->where.recovers };
}

static void
tell_change(struct presence_out *o, const struct presence_event *ev)
{
	bool joins = ev->kind == PRESENCE_JOINING;
	const struct template *t = joins ? ev->room->spec->joining : ev->room->spec->leaving;
	const struct presence_render r = render_of(o, ev);
	struct eio_bundle *b;

	metrics_inc(o->metrics, joins ? PRESENCE_METRIC_JOINING : PRESENCE_METRIC_LEAVING);
	/* Of a room of one who has just come nobody is told. */
	if (!t || eio_list_empty(&ev->room->seated)) return;
	if (o->room != ev->room || o->n_gathered == sizeof o->gathered / sizeof o->gathered[0]) presence_out_flush(o);
	b = presence_render(t, &r);
	if (!b) {
		metrics_inc(o->metrics, PRESENCE_METRIC_NOMEM);
		return;
	}
	o->room = ev->room;
	o->gathered[o->n_gathered++] = b;
}

/* Lists */

/* The list as it is, with a reference for the caller. A large one is kept until it changes. NULL when out of memory, or
 * where no list is configured. */
static struct eio_bundle *
list_of(struct presence_out *o, struct presence_room *room, uint64_t now_ms)
{
	const struct presence_event ev = { PRESENCE_HERE, room, NULL };
	const struct presence_render r = render_of(o, &ev);
	struct presence_told *t = told_of(room);
	struct eio_bundle *b;

	if (!room->spec->here) return NULL;
	if (t && t->list && t->version == room->version) return eio_bundle_ref(t->list);
	b = presence_render(room->spec->here, &r);
	metrics_inc(o->metrics, b ? PRESENCE_METRIC_HERE : PRESENCE_METRIC_NOMEM);
	if (!b || !t) return b;
	room->hold_ms = now_ms + eio_bundle_size(b) / HOLD_BYTES_MS;
	eio_bundle_unref(t->list);
	t->list = room->by_identity.count < KEEP_LIST_MEMBERS ? NULL : eio_bundle_ref(b);
	t->version = room->version;
	return b;
}

/* How many of these seats are worker w's. */
static size_t
count_seats(const struct eio_list *seats, unsigned w)
{
	size_t n = 0;

	for (struct eio_list *l = seats->next; l != seats; l = l->next)
		n += presence_seat_worker(EIO_CONTAINER(l, struct presence_seat, link)->id) == w;
	return n;
}

/* The room's list to those of these seats that are worker w's. False when that must be done later. */
static bool
post_list(struct presence_out *o, unsigned w, const struct presence_room *room, struct eio_bundle *b,
	const struct eio_list *seats)
{
	size_t n = count_seats(seats, w);
	struct presence_delivery *d;

	if (n == 0) return true;
	if ((!b && room->spec->here) || is_behind(o, w, b ? eio_bundle_size(b) : 0)) return false;
	d = make_delivery(o, w, (struct presence_delivery_parts){ .kind = PRESENCE_TO_SEATS, .bundle = b, .n = n });
	if (!d) return false;
	for (struct eio_list *l = seats->next; l != seats; l = l->next) {
		uint64_t id = EIO_CONTAINER(l, struct presence_seat, link)->id;

		if (presence_seat_worker(id) == w) d->ids[d->n++] = id;
	}
	post_delivery(o, w, d);
	return true;
}

/* Who gets no list is told of changes all the same. */
static void
tell_here(struct presence_out *o, struct presence_room *room, uint64_t now_ms)
{
	struct eio_bundle *b;

	presence_out_flush(o);
	b = list_of(o, room, now_ms);
	FOR_EACH_WORKER(w, o)
	if (room->seats_of[w] && !was_left_out(room, w) && !post_list(o, w, room, b, &room->newcomers))
		leave_out(o, w, told_of(room));
	eio_bundle_unref(b);
}

void
presence_out_tell(struct presence_out *o, const struct presence_event *ev, uint64_t now_ms)
{
	if (ev->kind == PRESENCE_HERE)
		tell_here(o, ev->room, now_ms);
	else
		tell_change(o, ev);
}

bool
presence_out_catch_up(struct presence_out *o, uint64_t now_ms)
{
	struct eio_list *l, *next;

	EIO_LIST_FOREACH_SAFE(l, next, &o->behind)
	{
		struct presence_told *t = EIO_CONTAINER(l, struct presence_told, link);
		struct eio_bundle *b = list_of(o, t->room, now_ms);

		FOR_EACH_WORKER(w, o)
		if (t->behind >> w & 1 && post_list(o, w, t->room, b, &t->room->seated))
			t->behind &= ~(UINT64_C(1) << w);
		eio_bundle_unref(b);
		if (!t->behind) eio_list_remove(&t->link);
	}
	return !eio_list_empty(&o->behind);
}

/* Numbers */

/* Adds the newcomers of worker w that the event is for, or is not for. */
static void
add_newcomers(struct presence_delivery *d, unsigned w, const struct presence_count_event *ev, bool concerned)
{
	const struct presence_target *t = ev->target;

	for (size_t i = 0; i < t->n_newcomers; i++)
		if (presence_seat_worker(t->newcomers[i].seat) == w &&
			presence_count_concerns(ev, &t->newcomers[i]) == concerned)
			d->ids[d->n++] = t->newcomers[i].seat;
}

static void
count_to_newcomers(struct presence_out *o, unsigned w, const struct presence_count_event *ev, struct eio_bundle *b)
{
	struct presence_delivery *d = make_delivery(o, w,
		(struct presence_delivery_parts){
			.kind = PRESENCE_TO_NEWCOMERS, .bundle = b, .n = ev->target->n_newcomers });

	if (!d) return;
	add_newcomers(d, w, ev, true);
	if (d->n)
		post_delivery(o, w, d);
	else
		presence_delivery_free(d);
}

static void
count_to_all(struct presence_out *o, unsigned w, const struct presence_count_event *ev, struct eio_bundle *b)
{
	const struct presence_target *t = ev->target;
	struct presence_delivery *d = make_delivery(o, w,
		(struct presence_delivery_parts){ PRESENCE_TO_ALL, b, t->key, t->node.hash | 1, NULL, t->n_newcomers });

	if (!d) return;
	add_newcomers(d, w, ev, false);
	post_delivery(o, w, d);
}

void
presence_out_count(struct presence_out *o, const struct presence_count_event *ev)
{
	const struct presence_render r = { ev->target->key, ev->n, NULL, NULL, &o->text, &o->list,
		ev->target->spec->where.recovers };
	struct eio_bundle *b = presence_render(ev->target->spec->event, &r);

	metrics_inc(o->metrics, b ? PRESENCE_METRIC_COUNTED : PRESENCE_METRIC_NOMEM);
	if (!b) return;
	/* A number that a worker does not get is followed by another. */
	FOR_EACH_WORKER(w, o)
	{
		if (is_behind(o, w, eio_bundle_size(b)))
			metrics_inc(o->metrics, PRESENCE_METRIC_BEHIND);
		else if (ev->kind == PRESENCE_COUNT_ALL)
			count_to_all(o, w, ev, b);
		else
			count_to_newcomers(o, w, ev, b);
	}
	eio_bundle_unref(b);
}

/* SPDX-License-Identifier: MIT */
/* What was published without Redis: messages go the way of those from there, events straight to the workers. */
#include "src/feed/feed_int.h"

#include "sio/event.h"
#include "sio/json.h"
#include "src/feed/event_int.h"
#include "src/feed/posting.h"

#include <inttypes.h>
#include <stdio.h>

void
feed_router_publish(struct feed_router *r, const struct feed_posted *p, uint64_t now_ms)
{
	feed_router_deliver(r, p->name, p->payload, now_ms);
}

struct eio_bundle *
feed_posted_bundle(const struct feed_posted *p)
{
	struct eio_bytes args = sio_json_trim(p->payload);
	struct eio_bytes inside = sio_json_trim(eio_bytes(args.p + 1, args.n - 2)); /* of its brackets */
	struct eio_bundle *bundle = NULL;
	struct eio_buf head;
	char id[24];
	int digits;

	eio_buf_init(&head);
	eio_buf_addc(&head, '[');
	if (p->name.p) sio_json_escape(&head, p->name);
	if (p->name.p && inside.n) eio_buf_addc(&head, ',');
	digits = snprintf(id, sizeof id, "%" PRIu64, p->ack);
	if (!eio_buf_failed(&head)) {
		const struct sio_piece pieces[] = { { .json = eio_buf_bytes(&head) },
			{ .json = inside, .refs = p->n_attachments > 0 }, { .json = EIO_LIT("]") } };
		const struct sio_emit emit = { .nsp = p->nsp,
			.id = { p->acked ? id : NULL, p->acked ? (size_t)digits : 0 },
			.pieces = pieces,
			.n_pieces = 3,
			.attachments = p->attachments,
			.n_attachments = p->n_attachments };

		/* The name was checked by whoever made it, and so were the placeholders: only memory can be missing. */
		if (sio_emit_bundle(&emit, &bundle) < 0) bundle = NULL;
	}
	eio_buf_deinit(&head);
	return bundle;
}

/* It must arrive; what may be missed is as other broadcasts. */
static uint64_t
stream_of_posted(const struct feed_posted *p)
{
	return p->fleeting ? FEED_EVENT_STREAM : 0;
}

/* Finds the workers that have members of one target, which the item gets. False when out of memory. */
static bool
find_one_target(struct feed_out *o, struct sio_room_key key, struct delivery_item *item, uint64_t *workers)
{
	item->target = interest_get(o->options->interest, key);
	if (item->target) *workers |= interest_workers(item->target);
	return item->target != NULL;
}

/* False when out of memory. The names lie in the router's lists. */
static bool
list_targets(struct feed_router *r, const struct feed_posted *p, struct audience *a)
{
	struct feed_targets *t = feed_targets_make(&r->targets);

	if (!t) return false;
	*a = (struct audience){ .nsp = p->nsp };
	a->rooms = t->rooms.v;
	a->n_rooms = p->everyone ? 0 : feed_names_list(p->rooms, t->rooms.v);
	a->except = t->except.v;
	a->n_except = feed_names_list(p->except, t->except.v);
	return true;
}

/* The same for several rooms, or with exceptions. */
static bool
find_targets(struct feed_router *r, struct feed_out *o, const struct feed_posted *p, struct delivery_item *item,
	uint64_t *workers)
{
	struct audience a;

	if (!list_targets(r, p, &a)) return false;
	if (!a.n_rooms && !p->everyone) return true; /* nobody */
	if (a.n_rooms <= 1 && !a.n_except) return find_one_target(o, audience_key(&a, 0), item, workers);
	for (size_t i = 0; i < audience_keys(&a); i++)
		*workers |= interest_of(o->options->interest, audience_key(&a, i));
	if (*workers) item->audience = audience_new(&a);
	return !*workers || item->audience;
}

/* Where clients are recovered. Returns how many workers do not get it. */
static unsigned
post_to_remember(struct feed_router *r, struct feed_out *o, const struct feed_posted *p, uint64_t now_ms)
{
	struct eio_bundle *b;
	struct audience a;
	unsigned dropped;

	if (!list_targets(r, p, &a)) return 1;
	if (!a.n_rooms && !p->everyone) return 0;
	b = feed_posted_bundle(p);
	if (!b) return 1;
	dropped = feed_event_send(o,
		&(struct feed_event){
			.bundle = b, .fleeting = p->fleeting, .stream = stream_of_posted(p), .now_ms = now_ms },
		&a);
	eio_bundle_unref(b);
	return dropped;
}

unsigned
feed_router_send(struct feed_router *r, const struct feed_posted *p, uint64_t now_ms)
{
	struct feed_out *o = r->out;
	struct delivery_item item = {
		.slow = FEED_SLOW_DROP_OLDEST, .fleeting = p->fleeting, .stream = stream_of_posted(p)
	};
	uint64_t workers = feed_out_moving(o);
	unsigned dropped = 0;
	bool found;

	if (o->ledger && feed_recovery_is_on(&o->options->recovery, p->nsp)) return post_to_remember(r, o, p, now_ms);
	found = p->everyone && !p->except.n ? find_one_target(o, sio_room_everyone(p->nsp), &item, &workers)
					    : find_targets(r, o, p, &item, &workers);
	item.bundle = workers && found ? feed_posted_bundle(p) : NULL;
	if (!found || (workers && !item.bundle)) dropped = 1;
	if (item.bundle) {
		eio_bundle_count_in(item.bundle, &o->forms);
		dropped = feed_out_hand(o, workers, &item, true);
		eio_bundle_unref(item.bundle);
	}
	interest_unref(item.target);
	audience_unref(item.audience);
	return dropped;
}

unsigned
feed_router_event(struct feed_router *r, const struct feed_posted *event, uint64_t now_ms)
{
	if (r->out->journal && !feed_local_has(&r->out->journal->local, event->nsp))
		feed_local_note(&r->out->journal->local, event->nsp, false, now_ms);
	/* What the feeds have ready came before it. */
	feed_out_post(r->out);
	return feed_router_send(r, event, now_ms);
}

void
feed_router_post(struct feed_router *r, const struct feed_posting *p, uint64_t now_ms)
{
	struct feed_posted item;

	for (size_t at = 0; feed_posting_next(p, &at, &item);) {
		if (!item.is_event) {
			feed_router_publish(r, &item, now_ms);
			continue;
		}
		metrics_inc(r->metrics, FEED_ROUTER_METRIC_EVENTS);
		metrics_add(r->metrics, FEED_ROUTER_METRIC_EVENTS_DROPPED, feed_router_event(r, &item, now_ms));
	}
}

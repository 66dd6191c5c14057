/* SPDX-License-Identifier: MIT */
/*
 * The fan-out: broadcasts to the members of rooms. This is what the program spends
 * its time on, so everything here is about the memory that a pass touches.
 */
#include "src/clients/fanout.h"

enum {
	MAX_JOINED = 64, /* broadcasts in one write: a bound for the stack, not for anything seen */
	WRITE_BYTES = 16384, /* what can be copied in the time of a write */
	ROOMS_GROUP = 16, /* rooms looked up together, for the same reason as FAN_OUT_GROUP */
	FAN_OUT_GROUP = 16, /* members whose memory is fetched together: a few KB, which the caches hold */
};

/* What waits for a client beside the replies, which have a limit of their own. */
static size_t
waiting_bytes(const struct client *c)
{
	return eio_socket_queued(c->eio) - eio_socket_replies(c->eio) + eio_socket_unsent(c->eio);
}

/* Whether a client for which something waits is over its limit: too much, or half of that for too long. */
static bool
too_slow(struct client *c, size_t more)
{
	const struct clients_limits *l = &c->clients->options.limits;
	size_t waiting = waiting_bytes(c);
	uint64_t now = eio_clock_now(c->clients->options.clock);
	uint64_t *since_ms = eio_socket_queue_mark(c->eio); /* when the queue got over half its limit; 0: it is not */

	if (waiting + more > l->queue_bytes) return true;
	if (waiting <= l->queue_bytes / 2 || l->queue_seconds == 0) {
		*since_ms = 0;
		return false;
	}
	if (*since_ms == 0) *since_ms = now;
	return now - *since_ms > (uint64_t)l->queue_seconds * 1000;
}

/* Makes room for a broadcast as its feed says. Returns false when the client shall not get it. */
static bool
make_room(struct client *c, const struct delivery_item *item, const void *tag, size_t size)
{
	size_t limit = c->clients->options.limits.queue_bytes, dropped = 0;
	size_t taken = size + eio_socket_unsent(c->eio);

	switch (item->slow) {
	case FEED_SLOW_DISCONNECT: client_end(c, CLIENT_REASON_SLOW); return false;
	case FEED_SLOW_LATEST: dropped = eio_socket_drop(c->eio, tag, 0); break;
	case FEED_SLOW_DROP_OLDEST:
		dropped = eio_socket_drop(c->eio, NULL, taken < limit / 2 ? limit / 2 - taken : 0);
		break;
	}
	*eio_socket_queue_mark(c->eio) = 0;
	metrics_add(c->clients->metrics, CLIENTS_METRIC_SLOW_DROPPED, dropped);
	return true;
}

/* Of what must arrive a client takes no more than of what is sent to it alone. */
static bool
takes_no_more(struct eio_socket *s, const void *tag)
{
	struct client *c;

	if (tag || eio_socket_replies(s) == 0) return false;
	c = client_of_session(s);
	if (!c || eio_socket_replies(s) <= c->clients->options.limits.reply_bytes) return false;
	client_end(c, CLIENT_REASON_SLOW);
	return true;
}

/* Sends to up to FAN_OUT_GROUP members. With thousands of them each one's memory is cold: that of all is asked for
 * before the first of it is needed. */
static size_t
fan_out_group(const struct sio_room_slot *slots, size_t n, const struct delivery_item *item)
{
	const void *tag = (const void *)(uintptr_t)item->stream;
	size_t size = eio_bundle_size(item->bundle) + EIO_QUEUED_COST, sent = 0;

	for (size_t i = 0; i < n; i++) eio_socket_prefetch(slots[i].target);
	for (size_t i = 0; i < n; i++) eio_socket_prefetch_rest(slots[i].target);
	for (size_t i = 0; i < n; i++) {
		struct eio_socket *s = slots[i].target;

		/* Whatever its size, one broadcast may always wait. */
		if (eio_socket_queued(s) > 0) {
			eio_socket_drain(s);
			if (takes_no_more(s, tag)) continue;
		}
		if (eio_socket_queued(s) > eio_socket_replies(s)) {
			struct client *c = client_of_session(s);

			if (too_slow(c, size) && !make_room(c, item, tag, size)) continue;
		}
		if (eio_socket_send(s, item->bundle, tag) != EIO_SENT_CLOSED) sent++;
	}
	return sent;
}

static size_t
fan_out(const struct sio_room *room, const struct delivery_item *item)
{
	size_t sent = 0, n;

	for (size_t i = 0; i < room->n; i += n) {
		n = room->n - i < FAN_OUT_GROUP ? room->n - i : FAN_OUT_GROUP;
		sent += fan_out_group(room->slots + i, n, item);
	}
	return sent;
}

/* How many items from i on go to the same members by the same rule for slow ones, so that they can leave in one write.
 * The rule "latest" looks at single streams, and is not joined. */
static size_t
same_members(const struct delivery *d, size_t i)
{
	const struct delivery_item *first = &d->items[i];
	size_t n = 1;

	if (first->slow == FEED_SLOW_LATEST) return 1;
	while (n < MAX_JOINED && i + n < d->n && d->items[i + n].target == first->target &&
		d->items[i + n].slow == first->slow)
		n++;
	return n;
}

/* Whether n bundles had better leave in one write to each member: when that saves more than putting them together
 * costs, which is done once for all members. */
static bool
worth_joining(struct eio_bundle *const *all, size_t n, size_t members)
{
	size_t bytes = 0;

	if (n == 1) return false;
	for (size_t i = 0; i < n; i++) bytes += eio_bundle_size(all[i]);
	return bytes / WRITE_BYTES < (n - 1) * members;
}

/* Sends n items that go to the same room. */
static void
deliver_to_room(struct clients *c, const struct sio_room *room, const struct delivery_item *items, size_t n)
{
	struct eio_bundle *all[MAX_JOINED], *joined = NULL;
	struct delivery_item one = items[0];
	size_t sent = 0;

	for (size_t i = 0; i < n; i++) all[i] = items[i].bundle;
	if (worth_joining(all, n, room->n)) joined = eio_bundle_join(all, n);
	if (joined) {
		if (c->options.compresses) (void)eio_bundle_remember(joined, all, n); /* without, it costs more */
		one.bundle = joined;
		sent = n * fan_out(room, &one);
		eio_bundle_unref(joined);
	} else {
		for (size_t i = 0; i < n; i++) sent += fan_out(room, &items[i]);
	}
	metrics_add(c->metrics, CLIENTS_METRIC_DELIVERED, sent);
	metrics_add(c->metrics, CLIENTS_METRIC_MESSAGES_OUT, sent);
}

/* Items that go to the same room, NULL when nobody is in it. */
struct stretch {
	struct sio_room *room;
	const struct delivery_item *items;
	size_t n;
};

static struct stretch
next_stretch(const struct clients *c, const struct delivery *d, size_t i)
{
	const struct delivery_item *first = &d->items[i];

	return (struct stretch){ sio_rooms_find(&c->rooms, first->target->key), first, same_members(d, i) };
}

void
clients_deliver(struct clients *c, const struct delivery *d)
{
	struct stretch s[ROOMS_GROUP];
	size_t i = 0, n;

	/* With thousands of small rooms it is those that are cold. Nobody joins or leaves meanwhile. */
	while (i < d->n) {
		for (n = 0; n < ROOMS_GROUP && i < d->n; n++) {
			s[n] = next_stretch(c, d, i);
			i += s[n].n;
			if (s[n].room) __builtin_prefetch(s[n].room->slots);
		}
		for (size_t k = 0; n > 1 && k < n; k++)
			if (s[k].room) eio_socket_prefetch(s[k].room->slots[0].target);
		for (size_t k = 0; k < n; k++) {
			metrics_add(c->metrics, CLIENTS_METRIC_BROADCASTS, s[k].n);
			if (s[k].room) deliver_to_room(c, s[k].room, s[k].items, s[k].n);
		}
	}
}

void
fanout_to_room(
	struct clients *c, struct sio_room_key key, struct eio_bundle *bundle, enum feed_slow slow, uint64_t stream)
{
	const struct delivery_item item = { .bundle = bundle, .slow = slow, .stream = stream };
	const struct sio_room *room = sio_rooms_find(&c->rooms, key);

	metrics_inc(c->metrics, CLIENTS_METRIC_BROADCASTS);
	if (room) deliver_to_room(c, room, &item, 1);
}

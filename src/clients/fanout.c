/* SPDX-License-Identifier: MIT */
/*
 * The fan-out: broadcasts to the members of rooms. This is what the program spends
 * its time on, so everything here is about the memory that a pass touches.
 */
#include "src/clients/fanout.h"

#include "src/clients/behind.h"
#include "src/clients/lag.h"
#include "src/clients/recovery.h"
#include "src/clients/snapshots.h"

enum {
	MAX_JOINED = 64, /* broadcasts in one write: a bound for the stack, not for anything seen */
	WRITE_BYTES = 16384, /* what can be copied in the time of a write */
	JOINED_BYTES = 1 << 20, /* more is not copied, however many get it: others wait meanwhile */
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

static void
note_lag(struct client *c, const struct delivery_item *item, size_t dropped)
{
	struct eio_bytes nsp = item->target ? item->target->key.nsp : item->audience->nsp;

	lag_note(c, nsp, dropped, eio_clock_now(c->clients->options.clock));
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
	if (dropped && !c->lost) {
		c->lost = true;
		recovery_touch_all(c);
	}
	if (dropped && item->lag_event) note_lag(c, item, dropped);
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

/* Whether it passes by a client for which something waits, and not only for its time. */
static bool
passes_by(struct eio_socket *s, const struct delivery_item *item)
{
	if (!item->fleeting || eio_socket_queued(s) == 0 || eio_socket_rests(s)) return false;
	metrics_inc(client_of_session(s)->clients->metrics, CLIENTS_METRIC_SLOW_DROPPED);
	return true;
}

/* Who cannot take it now gets the newest of what it misses later. */
static size_t
send_newest(struct clients *c, const struct sio_room_slot *slots, size_t n, unsigned pace_ms)
{
	size_t sent = 0;

	for (size_t i = 0; i < n; i++) sent += behind_send(c->behind, slots[i].target, pace_ms);
	return sent;
}

/* What waits for its time only is no reason to drop something: when it becomes much, it goes early. Returns whether the
 * client takes the broadcast. */
static bool
takes_more(struct client *c, const struct delivery_item *item, const void *tag, size_t size)
{
	if (eio_socket_rests(c->eio)) {
		if (waiting_bytes(c) + size <= c->clients->options.limits.queue_bytes / 2) return true;
		eio_socket_go(c->eio);
		if (eio_socket_queued(c->eio) == eio_socket_replies(c->eio)) return true;
	}
	return !too_slow(c, size) || make_room(c, item, tag, size);
}

/* Sends to one of a group. Returns whether it was sent. What is said of a pace is left out where there is none. */
__attribute__((always_inline)) static inline bool
send_to(struct eio_socket *s, const struct delivery_item *item, size_t size, unsigned pace_ms)
{
	const void *tag = (const void *)(uintptr_t)item->stream;

	/* Whatever its size, one broadcast may always wait. */
	if (eio_socket_queued(s) > 0) {
		eio_socket_drain(s);
		if (takes_no_more(s, tag) || passes_by(s, item)) return false;
	}
	if (eio_socket_queued(s) > eio_socket_replies(s) && !takes_more(client_of_session(s), item, tag, size))
		return false;
	switch (pace_ms ? eio_socket_send_paced(s, item->bundle, tag, pace_ms)
			: eio_socket_send(s, item->bundle, tag)) {
	case EIO_SENT:
	case EIO_SENT_QUEUED: return true;
	case EIO_SENT_CLOSED: break;
	case EIO_SENT_NOMEM: client_end(client_of_session(s), CLIENT_REASON_NOMEM); break;
	}
	return false;
}

/* Sends to up to FAN_OUT_GROUP members. With thousands of them each one's memory is cold: that of all is asked for
 * before the first of it is needed. */
static size_t
fan_out_group(struct clients *c, const struct sio_room_slot *slots, size_t n, const struct delivery_item *item,
	unsigned pace_ms)
{
	size_t size = eio_bundle_size(item->bundle) + EIO_QUEUED_COST, sent = 0;

	for (size_t i = 0; i < n; i++) eio_socket_prefetch(slots[i].target);
	for (size_t i = 0; i < n; i++) eio_socket_prefetch_rest(slots[i].target);
	if (item->keys) return send_newest(c, slots, n, pace_ms);
	if (pace_ms) {
		for (size_t i = 0; i < n; i++) sent += send_to(slots[i].target, item, size, pace_ms);
		return sent;
	}
	for (size_t i = 0; i < n; i++) sent += send_to(slots[i].target, item, size, 0);
	return sent;
}

static size_t
fan_out(struct clients *c, const struct sio_room *room, const struct delivery_item *item)
{
	size_t sent = 0, n;

	for (size_t i = 0; i < room->n; i += n) {
		n = room->n - i < FAN_OUT_GROUP ? room->n - i : FAN_OUT_GROUP;
		sent += fan_out_group(c, room->slots + i, n, item, room->pace_ms);
	}
	return sent;
}

/* Audiences */

/* A broadcast on its way to the members of several rooms, who get it once. */
struct spread {
	struct clients *clients;
	const struct audience *audience;
	const struct delivery_item *item;
	const struct eio_socket *but;
	bool marks; /* who got it, or shall not, is marked with the serial number */
	struct sio_room_slot group[FAN_OUT_GROUP];
	size_t n, sent;
	unsigned pace_ms; /* of the rooms by which the group gets it */
};

static void
spread_group(struct spread *s)
{
	s->sent += fan_out_group(s->clients, s->group, s->n, s->item, s->pace_ms);
	s->n = 0;
}

/* Whether a client's socket is left out by its id. */
static bool
left_out(const struct spread *s, const struct client *c)
{
	const struct audience *a = s->audience;
	const struct sio_socket *socket;

	if (!a->n_except || s->clients->options.own_rooms) return false;
	socket = sio_client_find(&c->sio, a->nsp);
	for (size_t i = 0; socket && i < a->n_except; i++)
		if (eio_bytes_eq(sio_socket_id(socket), a->except[i])) return true;
	return false;
}

/* Marks a client. Returns whether it is to get the broadcast. */
static bool
comes_first(const struct spread *s, struct client *c)
{
	if (c->seen == s->clients->serial) return false;
	c->seen = s->clients->serial;
	return !left_out(s, c);
}

/* Who awaits what is retained for the room does not get it by this one. */
static void
spread_to_room(struct spread *s, const struct sio_room *room)
{
	bool awaited = s->item->retained && snapshots_awaited(room);

	if (room->pace_ms != s->pace_ms) spread_group(s);
	s->pace_ms = room->pace_ms;
	for (size_t i = 0; i < room->n; i++) {
		if (room->slots[i].target == s->but) continue;
		if (awaited && snapshots_awaits(client_of_session(room->slots[i].target), room, s->audience)) continue;
		if (s->marks && !comes_first(s, client_of_session(room->slots[i].target))) continue;
		s->group[s->n++] = room->slots[i];
		if (s->n == FAN_OUT_GROUP) spread_group(s);
	}
}

static void
mark_exceptions(const struct spread *s)
{
	const struct audience *a = s->audience;

	for (size_t i = 0; i < a->n_except; i++) {
		const struct sio_room *room = sio_rooms_find(&s->clients->rooms, sio_room_named(a->nsp, a->except[i]));

		for (size_t k = 0; room && k < room->n; k++)
			client_of_session(room->slots[k].target)->seen = s->clients->serial;
	}
}

static size_t
fan_out_widely(
	struct clients *c, const struct audience *a, const struct delivery_item *item, const struct eio_socket *but)
{
	struct spread s = { .clients = c, .audience = a, .item = item, .but = but };

	s.marks = a->n_rooms > 1 || a->n_except;
	if (s.marks) {
		c->serial++;
		mark_exceptions(&s);
	}
	for (size_t i = 0; i < audience_keys(a); i++) {
		const struct sio_room *room = sio_rooms_find(&c->rooms, audience_key(a, i));

		if (room) spread_to_room(&s, room);
	}
	spread_group(&s);
	return s.sent;
}

static size_t
fan_out_settled(struct clients *c, const struct sio_room *room, const struct delivery_item *item)
{
	struct spread s = { .clients = c, .item = item };

	spread_to_room(&s, room);
	spread_group(&s);
	return s.sent;
}

static void
count_sent(struct clients *c, size_t sent)
{
	metrics_add(c->metrics, CLIENTS_METRIC_DELIVERED, sent);
	metrics_add(c->metrics, CLIENTS_METRIC_MESSAGES_OUT, sent);
}

void
fanout_to_audience(
	struct clients *c, const struct audience *a, const struct delivery_item *item, const struct eio_socket *but)
{
	count_sent(c, fan_out_widely(c, a, item, but));
}

void
fanout_begin_marks(struct clients *c)
{
	c->serial++;
}

void
fanout_mark(struct client *c)
{
	c->seen = c->clients->serial;
}

void
fanout_to_unmarked(struct clients *c, struct sio_room_key key, const struct delivery_item *item)
{
	const struct audience all = { .nsp = key.nsp };
	const struct sio_room *room = sio_rooms_find(&c->rooms, key);
	struct spread s = { .clients = c, .audience = &all, .item = item, .marks = true };

	if (!room) return;
	spread_to_room(&s, room);
	spread_group(&s);
	count_sent(c, s.sent);
}

void
fanout_to_room(struct clients *c, struct sio_room_key key, const struct delivery_item *item)
{
	const struct sio_room *room = sio_rooms_find(&c->rooms, key);

	if (room) count_sent(c, fan_out(c, room, item));
}

/* Deliveries */

/* How many items from i on go to the same members by the same rule for slow ones, so that they can leave in one write.
 * The rules of the newest look at single streams: what is theirs is not joined. */
static size_t
same_members(const struct delivery *d, size_t i)
{
	const struct delivery_item *first = &d->items[i];
	size_t n = 1;

	if (first->slow == FEED_SLOW_LATEST || first->keys || first->ask) return 1;
	while (n < MAX_JOINED && i + n < d->n && !d->items[i + n].keys && d->items[i + n].target == first->target &&
		d->items[i + n].audience == first->audience && d->items[i + n].slow == first->slow &&
		d->items[i + n].lag_event == first->lag_event && d->items[i + n].retained == first->retained &&
		d->items[i + n].fleeting == first->fleeting)
		n++;
	return n;
}

/* Whether n bundles had better leave in one write to each member: when that saves more than putting them together
 * costs, which is done once for all members. */
static bool
worth_joining(struct eio_bundle *const *all, size_t n, size_t members)
{
	size_t bytes = 0;

	for (size_t i = 0; i < n; i++) bytes += eio_bundle_size(all[i]);
	return bytes <= JOINED_BYTES && bytes / WRITE_BYTES < (n - 1) * members;
}

/* Items that go to the same room, NULL when nobody is in it; or to the same audience; or one answer. */
struct stretch {
	struct sio_room *room;
	const struct delivery_item *items;
	size_t n;
};

static size_t
deliver_item(struct clients *c, const struct stretch *s, const struct delivery_item *item)
{
	if (item->keys) behind_begin(c->behind, item);
	if (!s->room) return fan_out_widely(c, item->audience, item, NULL);
	if (item->retained && snapshots_awaited(s->room)) return fan_out_settled(c, s->room, item);
	return fan_out(c, s->room, item);
}

/* How many get it; of an audience at most so many. */
static size_t
members_of(const struct clients *c, const struct stretch *s)
{
	const struct audience *a = s->items[0].audience;
	size_t n = 0;

	if (s->room) return s->room->n;
	for (size_t i = 0; i < audience_keys(a); i++) {
		const struct sio_room *room = sio_rooms_find(&c->rooms, audience_key(a, i));

		if (room) n += room->n;
	}
	return n;
}

static void
deliver_stretch(struct clients *c, const struct stretch *s)
{
	struct eio_bundle *all[MAX_JOINED], *joined = NULL;
	struct delivery_item one = s->items[0];
	size_t n = s->n, sent = 0;

	for (size_t i = 0; i < n; i++) {
		all[i] = s->items[i].bundle;
		if (s->room) s->room->bytes += eio_bundle_size(all[i]) * s->room->n;
	}
	if (n > 1 && worth_joining(all, n, members_of(c, s))) joined = eio_bundle_join(all, n);
	if (joined) {
		if (c->options.compresses) (void)eio_bundle_remember(joined, all, n); /* without, it costs more */
		one.bundle = joined;
		sent = n * deliver_item(c, s, &one);
		eio_bundle_unref(joined);
	} else {
		for (size_t i = 0; i < n; i++) sent += deliver_item(c, s, &s->items[i]);
	}
	count_sent(c, sent);
}

static struct stretch
next_stretch(const struct clients *c, const struct delivery *d, size_t i)
{
	const struct delivery_item *first = &d->items[i];

	return (struct stretch){ first->audience || first->ask ? NULL : sio_rooms_find(&c->rooms, first->target->key),
		first, same_members(d, i) };
}

void
clients_time_delivery(struct clients *c, const struct delivery *d, uint64_t taken_ns)
{
	const struct metrics_buckets *b = &clients_send_buckets;

	CHECK(d->begun_ns);
	metrics_observe(c->metrics, CLIENTS_METRIC_QUEUED, b, (taken_ns - d->posted_ns) / 1000);
	metrics_observe(c->metrics, CLIENTS_METRIC_FIRST_SEND, b, (taken_ns - d->begun_ns) / 1000);
	metrics_observe(c->metrics, CLIENTS_METRIC_LAST_SEND, b, (uv_hrtime() - d->begun_ns) / 1000);
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
			if (s[k].items[0].ask) {
				s[k].items[0].ask->told(s[k].items[0].ask);
				continue;
			}
			metrics_add(c->metrics, CLIENTS_METRIC_BROADCASTS, s[k].n);
			if (s[k].room || s[k].items[0].audience) deliver_stretch(c, &s[k]);
		}
	}
	if (c->reached < d->serial) c->reached = d->serial;
	if (d->reached.n) c->reached_text = d->reached;
}

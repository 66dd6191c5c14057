/* SPDX-License-Identifier: MIT */
/* Who is behind in which streams, and what each of them missed. */
#include "src/clients/behind.h"

#include "src/clients/clients_int.h"
#include "src/clients/lag.h"
#include "src/clients/newest.h"
#include "src/clients/recovery.h"

#include <stdlib.h>

enum {
	/* What a client missed goes behind what else waits for it when it has waited for so long: else it would never
	 * come for one that is behind all the time with other feeds. */
	PATIENCE_MS = 1000,
};

/* A stream in which somebody is behind. */
struct stream {
	struct eio_hash_node node; /* by the stream's hash */
	struct eio_list fresh; /* in behind->fresh while it has batches that are not taken apart */
	struct newest newest;
	size_t places; /* how many clients */
	size_t cost; /* of newest, as counted last */
	uint64_t given_up; /* by newest, as counted last */
	bool lag_event;
	size_t nsp_n;
	char nsp[];
};

/* Where a client is in a stream. */
struct place {
	struct eio_hash_node node; /* by the stream's hash and the client */
	struct eio_list link; /* in client->behind, longest waiting first */
	struct client *client;
	struct stream *stream;
	uint64_t from, to; /* it has what is up to from, and missed what is up to `to` */
	uint64_t since_ms;
	bool slow; /* it is behind not only because of a pace */
};

struct behind {
	struct clients *clients;
	struct eio_hash streams, places;
	struct eio_list fresh; /* streams, the one whose last batch is the oldest first */
	size_t n_clients; /* that have places */
	size_t cost; /* of all streams */
	/* The broadcast that is being sent. */
	const struct delivery_item *item;
	struct stream *stream; /* its, or NULL while nobody is behind in it */
	uint64_t before; /* where its stream was before it */
};

struct behind *
behind_new(struct clients *c)
{
	struct behind *b = calloc(1, sizeof *b);

	if (!b) return NULL;
	b->clients = c;
	eio_list_init(&b->fresh);
	if (eio_hash_init(&b->streams) == 0 && eio_hash_init(&b->places) == 0) return b;
	behind_free(b);
	return NULL;
}

void
behind_free(struct behind *b)
{
	if (!b) return;
	CHECK(b->streams.count == 0 && b->places.count == 0);
	eio_hash_deinit(&b->streams);
	eio_hash_deinit(&b->places);
	free(b);
}

static uint64_t
now_ms(const struct clients *c)
{
	return eio_clock_now(c->options.clock);
}

/* Streams */

static struct stream *
look_up_stream(const struct behind *b, uint64_t hash)
{
	struct eio_hash_node *n = eio_hash_find(&b->streams, hash);

	return n ? EIO_CONTAINER(n, struct stream, node) : NULL;
}

static void
drop_stream(struct behind *b, struct stream *s)
{
	b->cost -= s->cost;
	if (b->stream == s) b->stream = NULL;
	eio_list_remove(&s->fresh);
	eio_hash_remove(&b->streams, &s->node);
	newest_deinit(&s->newest);
	free(s);
}

/* Counts what a stream's messages take now, and which had to go. */
static void
count_stream(struct behind *b, struct stream *s)
{
	size_t cost = newest_cost(&s->newest);

	b->cost += cost - s->cost;
	s->cost = cost;
	metrics_add(b->clients->metrics, CLIENTS_METRIC_KEYS_DROPPED, s->newest.given_up - s->given_up);
	s->given_up = s->newest.given_up;
}

/* Has the streams of which nothing has come for the longest time take only what is the newest. */
static void
settle_streams(struct behind *b, size_t most)
{
	while (b->cost > most && !eio_list_empty(&b->fresh)) {
		struct stream *s = EIO_CONTAINER(b->fresh.next, struct stream, fresh);

		eio_list_remove(&s->fresh);
		newest_settle(&s->newest);
		count_stream(b, s);
	}
}

/* All that is kept takes no more than if each client that is behind had its own queue. */
static void
add_to_stream(struct behind *b, struct stream *s)
{
	size_t most = b->clients->options.limits.queue_bytes * (b->n_clients ? b->n_clients : 1), others;

	newest_add(&s->newest, b->item->bundle, b->item->keys);
	count_stream(b, s);
	eio_list_remove(&s->fresh);
	settle_streams(b, most);
	eio_list_add_tail(&b->fresh, &s->fresh);
	if (b->cost <= most) return;
	/* Whatever its size, one batch may always wait. */
	others = b->cost - s->cost;
	newest_trim(&s->newest, most > others ? most - others : 0, others == 0);
	count_stream(b, s);
}

static struct stream *
begin_stream(struct behind *b)
{
	const struct delivery_item *item = b->item;
	struct eio_bytes nsp = item->target ? item->target->key.nsp : item->audience->nsp;
	struct stream *s = malloc(sizeof *s + nsp.n);

	if (!s) return NULL;
	*s = (struct stream){ .lag_event = item->lag_event, .nsp_n = nsp.n };
	memcpy(s->nsp, nsp.p, nsp.n);
	eio_list_init(&s->fresh);
	if (newest_init(&s->newest)) {
		free(s);
		return NULL;
	}
	eio_hash_add(&b->streams, &s->node, item->stream);
	add_to_stream(b, s);
	return s;
}

/* Places */

static uint64_t
place_hash(uint64_t stream, const struct client *c)
{
	return stream ^ (uint64_t)(uintptr_t)c * UINT64_C(0x9e3779b97f4a7c15);
}

static struct place *
find_place(const struct behind *b, const struct client *c, uint64_t stream)
{
	for (struct eio_hash_node *n = eio_hash_find(&b->places, place_hash(stream, c)); n; n = eio_hash_next(n)) {
		struct place *p = EIO_CONTAINER(n, struct place, node);

		if (p->client == c && p->stream->node.hash == stream) return p;
	}
	return NULL;
}

static struct place *
new_place(struct behind *b, struct client *c)
{
	struct place *p = malloc(sizeof *p);

	if (!p) return NULL;
	*p = (struct place){ .client = c, .stream = b->stream, .from = b->before, .since_ms = now_ms(b->clients) };
	b->stream->places++;
	if (eio_list_empty(&c->behind)) b->n_clients++;
	eio_list_add_tail(&c->behind, &p->link);
	recovery_touch_all(c);
	eio_hash_add(&b->places, &p->node, place_hash(b->item->stream, c));
	return p;
}

static void
free_place(struct behind *b, struct place *p)
{
	struct client *c = p->client;

	eio_hash_remove(&b->places, &p->node);
	eio_list_remove(&p->link);
	if (eio_list_empty(&c->behind)) b->n_clients--;
	recovery_touch_all(c);
	if (--p->stream->places == 0) drop_stream(b, p->stream);
	free(p);
}

static struct place *
first_place(const struct client *c)
{
	return eio_list_empty(&c->behind) ? NULL : EIO_CONTAINER(c->behind.next, struct place, link);
}

/* Sending what was missed */

/* What a client missed goes to it, or into its queue. room: how much that takes. */
static void
send_news(struct behind *b, struct place *p, size_t room)
{
	struct clients *cs = b->clients;
	struct client *c = p->client;
	struct newest_news news;
	uint64_t missed = p->to - p->from;
	bool known = newest_take(&p->stream->newest, p->from, p->to, &news) == 0;

	count_stream(b, p->stream);
	if (news.bundle && eio_bundle_size(news.bundle) + EIO_QUEUED_COST <= room) {
		missed -= news.messages;
		metrics_add(cs->metrics, CLIENTS_METRIC_DELIVERED, 1);
		metrics_add(cs->metrics, CLIENTS_METRIC_MESSAGES_OUT, 1);
		known &= eio_socket_send(c->eio, news.bundle, (const void *)(uintptr_t)p->stream->node.hash) !=
			 EIO_SENT_NOMEM;
	}
	eio_bundle_unref(news.bundle);
	if (!known) client_end(c, CLIENT_REASON_NOMEM);
	metrics_add(cs->metrics, CLIENTS_METRIC_REPLACED, missed);
	c->lost |= missed > 0;
	recovery_sent_late(c);
	if (missed && p->slow && p->stream->lag_event)
		lag_note(c, eio_bytes(p->stream->nsp, p->stream->nsp_n), missed, p->since_ms);
}

/* What it missed of one stream waits for it as any broadcast does, where there is room for it. */
static void
queue_news(struct behind *b, struct place *p)
{
	const struct eio_socket *s = p->client->eio;
	size_t limit = b->clients->options.limits.queue_bytes, waiting = eio_socket_queued(s) - eio_socket_replies(s);

	send_news(b, p, waiting == 0 ? SIZE_MAX : waiting < limit ? limit - waiting : 0);
}

bool
behind_catch_up(struct client *c, bool empty)
{
	struct behind *b = c->clients->behind;
	struct place *p;

	while ((p = first_place(c)) && eio_socket_takes(c->eio)) {
		send_news(b, p, SIZE_MAX);
		free_place(b, p);
	}
	while ((p = first_place(c)) && !empty && now_ms(b->clients) - p->since_ms >= PATIENCE_MS) {
		queue_news(b, p);
		free_place(b, p);
	}
	return !p;
}

void
behind_settle(struct client *c)
{
	struct behind *b = c->clients->behind;
	struct place *p;

	while ((p = first_place(c))) {
		queue_news(b, p);
		free_place(b, p);
	}
}

void
behind_forget(struct client *c)
{
	c->lost |= first_place(c) != NULL;
	while (first_place(c)) free_place(c->clients->behind, first_place(c));
}

/* Falling behind */

void
behind_begin(struct behind *b, const struct delivery_item *item)
{
	b->item = item;
	b->stream = look_up_stream(b, item->stream);
	b->before = b->stream ? b->stream->newest.head : 0;
	if (b->stream) add_to_stream(b, b->stream);
}

/* It missed the broadcast. One that it did not even miss, because it was not for it, parts what is before it from what
 * is behind it. */
static bool
miss(struct behind *b, struct client *c, struct place *p, unsigned pace_ms)
{
	if (!b->stream) b->stream = begin_stream(b);
	if (!b->stream) return false;
	if (p && p->to != b->before) {
		queue_news(b, p);
		p->from = b->before;
		p->since_ms = now_ms(b->clients);
		p->slow = false;
	}
	if (!p) p = new_place(b, c);
	if (!p) {
		if (b->stream->places == 0) drop_stream(b, b->stream);
		return false;
	}
	p->to = b->stream->newest.head;
	eio_socket_hold_for(c->eio, pace_ms);
	p->slow |= eio_socket_lags(c->eio);
	return true;
}

bool
behind_send(struct behind *b, struct eio_socket *s, unsigned pace_ms)
{
	const struct delivery_item *item = b->item;
	struct place *p = NULL;
	enum eio_sent sent;
	struct client *c;

	if (eio_socket_queued(s) > 0) eio_socket_drain(s);
	if (eio_socket_held(s)) p = find_place(b, client_of_session(s), item->stream);
	if (!p && pace_ms == 0 && eio_socket_takes(s)) {
		sent = eio_socket_send(s, item->bundle, (const void *)(uintptr_t)item->stream);
		if (sent == EIO_SENT_NOMEM) client_end(client_of_session(s), CLIENT_REASON_NOMEM);
		return sent == EIO_SENT || sent == EIO_SENT_QUEUED;
	}
	c = client_of_session(s);
	if (!miss(b, c, p, pace_ms)) client_end(c, CLIENT_REASON_NOMEM);
	return false;
}

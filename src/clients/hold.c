/* SPDX-License-Identifier: MIT */
/* Events that are kept, and how much that may be. */
#include "src/clients/hold.h"

#include "src/clients/clients_int.h"

#include <stdlib.h>

#define HOLD_MAGIC 0xc11e2704u

/* An event, with the bytes of its own that it is made of. */
struct held_event {
	struct eio_list link;
	struct sio_event event;
	size_t cost;
	struct eio_bytes attachments[SIO_MAX_ATTACHMENTS];
	char bytes[];
};

struct hold *
hold_of(const struct sio_socket *s)
{
	struct hold *h = client_socket_of(s)->hold;

	if (h) CHECK_MAGIC(h, HOLD_MAGIC);
	return h;
}

struct hold *
hold_need(struct sio_socket *s)
{
	struct hold *h = hold_of(s);

	if (h) return h;
	h = calloc(1, sizeof *h);
	if (!h) return NULL;
	h->magic = HOLD_MAGIC;
	h->socket = s;
	eio_list_init(&h->events);
	client_socket_of(s)->hold = h;
	return h;
}

static void
count_bytes(struct hold *h, size_t more, size_t less)
{
	struct clients *c = client_of(h->socket)->clients;

	h->bytes += more - less;
	c->held_bytes += more - less;
}

/* Events */

static size_t
event_bytes(const struct sio_event *ev)
{
	size_t n = ev->data.n + (ev->has_id ? ev->id.n : 0);

	for (size_t i = 0; i < ev->n_attachments; i++) n += ev->attachments[i].n;
	return n;
}

static struct eio_bytes
copy_bytes(char **p, struct eio_bytes s)
{
	struct eio_bytes copy = { *p, s.n };

	if (s.n) memcpy(*p, s.p, s.n);
	*p += s.n;
	return copy;
}

/* NULL when out of memory. */
static struct held_event *
copy_event(const struct sio_event *ev)
{
	size_t n = event_bytes(ev);
	struct held_event *e = malloc(sizeof *e + n);
	char *p;

	if (!e) return NULL;
	CHECK(ev->n_attachments <= SIO_MAX_ATTACHMENTS);
	p = e->bytes;
	e->cost = sizeof *e + n;
	e->event = *ev;
	e->event.nsp = sio_socket_nsp(ev->socket);
	e->event.data = copy_bytes(&p, ev->data);
	if (ev->has_id) e->event.id = copy_bytes(&p, ev->id);
	for (size_t i = 0; i < ev->n_attachments; i++) e->attachments[i] = copy_bytes(&p, ev->attachments[i]);
	e->event.attachments = e->attachments;
	eio_list_init(&e->link);
	return e;
}

static bool
append_event(struct hold *h, const struct sio_event *ev)
{
	struct held_event *e = copy_event(ev);

	if (!e) return false;
	eio_list_add_tail(&h->events, &e->link);
	h->n_events++;
	count_bytes(h, e->cost, 0);
	client_count(h->socket, NAMESPACE_METRIC_EVENTS_HELD);
	return true;
}

/* What the events take up that wait behind the one of the run. */
static size_t
bytes_behind(const struct hold *h)
{
	const struct held_event *first = EIO_CONTAINER(h->events.next, struct held_event, link);

	return h->bytes - h->rest_bytes - (h->has_event ? first->cost : 0);
}

int
hold_event(struct sio_socket *s, const struct sio_event *ev)
{
	const struct clients *c = client_of(s)->clients;
	const struct clients_limits *l = &c->options.limits;
	struct hold *h = hold_of(s);
	size_t bytes = sizeof(struct held_event) + event_bytes(ev);

	if (h->n_events >= (size_t)l->held_events + h->has_event || bytes > l->held_bytes ||
		bytes_behind(h) > l->held_bytes - bytes || c->held_bytes > HOLD_WORKER_BYTES)
		return 0;
	return append_event(h, ev) ? 1 : -1;
}

const struct sio_event *
hold_first(const struct hold *h)
{
	return eio_list_empty(&h->events) ? NULL : &EIO_CONTAINER(h->events.next, struct held_event, link)->event;
}

void
hold_drop_first(struct hold *h)
{
	struct held_event *e = EIO_CONTAINER(h->events.next, struct held_event, link);

	CHECK(h->n_events);
	eio_list_remove(&e->link);
	h->n_events--;
	count_bytes(h, 0, e->cost);
	metrics_sub(client_socket_of(h->socket)->namespace->metrics, NAMESPACE_METRIC_EVENTS_HELD, 1);
	free(e);
}

/* Runs */

bool
hold_run(struct sio_socket *s, struct handlers_rest *rest, const struct sio_event *ev)
{
	struct hold *h = hold_of(s);

	CHECK(h && !h->rest);
	if (ev && ev != hold_first(h)) {
		CHECK(!h->n_events); /* else it would have waited behind them */
		if (!append_event(h, ev)) {
			handlers_rest_free(rest);
			return false;
		}
	}
	h->rest = rest;
	h->rest_bytes = handlers_rest_bytes(rest);
	count_bytes(h, h->rest_bytes, 0);
	h->has_event = ev;
	return true;
}

struct handlers_rest *
hold_take_rest(struct hold *h)
{
	struct handlers_rest *rest = h->rest;

	count_bytes(h, 0, h->rest_bytes);
	h->rest = NULL;
	h->rest_bytes = 0;
	return rest;
}

void
hold_free(struct sio_socket *s)
{
	struct hold *h = hold_of(s);

	if (!h) return;
	CHECK(!h->question && !h->join_waits);
	handlers_rest_free(hold_take_rest(h));
	while (h->n_events) hold_drop_first(h);
	CHECK(h->bytes == 0);
	eio_buf_deinit(&h->room);
	eio_buf_deinit(&h->more);
	client_socket_of(s)->hold = NULL;
	h->magic = 0;
	free(h);
}

void
hold_settle(struct sio_socket *s)
{
	const struct hold *h = hold_of(s);

	if (h && !h->rest && !h->n_events) hold_free(s);
}

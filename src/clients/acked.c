/* SPDX-License-Identifier: MIT */
/* Acks for others. */
#include "src/clients/acked.h"

#include "sio/event.h"
#include "sio/json.h"
#include "src/feed/survey.h"

#include <stdlib.h>

/* How many places a worker has: 64 MB of them. */
enum { PLACES_MAX = 1 << 20 };

struct acked_place {
	struct eio_list link; /* with the other places of its socket */
	struct acked_call *call;
	struct sio_socket *socket; /* NULL: it is not awaited any more */
};

struct acked_call {
	struct eio_timer timer;
	struct clients *clients;
	struct feed_survey *survey; /* a reference */
	size_t n, left; /* places, and those that are awaited */
	struct acked_place places[];
};

static void
free_call(struct acked_call *call)
{
	call->clients->places -= call->n;
	eio_clock_set(call->clients->options.clock, &call->timer, UINT64_MAX);
	feed_survey_unref(call->survey);
	free(call);
}

/* Its ack is not awaited any more. Returns whether the call was the last one's, and is gone. */
static bool
end_place(struct acked_place *p)
{
	struct client_socket *own = client_socket_of(p->socket);
	struct eio_list *next = p->link.next;

	if (own->places == p) own->places = next == &p->link ? NULL : EIO_CONTAINER(next, struct acked_place, link);
	eio_list_remove(&p->link);
	p->socket = NULL;
	if (--p->call->left) return false;
	free_call(p->call);
	return true;
}

static void
on_call_over(struct eio_timer *t)
{
	struct acked_call *call = EIO_CONTAINER(t, struct acked_call, timer);
	size_t n = call->n;

	for (size_t i = 0; i < n; i++)
		if (call->places[i].socket && end_place(&call->places[i])) return;
}

static struct acked_call *
make_call(struct clients *c, const struct chosen *all, struct feed_survey *s)
{
	struct acked_call *call;

	if (all->n > PLACES_MAX - c->places) return NULL;
	call = malloc(sizeof *call + all->n * sizeof call->places[0]);
	if (!call) return NULL;
	call->clients = c;
	call->survey = feed_survey_ref(s);
	call->n = call->left = all->n;
	c->places += all->n;
	eio_timer_init(&call->timer, on_call_over);
	eio_clock_set(c->options.clock, &call->timer, eio_clock_now(c->options.clock) + s->timeout_ms);
	return call;
}

static void
take_place(struct acked_call *call, size_t i, struct sio_socket *s)
{
	struct client_socket *own = client_socket_of(s);
	struct acked_place *p = &call->places[i];

	*p = (struct acked_place){ .call = call, .socket = s };
	eio_list_init(&p->link);
	if (own->places)
		eio_list_add_tail(&own->places->link, &p->link);
	else
		own->places = p;
}

size_t
acked_send(struct clients *c, const struct chosen *all, struct feed_survey *s)
{
	struct acked_call *call = all->n ? make_call(c, all, s) : NULL;

	for (size_t i = 0; call && i < all->n; i++) take_place(call, i, all->v[i]);
	for (size_t i = 0; i < all->n; i++) client_send(client_of(all->v[i]), eio_bundle_ref(s->bundle));
	if (all->n && !call) clients__count(c, CLIENTS_METRIC_ACKS_DROPPED);
	return call ? all->n : 0;
}

/* Acks */

static struct acked_place *
find_acked_place(const struct client_socket *own, uint64_t number)
{
	struct acked_place *p = own->places;

	if (!p) return NULL;
	do {
		if (p->call->survey->number == number) return p;
		p = EIO_CONTAINER(p->link.next, struct acked_place, link);
	} while (p != own->places);
	return NULL;
}

/* False when it is none that was sent. */
static bool
read_number(struct eio_bytes digits, uint64_t *out)
{
	*out = 0;
	if (digits.n > 18) return false;
	for (size_t i = 0; i < digits.n; i++) *out = *out * 10 + (uint64_t)(digits.p[i] - '0');
	return true;
}

/* The packet of an ack with its first argument, which is all that is handed on. NULL without one, or out of memory. */
static struct eio_bundle *
first_argument(const struct sio_event *ev)
{
	struct sio_json_iter it = sio_json_iter(ev->data);
	struct eio_bundle *bundle = NULL;
	struct eio_bytes first;

	if (!sio_json_next(&it, NULL, &first)) return NULL;
	const struct sio_piece pieces[] = { { .json = EIO_LIT("[") }, { .json = first, .refs = ev->n_attachments > 0 },
		{ .json = EIO_LIT("]") } };
	const struct sio_emit emit = { .nsp = EIO_LIT("/"),
		.ack = true,
		.id = EIO_LIT("0"),
		.pieces = pieces,
		.n_pieces = 3,
		.attachments = ev->attachments,
		.n_attachments = ev->n_attachments };

	return sio_emit_bundle(&emit, &bundle) ? NULL : bundle;
}

void
acked_take(struct clients *c, const struct sio_event *ev)
{
	struct acked_place *p;
	struct feed_answer *a;
	uint64_t number;

	if (!client_socket_of(ev->socket)->places || !read_number(ev->id, &number)) return;
	p = find_acked_place(client_socket_of(ev->socket), number);
	if (!p) return;
	a = feed_answer_new(number);
	if (a) {
		a->acked = true;
		a->ack = first_argument(ev);
		clients__count(c, CLIENTS_METRIC_ACKS);
		mail_post(p->call->survey->answers, &a->mail);
	} else {
		clients__count(c, CLIENTS_METRIC_ACKS_DROPPED);
	}
	end_place(p);
}

void
acked_forget(struct sio_socket *s)
{
	while (client_socket_of(s)->places) end_place(client_socket_of(s)->places);
}

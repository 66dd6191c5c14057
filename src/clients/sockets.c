/* SPDX-License-Identifier: MIT */
/* The beginning and the end of sockets. */
#include "src/clients/sockets.h"

#include "src/clients/actions.h"
#include "src/clients/attendance.h"
#include "src/clients/clients_int.h"
#include "src/clients/rooms.h"

#include <stdlib.h>

/* Beginning */

/* What we keep of a socket. Of its query that of the handshake URL comes first, and behind it the CONNECT's own, which
 * counts more. NULL when out of memory. */
static struct client_socket *
client_socket_new(const struct client *c, struct namespace *n, struct eio_bytes query)
{
	struct eio_bytes first = eio_cstr(c->query ? c->query : "");
	struct client_socket *own = NULL;
	struct eio_buf second;
	size_t k = first.n;

	eio_buf_init(&second);
	if (query.n) handlers_keep_query(c->clients->needs, query, &second);
	if (!eio_buf_failed(&second)) own = malloc(sizeof *own + first.n + 1 + second.n);
	if (own) {
		if (first.n) memcpy(own->query, first.p, first.n);
		if (first.n && second.n) own->query[k++] = '&';
		if (second.n) memcpy(own->query + k, second.p, second.n);
		own->query_n = k + second.n;
		own->magic = CLIENT_SOCKET_MAGIC;
		own->namespace = n;
		eio_list_init(&own->attendances);
	}
	eio_buf_deinit(&second);
	return own;
}

struct sio_socket *
sockets_open(struct client *c, struct namespace *n, struct eio_bytes nsp, struct eio_bytes auth, struct eio_bytes query)
{
	struct clients *cs = c->clients;
	struct eio_bytes kept = cs->needs->auth ? auth : eio_bytes(NULL, 0);
	struct client_socket *own = client_socket_new(c, n, query);
	struct eio_bundle *answer;
	struct sio_socket *s;
	bool in;

	if (!own || sio_client_accept(
			    &c->sio, nsp, kept, eio_random_take(cs->options.random, SIO_ID_RANDOM), &s, &answer)) {
		free(own);
		client_end(c, CLIENT_REASON_NOMEM);
		return NULL;
	}
	s->user = own;
	eio_socket_keep(c->eio);
	n->sockets++;
	metrics_inc(n->metrics, NAMESPACE_METRIC_SOCKETS);
	eio_clock_set(cs->options.clock, &c->connect_timer, UINT64_MAX);
	/* A member before it knows: what is published once the client saw the answer must reach it. */
	in = rooms_join(s, sio_room_everyone(s->nsp));
	if (in && cs->options.own_rooms && sio_socket_id(s).n <= cs->options.limits.room_name_length)
		in = rooms_join(s, sio_room_named(s->nsp, sio_socket_id(s)));
	client_send(c, answer);
	return in ? s : NULL;
}

/* End */

void
sockets_end(struct sio_socket *s, const char *reason)
{
	struct clients *c = client_of(s)->clients;
	struct client_socket *own = client_socket_of(s);

	actions_run_disconnect(s, reason);
	attendance_end_all(s);
	sio_rooms_leave_all(&c->rooms, &s->member);
	own->namespace->sockets--;
	metrics_sub(own->namespace->metrics, NAMESPACE_METRIC_SOCKETS, 1);
	own->magic = 0;
	free(own);
	sio_socket_free(s);
}

void
sockets_end_all(struct client *c, const char *reason)
{
	struct eio_list *l, *next;

	EIO_LIST_FOREACH_SAFE(l, next, &c->sio.sockets) sockets_end(EIO_CONTAINER(l, struct sio_socket, link), reason);
}

static void
put_out(struct sio_socket *s)
{
	client_send(client_of(s), sio_client_disconnect(s->nsp));
	sockets_end(s, "server namespace disconnect");
}

void
sockets_after_run(struct sio_socket *s)
{
	struct client *c = client_of(s);
	struct eio_list *l, *next;
	bool leaves = c->leaves;

	c->leaves = false;
	if (c->close_whole) {
		c->close_whole = false;
		EIO_LIST_FOREACH_SAFE(l, next, &c->sio.sockets) put_out(EIO_CONTAINER(l, struct sio_socket, link));
		client_end(c, CLIENT_REASON_DISCONNECT);
	} else if (leaves) {
		put_out(s);
	}
}

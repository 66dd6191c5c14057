/* SPDX-License-Identifier: MIT */
/*
 * Clients. A client is one Engine.IO session with its Socket.IO state; its end
 * is always told by the session's close callback, nowhere else is it freed.
 */
#include "src/clients/clients_int.h"

#include "src/base/log.h"
#include "src/handlers/handlers.h"

#include <stdlib.h>

static struct client *
client_of(const struct sio_socket *s)
{
	return EIO_CONTAINER(s->client, struct client, sio);
}

void
clients__disconnect_slow(struct client *c)
{
	c->reason = "too slow";
	clients__count(c->clients, METRIC_CLOSED_SLOW);
	eio_socket_discard(c->eio);
}

/* Sends a bundle that must arrive; takes over the reference. A client that asks for more than it reads is disconnected. */
static void
send_bundle(struct client *c, struct eio_bundle *b)
{
	if (!b) {
		eio_socket_close(c->eio);
		return;
	}
	if (eio_socket_queued(c->eio) > c->clients->options.limits.queue_bytes) clients__disconnect_slow(c);
	if (eio_socket_send(c->eio, b, NULL) != EIO_SENT_CLOSED) clients__count(c->clients, METRIC_MESSAGES_OUT);
	eio_bundle_unref(b);
}

/* Rooms */

static void
on_room_opened(void *user, struct sio_room *room)
{
	struct clients *c = user;

	if (interest_set(
		    c->options.interest, c->options.worker, room->key.nsp, room->key.everyone ? NULL : &room->key.name))
		log_error("event=interest worker=%u error=\"out of memory\"", c->options.worker);
}

static void
on_room_closing(void *user, struct sio_room *room)
{
	struct clients *c = user;

	interest_clear(
		c->options.interest, c->options.worker, room->key.nsp, room->key.everyone ? NULL : &room->key.name);
}

/* Handlers' effects */

static void
op_send(void *ctx, struct sio_socket *s, struct eio_bundle *b)
{
	(void)ctx;
	send_bundle(client_of(s), b);
}

static void
op_join(void *ctx, struct sio_socket *s, struct eio_bytes room)
{
	struct clients *c = ctx;

	if (sio_rooms_join(&c->rooms, &s->member, sio_room_named(s->nsp, room)) < 0)
		clients__count(c, METRIC_JOINS_REFUSED);
}

static void
op_leave(void *ctx, struct sio_socket *s, struct eio_bytes room)
{
	struct clients *c = ctx;

	sio_rooms_leave(&c->rooms, &s->member, sio_room_named(s->nsp, room));
}

static void
op_publish(void *ctx, struct sio_socket *s, struct eio_bytes channel, struct eio_bytes payload)
{
	struct clients *c = ctx;

	(void)s;
	if (feed_publish(c->options.feed, channel, payload)) clients__count(c, METRIC_PUBLISH_DROPPED);
}

static void
op_close(void *ctx, struct sio_socket *s, bool whole)
{
	struct client *c = client_of(s);

	(void)ctx;
	if (whole)
		c->close_whole = true;
	else
		c->leaves = true;
}

static void
op_skipped(void *ctx, struct sio_socket *s, const struct handlers_skip *skip)
{
	struct clients *c = ctx;
	uint64_t suppressed;

	if (!log_enabled(LOG_LEVEL_DEBUG) ||
		!log_limit_pass(&c->skipped_limit, eio_clock_now(c->options.clock), &suppressed))
		return;
	log_debug("sid=%.*s event=\"%s\" action=%s skipped=\"%s\" reason=\"%s\" suppressed=%llu",
		(int)sio_socket_id(s).n, sio_socket_id(s).p, LOG_ESCAPE(skip->event), skip->action,
		LOG_ESCAPE(skip->target), skip->why, (unsigned long long)suppressed);
}

static const struct handlers_ops ops = {
	.send = op_send,
	.join = op_join,
	.leave = op_leave,
	.publish = op_publish,
	.close = op_close,
	.skipped = op_skipped,
};

/* The handlers of a socket's namespace and how to run them; NULL when it has none. */
static const struct handlers *
handlers_of(struct sio_socket *s, struct handlers_call *call)
{
	struct client *c = client_of(s);
	const struct namespace_spec *n = namespace_specs_find(c->clients->options.namespaces, s->nsp);

	*call = (struct handlers_call){
		.ops = &ops,
		.ctx = c->clients,
		.socket = s,
		.query = eio_cstr(s->user ? s->user : ""),
		.request = eio_cstr(c->request ? c->request : ""),
	};
	return n ? n->handlers : NULL;
}

/* Ends of sockets */

static void
end_socket(struct sio_socket *s, const char *reason)
{
	struct clients *c = client_of(s)->clients;
	struct handlers_call call;
	const struct handlers *h = handlers_of(s, &call);

	if (h) handlers_run_disconnect(h, &call, reason);
	sio_rooms_leave_all(&c->rooms, &s->member);
	free(s->user);
	sio_socket_free(s);
	metrics_sub(c->options.metrics, METRIC_SOCKETS_OPEN, 1);
}

static void
put_out(struct client *c, struct sio_socket *s)
{
	send_bundle(c, sio_client_disconnect(s->nsp));
	end_socket(s, "server namespace disconnect");
}

/* Carries out what a handler asked for. The socket may be gone afterwards. */
static void
after_run(struct client *c, struct sio_socket *s)
{
	struct eio_list *l, *next;
	bool leaves = c->leaves;

	c->leaves = false;
	if (c->close_whole) {
		c->close_whole = false;
		EIO_LIST_FOREACH_SAFE(l, next, &c->sio.sockets)
		{
			put_out(c, EIO_CONTAINER(l, struct sio_socket, link));
		}
		eio_socket_close(c->eio);
	} else if (leaves) {
		put_out(c, s);
	}
}

/* Messages */

static void
note_result(struct clients *c, enum handlers_result r)
{
	if (r == HANDLERS_NONE) clients__count(c, METRIC_EVENTS_UNHANDLED);
	if (r == HANDLERS_SKIPPED) clients__count(c, METRIC_HANDLERS_SKIPPED);
}

static const unsigned char *
random_bytes(struct clients *c)
{
	const unsigned char *p;

	if (c->random_used + SIO_ID_RANDOM > sizeof(c->random)) {
		/* Ids must not be guessable, and the kernel always has randomness. */
		if (uv_random(NULL, NULL, c->random, sizeof(c->random), 0, NULL)) abort();
		c->random_used = 0;
	}
	p = c->random + c->random_used;
	c->random_used += SIO_ID_RANDOM;
	return p;
}

/* What handlers know as {query}, a socket's user pointer: that of the handshake URL, and behind it the namespace's, which counts more.
 * Sets *query to NULL when it is empty. Returns false when out of memory. */
static bool
make_query(const struct client *c, struct eio_bytes nsp_query, char **query)
{
	size_t n = c->query ? strlen(c->query) : 0;
	char *q;

	*query = NULL;
	if (n + nsp_query.n == 0) return true;
	q = malloc(n + 1 + nsp_query.n + 1);
	if (!q) return false;
	if (n) memcpy(q, c->query, n);
	if (n && nsp_query.n) q[n++] = '&';
	if (nsp_query.n) memcpy(q + n, nsp_query.p, nsp_query.n);
	q[n + nsp_query.n] = '\0';
	*query = q;
	return true;
}

/* Lets a client into a namespace that is configured. Returns its socket, or NULL when out of memory. */
static struct sio_socket *
admit(struct client *c, struct eio_bytes nsp, struct eio_bytes auth, struct eio_bytes query)
{
	struct clients *cs = c->clients;
	struct eio_bundle *answer;
	struct sio_socket *s;
	char *all;

	if (!make_query(c, query, &all)) return NULL;
	if (sio_client_accept(&c->sio, nsp, auth, random_bytes(cs), &s, &answer)) {
		free(all);
		return NULL;
	}
	s->user = all;
	metrics_inc(cs->options.metrics, METRIC_SOCKETS_OPEN);
	eio_clock_set(cs->options.clock, &c->connect_timer, UINT64_MAX);
	/* A member before it knows: what is published once the client saw the answer must reach it. */
	if (sio_rooms_join(&cs->rooms, &s->member, sio_room_everyone(s->nsp)) < 0) s = NULL;
	send_bundle(c, answer);
	return s;
}

static void
connect_to(struct client *c, struct eio_bytes nsp, struct eio_bytes auth, struct eio_bytes query)
{
	struct clients *cs = c->clients;
	struct handlers_call call;
	const struct handlers *h;
	struct sio_socket *s;

	if (!namespace_specs_find(cs->options.namespaces, nsp)) {
		clients__count(cs, METRIC_CONNECT_REFUSED);
		send_bundle(c, sio_client_refuse(&c->sio, nsp, EIO_LIT("Invalid namespace"), eio_bytes(NULL, 0)));
		return;
	}
	s = admit(c, nsp, auth, query);
	if (!s) {
		eio_socket_close(c->eio);
		return;
	}
	h = handlers_of(s, &call);
	if (!h) return;
	if (handlers_run_connection(h, &call) == HANDLERS_SKIPPED) clients__count(cs, METRIC_HANDLERS_SKIPPED);
	after_run(c, s);
}

static void
on_connect(struct client *c, const struct sio_event *ev)
{
	if (ev->socket)
		send_bundle(c, sio_client_connected(ev->socket));
	else
		connect_to(c, ev->nsp, ev->auth, c->clients->keep_query ? ev->query : eio_bytes("", 0));
}

static void
on_event(struct client *c, const struct sio_event *ev)
{
	struct handlers_call call;
	const struct handlers *h = handlers_of(ev->socket, &call);

	clients__count(c->clients, METRIC_EVENTS_IN);
	note_result(c->clients, h ? handlers_run_event(h, &call, ev) : HANDLERS_NONE);
	if (h) after_run(c, ev->socket);
}

void
clients_message(void *user, struct eio_socket *eio, bool binary, struct eio_bytes data)
{
	struct clients *cs = user;
	struct client *c = eio_socket_user(eio);
	struct sio_event ev;

	if (!c) return;
	if (sio_client_recv(&c->sio, binary, data, &ev) < 0) {
		clients__count(cs, METRIC_PACKETS_INVALID);
		eio_socket_close(eio);
		return;
	}
	switch (ev.type) {
	case SIO_EVENT_NONE:
	case SIO_EVENT_ACK: break; /* siocast asks for no acks, so none can be meant */
	case SIO_EVENT_CONNECT: on_connect(c, &ev); break;
	case SIO_EVENT_MESSAGE: on_event(c, &ev); break;
	case SIO_EVENT_DISCONNECT: end_socket(ev.socket, "client namespace disconnect"); break;
	}
	sio_client_release(&c->sio);
}

/* Beginning and end of a client */

static void
on_connect_timeout(struct eio_timer *t)
{
	struct client *c = EIO_CONTAINER(t, struct client, connect_timer);

	eio_socket_close(c->eio);
}

static char *
copy_query(const struct eio_request *req)
{
	char *q = malloc(req->query.n + 1);

	if (!q) return NULL;
	if (req->query.n) memcpy(q, req->query.p, req->query.n);
	q[req->query.n] = '\0';
	return q;
}

static char *
copy_request(const struct clients *cs, const struct eio_request *req)
{
	struct eio_buf b;

	eio_buf_init(&b);
	handlers_keep(&cs->needs, req, &b);
	eio_buf_addc(&b, '\0');
	if (!eio_buf_failed(&b)) return b.p;
	eio_buf_deinit(&b);
	return NULL;
}

/* A client with what handlers want to know of its request. NULL when out of memory. */
static struct client *
client_new(struct clients *cs, const struct eio_request *req)
{
	struct client *c = calloc(1, sizeof(*c));

	if (!c) return NULL;
	c->clients = cs;
	if (handlers_needs_any(&cs->needs) && !(c->request = copy_request(cs, req))) {
		free(c);
		return NULL;
	}
	if (cs->keep_query) c->query = copy_query(req);
	return c;
}

void
clients_open(void *user, struct eio_socket *eio)
{
	struct clients *cs = user;
	struct client *c = client_new(cs, eio_socket_request(eio));

	eio_socket_set_user(eio, c);
	if (!c) {
		eio_socket_close(eio);
		return;
	}
	c->eio = eio;
	eio_timer_init(&c->connect_timer, on_connect_timeout);
	if (eio_socket_revision(eio) == 3) {
		/* Clients of that revision are in "/" without asking. */
		sio_client_init_4(&c->sio, &cs->sio_config, eio_socket_sid(eio));
		c->sio.user = eio;
		connect_to(c, EIO_LIT("/"), eio_bytes(NULL, 0), eio_bytes("", 0));
		return;
	}
	sio_client_init(&c->sio, &cs->sio_config, eio_clock_now(cs->options.clock));
	c->sio.user = eio;
	if (sio_client_deadline(&c->sio))
		eio_clock_set(cs->options.clock, &c->connect_timer, sio_client_deadline(&c->sio));
}

void
clients_close(void *user, struct eio_socket *eio, enum eio_reason reason)
{
	struct clients *cs = user;
	struct client *c = eio_socket_user(eio);
	struct eio_list *l, *next;

	if (!c) return;
	EIO_LIST_FOREACH_SAFE(l, next, &c->sio.sockets)
	{
		end_socket(EIO_CONTAINER(l, struct sio_socket, link), c->reason ? c->reason : eio_reason_text(reason));
	}
	eio_clock_set(cs->options.clock, &c->connect_timer, UINT64_MAX);
	sio_client_deinit(&c->sio);
	free(c->request);
	free(c->query);
	free(c);
	eio_socket_set_user(eio, NULL);
}

/* All of them */

static bool
any_handler_uses_query(const struct namespace_specs *s)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->v[i].handlers && handlers_use_query(s->v[i].handlers)) return true;
	return false;
}

/* What the handlers of all namespaces want to know of requests. */
static int
note_needs(struct handlers_needs *needs, const struct namespace_specs *s)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->v[i].handlers && handlers_needs_add(needs, s->v[i].handlers) < 0) return -1;
	return 0;
}

struct clients *
clients_new(const struct clients_options *options)
{
	const struct clients_limits *l = &options->limits;
	struct clients *c = calloc(1, sizeof(*c));
	struct sio_rooms_config rooms = { .max_per_member = l->rooms_per_socket,
		.max_name = l->room_name_length,
		.opened = on_room_opened,
		.closing = on_room_closing,
		.user = c };

	if (!c) return NULL;
	c->options = *options;
	c->sio_config = (struct sio_client_config){
		.connect_timeout_ms = options->connect_timeout_ms,
		.max_attachment_bytes = options->max_attachment_bytes,
	};
	c->keep_query = any_handler_uses_query(options->namespaces);
	c->random_used = sizeof(c->random);
	if (note_needs(&c->needs, options->namespaces) < 0 ||
		uv_random(NULL, NULL, rooms.hash_key, sizeof(rooms.hash_key), 0, NULL) ||
		sio_rooms_init(&c->rooms, &rooms)) {
		handlers_needs_deinit(&c->needs);
		free(c);
		return NULL;
	}
	return c;
}

void
clients_free(struct clients *c)
{
	if (!c) return;
	sio_rooms_deinit(&c->rooms);
	handlers_needs_deinit(&c->needs);
	free(c);
}

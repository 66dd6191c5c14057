/* SPDX-License-Identifier: MIT */
/*
 * Clients. A client is one Engine.IO session with its Socket.IO state; its end
 * is always told by the session's close callback, nowhere else is it freed.
 */
#include "src/clients.h"

#include "sio/client.h"
#include "src/handlers.h"
#include "src/log.h"

#include <stdlib.h>

enum {
	MAX_JOINED = 64, /* broadcasts in one write: a bound for the stack, not for anything seen */
	ROOMS_GROUP = 16, /* rooms looked up together, for the same reason as the following */
	FAN_OUT_GROUP = 16, /* members whose memory is fetched together: a few KB, which the caches hold */
};

struct clients {
	struct clients_options options;
	struct sio_client_config sio_config;
	struct sio_rooms rooms;
	bool keep_query; /* some handler uses $query */
	bool compresses; /* some clients may want their messages compressed */
	unsigned char random[SIO_ID_RANDOM * 32]; /* unused random bytes, from random_used on */
	size_t random_used;
};

struct client {
	struct sio_client sio;
	struct clients *clients;
	struct eio_socket *eio;
	struct eio_timer connect_timer;
	char *query; /* of the handshake URL, NUL-terminated; NULL when no handler wants it */
	const char *reason; /* why its sockets end, when that was decided here; else NULL */
	/* A handler put out the socket it runs for, or all: done after the run, which must not free its own socket. */
	bool leaves, close_whole;
};

static struct client *
client_of(const struct sio_socket *s)
{
	return EIO_CONTAINER(s->client, struct client, sio);
}

static void
count(struct clients *c, enum metric m)
{
	metrics_inc(c->options.metrics, m);
}

static void
disconnect_slow(struct client *c)
{
	c->reason = "too slow";
	count(c->clients, METRIC_CLOSED_SLOW);
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
	if (eio_socket_queued(c->eio) > c->clients->options.config->limits.client_queue_bytes) disconnect_slow(c);
	if (eio_socket_send(c->eio, b, NULL) != EIO_SENT_CLOSED) count(c->clients, METRIC_MESSAGES_OUT);
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

	if (sio_rooms_join(&c->rooms, &s->member, sio_room_named(s->nsp, room)) < 0) count(c, METRIC_JOINS_REFUSED);
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
	if (feed_publish(c->options.feed, channel, payload)) count(c, METRIC_PUBLISH_DROPPED);
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

static const struct handlers_ops ops = {
	.send = op_send,
	.join = op_join,
	.leave = op_leave,
	.publish = op_publish,
	.close = op_close,
};

/* The handlers of a socket's namespace and how to run them; NULL when it has none. */
static const struct handlers *
handlers_of(struct sio_socket *s, struct handlers_call *call)
{
	struct client *c = client_of(s);
	const struct config_namespace *n = config_find_namespace(c->clients->options.config, s->nsp);

	*call = (struct handlers_call){
		.ops = &ops,
		.ctx = c->clients,
		.socket = s,
		.query = eio_cstr(s->user ? s->user : ""),
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
	if (r == HANDLERS_NONE) count(c, METRIC_EVENTS_UNHANDLED);
	if (r == HANDLERS_SKIPPED) count(c, METRIC_HANDLERS_SKIPPED);
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

/* What handlers know as $query, a socket's user pointer: that of the handshake URL, and behind it the namespace's, which counts more.
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

	if (!config_find_namespace(cs->options.config, nsp)) {
		count(cs, METRIC_CONNECT_REFUSED);
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
	if (handlers_run_connection(h, &call) == HANDLERS_SKIPPED) count(cs, METRIC_HANDLERS_SKIPPED);
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

	count(c->clients, METRIC_EVENTS_IN);
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
		count(cs, METRIC_PACKETS_INVALID);
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

void
clients_open(void *user, struct eio_socket *eio)
{
	struct clients *cs = user;
	struct client *c = calloc(1, sizeof(*c));

	eio_socket_set_user(eio, c);
	if (!c) {
		eio_socket_close(eio);
		return;
	}
	c->clients = cs;
	c->eio = eio;
	if (cs->keep_query) c->query = copy_query(eio_socket_request(eio));
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
	free(c->query);
	free(c);
	eio_socket_set_user(eio, NULL);
}

/* Fan-out */

/* Whether a client for which something waits is over its limit: too much, or half of that for too long. */
static bool
too_slow(struct client *c, size_t more)
{
	const struct config_limits *l = &c->clients->options.config->limits;
	size_t waiting = eio_socket_queued(c->eio);
	uint64_t now = eio_clock_now(c->clients->options.clock);
	uint64_t *since_ms = eio_socket_queue_mark(c->eio); /* when the queue got over half its limit; 0: it is not */

	if (waiting + more > l->client_queue_bytes) return true;
	if (waiting <= l->client_queue_bytes / 2 || l->client_queue_seconds == 0) {
		*since_ms = 0;
		return false;
	}
	if (*since_ms == 0) *since_ms = now;
	return now - *since_ms > (uint64_t)l->client_queue_seconds * 1000;
}

/* Makes room for a broadcast as its feed says. Returns false when the client shall not get it. */
static bool
make_room(struct client *c, const struct delivery_item *item, const void *tag, size_t size)
{
	size_t limit = c->clients->options.config->limits.client_queue_bytes, dropped = 0;

	switch (item->feed->slow) {
	case CONFIG_SLOW_DISCONNECT: disconnect_slow(c); return false;
	case CONFIG_SLOW_LATEST: dropped = eio_socket_drop(c->eio, tag, 0); break;
	case CONFIG_SLOW_DROP_OLDEST:
		dropped = eio_socket_drop(c->eio, NULL, size < limit / 2 ? limit / 2 - size : 0);
		break;
	}
	*eio_socket_queue_mark(c->eio) = 0;
	metrics_add(c->clients->options.metrics, METRIC_SLOW_DROPPED, dropped);
	return true;
}

/* Sends to up to FAN_OUT_GROUP members. With thousands of them each one's memory is cold: that of all is asked for before the first
 * of it is needed. */
static size_t
fan_out_group(const struct sio_room_slot *slots, size_t n, const struct delivery_item *item)
{
	const void *tag = (const void *)(uintptr_t)item->stream;
	size_t size = eio_bundle_size(item->bundle), sent = 0;

	for (size_t i = 0; i < n; i++) eio_socket_prefetch(slots[i].target);
	for (size_t i = 0; i < n; i++) eio_socket_prefetch_rest(slots[i].target);
	for (size_t i = 0; i < n; i++) {
		struct eio_socket *s = slots[i].target;

		/* Whatever its size, one broadcast may always wait. */
		if (eio_socket_queued(s) > 0) {
			struct client *c = eio_socket_user(s);

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

/* How many items from i on go to the same members by the same rule for slow ones, so that they can leave in one write. The rule
 * "latest" looks at single streams, and is not joined. */
static size_t
same_members(const struct delivery *d, size_t i)
{
	const struct delivery_item *first = &d->items[i];
	size_t n = 1;

	if (first->feed->slow == CONFIG_SLOW_LATEST) return 1;
	while (n < MAX_JOINED && i + n < d->n && d->items[i + n].target == first->target &&
		d->items[i + n].feed->slow == first->feed->slow)
		n++;
	return n;
}

/* Sends n items that go to the same room. */
static void
deliver_to_room(struct clients *c, const struct sio_room *room, const struct delivery_item *items, size_t n)
{
	struct eio_bundle *all[MAX_JOINED], *joined = NULL;
	struct delivery_item one = items[0];
	size_t sent = 0;

	for (size_t i = 0; i < n; i++) all[i] = items[i].bundle;
	if (n > 1) joined = eio_bundle_join(all, n);
	if (joined) {
		if (c->compresses) (void)eio_bundle_remember(joined, all, n); /* without, it costs more */
		one.bundle = joined;
		sent = n * fan_out(room, &one);
		eio_bundle_unref(joined);
	} else {
		for (size_t i = 0; i < n; i++) sent += fan_out(room, &items[i]);
	}
	metrics_add(c->options.metrics, METRIC_DELIVERED, sent);
	metrics_add(c->options.metrics, METRIC_MESSAGES_OUT, sent);
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
	const struct interest *t = d->items[i].target;
	struct sio_room_key key = t->everyone ? sio_room_everyone(t->nsp) : sio_room_named(t->nsp, t->room);

	return (struct stretch){ sio_rooms_find(&c->rooms, key), &d->items[i], same_members(d, i) };
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
			metrics_add(c->options.metrics, METRIC_BROADCASTS, s[k].n);
			if (s[k].room) deliver_to_room(c, s[k].room, s[k].items, s[k].n);
		}
	}
}

/* All of them */

static bool
any_handler_uses_query(const struct config *config)
{
	for (size_t i = 0; i < config->n_namespaces; i++)
		if (config->namespaces[i].handlers && handlers_use_query(config->namespaces[i].handlers)) return true;
	return false;
}

struct clients *
clients_new(const struct clients_options *options)
{
	const struct config_limits *l = &options->config->limits;
	struct clients *c = calloc(1, sizeof(*c));
	struct sio_rooms_config rooms = { .max_per_member = l->rooms_per_socket,
		.max_name = l->room_name_length,
		.opened = on_room_opened,
		.closing = on_room_closing,
		.user = c };

	if (!c) return NULL;
	c->options = *options;
	c->sio_config = (struct sio_client_config){
		.connect_timeout_ms = options->config->engine.connect_timeout_ms,
		.max_attachment_bytes = options->config->engine.max_http_buffer_size * SIO_MAX_ATTACHMENTS,
	};
	c->keep_query = any_handler_uses_query(options->config);
	c->compresses = options->config->engine.per_message_deflate.on || options->config->engine.http_compression.on;
	c->random_used = sizeof(c->random);
	if (uv_random(NULL, NULL, rooms.hash_key, sizeof(rooms.hash_key), 0, NULL) ||
		sio_rooms_init(&c->rooms, &rooms)) {
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
	free(c);
}

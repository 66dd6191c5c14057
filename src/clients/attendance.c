/* SPDX-License-Identifier: MIT */
/* From joins and leaves to stays, and from deliveries to clients. */
#include "src/clients/attendance.h"

#include "eio/utf8.h"
#include "sio/json.h"
#include "src/clients/fanout.h"
#include "src/clients/identity.h"

#include <stdlib.h>

/* One stay of a socket. */
struct attendance {
	struct eio_hash_node node; /* in clients->attendances, by the stay's number */
	struct eio_list link; /* in client_socket->attendances */
	struct sio_socket *socket;
	struct presence_stay *stay;
	struct sio_room_key key; /* the bytes lie in data */
	char data[];
};

/* A stay's number is a count, and the worker behind it. */
static uint64_t
next_number(struct clients *c)
{
	return c->next_stay++ << 6 | c->options.worker;
}

static uint64_t
number_hash(uint64_t id)
{
	return id >> 6;
}

static void
refused(struct sio_socket *s, struct sio_room_key key, const char *why)
{
	client_count(s, NAMESPACE_METRIC_PRESENCE_REFUSED);
	CLIENTS_DEBUG(client_of(s), CLIENTS_LINE_PRESENCE_REFUSED, "presence-refused", sio_socket_nsp(s),
		"room=\"%s\" why=\"%s\"", key.everyone ? "" : LOG_ESCAPE(key.name), why);
}

/* Who it is */

/* What the templates make of a socket. */
struct rendered {
	struct eio_buf identity, json;
	size_t member_n; /* of json; behind that stands the info */
};

/* NULL, or why there is no presence with it. */
static const char *
render_who(struct sio_socket *s, const struct presence_spec *spec, struct rendered *r)
{
	const struct handlers_call call = client_call_of(s);
	const char *why = handlers_name(&call, spec->identity, &r->identity);
	enum sio_json_kind kind;

	if (why) return why;
	if (!handlers_value(&call, spec->member, &r->json)) return "out of memory";
	r->member_n = r->json.n;
	kind = sio_json_kind(eio_buf_bytes(&r->json));
	if (kind != SIO_JSON_STRING && kind != SIO_JSON_NUMBER) return "the member is no string and no number";
	if (r->identity.n == 0) return "the member is empty";
	if (spec->info && !handlers_value(&call, spec->info, &r->json)) return "out of memory";
	return r->json.n > spec->max_bytes ? "member and info are longer than maxBytes" : NULL;
}

static const char *
begin_of(struct sio_socket *s, const struct presence_spec *spec, struct sio_room_key key, struct rendered *r,
	struct presence_stay **stay)
{
	struct clients *c = client_of(s)->clients;
	const char *why = render_who(s, spec, r);
	struct presence_who who;

	if (why) return why;
	who.identity = eio_buf_bytes(&r->identity);
	who.member = eio_bytes(r->json.p, r->member_n);
	who.info = spec->info ? eio_bytes(r->json.p + r->member_n, r->json.n - r->member_n) : who.member;
	*stay = presence_begin(c->options.presence, next_number(c), spec, key, &who);
	return *stay ? NULL : "too many at once";
}

/* Stays */

static void
add_attendance(struct sio_socket *s, struct sio_room_key key, struct presence_stay *stay)
{
	struct clients *c = client_of(s)->clients;
	struct attendance *a = malloc(sizeof *a + sio_room_key_size(key));

	if (!a) {
		presence_end(c->options.presence, stay);
		client_end(client_of(s), CLIENT_REASON_NOMEM);
		return;
	}
	a->socket = s;
	a->stay = stay;
	a->key = sio_room_key_copy(key, a->data);
	eio_hash_add(&c->attendances, &a->node, number_hash(stay->id));
	eio_list_init(&a->link);
	eio_list_add_tail(&client_socket_of(s)->attendances, &a->link);
}

static void
begin_member(struct sio_socket *s, const struct presence_spec *spec, struct sio_room_key key)
{
	struct rendered r = { .member_n = 0 };
	struct presence_stay *stay = NULL;
	const char *why = begin_of(s, spec, key, &r, &stay);

	if (stay) add_attendance(s, key, stay);
	if (why) refused(s, key, why);
	eio_buf_deinit(&r.identity);
	eio_buf_deinit(&r.json);
}

static void
begin_counted(struct sio_socket *s, const struct presence_count_spec *spec, struct sio_room_key key)
{
	struct clients *c = client_of(s)->clients;
	struct presence_stay *stay = presence_begin_counted(c->options.presence, next_number(c), spec, key);

	if (stay)
		add_attendance(s, key, stay);
	else
		refused(s, key, "too many at once");
}

void
attendance_begin(struct sio_socket *s, struct sio_room_key key)
{
	const struct presence_count_spec *count;
	const struct presence_specs *specs;
	const struct presence_spec *spec;

	if (!client_socket_of(s)->namespace->attended) return;
	specs = presence_specs_of(client_of(s)->clients->options.presence);
	spec = presence_specs_find(specs, key);
	count = presence_specs_find_count(specs, key);
	if (!spec && !count) return;
	/* Other nodes are told in JSON, where its name would become another. */
	if (!key.everyone && !eio_utf8_valid(key.name)) {
		refused(s, key, "the room's name is not UTF-8");
		return;
	}
	if (spec) begin_member(s, spec, key);
	if (count) begin_counted(s, count, key);
}

static void
drop_attendance(struct attendance *a)
{
	struct clients *c = client_of(a->socket)->clients;

	presence_end(c->options.presence, a->stay);
	eio_hash_remove(&c->attendances, &a->node);
	eio_list_remove(&a->link);
	free(a);
}

void
attendance_end(struct sio_socket *s, struct sio_room_key key)
{
	struct client_socket *own = client_socket_of(s);
	struct eio_list *l, *next;

	if (!own->namespace->attended) return;
	EIO_LIST_FOREACH_SAFE(l, next, &own->attendances)
	{
		struct attendance *a = EIO_CONTAINER(l, struct attendance, link);

		if (sio_room_key_eq(a->key, key)) drop_attendance(a);
	}
	sio_rooms_leave(&client_of(s)->clients->rooms, &s->member, sio_room_aside(key));
}

void
attendance_end_all(struct sio_socket *s)
{
	struct client_socket *own = client_socket_of(s);
	struct eio_list *l, *next;

	EIO_LIST_FOREACH_SAFE(l, next, &own->attendances) drop_attendance(EIO_CONTAINER(l, struct attendance, link));
}

/* Deliveries */

/* The attendance with the stay of that number, or NULL when it has ended. */
static struct attendance *
find_attendance(const struct clients *c, uint64_t id)
{
	struct eio_hash_node *n = eio_hash_find(&c->attendances, number_hash(id));

	return n ? EIO_CONTAINER(n, struct attendance, node) : NULL;
}

static void
send_delivery(const struct attendance *a, const struct presence_delivery *d)
{
	struct client *c = client_of(a->socket);

	if (d->kind == PRESENCE_TO_SEATS &&
		sio_rooms_join(&c->clients->rooms, &a->socket->member, sio_room_aside(a->key)) == SIO_ERR_NOMEM)
		client_end(c, CLIENT_REASON_NOMEM);
	else if (d->bundle)
		client_send(c, eio_bundle_ref(d->bundle));
}

/* A number for everybody but who has heard it already. */
static void
send_number(struct clients *c, const struct presence_delivery *d)
{
	const struct delivery_item number = { .bundle = d->bundle, .slow = FEED_SLOW_LATEST, .stream = d->stream };

	if (!d->n) {
		fanout_to_room(c, d->key, &number);
		return;
	}
	fanout_begin_marks(c);
	for (size_t i = 0; i < d->n; i++) {
		const struct attendance *a = find_attendance(c, d->ids[i]);

		if (a) fanout_mark(client_of(a->socket));
	}
	fanout_to_unmarked(c, d->key, &number);
}

void
clients_take_presence(struct clients *c, const struct presence_delivery *d)
{
	/* A list that has lost a change would be wrong for ever: who is too slow for one begins anew. */
	const struct delivery_item change = { .bundle = d->bundle, .slow = FEED_SLOW_DISCONNECT };

	switch (d->kind) {
	case PRESENCE_TO_SEATED: fanout_to_room(c, sio_room_aside(d->key), &change); break;
	case PRESENCE_TO_ALL: send_number(c, d); break;
	case PRESENCE_TO_SEATS:
	case PRESENCE_TO_NEWCOMERS:
		for (size_t i = 0; i < d->n; i++) {
			const struct attendance *a = find_attendance(c, d->ids[i]);

			if (a) send_delivery(a, d);
		}
	}
}

/* SPDX-License-Identifier: MIT */
/* Sockets, described. Of a handshake there is what is known: headers are not kept. */
#include "src/clients/inquiry.h"

#include "eio/net/clock.h"
#include "sio/json.h"
#include "src/base/clock.h"
#include "src/clients/acked.h"
#include "src/clients/chosen.h"
#include "src/clients/identity.h"

#include <inttypes.h>
#include <stdlib.h>
#include <time.h>

static void
separate(struct feed_answer *a)
{
	if (a->n++) eio_buf_addc(&a->json, ',');
}

/* The rooms of a socket, its own first. */
static void
describe_rooms(const struct sio_socket *s, struct eio_buf *out)
{
	const struct eio_list *at = NULL;
	const struct sio_room_key *key;

	sio_json_escape(out, sio_socket_id(s));
	while ((key = sio_member_next_room(&s->member, &at))) {
		if (key->everyone || eio_bytes_eq(key->name, sio_socket_id(s))) continue;
		eio_buf_addc(out, ',');
		sio_json_escape(out, key->name);
	}
}

/* The parameters of the request, with those that the transport is known by. */
static void
describe_query(const struct sio_socket *s, struct eio_buf *out)
{
	const struct client *c = client_of(s);
	const struct client_socket *own = client_socket_of(s);
	struct eio_buf query;

	eio_buf_init(&query);
	eio_buf_printf(&query, "EIO=%d&transport=%s", eio_socket_revision(c->eio), eio_socket_transport(c->eio));
	if (own->query_n) eio_buf_addc(&query, '&');
	eio_buf_append(&query, own->query, own->query_n);
	if (eio_buf_failed(&query))
		out->failed = true;
	else
		handlers_query_object(eio_buf_bytes(&query), out);
	eio_buf_deinit(&query);
}

/* As Date's toString() has it, of a machine whose time is UTC. */
static void
describe_time(uint64_t wall_ms, struct eio_buf *out)
{
	time_t seconds = (time_t)(wall_ms / 1000);
	char text[64];
	struct tm tm;

	gmtime_r(&seconds, &tm);
	strftime(text, sizeof text, "%a %b %d %Y %H:%M:%S GMT+0000 (Coordinated Universal Time)", &tm);
	eio_buf_add(out, eio_cstr(text));
}

static void
describe_handshake(const struct sio_socket *s, struct eio_buf *out)
{
	const struct client *c = client_of(s);
	uint64_t age_ms = eio_clock_now(c->clients->options.clock) - c->opened_ms, issued = clock_wall_ms() - age_ms;

	EIO_BUF_ADD_LIT(out, "{\"headers\":{},\"time\":\"");
	describe_time(issued, out);
	EIO_BUF_ADD_LIT(out, "\",\"address\":");
	eio_buf_add(out, eio_cstr(c->address ? c->address : "\"\""));
	eio_buf_printf(
		out, ",\"xdomain\":false,\"secure\":false,\"issued\":%" PRIu64 ",\"url\":\"\",\"query\":", issued);
	describe_query(s, out);
	EIO_BUF_ADD_LIT(out, ",\"auth\":");
	eio_buf_add(out, s->auth.p ? s->auth : EIO_LIT("{}"));
	eio_buf_addc(out, '}');
}

static void
describe_socket(struct sio_socket *s, struct eio_buf *out)
{
	struct eio_bytes claims = identity_claims_of(s);

	EIO_BUF_ADD_LIT(out, "{\"id\":");
	sio_json_escape(out, sio_socket_id(s));
	EIO_BUF_ADD_LIT(out, ",\"handshake\":");
	describe_handshake(s, out);
	EIO_BUF_ADD_LIT(out, ",\"rooms\":[");
	describe_rooms(s, out);
	EIO_BUF_ADD_LIT(out, "],\"data\":{");
	if (claims.n) {
		EIO_BUF_ADD_LIT(out, "\"claims\":");
		eio_buf_add(out, claims);
	}
	EIO_BUF_ADD_LIT(out, "}}");
}

static void
answer_with_rooms(const struct clients *c, struct eio_bytes nsp, struct feed_answer *a)
{
	EIO_HASH_FOREACH(n, &c->rooms.rooms) {
		const struct sio_room *room = EIO_CONTAINER(n, struct sio_room, node);

		if (room->key.everyone || room->key.aside || !eio_bytes_eq(room->key.nsp, nsp)) continue;
		separate(a);
		sio_json_escape(&a->json, room->key.name);
	}
}

static void
answer_with_sockets(const struct feed_move *m, const struct chosen *all, struct feed_answer *a)
{
	for (size_t i = 0; i < all->n && !eio_buf_failed(&a->json); i++) {
		separate(a);
		if (m->kind == FEED_MOVE_SOCKETS)
			describe_socket(all->v[i], &a->json);
		else
			sio_json_escape(&a->json, sio_socket_id(all->v[i]));
	}
}

/* False when out of memory. */
static bool
answer_about_sockets(struct clients *c, const struct feed_move *m)
{
	struct chosen all;

	if (!chosen_find(c, m->who, &all)) return false;
	if (m->kind == FEED_MOVE_CALL)
		m->answer->n = acked_send(c, &all, m->survey);
	else
		answer_with_sockets(m, &all, m->answer);
	free(all.v);
	return true;
}

void
inquiry_answer(struct clients *c, const struct feed_move *m)
{
	struct feed_answer *a = m->answer;
	bool done = true;

	if (m->kind == FEED_MOVE_ROOMS)
		answer_with_rooms(c, m->who->nsp, a);
	else
		done = answer_about_sockets(c, m);
	if (done && !eio_buf_failed(&a->json)) return;
	eio_buf_deinit(&a->json);
	a->n = 0;
	clients__count(c, CLIENTS_METRIC_MOVES_FAILED);
}

/* SPDX-License-Identifier: MIT */
/* Sockets, described. Of a handshake there is what is known: headers are not kept. */
#include "src/clients/describe.h"

#include "eio/net/clock.h"
#include "sio/json.h"
#include "src/base/clock.h"
#include "src/clients/clients_int.h"
#include "src/clients/identity.h"

#include <inttypes.h>
#include <time.h>

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

/* With what the client has said of itself, or for a page, without. */
static void
describe_handshake(const struct sio_socket *s, bool with_auth, struct eio_buf *out)
{
	const struct client *c = client_of(s);
	uint64_t age_ms = eio_clock_now(c->clients->options.clock) - c->opened_ms, issued = clock_wall_ms() - age_ms;

	EIO_BUF_ADD_LIT(out, "{\"headers\":{},\"time\":\"");
	describe_time(issued, out);
	EIO_BUF_ADD_LIT(out, "\",\"address\":");
	eio_buf_add(out, eio_cstr(client_kept(c)->address ? client_kept(c)->address : "\"\""));
	eio_buf_printf(
		out, ",\"xdomain\":false,\"secure\":false,\"issued\":%" PRIu64 ",\"url\":\"\",\"query\":", issued);
	describe_query(s, out);
	if (with_auth) {
		EIO_BUF_ADD_LIT(out, ",\"auth\":");
		eio_buf_add(out, sio_socket_auth(s).p ? sio_socket_auth(s) : EIO_LIT("{}"));
	}
	eio_buf_addc(out, '}');
}

/* What an application has put beside it: here, the claims. */
static void
describe_data(const struct sio_socket *s, struct eio_buf *out)
{
	struct eio_bytes claims = identity_claims_of(s);

	eio_buf_addc(out, '{');
	if (claims.n) {
		EIO_BUF_ADD_LIT(out, "\"claims\":");
		eio_buf_add(out, claims);
	}
	eio_buf_addc(out, '}');
}

void
describe_for_servers(const struct sio_socket *s, struct eio_buf *out)
{
	EIO_BUF_ADD_LIT(out, "{\"id\":");
	sio_json_escape(out, sio_socket_id(s));
	EIO_BUF_ADD_LIT(out, ",\"handshake\":");
	describe_handshake(s, true, out);
	EIO_BUF_ADD_LIT(out, ",\"rooms\":[");
	describe_rooms(s, out);
	EIO_BUF_ADD_LIT(out, "],\"data\":");
	describe_data(s, out);
	eio_buf_addc(out, '}');
}

void
describe_for_ui(const struct sio_socket *s, struct eio_buf *out)
{
	enum { CLIENT_ID = 12 }; /* so much of its sid, by which nobody can go on with the session */
	const struct client *c = client_of(s);

	EIO_BUF_ADD_LIT(out, "{\"id\":");
	sio_json_escape(out, sio_socket_id(s));
	eio_buf_printf(out, ",\"clientId\":\"%.*s\",\"transport\":\"%s\",\"nsp\":", CLIENT_ID, eio_socket_sid(c->eio),
		eio_socket_transport(c->eio));
	sio_json_escape(out, sio_socket_nsp(s));
	EIO_BUF_ADD_LIT(out, ",\"data\":");
	describe_data(s, out);
	EIO_BUF_ADD_LIT(out, ",\"handshake\":");
	describe_handshake(s, false, out);
	EIO_BUF_ADD_LIT(out, ",\"rooms\":[");
	describe_rooms(s, out);
	EIO_BUF_ADD_LIT(out, "]}");
}

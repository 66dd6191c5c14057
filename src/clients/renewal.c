/* SPDX-License-Identifier: MIT */
/* Renewing who a socket is. */
#include "src/clients/renewal.h"

#include "sio/event.h"
#include "sio/json.h"
#include "src/clients/clients_int.h"
#include "src/clients/guards.h"
#include "src/clients/identity.h"

/* Its first argument, or nothing. */
static struct eio_bytes
renewal_argument(const struct sio_event *ev)
{
	struct sio_json_iter it = sio_json_iter(ev->data);
	struct eio_bytes v = { "", 0 };

	sio_json_next(&it, NULL, &v);
	return sio_json_next(&it, NULL, &v) ? v : eio_bytes("", 0);
}

static bool
is_renewal(const struct sio_event *ev, const struct auth_spec *spec)
{
	struct sio_json_iter it = sio_json_iter(ev->data);
	struct eio_bytes name;

	return spec && spec->has_jwt && spec->jwt.renew && sio_json_next(&it, NULL, &name) &&
	       sio_json_kind(name) == SIO_JSON_STRING && sio_json_string_eq(name, eio_cstr(spec->jwt.renew));
}

static bool
same_subject(struct eio_bytes a, struct eio_bytes b)
{
	struct eio_bytes x = { "null", 4 }, y = { "null", 4 };
	struct eio_buf text = { 0 };
	bool same;

	if (a.n) sio_json_find(a, EIO_LIT("/sub"), &x);
	sio_json_find(b, EIO_LIT("/sub"), &y);
	if (sio_json_kind(x) != SIO_JSON_STRING || sio_json_kind(y) != SIO_JSON_STRING) return eio_bytes_eq(x, y);
	sio_json_unescape(&text, y);
	same = !eio_buf_failed(&text) && sio_json_string_eq(x, eio_buf_bytes(&text));
	eio_buf_deinit(&text);
	return same;
}

/* What the token of an event is good for. */
static enum auth_result
renew_identity(const struct sio_event *ev, const struct guard *g)
{
	struct sio_socket *s = ev->socket;
	struct identity *old = client_socket_of(s)->identity;
	struct eio_bytes arg = renewal_argument(ev);
	struct eio_buf token = { 0 }, claims = { 0 };
	uint64_t expires_s = UINT64_MAX;
	enum auth_result r;

	if (arg.n && sio_json_kind(arg) == SIO_JSON_OBJECT && !sio_json_find(arg, EIO_LIT("/token"), &arg)) arg.n = 0;
	if (arg.n && sio_json_kind(arg) == SIO_JSON_STRING) sio_json_unescape(&token, arg);
	r = eio_buf_failed(&token) ? AUTH_NOMEM
				   : auth_jwt_verify(&g->spec->jwt, g->keys, eio_buf_bytes(&token), identity_now_s(),
					     &claims, &expires_s);
	if (expires_s != UINT64_MAX) expires_s += g->spec->jwt.leeway_s;
	if (r == AUTH_GOOD && !same_subject(identity_claims_of(s), eio_buf_bytes(&claims))) r = AUTH_FOREIGN;
	if (r == AUTH_GOOD &&
		!identity_set(s, &(struct identity_claims){ eio_buf_bytes(&claims), expires_s, old->expired }))
		r = AUTH_NOMEM;
	eio_buf_deinit(&token);
	eio_buf_deinit(&claims);
	return r;
}

static void
ack_renewal(const struct sio_event *ev, enum auth_result r)
{
	struct eio_buf text = { 0 };
	struct sio_piece piece;
	struct eio_bundle *b = NULL;

	if (!ev->has_id) return;
	if (r == AUTH_GOOD)
		EIO_BUF_ADD_LIT(&text, "[{\"ok\":true}]");
	else
		eio_buf_printf(
			&text, "[{\"error\":\"%s\",\"message\":\"%s\"}]", auth_result_code(r), auth_result_message(r));
	piece = (struct sio_piece){ eio_buf_bytes(&text), false };
	if (!eio_buf_failed(&text))
		sio_emit_bundle(
			&(struct sio_emit){
				.nsp = ev->nsp, .ack = true, .id = ev->id, .pieces = &piece, .n_pieces = 1 },
			&b);
	eio_buf_deinit(&text);
	client_send(client_of(ev->socket), b);
}

bool
renewal_take(const struct sio_event *ev)
{
	struct client *c = client_of(ev->socket);
	const struct auth_spec *spec = client_socket_of(ev->socket)->namespace->auth;
	enum auth_result r;

	if (!is_renewal(ev, spec)) return false;
	r = renew_identity(ev, client_socket_of(ev->socket)->namespace->guard);
	if (r != AUTH_GOOD)
		CLIENTS_DEBUG(c, CLIENTS_LINE_CONNECT_REFUSED, "renewal-refused", ev->nsp, "why=\"%s\"",
			auth_result_reason(r));
	ack_renewal(ev, r);
	return true;
}

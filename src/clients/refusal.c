/* SPDX-License-Identifier: MIT */
/* Refusals of tokens. */
#include "src/clients/refusal.h"

#include "sio/event.h"

void
refusal_data(enum auth_result r, struct eio_buf *out)
{
	eio_buf_printf(out, "{\"code\":\"%s\"}", auth_result_code(r));
}

/* Any name but connect_error, at which the clients' parser ends the connection. */
static struct eio_bundle *
expired_event(struct eio_bytes nsp)
{
	struct sio_piece piece = { 0 };
	struct eio_bundle *bundle = NULL;
	struct eio_buf text = { 0 };

	eio_buf_printf(&text, "[\"%s\",{\"message\":\"%s\",\"data\":", auth_result_code(AUTH_EXPIRED),
		auth_result_message(AUTH_EXPIRED));
	refusal_data(AUTH_EXPIRED, &text);
	EIO_BUF_ADD_LIT(&text, "}]");
	piece.json = eio_buf_bytes(&text);
	if (!eio_buf_failed(&text))
		sio_emit_bundle(&(struct sio_emit){ .nsp = nsp, .pieces = &piece, .n_pieces = 1 }, &bundle);
	eio_buf_deinit(&text);
	return bundle;
}

void
refusal_tell_expired(struct sio_socket *s)
{
	struct client *c = client_of(s);
	struct eio_bundle *b = NULL;
	struct eio_buf data = { 0 };

	if (sio_client_protocol(&c->sio) == 5) {
		b = expired_event(sio_socket_nsp(s));
	} else {
		refusal_data(AUTH_EXPIRED, &data);
		if (!eio_buf_failed(&data))
			b = sio_client_refuse(&c->sio, sio_socket_nsp(s), eio_cstr(auth_result_message(AUTH_EXPIRED)),
				eio_buf_bytes(&data));
		eio_buf_deinit(&data);
	}
	client_send(c, b);
}

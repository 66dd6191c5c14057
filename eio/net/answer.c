/* SPDX-License-Identifier: MIT */
/* What requests are answered: their bodies and headers. When, and which, is server.c's and socket.c's. */
#include "eio/net/answer.h"

#include <stdio.h>

static void
append_cookie(const struct eio_server_options *o, const struct eio_socket *socket, struct eio_buf *out)
{
	if (!o->cookie_name || !socket || (socket->handshaken && !o->cookie_always)) return;
	eio_buf_printf(out, "Set-Cookie: %s=%s%s\r\n", o->cookie_name, socket->session.sid,
		o->cookie_attributes ? o->cookie_attributes : "");
}

/* The lines of every answer, also of one that is no more than a status. */
static void
append_common(const struct eio_server *s, const struct eio_request *req, struct eio_buf *out)
{
	struct eio_bytes agent = eio_request_header(req, EIO_LIT("user-agent"));

	EIO_BUF_ADD_LIT(out, "cache-control: no-store\r\n");
	eio_cors_append(&s->options->cors, req, out);
	/* Old Internet Explorers took the handshake for an attack. */
	if (agent.n && (memmem(agent.p, agent.n, ";MSIE", 5) || memmem(agent.p, agent.n, "Trident/", 8)))
		EIO_BUF_ADD_LIT(out, "X-XSS-Protection: 0\r\n");
}

void
eio__answer_headers(
	const struct eio_server *s, const struct eio_request *req, const struct eio_socket *socket, struct eio_buf *out)
{
	append_common(s, req, out);
	if (!socket || !socket->jsonp) eio_cors_append_legacy(&s->options->cors, req, out);
	append_cookie(s->options, socket, out);
}

void
eio__answer_text(struct eio_server *s, struct eio_exchange *ex, const struct eio_socket *socket, int status,
	const char *type, struct eio_bytes body)
{
	struct eio_buf extra;

	eio_buf_init(&extra);
	eio__answer_headers(s, ex->req, socket, &extra);
	eio_exchange_respond_text(ex, status, type, body, eio_buf_bytes(&extra));
	eio_buf_deinit(&extra);
}

void
eio__answer_error(struct eio_server *s, struct eio_exchange *ex, enum eio_error err)
{
	char body[96];
	int n = snprintf(body, sizeof body, "{\"code\":%d,\"message\":\"%s\"}", (int)err, eio_error_message(err));

	eio__server_refused(s, ex->req, (enum eio_refusal)err, eio_error_message(err));
	eio__answer_text(
		s, ex, NULL, err == EIO_ERROR_FORBIDDEN ? 403 : 400, "application/json", eio_bytes(body, (size_t)n));
}

void
eio__answer_empty(struct eio_server *s, struct eio_exchange *ex, int status)
{
	struct eio_buf extra;

	eio_buf_init(&extra);
	append_common(s, ex->req, &extra);
	eio_exchange_respond_text(ex, status, NULL, eio_bytes("", 0), eio_buf_bytes(&extra));
	eio_buf_deinit(&extra);
}

void
eio__answer_preflight(struct eio_server *s, struct eio_exchange *ex)
{
	struct eio_response r = { .status = 204 };
	struct eio_buf head;

	eio_buf_init(&head);
	eio_cors_append_preflight(&s->options->cors, ex->req, &head);
	r.headers = eio_block_of_buf(&head);
	eio_exchange_respond(ex, r);
}

/* OPTIONS of a session: with the legacy cross-origin rules XHR gets leave to send its POSTs' content type; nobody else
 * asks. */
void
eio__answer_options(struct eio_server *s, const struct eio_socket *socket, struct eio_exchange *ex)
{
	struct eio_response r = { .status = 200 };
	struct eio_buf head;

	if (s->options->cors.origin != EIO_CORS_LEGACY || socket->jsonp) {
		eio__answer_empty(s, ex, 500);
		return;
	}
	eio_buf_init(&head);
	eio__answer_headers(s, ex->req, socket, &head);
	EIO_BUF_ADD_LIT(&head, "Access-Control-Allow-Headers: Content-Type\r\n");
	r.headers = eio_block_of_buf(&head);
	eio_exchange_respond(ex, r);
}

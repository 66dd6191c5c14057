/* SPDX-License-Identifier: MIT */
/*
 * WebSockets coming in: checked as the HTTP requests are, refused on the bare
 * socket when something is wrong, else handed to websocket.h; then a session
 * of their own, or a probe for one that polls (protocol section "Upgrade to
 * WebSocket").
 */
#include "eio/check.h"
#include "eio/negotiate.h"
#include "eio/net/link.h"
#include "eio/net/verify.h"
#include "eio/net/wire.h"
#include "eio/query.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

/* Refusing */

/* The answer fits any socket buffer, and the connection has no other use: no need to wait for anything. */
static void
refuse_upgrade(struct eio_server *s, struct eio_upgrade *up, enum eio_refusal why, int status, const char *text,
	const char *extra)
{
	char head[512];
	int n = snprintf(head, sizeof head,
		"HTTP/1.1 %d %s\r\nConnection: close\r\nContent-type: text/html\r\nContent-Length: %zu\r\n%s\r\n%s",
		status, eio_http_status_text(status), strlen(text), extra, text);

	eio__server_refused(s, up->req, why, text);
	if (n > 0 && eio__wire_send(up->fd, up->tls, head, (size_t)n) > 0) eio__wire_shutdown(up->fd, up->tls);
	/* What is still unread would turn the close into a reset, and the client might lose the answer. */
	while (recv(up->fd, head, sizeof head, MSG_DONTWAIT) > 0) continue;
	eio_upgrade_free(up);
}

/* RFC 6455 section 4.2.1: 16 bytes in base64. */
static bool
key_valid(struct eio_bytes key)
{
	if (key.n != 24 || key.p[22] != '=' || key.p[23] != '=') return false;
	for (size_t i = 0; i < 22; i++) {
		char c = key.p[i];

		if (!((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' ||
			    c == '/'))
			return false;
	}
	return true;
}

/* The checks of the WebSocket handshake itself. Returns true when the upgrade may go on, else it was refused. */
static bool
check_websocket(struct eio_server *s, struct eio_upgrade *up)
{
	struct eio_bytes version = eio_request_header(up->req, EIO_LIT("sec-websocket-version"));

	if (up->req->method != EIO_HTTP_GET)
		refuse_upgrade(s, up, EIO_REFUSAL_WEBSOCKET, 405, "Invalid HTTP method", "");
	else if (!key_valid(eio_request_header(up->req, EIO_LIT("sec-websocket-key"))))
		refuse_upgrade(s, up, EIO_REFUSAL_WEBSOCKET, 400, "Missing or invalid Sec-WebSocket-Key header", "");
	else if (!eio_bytes_eq(version, EIO_LIT("13")) && !eio_bytes_eq(version, EIO_LIT("8")))
		refuse_upgrade(s, up, EIO_REFUSAL_WEBSOCKET, 400, "Missing or invalid Sec-WebSocket-Version header",
			"Sec-WebSocket-Version: 13, 8\r\n");
	else
		return true;
	return false;
}

/* Taking over */

/* The header lines of the 101 beyond RFC 6455's: the first sub-protocol offered, because a browser fails the connection
 * when it offered some and none is named; and the cross-origin ones. */
static void
append_101_headers(struct eio_server *s, const struct eio_request *req, struct eio_buf *out)
{
	struct eio_bytes offered = eio_request_header(req, EIO_LIT("sec-websocket-protocol"));
	const char *comma = offered.n ? memchr(offered.p, ',', offered.n) : NULL;

	if (comma) offered.n = (size_t)(comma - offered.p);
	if (offered.n) eio_buf_printf(out, "Sec-WebSocket-Protocol: %.*s\r\n", (int)offered.n, offered.p);
	eio_cors_append(&s->options->cors, req, out);
}

/* The answer to the offered extensions, empty when there is none to give. */
static void
append_extension(struct eio_server *s, const struct eio_request *req, struct eio_buf *out)
{
	const struct eio_deflate *o = &s->ws_deflate;
	struct eio_buf offers;

	if (!o->on) return;
	eio_buf_init(&offers);
	eio_request_header_list(req, EIO_LIT("sec-websocket-extensions"), &offers);
	if (!eio_buf_failed(&offers)) eio_negotiate_deflate(eio_buf_bytes(&offers), o->window_bits, out);
	eio_buf_deinit(&offers);
}

/* A link between a session, or none, and a WebSocket to come. NULL when out of memory. */
static struct eio_link *
link_new(struct eio_server *s, struct eio_socket *socket, bool probe, bool deflate)
{
	struct eio_link *link = calloc(1, sizeof *link);

	CHECK(!socket || !(probe ? socket->probe : socket->main));
	if (!link) return NULL;
	*link = (struct eio_link){ .magic = EIO__LINK_MAGIC, .probe = probe, .deflate = deflate, .socket = socket };
	s->stats.deflate_websockets += deflate;
	/* Known to each other before it is open, so that the one of them that ends first can tell the other. */
	if (socket && probe)
		socket->probe = link;
	else if (socket)
		eio__socket_set_main(socket, link);
	return link;
}

/* There is no memory for the WebSocket. */
static void
notify_lost(struct eio_socket *socket, bool probe)
{
	if (socket && probe)
		eio_session_probe_closed(&socket->session);
	else if (socket)
		eio_session_ws_closed(&socket->session, true);
}

/* Hands the connection to the WebSockets, as a transport or probe of socket, or with NULL only to be closed. The link
 * is freed when the WebSocket is gone. */
static void
adopt_upgrade(struct eio_server *s, struct eio_upgrade *up, struct eio_socket *socket, bool probe)
{
	struct eio_link *link = NULL;
	struct eio_buf headers, extension;

	eio_buf_init(&headers);
	eio_buf_init(&extension);
	append_101_headers(s, up->req, &headers);
	append_extension(s, up->req, &extension);
	if (eio_buf_failed(&extension)) eio_buf_clear(&extension);
	if (!eio_buf_failed(&headers)) link = link_new(s, socket, probe, extension.n > 0);
	if (link) {
		struct eio_ws_adoption adoption = {
			.fd = up->fd,
			.tls = up->tls,
			.key = eio_request_header(up->req, EIO_LIT("sec-websocket-key")),
			.extension = eio_buf_bytes(&extension),
			.headers = eio_buf_bytes(&headers),
			.rest = eio_buf_bytes(&up->rest),
			.user = link,
		};

		up->fd = -1;
		up->tls = NULL;
		eio_ws_adopt(s->ws, &adoption);
	} else {
		notify_lost(socket, probe);
	}
	eio_buf_deinit(&headers);
	eio_buf_deinit(&extension);
	eio_upgrade_free(up);
	if (socket) eio__socket_pump(socket);
}

static void
open_session(struct eio_server *s, struct eio_upgrade *up)
{
	struct eio_session_kind kind = eio__server_kind(s->options, up->req, EIO_TRANSPORT_WEBSOCKET);
	struct eio_socket *socket = eio__socket_new(s, &kind);

	/* Told before the first frame can come, which may have been sent right behind the request. */
	if (socket) eio__socket_notify_open(socket, up->req);
	adopt_upgrade(s, up, socket, false);
}

/* A WebSocket that comes too late, twice or for "polling" is completed and closed; the session is unharmed. */
static void
open_probe(struct eio_server *s, struct eio_socket *socket, struct eio_upgrade *up, bool polling)
{
	bool b64 = eio__server_wants_b64(up->req);
	bool probe = socket && !polling &&
		     eio_session_probe_open(&socket->session, b64, eio_clock_now(s->clock)) == EIO_ACCEPT_OK;

	adopt_upgrade(s, up, probe ? socket : NULL, true);
}

void
eio_server_refuse_unknown(struct eio_server *s, struct eio_upgrade *up)
{
	refuse_upgrade(s, up, EIO_REFUSAL_UNKNOWN_SID, 400, eio_error_message(EIO_ERROR_UNKNOWN_SID), "");
}

void
eio_server_upgrade(struct eio_server *s, struct eio_upgrade *up)
{
	struct eio_socket *socket;
	struct eio__owner owner;
	enum eio_error err;

	if (!eio_server_owns_path(s, up->req->path)) {
		refuse_upgrade(s, up, EIO_REFUSAL_PATH, 404, "Not Found", "");
		return;
	}
	err = eio__server_verify(s, up->req, true, &socket, &owner);
	if (err == EIO_OK && !eio__server_admits(s, up->req, true)) err = EIO_ERROR_FORBIDDEN;
	if (err != EIO_OK) {
		refuse_upgrade(s, up, (enum eio_refusal)err, err == EIO_ERROR_FORBIDDEN ? 403 : 400,
			eio_error_message(err), "");
	} else if (*owner.node) {
		s->handler.elsewhere_upgrade(s->handler.http_user, eio_cstr(owner.node), up);
	} else if (owner.index != s->options->index) {
		s->handler.forward_upgrade(s->handler.http_user, owner.index, up);
	} else if (check_websocket(s, up)) {
		bool polling = eio_query_is(up->req->query, EIO_LIT("transport"), EIO_LIT("polling"));

		if (socket || polling)
			open_probe(s, socket, up, polling);
		else if (s->shut || !eio__socket_room(s))
			refuse_upgrade(s, up, EIO_REFUSAL_ROOM, 503, "", "");
		else
			open_session(s, up);
	}
}

/* SPDX-License-Identifier: MIT */
/*
 * How a connection leaves the HTTP server without an end: it becomes a WebSocket, or
 * goes on in another process. A descriptor is all that the latter takes, with the
 * bytes that were read of what nobody has answered. TLS has a state that stays: so
 * its connection stays, too, and what leaves is one end of a pair, the other end of
 * which is joined to it.
 */
#include "eio/check.h"
#include "eio/net/httpd_int.h"
#include "eio/net/wire.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

void
eio__conn_say_whose(const struct eio__conn *c, const struct eio_tls *tls, struct eio_request *req)
{
	req->peer = c->peer;
	eio_buf_clear(&req->subject);
	if (tls) eio_tls_subject(tls, &req->subject);
	if (c->relayed) eio_buf_add(&req->subject, eio_buf_bytes(c->relayed));
}

/* For a WebSocket */

int
eio__conn_upgrade(struct eio__conn *c, struct eio_bytes rest)
{
	struct eio_httpd *h = c->httpd;
	struct eio_upgrade *up = calloc(1, sizeof *up);

	if (!up || !h->handler.upgrade) {
		free(up);
		return up ? 404 : 500;
	}
	h->stats.requests++;
	up->fd = eio__stream_leave(&c->io, &up->tls);
	up->req = eio_http_take(c->http);
	eio__conn_say_whose(c, up->tls, up->req);
	up->pass = c->pass;
	c->pass = NULL;
	eio_buf_add(&up->rest, rest);
	eio__conn_close(c);
	if (up->rest.failed)
		eio_upgrade_free(up);
	else
		h->handler.upgrade(h->handler.user, up);
	return 0;
}

void
eio_upgrade_free(struct eio_upgrade *up)
{
	if (up->fd >= 0) eio__wire_close(up->fd, up->tls);
	eio_request_free(up->req);
	eio_buf_deinit(&up->rest);
	free(up->pass);
	free(up);
}

/* For another process */

/* What was read of a request that has not been answered. */
static struct eio_bytes
begun_of(const struct eio__conn *c)
{
	return eio_http_idle(c->http) ? eio__pending_waiting(&c->pending) : eio_buf_bytes(&c->pending.buf);
}

/* Also where nobody has asked so far: of a socket of ours there it could not be found. */
static struct eio_peer
peer_of(const struct eio__conn *c)
{
	struct sockaddr_storage ss = { .ss_family = AF_UNSPEC };
	socklen_t n = sizeof ss;

	if (c->peer.kind != EIO_PEER_NONE || c->relayed) return c->peer;
	if (getpeername(c->io.fd, (struct sockaddr *)&ss, &n)) return c->peer;
	return eio_peer_of((const struct sockaddr *)&ss);
}

/* Joins it to one end of a pair; returns the other end, or -1. Takes the descriptor and its TLS in any case. */
static int
relay(struct eio_httpd *h, int fd, struct eio_tls *tls)
{
	int pair[2];

	if (!h->splices) h->splices = eio_splices_new(h->loop, h->clock);
	if (!h->splices || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair)) {
		eio__wire_close(fd, tls);
		return -1;
	}
	eio_splices_join(h->splices, fd, tls, pair[0]);
	return pair[1];
}

static bool
has_to_stay(struct eio__conn *c)
{
	if (c->gathered) eio_uring_flush(c->httpd->ring);
	return c->closing || c->eof || eio__stream_queue_size(&c->io) > 0 || eio__stream_shaking(&c->io);
}

void
eio__conn_leave(struct eio__conn *c)
{
	struct eio_httpd *h = c->httpd;
	struct eio_leaver l = { .stage = EIO_LEAVER_SPEAKS, .door = c->door };
	struct eio_buf subject;
	struct eio_tls *tls;

	if (has_to_stay(c)) return;
	/* What a pass is worth only this process knows. */
	if (c->pass || !h->handler.leave) {
		eio__conn_close(c);
		return;
	}
	eio_buf_init(&subject);
	l.peer = peer_of(c);
	l.begun = begun_of(c);
	l.fd = eio__stream_leave(&c->io, &tls);
	if (eio__stream_fresh(&c->io)) l.stage = EIO_LEAVER_FRESH;
	if (tls) eio_tls_subject(tls, &subject);
	if (c->relayed) eio_buf_add(&subject, eio_buf_bytes(c->relayed));
	l.subject = eio_buf_bytes(&subject);
	l.relayed = tls || c->relayed;
	if (tls) l.fd = relay(h, l.fd, tls);
	if (l.fd >= 0) h->handler.leave(h->handler.user, &l);
	eio_buf_deinit(&subject);
	eio__conn_close(c);
}

/* SPDX-License-Identifier: MIT */
/* The beginning of a connection of the HTTP server: its socket, and with TLS its handshake. */
#include "eio/check.h"
#include "eio/net/arrival.h"
#include "eio/net/door.h"
#include "eio/net/httpd_int.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

void
eio__conn_shake(struct eio__conn *c)
{
	/* Another process can begin, but not go on with it. */
	if (c->httpd->parting != EIO__STAYS && eio__stream_fresh(&c->io)) return;
	switch (eio__stream_handshake(&c->io)) {
	case EIO_TLS_MORE: return;
	case EIO_TLS_DONE:
		c->httpd->stats.tls_handshakes++;
		c->httpd->stats.tls_resumed += eio_tls_resumed(eio__stream_tls(&c->io));
		eio__conn_begin(c);
		return;
	case EIO_TLS_PLAIN: eio__refuse_plain(c->io.fd); break;
	case EIO_TLS_FAILED: break;
	}
	c->httpd->stats.tls_failed++;
	eio__conn_close(c);
}

void
eio__conn_wants_turn(struct eio__stream *io)
{
	eio__conn_ready_to_shake(EIO_CONTAINER(io, struct eio__conn, io));
}

bool
eio__conn_set_options(int fd)
{
	int on = 1;

	if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on)) return false;
	eio__behind_bound(fd); /* a WebSocket keeps it */
	return true;
}

/* NULL when it was closed. */
static struct eio__conn *
open_conn(struct eio_httpd *h, int fd, const struct eio_peer *peer, struct eio_httpd_door *door,
	struct eio_tls_server *tls, bool has_options)
{
	struct eio__conn *c = calloc(1, sizeof *c);

	if (c) c->http = eio_http_new(h->options.max_head, h->options.max_body);
	if (!c || !c->http) {
		free(c);
		close(fd);
		return NULL;
	}
	c->magic = EIO__CONN_MAGIC;
	c->httpd = h;
	c->door = eio_httpd_door_ref(door);
	if (peer) c->peer = *peer;
	eio__conn_clock_init(c);
	eio_list_init(&c->ready);
	eio_list_init(&c->silent);
	eio_list_add_tail(&h->conns, &c->link);
	h->stats.accepted++;
	h->stats.open++;
	h->handles++;
	if (!has_options) eio__conn_set_options(fd);
	eio__conn_silent(c);
	if (eio__stream_open(&c->io, &h->streams, fd, tls) == 0) return c;
	eio__conn_close(c);
	return NULL;
}

void
eio__conn_new(struct eio_httpd *h, int fd, const struct eio_peer *peer, struct eio_httpd_door *door, bool has_options)
{
	struct eio_tls_server *tls = door ? door->tls : NULL;
	struct eio__conn *c = open_conn(h, fd, peer, door, tls, has_options);

	if (!c) return;
	if (!tls)
		eio__conn_begin(c);
	else
		eio__conn_arm(c, h->options.header_timeout_ms);
}

/* False when out of memory. */
static bool
note_relayed(struct eio__conn *c, struct eio_bytes subject)
{
	c->relayed = calloc(1, sizeof *c->relayed);
	if (!c->relayed) return false;
	eio_buf_add(c->relayed, subject);
	return !eio_buf_failed(c->relayed);
}

void
eio_httpd_join(struct eio_httpd *h, const struct eio_leaver *l)
{
	struct eio__conn *c;

	if (l->stage == EIO_LEAVER_ARRIVES) {
		eio__arrival_new(h, l->fd, l->door, &l->peer, l->begun);
	} else if (l->stage == EIO_LEAVER_FRESH) {
		eio__conn_new(h, l->fd, &l->peer, l->door, false);
	} else {
		c = open_conn(h, l->fd, &l->peer, l->door, NULL, false);
		if (c && l->relayed && !note_relayed(c, l->subject))
			eio__conn_close(c);
		else if (c)
			eio__conn_begin_with(c, l->begun);
	}
}

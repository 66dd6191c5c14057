/* SPDX-License-Identifier: MIT */
/* What is sent to one client, and when that ends it. */
#include "src/clients/client.h"

#include "src/clients/clients_int.h"

void
client_disconnect_slow(struct client *c)
{
	c->reason = "too slow";
	clients__count(c->clients, METRIC_CLOSED_SLOW);
	eio_socket_discard(c->eio);
}

void
client_send(struct client *c, struct eio_bundle *b)
{
	if (!b) {
		eio_socket_close(c->eio);
		return;
	}
	if (eio_socket_queued(c->eio) > c->clients->options.limits.queue_bytes) client_disconnect_slow(c);
	if (eio_socket_send(c->eio, b, NULL) != EIO_SENT_CLOSED) clients__count(c->clients, METRIC_MESSAGES_OUT);
	eio_bundle_unref(b);
}

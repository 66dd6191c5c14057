/* SPDX-License-Identifier: MIT */
/*
 * Any sequence of messages to a client of each revision, with an application
 * that lets it into two namespaces and echoes what it says. The first byte
 * chooses the revision; then each message is a byte (how long it is, and in the
 * top bit whether it is binary) and its data.
 */
#include "sio/client.h"
#include "sio/event.h"
#include "sio/json.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
drop(struct eio_bundle *b)
{
	if (!b) abort();
	if (!eio_bundle_wire(b, EIO_WIRE_POLLING) || !eio_bundle_wire(b, EIO_WIRE_POLLING_B64_3)) abort();
	eio_bundle_unref(b);
}

static void
on_connect(struct sio_client *c, const struct sio_event *ev)
{
	static const unsigned char random[SIO_ID_RANDOM];
	struct sio_socket *s;
	struct eio_bundle *b;

	if (ev->auth.p && sio_json_check(ev->auth)) abort();
	if (ev->socket) {
		drop(sio_client_connected(ev->socket));
	} else if (!eio_bytes_eq(ev->nsp, EIO_LIT("/")) && !eio_bytes_eq(ev->nsp, EIO_LIT("/a"))) {
		drop(sio_client_refuse(c, ev->nsp, ev->query, ev->auth));
	} else {
		if (sio_client_accept(c, ev->nsp, ev->auth, random, &s, &b)) abort();
		if (sio_client_find(c, sio_socket_nsp(s)) != s) abort();
		drop(b);
	}
}

static void
on_message(const struct sio_event *ev)
{
	struct sio_piece piece = { ev->data, true };
	struct sio_emit e = { .nsp = ev->nsp,
		.pieces = &piece,
		.n_pieces = 1,
		.attachments = ev->attachments,
		.n_attachments = ev->n_attachments };
	struct eio_bundle *b;

	if (sio_json_check(ev->data) || ev->n_attachments > SIO_MAX_ATTACHMENTS) abort();
	if (ev->type == SIO_EVENT_ACK && !ev->has_id) abort();
	if (ev->type == SIO_EVENT_ACK) {
		e.ack = true;
		e.id = ev->id;
	}
	/* More occurrences of attachments than a packet can name are all that can go wrong. */
	switch (sio_emit_bundle(&e, &b)) {
	case 0: drop(b); break;
	case SIO_ERR_TOO_MANY_ATTACHMENTS: break;
	default: abort();
	}
}

static void
handle(struct sio_client *c, const struct sio_event *ev)
{
	switch (ev->type) {
	case SIO_EVENT_CONNECT: on_connect(c, ev); break;
	case SIO_EVENT_MESSAGE:
	case SIO_EVENT_ACK: on_message(ev); break;
	case SIO_EVENT_DISCONNECT: sio_socket_free(ev->socket); break;
	case SIO_EVENT_NONE: abort();
	}
}

/* One message in memory of its own, so that reading beyond it is noticed. Returns false when the client is to be
 * closed. */
static bool
receive(struct sio_client *c, bool binary, struct eio_bytes data)
{
	char *copy = malloc(data.n ? data.n : 1);
	struct sio_event ev;
	int rc;

	if (!copy) return false;
	if (data.n) memcpy(copy, data.p, data.n);
	rc = sio_client_recv(c, binary, eio_bytes(copy, data.n), &ev);
	if (rc == 1)
		handle(c, &ev);
	else if (ev.type != SIO_EVENT_NONE || rc == SIO_ERR_NOMEM)
		abort();
	free(copy);
	return rc >= 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct sio_client_config config = { 1000, 100 };
	struct eio_bytes rest = eio_bytes(data + 1, size - 1);
	struct sio_client c;
	bool binary, alive = true;
	size_t n;

	if (size == 0) return 0;
	if (data[0] & 1)
		sio_client_init_protocol_4(&c, &config, "engine-sid");
	else
		sio_client_init(&c, &config, 0);
	while (alive && rest.n > 0) {
		binary = (unsigned char)rest.p[0] & 0x80;
		n = rest.p[0] & 0x7f;
		if (n > rest.n - 1) n = rest.n - 1;
		alive = receive(&c, binary, eio_bytes(rest.p + 1, n));
		rest = eio_bytes(rest.p + 1 + n, rest.n - 1 - n);
	}
	sio_client_deinit(&c);
	return 0;
}

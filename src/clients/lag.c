/* SPDX-License-Identifier: MIT */
/* The event siocast:lag. */
#include "src/clients/lag.h"

#include "sio/event.h"
#include "src/clients/clients_int.h"

#include <inttypes.h>
#include <stdlib.h>

/* What was dropped of one namespace since the client was told last. */
struct lag {
	struct eio_list link; /* in client->lags */
	uint64_t dropped, since_ms;
	size_t n;
	char nsp[];
};

static struct lag *
find_or_make(struct client *c, struct eio_bytes nsp, uint64_t since_ms)
{
	struct lag *lag;

	for (struct eio_list *l = c->lags.next; l != &c->lags; l = l->next) {
		lag = EIO_CONTAINER(l, struct lag, link);
		if (eio_bytes_eq(eio_bytes(lag->nsp, lag->n), nsp)) return lag;
	}
	lag = malloc(sizeof *lag + nsp.n);
	if (!lag) return NULL;
	*lag = (struct lag){ .since_ms = since_ms, .n = nsp.n };
	memcpy(lag->nsp, nsp.p, nsp.n);
	eio_list_add_tail(&c->lags, &lag->link);
	return lag;
}

void
lag_note(struct client *c, struct eio_bytes nsp, uint64_t dropped, uint64_t since_ms)
{
	struct lag *lag = find_or_make(c, nsp, since_ms);

	if (!lag) {
		client_end(c, CLIENT_REASON_NOMEM);
		return;
	}
	lag->dropped += dropped;
	if (since_ms < lag->since_ms) lag->since_ms = since_ms;
	eio_socket_hold(c->eio);
}

static struct eio_bundle *
lag_event(const struct lag *lag, uint64_t now_ms)
{
	struct eio_bundle *bundle = NULL;
	struct sio_piece piece;
	struct eio_buf b;

	eio_buf_init(&b);
	eio_buf_printf(&b, "[\"siocast:lag\",{\"dropped\":%" PRIu64 ",\"behindMs\":%" PRIu64 "}]", lag->dropped,
		now_ms - lag->since_ms);
	piece = (struct sio_piece){ .json = eio_buf_bytes(&b) };
	if (!eio_buf_failed(&b))
		sio_emit_bundle(
			&(struct sio_emit){ .nsp = eio_bytes(lag->nsp, lag->n), .pieces = &piece, .n_pieces = 1 },
			&bundle);
	eio_buf_deinit(&b);
	return bundle;
}

void
lag_tell(struct client *c)
{
	while (!eio_list_empty(&c->lags)) {
		struct lag *lag = EIO_CONTAINER(c->lags.next, struct lag, link);

		eio_list_remove(&lag->link);
		/* Who has left the namespace meanwhile has no use for it. */
		if (sio_client_find(&c->sio, eio_bytes(lag->nsp, lag->n))) {
			clients__count(c->clients, CLIENTS_METRIC_LAG_EVENTS);
			client_send(c, lag_event(lag, eio_clock_now(c->clients->options.clock)));
		}
		free(lag);
	}
}

void
lag_forget(struct client *c)
{
	while (!eio_list_empty(&c->lags)) {
		struct lag *lag = EIO_CONTAINER(c->lags.next, struct lag, link);

		eio_list_remove(&lag->link);
		free(lag);
	}
}

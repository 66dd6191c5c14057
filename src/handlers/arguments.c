/* SPDX-License-Identifier: MIT */
/*
 * Emit and ack. Arguments that may hold binary attachments are passed on as spans of
 * the event, because their placeholders must be numbered anew; everything else is
 * written to one buffer, and the packet is made of both.
 */
#include "src/handlers/handlers_int.h"

#include "sio/event.h"

#include <stdlib.h>

static int
packet_of_pieces(struct handlers_run *r, bool ack, const struct template_json *json, struct sio_piece *pieces,
	struct eio_bundle **b)
{
	struct sio_emit e = { .nsp = sio_socket_nsp(r->call->socket),
		.ack = ack,
		.pieces = pieces,
		.attachments = r->attachments,
		.n_attachments = r->n_attachments };
	size_t from = 0;

	for (size_t i = 0; i < json->n_spans; i++) {
		const struct template_span *span = &json->spans[i];

		pieces[e.n_pieces++].json = eio_bytes(json->text.p + from, span->at - from);
		pieces[e.n_pieces++] = (struct sio_piece){ span->json, true };
		from = span->at;
	}
	pieces[e.n_pieces++].json = eio_bytes(json->text.p + from, json->text.n - from);
	if (ack) e.id = r->id;
	return sio_emit_bundle(&e, b);
}

int
handlers__packet(struct handlers_run *r, bool ack, const struct template *t, struct eio_bundle **b)
{
	size_t max = template_max_spans(t);
	struct template_json json = { .text = r->text, .spans = calloc(max, sizeof *json.spans) };
	struct sio_piece *pieces = calloc(2 * max + 1, sizeof *pieces);
	int rc = SIO_ERR_NOMEM;

	eio_buf_clear(&json.text);
	if (json.spans && pieces && template_render_json(t, &r->input, &json) == TEMPLATE_OK)
		rc = packet_of_pieces(r, ack, &json, pieces, b);
	r->text = json.text;
	free(pieces);
	free(json.spans);
	return rc;
}

void
handlers__arguments_failed(struct handlers_run *r, const struct handlers_action *a, int error)
{
	if (error == SIO_ERR_NOMEM)
		r->nomem = true;
	else
		handlers__skip(r, a, &a->parts[0], sio_strerror(error));
}

void
handlers__arguments(struct handlers_run *r, const struct handlers_action *a)
{
	bool ack = a->type == HANDLERS_ACK;
	struct eio_bundle *b;
	int rc;

	if (ack && (!r->has_id || r->acked)) return;
	rc = handlers__packet(r, ack, a->parts[0].template, &b);
	if (rc) {
		handlers__arguments_failed(r, a, rc);
		return;
	}
	r->call->ops->send(r->call->ctx, r->call->socket, b);
	if (ack) r->acked = true;
}

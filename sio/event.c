/* SPDX-License-Identifier: MIT */
/* Packets a server sends, as bundles. What placeholders mean is in placeholder.c, the grammar in packet.c. */
#include "sio/event.h"

#include "sio/json.h"
#include "sio/placeholder_int.h"

/* Writes the pieces to body, with new numbers for their attachments. */
static int
write_body(const struct sio_emit *e, struct eio_buf *body, struct sio__renumber *r)
{
	int rc;

	eio_buf_clear(body);
	r->out = body;
	r->n_in = e->n_attachments;
	r->n_out = 0;
	for (size_t i = 0; i < e->n_pieces; i++) {
		if (!e->pieces[i].refs || e->n_attachments == 0) {
			eio_buf_add(body, e->pieces[i].json);
			continue;
		}
		rc = sio__renumber(r, e->pieces[i].json);
		if (rc) return rc;
	}
	return eio_buf_failed(body) ? SIO_ERR_NOMEM : 0;
}

/* The packet's text around the body, and the attachments it uses behind it. */
static int
finish_packet(
	const struct sio_emit *e, struct eio_bytes body, const struct sio__renumber *r, struct eio_bundle **bundle)
{
	struct eio_message messages[1 + SIO_MAX_ATTACHMENTS];
	struct sio_packet p = { .nsp = e->nsp, .has_id = e->id.p != NULL, .id = e->id, .data = body };
	struct eio_buf text;

	p.attachments = r->n_out;
	if (e->ack)
		p.type = r->n_out ? SIO_PACKET_BINARY_ACK : SIO_PACKET_ACK;
	else
		p.type = r->n_out ? SIO_PACKET_BINARY_EVENT : SIO_PACKET_EVENT;
	eio_buf_init(&text);
	sio_packet_encode(&text, &p);
	*bundle = NULL;
	if (!eio_buf_failed(&text)) {
		messages[0] = (struct eio_message){ .data = eio_buf_bytes(&text), .json = true };
		for (unsigned i = 0; i < r->n_out; i++)
			messages[1 + i] = (struct eio_message){ .binary = true, .data = e->attachments[r->map[i]] };
		*bundle = eio_bundle_new(messages, 1 + r->n_out);
	}
	eio_buf_deinit(&text);
	return *bundle ? 0 : SIO_ERR_NOMEM;
}

int
sio_emit_bundle(const struct sio_emit *e, struct eio_bundle **bundle)
{
	struct sio__renumber r = { 0 };
	struct eio_buf body;
	int rc;

	*bundle = NULL;
	if (e->n_attachments > SIO_MAX_ATTACHMENTS || (e->ack && !e->id.p)) return SIO_ERR_INVALID_ARGUMENT;
	eio_buf_init(&body);
	rc = write_body(e, &body, &r);
	if (rc == SIO_ERR_TOO_MANY_ATTACHMENTS) {
		/* A number for each occurrence, as the reference does it, would be more than clients take. */
		r.share = true;
		rc = write_body(e, &body, &r);
	}
	if (rc == 0 && !e->ack && !sio_packet_event_data_valid(eio_buf_bytes(&body))) rc = SIO_ERR_EVENT_NAME;
	if (rc == 0) rc = finish_packet(e, eio_buf_bytes(&body), &r, bundle);
	eio_buf_deinit(&body);
	return rc;
}

/* As one string, whatever it is made of. */
static void
escape_payload(struct eio_buf *out, const struct sio_broadcast *b)
{
	struct eio_buf all;

	if (!b->before.n && !b->after.n) {
		sio_json_escape(out, b->payload);
		return;
	}
	eio_buf_init(&all);
	eio_buf_add(&all, b->before);
	eio_buf_add(&all, b->payload);
	eio_buf_add(&all, b->after);
	if (eio_buf_failed(&all))
		out->failed = true;
	else
		sio_json_escape(out, eio_buf_bytes(&all));
	eio_buf_deinit(&all);
}

int
sio_broadcast_bundle(const struct sio_broadcast *b, struct eio_bundle **bundle)
{
	struct sio_packet p = { .nsp = b->nsp };
	struct eio_message messages[2];
	struct eio_buf text;
	size_t n = 1;

	*bundle = NULL;
	if (sio_packet_event_reserved(b->event)) return SIO_ERR_EVENT_NAME;
	if (b->encode == SIO_ENCODE_BINARY) {
		p.type = SIO_PACKET_BINARY_EVENT;
		p.attachments = 1;
		messages[n++] = (struct eio_message){
			.binary = true, .data = b->before, .more = { b->payload, b->after }
		};
	} else {
		p.type = SIO_PACKET_EVENT;
	}
	eio_buf_init(&text);
	sio_packet_encode(&text, &p);
	eio_buf_addc(&text, '[');
	sio_json_escape(&text, b->event);
	if (b->encode != SIO_ENCODE_ARGUMENTS || b->payload.n) eio_buf_addc(&text, ',');
	switch (b->encode) {
	case SIO_ENCODE_BINARY: EIO_BUF_ADD_LIT(&text, "{\"_placeholder\":true,\"num\":0}"); break;
	case SIO_ENCODE_JSON:
	case SIO_ENCODE_ARGUMENTS: break;
	case SIO_ENCODE_TEXT: escape_payload(&text, b); break;
	}
	messages[0] = (struct eio_message){ .data = eio_buf_bytes(&text), .json = true };
	if (b->encode == SIO_ENCODE_JSON || b->encode == SIO_ENCODE_ARGUMENTS)
		memcpy(messages[0].more, (struct eio_bytes[]){ b->before, b->payload, b->after, EIO_LIT("]") },
			sizeof messages[0].more);
	else
		messages[0].more[0] = EIO_LIT("]");
	if (!eio_buf_failed(&text)) *bundle = eio_bundle_new(messages, n);
	eio_buf_deinit(&text);
	return *bundle ? 0 : SIO_ERR_NOMEM;
}

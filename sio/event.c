/* SPDX-License-Identifier: MIT */
/* Packets a server sends, as bundles. What placeholders mean is in placeholder.c, the grammar in packet.c. */
#include "sio/event.h"

#include "eio/check.h"
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
		messages[0] = (struct eio_message){ .data = eio_buf_bytes(&text), .json = true, .extra = e->extra };
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

/* The end of an event's text, with its offset, in mem. */
static struct eio_bytes
end_of_event(char mem[SIO_OFFSET_MAX + 4], struct eio_bytes offset)
{
	if (!offset.n) return EIO_LIT("]");
	CHECK(offset.n <= SIO_OFFSET_MAX);
	mem[0] = ',';
	mem[1] = '"';
	memcpy(mem + 2, offset.p, offset.n);
	memcpy(mem + 2 + offset.n, "\"]", 2);
	return eio_bytes(mem, offset.n + 4);
}

/* Whether the last string of an event is what stands last, be it its name. */
static bool
ends_in_string(const struct sio_broadcast *b)
{
	const struct eio_bytes parts[] = { b->after, b->payload, b->before };

	if (b->encode == SIO_ENCODE_TEXT) return true;
	if (b->encode == SIO_ENCODE_BINARY) return false;
	for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
		struct eio_bytes part = sio_json_trim(parts[i]);

		if (part.n) return part.p[part.n - 1] == '"';
	}
	return true;
}

static struct eio_bytes
end_of_broadcast(char mem[SIO_OFFSET_MAX + 4], const struct sio_broadcast *b)
{
	return b->no_offset && ends_in_string(b) ? EIO_LIT(",null]") : end_of_event(mem, b->offset);
}

/* The text up to where the payload begins. */
static void
begin_broadcast(struct eio_buf *text, const struct sio_broadcast *b, const struct sio_packet *p)
{
	sio_packet_encode(text, p);
	eio_buf_addc(text, '[');
	sio_json_escape(text, b->event);
	if (b->encode != SIO_ENCODE_ARGUMENTS || b->payload.n) eio_buf_addc(text, ',');
	if (b->encode == SIO_ENCODE_BINARY) EIO_BUF_ADD_LIT(text, "{\"_placeholder\":true,\"num\":0}");
	if (b->encode == SIO_ENCODE_TEXT) escape_payload(text, b);
}

int
sio_broadcast_bundle(const struct sio_broadcast *b, struct eio_bundle **bundle)
{
	bool binary = b->encode == SIO_ENCODE_BINARY, text = b->encode == SIO_ENCODE_TEXT;
	struct sio_packet p = {
		.type = binary ? SIO_PACKET_BINARY_EVENT : SIO_PACKET_EVENT, .nsp = b->nsp, .attachments = binary
	};
	struct eio_message messages[2] = { { .json = true }, { .binary = true } };
	struct eio_buf head = { 0 };
	char end[SIO_OFFSET_MAX + 4];

	*bundle = NULL;
	if (sio_packet_event_reserved(b->event)) return SIO_ERR_EVENT_NAME;
	begin_broadcast(&head, b, &p);
	if (!eio_buf_failed(&head)) {
		const struct eio_bytes payload[] = { b->before, b->payload, b->after };

		messages[0].data = eio_buf_bytes(&head);
		messages[0].more[3] = end_of_broadcast(end, b);
		messages[0].extra = (unsigned char)(messages[0].more[3].n - 1);
		if (binary)
			memcpy(messages[1].more, payload, sizeof payload);
		else if (!text)
			memcpy(messages[0].more, payload, sizeof payload);
		*bundle = eio_bundle_new(messages, binary ? 2 : 1);
	}
	eio_buf_deinit(&head);
	return *bundle ? 0 : SIO_ERR_NOMEM;
}

int
sio_event_add_offset(const struct eio_bundle *b, struct eio_bytes offset, struct eio_bundle **bundle)
{
	struct eio_message messages[1 + SIO_MAX_ATTACHMENTS];
	char end[SIO_OFFSET_MAX + 4], type;
	size_t n = 0;

	*bundle = NULL;
	while (n < 1 + SIO_MAX_ATTACHMENTS && eio_bundle_message(b, n, &messages[n])) n++;
	CHECK(n > 0 && !messages[0].binary && messages[0].data.n > 0);
	type = messages[0].data.p[0];
	if (type != '0' + SIO_PACKET_EVENT && type != '0' + SIO_PACKET_BINARY_EVENT) return SIO_ERR_INVALID_ARGUMENT;
	CHECK(messages[0].data.p[messages[0].data.n - 1] == ']');
	messages[0].data.n--;
	messages[0].more[0] = end_of_event(end, offset);
	messages[0].extra = (unsigned char)(messages[0].extra + messages[0].more[0].n - 1);
	*bundle = eio_bundle_new(messages, n);
	return *bundle ? 0 : SIO_ERR_NOMEM;
}

/* SPDX-License-Identifier: MIT */
/*
 * Publish: a message for a Redis channel. The channel's name is made in the run's list, since values are looked up in
 * its scratch buffer.
 */
#include "src/handlers/handlers_int.h"

#include "eio/base64.h"
#include "sio/json.h"

#include <stdlib.h>

/* Envelopes */

void
handlers__write_event(const struct handlers_run *r, struct eio_buf *out)
{
	EIO_BUF_ADD_LIT(out, "\"event\":");
	eio_buf_add(out, r->event);
	EIO_BUF_ADD_LIT(out, ",\"args\":[");
	eio_buf_add(out, r->args);
	EIO_BUF_ADD_LIT(out, "],\"sid\":");
	sio_json_escape(out, sio_socket_id(r->call->socket));
	EIO_BUF_ADD_LIT(out, ",\"nsp\":");
	sio_json_escape(out, sio_socket_nsp(r->call->socket));
	for (size_t i = 0; i < r->n_attachments; i++) {
		if (i == 0)
			EIO_BUF_ADD_LIT(out, ",\"attachments\":[\"");
		else
			EIO_BUF_ADD_LIT(out, ",\"");
		if (!eio_buf_reserve(out, eio_base64_encoded_len(r->attachments[i].n))) return;
		out->n += eio_base64_encode(out->p + out->n, r->attachments[i]);
		eio_buf_addc(out, '"');
	}
	if (r->n_attachments) eio_buf_addc(out, ']');
}

bool
handlers__write_member(struct handlers_run *r, const struct handlers_part *part, struct eio_buf *out)
{
	struct template_value v = template_value_of(part->template, &r->input);

	if (v.type == TEMPLATE_FAILED) return false;
	if (v.type == TEMPLATE_NOTHING) return true;
	if (out->n && out->p[out->n - 1] != '{') eio_buf_addc(out, ',');
	sio_json_escape(out, eio_cstr(part->source));
	eio_buf_addc(out, ':');
	eio_buf_add(out, v.bytes); /* those of a client are JSON */
	return true;
}

static enum template_result
make_envelope(struct handlers_run *r, const struct handlers_action *a, struct eio_bytes *out)
{
	bool ok = true;

	eio_buf_clear(&r->text);
	eio_buf_addc(&r->text, '{');
	handlers__write_event(r, &r->text);
	for (size_t i = 1; i < a->n_rooms && ok; i++) ok = handlers__write_member(r, &a->parts[i], &r->text);
	if (a->n > 1) {
		EIO_BUF_ADD_LIT(&r->text, ",\"headers\":{");
		for (size_t i = a->n_rooms; i < a->n && ok; i++) ok = handlers__write_member(r, &a->parts[i], &r->text);
		eio_buf_addc(&r->text, '}');
	}
	eio_buf_addc(&r->text, '}');
	*out = eio_buf_bytes(&r->text);
	return ok ? TEMPLATE_OK : TEMPLATE_NOMEM;
}

/* Messages that are made */

/* The attachment that a value stands for, or NULL when it is no placeholder. */
static const struct eio_bytes *
attachment_of(const struct handlers_run *r, const struct template_value *v)
{
	struct eio_bytes is, number;
	size_t n = 0;

	if (!v->apart || sio_json_kind(v->bytes) != SIO_JSON_OBJECT) return NULL;
	if (!sio_json_find(v->bytes, EIO_LIT("/_placeholder"), &is) || sio_json_kind(is) != SIO_JSON_TRUE) return NULL;
	if (!sio_json_find(v->bytes, EIO_LIT("/num"), &number) || number.n > 2) return NULL;
	for (size_t i = 0; i < number.n; i++) {
		if (number.p[i] < '0' || number.p[i] > '9') return NULL;
		n = 10 * n + (size_t)(number.p[i] - '0');
	}
	return n < r->n_attachments ? &r->attachments[n] : NULL;
}

/* One value: bytes that are binary, the text of a string, everything else as it came. */
static enum template_result
make_value(struct handlers_run *r, const struct template *t, struct eio_bytes *out)
{
	struct template_value v = template_value_of(t, &r->input);
	const struct eio_bytes *attachment;

	eio_buf_clear(&r->text);
	switch (v.type) {
	case TEMPLATE_NOTHING: return TEMPLATE_MISSING;
	case TEMPLATE_FAILED: return TEMPLATE_NOMEM;
	case TEMPLATE_PLAIN: eio_buf_add(&r->text, v.bytes); break;
	case TEMPLATE_ELEMENTS:
		eio_buf_addc(&r->text, '[');
		eio_buf_add(&r->text, v.bytes);
		eio_buf_addc(&r->text, ']');
		break;
	case TEMPLATE_RAW:
		if (sio_json_kind(v.bytes) == SIO_JSON_NULL) return TEMPLATE_MISSING;
		attachment = attachment_of(r, &v);
		if (sio_json_kind(v.bytes) == SIO_JSON_STRING)
			sio_json_unescape(&r->text, v.bytes);
		else
			eio_buf_add(&r->text, attachment ? *attachment : v.bytes);
	}
	*out = eio_buf_bytes(&r->text);
	return TEMPLATE_OK;
}

/* JSON, with the values in their places that were not copied. */
static enum template_result
make_json(struct handlers_run *r, const struct template *t, struct eio_bytes *out)
{
	struct template_json json = { .text = r->text, .spans = calloc(template_max_spans(t), sizeof *json.spans) };
	enum template_result result = TEMPLATE_NOMEM;
	size_t from = 0;

	eio_buf_clear(&json.text);
	if (json.spans) result = template_render_json(t, &r->input, &json);
	r->text = json.text;
	eio_buf_clear(&r->scratch);
	for (size_t i = 0; result == TEMPLATE_OK && i < json.n_spans; i++) {
		eio_buf_append(&r->scratch, r->text.p + from, json.spans[i].at - from);
		eio_buf_add(&r->scratch, json.spans[i].json);
		from = json.spans[i].at;
	}
	if (result == TEMPLATE_OK) eio_buf_append(&r->scratch, r->text.p + from, r->text.n - from);
	free(json.spans);
	*out = eio_buf_bytes(&r->scratch);
	return result;
}

/* Text with values in it: made as the string of JSON that it would be, and then read. */
static enum template_result
make_text(struct handlers_run *r, const struct template *t, struct eio_bytes *out)
{
	enum template_result result = template_is_value(t) ? make_value(r, t, out) : make_json(r, t, out);

	if (result != TEMPLATE_OK || template_is_value(t) || eio_buf_failed(&r->scratch)) return result;
	eio_buf_clear(&r->text);
	sio_json_unescape(&r->text, *out);
	*out = eio_buf_bytes(&r->text);
	return TEMPLATE_OK;
}

static enum template_result
make_message(struct handlers_run *r, const struct handlers_action *a, struct eio_bytes *out)
{
	switch (a->form) {
	case HANDLERS_AS_TEXT: return make_text(r, a->parts[1].template, out);
	case HANDLERS_AS_JSON: return make_json(r, a->parts[1].template, out);
	case HANDLERS_ENVELOPE: break;
	}
	return make_envelope(r, a, out);
}

void
handlers__publish(struct handlers_run *r, const struct handlers_action *a)
{
	const struct handlers_call *c = r->call;
	struct eio_bytes message;
	enum template_result result;

	eio_buf_clear(&r->list);
	result = template_render(a->parts[0].template, &r->input, &r->list);
	if (result == TEMPLATE_OK) result = make_message(r, a, &message);
	if (result == TEMPLATE_NOMEM || eio_buf_failed(&r->list) || eio_buf_failed(&r->text) ||
		eio_buf_failed(&r->scratch))
		r->nomem = true;
	else if (result != TEMPLATE_OK)
		handlers__skip(r, a, &a->parts[0], template_result_text(result));
	else
		c->ops->publish(c->ctx, c->socket, eio_buf_bytes(&r->list), message);
}

/* SPDX-License-Identifier: MIT */
/* From a message to its payload; see the header. */
#include "src/feed/shape.h"

#include "sio/json.h"
#include "src/feed/format.h"
#include "src/feed/stream.h"

enum { KEPT_BYTES = 1 << 20 };

void
feed_shaper_deinit(struct feed_shaper *s)
{
	eio_buf_deinit(&s->rest);
	eio_buf_deinit(&s->json.text);
	eio_buf_deinit(&s->text);
}

/* Empties a buffer. What one large message took is not kept for small ones. */
static void
clear_buffer(struct eio_buf *b)
{
	if (b->cap > KEPT_BYTES)
		eio_buf_deinit(b);
	else
		eio_buf_clear(b);
}

static void
put_json(struct message *m, struct eio_bytes json)
{
	m->payload = json;
	m->json = m->utf8 = MESSAGE_FACT_YES;
}

static void
put_text_payload(struct message *m, struct eio_bytes text, enum message_fact utf8)
{
	m->payload = text;
	m->json = MESSAGE_FACT_UNKNOWN;
	m->utf8 = utf8;
}

/* Whether payloads stand for themselves, so that a string is its text; else they must be JSON. */
static bool
takes_text(const struct feed_spec *f)
{
	if (f->encode == FEED_ENCODE_JSON || f->spread) return false;
	return feed_is_bare(f) || !feed_format_is_list(f->format);
}

/* A raw string as its text. */
static enum feed_fate
put_string(struct feed_shaper *s, struct message *m, struct eio_bytes string)
{
	if (!memchr(string.p, '\\', string.n)) {
		put_text_payload(m, eio_bytes(string.p + 1, string.n - 2), MESSAGE_FACT_YES);
		return FEED_FATE_TAKEN;
	}
	clear_buffer(&s->text);
	sio_json_unescape(&s->text, string);
	if (eio_buf_failed(&s->text)) return FEED_FATE_MEMORY;
	put_text_payload(m, eio_buf_bytes(&s->text), MESSAGE_FACT_YES);
	return FEED_FATE_TAKEN;
}

/* Text that the template gave, such as the channel. */
static enum feed_fate
put_plain(struct feed_shaper *s, const struct feed_spec *f, struct message *m, struct eio_bytes text)
{
	if (takes_text(f)) {
		put_text_payload(m, text, MESSAGE_FACT_UNKNOWN);
		return FEED_FATE_TAKEN;
	}
	clear_buffer(&s->text);
	sio_json_escape(&s->text, text);
	if (eio_buf_failed(&s->text)) return FEED_FATE_MEMORY;
	put_json(m, eio_buf_bytes(&s->text));
	return FEED_FATE_TAKEN;
}

/* The payload that a template makes. */
static enum feed_fate
shape_payload(struct feed_shaper *s, const struct feed_spec *f, const struct template *t,
	const struct template_input *in, struct message *m)
{
	struct template_value v = { .type = TEMPLATE_RAW };

	if (!template_value_alone(t, in, &v)) {
		clear_buffer(&s->json.text);
		s->json.missing = false;
		if (template_render_json(t, in, &s->json) != TEMPLATE_OK) return FEED_FATE_MEMORY;
		v.type = s->json.missing ? TEMPLATE_NOTHING : TEMPLATE_RAW;
		v.bytes = eio_buf_bytes(&s->json.text);
	}
	if (v.type == TEMPLATE_NOTHING) return FEED_FATE_PAYLOAD;
	if (v.type == TEMPLATE_PLAIN) return put_plain(s, f, m, v.bytes);
	if (takes_text(f) && sio_json_kind(v.bytes) == SIO_JSON_STRING) return put_string(s, m, v.bytes);
	put_json(m, v.bytes);
	return FEED_FATE_TAKEN;
}

/* The elements of a list, each as one string. */
static void
add_texts(struct eio_buf *out, struct eio_bytes list)
{
	struct sio_json_iter it = sio_json_iter(list);
	struct eio_bytes v;

	for (bool first = true; sio_json_next(&it, NULL, &v); first = false) {
		if (!first) eio_buf_addc(out, ',');
		if (sio_json_kind(v) == SIO_JSON_STRING)
			eio_buf_add(out, v);
		else
			sio_json_escape(out, v);
	}
}

static enum feed_fate
shape_spread(struct feed_shaper *s, const struct feed_spec *f, struct message *m)
{
	struct eio_bytes list = sio_json_trim(m->payload);

	if (sio_json_kind(list) != SIO_JSON_ARRAY) return FEED_FATE_SPREAD;
	put_json(m, sio_json_trim(eio_bytes(list.p + 1, list.n - 2)));
	if (f->encode != FEED_ENCODE_TEXT) return FEED_FATE_TAKEN;
	clear_buffer(&s->text);
	add_texts(&s->text, list);
	if (eio_buf_failed(&s->text)) return FEED_FATE_MEMORY;
	m->payload = eio_buf_bytes(&s->text);
	return FEED_FATE_TAKEN;
}

enum feed_fate
feed_shape(struct feed_shaper *s, const struct feed_spec *f, const struct template_input *in, struct message *m)
{
	struct template_input rest = *in;
	enum feed_fate fate = FEED_FATE_TAKEN;

	clear_buffer(&s->rest);
	if (f->omit && sio_json_cut(f->omit, in->message, &s->rest)) {
		if (eio_buf_failed(&s->rest)) return FEED_FATE_MEMORY;
		rest.message = eio_buf_bytes(&s->rest);
		put_json(m, rest.message);
	}
	if (f->payload) fate = shape_payload(s, f, f->payload, &rest, m);
	if (fate == FEED_FATE_PAYLOAD && f->payload_default) fate = shape_payload(s, f, f->payload_default, &rest, m);
	return fate == FEED_FATE_TAKEN && f->spread ? shape_spread(s, f, m) : fate;
}

/* SPDX-License-Identifier: MIT */
/* JSON from templates: values are spliced in byte for byte, so that nothing is lost in them. */
#include "src/template/template_int.h"

#include "eio/check.h"
#include "sio/json.h"

bool
template_is_value(const struct template *t)
{
	return t->n == 1 && t->parts[0].form == TEMPLATE_FORM_VALUE;
}

struct template_value
template_value_of(const struct template *t, const struct template_input *in)
{
	CHECK(template_is_value(t));
	return template__value(t, &t->parts[0], in);
}

size_t
template_max_spans(const struct template *t)
{
	return t->n;
}

/* Whether what was written ends with the opening bracket of a list: of JSON text in front of an element, only that
 * ends so. */
static bool
list_empty(const struct template_json *out)
{
	if (out->n_spans && out->spans[out->n_spans - 1].at == out->text.n) return false;
	return out->text.n > 0 && out->text.p[out->text.n - 1] == '[';
}

static void
write_separator(struct template_json *out)
{
	if (!list_empty(out)) eio_buf_addc(&out->text, ',');
}

static void
write_bytes(struct template_json *out, const struct template_value *v)
{
	if (!v->apart)
		eio_buf_add(&out->text, v->bytes);
	else if (v->bytes.n)
		out->spans[out->n_spans++] = (struct template_span){ out->text.n, v->bytes };
}

static void
write_json_value(struct template_json *out, const struct template_value *v)
{
	switch (v->type) {
	case TEMPLATE_FAILED:
	case TEMPLATE_NOTHING: EIO_BUF_ADD_LIT(&out->text, "null"); break;
	case TEMPLATE_PLAIN: sio_json_escape(&out->text, v->bytes); break;
	case TEMPLATE_RAW: write_bytes(out, v); break;
	case TEMPLATE_ELEMENTS:
		eio_buf_addc(&out->text, '[');
		write_bytes(out, v);
		eio_buf_addc(&out->text, ']');
		break;
	}
}

static void
write_spread(struct template_json *out, const struct template_value *v)
{
	if (v->bytes.n == 0) return;
	write_separator(out);
	write_bytes(out, v);
}

static void
write_optional(struct template_json *out, const struct template_value *v)
{
	if (v->type == TEMPLATE_NOTHING) return;
	write_separator(out);
	write_json_value(out, v);
}

/* Appends text as the inside of a JSON string. */
static void
write_escaped(struct eio_buf *out, struct eio_bytes s)
{
	size_t from = out->n;

	sio_json_escape(out, s);
	if (eio_buf_failed(out)) return;
	out->n -= 2; /* without the quotes */
	memmove(out->p + from, out->p + from + 1, out->n - from);
}

static void
write_inside(struct eio_buf *out, const struct template_value *v)
{
	switch (v->type) {
	case TEMPLATE_FAILED:
	case TEMPLATE_NOTHING: return;
	case TEMPLATE_PLAIN: write_escaped(out, v->bytes); return;
	case TEMPLATE_ELEMENTS:
		eio_buf_addc(out, '[');
		write_escaped(out, v->bytes);
		eio_buf_addc(out, ']');
		return;
	case TEMPLATE_RAW: break;
	}
	switch (sio_json_kind(v->bytes)) {
	case SIO_JSON_NULL: break;
	case SIO_JSON_STRING: eio_buf_append(out, v->bytes.p + 1, v->bytes.n - 2); break; /* escaped already */
	default: write_escaped(out, v->bytes);
	}
}

/* False when out of memory. */
static bool
write_placeholder(const struct template *t, const struct template_part *part, const struct template_input *in,
	struct template_json *out)
{
	struct template_value v = template__value(t, part, in);
	bool whole = part->form == TEMPLATE_FORM_VALUE || part->form == TEMPLATE_FORM_INSIDE;

	if (v.type == TEMPLATE_NOTHING && whole) out->missing = true;
	if (part->form == TEMPLATE_FORM_VALUE)
		write_json_value(out, &v);
	else if (part->form == TEMPLATE_FORM_OPTIONAL)
		write_optional(out, &v);
	else if (part->form == TEMPLATE_FORM_SPREAD)
		write_spread(out, &v);
	else
		write_inside(&out->text, &v);
	return v.type != TEMPLATE_FAILED;
}

bool
template_value_alone(const struct template *t, const struct template_input *in, struct template_value *out)
{
	if (t->n != 1 || t->parts[0].form != TEMPLATE_FORM_VALUE) return false;
	*out = template__value(t, &t->parts[0], in);
	return true;
}

enum template_result
template_render_json(const struct template *t, const struct template_input *in, struct template_json *out)
{
	CHECK(out->n_spans == 0);
	for (size_t i = 0; i < t->n; i++) {
		const struct template_part *part = &t->parts[i];

		if (part->form == TEMPLATE_FORM_TEXT)
			eio_buf_append(&out->text, t->text.p + part->at, part->n);
		else if (part->form == TEMPLATE_FORM_SEPARATOR)
			write_separator(out);
		else if (!write_placeholder(t, part, in, out))
			return TEMPLATE_NOMEM;
	}
	return eio_buf_failed(&out->text) ? TEMPLATE_NOMEM : TEMPLATE_OK;
}

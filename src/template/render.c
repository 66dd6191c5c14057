/* SPDX-License-Identifier: MIT */
/* Names from templates. The first function runs for every message of a feed. */
#include "src/template/template_int.h"

#include "eio/check.h"
#include "sio/json.h"

static struct template_value
found_value(const struct template *t, const struct template_part *part, const struct template_input *in)
{
	struct template_placeholder p = { part->what, part->number, template__part_name(t, part) };

	CHECK(in->find);
	return in->find(in->ctx, &p);
}

struct template_value
template__value(const struct template *t, const struct template_part *part, const struct template_input *in)
{
	struct template_value v = { .type = TEMPLATE_NOTHING };

	CHECK(part->what != TEMPLATE_TEXT);
	switch (part->what) {
	case TEMPLATE_CHANNEL: return (struct template_value){ TEMPLATE_PLAIN, in->channel, false };
	case TEMPLATE_ID: return (struct template_value){ TEMPLATE_PLAIN, in->id, false };
	case TEMPLATE_STAR:
		if (in->captures && part->number < in->captures->n)
			v = (struct template_value){ TEMPLATE_PLAIN, in->captures->v[part->number], false };
		return v;
	case TEMPLATE_MESSAGE: v = (struct template_value){ TEMPLATE_RAW, sio_json_trim(in->message), false }; break;
	case TEMPLATE_MESSAGE_TEXT: return (struct template_value){ TEMPLATE_PLAIN, in->message, false };
	default: v = found_value(t, part, in);
	}
	if (v.type == TEMPLATE_RAW && part->n &&
		!sio_json_find(v.bytes, eio_bytes(t->text.p + part->at, part->n), &v.bytes))
		v.type = TEMPLATE_NOTHING;
	return v;
}

static enum template_result
render_json_value(struct eio_bytes json, struct eio_buf *out)
{
	switch (sio_json_kind(json)) {
	case SIO_JSON_STRING: sio_json_unescape(out, json); return TEMPLATE_OK;
	case SIO_JSON_NUMBER:
	case SIO_JSON_TRUE:
	case SIO_JSON_FALSE: eio_buf_add(out, json); return TEMPLATE_OK;
	case SIO_JSON_NULL: return TEMPLATE_MISSING;
	case SIO_JSON_ARRAY:
	case SIO_JSON_OBJECT: break;
	}
	return TEMPLATE_NOT_TEXT;
}

/* Appends a value to a name. */
static enum template_result
render_value(const struct template_value *v, struct eio_buf *out)
{
	switch (v->type) {
	case TEMPLATE_NOTHING: return TEMPLATE_MISSING;
	case TEMPLATE_PLAIN: eio_buf_add(out, v->bytes); return TEMPLATE_OK;
	case TEMPLATE_RAW: return render_json_value(v->bytes, out);
	case TEMPLATE_ELEMENTS: return TEMPLATE_NOT_TEXT;
	case TEMPLATE_FAILED: break;
	}
	return TEMPLATE_NOMEM;
}

static enum template_result
render_message(const struct template *t, const struct template_part *part, const struct template_input *in,
	struct eio_buf *out)
{
	struct eio_bytes v;

	if (!sio_json_find(in->message, eio_bytes(t->text.p + part->at, part->n), &v)) return TEMPLATE_MISSING;
	return render_json_value(v, out);
}

static enum template_result
render_other(const struct template *t, const struct template_part *part, const struct template_input *in,
	struct eio_buf *out)
{
	struct template_value v = template__value(t, part, in);

	return render_value(&v, out);
}

/* What the templates of feeds are made of is written right here, without a struct template_value. */
enum template_result
template_render(const struct template *t, const struct template_input *in, struct eio_buf *out)
{
	enum template_result r = TEMPLATE_OK;

	for (size_t i = 0; i < t->n && r == TEMPLATE_OK; i++) {
		const struct template_part *part = &t->parts[i];

		switch (part->what) {
		case TEMPLATE_TEXT: eio_buf_append(out, t->text.p + part->at, part->n); break;
		case TEMPLATE_CHANNEL: eio_buf_add(out, in->channel); break;
		case TEMPLATE_ID: eio_buf_add(out, in->id); break;
		case TEMPLATE_STAR:
			if (!in->captures || part->number >= in->captures->n) return TEMPLATE_MISSING;
			eio_buf_add(out, in->captures->v[part->number]);
			break;
		case TEMPLATE_MESSAGE: r = render_message(t, part, in, out); break;
		default: r = render_other(t, part, in, out);
		}
	}
	return r;
}

/* Several names */

void
template_names_deinit(struct template_names *n)
{
	eio_buf_deinit(&n->name);
	eio_buf_deinit(&n->tail);
	eio_buf_deinit(&n->list);
}

static bool
is_list(const struct template_value *v)
{
	return v->type == TEMPLATE_ELEMENTS || (v->type == TEMPLATE_RAW && sio_json_kind(v->bytes) == SIO_JSON_ARRAY);
}

/* Copies the list, because looking for the next value may overwrite it. */
static void
keep_list(struct template_names *n, const struct template_value *v)
{
	bool bare = v->type == TEMPLATE_ELEMENTS;

	if (bare) eio_buf_addc(&n->list, '[');
	eio_buf_add(&n->list, v->bytes);
	if (bare) eio_buf_addc(&n->list, ']');
}

/* Writes what stands before the list to n->name, the list to n->list and what stands behind it to n->tail. Without a
 * list all is in n->name and n->list is empty. */
static enum template_result
render_around(const struct template *t, const struct template_input *in, struct template_names *n)
{
	struct eio_buf *out = &n->name;

	for (size_t i = 0; i < t->n; i++) {
		const struct template_part *part = &t->parts[i];
		enum template_result r = TEMPLATE_OK;
		struct template_value v;

		if (part->what == TEMPLATE_TEXT) {
			eio_buf_append(out, t->text.p + part->at, part->n);
			continue;
		}
		v = template__value(t, part, in);
		if (!is_list(&v)) {
			r = render_value(&v, out);
		} else if (out == &n->tail) {
			r = TEMPLATE_TWO_LISTS;
		} else {
			keep_list(n, &v);
			out = &n->tail;
		}
		if (r != TEMPLATE_OK) return r;
	}
	return TEMPLATE_OK;
}

static enum template_result
render_elements(struct template_names *n, void (*each)(void *ctx, struct eio_bytes name), void *ctx)
{
	struct template_value v = { .type = TEMPLATE_RAW };
	struct sio_json_iter it = sio_json_iter(eio_buf_bytes(&n->list));
	enum template_result result = TEMPLATE_OK, r;
	size_t head = n->name.n, count = 0;

	while (sio_json_next(&it, NULL, &v.bytes)) {
		if (++count > TEMPLATE_MAX_NAMES) return TEMPLATE_TOO_MANY;
		n->name.n = head;
		r = render_value(&v, &n->name);
		if (r == TEMPLATE_OK) {
			eio_buf_add(&n->name, eio_buf_bytes(&n->tail));
			if (eio_buf_failed(&n->name)) return TEMPLATE_NOMEM;
			each(ctx, eio_buf_bytes(&n->name));
		} else if (result == TEMPLATE_OK) {
			result = r;
		}
	}
	return result;
}

enum template_result
template_render_names(const struct template *t, const struct template_input *in, struct template_names *n,
	void (*each)(void *ctx, struct eio_bytes name), void *ctx)
{
	enum template_result r;

	eio_buf_clear(&n->name);
	eio_buf_clear(&n->tail);
	eio_buf_clear(&n->list);
	r = render_around(t, in, n);
	if (eio_buf_failed(&n->name) || eio_buf_failed(&n->tail) || eio_buf_failed(&n->list)) return TEMPLATE_NOMEM;
	if (r != TEMPLATE_OK) return r;
	if (n->list.n) return render_elements(n, each, ctx);
	each(ctx, eio_buf_bytes(&n->name));
	return TEMPLATE_OK;
}

const char *
template_result_text(enum template_result r)
{
	switch (r) {
	case TEMPLATE_OK: return "made";
	case TEMPLATE_MISSING: return "a value is missing";
	case TEMPLATE_NOT_TEXT: return "a list or an object is no name";
	case TEMPLATE_TWO_LISTS: return "two lists in one name";
	case TEMPLATE_TOO_MANY: return "too many names";
	case TEMPLATE_NOMEM: break;
	}
	return "out of memory";
}

/* SPDX-License-Identifier: MIT */
/* If: conditions on the values that placeholders stand for. */
#include "src/handlers/handlers_int.h"

#include "sio/json.h"

/* A value as JSON, for a comparison. False when there is none. */
static bool
json_of_value(struct handlers_run *r, const struct template_value *v, struct eio_bytes *out)
{
	switch (v->type) {
	case TEMPLATE_NOTHING: return false;
	case TEMPLATE_RAW: *out = v->bytes; return true;
	case TEMPLATE_ELEMENTS: *out = EIO_LIT("[]"); return true; /* what is in a list is not compared */
	case TEMPLATE_FAILED: r->nomem = true; return false;
	case TEMPLATE_PLAIN: break;
	}
	eio_buf_clear(&r->text);
	sio_json_escape(&r->text, v->bytes);
	if (eio_buf_failed(&r->text)) r->nomem = true;
	*out = eio_buf_bytes(&r->text);
	return !r->nomem;
}

bool
handlers__fulfilled(struct handlers_run *r, const struct handlers_action *a)
{
	for (size_t i = 0; i < a->where.n && !r->nomem; i++) {
		struct template_value v = template_value_of(a->parts[i].template, &r->input);
		struct eio_bytes json;
		bool there = json_of_value(r, &v, &json);

		if (!where_match_fulfilled(&a->where.v[i].match, there ? &json : NULL)) return false;
	}
	return true;
}

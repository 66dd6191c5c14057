/* SPDX-License-Identifier: MIT */
/* What the placeholders of these events stand for. */
#include "src/presence/render.h"

#include "eio/check.h"
#include "sio/event.h"

#include <stdlib.h>

static struct template_value
list_value(const struct eio_buf *b, bool plain)
{
	if (eio_buf_failed(b)) return (struct template_value){ .type = TEMPLATE_FAILED };
	return (struct template_value){ plain ? TEMPLATE_PLAIN : TEMPLATE_RAW, eio_buf_bytes(b), false };
}

static struct template_value
find_value(void *ctx, const struct template_placeholder *p)
{
	const struct presence_render *r = ctx;

	eio_buf_clear(r->list);
	switch (p->what) {
	case TEMPLATE_NSP: return (struct template_value){ TEMPLATE_PLAIN, r->key.nsp, false };
	case TEMPLATE_ROOM:
		return (struct template_value){ r->key.everyone ? TEMPLATE_NOTHING : TEMPLATE_PLAIN, r->key.name,
			false };
	case TEMPLATE_MEMBERS: presence_list(r->room, false, r->list); return list_value(r->list, false);
	case TEMPLATE_IDS: presence_list(r->room, true, r->list); return list_value(r->list, false);
	case TEMPLATE_INFO: return (struct template_value){ TEMPLATE_RAW, presence_member_info(r->member), false };
	case TEMPLATE_MEMBER: return (struct template_value){ TEMPLATE_RAW, presence_member_json(r->member), false };
	case TEMPLATE_NUMBER: eio_buf_append_u64(r->list, r->count); return list_value(r->list, false);
	default: break;
	}
	CHECK(!"a placeholder of another place in an event of presence");
	return (struct template_value){ .type = TEMPLATE_NOTHING };
}

/* Puts null behind a string that is the last element of a list. */
static unsigned char
end_without_text(struct eio_buf *list)
{
	if (eio_buf_failed(list) || list->n < 2 || list->p[list->n - 2] != '"') return 0;
	list->n--;
	EIO_BUF_ADD_LIT(list, ",null]");
	return sizeof ",null" - 1;
}

struct eio_bundle *
presence_render(const struct template *t, const struct presence_render *r)
{
	const struct template_input in = { .find = find_value, .ctx = (void *)(uintptr_t)r };
	struct template_json json = { .text = *r->text };
	struct eio_bundle *b = NULL;
	struct sio_piece piece;

	json.spans = calloc(template_max_spans(t) + 1, sizeof *json.spans);
	if (!json.spans) return NULL;
	eio_buf_clear(&json.text);
	if (template_render_json(t, &in, &json) == TEMPLATE_OK) {
		unsigned char extra = r->recovers ? end_without_text(&json.text) : 0;

		/* None of these values stands apart, so there are no spans. */
		piece = (struct sio_piece){ eio_buf_bytes(&json.text), false };
		if (sio_emit_bundle(
			    &(struct sio_emit){ .nsp = r->key.nsp, .pieces = &piece, .n_pieces = 1, .extra = extra },
			    &b) < 0)
			b = NULL;
	}
	*r->text = json.text;
	free(json.spans);
	return b;
}

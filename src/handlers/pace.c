/* SPDX-License-Identifier: MIT */
/* How often a client wants to be written to: a number as configured, or of the client's event. */
#include "src/handlers/handlers_int.h"

/* A whole number in digits. False when it is none, or too large. */
static bool
read_pace(struct eio_bytes text, unsigned *out)
{
	*out = 0;
	if (text.n == 0) return false;
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] < '0' || text.p[i] > '9') return false;
		*out = *out * 10 + (unsigned)(text.p[i] - '0');
		if (*out > HANDLERS_PACE_MAX) return false;
	}
	return true;
}

void
handlers__pace(struct handlers_run *r, const struct handlers_action *a)
{
	const struct handlers_part *part = &a->parts[0];
	unsigned per_second = a->pace;
	enum template_result result = TEMPLATE_OK;

	if (a->n) {
		eio_buf_clear(&r->text);
		result = template_render(part->template, &r->input, &r->text);
		if (result == TEMPLATE_NOMEM || eio_buf_failed(&r->text)) {
			r->nomem = true;
			return;
		}
	}
	if (result != TEMPLATE_OK)
		handlers__skip(r, a, part, template_result_text(result));
	else if (a->n && !read_pace(eio_buf_bytes(&r->text), &per_second))
		handlers__skip(r, a, part, "it is no whole number from 0 to 1000");
	else
		r->call->ops->pace(r->call->ctx, r->call->socket, per_second);
}

/* SPDX-License-Identifier: MIT */
/* Join and leave: actions on rooms whose names are made of the event. */
#include "src/handlers/handlers_int.h"

/* What join and leave do with each name. */
struct effect {
	const struct handlers_call *call;
	void (*op)(void *ctx, struct sio_socket *s, struct eio_bytes room);
};

static void
apply_effect(void *ctx, struct eio_bytes name)
{
	struct effect *e = ctx;

	e->op(e->call->ctx, e->call->socket, name);
}

static enum template_result
run_target(struct handlers_run *r, enum handlers_action_type type, const struct template *t)
{
	const struct handlers_ops *ops = r->call->ops;
	struct effect e = { r->call, type == HANDLERS_JOIN ? ops->join : ops->leave };

	return template_render_names(t, &r->input, &r->names, apply_effect, &e);
}

void
handlers__targets(struct handlers_run *r, const struct handlers_action *a)
{
	for (size_t i = 0; i < a->n && !r->nomem; i++) {
		enum template_result result = run_target(r, a->type, a->parts[i].template);

		if (result == TEMPLATE_NOMEM)
			r->nomem = true;
		else if (result != TEMPLATE_OK)
			handlers__skip(r, a, &a->parts[i], template_result_text(result));
	}
}

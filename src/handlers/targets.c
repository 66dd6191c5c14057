/* SPDX-License-Identifier: MIT */
/* Join and leave: actions on rooms whose names are made of the event. */
#include "src/handlers/handlers_int.h"

#include "sio/event.h"
#include "sio/json.h"

/* What join and leave do with each name. */
struct effect {
	struct handlers_run *run;
	bool asked; /* of a join: the client's words are in the name */
};

/* The ack, if there is to be one, is the refusal; what comes behind it is carried out all the same. */
static void
ack_refusal(struct handlers_run *r, const char *why, struct eio_bytes room)
{
	struct sio_piece piece = { 0 };
	struct eio_buf text = { 0 };
	struct eio_bundle *b = NULL;

	if (!r->has_id || r->acked) return;
	eio_buf_printf(&text, "[{\"error\":\"%s\",\"room\":", why);
	sio_json_escape(&text, room);
	EIO_BUF_ADD_LIT(&text, "}]");
	piece.json = eio_buf_bytes(&text);
	if (!eio_buf_failed(&text))
		sio_emit_bundle(&(struct sio_emit){ .nsp = r->call->socket->nsp,
					.ack = true,
					.id = r->id,
					.pieces = &piece,
					.n_pieces = 1 },
			&b);
	eio_buf_deinit(&text);
	if (!b) {
		r->nomem = true;
		return;
	}
	r->call->ops->send(r->call->ctx, r->call->socket, b);
	r->acked = true;
}

static void
apply_join(void *ctx, struct eio_bytes name)
{
	struct effect *e = ctx;
	const struct handlers_call *call = e->run->call;
	const char *why = call->ops->join(call->ctx, call->socket, name, e->asked);

	if (why) ack_refusal(e->run, why, name);
}

static void
apply_leave(void *ctx, struct eio_bytes name)
{
	struct effect *e = ctx;

	e->run->call->ops->leave(e->run->call->ctx, e->run->call->socket, name);
}

/* Whether a value comes from others than the client. */
static bool
is_from_others(enum template_what what)
{
	return what == TEMPLATE_CLAIMS || what == TEMPLATE_ADDRESS || what == TEMPLATE_SID || what == TEMPLATE_NSP;
}

/* Whether a client has a say in what becomes of a template. */
static bool
is_asked(const struct template *t)
{
	struct template_placeholder p;

	for (size_t i = 0; template_next_placeholder(t, &i, &p);)
		if (!is_from_others(p.what)) return true;
	return false;
}

static enum template_result
run_target(struct handlers_run *r, enum handlers_action_type type, const struct template *t)
{
	struct effect e = { r, type == HANDLERS_JOIN && is_asked(t) };

	return template_render_names(t, &r->input, &r->names, type == HANDLERS_JOIN ? apply_join : apply_leave, &e);
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

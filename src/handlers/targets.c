/* SPDX-License-Identifier: MIT */
/* Join, leave and publish: actions on rooms and channels whose names are made of the event. */
#include "src/handlers/handlers_int.h"

#include "eio/base64.h"
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

/* Whether a client has a say in what becomes of a template. */
static bool
is_asked(const struct template *t)
{
	struct template_placeholder p;

	for (size_t i = 0; template_next_placeholder(t, &i, &p);)
		if (p.what != TEMPLATE_CLAIMS && p.what != TEMPLATE_SID && p.what != TEMPLATE_NSP) return true;
	return false;
}

/* {"event":…,"args":[…],"sid":…,"nsp":…} and the attachments, which are numbered by the placeholders in args. */
static void
write_message(const struct handlers_run *r, struct eio_buf *out)
{
	EIO_BUF_ADD_LIT(out, "{\"event\":");
	eio_buf_add(out, r->event);
	EIO_BUF_ADD_LIT(out, ",\"args\":[");
	eio_buf_add(out, r->args);
	EIO_BUF_ADD_LIT(out, "],\"sid\":");
	sio_json_escape(out, sio_socket_id(r->call->socket));
	EIO_BUF_ADD_LIT(out, ",\"nsp\":");
	sio_json_escape(out, r->call->socket->nsp);
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
	eio_buf_addc(out, '}');
}

static enum template_result
publish_to(struct handlers_run *r, const struct template *channel)
{
	const struct handlers_call *c = r->call;
	enum template_result result;

	eio_buf_clear(&r->text);
	result = template_render(channel, &r->input, &r->text);
	if (result != TEMPLATE_OK) return result;
	eio_buf_clear(&r->scratch);
	write_message(r, &r->scratch);
	if (eio_buf_failed(&r->text) || eio_buf_failed(&r->scratch)) return TEMPLATE_NOMEM;
	c->ops->publish(c->ctx, c->socket, eio_buf_bytes(&r->text), eio_buf_bytes(&r->scratch));
	return TEMPLATE_OK;
}

static enum template_result
run_target(struct handlers_run *r, enum handlers_action_type type, const struct template *t)
{
	struct effect e = { r, type == HANDLERS_JOIN && is_asked(t) };

	if (type == HANDLERS_PUBLISH) return publish_to(r, t);
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

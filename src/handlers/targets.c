/* SPDX-License-Identifier: MIT */
/* Join, leave and publish: actions on rooms and channels whose names are made of the event. */
#include "src/handlers/handlers_int.h"

#include "eio/base64.h"
#include "sio/json.h"

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
	const struct handlers_ops *ops = r->call->ops;
	struct effect e = { r->call, type == HANDLERS_JOIN ? ops->join : ops->leave };

	if (type == HANDLERS_PUBLISH) return publish_to(r, t);
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

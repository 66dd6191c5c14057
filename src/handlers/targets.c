/* SPDX-License-Identifier: MIT */
/* Join and leave: actions on rooms whose names are made of the event. */
#include "src/handlers/handlers_int.h"

#include "sio/event.h"
#include "sio/json.h"

/* So much may the names take up that wait until somebody is asked about them: what a client sends makes them. */
enum { ROOMS_BYTES = 1 << 20 };

/* What join and leave do with each name. */
struct effect {
	struct handlers_run *run;
	bool asked; /* of a join: the client's words are in the name */
	bool too_many; /* to wait */
};

/* A room that waits, and behind it the bytes of its name. */
struct waiting_room {
	size_t n;
	bool asked;
};

void
handlers__ack(struct handlers_run *r, const struct eio_buf *text)
{
	struct sio_piece piece = { eio_buf_bytes(text), false };
	struct eio_bundle *b = NULL;

	if (!r->has_id || r->acked) return;
	if (!eio_buf_failed(text))
		sio_emit_bundle(&(struct sio_emit){ .nsp = sio_socket_nsp(r->call->socket),
					.ack = true,
					.id = r->id,
					.pieces = &piece,
					.n_pieces = 1 },
			&b);
	if (!b) {
		r->nomem = true;
		return;
	}
	r->call->ops->send(r->call->ctx, r->call->socket, b);
	r->acked = true;
}

/* The ack, if there is to be one, is the refusal; what comes behind it is carried out all the same. */
static void
ack_refusal(struct handlers_run *r, const struct handlers_refusal *why, struct eio_bytes room)
{
	struct eio_buf text = { 0 };

	if (!r->has_id || r->acked) return;
	eio_buf_printf(&text, "[{\"error\":\"%s\",\"room\":", why->error);
	sio_json_escape(&text, room);
	eio_buf_add(&text, why->more);
	EIO_BUF_ADD_LIT(&text, "}]");
	handlers__ack(r, &text);
	eio_buf_deinit(&text);
}

/* False when somebody is asked first. */
static bool
join_room(struct handlers_run *r, struct eio_bytes room, bool asked)
{
	const struct handlers_join join = { .room = room, .asked = asked, .args = r->args };
	struct handlers_refusal why = { 0 };
	enum handlers_joined joined = r->call->ops->join(r->call->ctx, r->call->socket, &join, &why);

	if (joined == HANDLERS_OUT) ack_refusal(r, &why, room);
	return joined != HANDLERS_ASKED;
}

static void
keep_room(struct effect *e, struct eio_bytes name)
{
	const struct waiting_room w = { .n = name.n, .asked = e->asked };
	struct eio_buf *rooms = &e->run->rest->rooms;

	if (name.n > ROOMS_BYTES || rooms->n > ROOMS_BYTES - name.n) {
		e->too_many = true;
		return;
	}
	eio_buf_append(rooms, &w, sizeof w);
	eio_buf_add(rooms, name);
	if (eio_buf_failed(rooms)) e->run->nomem = true;
}

/* Behind a room that is asked about the others wait, too, so that they keep their order. */
static void
apply_join(void *ctx, struct eio_bytes name)
{
	struct effect *e = ctx;

	if (e->run->nomem) return;
	if (e->run->rest || (!join_room(e->run, name, e->asked) && handlers__wait(e->run))) keep_room(e, name);
}

/* The room at r->rest->at. False behind the last. */
static bool
next_room(const struct handlers_rest *rest, struct eio_bytes *name, bool *asked)
{
	struct waiting_room w;

	if (rest->at == rest->rooms.n) return false;
	memcpy(&w, rest->rooms.p + rest->at, sizeof w);
	*name = eio_bytes(rest->rooms.p + rest->at + sizeof w, w.n);
	*asked = w.asked;
	return true;
}

void
handlers__joined(struct handlers_run *r, const struct handlers_refusal *refusal)
{
	struct handlers_rest *rest = r->rest;
	struct eio_bytes name;
	bool asked;

	if (refusal && next_room(rest, &name, &asked)) ack_refusal(r, refusal, name);
	while (next_room(rest, &name, &asked) && !r->nomem) {
		rest->at += sizeof(struct waiting_room) + name.n;
		if (!next_room(rest, &name, &asked)) break;
		if (!join_room(r, name, asked)) return;
	}
	r->rest = NULL;
	handlers_rest_free(rest);
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
	return what == TEMPLATE_CLAIMS || what == TEMPLATE_ADDRESS || what == TEMPLATE_SUBJECT ||
	       what == TEMPLATE_SID || what == TEMPLATE_NSP;
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
	struct effect e = { .run = r, .asked = type == HANDLERS_JOIN && is_asked(t) };
	enum template_result result = template_render_names(
		t, &r->input, &r->names, type == HANDLERS_JOIN ? apply_join : apply_leave, &e);

	return result == TEMPLATE_OK && e.too_many ? TEMPLATE_TOO_MANY : result;
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

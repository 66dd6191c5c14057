/* SPDX-License-Identifier: MIT */
/* Calls: the question to the application, and what becomes of its answer. */
#include "src/handlers/answer.h"
#include "src/handlers/handlers_int.h"

#include "sio/event.h"

#include <stdlib.h>

/* When to come again where the application does not say. */
enum { RETRY_S = 5 };

/* The question */

static const char *
question_type(const struct handlers_run *r)
{
	if (r->reason) return "disconnect";
	return eio_bytes_eq(r->data, HANDLERS__CONNECTION_DATA) ? "connection" : "event";
}

/* {"type":…,"event":…,"args":[…],…,"claims":{…},"rooms":[…],"headers":{…}} */
static void
write_question(struct handlers_run *r, const struct handlers_action *a, struct eio_buf *out)
{
	bool ok = true;

	eio_buf_printf(out, "{\"type\":\"%s\",", question_type(r));
	handlers__write_event(r, out);
	for (size_t i = 0; i < a->n_rooms && ok; i++) ok = handlers__write_member(r, &a->parts[i], out);
	EIO_BUF_ADD_LIT(out, ",\"headers\":{");
	for (size_t i = a->n_rooms; i < a->n && ok; i++) ok = handlers__write_member(r, &a->parts[i], out);
	EIO_BUF_ADD_LIT(out, "}}");
	if (!ok) out->failed = true;
}

/* Refusals */

static void
call_failed(struct handlers_run *r, const char *why, unsigned retry_after_s)
{
	struct eio_buf text = { 0 };

	r->stops = true;
	eio_buf_printf(
		&text, "[{\"error\":\"unavailable\",\"retryAfter\":%u}]", retry_after_s ? retry_after_s : RETRY_S);
	handlers__ack(r, &text);
	eio_buf_deinit(&text);
	r->call->ops->called(r->call->ctx, r->call->socket, HANDLERS_CALL_FAILED, why);
}

static void
call_refused(struct handlers_run *r, const struct hook_answer *answer)
{
	struct eio_buf text = { 0 };
	struct eio_bytes message, data;

	r->stops = true;
	handlers_answer_refusal(answer->body, &message, &data);
	eio_buf_printf(&text, "[{\"error\":\"refused\",\"status\":%u", answer->status);
	if (message.n) EIO_BUF_ADD_LIT(&text, ",\"message\":");
	eio_buf_add(&text, message);
	if (data.n) EIO_BUF_ADD_LIT(&text, ",\"data\":");
	eio_buf_add(&text, data);
	EIO_BUF_ADD_LIT(&text, "}]");
	handlers__ack(r, &text);
	eio_buf_deinit(&text);
	r->call->ops->called(r->call->ctx, r->call->socket, HANDLERS_CALL_REFUSED, "the status");
}

/* What is answered */

/* Calls each() for every room. */
static void
each_room(struct handlers_run *r, struct eio_bytes rooms, void (*each)(struct handlers_run *r, struct eio_bytes name))
{
	struct handlers_answer_rooms it = handlers_answer_rooms(rooms);
	struct eio_buf name = { 0 };

	while (!r->nomem && handlers_answer_next_room(&it, &name)) {
		if (eio_buf_failed(&name))
			r->nomem = true;
		else
			each(r, eio_buf_bytes(&name));
		eio_buf_clear(&name);
	}
	eio_buf_deinit(&name);
}

static void
leave_answered(struct handlers_run *r, struct eio_bytes name)
{
	r->call->ops->leave(r->call->ctx, r->call->socket, name);
}

/* The application may let anybody in anywhere; what limits refuse is counted and told there. */
static void
join_answered(struct handlers_run *r, struct eio_bytes name)
{
	const struct handlers_join join = { .room = name };
	struct handlers_refusal why;

	r->call->ops->join(r->call->ctx, r->call->socket, &join, &why);
}

/* A packet of what was answered, as it was. NULL when out of memory, which is noted; the name was looked at. */
static struct eio_bundle *
packet_answered(struct handlers_run *r, const struct sio_piece *pieces, size_t n)
{
	struct eio_bundle *b = NULL;

	sio_emit_bundle(
		&(struct sio_emit){ .nsp = sio_socket_nsp(r->call->socket), .pieces = pieces, .n_pieces = n }, &b);
	if (!b) r->nomem = true;
	return b;
}

static void
emit_answered(struct handlers_run *r, struct eio_bytes events)
{
	struct sio_json_iter it = sio_json_iter(events);
	struct sio_piece piece = { .refs = false };

	while (!r->nomem && sio_json_next(&it, NULL, &piece.json)) {
		struct eio_bundle *b = packet_answered(r, &piece, 1);

		if (b) r->call->ops->send(r->call->ctx, r->call->socket, b);
	}
}

/* Names that were made of an answer, one behind the other in a buffer. */
struct answered_names {
	struct eio_buf text;
	struct eio_bytes v[2 * HANDLERS_ANSWER_ROOMS];
	size_t n;
};

/* Adds the names of a value: their lengths first, since the buffer moves. */
static void
add_names(struct answered_names *names, struct eio_bytes rooms)
{
	struct handlers_answer_rooms it = handlers_answer_rooms(rooms);
	size_t from = names->text.n;

	while (handlers_answer_next_room(&it, &names->text)) {
		names->v[names->n++].n = names->text.n - from;
		from = names->text.n;
	}
}

static void
send_broadcast(struct handlers_run *r, const struct handlers_answer_broadcast *a, struct answered_names *names)
{
	const struct sio_piece pieces[] = { { EIO_LIT("["), false }, { a->event, false },
		{ a->args.n ? EIO_LIT(",") : EIO_LIT(""), false }, { a->args, false }, { EIO_LIT("]"), false } };
	struct handlers_broadcast b = { .rooms = names->v, .self = a->self };
	const char *p;

	add_names(names, a->room);
	b.n_rooms = names->n;
	add_names(names, a->except);
	b.except = names->v + b.n_rooms;
	b.n_except = names->n - b.n_rooms;
	/* An empty list is nobody: it must not become everyone. */
	if (a->room.n && !b.n_rooms) return;
	if (eio_buf_failed(&names->text)) {
		r->nomem = true;
		return;
	}
	p = names->text.n ? names->text.p : "";
	for (size_t i = 0; i < names->n; i++) {
		names->v[i].p = p;
		p += names->v[i].n;
	}
	b.bundle = packet_answered(r, pieces, sizeof pieces / sizeof pieces[0]);
	if (b.bundle) r->call->ops->broadcast(r->call->ctx, r->call->socket, &b);
}

static void
broadcast_answered(struct handlers_run *r, struct eio_bytes list)
{
	struct sio_json_iter it = sio_json_iter(list);
	struct answered_names *names = malloc(sizeof *names);
	struct handlers_answer_broadcast b;
	struct eio_bytes element;

	if (!names) r->nomem = true;
	while (!r->nomem && sio_json_next(&it, NULL, &element)) {
		names->n = 0;
		eio_buf_init(&names->text);
		handlers_answer_broadcast(element, &b);
		send_broadcast(r, &b, names);
		eio_buf_deinit(&names->text);
	}
	free(names);
}

static void
ack_answered(struct handlers_run *r, struct eio_bytes args)
{
	struct eio_buf text = { 0 };

	if (!r->has_id || r->acked) return;
	eio_buf_add(&text, args);
	handlers__ack(r, &text);
	eio_buf_deinit(&text);
}

static void
carry_out_answer(struct handlers_run *r, const struct handlers_answer *a)
{
	each_room(r, a->leave, leave_answered);
	each_room(r, a->join, join_answered);
	if (a->emit.n) emit_answered(r, a->emit);
	if (a->broadcast.n && !r->nomem) broadcast_answered(r, a->broadcast);
	if (a->ack.n && !r->nomem) ack_answered(r, a->ack);
	if (a->disconnect) r->call->ops->close(r->call->ctx, r->call->socket, true);
	r->stops = a->disconnect;
	r->call->ops->called(r->call->ctx, r->call->socket, HANDLERS_CALLED, NULL);
}

void
handlers__answered(struct handlers_run *r, const struct hook_answer *answer)
{
	struct handlers_answer a;
	const char *why;

	if (answer->status / 100 == 4) {
		call_refused(r, answer);
	} else if (answer->status / 100 != 2) {
		call_failed(r, answer->status ? "the status" : answer->why, answer->retry_after_s);
	} else {
		why = handlers_answer_read(answer->body, &a);
		if (why)
			call_failed(r, why, 0);
		else
			carry_out_answer(r, &a);
	}
}

void
handlers__call(struct handlers_run *r, const struct handlers_action *a)
{
	const struct handlers_call *c = r->call;
	struct eio_buf json = { 0 };

	write_question(r, a, &json);
	if (eio_buf_failed(&json)) {
		eio_buf_deinit(&json);
		r->nomem = true;
	} else if (!c->rest) {
		c->ops->tell(c->ctx, c->socket, a->to, &json);
	} else if (c->ops->ask(c->ctx, c->socket, a->to, &json)) {
		handlers__wait(r);
	} else {
		call_failed(r, "too many wait already", 0);
	}
}

/* SPDX-License-Identifier: MIT */
/*
 * Running configured handlers. Arguments that may hold binary attachments are
 * passed on as spans of the event, because their placeholders must be numbered
 * anew; everything else is written to one buffer, and the packet is made of
 * both.
 */
#include "src/handlers/handlers.h"

#include "eio/base64.h"
#include "eio/buf.h"
#include "eio/query.h"
#include "sio/event.h"
#include "sio/json.h"
#include "src/handlers/handlers_int.h"

#include <stdlib.h>

/* A span that goes into the text at an offset. */
struct insertion {
	size_t at;
	struct eio_bytes json;
};

/* One run of one entry. */
struct run {
	const struct handlers_call *call;
	struct eio_bytes data; /* raw JSON array: the event's name and arguments */
	struct eio_bytes name; /* its first element */
	struct eio_bytes args; /* the others, with the commas between them; may be empty */
	bool has_id, acked;
	struct eio_bytes id;
	const struct eio_bytes *attachments;
	size_t n_attachments;
	struct eio_buf text; /* what is being written */
	struct eio_buf scratch; /* a variable's value that had to be made; a published message */
	struct insertion *insertions; /* owned, room for each part of the template at hand */
	size_t n_insertions;
	bool skipped, nomem;
};

/* ---- the values of variables ---- */

struct value {
	enum { VALUE_NONE, VALUE_JSON, VALUE_TEXT } type; /* nothing, raw JSON, plain text */
	struct eio_bytes bytes; /* valid until the next variable is looked up */
	bool refs; /* may hold placeholders of the event's attachments */
};

static const struct value no_value = { VALUE_NONE, { NULL, 0 }, false };

static struct value
value_arg(const struct run *r, unsigned index)
{
	struct sio_json_iter it = sio_json_iter(r->data);
	struct eio_bytes v;

	sio_json_next(&it, NULL, &v); /* the name */
	while (sio_json_next(&it, NULL, &v))
		if (index-- == 0) return (struct value){ VALUE_JSON, v, r->n_attachments > 0 };
	return no_value;
}

/* Empties the scratch buffer, but does not forget that it failed. */
static void
clear_scratch(struct run *r)
{
	if (eio_buf_failed(&r->scratch)) r->nomem = true;
	eio_buf_clear(&r->scratch);
}

static struct value
value_args(struct run *r)
{
	clear_scratch(r);
	eio_buf_addc(&r->scratch, '[');
	eio_buf_add(&r->scratch, r->args);
	eio_buf_addc(&r->scratch, ']');
	return (struct value){ VALUE_JSON, eio_buf_bytes(&r->scratch), r->n_attachments > 0 };
}

static struct value
value_auth(const struct run *r, const struct handlers_part *p)
{
	struct eio_bytes v = r->call->socket->auth;

	if (!v.p || !sio_json_find(v, eio_bytes(p->text, p->n), &v)) return no_value;
	return (struct value){ VALUE_JSON, v, false };
}

static struct value
value_query(struct run *r, const struct handlers_part *p)
{
	clear_scratch(r);
	if (!eio_query_get(r->call->query, eio_bytes(p->text, p->n), &r->scratch)) return no_value;
	return (struct value){ VALUE_TEXT, eio_buf_bytes(&r->scratch), false };
}

static struct value
value_of(struct run *r, const struct handlers_part *p)
{
	const struct sio_socket *s = r->call->socket;

	switch (p->var) {
	case HANDLERS_VAR_ARG: return value_arg(r, p->index);
	case HANDLERS_VAR_ARGS: return value_args(r);
	case HANDLERS_VAR_AUTH: return value_auth(r, p);
	case HANDLERS_VAR_QUERY: return value_query(r, p);
	case HANDLERS_VAR_SID: return (struct value){ VALUE_TEXT, sio_socket_id(s), false };
	case HANDLERS_VAR_NSP: return (struct value){ VALUE_TEXT, s->nsp, false };
	}
	return no_value;
}

/* ---- writing arguments ---- */

/* Whether what was written ends with the opening bracket of an array: of JSON text, only that ends with it. */
static bool
array_empty(const struct run *r)
{
	if (r->n_insertions && r->insertions[r->n_insertions - 1].at == r->text.n) return false;
	return r->text.n > 0 && r->text.p[r->text.n - 1] == '[';
}

static void
write_comma(struct run *r)
{
	if (!array_empty(r)) eio_buf_addc(&r->text, ',');
}

static void
write_args(struct run *r)
{
	if (r->n_attachments == 0)
		eio_buf_add(&r->text, r->args);
	else if (r->args.n)
		r->insertions[r->n_insertions++] = (struct insertion){ r->text.n, r->args };
}

/* Appends text as the inside of a JSON string. */
static void
write_inside(struct run *r, struct eio_bytes s)
{
	size_t from = r->text.n;

	sio_json_escape(&r->text, s);
	if (eio_buf_failed(&r->text)) return;
	r->text.n -= 2; /* without the quotes */
	memmove(r->text.p + from, r->text.p + from + 1, r->text.n - from);
}

static void
write_value(struct run *r, const struct handlers_part *p)
{
	struct value v;

	if (p->var == HANDLERS_VAR_ARGS) {
		eio_buf_addc(&r->text, '[');
		write_args(r);
		eio_buf_addc(&r->text, ']');
		return;
	}
	v = value_of(r, p);
	if (v.type == VALUE_NONE)
		EIO_BUF_ADD_LIT(&r->text, "null");
	else if (v.type == VALUE_TEXT)
		sio_json_escape(&r->text, v.bytes);
	else if (v.refs)
		r->insertions[r->n_insertions++] = (struct insertion){ r->text.n, v.bytes };
	else
		eio_buf_add(&r->text, v.bytes);
}

static void
write_value_inside(struct run *r, const struct handlers_part *p)
{
	struct value v = value_of(r, p);

	if (v.type == VALUE_NONE || (v.type == VALUE_JSON && sio_json_kind(v.bytes) == SIO_JSON_NULL)) return;
	if (v.type == VALUE_JSON && sio_json_kind(v.bytes) == SIO_JSON_STRING)
		eio_buf_append(&r->text, v.bytes.p + 1, v.bytes.n - 2); /* escaped already */
	else
		write_inside(r, v.bytes);
}

static void
write_part(struct run *r, const struct handlers_part *p)
{
	switch (p->type) {
	case HANDLERS_PART_TEXT: eio_buf_append(&r->text, p->text, p->n); break;
	case HANDLERS_PART_VALUE: write_value(r, p); break;
	case HANDLERS_PART_INSIDE: write_value_inside(r, p); break;
	case HANDLERS_PART_SEPARATOR: write_comma(r); break;
	case HANDLERS_PART_SPREAD:
		if (r->args.n == 0) break;
		write_comma(r);
		write_args(r);
		break;
	}
}

/* ---- emit and ack ---- */

static int
send_pieces(struct run *r, bool ack, struct sio_piece *pieces)
{
	struct sio_emit e = { .nsp = r->call->socket->nsp,
		.ack = ack,
		.pieces = pieces,
		.attachments = r->attachments,
		.n_attachments = r->n_attachments };
	struct eio_bundle *b;
	size_t i, from = 0;
	int rc;

	for (i = 0; i < r->n_insertions; i++) {
		pieces[e.n_pieces++].json = eio_bytes(r->text.p + from, r->insertions[i].at - from);
		pieces[e.n_pieces++] = (struct sio_piece){ r->insertions[i].json, true };
		from = r->insertions[i].at;
	}
	pieces[e.n_pieces++].json = eio_bytes(r->text.p + from, r->text.n - from);
	if (ack) e.id = r->id;
	rc = sio_emit_bundle(&e, &b);
	if (rc == 0) r->call->ops->send(r->call->ctx, r->call->socket, b);
	return rc;
}

static void
run_arguments(struct run *r, const struct handlers_action *a)
{
	const struct handlers_template *t = &a->templates[0];
	bool ack = a->type == HANDLERS_ACK;
	struct sio_piece *pieces;
	size_t i;
	int rc = SIO_ERR_NOMEM;

	if (ack && (!r->has_id || r->acked)) return;
	eio_buf_clear(&r->text);
	r->n_insertions = 0;
	r->insertions = calloc(t->n, sizeof(*r->insertions));
	pieces = calloc(2 * t->n + 1, sizeof(*pieces));
	if (r->insertions && pieces) {
		for (i = 0; i < t->n; i++) write_part(r, &t->parts[i]);
		if (!eio_buf_failed(&r->text) && !eio_buf_failed(&r->scratch) && !r->nomem)
			rc = send_pieces(r, ack, pieces);
	}
	free(pieces);
	free(r->insertions);
	r->insertions = NULL;
	r->n_insertions = 0;
	if (rc == SIO_ERR_NOMEM)
		r->nomem = true;
	else if (rc)
		r->skipped = true;
	else if (ack)
		r->acked = true;
}

/* ---- join, leave and publish ---- */

/* Appends the text of a string, number or boolean; false for what has none. */
static bool
write_plain(struct run *r, const struct value *v)
{
	if (v->type == VALUE_NONE) return false;
	if (v->type == VALUE_TEXT) {
		eio_buf_add(&r->text, v->bytes);
		return true;
	}
	switch (sio_json_kind(v->bytes)) {
	case SIO_JSON_STRING: sio_json_unescape(&r->text, v->bytes); return true;
	case SIO_JSON_NUMBER:
	case SIO_JSON_TRUE:
	case SIO_JSON_FALSE: eio_buf_add(&r->text, v->bytes); return true;
	default: return false;
	}
}

/* {"event":…,"args":[…],"sid":…,"nsp":…} and the attachments, which are numbered by the placeholders in args. */
static void
write_message(struct run *r, struct eio_buf *out)
{
	size_t i, n;

	EIO_BUF_ADD_LIT(out, "{\"event\":");
	eio_buf_add(out, r->name);
	EIO_BUF_ADD_LIT(out, ",\"args\":[");
	eio_buf_add(out, r->args);
	EIO_BUF_ADD_LIT(out, "],\"sid\":");
	sio_json_escape(out, sio_socket_id(r->call->socket));
	EIO_BUF_ADD_LIT(out, ",\"nsp\":");
	sio_json_escape(out, r->call->socket->nsp);
	for (i = 0; i < r->n_attachments; i++) {
		if (i == 0)
			EIO_BUF_ADD_LIT(out, ",\"attachments\":[\"");
		else
			EIO_BUF_ADD_LIT(out, ",\"");
		n = eio_base64_encoded_len(r->attachments[i].n);
		if (!eio_buf_reserve(out, n)) return;
		out->n += eio_base64_encode(out->p + out->n, r->attachments[i]);
		eio_buf_addc(out, '"');
	}
	if (r->n_attachments) eio_buf_addc(out, ']');
	eio_buf_addc(out, '}');
}

/* Does the action to the room or channel whose name was written. */
static void
apply(struct run *r, enum handlers_action_type type)
{
	const struct handlers_call *c = r->call;

	if (type == HANDLERS_PUBLISH) {
		clear_scratch(r);
		write_message(r, &r->scratch);
	}
	if (eio_buf_failed(&r->text) || eio_buf_failed(&r->scratch) || r->nomem) {
		r->nomem = true;
		return;
	}
	if (type == HANDLERS_JOIN)
		c->ops->join(c->ctx, c->socket, eio_buf_bytes(&r->text));
	else if (type == HANDLERS_LEAVE)
		c->ops->leave(c->ctx, c->socket, eio_buf_bytes(&r->text));
	else
		c->ops->publish(c->ctx, c->socket, eio_buf_bytes(&r->text), eio_buf_bytes(&r->scratch));
}

static void
apply_value(struct run *r, enum handlers_action_type type, const struct value *v)
{
	eio_buf_clear(&r->text);
	if (write_plain(r, v))
		apply(r, type);
	else
		r->skipped = true;
}

/* A target that is one variable: its value, or each of them. */
static void
run_target_value(struct run *r, enum handlers_action_type type, const struct handlers_part *p)
{
	struct value v = value_of(r, p), element = { VALUE_JSON, { NULL, 0 }, false };
	struct sio_json_iter it;

	if (eio_buf_failed(&r->scratch)) {
		r->nomem = true;
		return;
	}
	if (type == HANDLERS_PUBLISH || v.type != VALUE_JSON || sio_json_kind(v.bytes) != SIO_JSON_ARRAY) {
		apply_value(r, type, &v);
		return;
	}
	/* Joining and leaving write only to the text: a list that lies in the scratch buffer stays. */
	it = sio_json_iter(v.bytes);
	while (!r->nomem && sio_json_next(&it, NULL, &element.bytes)) apply_value(r, type, &element);
}

/* A target of text and variables. */
static void
run_target_text(struct run *r, enum handlers_action_type type, const struct handlers_template *t)
{
	const struct handlers_part *p;
	struct value v;
	size_t i;

	eio_buf_clear(&r->text);
	for (i = 0; i < t->n; i++) {
		p = &t->parts[i];
		if (p->type == HANDLERS_PART_TEXT) {
			eio_buf_append(&r->text, p->text, p->n);
			continue;
		}
		v = value_of(r, p);
		if (write_plain(r, &v)) continue;
		if (eio_buf_failed(&r->scratch))
			r->nomem = true;
		else
			r->skipped = true;
		return;
	}
	apply(r, type);
}

static void
run_targets(struct run *r, const struct handlers_action *a)
{
	const struct handlers_template *t;
	size_t i;

	for (i = 0; i < a->n && !r->nomem; i++) {
		t = &a->templates[i];
		if (t->n == 1 && t->parts[0].type == HANDLERS_PART_VALUE)
			run_target_value(r, a->type, &t->parts[0]);
		else
			run_target_text(r, a->type, t);
	}
}

/* ---- entries ---- */

/* Splits the data into name and arguments. */
static void
set_data(struct run *r, struct eio_bytes data)
{
	struct sio_json_iter it = sio_json_iter(data);
	struct eio_bytes first;

	r->data = data;
	if (!sio_json_next(&it, NULL, &r->name)) return;
	r->args = (struct eio_bytes){ it.end, 0 };
	if (!sio_json_next(&it, NULL, &first)) return;
	r->args = sio_json_trim((struct eio_bytes){ first.p, (size_t)(it.end - first.p) });
}

static enum handlers_result
run_entry(struct run *r, const struct handlers_entry *entry)
{
	const struct handlers_action *a;
	size_t i;

	for (i = 0; i < entry->n && !r->nomem; i++) {
		a = &entry->actions[i];
		if (a->type == HANDLERS_DISCONNECT) {
			r->call->ops->close(r->call->ctx, r->call->socket, a->whole);
			break;
		}
		if (a->type == HANDLERS_EMIT || a->type == HANDLERS_ACK)
			run_arguments(r, a);
		else
			run_targets(r, a);
	}
	eio_buf_deinit(&r->text);
	eio_buf_deinit(&r->scratch);
	if (r->nomem) return HANDLERS_NOMEM;
	return r->skipped ? HANDLERS_SKIPPED : HANDLERS_DONE;
}

enum handlers_result
handlers_run_connection(const struct handlers *h, const struct handlers_call *call)
{
	struct run r = { .call = call };

	if (!h->connection) return HANDLERS_NONE;
	set_data(&r, EIO_LIT("[\"connection\"]"));
	return run_entry(&r, h->connection);
}

enum handlers_result
handlers_run_disconnect(const struct handlers *h, const struct handlers_call *call, const char *reason)
{
	struct run r = { .call = call };
	enum handlers_result result = HANDLERS_NOMEM;
	struct eio_buf data;

	if (!h->disconnect) return HANDLERS_NONE;
	eio_buf_init(&data);
	EIO_BUF_ADD_LIT(&data, "[\"disconnect\",");
	sio_json_escape(&data, eio_cstr(reason));
	eio_buf_addc(&data, ']');
	if (!eio_buf_failed(&data)) {
		set_data(&r, eio_buf_bytes(&data));
		result = run_entry(&r, h->disconnect);
	}
	eio_buf_deinit(&data);
	return result;
}

/* The entry for a client's event. Names of the life cycle and "*" are not events a client can mean. */
static const struct handlers_entry *
find_entry(const struct handlers *h, struct eio_bytes name)
{
	bool number = sio_json_kind(name) == SIO_JSON_NUMBER;
	const struct handlers_entry *entry;
	size_t i;

	if (!number && sio_json_string_eq(name, EIO_LIT("connection"))) return NULL;
	for (i = 0; i < h->n; i++) {
		entry = &h->entries[i];
		if (entry == h->any || entry == h->disconnect) continue;
		if (number ? eio_bytes_eq(name, eio_cstr(entry->event))
			   : sio_json_string_eq(name, eio_cstr(entry->event)))
			return entry;
	}
	return h->any;
}

enum handlers_result
handlers_run_event(const struct handlers *h, const struct handlers_call *call, const struct sio_event *ev)
{
	struct run r = { .call = call,
		.has_id = ev->has_id,
		.id = ev->id,
		.attachments = ev->attachments,
		.n_attachments = ev->n_attachments };
	const struct handlers_entry *entry;

	set_data(&r, ev->data);
	entry = find_entry(h, r.name);
	return entry ? run_entry(&r, entry) : HANDLERS_NONE;
}

/* SPDX-License-Identifier: MIT */
/* Running configured handlers: which entry is meant, and its actions one after the other. */
#include "src/handlers/handlers_int.h"

#include "eio/check.h"
#include "sio/json.h"

/* Splits the data into name and arguments. */
static void
split_event(struct handlers_run *r, struct eio_bytes data)
{
	struct sio_json_iter it = sio_json_iter(data);
	struct eio_bytes first;

	r->data = data;
	if (!sio_json_next(&it, NULL, &r->event)) return;
	r->args = (struct eio_bytes){ it.end, 0 };
	if (!sio_json_next(&it, NULL, &first)) return;
	r->args = sio_json_trim((struct eio_bytes){ first.p, (size_t)(it.end - first.p) });
}

static void
carry_out_action(struct handlers_run *r, const struct handlers_action *a)
{
	switch (a->type) {
	case HANDLERS_EMIT:
	case HANDLERS_ACK: handlers__arguments(r, a); break;
	case HANDLERS_BROADCAST: handlers__broadcast(r, a); break;
	case HANDLERS_LEAVE:
	case HANDLERS_JOIN: handlers__targets(r, a); break;
	case HANDLERS_PUBLISH: handlers__publish(r, a); break;
	case HANDLERS_CALL: handlers__call(r, a); break;
	case HANDLERS_PACE: handlers__pace(r, a); break;
	case HANDLERS_DISCONNECT: r->call->ops->close(r->call->ctx, r->call->socket, a->whole); break;
	case HANDLERS_RATE:
	case HANDLERS_IF:
	case HANDLERS_GO: CHECK(!"a step is no action");
	}
}

/* Carries out number i. Returns the number of the next one, or that of actions when there is none. */
static size_t
next_step(struct handlers_run *r, const struct handlers_entry *entry, size_t i)
{
	const struct handlers_action *a = &entry->actions[i];

	if (a->type == HANDLERS_GO) return a->to;
	if (a->type == HANDLERS_RATE) return handlers__within_rate(r, a) ? i + 1 : entry->n;
	if (a->type == HANDLERS_IF) return handlers__fulfilled(r, a) ? i + 1 : a->to;
	carry_out_action(r, a);
	return a->type == HANDLERS_DISCONNECT ? entry->n : i + 1;
}

/* The rest is left to the caller. */
static void
leave_rest(struct handlers_run *r, const struct handlers_entry *entry, size_t next)
{
	r->rest->entry = entry;
	r->rest->next = next;
	r->rest->acked = r->acked;
	r->rest->skipped = r->skipped;
	*r->call->rest = r->rest;
}

static void
deinit_run(struct handlers_run *r)
{
	eio_buf_deinit(&r->text);
	eio_buf_deinit(&r->scratch);
	template_names_deinit(&r->names);
	eio_buf_deinit(&r->list);
}

/* Carries out an entry from an action on. */
static enum handlers_result
carry_out_entry(struct handlers_run *r, const struct handlers_entry *entry, size_t i)
{
	while (i < entry->n && !r->nomem && !r->stops && !r->rest) i = next_step(r, entry, i);
	deinit_run(r);
	if (r->nomem) {
		handlers_rest_free(r->rest);
		return HANDLERS_NOMEM;
	}
	if (r->rest) {
		leave_rest(r, entry, i);
		return HANDLERS_WAITS;
	}
	return r->skipped ? HANDLERS_SKIPPED : HANDLERS_DONE;
}

static void
begin_run(struct handlers_run *r, struct eio_bytes data)
{
	r->input = (struct template_input){ .find = handlers__find, .ctx = r };
	split_event(r, data);
}

enum handlers_result
handlers_run_connection(const struct handlers *h, const struct handlers_call *call)
{
	struct handlers_run r = { .call = call };

	if (!h->connection) return HANDLERS_NONE;
	begin_run(&r, HANDLERS__CONNECTION_DATA);
	return carry_out_entry(&r, h->connection, 0);
}

enum handlers_result
handlers_run_disconnect(const struct handlers *h, const struct handlers_call *call, const char *reason)
{
	struct handlers_run r = { .call = call, .reason = reason };
	enum handlers_result result = HANDLERS_NOMEM;
	struct eio_buf data;

	if (!h->disconnect) return HANDLERS_NONE;
	eio_buf_init(&data);
	EIO_BUF_ADD_LIT(&data, "[\"disconnect\",");
	sio_json_escape(&data, eio_cstr(reason));
	eio_buf_addc(&data, ']');
	if (!eio_buf_failed(&data)) {
		begin_run(&r, eio_buf_bytes(&data));
		result = carry_out_entry(&r, h->disconnect, 0);
	}
	eio_buf_deinit(&data);
	return result;
}

/* The entry for a client's event. Names of the life cycle and "*" are not events a client can mean. */
static const struct handlers_entry *
entry_for_event(const struct handlers *h, struct eio_bytes name)
{
	bool number = sio_json_kind(name) == SIO_JSON_NUMBER;

	if (!number && sio_json_string_eq(name, EIO_LIT("connection"))) return NULL;
	for (size_t i = 0; i < h->n; i++) {
		const struct handlers_entry *entry = &h->entries[i];

		if (entry == h->any || entry == h->disconnect) continue;
		if (number ? eio_bytes_eq(name, eio_cstr(entry->event))
			   : sio_json_string_eq(name, eio_cstr(entry->event)))
			return entry;
	}
	return h->any;
}

static struct handlers_run
run_for_event(const struct handlers_call *call, const struct sio_event *ev)
{
	return (struct handlers_run){ .call = call,
		.has_id = ev->has_id,
		.id = ev->id,
		.attachments = ev->attachments,
		.n_attachments = ev->n_attachments };
}

enum handlers_result
handlers_run_event(const struct handlers *h, const struct handlers_call *call, const struct sio_event *ev)
{
	struct handlers_run r = run_for_event(call, ev);
	const struct handlers_entry *entry;

	begin_run(&r, ev->data);
	entry = entry_for_event(h, r.event);
	return entry ? carry_out_entry(&r, entry, 0) : HANDLERS_NONE;
}

/* Going on */

enum handlers_result
handlers_go_on(struct handlers_rest *rest, const struct handlers_call *call, const struct sio_event *ev,
	const struct handlers_outcome *outcome)
{
	struct handlers_run r = ev ? run_for_event(call, ev) : (struct handlers_run){ .call = call };
	const struct handlers_entry *entry = rest->entry;
	size_t next = rest->next;

	begin_run(&r, ev ? ev->data : HANDLERS__CONNECTION_DATA);
	r.acked = rest->acked;
	r.skipped = rest->skipped;
	if (outcome->answer) {
		handlers_rest_free(rest);
		handlers__answered(&r, outcome->answer);
	} else {
		r.rest = rest;
		handlers__joined(&r, outcome->refusal);
	}
	return carry_out_entry(&r, entry, next);
}

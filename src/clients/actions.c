/* SPDX-License-Identifier: MIT */
/* The effects of handlers, and their runs. */
#include "src/clients/actions.h"

#include "sio/event.h"
#include "sio/json.h"
#include "src/clients/asking.h"
#include "src/clients/broadcast.h"
#include "src/clients/hold.h"
#include "src/clients/identity.h"
#include "src/clients/pace.h"
#include "src/clients/recovery.h"
#include "src/clients/rooms.h"
#include "src/clients/rules.h"
#include "src/clients/ui.h"

/* Effects */

static void
op_send(void *ctx, struct sio_socket *s, struct eio_bundle *b)
{
	(void)ctx;
	ui_sent(s, b);
	recovery_send(s, b);
}

static enum handlers_joined
op_join(void *ctx, struct sio_socket *s, const struct handlers_join *join, struct handlers_refusal *why)
{
	const struct room_rules *rules = client_socket_of(s)->namespace->rules;

	(void)ctx;
	*why = (struct handlers_refusal){ "forbidden", { "", 0 } };
	if (join->asked && rules && !room_rules_permit(rules, s, join->room)) {
		rooms_forbid(s, join->room);
		return HANDLERS_OUT;
	}
	if (join->asked && asking_is_about(s, join->room)) return asking_join(s, join, why);
	why->error = rooms_admit(s, join->room);
	return why->error ? HANDLERS_OUT : HANDLERS_IN;
}

static void
op_leave(void *ctx, struct sio_socket *s, struct eio_bytes room)
{
	(void)ctx;
	rooms_leave(s, sio_room_named(sio_socket_nsp(s), room));
}

static void
op_broadcast(void *ctx, struct sio_socket *s, const struct handlers_broadcast *b)
{
	(void)ctx;
	broadcast_send(s, b);
}

static void
op_publish(void *ctx, struct sio_socket *s, struct eio_bytes channel, struct eio_bytes payload)
{
	struct clients *c = clients__of(ctx);

	if (!feed_publish(c->options.feed, channel, payload)) return;
	CLIENTS_DEBUG(client_of(s), CLIENTS_LINE_PUBLISH_DROPPED, "publish-dropped", sio_socket_nsp(s),
		"channel=\"%s\"", LOG_ESCAPE(channel));
}

static void
op_close(void *ctx, struct sio_socket *s, bool whole)
{
	struct client *c = client_of(s);

	(void)ctx;
	if (whole)
		c->close_whole = true;
	else
		c->leaves = true;
}

static void
op_pace(void *ctx, struct sio_socket *s, unsigned per_second)
{
	(void)ctx;
	pace_choose(client_of(s), per_second);
}

static void
op_over_rate(void *ctx, struct sio_socket *s, enum handlers_over then)
{
	static const enum namespace_metric metrics[] = {
		[HANDLERS_OVER_DROP] = NAMESPACE_METRIC_OVER_RATE_DROP,
		[HANDLERS_OVER_COUNT] = NAMESPACE_METRIC_OVER_RATE_COUNT,
		[HANDLERS_OVER_DISCONNECT] = NAMESPACE_METRIC_OVER_RATE_DISCONNECT,
	};

	(void)ctx;
	client_count(s, metrics[then]);
}

static void
op_skipped(void *ctx, struct sio_socket *s, const struct handlers_skip *skip)
{
	(void)ctx;
	CLIENTS_DEBUG(client_of(s), CLIENTS_LINE_ACTION_SKIPPED, "action-skipped", sio_socket_nsp(s),
		"name=\"%s\" action=%s target=\"%s\" why=\"%s\"", LOG_ESCAPE(skip->event), skip->action,
		LOG_ESCAPE(skip->target), skip->why);
}

static bool
op_ask(void *ctx, struct sio_socket *s, size_t i, struct eio_buf *json)
{
	(void)ctx;
	return asking_call(s, i, json);
}

static void
op_tell(void *ctx, struct sio_socket *s, size_t i, struct eio_buf *json)
{
	(void)ctx;
	asking_tell(s, i, json);
}

static void
op_called(void *ctx, struct sio_socket *s, enum handlers_called how, const char *why)
{
	static const enum namespace_metric metrics[] = {
		[HANDLERS_CALLED] = NAMESPACE_METRIC_CALLS_OK,
		[HANDLERS_CALL_REFUSED] = NAMESPACE_METRIC_CALLS_REFUSED,
		[HANDLERS_CALL_FAILED] = NAMESPACE_METRIC_CALLS_FAILED,
	};

	(void)ctx;
	client_count(s, metrics[how]);
	if (how != HANDLERS_CALLED)
		CLIENTS_DEBUG(client_of(s), CLIENTS_LINE_CALL_FAILED, "call-failed", sio_socket_nsp(s),
			"result=%s why=\"%s\"", how == HANDLERS_CALL_REFUSED ? "refused" : "failed",
			LOG_ESCAPE(eio_cstr(why)));
}

static const struct handlers_ops client_ops = {
	.broadcast = op_broadcast,
	.send = op_send,
	.join = op_join,
	.leave = op_leave,
	.publish = op_publish,
	.close = op_close,
	.pace = op_pace,
	.over_rate = op_over_rate,
	.skipped = op_skipped,
	.ask = op_ask,
	.tell = op_tell,
	.called = op_called,
};

/* Runs */

static struct handlers_call
call_for(struct sio_socket *s)
{
	struct handlers_call call = client_call_of(s);

	call.ops = &client_ops;
	call.ctx = client_of(s)->clients;
	call.rates = client_socket_of(s)->rates;
	call.now_ms = eio_clock_now(client_of(s)->clients->options.clock);
	return call;
}

/* An event's name as it stands in the JSON; of a string, what is between the quotes. */
static struct eio_bytes
event_name(const struct sio_event *ev)
{
	struct sio_json_iter it = sio_json_iter(ev->data);
	struct eio_bytes name = { "", 0 };

	sio_json_next(&it, NULL, &name);
	if (sio_json_kind(name) == SIO_JSON_STRING) return eio_bytes(name.p + 1, name.n - 2);
	return name;
}

static void
event_unhandled(const struct sio_event *ev)
{
	struct client *c = client_of(ev->socket);

	client_count(ev->socket, NAMESPACE_METRIC_EVENTS_UNHANDLED);
	CLIENTS_DEBUG(
		c, CLIENTS_LINE_EVENT_UNHANDLED, "event-unhandled", ev->nsp, "name=\"%s\"", LOG_ESCAPE(event_name(ev)));
}

static void
note_result(struct sio_socket *s, enum handlers_result r)
{
	if (r == HANDLERS_SKIPPED) client_count(s, NAMESPACE_METRIC_HANDLERS_SKIPPED);
	if (r == HANDLERS_NOMEM) client_end(client_of(s), CLIENT_REASON_NOMEM);
}

/* Counts an event against the rate of its namespace. Whether it is to be handled. */
static bool
within_rate(struct sio_socket *s, const struct handlers_call *call)
{
	const struct namespace *n = client_socket_of(s)->namespace;

	if (!n->rate || !handlers_rate_over(n->rate, &call->rates[n->rates - 1], call->now_ms)) return true;
	op_over_rate(NULL, s, n->rate->then);
	if (n->rate->then == HANDLERS_OVER_DISCONNECT) op_close(NULL, s, true);
	return n->rate->then == HANDLERS_OVER_COUNT;
}

/* What a run came to. ev: its event, or NULL when it was that of "connection". */
static void
end_run(struct sio_socket *s, enum handlers_result r, struct handlers_rest *rest, const struct sio_event *ev)
{
	const struct hold *h = hold_of(s);

	if (r == HANDLERS_WAITS) {
		if (!hold_run(s, rest, ev)) client_end(client_of(s), CLIENT_REASON_NOMEM);
		return;
	}
	if (r == HANDLERS_NONE && ev)
		event_unhandled(ev);
	else
		note_result(s, r);
	if (h && ev && ev == hold_first(h)) hold_drop_first(client_socket_of(s)->hold);
	hold_settle(s);
}

void
actions_run_connection(struct sio_socket *s)
{
	const struct handlers *h = client_socket_of(s)->namespace->handlers;
	struct handlers_call call = call_for(s);
	struct handlers_rest *rest = NULL;
	enum handlers_result r;

	if (!h) return;
	call.rest = &rest;
	r = handlers_run_connection(h, &call);
	end_run(s, r, rest, NULL);
}

static void
run_event(const struct sio_event *ev, struct handlers_call *call)
{
	const struct handlers *h = client_socket_of(ev->socket)->namespace->handlers;
	struct handlers_rest *rest = NULL;
	enum handlers_result r;

	call->rest = &rest;
	r = h ? handlers_run_event(h, call, ev) : HANDLERS_NONE;
	end_run(ev->socket, r, rest, ev);
}

/* For who asked for an ack, and sends more than can wait. NULL when out of memory. */
static struct eio_bundle *
busy_ack(const struct sio_event *ev)
{
	const struct sio_piece piece = { EIO_LIT("[{\"error\":\"busy\"}]"), false };
	struct eio_bundle *b = NULL;

	sio_emit_bundle(
		&(struct sio_emit){
			.nsp = sio_socket_nsp(ev->socket), .ack = true, .id = ev->id, .pieces = &piece, .n_pieces = 1 },
		&b);
	return b;
}

/* Behind a run that waits. */
static void
wait_behind(const struct sio_event *ev)
{
	struct client *c = client_of(ev->socket);
	int kept = hold_event(ev->socket, ev);

	if (kept < 0) client_end(c, CLIENT_REASON_NOMEM);
	if (kept) return;
	client_count(ev->socket, NAMESPACE_METRIC_EVENTS_HELD_DROPPED);
	CLIENTS_DEBUG(c, CLIENTS_LINE_EVENT_DROPPED, "event-dropped", ev->nsp, "name=\"%s\" why=\"too many wait\"",
		LOG_ESCAPE(event_name(ev)));
	if (ev->has_id) client_send(c, busy_ack(ev));
}

bool
actions_run_event(const struct sio_event *ev)
{
	struct handlers_call call = call_for(ev->socket);

	if (!within_rate(ev->socket, &call)) return true;
	if (hold_of(ev->socket)) {
		wait_behind(ev);
		return false;
	}
	run_event(ev, &call);
	return true;
}

bool
actions_go_on(struct sio_socket *s)
{
	const struct client *c = client_of(s);
	struct hold *h = hold_of(s);
	struct handlers_call call = call_for(s);
	struct handlers_rest *rest = NULL;
	const struct sio_event *ev = h ? hold_first(h) : NULL;
	struct handlers_outcome outcome;
	enum handlers_result r;

	if (!h) return false;
	if (c->ended || c->leaves || c->close_whole) {
		asking_forget(s); /* nothing of it is done any more */
		return false;
	}
	if (h->rest) {
		if (!h->has_event) ev = NULL;
		outcome = asking_outcome(s);
		call.rest = &rest;
		r = handlers_go_on(hold_take_rest(h), &call, ev, &outcome);
		end_run(s, r, rest, ev);
	} else {
		run_event(ev, &call);
	}
	h = hold_of(s);
	return h && !h->rest;
}

void
actions_run_disconnect(struct sio_socket *s, const char *reason)
{
	const struct handlers *h = client_socket_of(s)->namespace->handlers;
	struct handlers_call call = call_for(s);

	if (h) note_result(s, handlers_run_disconnect(h, &call, reason));
}

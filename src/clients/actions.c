/* SPDX-License-Identifier: MIT */
/* The effects of handlers, and their runs. */
#include "src/clients/actions.h"

#include "sio/json.h"
#include "src/clients/broadcast.h"
#include "src/clients/identity.h"
#include "src/clients/rooms.h"
#include "src/clients/rules.h"

/* Effects */

static void
op_send(void *ctx, struct sio_socket *s, struct eio_bundle *b)
{
	(void)ctx;
	client_send(client_of(s), b);
}

/* Why a join was refused, as its client is told. */
static const char *
op_join(void *ctx, struct sio_socket *s, struct eio_bytes room, bool asked)
{
	const struct clients *c = clients__of(ctx);
	const struct room_rules *rules = client_socket_of(s)->namespace->rules;

	if (asked && rules && !room_rules_permit(rules, s, room)) {
		rooms_forbid(s, room);
		return "forbidden";
	}
	if (rooms_join(s, sio_room_named(s->nsp, room)) || client_of(s)->ended) return NULL;
	return room.n > c->options.limits.room_name_length ? "room_name_too_long" : "too_many_rooms";
}

static void
op_leave(void *ctx, struct sio_socket *s, struct eio_bytes room)
{
	(void)ctx;
	rooms_leave(s, sio_room_named(s->nsp, room));
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
	CLIENTS_DEBUG(client_of(s), CLIENTS_LINE_PUBLISH_DROPPED, "publish-dropped", s->nsp, "channel=\"%s\"",
		LOG_ESCAPE(channel));
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
	CLIENTS_DEBUG(client_of(s), CLIENTS_LINE_ACTION_SKIPPED, "action-skipped", s->nsp,
		"name=\"%s\" action=%s target=\"%s\" why=\"%s\"", LOG_ESCAPE(skip->event), skip->action,
		LOG_ESCAPE(skip->target), skip->why);
}

static const struct handlers_ops client_ops = {
	.broadcast = op_broadcast,
	.send = op_send,
	.join = op_join,
	.leave = op_leave,
	.publish = op_publish,
	.close = op_close,
	.over_rate = op_over_rate,
	.skipped = op_skipped,
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

void
actions_run_connection(struct sio_socket *s)
{
	const struct handlers *h = client_socket_of(s)->namespace->handlers;
	struct handlers_call call = call_for(s);

	if (h) note_result(s, handlers_run_connection(h, &call));
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

void
actions_run_event(const struct sio_event *ev)
{
	const struct handlers *h = client_socket_of(ev->socket)->namespace->handlers;
	struct handlers_call call = call_for(ev->socket);
	enum handlers_result r;

	if (!within_rate(ev->socket, &call)) return;
	r = h ? handlers_run_event(h, &call, ev) : HANDLERS_NONE;
	if (r == HANDLERS_NONE)
		event_unhandled(ev);
	else
		note_result(ev->socket, r);
}

void
actions_run_disconnect(struct sio_socket *s, const char *reason)
{
	const struct handlers *h = client_socket_of(s)->namespace->handlers;
	struct handlers_call call = call_for(s);

	if (h) note_result(s, handlers_run_disconnect(h, &call, reason));
}

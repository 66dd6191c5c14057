/* SPDX-License-Identifier: MIT */
/* The effects of handlers, and their runs. */
#include "src/clients/actions.h"

#include "src/clients/rooms.h"

/* Effects */

static void
op_send(void *ctx, struct sio_socket *s, struct eio_bundle *b)
{
	(void)ctx;
	client_send(client_of(s), b);
}

static void
op_join(void *ctx, struct sio_socket *s, struct eio_bytes room)
{
	(void)ctx;
	rooms_join(s, sio_room_named(s->nsp, room));
}

static void
op_leave(void *ctx, struct sio_socket *s, struct eio_bytes room)
{
	(void)ctx;
	rooms_leave(s, sio_room_named(s->nsp, room));
}

static void
op_publish(void *ctx, struct sio_socket *s, struct eio_bytes channel, struct eio_bytes payload)
{
	struct clients *c = ctx;

	(void)s;
	if (feed_publish(c->options.feed, channel, payload)) clients__count(c, METRIC_PUBLISH_DROPPED);
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

static const struct handlers_ops client_ops = {
	.send = op_send,
	.join = op_join,
	.leave = op_leave,
	.publish = op_publish,
	.close = op_close,
};

/* Runs */

static struct handlers_call
call_for(struct sio_socket *s)
{
	const struct client_socket *own = client_socket_of(s);

	return (struct handlers_call){
		.ops = &client_ops,
		.ctx = client_of(s)->clients,
		.socket = s,
		.query = eio_bytes(own->query, own->query_n),
	};
}

void
actions_run_connection(struct sio_socket *s)
{
	const struct handlers *h = client_socket_of(s)->namespace->handlers;
	struct handlers_call call = call_for(s);

	if (h && handlers_run_connection(h, &call) == HANDLERS_SKIPPED)
		clients__count(client_of(s)->clients, METRIC_HANDLERS_SKIPPED);
}

void
actions_run_event(const struct sio_event *ev)
{
	const struct handlers *h = client_socket_of(ev->socket)->namespace->handlers;
	struct handlers_call call = call_for(ev->socket);
	enum handlers_result r = h ? handlers_run_event(h, &call, ev) : HANDLERS_NONE;

	if (r == HANDLERS_NONE) clients__count(call.ctx, METRIC_EVENTS_UNHANDLED);
	if (r == HANDLERS_SKIPPED) clients__count(call.ctx, METRIC_HANDLERS_SKIPPED);
}

void
actions_run_disconnect(struct sio_socket *s, const char *reason)
{
	const struct handlers *h = client_socket_of(s)->namespace->handlers;
	struct handlers_call call = call_for(s);

	if (h) handlers_run_disconnect(h, &call, reason);
}

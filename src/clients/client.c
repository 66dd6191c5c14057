/* SPDX-License-Identifier: MIT */
/* What is sent to one client, and why it ends. */
#include "src/clients/client.h"

#include "src/clients/clients_int.h"

#include <inttypes.h>
#include <stdlib.h>

static const struct {
	enum clients_metric metric;
	const char *text; /* NULL for the client's faults: theirs are in sio/error.h */
	bool told;
} client_reasons[CLIENT_REASON_COUNT] = {
#define X(name, label, text) [CLIENT_FAULT_##name] = { CLIENTS_METRIC_PACKETS_INVALID_##name, NULL, false },
	SIO_FAULT_TABLE(X)
#undef X
#define X(name, counter, text, told) [CLIENT_REASON_##name] = { CLIENTS_METRIC_##counter, text, told },
		CLIENT_REASONS(X)
#undef X
};

struct client_kept *
client_keep(struct client *c)
{
	if (!c->kept) c->kept = calloc(1, sizeof *c->kept);
	return c->kept;
}

void
client_end(struct client *c, enum client_reason why)
{
	if (!c->ended) {
		c->ended = why;
		clients__count(c->clients, client_reasons[why].metric);
	}
	if (why == CLIENT_REASON_SLOW)
		eio_socket_discard(c->eio);
	else
		eio_socket_close(c->eio);
}

struct client_joining {
	struct eio_timer timer;
	struct client *client;
};

static void
on_joining_timeout(struct eio_timer *t)
{
	client_end(EIO_CONTAINER(t, struct client_joining, timer)->client, CLIENT_REASON_CONNECT_TIMEOUT);
}

bool
client_await_joining(struct client *c, uint64_t at_ms)
{
	struct client_joining *j = malloc(sizeof *j);

	CHECK(!c->joining);
	if (!j) return false;
	eio_timer_init(&j->timer, on_joining_timeout);
	j->client = c;
	c->joining = j;
	eio_clock_set(c->clients->options.clock, &j->timer, at_ms);
	return true;
}

void
client_joined(struct client *c)
{
	if (!c->joining) return;
	eio_clock_set(c->clients->options.clock, &c->joining->timer, UINT64_MAX);
	free(c->joining);
	c->joining = NULL;
}

static void
send_one(struct client *c, struct eio_bundle *b)
{
	switch (eio_socket_send(c->eio, b, NULL)) {
	case EIO_SENT:
	case EIO_SENT_QUEUED: clients__count(c->clients, CLIENTS_METRIC_MESSAGES_OUT); break;
	case EIO_SENT_CLOSED: break;
	case EIO_SENT_NOMEM: client_end(c, CLIENT_REASON_NOMEM); break;
	}
}

void
client_send_all(struct client *c, struct eio_bundle *const *all, size_t n)
{
	if (eio_socket_replies(c->eio) > c->clients->options.limits.reply_bytes) client_end(c, CLIENT_REASON_SLOW);
	for (size_t i = 0; i < n; i++) send_one(c, all[i]);
}

void
client_send(struct client *c, struct eio_bundle *b)
{
	if (!b) {
		client_end(c, CLIENT_REASON_NOMEM);
		return;
	}
	client_send_all(c, &b, 1);
	eio_bundle_unref(b);
}

const char *
client_told_reason(const struct client *c, enum eio_reason reason)
{
	return client_reasons[c->ended].told ? client_reasons[c->ended].text : eio_reason_text(reason);
}

static const char *
reason_text(enum client_reason why)
{
	return client_reasons[why].text ? client_reasons[why].text : sio_strerror(-(int)why);
}

const char *
client_why(const struct client *c)
{
	enum client_reason why = c ? c->ended : CLIENT_REASON_NOMEM;

	return why ? reason_text(why) : NULL;
}

void
client_log_end(struct clients *cs, const struct client *c, const struct eio_socket *eio, enum eio_reason reason)
{
	enum client_reason why = c ? c->ended : CLIENT_REASON_NOMEM;
	uint64_t now = eio_clock_now(cs->options.clock), seconds = c ? (now - c->opened_ms) / 1000 : 0;

	LOG_DEBUG_LIMITED(why ? &cs->ended_limits[why] : &cs->closed_limits[reason], now,
		"event=session-closed sid=%s reason=\"%s\"%s%s%s transport=%s eio=%d seconds=%" PRIu64,
		eio_socket_sid(eio), eio_reason_text(reason), why ? " why=\"" : "", why ? reason_text(why) : "",
		why ? "\"" : "", eio_socket_transport(eio), eio_socket_revision(eio), seconds);
}

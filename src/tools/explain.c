/* SPDX-License-Identifier: MIT */
/* siocast explain: what becomes of a message, and who would get it. */
#include "src/feed/explain.h"

#include "sio/json.h"
#include "src/source/kinds.h"
#include "src/tools/ask.h"
#include "src/tools/explain_adapter.h"
#include "src/tools/lists.h"
#include "src/tools/tool.h"
#include "src/tools/twice.h"
#include "src/tools/visible.h"

#include <stdlib.h>
#include <string.h>

enum { EXPLAIN_JSON };

static const struct argument explain_options[] = {
	[EXPLAIN_JSON] = { "json", 0, NULL, "print an object for each feed, one a line" },
	{ .name = NULL },
};

struct explaining {
	const struct tool_call *call;
	const struct config *config;
	struct eio_buf out;
	bool unasked; /* nobody could be asked who is in rooms, which was told */
	bool arrives; /* some feed sends it */
	struct twice *twice;
};

/* What helps against each fate that explain can meet; else the reason says it. */
static const char *const fate_cures[FEED_FATE_COUNT] = {
	[FEED_FATE_FILTERED] =
		"compare it with \"where\" of the feed: a number is no string, a pointer begins with a slash",
	[FEED_FATE_PATTERN] = "publish on a channel that \"pattern\" of the feed fits as a whole",
	[FEED_FATE_EVENT] = "publish it with the member that \"event\" of the feed names",
	[FEED_FATE_RESERVED] = "another \"event\": Socket.IO itself has this one",
	[FEED_FATE_ROOM] = "publish it with the member that \"room\" of the feed names, a string or a number",
	[FEED_FATE_EXCEPT] = "publish it with a string or a number, or null, where \"except\" of the feed looks",
	[FEED_FATE_ROOMS] = "fewer rooms for one message",
	[FEED_FATE_NAMESPACE] = "publish it with the member that \"namespace\" of the feed names",
	[FEED_FATE_JSON] = "publish one JSON value: text stands in double quotes",
	[FEED_FATE_UTF8] = "publish UTF-8; \"batch\": {\"format\": \"frames\"} takes any bytes",
	[FEED_FATE_PAYLOAD] =
		"publish it with what \"payload\" of the feed names, or give the feed a \"payloadDefault\"",
	[FEED_FATE_FIELD] = "add entries with the field that \"field\" of the feed names, or leave that out",
	[FEED_FATE_SPREAD] = "a payload that is a list, or a feed without \"spread\"",
	[FEED_FATE_LINE] = "\"batch\": {\"format\": \"frames\"} takes any bytes",
	[FEED_FATE_SIZE] = "shorter messages",
};

static const char *
kind_name(enum message_kind kind)
{
	switch (kind) {
	case MESSAGE_OF_CHANNEL: return "channel";
	case MESSAGE_OF_PATTERN: return "pattern";
	case MESSAGE_OF_STREAM: return "stream";
	case MESSAGE_OF_SHARD: return "shard";
	}
	abort();
}

/* How many bytes one client gets by WebSocket, or 0 when out of memory. */
static size_t
wire_bytes(const struct feed_explained *e)
{
	const struct eio_block *block = eio_bundle_wire(e->bundle, EIO_WIRE_WS);

	return block ? block->n : 0;
}

/* How many clients get it: at most, where they may be in several of its rooms or are excepted. false: not known. */
static bool
count_clients(struct explaining *x, const struct audience *a, struct asked *there)
{
	const char *why = ask_rooms(x->config, a, there);

	if (why && !x->unasked && !x->call->values[EXPLAIN_JSON])
		fprintf(stderr, "siocast explain: who is in the rooms is not known: %s\n", why);
	if (why) x->unasked = true;
	return !why;
}

/* For people */

static void
write_audience(struct eio_buf *out, const struct feed_explained *e)
{
	if (e->audience.n_rooms)
		write_visible_list(
			out, e->audience.n_rooms > 1 ? "rooms" : "room", e->audience.rooms, e->audience.n_rooms);
	else
		EIO_BUF_ADD_LIT(out, "  room      everyone in the namespace\n");
	if (e->audience.n_except) write_visible_list(out, "except", e->audience.except, e->audience.n_except);
}

static void
write_packets(struct eio_buf *out, const struct feed_explained *e)
{
	struct eio_message m;

	for (size_t i = 0; eio_bundle_message(e->bundle, i, &m); i++) {
		eio_buf_printf(out, "  %-9s ", i ? "" : "sends");
		write_visible(out, m.data);
		eio_buf_printf(out, "%s\n", m.binary ? "   (binary)" : "");
	}
}

static void
write_when(struct eio_buf *out, const struct feed_spec *f)
{
	static const char *const formats[] = { "array", "lines", "frames", "columns" };

	if (f->interval_ms)
		eio_buf_printf(out, "  batch     with what comes within %u ms, as \"%s\"; above it is alone\n",
			f->interval_ms, formats[f->format]);
	else
		EIO_BUF_ADD_LIT(out, "  batch     none, at once\n");
}

/* Nobody is in the rooms: whether somebody is in the namespace tells which of two things is missing. */
static void
write_nobody(struct explaining *x, const struct feed_explained *e)
{
	const struct audience all = { .nsp = e->audience.nsp };
	struct asked there = { .clients = 0 };

	if (e->retained)
		EIO_BUF_ADD_LIT(&x->out, "  but       nobody is there now: it is retained for who joins\n");
	else
		EIO_BUF_ADD_LIT(&x->out, "  but       nobody is there now: it is dropped\n");
	if (e->audience.n_rooms && !count_clients(x, &all, &there)) return;
	if (there.clients || there.edges)
		eio_buf_printf(&x->out,
			"  cure      %zu clients are in the namespace%s, and none in the room: a page has to ask, by an event "
			"whose handler has \"join\"\n",
			there.clients, there.edges ? " here, and maybe others at edges" : "");
	else
		EIO_BUF_ADD_LIT(&x->out, "  cure      let a page connect to the namespace: nobody is in it\n");
}

static void
write_cost(struct explaining *x, const struct feed_explained *e)
{
	const char *most = e->audience.n_rooms <= 1 && !e->audience.n_except ? "" : "at most ";
	size_t bytes = wire_bytes(e);
	struct asked there;

	if (!count_clients(x, &e->audience, &there)) {
		eio_buf_printf(&x->out, "  costs     %zu bytes for each client, by WebSocket\n", bytes);
		return;
	}
	eio_buf_printf(&x->out, "  clients   %s%zu%s\n", most, there.clients, there.edges ? ASKED_EDGES : "");
	eio_buf_printf(&x->out, "  costs     %zu bytes for each, by WebSocket, %zu in all%s\n", bytes,
		bytes * there.clients, there.edges ? " here" : "");
	if (!there.clients && !there.edges) write_nobody(x, e);
}

static void
write_fate(struct eio_buf *out, const struct feed_explained *e)
{
	const struct feed_fate_text *t = &feed_fate_texts[e->fate];

	eio_buf_printf(out, "  not sent  %s: %s", t->part, t->reason);
	if (e->fate == FEED_FATE_FILTERED && e->unfulfilled < e->feed->where.n) {
		EIO_BUF_ADD_LIT(out, " at ");
		write_visible(out, eio_cstr(e->feed->where.v[e->unfulfilled].pointer));
	}
	eio_buf_addc(out, '\n');
	if (e->fate == FEED_FATE_FILTERED && e->found.p) write_visible_list(out, "there", &e->found, 1);
	if (e->fate == FEED_FATE_FILTERED && !e->found.p) EIO_BUF_ADD_LIT(out, "  there     nothing\n");
	if (fate_cures[e->fate]) eio_buf_printf(out, "  cure      %s\n", fate_cures[e->fate]);
}

/* A feed before that sends the same event there. */
static void
write_twice(struct explaining *x, const struct feed_explained *e)
{
	struct twice_found other = twice_add(x->twice, e->feed->index, e->kind, e->event, &e->audience);

	if (other.feed < 0) return;
	eio_buf_printf(&x->out,
		"  twice     feeds[%ld] sends this event there, too: who hears both gets the message twice%s\n"
		"  cure      keep one of them, or give them events or rooms of their own\n",
		other.feed, other.only_posted ? ", when it comes by the intake or POST /publish" : "");
}

static void
write_explained(struct explaining *x, const struct feed_explained *e)
{
	struct eio_buf *out = &x->out;

	eio_buf_printf(out, "feeds[%u]: %s ", e->feed->index, kind_name(e->kind));
	write_visible(out, e->name);
	eio_buf_addc(out, '\n');
	if (e->feed->subscribe == FEED_SUBSCRIBE_ON_DEMAND)
		EIO_BUF_ADD_LIT(out, "  hears     on demand: subscribed to while somebody is in the room\n");
	if (e->event.p) {
		write_visible_list(out, "event", &e->event, 1);
		write_visible_list(out, "namespace", &e->audience.nsp, 1);
		write_audience(out, e);
	}
	if (e->depends)
		EIO_BUF_ADD_LIT(out, "  depends   on the message: give one\n");
	else if (e->fate != FEED_FATE_TAKEN)
		write_fate(out, e);
	if (!e->bundle) return;
	write_packets(out, e);
	write_when(out, e->feed);
	write_cost(x, e);
	write_twice(x, e);
}

/* For programs */

static void
write_packets_json(struct explaining *x, const struct feed_explained *e)
{
	struct eio_message m;
	struct twice_found other;
	struct asked there;

	EIO_BUF_ADD_LIT(&x->out, ",\"packets\":[");
	for (size_t i = 0; eio_bundle_message(e->bundle, i, &m); i++) {
		if (i) eio_buf_addc(&x->out, ',');
		sio_json_escape(&x->out, m.data);
	}
	eio_buf_printf(&x->out, "],\"bytes\":%zu,\"interval\":%u", wire_bytes(e), e->feed->interval_ms);
	if (count_clients(x, &e->audience, &there)) write_asked_json(&there, &x->out);
	other = twice_add(x->twice, e->feed->index, e->kind, e->event, &e->audience);
	if (other.feed >= 0) eio_buf_printf(&x->out, ",\"twice\":%ld", other.feed);
}

static void
write_explained_json(struct explaining *x, const struct feed_explained *e)
{
	struct eio_buf *out = &x->out;

	eio_buf_printf(out, "{\"feed\":%u,\"%s\":", e->feed->index, kind_name(e->kind));
	sio_json_escape(out, e->name);
	eio_buf_printf(out, ",\"onDemand\":%s", e->feed->subscribe == FEED_SUBSCRIBE_ON_DEMAND ? "true" : "false");
	eio_buf_printf(out, ",\"sent\":%s", e->depends ? "null" : e->fate == FEED_FATE_TAKEN ? "true" : "false");
	if (!e->depends && e->fate != FEED_FATE_TAKEN)
		eio_buf_printf(out, ",\"part\":\"%s\",\"reason\":\"%s\"", feed_fate_texts[e->fate].part,
			feed_fate_texts[e->fate].reason);
	if (e->fate == FEED_FATE_FILTERED && e->unfulfilled < e->feed->where.n) {
		EIO_BUF_ADD_LIT(out, ",\"pointer\":");
		sio_json_escape(out, eio_cstr(e->feed->where.v[e->unfulfilled].pointer));
		if (e->found.p) EIO_BUF_ADD_LIT(out, ",\"found\":");
		if (e->found.p) sio_json_escape(out, e->found);
	}
	if (e->event.p) {
		EIO_BUF_ADD_LIT(out, ",\"event\":");
		sio_json_escape(out, e->event);
		EIO_BUF_ADD_LIT(out, ",\"namespace\":");
		sio_json_escape(out, e->audience.nsp);
		write_json_list(out, "rooms", e->audience.rooms, e->audience.n_rooms);
		write_json_list(out, "except", e->audience.except, e->audience.n_except);
	}
	if (e->bundle) write_packets_json(x, e);
	eio_buf_printf(out, ",\"retained\":%s}\n", e->retained ? "true" : "false");
}

static void
on_explained(void *user, const struct feed_explained *e)
{
	struct explaining *x = user;

	x->arrives |= e->fate == FEED_FATE_TAKEN;
	if (x->call->values[EXPLAIN_JSON])
		write_explained_json(x, e);
	else
		write_explained(x, e);
}

/* No feed is for it: what they are for. */
static void
write_unmatched(struct explaining *x, const struct feed_specs *specs)
{
	if (x->call->values[EXPLAIN_JSON]) return;
	EIO_BUF_ADD_LIT(&x->out, "no feed is for ");
	write_visible(&x->out, eio_cstr(x->call->operands[0]));
	EIO_BUF_ADD_LIT(&x->out,
		": a message there arrives nowhere\n  cure      publish where a feed is, or add a feed for it\n");
	for (size_t i = 0; i < specs->n; i++) {
		const struct feed_spec *f = &specs->v[i];

		eio_buf_printf(&x->out, "feeds[%zu]: %s", i,
			f->is_stream	? "stream"
			: f->is_shard	? "shard"
			: f->is_pattern ? "pattern"
					: "channel");
		for (size_t k = 0; k < f->n_channels; k++) {
			eio_buf_add(&x->out, k ? EIO_LIT(", ") : EIO_LIT(" "));
			write_visible(&x->out, eio_cstr(f->channels[k]));
		}
		eio_buf_addc(&x->out, '\n');
	}
}

static int
explain(struct explaining *x, struct metrics_set *metrics)
{
	char **operands = x->call->operands;
	struct feed_options options = { .metrics = metrics };
	struct eio_bytes message = { NULL, 0 };
	enum explained_adapter adapter;
	int told;

	if (x->call->n > 1) message = eio_cstr(operands[1]);
	config_fill_feed(x->config, &options);
	source_kinds(&options);
	told = feed_explain(&options, eio_cstr(operands[0]), message, on_explained, x);
	if (told < 0) return tool_fail(x->call, "out of memory");
	adapter = explain_adapter(
		x->config, eio_cstr(operands[0]), message, x->call->values[EXPLAIN_JSON] != NULL, &x->out);
	x->arrives |= adapter == EXPLAINED_ARRIVES;
	if (told == 0 && adapter == EXPLAINED_NOT) write_unmatched(x, options.specs);
	tool_flush(&x->out);
	return x->arrives ? TOOL_OK : TOOL_FAILED;
}

static int
run_explain(const struct tool_call *call)
{
	struct explaining x = { .call = call, .config = tool_config(call, false) };
	struct metrics_set metrics;
	int status = TOOL_FAILED;

	if (x.config) x.twice = twice_new(x.config->intake || x.config->publish.token_file);
	if (!x.config) {
		/* told */
	} else if (x.config->hub) {
		status = tool_fail(call, TOOL_NO_EDGE, x.config->hub);
	} else if (!x.twice || metrics_set_init(&metrics)) {
		status = tool_fail(call, "out of memory");
	} else {
		status = explain(&x, &metrics);
		metrics_set_deinit(&metrics);
	}
	eio_buf_deinit(&x.out);
	twice_free(x.twice);
	config_free((struct config *)(uintptr_t)x.config);
	return status;
}

const struct tool tool_explain = {
	.name = "explain",
	.operands = "CHANNEL [MESSAGE]",
	.min = 1,
	.max = 2,
	.about = "tell what becomes of a message, who gets it, and why not",
	.configured = true,
	.options = explain_options,
	.run = run_explain,
};

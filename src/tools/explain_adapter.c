/* SPDX-License-Identifier: MIT */
/* The words of Node, explained. */
#include "src/tools/explain_adapter.h"

#include "sio/json.h"
#include "src/adapter/adapter.h"
#include "src/adapter/classic.h"
#include "src/adapter/cluster.h"
#include "src/feed/posting.h"
#include "src/feed/targets.h"
#include "src/tools/ask.h"
#include "src/tools/lists.h"

/* What it is about. */
struct explained {
	const struct config *config;
	const struct adapter_spec *spec;
	enum adapter_dialect dialect;
	struct adapter_message message;
	struct eio_bytes rooms[FEED_MAX_ROOMS], except[FEED_MAX_ROOMS], names[FEED_MAX_ROOMS];
	struct eio_buf bytes; /* of a message in hexadecimal digits */
};

static const char *const kind_texts[ADAPTER_KINDS] = {
	[ADAPTER_NOTHING] = "nothing for clients: it is between servers",
	[ADAPTER_EVENT] = "an event",
	[ADAPTER_JOIN] = "sockets join rooms",
	[ADAPTER_LEAVE] = "sockets leave rooms",
	[ADAPTER_DISCONNECT] = "sockets are put out",
	[ADAPTER_CALL] = "an event that asks for acks",
	[ADAPTER_IDS] = "a question: the ids of sockets",
	[ADAPTER_SOCKETS] = "a question: what sockets are (fetchSockets)",
	[ADAPTER_ROOMS] = "a question: all rooms",
	[ADAPTER_ROOMS_OF] = "a question: the rooms of a socket",
	[ADAPTER_SERVER_EVENT] = "an event for servers (serverSideEmit)",
	[ADAPTER_CUSTOM] = "a question of the application",
};

/* Channels */

/* Whether a stream is one of ours: the key, with more than one and a number. */
static bool
is_adapter_stream(const struct adapter_spec *s, struct eio_bytes name)
{
	struct eio_bytes key = eio_cstr(s->key);

	if (s->streams == 1) return eio_bytes_eq(name, key);
	return eio_bytes_starts(name, key) && name.n > key.n + 1 && name.p[key.n] == '-' && name.p[key.n + 1] != 'r';
}

/* In which dialect it would be heard. False when in none. */
static bool
find_dialect_of(const struct adapter_spec *s, struct eio_bytes channel, enum adapter_dialect *out)
{
	struct eio_bytes key = eio_cstr(s->key), rest;

	if (s->dialects.heard[ADAPTER_STREAMS] && is_adapter_stream(s, channel)) {
		*out = ADAPTER_STREAMS;
		return true;
	}
	if (!eio_bytes_starts(channel, key)) return false;
	rest = eio_bytes(channel.p + key.n, channel.n - key.n);
	if (!eio_bytes_starts(rest, EIO_LIT("#")) && !eio_bytes_starts(rest, EIO_LIT("-request#"))) return false;
	*out = s->dialects.first;
	return true;
}

/* Messages */

static struct eio_bytes
message_bytes(struct explained *x, struct eio_bytes message)
{
	if (!message.n || message.n % 2) return message;
	for (size_t i = 0; i < message.n; i += 2) {
		int high = eio_hex_value(message.p[i]), low = eio_hex_value(message.p[i + 1]);

		if (high < 0 || low < 0) return message;
		eio_buf_addc(&x->bytes, (char)(high << 4 | low));
	}
	return eio_buf_failed(&x->bytes) ? message : eio_buf_bytes(&x->bytes);
}

/* An entry is given as an object of its fields. */
static enum adapter_result
read_fields(struct explained *x, struct eio_bytes json)
{
	struct eio_bytes nsp, type, data;
	struct eio_buf *b = &x->bytes;
	size_t nsp_n, type_n;

	if (sio_json_check(json) || !sio_json_find(json, EIO_LIT("/nsp"), &nsp) ||
		!sio_json_find(json, EIO_LIT("/type"), &type) || !sio_json_find(json, EIO_LIT("/data"), &data) ||
		*nsp.p != '"' || *type.p != '"' || *data.p != '"')
		return ADAPTER_REFUSED_UNREADABLE;
	eio_buf_clear(b);
	sio_json_unescape(b, nsp);
	nsp_n = b->n;
	sio_json_unescape(b, type);
	type_n = b->n - nsp_n;
	sio_json_unescape(b, data);
	if (eio_buf_failed(b)) return ADAPTER_REFUSED_MEMORY;
	return adapter_entry_read(&(struct adapter_entry){ .nsp = eio_bytes(b->p, nsp_n),
					  .type = eio_bytes(b->p + nsp_n, type_n),
					  .data = eio_bytes(b->p + nsp_n + type_n, b->n - nsp_n - type_n) },
		&x->message);
}

static enum adapter_result
read_explained(struct explained *x, struct eio_bytes channel, struct eio_bytes message)
{
	struct eio_bytes key = eio_cstr(x->spec->key);

	if (x->dialect == ADAPTER_STREAMS && is_adapter_stream(x->spec, channel)) return read_fields(x, message);
	message = message_bytes(x, message);
	if (x->dialect == ADAPTER_CLASSIC) return adapter_classic_read(key, channel, message, &x->message);
	return adapter_cluster_read(key, channel, message, &x->message);
}

/* Telling */

/* None is no line. */
static void
write_names(struct eio_buf *out, const char *what, const struct eio_bytes *v, size_t n)
{
	if (n) write_visible_list(out, what, v, n);
}

static void
write_meaning(struct explained *x, bool json, struct eio_buf *out)
{
	const struct adapter_message *m = &x->message;
	struct audience who = { .nsp = m->nsp, .rooms = x->rooms, .except = x->except };
	size_t n_names = feed_names_list(eio_buf_bytes(&m->names), x->names);
	struct asked there = { .clients = 0 };
	bool known;

	who.n_rooms = feed_names_list(eio_buf_bytes(&m->rooms), x->rooms);
	who.n_except = feed_names_list(eio_buf_bytes(&m->except), x->except);
	known = m->kind != ADAPTER_NOTHING && m->kind != ADAPTER_SERVER_EVENT && !ask_rooms(x->config, &who, &there);
	/* What is done to sockets, or asked about them, is here only. */
	if (known && m->kind != ADAPTER_EVENT) there.edges = false;
	if (json) {
		EIO_BUF_ADD_LIT(out, ",\"namespace\":");
		sio_json_escape(out, m->nsp);
		write_json_list(out, "rooms", who.rooms, who.n_rooms);
		write_json_list(out, "except", who.except, who.n_except);
		write_json_list(out, "names", x->names, n_names);
		if (m->data.p) EIO_BUF_ADD_LIT(out, ",\"data\":");
		if (m->data.p) eio_buf_add(out, m->data);
		if (known) write_asked_json(&there, out);
		return;
	}
	write_names(out, "namespace", &m->nsp, 1);
	write_names(out, "rooms", who.rooms, who.n_rooms);
	if (!who.n_rooms && m->kind != ADAPTER_NOTHING) EIO_BUF_ADD_LIT(out, "  room      everyone in the namespace\n");
	write_names(out, "except", who.except, who.n_except);
	write_names(out, m->kind == ADAPTER_LEAVE ? "leave" : "join", x->names, n_names);
	if (m->data.p) write_names(out, "data", &m->data, 1);
	if (known) eio_buf_printf(out, "  clients   at most %zu%s\n", there.clients, there.edges ? ASKED_EDGES : "");
}

static void
write_meaning_head(const struct explained *x, bool json, const char *what, struct eio_buf *out)
{
	const char *dialect = adapter_dialect_name(x->dialect);
	bool member = x->spec->mode == ADAPTER_MEMBER && x->spec->dialects.first == x->dialect;
	const char *mode = member ? "member" : "emit-only";

	if (json)
		eio_buf_printf(out, "{\"adapter\":\"%s\",\"mode\":\"%s\",\"meaning\":\"%s\"", dialect, mode, what);
	else
		eio_buf_printf(out, "adapter: %s, %s\n  means     %s\n", dialect, mode, what);
}

enum explained_adapter
explain_adapter(
	const struct config *c, struct eio_bytes channel, struct eio_bytes message, bool json, struct eio_buf *out)
{
	struct adapter_options options = { .thread = NULL };
	static struct explained x; /* lists of names are long */
	enum adapter_result r;

	if (!config_fill_adapter(c, &options)) return EXPLAINED_NOT;
	x = (struct explained){ .config = c, .spec = options.spec };
	if (!find_dialect_of(x.spec, channel, &x.dialect)) return EXPLAINED_NOT;
	adapter_message_init(&x.message);
	r = message.p ? read_explained(&x, channel, message) : ADAPTER_REFUSED_UNREADABLE;
	if (r == ADAPTER_UNDERSTOOD) {
		write_meaning_head(&x, json, kind_texts[x.message.kind], out);
		write_meaning(&x, json, out);
	} else if (message.p) {
		write_meaning_head(&x, json, "nothing: it is not understood", out);
		eio_buf_printf(out, json ? ",\"reason\":\"%s\"" : "  because   %s\n", adapter_refusal_name(r));
	} else {
		write_meaning_head(&x, json, "what the message says: give one, as JSON or hexadecimal digits", out);
	}
	if (json) EIO_BUF_ADD_LIT(out, "}\n");
	adapter_message_deinit(&x.message);
	eio_buf_deinit(&x.bytes);
	return r == ADAPTER_UNDERSTOOD ? EXPLAINED_ARRIVES : EXPLAINED_REFUSED;
}

/* SPDX-License-Identifier: MIT */
/* From the body of POST /publish to a posting. What is spliced into packets later is checked here. */
#include "src/admin/publication.h"

#include "sio/json.h"
#include "sio/packet.h"
#include "src/feed/posting.h"
#include "src/feed/targets.h"

/* The members an object may have, as they were found; p is NULL where there is none. */
struct publication {
	struct eio_bytes channel, message, nsp, room, except, event, args;
};

/* Where the value of a member belongs; NULL for one that there is not. */
static struct eio_bytes *
publication_member(struct publication *p, struct eio_bytes key)
{
	const struct {
		struct eio_bytes name;
		struct eio_bytes *value;
	} members[] = {
		{ EIO_LIT("channel"), &p->channel },
		{ EIO_LIT("message"), &p->message },
		{ EIO_LIT("namespace"), &p->nsp },
		{ EIO_LIT("room"), &p->room },
		{ EIO_LIT("except"), &p->except },
		{ EIO_LIT("event"), &p->event },
		{ EIO_LIT("args"), &p->args },
	};

	for (size_t i = 0; i < sizeof members / sizeof members[0]; i++)
		if (sio_json_string_eq(key, members[i].name)) return members[i].value;
	return NULL;
}

static bool
is_json_string(struct eio_bytes json)
{
	return json.p && sio_json_kind(json) == SIO_JSON_STRING;
}

/* What is wrong with one name, or a list of them, or NULL. Without json there is none. */
static const char *
names_mistake(struct eio_bytes json)
{
	struct sio_json_iter it;
	struct eio_bytes name;
	size_t n = 0;

	if (!json.p) return NULL;
	if (sio_json_kind(json) != SIO_JSON_ARRAY) {
		if (!is_json_string(json)) return "\"room\" and \"except\" must be strings or lists of strings";
		return sio_json_string_eq(json, (struct eio_bytes){ 0 }) ? "the name of a room is empty" : NULL;
	}
	for (it = sio_json_iter(json); sio_json_next(&it, NULL, &name); n++) {
		if (!is_json_string(name)) return "\"room\" and \"except\" must be strings or lists of strings";
		if (sio_json_string_eq(name, (struct eio_bytes){ 0 })) return "the name of a room is empty";
	}
	return n > FEED_MAX_ROOMS ? "too many rooms; 1000 are the most" : NULL;
}

/* What is wrong with the values of an event, or NULL. */
static const char *
event_mistake(const struct publication *p)
{
	const char *mistake;

	if (p->message.p) return "\"message\" belongs to a channel; an event has \"args\"";
	if (!is_json_string(p->event)) return "\"event\" must be a string";
	if (p->nsp.p && !is_json_string(p->nsp)) return "\"namespace\" must be a string";
	if (p->args.p && sio_json_kind(p->args) != SIO_JSON_ARRAY) return "\"args\" must be a list";
	mistake = names_mistake(p->room);
	return mistake ? mistake : names_mistake(p->except);
}

/* What is wrong with those of a message, or NULL. */
static const char *
message_mistake(const struct publication *p)
{
	if (p->event.p || p->args.p || p->nsp.p || p->room.p || p->except.p)
		return "an object has either \"channel\" and \"message\" or \"event\"";
	if (!is_json_string(p->channel)) return "\"channel\" must be a string";
	if (!p->message.p) return "\"message\" is missing";
	return NULL;
}

/* Finds the members of an object. What is wrong, or NULL. */
static const char *
find_members(struct eio_bytes json, struct publication *p)
{
	struct sio_json_iter it;
	struct eio_bytes key, value, *to;

	if (sio_json_kind(json) != SIO_JSON_OBJECT) return "expected an object";
	it = sio_json_iter(json);
	while (sio_json_next(&it, &key, &value)) {
		to = publication_member(p, key);
		if (!to) return "unknown member; there are channel, message, namespace, room, except, event and args";
		if (to->p) return "a member stands twice";
		*to = value;
	}
	if (!p->channel.p && !p->event.p) return "\"channel\" or \"event\" is missing";
	return p->channel.p ? message_mistake(p) : event_mistake(p);
}

/* The text of a JSON string in *scratch, behind what is there; its place is kept as an offset, for it may move. */
struct publication_text {
	size_t at, n;
};

static struct publication_text
unescape_text(struct eio_buf *scratch, struct eio_bytes json, struct eio_bytes fallback)
{
	size_t at = scratch->n;

	if (json.p)
		sio_json_unescape(scratch, json);
	else
		eio_buf_add(scratch, fallback);
	return (struct publication_text){ at, scratch->n - at };
}

static struct eio_bytes
text_bytes(const struct eio_buf *scratch, struct publication_text t)
{
	return (struct eio_bytes){ scratch->p + t.at, t.n };
}

static void
pack_name(struct eio_buf *scratch, struct eio_bytes json)
{
	size_t begun = feed_names_begin(scratch);

	sio_json_unescape(scratch, json);
	feed_names_end(scratch, begun);
}

/* The same of one name, or a list of them. */
static struct publication_text
unescape_names(struct eio_buf *scratch, struct eio_bytes json)
{
	size_t at = scratch->n;
	struct sio_json_iter it;
	struct eio_bytes name;

	if (is_json_string(json)) pack_name(scratch, json);
	if (json.p && sio_json_kind(json) == SIO_JSON_ARRAY)
		for (it = sio_json_iter(json); sio_json_next(&it, NULL, &name);) pack_name(scratch, name);
	return (struct publication_text){ at, scratch->n - at };
}

/* Adds what an object says. What is wrong, or NULL. */
static const char *
add_event(struct feed_posting *out, const struct publication *p, struct eio_buf *scratch)
{
	struct publication_text event = unescape_text(scratch, p->event, EIO_LIT(""));
	struct publication_text nsp = unescape_text(scratch, p->nsp, EIO_LIT("/"));
	struct publication_text rooms = unescape_names(scratch, p->room), except = unescape_names(scratch, p->except);
	struct feed_posted item = {
		.is_event = true, .everyone = !p->room.p, .payload = p->args.p ? p->args : EIO_LIT("[]")
	};

	if (eio_buf_failed(scratch)) return NULL; /* found out below */
	item.name = text_bytes(scratch, event);
	item.nsp = text_bytes(scratch, nsp);
	item.rooms = text_bytes(scratch, rooms);
	item.except = text_bytes(scratch, except);
	if (sio_packet_event_reserved(item.name)) return "\"event\" is a reserved name, clients would refuse it";
	if (!item.nsp.n || item.nsp.p[0] != '/') return "\"namespace\" must begin with a slash";
	feed_posting_add(out, &item);
	return NULL;
}

static const char *
add_message(struct feed_posting *out, const struct publication *p, struct eio_buf *scratch)
{
	bool is_text = is_json_string(p->message);
	struct publication_text channel = unescape_text(scratch, p->channel, EIO_LIT(""));
	struct publication_text text = unescape_text(
		scratch, is_text ? p->message : (struct eio_bytes){ 0 }, EIO_LIT(""));
	struct feed_posted item = { .payload = p->message };

	if (eio_buf_failed(scratch)) return NULL;
	item.name = text_bytes(scratch, channel);
	if (is_text) item.payload = text_bytes(scratch, text);
	feed_posting_add(out, &item);
	return NULL;
}

static const char *
add_publication(struct feed_posting *out, struct eio_bytes json, struct eio_buf *scratch)
{
	struct publication p = { 0 };
	const char *mistake = find_members(json, &p);

	if (mistake) return mistake;
	eio_buf_clear(scratch);
	return p.channel.p ? add_message(out, &p, scratch) : add_event(out, &p, scratch);
}

static const char *
add_publications(
	struct feed_posting *out, struct eio_bytes body, struct eio_buf *scratch, struct admin_publication_error *err)
{
	struct sio_json_iter it = sio_json_iter(body);
	struct eio_bytes json;
	const char *mistake;

	err->in_list = sio_json_kind(body) == SIO_JSON_ARRAY;
	if (!err->in_list) return add_publication(out, body, scratch);
	for (err->at = 0; sio_json_next(&it, NULL, &json); err->at++) {
		if (err->at == ADMIN_PUBLICATION_MAX) return "the list is too long; 10000 is the most";
		mistake = add_publication(out, json, scratch);
		/* Without memory it ends, too: the next one would begin with a scratch that knows nothing of it. */
		if (mistake || eio_buf_failed(scratch) || eio_buf_failed(&out->bytes)) return mistake;
	}
	return NULL;
}

struct feed_posting *
admin_publication_read(struct eio_bytes body, struct admin_publication_error *err)
{
	struct feed_posting *out = feed_posting_new();
	struct eio_buf scratch;

	*err = (struct admin_publication_error){ .nomem = !out };
	if (!out) return NULL;
	eio_buf_init(&scratch);
	err->text = sio_json_check(body) < 0 ? "the body is not one JSON value"
					     : add_publications(out, sio_json_trim(body), &scratch, err);
	err->nomem = eio_buf_failed(&scratch) || eio_buf_failed(&out->bytes);
	eio_buf_deinit(&scratch);
	if (!err->text && !err->nomem) return out;
	feed_posting_free(out);
	return NULL;
}

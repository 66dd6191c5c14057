/* SPDX-License-Identifier: MIT */
/* Which library wrote a message is tried out: only the right one finds a message of the right shape, and its end. */
#include "src/adapter/classic.h"

#include "sio/json.h"
#include "src/adapter/message_int.h"
#include "src/feed/posting.h"

/* What is in the list: [uid,] packet, opts. */
struct classic_parts {
	struct eio_bytes uid, packet, opts;
};

/* Takes the list apart. False when it has another shape. */
static bool
find_parts(struct eio_bytes json, size_t n, struct classic_parts *out)
{
	struct sio_json_iter it = sio_json_iter(json);
	struct eio_bytes last = { 0 }, value;
	size_t found = 0;

	if (sio_json_kind(json) != SIO_JSON_ARRAY) return false;
	while (sio_json_next(&it, NULL, &value)) {
		if (n == 3 && found == 0 && sio_json_kind(value) != SIO_JSON_STRING) return false;
		if (n == 3 && found == 0) out->uid = value;
		out->packet = last;
		last = value;
		found++;
	}
	out->opts = last;
	return found == n && adapter__is(out->packet, SIO_JSON_OBJECT) && adapter__is(out->opts, SIO_JSON_OBJECT);
}

/* Reads a list in one dialect. */
static enum adapter_result
try_dialect(struct adapter_message *m, struct eio_bytes payload, enum msgpack_dialect dialect, size_t n,
	struct classic_parts *out)
{
	enum adapter_result r = adapter__unpack(m, payload, dialect);

	if (r != ADAPTER_UNDERSTOOD) return r;
	return find_parts(eio_buf_bytes(&m->json.text), n, out) ? r : ADAPTER_REFUSED_UNKNOWN;
}

/* Version 0 wrote with msgpack-js, later ones with anything: the first byte, which counts the list, says what is more
 * likely. What is wrong with a message says the likelier one. */
static enum adapter_result
read_list(struct adapter_message *m, struct eio_bytes payload, size_t *n, struct classic_parts *out)
{
	enum msgpack_dialect first;
	enum adapter_result r, other;

	if (!payload.n || (*payload.p != '\x92' && *payload.p != '\x93')) return ADAPTER_REFUSED_UNREADABLE;
	*n = *payload.p == '\x92' ? 2 : 3;
	first = *n == 2 ? MSGPACK_JS : MSGPACK_STANDARD;
	r = try_dialect(m, payload, first, *n, out);
	if (r == ADAPTER_UNDERSTOOD) return r;
	other = try_dialect(m, payload, first == MSGPACK_JS ? MSGPACK_STANDARD : MSGPACK_JS, *n, out);
	return other == ADAPTER_UNDERSTOOD || other == ADAPTER_REFUSED_MEMORY ? other : r;
}

/* The namespace that a packet says. p NULL: out of memory, or none that can be. */
static struct eio_bytes
said_namespace(struct adapter_message *m, struct eio_bytes packet)
{
	struct eio_bytes said = adapter__member(packet, EIO_LIT("nsp"));

	return adapter__is(said, SIO_JSON_STRING) ? adapter__text(m, said) : EIO_LIT("/");
}

/* Takes away what something begins with, and a "#" at its end. False when it does not begin, or not end, so. */
static bool
strip(struct eio_bytes *s, struct eio_bytes prefix)
{
	if (!eio_bytes_starts(*s, prefix) || s->n == prefix.n || s->p[s->n - 1] != '#') return false;
	*s = eio_bytes(s->p + prefix.n, s->n - prefix.n - 1);
	return true;
}

/* What stands for one of several rooms, and comes once more for each of the others: this one is for those who are in
 * that room, and in none before it in the list. So everybody gets one of them. */
static enum adapter_result
only_in_room(struct adapter_message *m, struct eio_bytes room)
{
	struct eio_bytes rest = eio_buf_bytes(&m->rooms), name;

	while (feed_names_next(&rest, &name)) {
		size_t before = (size_t)(rest.p - m->rooms.p), self = name.n + sizeof(size_t);

		if (!eio_bytes_eq(name, room)) continue;
		eio_buf_append(&m->except, m->rooms.p, before - self);
		memmove(m->rooms.p, m->rooms.p + before - self, self);
		m->rooms.n = self;
		return eio_buf_failed(&m->except) ? ADAPTER_REFUSED_MEMORY : ADAPTER_UNDERSTOOD;
	}
	return ADAPTER_UNDERSTOOD;
}

/* suffix: the channel behind the key and "#". */
static enum adapter_result
read_broadcast(struct adapter_message *m, struct eio_bytes suffix, struct eio_bytes payload)
{
	struct classic_parts parts = { .uid = { 0 } };
	enum adapter_result r;
	size_t n;

	r = read_list(m, payload, &n, &parts);
	if (r != ADAPTER_UNDERSTOOD) return r;
	m->uid = parts.uid;
	m->nsp = said_namespace(m, parts.packet);
	if (!m->nsp.n) return m->nsp.p ? ADAPTER_REFUSED_NAMESPACE : ADAPTER_REFUSED_MEMORY;
	r = adapter__event(m, parts.packet, parts.opts);
	if (r != ADAPTER_UNDERSTOOD || n == 2) return r;
	if (!strip(&suffix, m->nsp)) return ADAPTER_REFUSED_NAMESPACE;
	if (!suffix.n) return r;
	return *suffix.p == '#' ? only_in_room(m, eio_bytes(suffix.p + 1, suffix.n - 1)) : ADAPTER_REFUSED_NAMESPACE;
}

static enum adapter_result
read_request(struct adapter_message *m, struct eio_bytes payload)
{
	enum adapter_result r;

	if (payload.n && *payload.p == '{') {
		if (sio_json_check(payload) < 0) return ADAPTER_REFUSED_UNREADABLE;
		return adapter__request(m, sio_json_trim(payload));
	}
	r = adapter__unpack(m, payload, MSGPACK_STANDARD);
	return r == ADAPTER_UNDERSTOOD ? adapter__request(m, eio_buf_bytes(&m->json.text)) : r;
}

enum adapter_result
adapter_classic_read(
	struct eio_bytes key, struct eio_bytes channel, struct eio_bytes payload, struct adapter_message *m)
{
	static const struct eio_bytes request = { "-request#", sizeof "-request#" - 1 };
	struct eio_bytes suffix;

	adapter__begin(m);
	if (!eio_bytes_starts(channel, key)) return ADAPTER_REFUSED_UNKNOWN;
	suffix = eio_bytes(channel.p + key.n, channel.n - key.n);
	if (eio_bytes_starts(suffix, EIO_LIT("#")))
		return read_broadcast(m, eio_bytes(suffix.p + 1, suffix.n - 1), payload);
	if (!strip(&suffix, request)) return ADAPTER_REFUSED_UNKNOWN;
	m->nsp = suffix;
	return suffix.n ? read_request(m, payload) : ADAPTER_REFUSED_NAMESPACE;
}

void
adapter_classic_pattern(const char *key, bool requests, struct eio_buf *out)
{
	for (; *key; key++) {
		if (strchr("*?[]\\", *key)) eio_buf_addc(out, '\\');
		eio_buf_addc(out, *key);
	}
	eio_buf_add(out, requests ? EIO_LIT("-request#*") : EIO_LIT("#*"));
}

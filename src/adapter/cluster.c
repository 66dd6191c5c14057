/* SPDX-License-Identifier: MIT */
/* One shape for two ways to travel. */
#include "src/adapter/cluster.h"

#include "eio/base64.h"
#include "sio/json.h"
#include "src/adapter/message_int.h"

/* Types of messages. Heartbeats belong to adapters of other things than Redis; answers go to who has asked. */
enum {
	CLUSTER_BROADCAST = 3,
	CLUSTER_JOIN = 4,
	CLUSTER_LEAVE = 5,
	CLUSTER_DISCONNECT = 6,
	CLUSTER_FETCH = 7,
	CLUSTER_SERVER_EVENT = 9,
};

static enum adapter_result
read_fetch(struct adapter_message *m, struct eio_bytes data)
{
	enum adapter_result r = adapter__audience(m, adapter__member(data, EIO_LIT("opts")));

	if (!m->request.p) return ADAPTER_REFUSED_UNKNOWN;
	if (r == ADAPTER_UNDERSTOOD) m->kind = ADAPTER_SOCKETS;
	return r;
}

static enum adapter_result
read_data(struct adapter_message *m, uint64_t type, struct eio_bytes data)
{
	struct eio_bytes opts = adapter__member(data, EIO_LIT("opts")), rooms = adapter__member(data, EIO_LIT("rooms"));
	struct eio_bytes packet = adapter__member(data, EIO_LIT("packet"));
	enum adapter_result r = adapter__asks(m, adapter__member(data, EIO_LIT("requestId")));

	if (r != ADAPTER_UNDERSTOOD) return r;
	m->close = adapter__is(adapter__member(data, EIO_LIT("close")), SIO_JSON_TRUE);
	switch (type) {
	case CLUSTER_BROADCAST: return adapter__call(m, packet, opts);
	case CLUSTER_JOIN: return adapter__order(m, ADAPTER_JOIN, opts, rooms);
	case CLUSTER_LEAVE: return adapter__order(m, ADAPTER_LEAVE, opts, rooms);
	case CLUSTER_DISCONNECT: return adapter__order(m, ADAPTER_DISCONNECT, opts, rooms);
	case CLUSTER_FETCH: return read_fetch(m, data);
	case CLUSTER_SERVER_EVENT: return adapter__server_event(m, packet);
	default: return ADAPTER_UNDERSTOOD;
	}
}

/* JSON, or MessagePack of today's libraries. *json is an object of it, or anything else. */
static enum adapter_result
read_cluster_json(struct adapter_message *m, struct eio_bytes payload, struct eio_bytes *json)
{
	enum adapter_result r;

	if (payload.n && *payload.p == '{') {
		*json = sio_json_trim(payload);
		return sio_json_check(payload) < 0 ? ADAPTER_REFUSED_UNREADABLE : ADAPTER_UNDERSTOOD;
	}
	r = adapter__unpack(m, payload, MSGPACK_STANDARD);
	*json = eio_buf_bytes(&m->json.text);
	return r;
}

/* A message names its namespace, which its channel does as well: K#N#, and maybe a room or who is answered. */
static bool
is_cluster_channel(struct eio_bytes key, struct eio_bytes channel, struct eio_bytes nsp)
{
	size_t head = key.n + 1;

	if (channel.n < head + nsp.n + 1 || memcmp(channel.p, key.p, key.n) != 0 || channel.p[key.n] != '#')
		return false;
	return memcmp(channel.p + head, nsp.p, nsp.n) == 0 && channel.p[head + nsp.n] == '#' &&
	       channel.p[channel.n - 1] == '#';
}

enum adapter_result
adapter_cluster_read(
	struct eio_bytes key, struct eio_bytes channel, struct eio_bytes payload, struct adapter_message *m)
{
	struct eio_bytes json, nsp;
	enum adapter_result r;
	uint64_t type;

	adapter__begin(m);
	r = read_cluster_json(m, payload, &json);
	if (r != ADAPTER_UNDERSTOOD) return r;
	nsp = adapter__member(json, EIO_LIT("nsp"));
	if (!adapter__is(nsp, SIO_JSON_STRING) || !adapter__number(adapter__member(json, EIO_LIT("type")), &type))
		return ADAPTER_REFUSED_UNKNOWN;
	m->nsp = adapter__text(m, nsp);
	if (!m->nsp.p) return ADAPTER_REFUSED_MEMORY;
	if (!m->nsp.n || !is_cluster_channel(key, channel, m->nsp)) return ADAPTER_REFUSED_NAMESPACE;
	m->uid = adapter__member(json, EIO_LIT("uid"));
	return read_data(m, type, adapter__member(json, EIO_LIT("data")));
}

/* Entries: uid is a plain text there, type a text of digits. */

static bool
entry_type(struct eio_bytes text, uint64_t *out)
{
	*out = 0;
	if (!text.n || text.n > 3) return false;
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] < '0' || text.p[i] > '9') return false;
		*out = *out * 10 + (uint64_t)(text.p[i] - '0');
	}
	return true;
}

static enum adapter_result
read_base64(struct adapter_message *m, struct eio_bytes text, struct eio_bytes *json)
{
	ssize_t n;

	eio_buf_clear(&m->scratch);
	if (!eio_buf_reserve(&m->scratch, text.n + 1)) return ADAPTER_REFUSED_MEMORY;
	n = eio_base64_decode(m->scratch.p, text);
	if (n < 0) return ADAPTER_REFUSED_UNREADABLE;
	m->scratch.n = (size_t)n;
	return read_cluster_json(m, eio_buf_bytes(&m->scratch), json);
}

enum adapter_result
adapter_entry_read(const struct adapter_entry *e, struct adapter_message *m)
{
	struct eio_bytes json = { 0 };
	enum adapter_result r = ADAPTER_UNDERSTOOD;
	uint64_t type;

	adapter__begin(m);
	if (!e->nsp.p && !e->type.p) return r; /* whatever it is, servers of Node do not look at it either */
	if (!e->nsp.n || !entry_type(e->type, &type)) return ADAPTER_REFUSED_UNKNOWN;
	m->nsp = e->nsp;
	if (e->data.n) r = *e->data.p == '{' ? read_cluster_json(m, e->data, &json) : read_base64(m, e->data, &json);
	return r == ADAPTER_UNDERSTOOD ? read_data(m, type, json) : r;
}

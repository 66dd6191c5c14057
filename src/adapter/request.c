/* SPDX-License-Identifier: MIT */
/*
 * What servers are asked on a channel of requests. Two numberings: that of adapters from version 6 on, and before it
 * one whose requests spell "requestid" so. An order by the id of a socket is answered by whoever has that; all else
 * that has the text of a request by every server that is counted.
 */
#include "src/adapter/message_int.h"

#include "sio/json.h"

enum { REQUEST_TYPES = 8 };

/* What the numbers mean. */
static const enum adapter_kind new_kinds[REQUEST_TYPES] = { ADAPTER_IDS, ADAPTER_ROOMS, ADAPTER_JOIN, ADAPTER_LEAVE,
	ADAPTER_DISCONNECT, ADAPTER_SOCKETS, ADAPTER_SERVER_EVENT, ADAPTER_CALL };
static const enum adapter_kind old_kinds[REQUEST_TYPES] = { ADAPTER_IDS, ADAPTER_ROOMS_OF, ADAPTER_ROOMS, ADAPTER_JOIN,
	ADAPTER_LEAVE, ADAPTER_CUSTOM, ADAPTER_DISCONNECT, ADAPTER_NOTHING };

/* An order by the id of a socket: it joins or leaves a room, or goes. */
static enum adapter_result
read_owned(struct adapter_message *m, enum adapter_kind kind, struct eio_bytes json)
{
	enum adapter_result r = adapter__name(adapter__member(json, EIO_LIT("sid")), &m->rooms);

	if (r == ADAPTER_UNDERSTOOD && kind != ADAPTER_DISCONNECT && kind != ADAPTER_ROOMS_OF)
		r = adapter__name(adapter__member(json, EIO_LIT("room")), &m->names);
	if (r != ADAPTER_UNDERSTOOD) return r;
	m->owned = true;
	m->kind = kind;
	return r;
}

static enum adapter_result
read_order(struct adapter_message *m, enum adapter_kind kind, struct eio_bytes json)
{
	struct eio_bytes opts = adapter__member(json, EIO_LIT("opts"));

	m->close = adapter__is(adapter__member(json, EIO_LIT("close")), SIO_JSON_TRUE);
	return opts.p ? adapter__order(m, kind, opts, adapter__member(json, EIO_LIT("rooms")))
		      : read_owned(m, kind, json);
}

static enum adapter_result
read_acked(struct adapter_message *m, struct eio_bytes json)
{
	struct eio_bytes packet = adapter__member(json, EIO_LIT("packet"));

	if (!m->request.p) return ADAPTER_REFUSED_UNKNOWN;
	if (!adapter__is_of(m, packet)) return ADAPTER_REFUSED_NAMESPACE;
	return adapter__call(m, packet, adapter__member(json, EIO_LIT("opts")));
}

/* A question that is nothing without the text by which its answer is known. */
static enum adapter_result
read_question(struct adapter_message *m, enum adapter_kind kind, struct eio_bytes json)
{
	enum adapter_result r = ADAPTER_UNDERSTOOD;

	if (!m->request.p) return ADAPTER_REFUSED_UNKNOWN;
	if (kind == ADAPTER_IDS) r = adapter__names(adapter__member(json, EIO_LIT("rooms")), &m->rooms);
	if (kind == ADAPTER_SOCKETS) r = adapter__audience(m, adapter__member(json, EIO_LIT("opts")));
	if (r == ADAPTER_UNDERSTOOD) m->kind = kind;
	return r;
}

static enum adapter_result
read_kind(struct adapter_message *m, enum adapter_kind kind, struct eio_bytes json)
{
	switch (kind) {
	case ADAPTER_JOIN:
	case ADAPTER_LEAVE:
	case ADAPTER_DISCONNECT: return read_order(m, kind, json);
	case ADAPTER_CALL: return read_acked(m, json);
	case ADAPTER_SERVER_EVENT: return adapter__server_event(m, adapter__member(json, EIO_LIT("data")));
	case ADAPTER_ROOMS_OF: return read_owned(m, kind, json);
	case ADAPTER_NOTHING: return ADAPTER_UNDERSTOOD;
	default: return read_question(m, kind, json);
	}
}

enum adapter_result
adapter__request(struct adapter_message *m, struct eio_bytes json)
{
	struct eio_bytes old = adapter__member(json, EIO_LIT("requestid"));
	enum adapter_result r;
	uint64_t type;

	if (!adapter__number(adapter__member(json, EIO_LIT("type")), &type)) return ADAPTER_REFUSED_UNKNOWN;
	m->old = old.p != NULL;
	m->uid = adapter__member(json, EIO_LIT("uid"));
	r = adapter__asks(m, m->old ? old : adapter__member(json, EIO_LIT("requestId")));
	if (r != ADAPTER_UNDERSTOOD || type >= REQUEST_TYPES) return r;
	return read_kind(m, (m->old ? old_kinds : new_kinds)[type], json);
}

/* SPDX-License-Identifier: MIT */
/*
 * What servers are asked on a channel of requests. Two numberings: that of adapters from version 6 on, and before it
 * one whose requests spell "requestid" so. What asks for an answer is for servers that are counted, and passed over.
 */
#include "src/adapter/message_int.h"

#include "sio/json.h"

enum {
	JOIN = 2,
	LEAVE = 3,
	DISCONNECT = 4,
	BROADCAST = 7, /* with acks */
};

/* Up to version 5: the socket of an id joins or leaves a room, or goes. */
enum { OLD_JOIN = 3, OLD_LEAVE = 4, OLD_DISCONNECT = 6 };

static enum adapter_kind
kind_of_request(uint64_t type, bool old)
{
	switch (type) {
	case JOIN: return old ? ADAPTER_NOTHING : ADAPTER_JOIN;
	case LEAVE: return old ? ADAPTER_JOIN : ADAPTER_LEAVE;
	case DISCONNECT: return old ? ADAPTER_LEAVE : ADAPTER_DISCONNECT;
	case OLD_DISCONNECT: return old ? ADAPTER_DISCONNECT : ADAPTER_NOTHING;
	default: return ADAPTER_NOTHING;
	}
}

_Static_assert((int)OLD_JOIN == (int)LEAVE && (int)OLD_LEAVE == (int)DISCONNECT, "one switch for both numberings");

/* Which rooms: a list, or one. */
static enum adapter_result
read_rooms_of(struct adapter_message *m, struct eio_bytes json)
{
	struct eio_bytes rooms = adapter__member(json, EIO_LIT("rooms")), room = adapter__member(json, EIO_LIT("room"));

	if (rooms.p) return adapter__names(rooms, &m->names);
	return adapter__name(room, &m->names);
}

/* Whose sockets: those of an audience, or the one of an id. */
static enum adapter_result
read_whose(struct adapter_message *m, struct eio_bytes json)
{
	struct eio_bytes opts = adapter__member(json, EIO_LIT("opts"));

	if (opts.p) return adapter__audience(m, opts);
	return adapter__name(adapter__member(json, EIO_LIT("sid")), &m->rooms);
}

enum adapter_result
adapter__request(struct adapter_message *m, struct eio_bytes json)
{
	bool old = adapter__member(json, EIO_LIT("requestid")).p != NULL;
	enum adapter_kind kind;
	enum adapter_result r;
	uint64_t type;

	if (!adapter__number(adapter__member(json, EIO_LIT("type")), &type)) return ADAPTER_REFUSED_UNKNOWN;
	if (type == BROADCAST && !old) {
		m->acked = true;
		return adapter__event(
			m, adapter__member(json, EIO_LIT("packet")), adapter__member(json, EIO_LIT("opts")));
	}
	kind = kind_of_request(type, old);
	if (kind == ADAPTER_NOTHING) return ADAPTER_UNDERSTOOD;
	r = read_whose(m, json);
	if (r == ADAPTER_UNDERSTOOD && kind != ADAPTER_DISCONNECT) r = read_rooms_of(m, json);
	if (r != ADAPTER_UNDERSTOOD) return r;
	m->close = adapter__is(adapter__member(json, EIO_LIT("close")), SIO_JSON_TRUE);
	m->kind = kind;
	return ADAPTER_UNDERSTOOD;
}

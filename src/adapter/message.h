/* SPDX-License-Identifier: MIT */
/*
 * What an adapter or an emitter of Socket.IO publishes, understood: an event for clients, or what their sockets shall
 * do. One struct for all dialects, which fill it and keep its memory from one message to the next. No I/O.
 *
 * Threads: one at a time.
 */
#ifndef SRC_ADAPTER_MESSAGE_H
#define SRC_ADAPTER_MESSAGE_H

#include "src/msgpack/json.h"

enum adapter_kind {
	ADAPTER_NOTHING, /* what is between others */
	ADAPTER_EVENT,
	ADAPTER_JOIN,
	ADAPTER_LEAVE,
	ADAPTER_DISCONNECT,
	/* What servers that are counted answer: */
	ADAPTER_CALL, /* an event that asks for acks */
	ADAPTER_IDS, /* the ids of sockets */
	ADAPTER_SOCKETS, /* what they are */
	ADAPTER_ROOMS, /* all rooms */
	ADAPTER_ROOMS_OF, /* those of one socket */
	ADAPTER_SERVER_EVENT, /* an event for servers */
	ADAPTER_CUSTOM, /* what applications have made up */
	ADAPTER_KINDS
};

/* Of a call that does not say how long it waits; and at most. */
enum { ADAPTER_TIMEOUT_MS = 5000, ADAPTER_TIMEOUT_MS_MAX = 86400000 };

/* So long may the text by which a request is known be. */
enum { ADAPTER_REQUEST_MAX = 256 };

/* Why a message is not understood: X(name, label). The label is that of its counter. */
#define ADAPTER_REFUSALS(X) \
	X(UNREADABLE, "unreadable") /* neither JSON nor MessagePack of any library */ \
	X(UNKNOWN, "unknown") /* of another shape than these messages have */ \
	X(NAMESPACE, "namespace") /* of another namespace than its channel */ \
	X(EVENT, "event") /* clients refuse its name */ \
	X(ROOMS, "rooms") /* more than FEED_MAX_ROOMS */ \
	X(BINARY, "binary") /* more than SIO_MAX_ATTACHMENTS, or placeholders for others */ \
	X(DEEP, "deep") /* more than MSGPACK_MAX_DEPTH */ \
	X(TOO_LONG, "too_long") /* more than limits.messageBytes: never read */ \
	X(MEMORY, "memory")

enum adapter_result {
	ADAPTER_UNDERSTOOD,
#define X(name, label) ADAPTER_REFUSED_##name,
	ADAPTER_REFUSALS(X)
#undef X
		ADAPTER_RESULT_COUNT
};

/* Bytes are valid until the next message is read; those of attachments lie in the payload. */
struct adapter_message {
	enum adapter_kind kind;
	struct eio_bytes nsp;
	/* Whom it is for, as the names of feed/posting.h. Without rooms: everyone in the namespace. */
	struct eio_buf rooms, except;
	/* Who sent it, and by what the answer is known that is wanted: JSON strings; p NULL where there is none. */
	struct eio_bytes uid, request;
	bool old; /* of a request: in the words of adapters before version 6 */
	struct eio_bytes data; /* of an event: the array of its name and arguments, checked JSON */
	bool has_placeholders; /* there are attachments, and they are of the data */
	bool fleeting; /* of an event: not for who is behind */
	unsigned timeout_ms; /* of a call: how long acks are awaited */
	struct eio_buf names; /* of joining and leaving: which rooms */
	bool close; /* of disconnecting: the whole connection */
	bool owned; /* an order by the id of one socket: whoever has that answers */
	/* How it was read: the dialects' own. */
	struct msgpack_json json;
	struct eio_buf scratch;
};

/* The label of the counter, and the word of siocast explain; "" for what is understood. */
const char *adapter_refusal_name(enum adapter_result r);

void adapter_message_init(struct adapter_message *m);
void adapter_message_deinit(struct adapter_message *m);

#endif

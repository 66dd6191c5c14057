/* SPDX-License-Identifier: MIT */
/*
 * What we say to servers of Node, in the words of a dialect: answers, and events for their clients. Pure functions.
 */
#ifndef SRC_ADAPTER_OUTGOING_H
#define SRC_ADAPTER_OUTGOING_H

#include "src/adapter/message.h"
#include "src/adapter/spec.h"

/* How we speak. */
struct adapter_voice {
	enum adapter_dialect dialect;
	enum adapter_rooms_mode rooms; /* of sharded */
	struct eio_bytes key, uid; /* uid: characters that need no escapes */
};

/* Who is answered. All bytes are the caller's. */
struct adapter_asker {
	enum adapter_kind kind; /* of what was asked */
	bool old;
	bool acked; /* of a call: an ack, not how many there are */
	struct eio_bytes nsp, uid, request; /* as in struct adapter_message */
};

/* What it is answered. */
struct adapter_reply {
	struct eio_bytes json; /* of lists, what is in them; of an ack, its argument */
	size_t n; /* of a call, how many got it */
	const struct eio_bytes *attachments; /* of an ack */
	size_t n_attachments;
};

/* Where something goes, and what. Kept from one to the next. */
struct adapter_outgoing {
	struct eio_buf channel, payload;
	struct eio_buf text; /* scratch */
};

void adapter_outgoing_deinit(struct adapter_outgoing *o);

/* The channel and payload of an answer. Out of memory shows in their buffers, see adapter_outgoing_failed(). */
void adapter_outgoing_reply(struct adapter_outgoing *o, const struct adapter_voice *v, const struct adapter_asker *who,
	const struct adapter_reply *reply);

/* An event. All names are any bytes. */
struct adapter_event {
	struct eio_bytes nsp, data; /* the array of its name and arguments: checked JSON */
	const struct eio_bytes *attachments; /* for placeholders as sio/event.h writes them */
	size_t n_attachments;
	const struct eio_bytes *rooms, *except;
	size_t n_rooms, n_except;
};

/* The same of an event. Of streams the payload is the value of the field "data", and the channel the stream. */
void adapter_outgoing_event(
	struct adapter_outgoing *o, const struct adapter_voice *v, const struct adapter_event *e, unsigned streams);

bool adapter_outgoing_failed(const struct adapter_outgoing *o);

/* Appends the stream of a namespace, of so many. A namespace whose number is negative has none that is read. */
void adapter_stream_name(struct eio_buf *out, struct eio_bytes key, struct eio_bytes nsp, unsigned streams);

/* Whether what goes to one room only has a channel of its own. */
bool adapter_room_is_apart(enum adapter_rooms_mode mode, struct eio_bytes room);

#endif

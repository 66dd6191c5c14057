/* SPDX-License-Identifier: MIT */
/* What the dialects have in common; for src/adapter/ only. All JSON has been checked. */
#ifndef SRC_ADAPTER_MESSAGE_INT_H
#define SRC_ADAPTER_MESSAGE_INT_H

#include "sio/json.h"
#include "src/adapter/message.h"

/* Begins a new message. */
void adapter__begin(struct adapter_message *m);

/* Reads MessagePack of one dialect into m->json. */
enum adapter_result adapter__unpack(struct adapter_message *m, struct eio_bytes payload, enum msgpack_dialect dialect);

/* The member of an object. Of several with one name the last counts. p NULL: there is none, or no object. */
struct eio_bytes adapter__member(struct eio_bytes object, struct eio_bytes name);

/* Whether it is a JSON number, which is in *out. */
bool adapter__number(struct eio_bytes json, uint64_t *out);

bool adapter__is(struct eio_bytes json, enum sio_json_kind kind);

/* Appends the names of a list. p NULL: there are none. */
enum adapter_result adapter__names(struct eio_bytes json, struct eio_buf *out);

/* Appends one name to the list. */
enum adapter_result adapter__name(struct eio_bytes json, struct eio_buf *out);

/* Whom it is for: {rooms, except}. */
enum adapter_result adapter__audience(struct adapter_message *m, struct eio_bytes opts);

/* Whether a packet is of m->nsp: where it says none it is of "/". */
bool adapter__is_of(const struct adapter_message *m, struct eio_bytes packet);

/* An event: its packet and its {rooms, except, flags}. */
enum adapter_result adapter__event(struct adapter_message *m, struct eio_bytes packet, struct eio_bytes opts);

/* The text of a JSON string in m->scratch, where it lies until the next call. */
struct eio_bytes adapter__text(struct adapter_message *m, struct eio_bytes json);

/* The same, and it asks for acks if there is a request. */
enum adapter_result adapter__call(struct adapter_message *m, struct eio_bytes packet, struct eio_bytes opts);

/* An order: its audience, {rooms, except}; and which rooms, but for disconnecting. */
enum adapter_result adapter__order(
	struct adapter_message *m, enum adapter_kind kind, struct eio_bytes opts, struct eio_bytes rooms);

/* An event for servers: the list of its name and arguments. */
enum adapter_result adapter__server_event(struct adapter_message *m, struct eio_bytes data);

/* The text by which an answer is known, where one is wanted. */
enum adapter_result adapter__asks(struct adapter_message *m, struct eio_bytes request);

/* What is asked of servers on a channel of requests of m->nsp: request.c. */
enum adapter_result adapter__request(struct adapter_message *m, struct eio_bytes json);

#endif

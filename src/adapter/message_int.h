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

/* An event: its packet and its {rooms, except, flags}. The packet's namespace, where it says one, is m->nsp. */
enum adapter_result adapter__event(struct adapter_message *m, struct eio_bytes packet, struct eio_bytes opts);

/* The text of a JSON string in m->scratch, where it lies until the next call. */
struct eio_bytes adapter__text(struct adapter_message *m, struct eio_bytes json);

/* What is asked of servers on a channel of requests of m->nsp: request.c. */
enum adapter_result adapter__request(struct adapter_message *m, struct eio_bytes json);

#endif

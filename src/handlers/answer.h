/* SPDX-License-Identifier: MIT */
/*
 * What the application answers to a call: the body of a 2xx. All members may be missing, and so may the body.
 *
 *     {"leave": ["room", …], "join": ["room", …],
 *      "emit": [["event", argument …], …],                          to the client
 *      "broadcast": [{"room": …, "except": …, "event": …, "args": […], "self": false}, …],
 *      "ack": [argument …],                                         where it asked for one
 *      "disconnect": true}                                          the whole connection
 *
 * They are done in this order. A room is a string or a number, "room" and "except" are one or a list of them; without
 * "room" everyone in the namespace is meant. An answer with a mistake is none: all of it is looked at before anything
 * is done. Pure functions.
 */
#ifndef SRC_HANDLERS_ANSWER_H
#define SRC_HANDLERS_ANSWER_H

#include "eio/buf.h"
#include "eio/bytes.h"
#include "sio/json.h"

enum {
	HANDLERS_ANSWER_BYTES = 1 << 20, /* head and body of it */
	HANDLERS_ANSWER_ROOMS = 1000, /* of a leave, a join, a room, an except */
	HANDLERS_ANSWER_EMITS = 1000,
	HANDLERS_ANSWER_BROADCASTS = 100,
};

/* Spans of the body: JSON arrays; n is 0 where there is none. */
struct handlers_answer {
	struct eio_bytes leave, join, emit, broadcast, ack;
	bool disconnect;
};

/* NULL, or what is wrong with the body: a constant string. Any bytes. */
const char *handlers_answer_read(struct eio_bytes body, struct handlers_answer *a);

/* An element of "broadcast". room and except: JSON, or n is 0. */
struct handlers_answer_broadcast {
	struct eio_bytes room, except, event;
	struct eio_bytes args; /* the inside of the list */
	bool self;
};

/* element: of an answer that was read. */
void handlers_answer_broadcast(struct eio_bytes element, struct handlers_answer_broadcast *b);

/* Walks the rooms of a JSON value that is one or a list of them, or empty; all zero is the end:
 *
 *     struct handlers_answer_rooms it = handlers_answer_rooms(value);
 *     while (handlers_answer_next_room(&it, &name)) …
 *
 * Each is appended as text; whether out ran out of memory is for the caller to check. */
struct handlers_answer_rooms {
	struct sio_json_iter it;
	struct eio_bytes one; /* that is no list */
};

struct handlers_answer_rooms handlers_answer_rooms(struct eio_bytes rooms);
bool handlers_answer_next_room(struct handlers_answer_rooms *it, struct eio_buf *out);

/* Reads the body of a refusal: its members "message", a string, and "data", any value; n is 0 where there is none. Any
 * bytes. */
void handlers_answer_refusal(struct eio_bytes body, struct eio_bytes *message, struct eio_bytes *data);

#endif

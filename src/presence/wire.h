/* SPDX-License-Identifier: MIT */
/*
 * What nodes tell each other, as JSON. On the channel <prefix>:presence:
 *
 *     ["<node>",<seq>]                   it lives, and this is the number of its last change
 *     ["<node>",<seq>,"hello"]           it is new: the others say that they live
 *     ["<node>",<seq>,"all"]             its state was written anew
 *     ["<node>",<seq>,"bye"]             it ends, and has nobody any more
 *     ["<node>",<seq>,[change …]]        with a change
 *         ["+","/","room",42,{"name":"Ada"}]     it has a member: what he is, what he is called
 *         ["-","/","room","42"]                  not any more
 *         ["#","/","room",17]                    so many clients
 *
 * In its hash <prefix>:presence:<node>, of which it refreshes the expiry:
 *
 *     ["/","room","42"]   [42,{"name":"Ada"}]
 *     ["/","room"]        17
 *     seq                 the number of the last change that is in it
 *
 * The room is null where the whole namespace is meant. Pure functions.
 */
#ifndef SRC_PRESENCE_WIRE_H
#define SRC_PRESENCE_WIRE_H

#include "eio/buf.h"
#include "sio/room.h"

#include <stdint.h>

enum presence_word { PRESENCE_ALIVE, PRESENCE_HELLO, PRESENCE_ALL, PRESENCE_BYE, PRESENCE_CHANGES };

struct presence_message {
	struct eio_bytes node; /* raw: between the quotes */
	uint64_t seq;
	enum presence_word word;
	struct eio_bytes changes; /* raw JSON list */
};

/* Reads a message: any bytes. Its bytes are those of text. False when it is none. */
bool presence_message_read(struct eio_bytes text, struct presence_message *m);

/* Begins a message of changes, or writes one without. node: letters and digits. */
void presence_message_write(struct eio_buf *out, const char *node, uint64_t seq, enum presence_word word);

/* One change, or one field of a hash. */
struct presence_change {
	char kind; /* '+', '-' or '#' */
	struct sio_room_key key; /* in the scratch buffer */
	struct eio_bytes identity; /* the same; not of '#' */
	struct eio_bytes member, info; /* of '+': raw JSON */
	uint64_t n; /* of '#' */
};

/* Reads one of either; scratch holds what was escaped, until the next call. False when it is none, or memory is out. */
bool presence_change_read(struct eio_bytes json, struct eio_buf *scratch, struct presence_change *c);
bool presence_field_read(
	struct eio_bytes field, struct eio_bytes value, struct eio_buf *scratch, struct presence_change *c);

/* Appends a change; key and identity are UTF-8. */
void presence_change_write(struct eio_buf *out, const struct presence_change *c);

/* Appends the name of its field, and for '+' and '#' its value. */
void presence_field_write(struct eio_buf *out, const struct presence_change *c);
void presence_value_write(struct eio_buf *out, const struct presence_change *c);

/* Appends what identifies a member: of a string what it says, of a number its digits. False for anything else. */
bool presence_identity(struct eio_bytes member, struct eio_buf *out);

/* A number in decimal digits, and nothing else. */
bool presence_number(struct eio_bytes s, uint64_t *out);

#endif

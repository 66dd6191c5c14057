/* SPDX-License-Identifier: MIT */
/* Who gets the same event of a message by two feeds. */
#ifndef SRC_TOOLS_TWICE_H
#define SRC_TOOLS_TWICE_H

#include "eio/bytes.h"
#include "src/feed/audience.h"
#include "src/feed/message.h"

struct twice;

/* A feed that was noted; feed -1: none. */
struct twice_found {
	long feed;
	bool only_posted; /* of a message that is published without Redis; of no other */
};

/* posted: messages may be published without Redis, as by POST /publish. NULL when out of memory; for twice_free(). */
struct twice *twice_new(bool posted);
void twice_free(struct twice *t); /* NULL is fine */

/* Notes that a feed sends an event to an audience; kind: how the message came to it. Gives a feed before it that sends
 * the same event of the same message to somebody who may be in that audience, too. What is published reaches a channel
 * or a shard channel, and an entry only its stream. Out of memory nothing is noted. */
struct twice_found twice_add(
	struct twice *t, unsigned feed, enum message_kind kind, struct eio_bytes event, const struct audience *a);

#endif

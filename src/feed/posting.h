/* SPDX-License-Identifier: MIT */
/*
 * What is published without Redis, as POST /publish does: messages that take the way of the feeds, and events that go
 * to clients as they are. Whoever publishes fills a posting; feed_post() carries it to the feed's thread.
 *
 * Threads: one owner at a time.
 */
#ifndef SRC_FEED_POSTING_H
#define SRC_FEED_POSTING_H

#include "eio/buf.h"
#include "src/base/mailbox.h"

/* One of both. The bytes are the posting's, or when it is added anybody's. */
struct feed_posted {
	bool is_event;
	/* Of the channel; or of the event, in UTF-8, none of the reserved ones. p NULL: that is in the payload. */
	struct eio_bytes name;
	/* The message, any bytes; or the event's arguments, a list in checked JSON, which begins with its name where
	 * that is not known. */
	struct eio_bytes payload;
	/* Of an event only. */
	struct eio_bytes nsp;
	bool everyone; /* it is for the whole namespace; else for the members of the rooms, each of them once */
	struct eio_bytes rooms; /* names, packed; without any of them it is for nobody */
	struct eio_bytes except; /* as rooms: of rooms, and ids of sockets, that do not get it */
	/* The same, where it does not travel in a posting. */
	const struct eio_bytes *attachments; /* what placeholders in the payload are for */
	size_t n_attachments;
	bool fleeting; /* it is not for clients that are behind */
	bool acked; /* clients are asked for an ack, which nobody waits for where its number is 0 */
	uint64_t ack;
};

/* Names are packed one behind the other. Writing one: what is written to out between the calls is the name. Reading:
 * takes the first, false when there is none. */
size_t feed_names_begin(struct eio_buf *out);
void feed_names_end(struct eio_buf *out, size_t begun);
bool feed_names_next(struct eio_bytes *packed, struct eio_bytes *name);

/* All of them, at most FEED_MAX_ROOMS, for which v has room. Returns how many. */
size_t feed_names_list(struct eio_bytes packed, struct eio_bytes *v);

/* The fields are private. */
struct feed_posting {
	struct mail mail; /* on its way to the feed */
	struct eio_buf bytes; /* of all items: their head and what it counts, one behind the other */
	size_t n; /* items */
};

/* An empty one; NULL when out of memory. */
struct feed_posting *feed_posting_new(void);
void feed_posting_free(struct feed_posting *p); /* NULL is fine */

/* Adds a copy at the end. 0, or -1 when out of memory: then it may only be freed. */
int feed_posting_add(struct feed_posting *p, const struct feed_posted *item);

/* Walks the items: begin with *at 0; false behind the last. What is found lives as long as the posting is not
 * changed. */
bool feed_posting_next(const struct feed_posting *p, size_t *at, struct feed_posted *out);

#endif

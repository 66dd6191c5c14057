/* SPDX-License-Identifier: MIT */
/*
 * What the message is in an entry of a stream: the value of one of its fields, or all of it as a JSON object of
 * strings.
 *
 * Threads: the feed's only.
 */
#ifndef SRC_FEED_ENTRY_H
#define SRC_FEED_ENTRY_H

#include "src/feed/fate.h"
#include "src/feed/message.h"
#include "src/feed/spec.h"

/* Memory for one entry, kept from one to the next; all zero at first. */
struct feed_entry {
	struct eio_buf json;
	bool made; /* json is of the entry at hand */
};

void feed_entry_deinit(struct feed_entry *e);

/* The next entry is at hand. */
void feed_entry_begin(struct feed_entry *e);

/* Makes m, an entry, a message: fills its payload with that field's value, or with all of it where field is NULL. The
 * bytes are valid until the next entry. */
enum feed_fate feed_entry_fill(struct feed_entry *e, const char *field, struct message *m);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * One message on its way through the feeds. What has been found out about its payload
 * stays with it: however many feeds want to know whether it is JSON, it is looked at
 * once, and not at all where none of them asks.
 *
 * Threads: the feed's only.
 */
#ifndef SRC_FEED_MESSAGE_H
#define SRC_FEED_MESSAGE_H

#include "eio/bytes.h"
#include "src/feed/track.h"

#include <stdint.h>

enum message_kind {
	MESSAGE_OF_CHANNEL, /* it came by a channel that was subscribed by its name */
	MESSAGE_OF_PATTERN,
	MESSAGE_OF_STREAM, /* it is an entry of a stream */
	MESSAGE_OF_SHARD, /* it came by a shard channel */
};

enum message_fact { MESSAGE_FACT_UNKNOWN, MESSAGE_FACT_YES, MESSAGE_FACT_NO };

struct retain_note;

/* All bytes are its source's, and valid during the call that hands it on. */
struct message {
	enum message_kind kind;
	struct eio_bytes name; /* as subscribed: the channel, or the pattern that matched */
	struct eio_bytes channel; /* or the stream */
	struct eio_bytes payload; /* of an entry each feed makes it of its words: see entry.h */
	struct eio_bytes id, words; /* of an entry of a stream: redis/entries.h */
	uint64_t now_ms; /* when it came */
	unsigned track; /* which of what is read it is of, counted from 1; 0: of none: see journal.h */
	struct track_place place; /* its place there, where it has one */
	uint64_t key; /* what it is about, where a feed asks for that: see keys.h */
	enum message_fact json, utf8; /* to be asked for by the functions below; a source leaves them at 0, unknown */
	const struct retain_note *note; /* of the feed at hand, where that retains: see retain.h */
};

/* Whether the payload is one JSON value in UTF-8. */
bool message_is_json(struct message *m);

/* Whether it is UTF-8, whatever it says. */
bool message_is_utf8(struct message *m);

#endif

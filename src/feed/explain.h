/* SPDX-License-Identifier: MIT */
/*
 * What would become of a message: it is taken through the router, the streams and the encoder that the daemon has,
 * where every target has a member. So what is told is what happens, and nothing here decides anything.
 *
 * Threads: one at a time; no loop runs.
 */
#ifndef SRC_FEED_EXPLAIN_H
#define SRC_FEED_EXPLAIN_H

#include "eio/bundle.h"
#include "src/feed/audience.h"
#include "src/feed/fate.h"
#include "src/feed/feed.h"
#include "src/feed/message.h"

/* A message in one of its feeds. All of it is valid during the call. */
struct feed_explained {
	const struct feed_spec *feed;
	enum message_kind kind;
	struct eio_bytes name; /* the channel, pattern, shard channel or stream that leads to it */
	/* The message is not known, and something of the feed depends on it: only the feed is told. */
	bool depends;
	enum feed_fate fate; /* FEED_FATE_TAKEN: it is sent, or in a batch */
	size_t unfulfilled; /* of FEED_FATE_FILTERED: which pair of `where` */
	struct eio_bytes found; /* and the value that stands there, as JSON; p is NULL: none does */
	/* From here on of one whose target is known; else event.p is NULL. */
	struct eio_bytes event;
	struct audience audience; /* one room, or everyone, is an audience, too; no reference */
	/* From here on of one that is sent; else bundle is NULL. */
	struct eio_bundle *bundle; /* what leaves when no other message is in the batch; borrowed */
	bool retained; /* for who joins later, also when nobody is there */
};

typedef void (*feed_explain_fn)(void *user, const struct feed_explained *e);

/* Tells of each feed that a channel, a shard channel, or a stream of that name leads to, in the order of the feeds that
 * each subscription has. payload: the message, of a stream's entry the value of the feed's field or, as a JSON object
 * of strings, all fields; p is NULL when it is not known. options: as config_fill_feed() has them, with metrics to
 * count in; its interest may not be the daemon's. Returns for how many it was told, or -1 when out of memory. */
int feed_explain(const struct feed_options *options, struct eio_bytes channel, struct eio_bytes payload,
	feed_explain_fn tell, void *user);

#endif

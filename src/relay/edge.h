/* SPDX-License-Identifier: MIT */
/*
 * The edge: takes from a hub what goes to rooms that its own clients are in, and passes it to its workers; what its
 * clients publish goes to the hub.
 *
 *     workers ── first member, last member ──▶ JOIN, LEAVE ──▶ hub
 *     workers ◀── feed_pass() ◀── batches ◀────────────────────┘
 *
 * A connection that is lost goes on where it was, if the hub still knows; else there is a gap.
 *
 * Threads: the feed's.
 */
#ifndef SRC_RELAY_EDGE_H
#define SRC_RELAY_EDGE_H

#include "src/base/thread.h"
#include "src/feed/feed.h"
#include "src/relay/spec.h"

struct relay_edge;

/* All is borrowed until relay_edge_free(). */
struct relay_edge_options {
	struct thread *thread;
	struct feed *feed;
	struct interest_table *interest;
	struct metrics_set *metrics;
	const struct relay_spec *spec;
	size_t frame_bytes; /* the longest batch that is taken */
	size_t publish_queue_bytes; /* what may wait to be published, or for the hub to say that it has it */
	/* What the hub says of feeds, for edges of this one; false when out of memory. Or NULL. */
	bool (*feeds)(void *user, struct eio_bytes feeds);
	/* The same, up to when all that is published has come here from above: in milliseconds since 1970. Or NULL. */
	void (*reached)(void *user, uint64_t wall_ms);
	void *user; /* of both */
	const unsigned char *epoch; /* the same: what this one is called as a hub */
};

/* What goes to everyone in these namespaces is wanted, also as long as nobody is there; and not any more of those that
 * were named before. Any thread, before relay_edge_stop(). 0, or -1 when out of memory: then nothing changes. */
int relay_edge_hold(struct relay_edge *e, const char *const *namespaces, size_t n);

/* Before there are threads. NULL when out of memory or of descriptors. */
struct relay_edge *relay_edge_new(const struct relay_edge_options *options);

/* Before its thread runs, with the rights that remain: it has a second one. 0, or -errno. */
int relay_edge_start(struct relay_edge *e);

/* Ends it, by the thread that starts and stops its thread. */
void relay_edge_stop(struct relay_edge *e);

/* After its thread. NULL is fine. */
void relay_edge_free(struct relay_edge *e);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * The commands by which a node writes its state, tells of its changes, and asks for those of others (wire.h); and which
 * reply answers what. Bytes are only put together here. No I/O and no clock.
 *
 * Threads: one at a time.
 */
#ifndef SRC_PRESENCE_WRITER_H
#define SRC_PRESENCE_WRITER_H

#include "src/presence/asks.h"
#include "src/presence/wire.h"

struct presence_writer {
	struct presence_asks asks; /* what was asked */
	struct eio_buf out; /* commands, and how many; whoever sends them empties it */
	size_t commands;
	struct eio_buf changes; /* a message that is not complete yet */
	struct eio_buf word; /* scratch */
	uint64_t seq; /* of our last change */
	unsigned keep_ms; /* how long a state lasts that is not refreshed */
	const char *own; /* the name of this node */
	char *channel, *key, *fresh; /* owned: our key, and the one that a new state is written to */
};

/* prefix: of all names in Redis; own is borrowed. 0, or -1 when out of memory: only deinit is allowed then. */
int presence_writer_init(struct presence_writer *w, const char *prefix, const char *own, unsigned keep_ms);
void presence_writer_deinit(struct presence_writer *w);

/* What was written is lost, and no reply comes any more. */
void presence_writer_reset(struct presence_writer *w);

/* Whether memory ran out. What was put together is useless then. */
bool presence_writer_failed(const struct presence_writer *w);

/* One of our changes: into the state, and into a message, which is complete with the next presence_writer_say() or
 * presence_writer_close(), or when it is long. */
void presence_writer_change(struct presence_writer *w, const struct presence_change *c);
void presence_writer_close(struct presence_writer *w);

/* A state from its beginning to its end. It is written aside and then put in its place, so that nobody reads half of
 * it. */
void presence_writer_begin_state(struct presence_writer *w);
void presence_writer_field(struct presence_writer *w, const struct presence_change *c);
void presence_writer_end_state(struct presence_writer *w);

/* The state lasts on. */
void presence_writer_refresh(struct presence_writer *w);

/* Takes it away, and says that we end. */
void presence_writer_end(struct presence_writer *w);

/* A message that is none of changes. */
void presence_writer_say(struct presence_writer *w, enum presence_word word);

/* Asks for the state of a node, or the number in it; OWN: our own. */
void presence_writer_ask(struct presence_writer *w, enum presence_ask_kind kind, const char *id);

#endif

/* SPDX-License-Identifier: MIT */
/* What the files about sessions in Redis share. For src/feed/ only. */
#ifndef SRC_FEED_STORE_INT_H
#define SRC_FEED_STORE_INT_H

#include "eio/check.h"
#include "eio/list.h"
#include "src/base/log.h"
#include "src/feed/signed.h"
#include "src/feed/store.h"
#include "src/redis/fetcher.h"

#define STORE_MAGIC 0xfeed0007
#define STORE_KEY "sio:session:"

enum { STORE_LOOK_MS = 100 }; /* how often it is looked for what has no answer */

/* A connection. Two, while the store goes over to another address. */
struct store_end {
	unsigned magic; /* STORE_MAGIC */
	struct store *store;
	struct redis_fetcher *fetcher;
	size_t unheeded; /* answers that come before all others, and that nobody waits for */
};

/* One command. */
struct store_op {
	struct eio_list link;
	uint64_t by_ms; /* UINT64_MAX: it waits until it is written, and then some time */
	struct feed_stow *stow; /* of a put or drop; NULL, as the next, when nobody waits for it any more */
	struct feed_recall *recall; /* of a taking */
	bool declares;
};

struct store_move;

struct store {
	unsigned magic;
	struct store_options options;
	struct store_end *at; /* owned; NULL: it is not open */
	struct store_move *move; /* owned; NULL: it stays where it is */
	uv_timer_t timer;
	bool opened;
	bool lost; /* it was told that nothing can be relied on since it last was ready */
	struct eio_list ops; /* the oldest first */
	size_t unanswered; /* of them, that were written: the first ones */
	struct eio_buf out; /* commands to be written */
	size_t n_out;
	struct log_limit limit; /* of lines about errors */
};

static inline struct store_end *
store__end_of(void *user)
{
	struct store_end *e = user;

	CHECK_MAGIC(e, STORE_MAGIC);
	return e;
}

static inline bool
store__is_ready(const struct store_end *e)
{
	return e && redis_fetcher_is_ready(e->fetcher);
}

/* store_words.c */

#define STORE_LOCAL_KEY STORE_KEY "~"

/* Adds the name of a session to a command. False when out of memory. */
bool store__add_key(const struct store *s, const char pid[FEED_PID_LEN], struct eio_buf *out);

/* A tag as it stands in base64, behind a prefix, which is short. */
void store__add_tag(struct eio_buf *out, const char *prefix, const char tag[FEED_TAG]);

/* How long something stays, in milliseconds. */
void store__add_ms(struct eio_buf *out, unsigned ms);

/* The one string of an answer, or another item. */
struct redis_item store__result_of(const struct redis_values *values);

void store__note_error(struct store *s, struct eio_bytes text);

/* store_move.c */

/* What it needs of the store. */
struct store_parts {
	struct store_end *(*open)(struct store *s); /* NULL when out of memory */
	void (*close)(struct store_end *e); /* NULL is fine */
	void (*lose)(struct store *s); /* nothing can be relied on from now on */
	/* What was written fails, since it is not answered any more; and what was not, too. */
	void (*drop_written)(struct store *s);
	void (*drop_all)(struct store *s);
	void (*flush)(struct store *s);
};

/* Begins to go over. False when out of memory: it stays. */
bool store__move_begin(struct store *s, const struct store_parts *parts);

/* An answer of the server that is left, to what was asked for going over; false: it is none. */
bool store__take_carried(
	struct store *s, enum redis_reply reply, struct eio_bytes text, const struct redis_values *values);

/* An end is not connected any more. */
void store__move_lost(struct store *s, const struct store_end *e);

/* Has a session come along, if the server that is left has it. False: it cannot, or none is left; else it has taken the
 * stow, and says when that is done. */
bool store__move_carry(struct store *s, struct feed_stow *stow);

/* What is written waits until it has gone over. */
bool store__move_holds(const struct store *s);

/* Does what can be done. */
void store__move_on(struct store *s);

/* Ends it, which has failed for all that was to come along. */
void store__move_end(struct store *s);

#endif

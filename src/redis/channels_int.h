/* SPDX-License-Identifier: MIT */
/* Channels that come and go, for the files that are about them. */
#ifndef SRC_REDIS_CHANNELS_INT_H
#define SRC_REDIS_CHANNELS_INT_H

#include "eio/check.h"
#include "eio/hash.h"
#include "eio/list.h"
#include "src/base/log.h"
#include "src/redis/backoff.h"
#include "src/redis/channels.h"
#include "src/redis/link.h"
#include "src/redis/pacing.h"
#include "src/redis/shards.h"

#define REDIS_CHANNELS_MAGIC 0x4ed1c4a5

struct redis_channel {
	struct eio_hash_node node;
	struct eio_list changed; /* in channels->changed while the server is to be told something */
	enum redis_channel_kind kind;
	unsigned wants; /* how often it is wanted; 0: it goes when nothing about it is to be answered */
	unsigned unanswered; /* commands about it */
	bool sent; /* asked for on the connection at hand, by the last command about it */
	bool confirmed; /* on the connection at hand, and nothing about it is to be answered */
	bool refused; /* the last answer was that */
	size_t n;
	char name[];
};

struct redis_channels {
	unsigned magic; /* REDIS_CHANNELS_MAGIC */
	struct redis_channels_options options;
	struct redis_link *link;
	struct redis_shards *shards; /* where those of a Cluster are; NULL: all are at one server */
	bool shards_ready;
	struct redis_pacing *pacing; /* NULL: every message is taken at once */
	uint64_t hash_key[2];
	struct eio_hash all;
	struct eio_list changed;
	struct redis_channel **asked; /* owned: whom the commands without an answer are about, in their order */
	size_t asked_at, asked_n, asked_cap; /* the next one to be answered; how many there were; room */
	uint64_t answered; /* commands, since it was opened */
	uint64_t mark; /* which of them is the last one that counts, while it is `marked` */
	bool marked;
	size_t refused; /* how many channels are */
	bool ready; /* as was told */
	bool rests; /* nothing more is asked on the connection at hand */
	uint64_t missing_ms; /* since when what was confirmed has been lost; 0: it has not */
	uv_timer_t timer; /* when to ask again for what was refused */
	struct redis_backoff backoff; /* of that */
	struct log_limit limit, gap_limit;
	struct eio_buf begun; /* of a message, when the connection was handed over */
	struct eio_bytes handed; /* what was confirmed then; borrowed */
};

static inline struct redis_channels *
redis_channels__of(void *user)
{
	struct redis_channels *c = user;

	CHECK_MAGIC(c, REDIS_CHANNELS_MAGIC);
	return c;
}

/* channels_table.c. NULL: there is none. */
struct redis_channel *redis_channels__find(
	const struct redis_channels *c, enum redis_channel_kind kind, struct eio_bytes name, uint64_t hash);

/* One that is not there. NULL when out of memory. */
struct redis_channel *redis_channels__add(
	struct redis_channels *c, enum redis_channel_kind kind, struct eio_bytes name, uint64_t hash);

/* It is wanted, or not any more, or it is there: maybe the server is to be told. */
void redis_channels__note_change(struct redis_channels *c, struct redis_channel *one);

/* channels_say.c: adds what the server is to be told, and returns how many commands that are; with another one, only
 * what that was asked for. */
size_t redis_channels__say(struct redis_channels *c, const struct redis_channels *other, struct eio_buf *out);

/* channels_hand.c: what another process gave, before the link is opened. False: it makes no sense. */
bool redis_channels__read_handed(struct redis_channels *c, const char *text, struct redis_handed *out);

/* What was confirmed there is, here. */
void redis_channels__adopt(struct redis_channels *c);

#endif

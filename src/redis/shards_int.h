/* SPDX-License-Identifier: MIT */
/* Shard channels, for the files that they consist of. */
#ifndef SRC_REDIS_SHARDS_INT_H
#define SRC_REDIS_SHARDS_INT_H

#include "eio/check.h"
#include "eio/hash.h"
#include "eio/list.h"
#include "src/base/log.h"
#include "src/redis/backoff.h"
#include "src/redis/link.h"
#include "src/redis/map.h"
#include "src/redis/shards.h"

#define REDIS_SHARDS_MAGIC 0x4ed15aad
#define REDIS_SHARD_NODE_MAGIC 0x4ed1520d

enum {
	REDIS_SHARD_RETRY_MS = 100, /* what did not go well, or was sent elsewhere, is not tried again before */
	REDIS_SHARD_NODE_MS = 5000, /* a node that is not reached for so long is dialled anew, as is known then */
};

enum redis_shard_state { SHARD_LOOSE, SHARD_ASKED, SHARD_THERE, SHARD_REFUSED };

struct redis_shard_node;

/* A channel. */
struct redis_shard {
	struct eio_hash_node node;
	struct eio_list link; /* in at->shards, or in all->loose */
	struct redis_shard_node *at; /* where it was asked for, or is; NULL: nowhere */
	enum redis_shard_state state;
	unsigned wants; /* how often it is wanted; 0: it goes when nothing about it is to be answered */
	unsigned unanswered; /* commands about it */
	bool refused; /* the last answer that counted */
	bool told; /* in the log: that it is refused */
	unsigned slot;
	uint64_t number; /* of the last asking: only its answer counts */
	uint64_t again_ms; /* of the loop: it is not asked for before */
	uint64_t turned_ms; /* of the loop: when it was sent elsewhere at last */
	uint64_t missing_ms; /* since 1970: since when it has been lost; 0: it has not */
	uint64_t home; /* a hash of the node where it was there at last; 0: nowhere */
	size_t n;
	char name[];
};

/* A command without an answer. */
struct redis_shard_asked {
	struct redis_shard *shard;
	uint64_t number; /* of the asking; 0: it is being left, up to the answer to a PING behind that */
	bool answered; /* that it is left */
};

/* A node that has some, and the connection to it. */
struct redis_shard_node {
	unsigned magic; /* REDIS_SHARD_NODE_MAGIC */
	struct redis_shards *all;
	struct eio_list nodes; /* in all->nodes */
	struct redis_url url; /* owned: where it is; of a single server empty: that is where the options say */
	struct redis_link *link;
	struct eio_list shards; /* asked for there, and there */
	struct redis_shard_asked *asked; /* owned: in their order */
	size_t asked_at, asked_n, asked_cap; /* the next one to be answered; how many there were; room */
	struct eio_buf out; /* commands that are not written yet, */
	size_t out_n; /* so many */
	bool needed; /* some are to go there */
	uint64_t opened_ms; /* of the loop; or it was ready at last */
};

struct redis_shards {
	unsigned magic; /* REDIS_SHARDS_MAGIC */
	struct redis_shards_options options;
	struct redis_map *map; /* NULL: there is one server */
	uv_timer_t timer; /* where all is done that cannot be done while something is told: */
	uv_timer_cb work;
	uint64_t hash_key[2];
	struct eio_hash shards; /* of struct redis_shard */
	struct eio_list loose; /* those that are at no node */
	struct eio_list nodes;
	size_t wanted, there, refused; /* how many are */
	bool ready; /* as was told */
	struct redis_backoff backoff; /* of what is refused */
	struct log_limit refusals, gaps, moves, waits;
};

/* shard_node.c */

/* NULL when out of memory. where: copied; NULL: the one server. */
struct redis_shard_node *redis_shards__node_open(struct redis_shards *s, const struct redis_node *where);

/* Without any that are there, and nothing said to it. */
void redis_shards__node_close(struct redis_shard_node *n);

/* Whether nothing is there, and nothing is to be answered. */
bool redis_shards__node_is_idle(const struct redis_shard_node *n);

/* Says something about one with what is written next. False when out of memory. */
bool redis_shards__say(struct redis_shard_node *n, struct redis_shard *shard, bool leaves);

/* Writes what was said. */
void redis_shards__node_write(struct redis_shard_node *n);

/* shard_list.c */

struct redis_shard *redis_shards__find(const struct redis_shards *s, struct eio_bytes name, uint64_t hash);

/* It is at no node any more, and has been missing since then. */
void redis_shards__loosen(struct redis_shard *shard, struct redis_shards *s, uint64_t since_ms);

/* It is asked for at a node. */
void redis_shards__attach(struct redis_shard *shard, struct redis_shard_node *n);

/* It is there. */
void redis_shards__arrive(struct redis_shard *shard, struct redis_shards *s);

/* It is refused, or not any more: counted and told. */
void redis_shards__refuse(struct redis_shard *shard, struct redis_shards *s, bool refused);

/* Frees one that nobody wants, and about which nothing is to be answered. */
void redis_shards__drop(struct redis_shard *shard, struct redis_shards *s);

/* Says whether all is there, when that has changed. */
void redis_shards__tell_state(struct redis_shards *s);

/* What there is to do is done when the loop runs on, or so much later. */
void redis_shards__later(struct redis_shards *s, uint64_t ms);

#endif

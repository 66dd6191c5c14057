/* SPDX-License-Identifier: MIT */
/*
 * Reads what is published on a server as one of its replicas does, on one link. So every message has a place, and after
 * a lost connection the server is asked for what came behind the last one.
 *
 * Threads: the loop's only.
 */
#ifndef SRC_REDIS_REPLICA_H
#define SRC_REDIS_REPLICA_H

#include "eio/bytes.h"
#include "src/redis/metrics.h"
#include "src/redis/url.h"

#include <uv.h>

struct redis_replica;

struct redis_replica_options {
	const struct redis_url *url; /* borrowed, like all below */
	struct metrics *metrics;
	size_t message_bytes; /* the longest message that is taken */
	unsigned ack_ms; /* how often the server is told that we are here; 0: once a second */
	bool may_pause; /* as a subscriber has it */
	/* Where to go on, from redis_replica_store(), and until when that was read, in milliseconds since 1970, unless
	 * it says so itself. Empty: with what is published from now on. */
	struct eio_bytes from;
	uint64_t from_ms;
	/* None of these may close the replica. Bytes are valid during the call. */
	void (*message)(void *user, struct eio_bytes channel, struct eio_bytes payload);
	/* One was longer: of n bytes; that which is too long is empty. */
	void (*too_long)(void *user, struct eio_bytes channel, uint64_t n);
	/* What was published between these times, in milliseconds since 1970, is lost. */
	void (*gap)(void *user, uint64_t from_ms, uint64_t to_ms);
	void (*state)(void *user, bool ready); /* messages come, or do not any more */
	void *user;
};

/* A replica that begins to connect at once. NULL when out of memory. */
struct redis_replica *redis_replica_open(uv_loop_t *loop, const struct redis_replica_options *options);

enum { REDIS_REPLICA_TEXT = 96 };

/* How far it has read, and, while it is away, since when, as a text that ends in NUL; that alone when it has to tell
 * yet what is lost. NULL when it never was online. */
const char *redis_replica_store(const struct redis_replica *r, char out[REDIS_REPLICA_TEXT]);

/* During `message`: the offset of its end, and of which stream of replication, REDIS_REPLICATION_ID characters. */
uint64_t redis_replica_at(const struct redis_replica *r, const char **id);

/* As redis_link_redial(): from the new address it is sent what came behind the last message, or tells what is lost. */
void redis_replica_redial(struct redis_replica *r);

/* When messages come: whether they do behind a snapshot, and so not behind the last one. */
bool redis_replica_is_anew(const struct redis_replica *r);

/* Closes it; nothing is called any more. What is left goes when the loop has run. */
void redis_replica_close(struct redis_replica *r);

#endif

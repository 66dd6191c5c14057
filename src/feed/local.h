/* SPDX-License-Identifier: MIT */
/*
 * Namespaces in which something was sent that no source had: what handlers broadcast, and what comes over HTTP. Nobody
 * elsewhere knows of it, so from then on clients can come back to this siocast only. Redis is told so before the first
 * of it is sent: what is stored of their sessions is not given away any more.
 *
 * The names of what is told are tags, six characters that stand for this process and a namespace, or all of them. The
 * token of each session has them in it, so a script in Redis finds them in its text:
 *
 *     token = 2 characters at random, tag of the namespace, tag of the process, 6 characters at random
 *
 * Threads: the feed's only; making tokens is pure.
 */
#ifndef SRC_FEED_LOCAL_H
#define SRC_FEED_LOCAL_H

#include "eio/bytes.h"
#include "src/feed/stored.h"

enum { FEED_TAG = 6, FEED_TOKEN_RANDOM = 6 };

struct feed_local_name {
	char *name; /* owned */
	uint64_t since_ms;
	bool declared; /* Redis knows it */
};

struct feed_local {
	struct feed_local_name *v; /* owned */
	size_t n, cap;
	bool all; /* they are too many to be told apart */
};

void feed_local_deinit(struct feed_local *l);

/* Notes one, which is not there. */
void feed_local_note(struct feed_local *l, struct eio_bytes nsp, bool declared, uint64_t now_ms);

bool feed_local_has(const struct feed_local *l, struct eio_bytes nsp);

/* Whether it has been for so long. */
bool feed_local_had(const struct feed_local *l, struct eio_bytes nsp, uint64_t ms, uint64_t now_ms);

/* Whether one more would be too many. */
bool feed_local_is_full(const struct feed_local *l);

/* One that Redis does not know yet; or NULL. */
struct feed_local_name *feed_local_undeclared(const struct feed_local *l);

/* The tag of a namespace, or of all when nsp.n is 0, under the key of a process. */
void feed_tag_write(const uint64_t key[2], struct eio_bytes nsp, char out[FEED_TAG]);

/* A new token, of FEED_TOKEN_RANDOM random bytes. */
void feed_token_write(const uint64_t key[2], struct eio_bytes nsp, const unsigned char *random, char out[STORED_TOKEN]);

/* What a token says. */
static inline bool
feed_token_is_of(const char token[STORED_TOKEN], const char process[FEED_TAG])
{
	return memcmp(token + 2 + FEED_TAG, process, FEED_TAG) == 0;
}

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Sessions that are kept: what there was of a socket whose connection broke, for as long as its client may come back.
 * The worker makes one when the socket ends, and the feed keeps it; who comes back takes it away, so it works once.
 *
 * Threads: one owner at a time; the table is the feed's.
 */
#ifndef SRC_FEED_SESSIONS_H
#define SRC_FEED_SESSIONS_H

#include "eio/hash.h"
#include "eio/list.h"
#include "sio/client.h"
#include "src/base/mailbox.h"
#include "src/feed/history.h"
#include "src/feed/interest.h"
#include "src/feed/offset.h"

/* Characters that name a session: the first one says which worker's it was, the others cannot be guessed. */
#define FEED_PID_LEN SIO_ID_LEN

/* The name of one that begins at a worker. random: SIO_ID_RANDOM bytes. */
void feed_pid_write(char pid[FEED_PID_LEN], unsigned worker, const unsigned char random[SIO_ID_RANDOM]);

/* Which worker one began at, or -1 when it is no such name. */
int feed_pid_worker(struct eio_bytes pid);

/* From where on what goes to its rooms is for a socket. */
struct feed_since {
	uint64_t after; /* what was before is not for it */
	/* Up to here, where it came to the last of its rooms, only what its worker was handed: what went to a room
	 * before it came there was for those who were there already. */
	uint64_t joined;
	unsigned worker;
};

/* A socket as it was. */
struct feed_session {
	struct mail mail; /* on its way to the feed */
	struct eio_hash_node node;
	struct eio_list link; /* in the table, in the order they came */
	char pid[FEED_PID_LEN];
	unsigned char id[SIO_ID_RANDOM]; /* what its id is made of */
	struct feed_since since; /* at its last worker */
	struct feed_since before; /* before it came there: for a client that has nothing from there */
	bool returned; /* there was a time before */
	/* The last one that went to the socket alone, which its client must have; own 0: none did. */
	struct feed_offset last;
	uint64_t who; /* the same for the same user, as far as anybody knows */
	/* Where its client may have gone elsewhere meanwhile: that it may have, and how far we were when it came to
	 * each of its rooms; owned, NULL: now. */
	bool is_signed;
	struct feed_offset_text *joined;
	uint64_t ended_ms;
	size_t bytes; /* what it counts */
	size_t n_rooms; /* that it was in */
	/* Kept by interest_keep(); everyone's is the first, and names the namespace. Of each its `after` is known, the
	 * rest is the feed's. */
	struct history_room rooms[];
};

/* With room for n rooms, and none yet. NULL when out of memory. */
struct feed_session *feed_session_new(size_t n);

/* Adds one room, of which there may not be more than n, and what went there before was not for it. False when out of
 * memory. */
bool feed_session_add(struct feed_session *s, struct interest_table *t, struct sio_room_key key, uint64_t after);
void feed_session_free(struct feed_session *s); /* NULL is fine */

/* Those that are kept. */
struct kept {
	struct eio_hash by_pid;
	struct eio_list all; /* the oldest first */
	uint64_t hash_key[2];
	unsigned ms; /* so long after its end */
	size_t max_bytes, bytes;
	uint64_t crowded_out; /* how many went before their time */
};

/* 0, or -1 when out of memory or without random bytes (nothing to undo then). */
int kept_init(struct kept *k, unsigned ms, size_t max_bytes);
void kept_deinit(struct kept *k);

/* Lets go of all. */
void kept_clear(struct kept *k);

/* Keeps one, which is the table's from now on. Those kept longest make room. */
void kept_add(struct kept *k, struct feed_session *s);

/* Takes one away: it is the caller's. NULL when there is none of that name. */
struct feed_session *kept_take(struct kept *k, struct eio_bytes pid);

/* Whether there is one of that name. */
bool kept_find(const struct kept *k, struct eio_bytes pid);

/* Lets go of those whose time is over. */
void kept_tick(struct kept *k, uint64_t now_ms);

#endif

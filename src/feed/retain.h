/* SPDX-License-Identifier: MIT */
/*
 * What a feed retains: of each of its states (one for each event and target) the newest messages, or the newest of
 * each key. No I/O and no clock. It changes when a batch is flushed, not when a message comes: so a state is exactly
 * what was sent, and what is still put together comes to everybody live.
 *
 *     append ── note: key and length, beside the batch ──▶ flush ── settle: notes and batch ──▶ entries of the state
 *
 *     retain ── entries of all states, in the order they were settled ──▶ over `bytes`, or ttl: from the front
 *       state ── entries of its own, in the same order ──▶ over `max` or `state_bytes`: from the front
 *
 * Priming is adding what was read of the state (primed.h). What is heard meanwhile is newer, so of each key it is
 * remembered whether something was; and each entry knows in which round it was settled, which tells those from before.
 *
 * Threads: the feed's only.
 */
#ifndef SRC_FEED_RETAIN_H
#define SRC_FEED_RETAIN_H

#include "eio/buf.h"
#include "eio/bytes.h"
#include "eio/hash.h"
#include "eio/list.h"
#include "src/feed/heard.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum retain_kind {
	RETAIN_NOTHING,
	RETAIN_NEWEST, /* the newest `max` messages */
	RETAIN_BY_KEY, /* of `max` keys the newest message each */
};

struct retain_rules {
	enum retain_kind kind;
	size_t max;
	uint64_t ttl_ms; /* a message goes after so long; 0: never */
	size_t state_bytes; /* of one state, as a client gets it */
	size_t bytes; /* of memory for all */
};

struct retained;

struct retain {
	struct retain_rules rules;
	uint64_t hash_key[2];
	struct eio_hash keys; /* of entries, by state and key */
	struct eio_list entries; /* of all states, the oldest first */
	size_t n, bytes; /* entries, and memory, that of the states included */
	uint64_t dropped; /* entries that had no room, ever: beyond bytes, or keys, or without memory */
	uint64_t states; /* ever made */
	unsigned primings; /* under way: what is noted is remembered in */
	struct heard heard; /* by state and key, with the number */
	uint32_t portion; /* of what is being read, or 0: it was heard */
	uint32_t round, since; /* of what is settled now, and of what was settled since the priming began */
	size_t before; /* entries that there were then */
	struct eio_list *sweep; /* the one that is looked at next while what is gone is dropped; NULL: none was yet */
	size_t sweep_left; /* so many are still to be looked at */
	size_t noted; /* bytes of messages that are noted, and would take memory */
	/* A state that is not in use has lost its last message: its owner ends it at once. It may not call back but for
	 * that. */
	void (*unused)(struct retained *s);
};

/* One state. The fields but `version` and `n` are private. */
struct retained {
	struct retain *all;
	struct eio_list entries; /* the oldest first */
	size_t n, payload_bytes, own_bytes;
	uint64_t number; /* of this state, among all that ever were */
	uint64_t version; /* another one whenever something has changed */
	bool in_use; /* batches are put together for it */
	bool cut; /* it had older messages that are gone */
	struct eio_buf notes; /* one for each message of the batch */
};

/* What is noted of a message on its way into a batch. */
struct retain_note {
	enum {
		RETAIN_SKIP, /* it is no part of the state: it has no key */
		RETAIN_KEEP,
		RETAIN_REMOVE, /* the message of its key goes */
	} what;
	struct eio_bytes key; /* empty for RETAIN_NEWEST */
};

/* Nothing retained yet. hash_key: 16 random bytes. 0, or -1 when out of memory. */
int retain_init(struct retain *t, const struct retain_rules *rules, const uint64_t hash_key[2],
	void (*unused)(struct retained *s));

/* Every state must be gone. */
void retain_deinit(struct retain *t);

/* An empty state in use, which takes own_bytes of memory beside its messages. It stays where it is. */
void retained_init(struct retained *s, struct retain *t, size_t own_bytes);
void retained_deinit(struct retained *s);

/* No batches are put together for it now. It may be gone afterwards. */
void retained_rest(struct retained *s);

/* Notes a message of so many bytes behind those of the batch. False when out of memory: then nothing has changed. */
bool retained_note(struct retained *s, const struct retain_note *note, size_t payload_n);

/* The batch is flushed: takes the messages that were noted, of which each has `before` bytes in front of it and `after`
 * behind it. Other states of the feed may lose messages over it. */
void retained_settle(struct retained *s, struct eio_bytes batch, size_t before, size_t after, uint64_t now_ms);

/* Drops what is older than the ttl; and when there will be something to drop next, UINT64_MAX: never. */
void retain_expire(struct retain *t, uint64_t now_ms);
uint64_t retain_deadline(const struct retain *t);

/* Takes one message that was retained before, by another process. It is not older than those that there are. */
void retained_put(struct retained *s, struct eio_bytes key, struct eio_bytes payload, uint64_t at_ms);

/* A message with all that is known of it. */
struct retain_item {
	struct retained *state;
	struct eio_bytes key, payload;
	uint64_t at_ms;
};

/* The messages of all states, the oldest first: begin with *at NULL; false behind the last. */
bool retain_next(const struct retain *t, const struct eio_list **at, struct retain_item *out);

/* Priming begins. More than one may be under way: each has missed something, so for those before it is as the next. */
void retain_prime_begin(struct retain *t);

/* What was heard so far is as old as what was retained before: more of it was missed. */
void retain_prime_renew(struct retain *t);

/* All was read: looks at the next n messages, and drops those that were retained before and were neither heard of nor
 * read. Whether there are more to look at. What comes meanwhile is new. */
bool retain_prime_sweep(struct retain *t, size_t n);

/* Behind that: forgets some of what was heard, if no other priming needs it. Whether there is more. */
bool retain_prime_forget(struct retain *t);

/* One ends. The last of them forgets what is left of what was heard. */
void retain_prime_end(struct retain *t);

/* Another round begins, whose number is returned: what was noted before should be settled. */
uint32_t retain_prime_round(struct retain *t);

enum retain_primed {
	RETAIN_PRIMED_OLD, /* what is retained is the same, or newer */
	RETAIN_PRIMED_NEW, /* it is to be noted as others are */
	RETAIN_PRIMED_UNSURE, /* that is known when all that was noted is settled */
	RETAIN_PRIMED_FULL, /* there is no room but that of others */
};

/* Whether a message that was read changes the state: by key, or of one message. While there is a portion; within one,
 * the later message of a key is the newer. */
enum retain_primed retained_primes(struct retained *s, const struct retain_note *note, struct eio_bytes payload);

/* What a state of the newest messages is, as it was read: n of them, the oldest first, as it was in front of that
 * round. Nothing may be noted. Finds which of them it lacks, by their bytes and their order. Whether something was
 * heard since the priming began. */
bool retained_lacks(const struct retained *s, const struct eio_bytes *v, size_t n, uint32_t round, bool *lacks);

/* Makes the state that, and behind it what was settled since that round. It is in use. */
void retained_replace(struct retained *s, const struct eio_bytes *v, size_t n, uint32_t round, uint64_t now_ms);

/* The messages of a state, the oldest first: begin with *at NULL; false behind the last. */
bool retained_next(const struct retained *s, const struct eio_list **at, struct eio_bytes *payload);

#endif

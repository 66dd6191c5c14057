/* SPDX-License-Identifier: MIT */
/*
 * Entries of streams, out of the answers to XREAD, XREVRANGE and XINFO STREAM, whose parts come one by one:
 *
 *     XREAD          [ [name, [ [id, [field, value, …]], … ]], … ]
 *     XREVRANGE      [ [id, [field, value, …]], … ]
 *     XINFO STREAM   [ "length", 3, …, "first-entry", [id, [field, value, …]], … ]
 *
 * An entry is complete when its last value is there: nobody waits for the whole answer, and no more than one entry is
 * kept. One with more bytes than allowed is not kept.
 *
 * Threads: one at a time.
 */
#ifndef SRC_REDIS_ENTRIES_H
#define SRC_REDIS_ENTRIES_H

#include "eio/buf.h"
#include "src/redis/id.h"

/* Lies in front of each word of an entry. */
struct redis_word {
	size_t n;
};

/* One entry. Its bytes are valid as long as those of its event. */
struct redis_entry {
	struct eio_bytes stream; /* empty in an answer to XREVRANGE, which does not say it */
	struct eio_bytes id;
	struct eio_bytes words; /* fields and values by turns: see redis_entry_next() */
	uint64_t skipped; /* 0; else it had so many bytes, which were too many, and has no words */
};

/* Walks the fields: begin with *at 0; false behind the last. */
bool redis_entry_next(struct eio_bytes words, size_t *at, struct eio_bytes *field, struct eio_bytes *value);

/* Adds a word. */
void redis_entry_add(struct eio_buf *words, struct eio_bytes word);

/* What a server says of a stream. */
struct redis_stream_info {
	uint64_t length;
	struct redis_id last; /* the highest id it ever had */
	struct redis_id first; /* of the first entry; only when there is one: length */
	bool counts; /* since Redis 7 there are also: */
	uint64_t added; /* how many entries it ever had, and */
	struct redis_id deleted; /* the highest id that was taken out */
};

enum redis_answer { REDIS_ANSWER_OTHER, REDIS_ANSWER_ENTRIES, REDIS_ANSWER_INFO };

struct redis_entries {
	size_t max; /* bytes of an entry */
	enum redis_answer answer; /* what the answer at hand is */
	struct eio_buf name, id, words;
	size_t bytes; /* of the words of the entry at hand, kept or not */
	bool too_long;
	long long left; /* words that are to come */
	long long
		elements; /* of the array that stands behind a name: entries; or words, then it was no name but an id */
	bool complete; /* an entry is, and is to be handed out */
	int item; /* of XINFO: which value is next */
	struct redis_stream_info info;
};

void redis_entries_deinit(struct redis_entries *es);

/* An answer begins. */
void redis_entries_begin(struct redis_entries *es);

/* Its parts, each with its place: how deep it lies, and as which element. skipped: how many bytes a string had that is
 * empty because it was too long, or 0. */
void redis_entries_array(struct redis_entries *es, int depth, int index, long long elements);
void redis_entries_string(struct redis_entries *es, int depth, int index, struct eio_bytes s, uint64_t skipped);
void redis_entries_integer(struct redis_entries *es, int depth, int index, long long value);

/* Takes the entry that is complete. Whether there is one. */
bool redis_entries_take(struct redis_entries *es, struct redis_entry *out);

/* Whether memory ran out: the answer cannot be read. */
bool redis_entries_failed(const struct redis_entries *es);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * How far one stream has been read, and whether something is missing. No I/O.
 *
 * Entries leave a stream when it is cut (MAXLEN, XTRIM) or they are deleted (XDEL); whether that happened to one that
 * was not read yet, nobody says. But since Redis 7 a stream counts the entries it ever had. So it is looked at from
 * time to time: what it had added up to its last id then, must have been read when that id has been reached. Servers
 * before 7 do not count: there a stream whose first entry lies behind the last one that was read may have lost some.
 *
 * Threads: one at a time.
 */
#ifndef SRC_REDIS_CURSOR_H
#define SRC_REDIS_CURSOR_H

#include "src/redis/entries.h"

/* Something is missing, or may be. */
struct redis_gap {
	struct redis_id from, to; /* behind the one, up to the other */
	uint64_t missed; /* how many entries; 0: nobody knows */
	bool anew; /* the stream is not the one that was read up to `from`, which is read on from `to` */
};

/* The fields are private, but for `at`. */
struct redis_cursor {
	struct redis_id at; /* the last one that was read, or where it begins */
	bool begun; /* `at` is known */
	bool real; /* it is an id that the stream has had */
	bool counted; /* it is known how many entries the stream had up to `at`: */
	uint64_t count;
	bool checks; /* when `upto` is reached there must have been so many: */
	struct redis_id upto;
	uint64_t added;
	bool counts; /* the server says how many */
	struct redis_id deleted; /* the highest id that was taken out by then */
	struct redis_id good; /* up to which it is known that nothing is missing, or that it was told */
	struct redis_id first; /* of the first entry, when it was looked at last */
};

/* All zero begins with what is added from now on. This one with what is behind an id. */
void redis_cursor_begin(struct redis_cursor *c, struct redis_id id);

/* Goes on where a stored text says, from redis_cursor_store(). Whether it is one. */
bool redis_cursor_resume(struct redis_cursor *c, struct eio_bytes text);

enum { REDIS_CURSOR_TEXT = REDIS_ID_TEXT + 21 };

/* Where it is, as a text that ends in NUL. Returns out. */
const char *redis_cursor_store(const struct redis_cursor *c, char out[REDIS_CURSOR_TEXT]);

/* It was looked at, and nothing is being read meanwhile; NULL: there is no such stream. Each of these returns whether
 * something is missing. */
bool redis_cursor_looked(struct redis_cursor *c, const struct redis_stream_info *info, struct redis_gap *gap);

/* The next entry. The gap is in front of it. */
bool redis_cursor_entry(struct redis_cursor *c, struct redis_id id, struct redis_gap *gap);

/* All there was behind it has been read, as it was after the last look. */
bool redis_cursor_caught_up(struct redis_cursor *c, struct redis_gap *gap);

#endif

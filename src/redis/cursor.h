/* SPDX-License-Identifier: MIT */
/*
 * How far one stream has been read, and whether something is missing. No I/O.
 *
 * Entries leave a stream when it is cut (MAXLEN, XTRIM) or they are deleted (XDEL); whether that happened to one that
 * was not read yet, nobody says. But since Redis 7 a stream counts the entries it ever had. So it is looked at from
 * time to time: what it had added up to its last id then, must have been read when that id has been reached. Servers
 * before 7 do not count: there a stream whose first entry lies behind the last one that was read may have lost some.
 *
 * A stream that ends before what was read of it has lost that, or it is another one: a master is believed that, and
 * whoever had it on the same connection. A replica, and who does not say what it is, may only not have received it
 * yet: reading waits behind what was read, and the stream is doubted, until it is there or has not become longer for so
 * long that it will not come.
 *
 * Threads: one at a time.
 */
#ifndef SRC_REDIS_CURSOR_H
#define SRC_REDIS_CURSOR_H

#include "src/redis/entries.h"

/* How long a stream that ends too early may stay as it is until it is believed, */
#define REDIS_BEHIND_MS 2000 /* of a server that does not say what it is, */
#define REDIS_BEHIND_MOST_MS 10000 /* and in all, even if it becomes longer; */
#define REDIS_REPLICA_BEHIND_MS 60000 /* the same of a replica, which may be loading all that its master has, */
#define REDIS_REPLICA_BEHIND_MOST_MS 300000 /* and in all */

enum redis_server_role { REDIS_SERVER_UNASKED, REDIS_SERVER_UNKNOWN, REDIS_SERVER_MASTER, REDIS_SERVER_REPLICA };

/* A look at a stream. */
struct redis_look {
	const struct redis_stream_info *info; /* NULL: there is no such stream */
	enum redis_server_role role; /* whose word that is */
	uint64_t now_ms;
};

/* Something is missing, or may be. */
struct redis_gap {
	struct redis_id from, to; /* behind the one, up to the other */
	uint64_t missed; /* how many entries; 0: nobody knows */
	bool anew; /* the stream is not the one that was read up to `from`, which is read on from `to` */
};

/* The fields are private, but for `at` and `doubted`. */
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
	bool looked; /* it was, on this connection, */
	bool here; /* and it had `at` there */
	bool doubted; /* it ended before `at`, which is not believed yet: */
	struct redis_id least, last; /* where it ended then, at least, and at the last look */
	uint64_t doubted_ms, moved_ms; /* since when, and when it became longer */
};

/* All zero begins with what is added from now on. This one with what is behind an id. */
void redis_cursor_begin(struct redis_cursor *c, struct redis_id id);

/* Goes on where a stored text says, from redis_cursor_store(). Whether it is one. */
bool redis_cursor_resume(struct redis_cursor *c, struct eio_bytes text);

enum { REDIS_CURSOR_TEXT = REDIS_ID_TEXT + 21 };

/* Where it is, as a text that ends in NUL. Returns out. */
const char *redis_cursor_store(const struct redis_cursor *c, char out[REDIS_CURSOR_TEXT]);

/* What is told from now on is told on a new connection, perhaps by another server. */
void redis_cursor_connected(struct redis_cursor *c);

/* It was looked at, and nothing is being read meanwhile. Where it is doubted the server is to be asked what it is, if
 * it has not been, and the stream to be looked at again soon. Each of these returns whether something is missing. */
bool redis_cursor_looked(struct redis_cursor *c, const struct redis_look *look, struct redis_gap *gap);

/* The next entry. The gap is in front of it. */
bool redis_cursor_entry(struct redis_cursor *c, struct redis_id id, struct redis_gap *gap);

/* All there was behind it has been read, as it was after the last look. */
bool redis_cursor_caught_up(struct redis_cursor *c, struct redis_gap *gap);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * What a Redis server sends to its replicas, as far as PUBLISH is concerned: each message has its place in that stream
 * of bytes. No I/O. Bytes are fed, and what is complete in them is pulled out one by one.
 *
 *     PSYNC ─┬─ "+CONTINUE id" ──────────────────────────────────────┬─▶ commands: *3 $7 publish $1 c $5 hello …
 *            └─ "+FULLRESYNC id offset" ── a snapshot, passed over ──┘
 *               "$<length>" and so many bytes, or "$EOF:<40 bytes>" and bytes that end with those 40
 *
 * A position is that of the end of a command, or of the snapshot: the bytes behind it are asked for on the next
 * connection.
 *
 * Threads: one at a time.
 */
#ifndef SRC_REDIS_REPLICATION_H
#define SRC_REDIS_REPLICATION_H

#include "eio/buf.h"

enum { REDIS_REPLICATION_ID = 40 };

enum redis_replicated {
	REDIS_REPLICATED_NONE, /* nothing more that is complete: feed the next bytes */
	REDIS_REPLICATED_REFUSED, /* PSYNC was answered with an error: text. Nothing more is looked at */
	/* A snapshot is coming: what there was since the position is lost. Of one that is before the position nothing
	 * is told: what was read of the stream does not come again. */
	REDIS_REPLICATED_FULL,
	REDIS_REPLICATED_ONLINE, /* commands are coming */
	REDIS_REPLICATED_MESSAGE, /* a PUBLISH: channel and payload */
	REDIS_REPLICATED_TOO_LONG, /* one whose channel or payload had more bytes than allowed, and is empty: n */
	REDIS_REPLICATED_ASKED, /* the server wants to know the position */
	REDIS_REPLICATED_ERROR, /* that is not it; said again by every further call. The position is lost */
};

/* The bytes are valid until the next call. */
struct redis_replicated_event {
	struct eio_bytes text, channel, payload;
	uint64_t n;
};

/* The fields are private, but for id and offset. */
struct redis_replication {
	size_t max_string;
	char id[REDIS_REPLICATION_ID + 1]; /* of the stream; empty: there is no position */
	uint64_t offset; /* of the end of the last command that is complete */
	struct eio_bytes rest; /* fed and not looked at yet; borrowed */
	int state;
	uint64_t begin; /* the offset at which this connection's commands begin */
	uint64_t at; /* that of what is looked at; before `offset` it was read on another connection */
	char line[160]; /* the beginning of one that was cut */
	size_t line_n;
	char until[REDIS_REPLICATION_ID]; /* of a snapshot: its end, */
	char tail[REDIS_REPLICATION_ID]; /* and the last bytes of it that came */
	size_t tail_n;
	uint64_t left; /* of a snapshot, or of the string at hand and its line's end: how many bytes are to come */
	/* The command at hand. */
	uint64_t elements, element;
	int command; /* which it is */
	uint64_t string_n; /* how long the string at hand is */
	bool kept; /* it is */
	uint64_t too_long; /* how long the longest was that is not; 0: none */
	struct eio_buf name, channel, payload;
	struct eio_bytes payload_there; /* where it lies: in what was fed, or in payload */
};

void redis_replication_init(struct redis_replication *r, size_t max_string);
void redis_replication_deinit(struct redis_replication *r);

enum { REDIS_REPLICATION_TEXT = REDIS_REPLICATION_ID + 22 };

/* The position as a text that ends in NUL; NULL when there is none. */
const char *redis_replication_store(const struct redis_replication *r, char out[REDIS_REPLICATION_TEXT]);

/* Goes on behind a position, before anything was fed. Whether the text is one. */
bool redis_replication_resume(struct redis_replication *r, struct eio_bytes text);

/* A new connection: appends PSYNC, with the position if there is one. What was fed before is forgotten. */
void redis_replication_begin(struct redis_replication *r, struct eio_buf *out);

/* Bytes behind that, borrowed until redis_replication_next says NONE or ERROR, which it must have done for those
 * before. */
void redis_replication_feed(struct redis_replication *r, struct eio_bytes bytes);

enum redis_replicated redis_replication_next(struct redis_replication *r, struct redis_replicated_event *event);

#endif

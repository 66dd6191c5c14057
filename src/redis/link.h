/* SPDX-License-Identifier: MIT */
/*
 * A connection to one Redis server that never gives up: it greets, asks a silent
 * server whether it lives, and comes back by itself when Redis went away. What it is
 * for, subscribing or publishing, is a table of functions: its role.
 *
 *     ┌──────────┐ connected ┌───────────┐ every reply there ┌───────┐
 *     │CONNECTING├──────────▶│ HANDSHAKE ├──────────────────▶│ READY │
 *     └──▲───┬───┘           └─────┬─────┘                   └───┬───┘
 *        │   │ refused, timeout    │ error reply, lost           │ lost, silent
 *        │   ▼                     ▼                             │
 *     ┌──┴────────────────────────────────────────────────────┐  │
 *     │ WAITING: as long as backoff.h says                     │◀─┘
 *     └───────────────────────────────────────────────────────┘
 * A silent connection is asked with PING; no answer means lost, and any answer, an error too, that it lives. What the
 * server says before it hangs up stands in the log.
 *
 * A server answers in the order in which it was asked. So whose an answer is, the role's or PING's, follows from how
 * many commands of the role have none yet.
 *
 * Threads: the loop's only.
 */
#ifndef SRC_REDIS_LINK_H
#define SRC_REDIS_LINK_H

#include "eio/buf.h"
#include "src/redis/metrics.h"
#include "src/redis/reader.h"
#include "src/redis/url.h"

#include <uv.h>

#define REDIS_HANDSHAKE_MS 5000
#define REDIS_SILENT_MS 10000 /* then PING */
#define REDIS_MEASURE_NS 10000000000 /* so often it is asked how long it takes to answer */
#define REDIS_DEAD_MS 10000 /* after the PING: lost */

struct redis_link;

/* A connection that goes on in another process, in the middle of what its server says. */
struct redis_handed {
	int fd; /* owned */
	bool pinged; /* an answer to PING is still to come */
	struct eio_bytes begun; /* what has come of a message; borrowed */
};

/* None of these may close the link. */
struct redis_role {
	const char *name; /* for the log */
	/* Appends what is said behind AUTH, SELECT and CLIENT SETNAME. Returns how many commands that is: the link is
	 * ready when all are answered. */
	size_t (*greet)(void *user, struct eio_buf *out);
	/* None of the next six may write. Their bytes are valid during the call. */
	void (*message)(void *user, const struct redis_message *m);
	/* A message that was longer than max_string, by a string of n bytes, which is empty in it; or NULL. */
	void (*too_long)(void *user, const struct redis_message *m, uint64_t n);
	/* An entry of a stream, and what XINFO STREAM says of one, in front of its `reply`; or both NULL. An entry that
	 * was too long says so. */
	void (*entry)(void *user, const struct redis_entry *e);
	void (*info)(void *user, const struct redis_stream_info *info);
	/* What is in a reply of any shape, in front of its `reply`; or NULL. */
	void (*values)(void *user, const struct redis_values *values);
	/* A reply that is none to AUTH, SELECT, CLIENT SETNAME and PING. Whether it answers a command of the role. */
	bool (*reply)(void *user, enum redis_reply reply, struct eio_bytes text);
	/* What came since redis_link_take_over(). It may not write either. */
	void (*raw)(void *user, struct eio_bytes bytes);
	void (*looked)(
		void *user, size_t n); /* all that was in n bytes has been told, and the link is ready; or NULL */
	void (*ready)(void *user); /* it became ready */
	void (*lost)(void *user); /* it is not ready any more, and connects anew */
	/* It goes on with a connection that was handed over: in the place of `greet`, and it is ready at once; or
	 * NULL. */
	void (*adopted)(void *user);
};

struct redis_link_options {
	const struct redis_url *url; /* borrowed */
	struct metrics *metrics; /* borrowed: of redis_metrics */
	size_t max_string; /* the longest string that is taken from the server */
	size_t max_reply; /* the longest reply, where the role wants its values */
	unsigned silent_ms, dead_ms; /* 0: REDIS_SILENT_MS, REDIS_DEAD_MS; with sentinels, or in a Cluster, shorter */
	const struct redis_role *role; /* borrowed */
	void *user;
	/* What it begins with, which it takes over; NULL: nothing. begun is borrowed until it is ready, or lost. */
	const struct redis_handed *handed;
};

/* A link that begins to connect at once. NULL when out of memory. */
struct redis_link *redis_link_open(uv_loop_t *loop, const struct redis_link_options *options);

/* Closes it; the memory goes when the loop has run. The role is told nothing more. */
void redis_link_close(struct redis_link *l);

/* Where the role wants the values of replies: so long they may be from now on. */
void redis_link_allow(struct redis_link *l, size_t max_reply);

/* Its address is another one now: it connects there at once, as after a loss. Not from what the role is told. */
void redis_link_redial(struct redis_link *l);

/* How long a server may say nothing after a PING: wanted, or, where that is 0, what is usual there. */
unsigned redis_link_dead_ms(const struct redis_url *url, unsigned wanted);

/* Who is at its other end, or was last: of a Cluster a node, whose host is NULL before it was reached. Valid until it
 * connects anew. */
const struct redis_url *redis_link_place(const struct redis_link *l);

bool redis_link_is_ready(const struct redis_link *l);

/* Why it was lost last, or could not be made, as the log has it; "" when neither has happened. */
const char *redis_link_failure(const struct redis_link *l);

/* How long the server has said nothing; also while the role is told that it is lost. */
uint64_t redis_link_silence_ms(const struct redis_link *l);

/* Writes a buffer with n commands, which it takes over and leaves empty. The link must be ready; it may be lost
 * afterwards. */
void redis_link_write(struct redis_link *l, struct eio_buf *buf, size_t n);

/* For a role that has asked for something else than replies: what comes from now on is its own, and nothing else is
 * asked. The link must be ready, with every command answered. */
void redis_link_take_over(struct redis_link *l);

/* For who goes on with its connection in another process: a copy of it. It must be closed before it reads on. False
 * where that cannot be: it is not ready, something was asked and not answered, it has TLS, or something longer than a
 * message is arriving. */
bool redis_link_hand(const struct redis_link *l, struct redis_handed *out);

/* How many bytes were written and have not left. */
size_t redis_link_unwritten(const struct redis_link *l);

/* For the role's `reply` and `raw`: the link is lost, with this error of the server as the reason, when all that was
 * read has been told. */
void redis_link_refuse(struct redis_link *l, struct eio_bytes text);

/* Stops looking for what arrives, goes on. The link must be ready. */
void redis_link_pause(struct redis_link *l);
void redis_link_resume(struct redis_link *l);

/* Takes what is there, at most REDIS_SOCKET_READ_BYTES, while it is paused. Returns how much that was: 0 also when
 * the link is about to be lost, which shows when it goes on; -1 when it was lost by what it took. */
ssize_t redis_link_look(struct redis_link *l);

#endif

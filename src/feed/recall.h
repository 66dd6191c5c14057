/* SPDX-License-Identifier: MIT */
/*
 * A client comes back: the question of its new worker for the session and all that it missed, and the answer, which
 * comes in the order of deliveries. What was sent before the answer is in it, what comes later is delivered behind it.
 *
 *     worker ── ASK ──▶ feed ── nobody has ended that session: RELEASE ──▶ each worker, one after the other
 *       ▲                 │ ◀── RELEASED, the session went ahead of it ───────────────┘
 *       │                 ▼
 *       └── ANSWER ◀── session, missed; its rooms are held for the worker
 *       └── DONE ─────▶ they are not any more: the worker has joined, or gives the session back
 *
 * Threads: it belongs to whoever it was posted to, but for asker, which is always the worker's that asks.
 */
#ifndef SRC_FEED_RECALL_H
#define SRC_FEED_RECALL_H

#include "src/feed/history.h"
#include "src/feed/sessions.h"
#include "src/feed/stored.h"

enum feed_recall_step {
	FEED_RECALL_ASK,
	/* to a worker: end the socket of this session, if it still has it, and give it to the feed */
	FEED_RECALL_RELEASE,
	FEED_RECALL_RELEASED,
	FEED_RECALL_ANSWER, /* to the worker that asked */
	FEED_RECALL_DONE,
};

struct feed_recall {
	struct mail mail;
	enum feed_recall_step step;
	unsigned worker; /* that asks */
	unsigned asked; /* how many workers were asked for the session: the feed's */
	void *asker; /* NULL: nobody waits for the answer any more */

	/* The question. */
	char pid[FEED_PID_LEN];
	bool has_offset;
	struct feed_offset offset; /* of the last event that the client has */
	/* Where its session may be elsewhere: whether to ask for it there, and the offset as it came, whose it
	 * may be; n 0: there is none such. */
	bool is_signed, gives_offset;
	struct feed_offset_text has;
	uint64_t who; /* as in the session */
	size_t max_bytes; /* it may have missed no more */

	/* What Redis had of it: the feed's. */
	bool was_taken; /* it was asked; what is put there next is by this: */
	uint64_t wait_until_ms; /* for what the client has and we have not; 0: it was not waited for */
	char token[STORED_TOKEN];
	struct stored_session stored; /* owned; bytes NULL: it had nothing */

	/* The answer. session: NULL when there is none, or when something is missing for ever. */
	struct feed_session *session; /* owned */
	struct history_missed missed;
	struct feed_since since; /* what it was found by */
	uint64_t after; /* up to here it had all; of some rooms it is known to have more, which the session says */
	uint64_t serial; /* of the last broadcast that is in missed, or was before it */
	struct feed_offset_text reached; /* the same in words for others, where somebody comes from elsewhere */
	bool held; /* the feed holds its rooms until it is told DONE */

	size_t nsp_n;
	char nsp[]; /* of the namespace */
};

/* A question about a session of a namespace; the rest is filled in by the caller. NULL when out of memory. */
struct feed_recall *feed_recall_new(struct eio_bytes nsp);
void feed_recall_free(struct feed_recall *r);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * A worker has Redis keep what a socket's session is now, before its client sees anything of it; and is told when that
 * is so.
 *
 *     worker ── struct feed_stow ──▶ feed ── store.h ──▶ Redis
 *       ▲── the same: done, or not ──┘
 *
 * Threads: it belongs to whoever it was posted to.
 */
#ifndef SRC_FEED_STOW_H
#define SRC_FEED_STOW_H

#include "src/base/mailbox.h"
#include "src/feed/offset.h"
#include "src/feed/sessions.h"
#include "src/feed/stored.h"

enum feed_stow_result {
	FEED_STOW_DONE,
	FEED_STOW_MOVED, /* another siocast has taken the session: its client is there */
	FEED_STOW_FAILED, /* Redis did not say that it has it, in time; it may have it nevertheless */
	/* Of no session, as the next: it is about to be another Redis. What ends is put once more from now on, since
	 * what the one before has may not come along; the worker gives this back. */
	FEED_STOW_LEAVES,
	FEED_STOW_ELSEWHERE, /* all are to be put again, since it is another Redis from now on */
};

struct feed_stow {
	struct mail mail;
	unsigned worker; /* that asks */
	char pid[FEED_PID_LEN];
	char token[STORED_TOKEN]; /* whose it is */
	size_t nsp_n;
	bool ends; /* there is no session any more, and nobody waits for the answer */
	bool leaves; /* the same is there already: it is put only since LEAVES was told */
	size_t at; /* then, the store's: where it stands among what comes along */
	enum feed_stow_result result;
	uint64_t serial; /* of FAILED and ELSEWHERE, as the next: */
	struct feed_offset_text reached; /* offsets from here on are of another node, see journal.h */
	size_t n; /* of the session's text; 0: there is nothing that a client could come back to */
	char text[]; /* the namespace's name, and the session's text */
};

/* NULL when out of memory. */
struct feed_stow *feed_stow_new(struct eio_bytes nsp, struct eio_bytes text);

#endif

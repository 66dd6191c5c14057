/* SPDX-License-Identifier: MIT */
/*
 * What workers tell of their sockets, on its way to the pages of the Admin UI, and what these order. A page that comes
 * gets a list of all sockets first, which all workers are asked for; what is told meanwhile waits for it, so that the
 * page, which begins anew with that list, misses nothing:
 *
 *     workers ── struct ui_told ──▶ queue ──▶ feed_send(), adminui_order()
 *        ▲                            │ a socket has come
 *        └──── feed_survey() ◀────────┘ the queue stands, until all have answered
 *
 * Threads: the feed's; the line is shared.
 */
#ifndef SRC_ADMINUI_WATCH_H
#define SRC_ADMINUI_WATCH_H

#include "src/clients/ui.h"
#include "src/feed/feed.h"

struct adminui_watch {
	struct ui_line line;
	struct feed *feed; /* borrowed */
	struct mail *first, **last; /* of struct ui_told: what waits */
	size_t at; /* how far the first has been taken */
	struct mail_port answers;
	uint64_t number; /* of the last survey */
	unsigned left; /* workers that have not answered it; 0: none is under way */
	struct eio_buf who; /* owned: the id of who has come */
	struct eio_buf list; /* owned: what they have answered */
	bool some; /* there are sockets in it */
	bool closed; /* what comes is only freed */
};

/* The line is to be filled but for its port. w must stay where it is. */
void adminui_watch_init(struct adminui_watch *w, struct feed *feed, struct mailbox *mailbox);

/* Nothing is sent any more. */
void adminui_watch_close(struct adminui_watch *w);

/* When its thread was stopped. */
void adminui_watch_deinit(struct adminui_watch *w);

#endif

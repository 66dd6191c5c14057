/* SPDX-License-Identifier: MIT */
/*
 * The one door between threads: a queue that any thread posts to and one loop
 * reads. The reader is woken once, when the queue goes from empty to non-empty,
 * and then takes everything that is there.
 */
#ifndef SRC_BASE_MAILBOX_H
#define SRC_BASE_MAILBOX_H

#include <stdbool.h>
#include <uv.h>

/* Embedded in what is posted. */
struct mail {
	struct mail *next; /* {mailbox.lock} while queued, then the reader's */
	int kind; /* the reader's enum */
};

/* Called on the reader's loop with a chain of mail in the order posted, linked by next; the reader owns it. */
typedef void (*mailbox_fn)(void *user, struct mail *first);

struct mailbox {
	uv_async_t wake;
	uv_mutex_t lock;
	struct mail *first, **last; /* {lock} */
	mailbox_fn deliver;
	void *user;
};

/* Opens the mailbox on the reader's loop, before any thread posts. 0 or a libuv error. */
int mailbox_open(struct mailbox *mb, uv_loop_t *loop, mailbox_fn deliver, void *user);

/* Posts mail from any thread; the mailbox owns it until delivered. */
void mailbox_post(struct mailbox *mb, struct mail *m);

/* Closes on the reader's thread, after the last post. Mail still queued is delivered first. */
void mailbox_close(struct mailbox *mb);

#endif

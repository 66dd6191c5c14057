/* SPDX-License-Identifier: MIT */
/*
 * The one door between threads: a queue that any thread posts to and one loop
 * reads. The reader is woken once, when the queue goes from empty to non-empty,
 * and then takes everything that is there.
 *
 * What is posted goes to a port, which knows what it takes: the mailbox knows
 * nothing of what is in it, and whoever posts nothing of who reads it. All ports of
 * one mailbox share its order.
 */
#ifndef SRC_BASE_MAILBOX_H
#define SRC_BASE_MAILBOX_H

#include <uv.h>

struct mail_port;

/* Embedded in what is posted. */
struct mail {
	struct mail *next; /* {mailbox.lock} while queued, then the reader's */
	const struct mail_port *to; /* set by posting */
};

/* Where mail of one kind goes. Constant once mail may be posted to it, and there until the last was taken. */
struct mail_port {
	struct mailbox *mailbox; /* NULL: only the thread that takes it posts, and it is taken before that returns */
	/* Takes a run of mail on the reader's loop: what was posted to this port without any for another port in
	 * between, linked by next, at least one. It belongs to the port, which reads `next` before it gives a mail
	 * away. */
	void (*take)(void *user, struct mail *run);
	void *user;
};

struct mailbox {
	unsigned magic; /* MAILBOX_MAGIC */
	uv_async_t wake;
	uv_mutex_t lock;
	struct mail *first, **last; /* {lock} */
	struct mail *read; /* taken out of the queue and not yet taken by its port; the reader's */
};

enum { MAILBOX_MAGIC = 0x3a11b0c5 };

/* Opens the mailbox on the reader's loop, before any thread posts. 0 or a libuv error. */
int mailbox_open(struct mailbox *mb, uv_loop_t *loop);

/* Posts mail to a port, from any thread; the port owns it from then on. */
void mail_post(const struct mail_port *to, struct mail *m);

/* Closes on the reader's thread, also from within a port, after the last post; once. What is still there is taken
 * first, in its order. The loop must run until the handle is closed. */
void mailbox_close(struct mailbox *mb);

#endif

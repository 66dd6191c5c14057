/* SPDX-License-Identifier: MIT */
/* The cross-thread queue: a mutex for the links, one uv_async wake-up per burst. */
#include "src/base/mailbox.h"

#include "eio/check.h"

#include <stdbool.h>

/* Everything that is queued, in the order posted. */
static struct mail *
mailbox_empty(struct mailbox *mb)
{
	struct mail *first;

	uv_mutex_lock(&mb->lock);
	first = mb->first;
	mb->first = NULL;
	mb->last = &mb->first;
	uv_mutex_unlock(&mb->lock);
	return first;
}

/* Gives what was read to its ports, a run at a time. A port may close the mailbox, which does the rest of it then. */
static void
mailbox_hand_out(struct mailbox *mb)
{
	while (mb->read) {
		struct mail *run = mb->read, *last = run;

		while (last->next && last->next->to == run->to) last = last->next;
		mb->read = last->next;
		last->next = NULL;
		run->to->take(run->to->user, run);
	}
}

static void
on_mailbox_wake(uv_async_t *a)
{
	struct mailbox *mb = a->data;

	CHECK_MAGIC(mb, MAILBOX_MAGIC);
	mb->read = mailbox_empty(mb);
	mailbox_hand_out(mb);
}

int
mailbox_open(struct mailbox *mb, uv_loop_t *loop)
{
	int err = uv_mutex_init(&mb->lock);

	if (err) return err;
	mb->magic = MAILBOX_MAGIC;
	mb->first = mb->read = NULL;
	mb->last = &mb->first;
	mb->wake.data = mb;
	err = uv_async_init(loop, &mb->wake, on_mailbox_wake);
	if (err) uv_mutex_destroy(&mb->lock);
	return err;
}

static void
mailbox_put(struct mailbox *mb, struct mail *m)
{
	bool was_empty;

	CHECK_MAGIC(mb, MAILBOX_MAGIC);
	uv_mutex_lock(&mb->lock);
	was_empty = mb->first == NULL;
	*mb->last = m;
	mb->last = &m->next;
	uv_mutex_unlock(&mb->lock);
	if (was_empty) uv_async_send(&mb->wake);
}

void
mail_post(const struct mail_port *to, struct mail *m)
{
	m->next = NULL;
	m->to = to;
	if (to->mailbox)
		mailbox_put(to->mailbox, m);
	else
		to->take(to->user, m);
}

static void
on_mailbox_closed(uv_handle_t *h)
{
	struct mailbox *mb = h->data;

	CHECK_MAGIC(mb, MAILBOX_MAGIC);
	uv_mutex_destroy(&mb->lock);
	mb->magic = 0;
}

void
mailbox_close(struct mailbox *mb)
{
	CHECK_MAGIC(mb, MAILBOX_MAGIC);
	mailbox_hand_out(mb);
	mb->read = mailbox_empty(mb);
	mailbox_hand_out(mb);
	uv_close((uv_handle_t *)&mb->wake, on_mailbox_closed);
}

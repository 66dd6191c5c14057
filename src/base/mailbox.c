/* SPDX-License-Identifier: MIT */
/* The cross-thread queue: a mutex for the links, one uv_async wake-up per burst. */
#include "src/base/mailbox.h"

/* Takes everything that is queued, in the order posted. */
static struct mail *
take(struct mailbox *mb)
{
	struct mail *first;

	uv_mutex_lock(&mb->lock);
	first = mb->first;
	mb->first = NULL;
	mb->last = &mb->first;
	uv_mutex_unlock(&mb->lock);
	return first;
}

static void
on_wake(uv_async_t *a)
{
	struct mailbox *mb = a->data;
	struct mail *first = take(mb);

	if (first) mb->deliver(mb->user, first);
}

int
mailbox_open(struct mailbox *mb, uv_loop_t *loop, mailbox_fn deliver, void *user)
{
	int err = uv_mutex_init(&mb->lock);

	if (err) return err;
	mb->first = NULL;
	mb->last = &mb->first;
	mb->deliver = deliver;
	mb->user = user;
	mb->wake.data = mb;
	err = uv_async_init(loop, &mb->wake, on_wake);
	if (err) uv_mutex_destroy(&mb->lock);
	return err;
}

void
mailbox_post(struct mailbox *mb, struct mail *m)
{
	bool was_empty;

	m->next = NULL;
	uv_mutex_lock(&mb->lock);
	was_empty = mb->first == NULL;
	*mb->last = m;
	mb->last = &m->next;
	uv_mutex_unlock(&mb->lock);
	if (was_empty) uv_async_send(&mb->wake);
}

static void
on_closed(uv_handle_t *h)
{
	struct mailbox *mb = h->data;

	uv_mutex_destroy(&mb->lock);
}

void
mailbox_close(struct mailbox *mb)
{
	struct mail *first = take(mb);

	if (first) mb->deliver(mb->user, first);
	uv_close((uv_handle_t *)&mb->wake, on_closed);
}

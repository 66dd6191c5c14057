/* SPDX-License-Identifier: MIT */
/* Bytes that are kept; see the header. */
#include "eio/net/pending.h"

#include "eio/check.h"

/* What is done and not wanted any more goes. */
static void
drop_done(struct eio__pending *p)
{
	size_t left = p->buf.n - p->at;

	if (p->at && left) memmove(p->buf.p, p->buf.p + p->at, left);
	p->buf.n = left;
	p->at = 0;
}

void
eio__pending_seen(struct eio__pending *p, size_t n)
{
	CHECK(n <= p->buf.n - p->at);
	p->at += n;
}

bool
eio__pending_add(struct eio__pending *p, const char *data, size_t n, bool head)
{
	if (!head) drop_done(p);
	eio_buf_append(&p->buf, data, n);
	return !eio_buf_failed(&p->buf);
}

bool
eio__pending_head(struct eio__pending *p, const char *data, size_t n, bool begins)
{
	CHECK(p->at == p->buf.n);
	if (begins) p->buf.n = 0;
	eio_buf_append(&p->buf, data, n);
	p->at = p->buf.n;
	return !eio_buf_failed(&p->buf);
}

void
eio__pending_keep_last(struct eio__pending *p, size_t n)
{
	CHECK(p->at == p->buf.n && n <= p->buf.n);
	memmove(p->buf.p, p->buf.p + p->buf.n - n, n);
	p->buf.n = p->at = n;
}

void
eio__pending_clear(struct eio__pending *p)
{
	eio_buf_deinit(&p->buf);
	p->at = 0;
}

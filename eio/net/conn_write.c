/* SPDX-License-Identifier: MIT */
/*
 * Bytes out of a connection: straight to the kernel while it takes them, the rest when
 * there is room. How it went is returned, or told later; what follows from that is conn.c's.
 *
 * Answers may be gathered in a ring (eio/net/uring.h) first. A connection has at
 * most one of them there, and whatever else is written to it, or closes it, has the
 * ring emptied before.
 */
#include "eio/check.h"
#include "eio/net/door.h"
#include "eio/net/httpd_int.h"

#include <errno.h>
#include <stdlib.h>

struct rest {
	struct eio__stream_write write;
	struct eio__conn *conn;
	struct eio_block *body;
	struct eio_unsent *unsent; /* what counts the body, or NULL */
	size_t body_n;
	bool close;
	char head[];
};

static void
free_rest(struct rest *w)
{
	eio_unsent_done(w->unsent, w->body_n);
	eio_block_unref(w->body);
	free(w);
}

/* The rest is out. A connection whose client will say nothing more, or whose server is closing, ends here as well. */
static void
on_rest_written(struct eio__stream_write *write, bool failed)
{
	struct rest *w = EIO_CONTAINER(write, struct rest, write);
	struct eio__conn *c = w->conn;
	enum eio__wrote how = w->close ? EIO__WROTE_LAST : EIO__WROTE_REST;
	bool all = eio__stream_queue_size(&c->io) == 0;

	CHECK_MAGIC(c, EIO__CONN_MAGIC);
	c->rests--;
	if (failed || (all && (c->eof || c->httpd->closing))) how = EIO__WROTE_FAILED;
	c->httpd->written(c, how);
	free_rest(w);
}

/* What counts the body of an answer goes with the rest of it. */
static void
take_unsent(struct rest *w, struct eio_response *r)
{
	w->unsent = r->unsent;
	w->body_n = r->length;
	r->unsent = NULL;
}

/* What the socket did not take at once is kept: the head by a copy, the body by a reference. r: the answer, or NULL. */
static enum eio__wrote
conn_write_rest(struct eio__conn *c, struct eio_bytes head, struct eio_block *body, size_t sent, bool close,
	struct eio_response *r)
{
	struct rest *w = malloc(sizeof *w + head.n);
	size_t head_sent = sent < head.n ? sent : head.n, body_sent = sent - head_sent;
	struct iovec parts[EIO__STREAM_PARTS];
	unsigned n = 0;

	if (!w) return EIO__WROTE_FAILED;
	/* In this order: `head` begins in the padding at the end of the struct, which the assignment may write. */
	*w = (struct rest){ .conn = c, .body = body ? eio_block_ref(body) : NULL, .close = close };
	if (r) take_unsent(w, r);
	if (head.n) memcpy(w->head, head.p, head.n);
	if (head_sent < head.n) parts[n++] = (struct iovec){ w->head + head_sent, head.n - head_sent };
	if (body && body_sent < body->n) parts[n++] = (struct iovec){ body->data + body_sent, body->n - body_sent };
	eio__stream_write(&w->write, &c->io, parts, n, on_rest_written);
	c->rests++;
	c->kept += head.n + (body ? body->n : 0) - sent;
	return EIO__WROTE_KEPT;
}

/* Writes bytes and a block, which may be NULL. r: the answer that they are, or NULL. */
static enum eio__wrote
write_parts(struct eio__conn *c, struct eio_bytes head, struct eio_block *body, bool close, struct eio_response *r)
{
	size_t total = head.n + (body ? body->n : 0);
	struct iovec parts[EIO__STREAM_PARTS];
	unsigned n = 0;
	ssize_t sent;

	if (c->gathered) eio_uring_flush(c->httpd->ring);
	if (head.n) parts[n++] = (struct iovec){ (char *)(uintptr_t)head.p, head.n };
	if (body) parts[n++] = (struct iovec){ body->data, body->n };
	c->httpd->stats.bytes_out += total;
	sent = eio__stream_try_write(&c->io, parts, n);
	if (sent < 0) return EIO__WROTE_FAILED;
	if ((size_t)sent < total) return conn_write_rest(c, head, body, (size_t)sent, close, r);
	return close ? EIO__WROTE_LAST : EIO__WROTE;
}

enum eio__wrote
eio__conn_write(struct eio__conn *c, struct eio_bytes head, struct eio_block *body, bool close)
{
	return write_parts(c, head, body, close, NULL);
}

/* Gathering */

/* What the socket did not take of a gathered answer waits for room; an error is found then. */
static void
on_answer_sent(void *user, void *owner, size_t left)
{
	struct eio__conn *c = owner;
	struct eio_block *b;

	(void)user;
	CHECK_MAGIC(c, EIO__CONN_MAGIC);
	b = c->gathered;
	CHECK(b != NULL && left <= b->n);
	c->gathered = NULL;
	if (left) c->httpd->written(c, conn_write_rest(c, eio_bytes(NULL, 0), b, b->n - left, false, NULL));
}

int
eio_httpd_use_uring(struct eio_httpd *h)
{
	h->ring = eio_uring_new(on_answer_sent, NULL);
	return h->ring ? 0 : -errno;
}

void
eio_httpd_gather(struct eio_httpd *h)
{
	h->gathers = true;
}

void
eio_httpd_send_gathered(struct eio_httpd *h)
{
	h->gathers = false;
	if (h->ring) eio_uring_flush(h->ring);
	eio__behind_look(&h->behind, eio_clock_now(h->clock));
}

/* Writes a block at the end of the pass, when there is a ring and nothing is before it; else now. */
static enum eio__wrote
write_gathered(struct eio__conn *c, struct eio_block *all)
{
	struct eio_uring *ring = c->httpd->ring;
	enum eio__wrote how;

	if (!ring || !eio_uring_works(ring) || c->gathered || eio__stream_queue_size(&c->io) > 0) {
		/* Emptying the ring may tell of another connection's end. Whoever hears of it may answer something
		 * else, and that becomes the last one. */
		eio_block_ref(all);
		how = eio__conn_write(c, eio_bytes(NULL, 0), all, false);
		eio_block_unref(all);
		return how;
	}
	c->httpd->stats.bytes_out += all->n;
	c->gathered = all;
	eio_uring_add(ring, c, c->io.fd, all);
	return EIO__WROTE;
}

/* Whether an answer is one to gather. What is encrypted goes its own way. */
static bool
may_gather(const struct eio__conn *c, const struct eio_response *r)
{
	return c->httpd->gathers && !c->door && r->body && r->body->n <= EIO__SHARED_MAX && r->length == r->body->n &&
	       !r->no_length;
}

static enum eio__wrote
respond_at_once(struct eio__conn *c, struct eio_response *r, bool head_only, bool minor0, bool close)
{
	struct eio__responses *a = &c->httpd->responses;
	/* Taken away while it is in use: emptying the ring may lead to another answer, see write_gathered. */
	struct eio_buf head = a->head;
	enum eio__wrote how = EIO__WROTE_FAILED;

	eio_buf_init(&a->head);
	eio_buf_clear(&head);
	eio__response_head(a, r, c->door ? c->door->headers : NULL, minor0, close, &head);
	if (!eio_buf_failed(&head)) how = write_parts(c, eio_buf_bytes(&head), head_only ? NULL : r->body, close, r);
	eio_buf_deinit(&a->head);
	a->head = head;
	return how;
}

enum eio__wrote
eio__conn_respond(struct eio__conn *c, struct eio_response *r, bool head_only, bool minor0, bool close)
{
	bool gather = !head_only && !close && may_gather(c, r);
	struct eio_block *all = gather ? eio__response_shared(&c->httpd->responses, r, minor0) : NULL;

	return all ? write_gathered(c, all) : respond_at_once(c, r, head_only, minor0, close);
}

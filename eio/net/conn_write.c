/* SPDX-License-Identifier: MIT */
/*
 * Bytes out of a connection: straight to the kernel while it takes them, then by
 * libuv; and what an answer looks like.
 *
 * Answers may be gathered in a ring (eio/net/uring.h) first. A connection has at
 * most one of them there, and whatever else is written to it, or closes it, has the
 * ring emptied before.
 */
#include "eio/net/httpd_int.h"

#include <errno.h>
#include <stdlib.h>

struct write {
	uv_write_t req;
	struct eio__conn *conn;
	struct eio_block *body;
	bool close;
	char head[];
};
static void
on_shutdown(uv_shutdown_t *req, int status)
{
	(void)status;
	free(req);
}

/* Half-closes and waits a while for the peer, so that it can read the answer before a reset. */
static void
conn_linger(struct eio__conn *c)
{
	uv_shutdown_t *req = malloc(sizeof(*req));

	if (!req || c->closing || c->eof || uv_shutdown(req, &c->h.stream, on_shutdown)) {
		free(req);
		eio__conn_close(c);
		return;
	}
	c->lingering = true;
	eio__conn_arm(c, EIO_HTTPD_LINGER_MS);
}

static void
on_written(uv_write_t *req, int status)
{
	struct write *w = EIO_CONTAINER(req, struct write, req);

	if (status)
		eio__conn_close(w->conn);
	else if (w->conn->eof || w->conn->httpd->closing)
		eio__conn_close(w->conn);
	else if (w->close)
		conn_linger(w->conn);
	eio_block_unref(w->body);
	free(w);
}

/* What the socket did not take at once is kept: the head by a copy, the body by a reference. */
static void
conn_write_rest(struct eio__conn *c, struct eio_bytes head, struct eio_block *body, size_t sent, bool close)
{
	struct write *w = malloc(sizeof(*w) + head.n);
	size_t head_sent = sent < head.n ? sent : head.n, body_sent = sent - head_sent;
	uv_buf_t bufs[2];
	unsigned n = 0;

	if (!w) {
		eio__conn_close(c);
		return;
	}
	/* In this order: `head` begins in the padding at the end of the struct, which the assignment may write. */
	*w = (struct write){ .conn = c, .body = body ? eio_block_ref(body) : NULL, .close = close };
	if (head.n) memcpy(w->head, head.p, head.n);
	if (head_sent < head.n) bufs[n++] = uv_buf_init(w->head + head_sent, (unsigned)(head.n - head_sent));
	if (body && body_sent < body->n)
		bufs[n++] = uv_buf_init(body->data + body_sent, (unsigned)(body->n - body_sent));
	if (uv_write(&w->req, &c->h.stream, bufs, n, on_written)) {
		eio_block_unref(w->body);
		free(w);
		eio__conn_close(c);
	}
}

void
eio__conn_write(struct eio__conn *c, struct eio_bytes head, struct eio_block *body, bool close)
{
	size_t total = head.n + (body ? body->n : 0);
	uv_buf_t bufs[2];
	unsigned parts = 0;
	int n;

	if (c->gathered) eio_uring_flush(c->httpd->ring);
	if (head.n) bufs[parts++] = uv_buf_init((char *)(uintptr_t)head.p, (unsigned)head.n);
	if (body) bufs[parts++] = uv_buf_init(body->data, (unsigned)body->n);
	c->httpd->stats.bytes_out += total;
	n = uv_try_write(&c->h.stream, bufs, parts);
	if (n < 0 && n != UV_EAGAIN)
		eio__conn_close(c);
	else if (n < 0 || (size_t)n < total)
		conn_write_rest(c, head, body, n < 0 ? 0 : (size_t)n, close);
	else if (close)
		conn_linger(c);
}

static const char *
http_date(struct eio_httpd *h)
{
	time_t now = time(NULL);
	struct tm tm;

	if (now != h->date_at) {
		gmtime_r(&now, &tm);
		strftime(h->date, sizeof(h->date), "%a, %d %b %Y %H:%M:%S GMT", &tm);
		h->date_at = now;
	}
	return h->date;
}

static void
put_number(struct eio_buf *out, uint64_t v, struct eio_bytes behind)
{
	eio_buf_append_u64(out, v);
	eio_buf_add(out, behind);
}

static void
put_head(struct eio__conn *c, struct eio_buf *head, const struct eio_response *r, bool minor0, bool close)
{
	EIO_BUF_ADD_LIT(head, "HTTP/1.1 ");
	put_number(head, (uint64_t)r->status, EIO_LIT(" "));
	eio_buf_add(head, eio_cstr(eio_http_status_text(r->status)));
	EIO_BUF_ADD_LIT(head, "\r\n");
	if (r->headers) eio_buf_append(head, r->headers->data, r->headers->n);
	EIO_BUF_ADD_LIT(head, "Date: ");
	eio_buf_add(head, eio_cstr(http_date(c->httpd)));
	EIO_BUF_ADD_LIT(head, "\r\n");
	if (!r->no_length) {
		EIO_BUF_ADD_LIT(head, "Content-Length: ");
		put_number(head, r->length, EIO_LIT("\r\n"));
	}
	if (close)
		EIO_BUF_ADD_LIT(head, "Connection: close\r\n");
	else if (minor0)
		EIO_BUF_ADD_LIT(head, "Connection: keep-alive\r\n");
	EIO_BUF_ADD_LIT(head, "\r\n");
}

/* Gathering */

/* What the socket did not take of a gathered answer goes to libuv, which also finds out about errors. */
static void
on_sent(void *owner, const char *rest, size_t n)
{
	struct eio__conn *c = owner;
	struct eio_block *b = c->gathered;

	(void)rest;
	c->gathered = NULL;
	if (n) conn_write_rest(c, eio_bytes(NULL, 0), b, b->n - n, false);
}

int
eio_httpd_use_uring(struct eio_httpd *h)
{
	h->ring = eio_uring_new(on_sent);
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
}

void
eio__whole_deinit(struct eio__whole *w)
{
	eio_block_unref(w->all);
	eio_block_unref(w->of.headers);
	eio_block_unref(w->of.body);
	*w = (struct eio__whole){ 0 };
}

static bool
is_whole(const struct eio__whole *w, const struct eio_response *r, bool minor0, time_t date_at)
{
	return w->all && w->of.headers == r->headers && w->of.body == r->body && w->of.status == r->status &&
	       w->minor0 == minor0 && w->date_at == date_at;
}

/* Head and body of an answer in one block, which belongs to the server. The polls that one broadcast answers have the same. NULL when
 * out of memory. */
static struct eio_block *
whole_of(struct eio__conn *c, const struct eio_response *r, bool minor0)
{
	struct eio_httpd *h = c->httpd;
	struct eio__whole *w = &h->whole;
	struct eio_buf *head = &h->head;

	http_date(h);
	if (is_whole(w, r, minor0, h->date_at)) return w->all;
	eio__whole_deinit(w);
	eio_buf_clear(head);
	put_head(c, head, r, minor0, false);
	if (eio_buf_failed(head)) return NULL;
	w->all = eio_block_new(head->n + r->body->n);
	if (!w->all) return NULL;
	memcpy(w->all->data, head->p, head->n);
	memcpy(w->all->data + head->n, r->body->data, r->body->n);
	w->of = *r;
	if (r->headers) eio_block_ref(r->headers);
	eio_block_ref(r->body);
	w->minor0 = minor0;
	w->date_at = h->date_at;
	return w->all;
}

/* Writes a block at the end of the pass, when there is a ring and nothing is before it; else now. */
static void
write_gathered(struct eio__conn *c, struct eio_block *all)
{
	struct eio_uring *ring = c->httpd->ring;

	if (!ring || !eio_uring_works(ring) || c->gathered || uv_stream_get_write_queue_size(&c->h.stream) > 0) {
		/* Whoever hears of a failure may answer something else, and that becomes the last one. */
		eio_block_ref(all);
		eio__conn_write(c, eio_bytes(NULL, 0), all, false);
		eio_block_unref(all);
		return;
	}
	c->httpd->stats.bytes_out += all->n;
	c->gathered = all;
	eio_uring_add(ring, c, c->fd, all);
}

/* Whether an answer is one to gather. */
static bool
may_gather(const struct eio_httpd *h, const struct eio_response *r)
{
	return h->gathers && r->body && r->body->n <= EIO__WHOLE_MAX && r->length == r->body->n && !r->no_length;
}

static void
respond_at_once(struct eio__conn *c, const struct eio_response *r, bool head_only, bool minor0, bool close)
{
	/* Taken away while it is in use: whoever hears of this answer, or of its failure, may answer something else. */
	struct eio_buf head = c->httpd->head;

	eio_buf_init(&c->httpd->head);
	eio_buf_clear(&head);
	put_head(c, &head, r, minor0, close);
	if (eio_buf_failed(&head))
		eio__conn_close(c);
	else
		eio__conn_write(c, eio_buf_bytes(&head), head_only ? NULL : r->body, close);
	eio_buf_deinit(&c->httpd->head);
	c->httpd->head = head;
}

void
eio__conn_respond(struct eio__conn *c, const struct eio_response *r, bool head_only, bool minor0, bool close)
{
	struct eio_block *all = !head_only && !close && may_gather(c->httpd, r) ? whole_of(c, r, minor0) : NULL;

	if (all)
		write_gathered(c, all);
	else
		respond_at_once(c, r, head_only, minor0, close);
}

/* SPDX-License-Identifier: MIT */
/* Bytes out of a connection: straight to the kernel while it takes them, then by libuv; and what an answer looks like. */
#include "eio/net/httpd_int.h"

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
	memcpy(w->head, head.p, head.n);
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
	uv_buf_t bufs[2] = { { (char *)(uintptr_t)head.p, head.n } };
	size_t total = head.n + (body ? body->n : 0);
	int n;

	if (body) bufs[1] = uv_buf_init(body->data, (unsigned)body->n);
	c->httpd->stats.bytes_out += total;
	n = uv_try_write(&c->h.stream, bufs, body ? 2 : 1);
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

void
eio__conn_respond(struct eio__conn *c, const struct eio_response *r, bool head_only, bool minor0, bool close)
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

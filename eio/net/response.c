/* SPDX-License-Identifier: MIT */
/* The head of an answer, and answers that are shared. */
#include "eio/net/response.h"

#include "eio/check.h"

static void
forget_shared(struct eio__responses *a)
{
	eio_block_unref(a->shared);
	eio_block_unref(a->shared_of.headers);
	eio_block_unref(a->shared_of.body);
	a->shared = NULL;
	a->shared_of = (struct eio_response){ 0 };
}

void
eio__responses_deinit(struct eio__responses *a)
{
	eio_buf_deinit(&a->head);
	forget_shared(a);
}

/* Brings the date up to now. */
static void
renew_date(struct eio__responses *a)
{
	time_t now = time(NULL);
	struct tm tm;

	if (now == a->date_at) return;
	gmtime_r(&now, &tm);
	strftime(a->date, sizeof a->date, "%a, %d %b %Y %H:%M:%S GMT", &tm);
	a->date_at = now;
}

static void
put_number(struct eio_buf *out, uint64_t v, struct eio_bytes behind)
{
	eio_buf_append_u64(out, v);
	eio_buf_add(out, behind);
}

void
eio__response_head(struct eio__responses *a, const struct eio_response *r, const char *also, bool minor0, bool close,
	struct eio_buf *out)
{
	renew_date(a);
	EIO_BUF_ADD_LIT(out, "HTTP/1.1 ");
	put_number(out, (uint64_t)r->status, EIO_LIT(" "));
	eio_buf_add(out, eio_cstr(eio_http_status_text(r->status)));
	EIO_BUF_ADD_LIT(out, "\r\n");
	if (r->headers) eio_buf_append(out, r->headers->data, r->headers->n);
	if (also) eio_buf_add(out, eio_cstr(also));
	EIO_BUF_ADD_LIT(out, "Date: ");
	eio_buf_add(out, eio_cstr(a->date));
	EIO_BUF_ADD_LIT(out, "\r\n");
	if (!r->no_length) {
		EIO_BUF_ADD_LIT(out, "Content-Length: ");
		put_number(out, r->length, EIO_LIT("\r\n"));
	}
	if (close)
		EIO_BUF_ADD_LIT(out, "Connection: close\r\n");
	else if (minor0)
		EIO_BUF_ADD_LIT(out, "Connection: keep-alive\r\n");
	EIO_BUF_ADD_LIT(out, "\r\n");
}

static bool
is_shared(const struct eio__responses *a, const struct eio_response *r, bool minor0)
{
	return a->shared && a->shared_of.headers == r->headers && a->shared_of.body == r->body &&
	       a->shared_of.status == r->status && a->shared_minor0 == minor0 && a->shared_at == a->date_at;
}

struct eio_block *
eio__response_shared(struct eio__responses *a, const struct eio_response *r, bool minor0)
{
	struct eio_buf *head = &a->head;

	CHECK(r->body != NULL);
	renew_date(a);
	if (is_shared(a, r, minor0)) return a->shared;
	forget_shared(a);
	eio_buf_clear(head);
	eio__response_head(a, r, NULL, minor0, false, head);
	if (eio_buf_failed(head)) return NULL;
	a->shared = eio_block_new(head->n + r->body->n);
	if (!a->shared) return NULL;
	memcpy(a->shared->data, head->p, head->n);
	memcpy(a->shared->data + head->n, r->body->data, r->body->n);
	a->shared_of = *r;
	if (r->headers) eio_block_ref(r->headers);
	eio_block_ref(r->body);
	a->shared_minor0 = minor0;
	a->shared_at = a->date_at;
	return a->shared;
}

/* SPDX-License-Identifier: MIT */
/* Requests that come again; see the header. */
#include "eio/net/repeat.h"

static const char method[] = "GET ";

enum { METHOD_BYTES = sizeof method - 1 };

/* Whether this may be in a value that changes. None of these means anything to whoever reads a head or a query. */
static bool
may_change(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' ||
	       c == '_';
}

static bool
all_may_change(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!may_change(p[i])) return false;
	return true;
}

/* The value of the query's first t; empty, at the beginning, when there is none. */
static struct eio_bytes
find_t(struct eio_bytes query)
{
	for (size_t i = 0; i + 2 <= query.n; i++) {
		const char *v = query.p + i + 2, *end;

		if (query.p[i] != 't' || query.p[i + 1] != '=' || (i > 0 && query.p[i - 1] != '&')) continue;
		end = memchr(v, '&', query.n - i - 2);
		return eio_bytes(v, (end ? end : query.p + query.n) - v);
	}
	return eio_bytes(query.p, 0);
}

void
eio__request_remember(struct eio_request *r, struct eio_bytes raw)
{
	struct eio_bytes t = find_t(r->query);

	eio_buf_clear(&r->raw);
	if (r->method != EIO_HTTP_GET || !r->keep_alive || r->websocket || r->expect_continue || r->body.n) return;
	if (r->query.n == 0 || !all_may_change(t.p, t.n) || raw.n > EIO__REPEAT_MAX) return;
	/* The target stands as it came, which it does not when it was in absolute form, or had a fragment. */
	if (raw.n <= METHOD_BYTES + r->target.n || memcmp(raw.p, method, METHOD_BYTES) != 0) return;
	if (memcmp(raw.p + METHOD_BYTES, r->target.p, r->target.n) != 0 || raw.p[METHOD_BYTES + r->target.n] != ' ')
		return;
	eio_buf_add(&r->raw, raw);
	if (eio_buf_failed(&r->raw)) eio_buf_deinit(&r->raw);
	r->t = (unsigned)(t.p - r->target.p);
	r->t_n = (unsigned)t.n;
}

size_t
eio__request_repeat(struct eio_request *r, const char *p, size_t n)
{
	size_t whole = r->raw.n, t = METHOD_BYTES + r->t, behind = t + r->t_n;

	if (whole == 0 || n < whole) return 0;
	if (memcmp(p, r->raw.p, t) != 0 || memcmp(p + behind, r->raw.p + behind, whole - behind) != 0) return 0;
	if (!all_may_change(p + t, r->t_n)) return 0;
	if (r->t_n) memcpy(r->head.p + (r->target.p - r->head.p) + r->t, p + t, r->t_n);
	return whole;
}

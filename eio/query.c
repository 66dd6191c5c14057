/* SPDX-License-Identifier: MIT */
/* Query strings, as socket.io 4 reads them: the last of repeated keys counts (protocol section "Request line"). */
#include "eio/query.h"

void
eio_query_split(struct eio_bytes target, struct eio_bytes *path, struct eio_bytes *query)
{
	const char *q = target.n ? memchr(target.p, '?', target.n) : NULL;

	*path = target;
	*query = eio_bytes("", 0);
	if (!q) return;
	path->n = (size_t)(q - target.p);
	*query = eio_bytes(q + 1, target.n - path->n - 1);
}

static int
hex(char c)
{
	if (c >= '0' && c <= '9') return c - '0';
	if (c >= 'a' && c <= 'f') return c - 'a' + 10;
	if (c >= 'A' && c <= 'F') return c - 'A' + 10;
	return -1;
}

/* The next decoded byte of s, which moves on. s is not empty. */
static char
next_byte(struct eio_bytes *s)
{
	char c = s->p[0];
	size_t used = 1;

	if (c == '+') {
		c = ' ';
	} else if (c == '%' && s->n >= 3 && hex(s->p[1]) >= 0 && hex(s->p[2]) >= 0) {
		c = (char)(hex(s->p[1]) << 4 | hex(s->p[2]));
		used = 3;
	}
	s->p += used;
	s->n -= used;
	return c;
}

static bool
decoded_eq(struct eio_bytes s, struct eio_bytes plain)
{
	for (size_t i = 0; i < plain.n; i++)
		if (s.n == 0 || next_byte(&s) != plain.p[i]) return false;
	return s.n == 0;
}

/* Cuts the next "name=value" off the query; false at its end. */
static bool
next_pair(struct eio_bytes *query, struct eio_bytes *name, struct eio_bytes *value)
{
	const char *amp, *eq;

	if (query->n == 0) return false;
	amp = memchr(query->p, '&', query->n);
	*name = eio_bytes(query->p, amp ? (size_t)(amp - query->p) : query->n);
	query->p += name->n + (amp != NULL);
	query->n -= name->n + (amp != NULL);
	eq = name->n ? memchr(name->p, '=', name->n) : NULL;
	*value = eq ? eio_bytes(eq + 1, (size_t)(name->p + name->n - eq - 1)) : eio_bytes("", 0);
	if (eq) name->n = (size_t)(eq - name->p);
	return true;
}

static bool
find_last(struct eio_bytes query, struct eio_bytes name, struct eio_bytes *value)
{
	struct eio_bytes n, v;
	bool found = false;

	while (next_pair(&query, &n, &v)) {
		if (!decoded_eq(n, name)) continue;
		*value = v;
		found = true;
	}
	return found;
}

bool
eio_query_get(struct eio_bytes query, struct eio_bytes name, struct eio_buf *out)
{
	struct eio_bytes v;

	if (!find_last(query, name, &v)) return false;
	while (v.n > 0) eio_buf_addc(out, next_byte(&v));
	return true;
}

bool
eio_query_is(struct eio_bytes query, struct eio_bytes name, struct eio_bytes value)
{
	struct eio_bytes v;

	return find_last(query, name, &v) && decoded_eq(v, value);
}

ssize_t
eio_query_take(char *form, size_t n, struct eio_bytes name)
{
	struct eio_bytes rest = eio_bytes(form, n), key, value, found = { NULL, 0 };
	int count = 0;
	size_t to = 0;

	while (next_pair(&rest, &key, &value)) {
		if (!decoded_eq(key, name)) continue;
		found = value;
		count++;
	}
	if (count != 1) return -1;
	/* The decoded value is never longer, and lies before what it is decoded from. */
	while (found.n > 0) form[to++] = next_byte(&found);
	return (ssize_t)to;
}

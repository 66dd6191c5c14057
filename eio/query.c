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

/* The next decoded byte of s, which moves on. s is not empty. */
static inline char
next_byte(struct eio_bytes *s)
{
	char c = s->p[0];
	size_t used = 1;

	if (c == '+') {
		c = ' ';
	} else if (c == '%' && s->n >= 3 && eio_hex_value(s->p[1]) >= 0 && eio_hex_value(s->p[2]) >= 0) {
		c = (char)(eio_hex_value(s->p[1]) << 4 | eio_hex_value(s->p[2]));
		used = 3;
	}
	s->p += used;
	s->n -= used;
	return c;
}

static bool
decoded_eq(struct eio_bytes s, struct eio_bytes plain)
{
	/* Decoding makes nothing longer. */
	if (s.n < plain.n) return false;
	for (size_t i = 0; i < plain.n; i++)
		if (s.n == 0 || next_byte(&s) != plain.p[i]) return false;
	return s.n == 0;
}

bool
eio_query_next(struct eio_bytes *query, struct eio_bytes *name, struct eio_bytes *value)
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

void
eio_query_find(struct eio_bytes query, const struct eio_bytes *names, struct eio_bytes *values, size_t n)
{
	struct eio_bytes name, value;

	for (size_t i = 0; i < n; i++) values[i] = eio_bytes(NULL, 0);
	while (eio_query_next(&query, &name, &value))
		for (size_t i = 0; i < n; i++)
			if (decoded_eq(name, names[i])) values[i] = value;
}

/* How many bytes at the beginning of s stand for themselves. */
static size_t
plain_bytes(struct eio_bytes s)
{
	size_t n = 0;

	while (n < s.n && s.p[n] != '+' && s.p[n] != '%') n++;
	return n;
}

void
eio_query_value_decode(struct eio_bytes v, struct eio_buf *out)
{
	while (v.n > 0) {
		size_t n = plain_bytes(v);

		eio_buf_append(out, v.p, n);
		v = eio_bytes(v.p + n, v.n - n);
		if (v.n > 0) eio_buf_addc(out, next_byte(&v));
	}
}

bool
eio_query_value_is(struct eio_bytes found, struct eio_bytes value)
{
	return found.p && decoded_eq(found, value);
}

bool
eio_query_get(struct eio_bytes query, struct eio_bytes name, struct eio_buf *out)
{
	struct eio_bytes v;

	eio_query_find(query, &name, &v, 1);
	eio_query_value_decode(v, out);
	return v.p != NULL;
}

bool
eio_query_has(struct eio_bytes query, struct eio_bytes name)
{
	struct eio_bytes v;

	eio_query_find(query, &name, &v, 1);
	return v.p != NULL;
}

bool
eio_query_is(struct eio_bytes query, struct eio_bytes name, struct eio_bytes value)
{
	struct eio_bytes v;

	eio_query_find(query, &name, &v, 1);
	return eio_query_value_is(v, value);
}

ssize_t
eio_query_take(char *form, size_t n, struct eio_bytes name)
{
	struct eio_bytes rest = eio_bytes(form, n), key, value, found = { NULL, 0 };
	int count = 0;
	size_t to = 0;

	while (eio_query_next(&rest, &key, &value)) {
		if (!decoded_eq(key, name)) continue;
		found = value;
		count++;
	}
	if (count != 1) return -1;
	/* The decoded value is never longer, and lies before what it is decoded from. */
	while (found.n > 0) form[to++] = next_byte(&found);
	return (ssize_t)to;
}

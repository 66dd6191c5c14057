/* SPDX-License-Identifier: MIT */
/* Lists in header values. */
#include "eio/header.h"

static bool
is_header_blank(char c)
{
	return c == ' ' || c == '\t';
}

struct eio_bytes
eio_header_trim(struct eio_bytes s)
{
	while (s.n && is_header_blank(s.p[0])) s = eio_bytes(s.p + 1, s.n - 1);
	while (s.n && is_header_blank(s.p[s.n - 1])) s.n--;
	return s;
}

struct eio_bytes
eio_header_take(struct eio_bytes *s, char separator)
{
	bool quoted = false;
	size_t i = 0;
	struct eio_bytes head;

	for (; i < s->n && (quoted || s->p[i] != separator); i++)
		if (s->p[i] == '"') quoted = !quoted;
	head = eio_header_trim(eio_bytes(s->p, i));
	i += i < s->n;
	*s = eio_bytes(i ? s->p + i : s->p, s->n - i);
	return head;
}

static char
lower_case(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

bool
eio_header_is(struct eio_bytes s, struct eio_bytes word)
{
	if (s.n != word.n) return false;
	for (size_t i = 0; i < s.n; i++)
		if (lower_case(s.p[i]) != lower_case(word.p[i])) return false;
	return true;
}

/* "0", "0.5", "1.000" in thousandths. A value that is none of these counts as 0: when in doubt, do not encode. */
static int
weight_of(struct eio_bytes s)
{
	int w, unit = EIO_WEIGHT_MAX / 10;

	if (s.n == 0 || s.n > 5 || (s.p[0] != '0' && s.p[0] != '1') || (s.n > 1 && s.p[1] != '.')) return 0;
	w = (s.p[0] - '0') * EIO_WEIGHT_MAX;
	for (size_t i = 2; i < s.n; i++, unit /= 10) {
		if (s.p[i] < '0' || s.p[i] > '9') return 0;
		w += (s.p[i] - '0') * unit;
	}
	return w > EIO_WEIGHT_MAX ? 0 : w;
}

bool
eio_header_accepted(struct eio_bytes *rest, struct eio_accepted *out)
{
	struct eio_bytes parameters;

	if (rest->n == 0) return false;
	parameters = eio_header_take(rest, ',');
	*out = (struct eio_accepted){ eio_header_take(&parameters, ';'), EIO_WEIGHT_MAX };
	while (parameters.n) {
		struct eio_bytes value = eio_header_take(&parameters, ';'), key = eio_header_take(&value, '=');

		if (eio_header_is(key, EIO_LIT("q"))) out->weight = weight_of(eio_header_trim(value));
	}
	return true;
}

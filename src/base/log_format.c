/* SPDX-License-Identifier: MIT */
/* Pairs, and JSON that always ends. */
#include "src/base/log_format.h"

#include "eio/check.h"
#include "eio/utf8.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { JSON_END = 2 }; /* a quote and a brace, for which there is always room */

struct json_line {
	char *p;
	size_t n, cap; /* without what ends it */
};

static bool
put_raw_json(struct json_line *j, const char *s, size_t n)
{
	if (j->cap - j->n < n) return false;
	memcpy(j->p + j->n, s, n);
	j->n += n;
	return true;
}

/* The next character of s in JSON; bytes that are no UTF-8 as the characters of the same numbers. Returns how much of s
 * it took. */
static size_t
escape_next(struct eio_bytes s, char out[8], size_t *out_n)
{
	unsigned char c = (unsigned char)s.p[0];
	uint32_t cp;
	size_t n = eio_utf8_next(s, &cp);

	if (c == '"' || c == '\\') {
		out[0] = '\\';
		out[1] = s.p[0];
		*out_n = 2;
	} else if (n == 0 || c < ' ' || c == 0x7f) {
		*out_n = (size_t)snprintf(out, 8, "\\u%04x", c);
		return 1;
	} else {
		memcpy(out, s.p, n);
		*out_n = n;
	}
	return n;
}

/* Cuts where it does not fit any more. */
static void
put_log_text(struct json_line *j, struct eio_bytes s)
{
	char piece[8];
	size_t n, taken;

	for (size_t i = 0; i < s.n; i += taken) {
		taken = escape_next(eio_bytes(s.p + i, s.n - i), piece, &n);
		if (!put_raw_json(j, piece, n)) return;
	}
}

/* A pair with as much of its value as fits, or nothing. */
static void
put_log_member(struct json_line *j, struct eio_bytes key, struct eio_bytes value)
{
	size_t before = j->n;

	if (j->n > 1) put_raw_json(j, ",", 1);
	if (put_raw_json(j, "\"", 1)) put_log_text(j, key);
	if (!put_raw_json(j, "\":\"", 3)) {
		j->n = before;
		return;
	}
	put_log_text(j, value);
	CHECK(j->n <= j->cap);
	j->p[j->n++] = '"';
	if (j->cap < j->n) j->cap = j->n; /* the last one: only the brace is left to come */
}

/* Pairs */

static size_t
spaces_at(struct eio_bytes s)
{
	size_t n = 0;

	while (n < s.n && s.p[n] == ' ') n++;
	return n;
}

/* How long the key is that a pair at the start of s has, or 0 when there is none. */
static size_t
key_at(struct eio_bytes s)
{
	size_t n = 0;

	while (n < s.n && ((s.p[n] >= 'a' && s.p[n] <= 'z') || (s.p[n] >= '0' && s.p[n] <= '9') || s.p[n] == '-' ||
				  s.p[n] == '_' || s.p[n] == '.'))
		n++;
	return n < s.n && s.p[n] == '=' ? n : 0;
}

/* Up to the quote that ends it, behind which is nothing or a space. */
static size_t
quoted_length(struct eio_bytes s)
{
	size_t n = 1;

	while (n < s.n && !(s.p[n] == '"' && (n + 1 == s.n || s.p[n + 1] == ' '))) n++;
	return n < s.n ? n + 1 : n;
}

/* Up to the next pair: a value without quotes may have spaces. */
static size_t
plain_length(struct eio_bytes s)
{
	size_t n = 0, spaces;

	while (n < s.n) {
		spaces = spaces_at(eio_bytes(s.p + n, s.n - n));
		if (spaces && (n + spaces == s.n || key_at(eio_bytes(s.p + n + spaces, s.n - n - spaces)))) break;
		n += spaces ? spaces : 1;
	}
	return n;
}

/* Takes the first pair from a line that is not empty. */
static struct eio_bytes
take_pair(struct eio_bytes *line, struct eio_bytes *value)
{
	struct eio_bytes key = eio_bytes(line->p, key_at(*line));
	size_t at = key.n ? key.n + 1 : 0, n;

	*line = eio_bytes(line->p + at, line->n - at);
	if (key.n && line->n && line->p[0] == '"') {
		n = quoted_length(*line);
		*value = eio_bytes(line->p + 1, n > 1 && line->p[n - 1] == '"' ? n - 2 : n - 1);
	} else {
		n = plain_length(*line);
		*value = eio_bytes(line->p, n);
	}
	*line = eio_bytes(line->p + n, line->n - n);
	return key.n ? key : EIO_LIT("text");
}

size_t
log_format_json(char *out, size_t size, const char *time, const char *level, struct eio_bytes line)
{
	struct json_line j = { .p = out, .cap = size - JSON_END };
	struct eio_bytes key, value;
	size_t spaces;

	CHECK(size >= LOG_FORMAT_MIN);
	put_raw_json(&j, "{", 1);
	if (time) put_log_member(&j, EIO_LIT("time"), eio_cstr(time));
	put_log_member(&j, EIO_LIT("level"), eio_cstr(level));
	for (;;) {
		spaces = spaces_at(line);
		line = eio_bytes(line.p + spaces, line.n - spaces);
		if (!line.n) break;
		key = take_pair(&line, &value);
		put_log_member(&j, key, value);
	}
	out[j.n++] = '}';
	return j.n;
}

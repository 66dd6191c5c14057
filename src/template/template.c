/* SPDX-License-Identifier: MIT */
/* Compiling and rendering templates, and matching Redis glob patterns to find what their stars stand for. */
#include "src/template/template.h"

#include "sio/json.h"

#include <stdio.h>
#include <stdlib.h>

enum part_kind { PART_LITERAL, PART_CHANNEL, PART_CAPTURE, PART_POINTER };

struct part {
	enum part_kind kind;
	unsigned capture; /* from 0 */
	struct eio_bytes text; /* the literal or the pointer; lies in the template's text */
};

struct template
{
	bool uses_message;
	size_t n;
	char *text; /* owned: what the parts' bytes lie in */
	struct part parts[];
};

/* A part begins at every brace, so this many are enough. */
static size_t
count_parts(struct eio_bytes text)
{
	size_t n = 1;

	for (size_t i = 0; i < text.n; i++)
		if (text.p[i] == '{' || text.p[i] == '}') n++;
	return n;
}

static void
add_literal(struct template *t, const char *p, size_t n)
{
	if (n) t->parts[t->n++] = (struct part){ .kind = PART_LITERAL, .text = { p, n } };
}

/* One placeholder, without its braces. */
static int
add_placeholder(struct template *t, struct eio_bytes name, unsigned stars, char *err, size_t err_size)
{
	struct part *part = &t->parts[t->n];

	*part = (struct part){ .kind = PART_CHANNEL, .text = name };
	if (name.n == 1 && name.p[0] >= '1' && name.p[0] <= '9') {
		part->kind = PART_CAPTURE;
		part->capture = (unsigned)(name.p[0] - '1');
		if (part->capture >= stars) {
			snprintf(err, err_size, "{%c} stands for nothing: the feed's pattern has %u star%s", name.p[0],
				stars, stars == 1 ? "" : "s");
			return -1;
		}
	} else if (name.n && name.p[0] == '/') {
		part->kind = PART_POINTER;
		t->uses_message = true;
		if (!sio_json_pointer_valid(name)) {
			snprintf(err, err_size, "\"%.*s\" is not a JSON pointer", (int)name.n, name.p);
			return -1;
		}
	} else if (!eio_bytes_eq(name, EIO_LIT("channel"))) {
		snprintf(err, err_size,
			"unknown placeholder {%.*s}; there are {channel}, {1} … {9} and {/json/pointer}", (int)name.n,
			name.p);
		return -1;
	}
	t->n++;
	return 0;
}

static int
compile(struct template *t, size_t n, unsigned stars, char *err, size_t err_size)
{
	size_t i = 0, start = 0;

	while (i < n) {
		char c = t->text[i];
		char *end;

		if (c != '{' && c != '}') {
			i++;
			continue;
		}
		if (i + 1 < n && t->text[i + 1] == c) { /* doubled: the first one belongs to the literal */
			add_literal(t, t->text + start, i + 1 - start);
			start = i += 2;
			continue;
		}
		end = c == '{' ? memchr(t->text + i, '}', n - i) : NULL;
		if (!end) {
			snprintf(err, err_size, "'%c' stands alone; write it twice to mean the character", c);
			return -1;
		}
		add_literal(t, t->text + start, i - start);
		if (add_placeholder(
			    t, eio_bytes(t->text + i + 1, (size_t)(end - t->text) - i - 1), stars, err, err_size))
			return -1;
		start = i = (size_t)(end - t->text) + 1;
	}
	add_literal(t, t->text + start, n - start);
	return 0;
}

struct template *
template_new(struct eio_bytes text, unsigned stars, char *err, size_t err_size)
{
	struct template *t = malloc(sizeof *t + count_parts(text) * sizeof t->parts[0]);

	snprintf(err, err_size, "out of memory");
	if (!t) return NULL;
	t->uses_message = false;
	t->n = 0;
	t->text = malloc(text.n + 1);
	if (!t->text) {
		free(t);
		return NULL;
	}
	if (text.n) memcpy(t->text, text.p, text.n);
	if (compile(t, text.n, stars, err, err_size) < 0) {
		template_free(t);
		return NULL;
	}
	return t;
}

void
template_free(struct template *t)
{
	if (!t) return;
	free(t->text);
	free(t);
}

bool
template_uses_message(const struct template *t)
{
	return t->uses_message;
}

/* A value that can stand in a name: a string, a number or a boolean. */
static int
render_value(struct eio_bytes message, struct eio_bytes pointer, struct eio_buf *out)
{
	struct eio_bytes value;

	if (!sio_json_find(message, pointer, &value)) return -1;
	switch (sio_json_kind(value)) {
	case SIO_JSON_STRING: sio_json_unescape(out, value); return 0;
	case SIO_JSON_NUMBER:
	case SIO_JSON_TRUE:
	case SIO_JSON_FALSE: eio_buf_add(out, value); return 0;
	case SIO_JSON_NULL:
	case SIO_JSON_ARRAY:
	case SIO_JSON_OBJECT: break;
	}
	return -1;
}

int
template_render(const struct template *t, const struct template_input *in, struct eio_buf *out)
{
	for (size_t i = 0; i < t->n; i++) {
		const struct part *part = &t->parts[i];

		switch (part->kind) {
		case PART_LITERAL: eio_buf_add(out, part->text); break;
		case PART_CHANNEL: eio_buf_add(out, in->channel); break;
		case PART_CAPTURE:
			if (!in->captures || part->capture >= in->captures->n) return -1;
			eio_buf_add(out, in->captures->v[part->capture]);
			break;
		case PART_POINTER:
			if (render_value(in->message, part->text, out) < 0) return -1;
			break;
		}
	}
	return 0;
}

/* Steps over one element of a pattern that is not a star and says whether it matches c. The rules are those of
 * Redis's glob: "\x" is x, "[" runs to the next "]" or to the end. */
static bool
match_one(struct eio_bytes pattern, size_t *at, unsigned char c)
{
	const unsigned char *p = (const unsigned char *)pattern.p;
	size_t i = *at, n = pattern.n;
	bool negate, hit = false;

	if (p[i] == '?') {
		*at = i + 1;
		return true;
	}
	if (p[i] != '[') {
		if (p[i] == '\\' && i + 1 < n) i++;
		*at = i + 1;
		return p[i] == c;
	}
	i++;
	negate = i < n && p[i] == '^';
	if (negate) i++;
	while (i < n && p[i] != ']') {
		unsigned char low, high;

		if (p[i] == '\\' && i + 1 < n) {
			hit |= p[i + 1] == c;
			i += 2;
		} else if (i + 2 < n && p[i + 1] == '-') {
			low = p[i] < p[i + 2] ? p[i] : p[i + 2];
			high = p[i] < p[i + 2] ? p[i + 2] : p[i];
			hit |= c >= low && c <= high;
			i += 3;
		} else {
			hit |= p[i++] == c;
		}
	}
	*at = i < n ? i + 1 : n;
	return hit != negate;
}

unsigned
template_count_stars(struct eio_bytes pattern)
{
	unsigned stars = 0;
	size_t i = 0;

	while (i < pattern.n) {
		if (pattern.p[i] != '*') {
			match_one(pattern, &i, 0);
			continue;
		}
		while (i < pattern.n && pattern.p[i] == '*') i++; /* several in a row are one */
		stars++;
	}
	return stars < TEMPLATE_CAPTURES ? stars : TEMPLATE_CAPTURES;
}

/* Only the last star met is ever tried again with one character more: what earlier stars took never needs to
 * change when each took as little as it could. So there is no recursion and the cost is at most n times m. */
bool
template_match(struct eio_bytes pattern, struct eio_bytes channel, struct template_captures *out)
{
	size_t p = 0, c = 0, star_p = 0, star_c = 0, star_begin = 0;
	unsigned stars = 0;

	out->n = 0;
	for (;;) {
		if (p < pattern.n && pattern.p[p] == '*') {
			while (p < pattern.n && pattern.p[p] == '*') p++;
			star_p = p;
			star_c = star_begin = c;
			stars++;
		} else if (p < pattern.n && c < channel.n && match_one(pattern, &p, (unsigned char)channel.p[c])) {
			c++;
			continue;
		} else if (p == pattern.n && c == channel.n) {
			return true;
		} else {
			if (!stars || star_c >= channel.n) return false;
			p = star_p;
			c = ++star_c;
		}
		if (stars <= TEMPLATE_CAPTURES) {
			out->v[stars - 1] = eio_bytes(channel.p + star_begin, star_c - star_begin);
			out->n = stars;
		}
	}
}

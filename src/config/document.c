/* SPDX-License-Identifier: MIT */
/*
 * The document: comments blanked out, one walk, one cJSON tree. The walk visits
 * values in the order they stand in the text, and so does a pre-order walk over
 * the tree, so the n-th line noted belongs to the n-th item.
 */
#include "src/config/document.h"

#include "eio/utf8.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

struct position {
	const cJSON *item;
	unsigned line;
};

struct config_document {
	cJSON *root;
	struct position *positions; /* by item, once the tree is there */
	size_t n, cap;
};

struct walk {
	struct config_document *d;
	const char *p, *end;
	unsigned line;
	char *err;
	size_t err_size;
};

/* Replaces comments by blanks, in place. Returns the line of a comment that never ends, or 0. */
static unsigned
blank_comments(char *p, size_t n)
{
	unsigned line = 1, start;
	size_t i = 0;

	while (i < n) {
		if (p[i] == '\n') line++;
		if (p[i] == '"') {
			for (i++; i < n && p[i] != '"' && p[i] != '\n'; i++)
				if (p[i] == '\\' && i + 1 < n && p[i + 1] != '\n') i++;
			if (i < n && p[i] == '"') i++;
		} else if (p[i] == '/' && i + 1 < n && p[i + 1] == '/') {
			while (i < n && p[i] != '\n') p[i++] = ' ';
		} else if (p[i] == '/' && i + 1 < n && p[i + 1] == '*') {
			start = line;
			p[i] = p[i + 1] = ' ';
			for (i += 2; i + 1 < n && !(p[i] == '*' && p[i + 1] == '/'); i++) {
				if (p[i] == '\n')
					line++;
				else
					p[i] = ' ';
			}
			if (i + 1 >= n) return start;
			p[i] = p[i + 1] = ' ';
			i += 2;
		} else {
			i++;
		}
	}
	return 0;
}

static int
document_fail(struct walk *w, const char *why)
{
	snprintf(w->err, w->err_size, "%s", why);
	return -1;
}

static void
walk_space(struct walk *w)
{
	for (; w->p < w->end; w->p++) {
		if (*w->p == '\n')
			w->line++;
		else if (*w->p != ' ' && *w->p != '\t' && *w->p != '\r')
			return;
	}
}

static int
document_note(struct walk *w, unsigned line)
{
	struct config_document *d = w->d;

	if (d->n == d->cap) {
		size_t cap = d->cap ? d->cap * 2 : 64;
		struct position *p = realloc(d->positions, cap * sizeof *p);

		if (!p) {
			w->line = 0;
			return document_fail(w, "out of memory");
		}
		d->positions = p;
		d->cap = cap;
	}
	d->positions[d->n++] = (struct position){ NULL, line };
	return 0;
}

/* "uXXXX": its number; -1 when it is none. */
static long
escaped_unit(const char *p, const char *end)
{
	long unit = 0;
	int digit;

	if (end - p < 5 || *p != 'u') return -1;
	for (int i = 1; i <= 4; i++) {
		digit = eio_hex_value(p[i]);
		if (digit < 0) return -1;
		unit = unit * 16 + digit;
	}
	return unit;
}

/* One escape after its backslash. */
static int
walk_escape(struct walk *w)
{
	long unit, second = 0;

	if (w->p < w->end && strchr("\"\\/bfnrt", *w->p) && *w->p) {
		w->p++;
		return 0;
	}
	unit = escaped_unit(w->p, w->end);
	if (unit < 0) return document_fail(w, "a bad escape in a string");
	/* The tree holds C strings: what stands after a NUL would be lost without a word. */
	if (unit == 0) return document_fail(w, "\\u0000 cannot be used here");
	w->p += 5;
	if (unit < 0xd800 || unit > 0xdfff) return 0;
	if (unit < 0xdc00 && w->p < w->end && *w->p == '\\') second = escaped_unit(w->p + 1, w->end);
	if (second < 0xdc00 || second > 0xdfff) return document_fail(w, "half of a surrogate pair");
	w->p += 6;
	return 0;
}

static int
walk_string(struct walk *w)
{
	for (w->p++; w->p < w->end; w->p++) {
		if (*w->p == '"') {
			w->p++;
			return 0;
		}
		if ((unsigned char)*w->p < 0x20) break;
		if (*w->p != '\\') continue;
		w->p++;
		if (walk_escape(w) < 0) return -1;
		w->p--;
	}
	return document_fail(w, "a string that does not end on its line");
}

static size_t
walk_digits(struct walk *w)
{
	const char *start = w->p;

	while (w->p < w->end && *w->p >= '0' && *w->p <= '9') w->p++;
	return (size_t)(w->p - start);
}

static int
walk_number(struct walk *w)
{
	const char *start, *whole = w->p;

	if (*w->p == '-') w->p++;
	start = w->p;
	if (!walk_digits(w) || (*start == '0' && w->p - start > 1))
		return document_fail(w, "not a number as JSON writes them");
	if (w->p < w->end && *w->p == '.') {
		w->p++;
		if (!walk_digits(w)) return document_fail(w, "not a number as JSON writes them");
	}
	if (w->p < w->end && (*w->p == 'e' || *w->p == 'E')) {
		w->p++;
		if (w->p < w->end && (*w->p == '+' || *w->p == '-')) w->p++;
		if (!walk_digits(w)) return document_fail(w, "not a number as JSON writes them");
	}
	/* cJSON copies numbers into 64 bytes. */
	return w->p - whole < 60 ? 0 : document_fail(w, "a number with too many digits");
}

static int
walk_word(struct walk *w)
{
	static const char *const words[] = { "true", "false", "null" };
	size_t n = 0;

	while (w->p + n < w->end && ((w->p[n] >= 'a' && w->p[n] <= 'z') || (w->p[n] >= 'A' && w->p[n] <= 'Z'))) n++;
	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
		if (!eio_bytes_eq(eio_bytes(w->p, n), eio_cstr(words[i]))) continue;
		w->p += n;
		return 0;
	}
	return document_fail(w, "expected a value");
}

static int walk_value(struct walk *w, unsigned line, int depth);

/* "key": value. The value is noted on its key's line, where people look for it. */
static int
walk_member(struct walk *w, int depth)
{
	unsigned line = w->line;

	if (w->p == w->end || *w->p != '"') return document_fail(w, "expected a key in double quotes");
	if (walk_string(w) < 0) return -1;
	walk_space(w);
	if (w->p == w->end || *w->p != ':') return document_fail(w, "expected ':' after a key");
	w->p++;
	walk_space(w);
	return walk_value(w, line, depth);
}

/* An object or an array, from its opening bracket to its closing one. */
static int
walk_container(struct walk *w, int depth)
{
	bool object = *w->p == '{';
	char close = object ? '}' : ']';

	if (depth == CONFIG_MAX_DEPTH) return document_fail(w, "nested too deeply");
	w->p++;
	walk_space(w);
	if (w->p < w->end && *w->p == close) {
		w->p++;
		return 0;
	}
	for (;;) {
		if ((object ? walk_member(w, depth + 1) : walk_value(w, w->line, depth + 1)) < 0) return -1;
		walk_space(w);
		if (w->p < w->end && *w->p == close) {
			w->p++;
			return 0;
		}
		if (w->p == w->end || *w->p != ',')
			return document_fail(w, object ? "expected ',' or '}'" : "expected ',' or ']'");
		w->p++;
		walk_space(w);
		if (w->p < w->end && *w->p == close) return document_fail(w, "a comma with nothing after it");
	}
}

/* Recursion is bounded by CONFIG_MAX_DEPTH. */
static int
walk_value(struct walk *w, unsigned line, int depth)
{
	if (w->p == w->end) return document_fail(w, "the file ends in the middle");
	if (document_note(w, line) < 0) return -1;
	if (*w->p == '{' || *w->p == '[') return walk_container(w, depth);
	if (*w->p == '"') return walk_string(w);
	if (*w->p == '-' || (*w->p >= '0' && *w->p <= '9')) return walk_number(w);
	return walk_word(w);
}

static int
walk_document(struct walk *w)
{
	walk_space(w);
	if (walk_value(w, w->line, 0) < 0) return -1;
	walk_space(w);
	return w->p == w->end ? 0 : document_fail(w, "something stands after the end of the configuration");
}

/* Gives the lines to the items, in the same order. */
static void
assign_lines(struct config_document *d, const cJSON *item, size_t *i)
{
	d->positions[(*i)++].item = item;
	for (const cJSON *child = item->child; child; child = child->next) assign_lines(d, child, i);
}

static int
compare_items(const void *a, const void *b)
{
	uintptr_t x = (uintptr_t)((const struct position *)a)->item, y = (uintptr_t)((const struct position *)b)->item;

	return (x > y) - (x < y);
}

static int
document_build(struct config_document *d, struct walk *w, char *text, size_t n)
{
	size_t i = 0;
	unsigned open;

	if (eio_bytes_starts(eio_bytes(text, n), EIO_LIT("\xef\xbb\xbf"))) memset(text, ' ', 3);
	open = blank_comments(text, n);
	if (open) {
		w->line = open;
		return document_fail(w, "a comment that does not end");
	}
	if (walk_document(w) < 0) return -1;
	if (!eio_utf8_valid(eio_bytes(text, n))) return document_fail(w, "the file is not UTF-8");
	d->root = cJSON_ParseWithLength(text, n);
	if (!d->root) { /* the walk has found it good */
		w->line = 0;
		return document_fail(w, "out of memory");
	}
	assign_lines(d, d->root, &i);
	qsort(d->positions, d->n, sizeof d->positions[0], compare_items);
	return 0;
}

struct config_document *
config_document_new(struct eio_bytes text, unsigned *line, char *err, size_t err_size)
{
	struct config_document *d = calloc(1, sizeof *d);
	char *copy = malloc(text.n + 1);
	struct walk w = {
		.d = d, .p = copy, .end = copy ? copy + text.n : NULL, .line = 1, .err = err, .err_size = err_size
	};
	int e;

	*line = 0;
	snprintf(err, err_size, "out of memory");
	if (!d || !copy) {
		free(copy);
		free(d);
		return NULL;
	}
	if (text.n) memcpy(copy, text.p, text.n);
	copy[text.n] = '\0';
	e = document_build(d, &w, copy, text.n);
	free(copy);
	*line = w.line;
	if (e == 0) return d;
	config_document_free(d);
	return NULL;
}

void
config_document_free(struct config_document *d)
{
	if (!d) return;
	cJSON_Delete(d->root);
	free(d->positions);
	free(d);
}

const cJSON *
config_document_root(const struct config_document *d)
{
	return d->root;
}

unsigned
config_document_line(const struct config_document *d, const cJSON *item)
{
	struct position key = { .item = item }, *p;

	p = bsearch(&key, d->positions, d->n, sizeof d->positions[0], compare_items);
	return p ? p->line : 0;
}

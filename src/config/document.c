/* SPDX-License-Identifier: MIT */
/*
 * The document: comments blanked out, one walk, one cJSON tree. The walk visits
 * values in the order they stand in the text, and so does a pre-order walk over
 * the tree, so the n-th place noted belongs to the n-th item.
 */
#include "src/config/document.h"

#include "eio/check.h"
#include "eio/utf8.h"

#include <stdint.h>
#include <stdlib.h>

struct position {
	const cJSON *item;
	struct config_place place;
};

struct config_document {
	cJSON *root;
	struct position *positions; /* by item, once the tree is there */
	size_t n, cap;
};

struct walk {
	struct config_document *d;
	char *text, *p, *end; /* of the copy, which is mended on the way */
	config_document_fn mistake;
	void *user;
};

static void
document_tell(struct walk *w, const char *at, const char *why)
{
	w->mistake(w->user, (size_t)(at - w->text), why);
}

static int
document_fail(struct walk *w, const char *at, const char *why)
{
	document_tell(w, at, why);
	return -1;
}

/* Behind the end of a string; strings end with their line at the latest. */
static char *
skip_quoted(char *p, const char *end)
{
	for (p++; p < end && *p != '"' && *p != '\n'; p++)
		if (*p == '\\' && p + 1 < end && p[1] != '\n') p++;
	return p < end && *p == '"' ? p + 1 : p;
}

/* Blanks a block comment. Returns what is behind it, or NULL when it does not end. */
static char *
blank_block(char *p, const char *end)
{
	p[0] = p[1] = ' ';
	for (p += 2; p + 1 < end && !(p[0] == '*' && p[1] == '/'); p++)
		if (*p != '\n') *p = ' ';
	if (p + 1 >= end) return NULL;
	p[0] = p[1] = ' ';
	return p + 2;
}

/* Replaces comments by blanks, in place. */
static int
blank_comments(struct walk *w)
{
	char *p = w->text, *start;

	while (p < w->end) {
		start = p;
		if (*p == '"') {
			p = skip_quoted(p, w->end);
		} else if (*p == '/' && p + 1 < w->end && p[1] == '/') {
			while (p < w->end && *p != '\n') *p++ = ' ';
		} else if (*p == '/' && p + 1 < w->end && p[1] == '*') {
			p = blank_block(p, w->end);
			if (!p) return document_fail(w, start, "a comment that does not end");
		} else {
			p++;
		}
	}
	return 0;
}

/* What is not UTF-8 is told once and becomes question marks. Returns whether there was any. */
static bool
mend_utf8(struct walk *w)
{
	bool told = false;
	uint32_t cp;
	size_t n;

	if (eio_utf8_valid(eio_bytes(w->text, (size_t)(w->end - w->text)))) return false;
	for (char *p = w->text; p < w->end; p += n ? n : 1) {
		n = eio_utf8_next(eio_bytes(p, (size_t)(w->end - p)), &cp);
		if (n) continue;
		if (!told) document_tell(w, p, "the file is not UTF-8");
		told = true;
		*p = '?';
	}
	return told;
}

/* Then nothing more is said about strings that may be among those. */
static void
spoil_marked(const struct walk *w)
{
	for (size_t i = 0; i < w->d->n; i++) {
		struct config_place *place = &w->d->positions[i].place;
		const char *p = w->text + place->at;

		if (*p == '"' && memchr(p, '?', place->end - place->at)) place->mended = true;
	}
}

static void
walk_space(struct walk *w)
{
	while (w->p < w->end && (*w->p == ' ' || *w->p == '\t' || *w->p == '\r' || *w->p == '\n')) w->p++;
}

/* Room for one more value, whose key stands at `key`. Returns its index, or -1 when out of memory. */
static ssize_t
document_note(struct walk *w, const char *key)
{
	struct config_document *d = w->d;

	if (d->n == d->cap) {
		size_t cap = d->cap ? d->cap * 2 : 64;
		struct position *p = realloc(d->positions, cap * sizeof *p);

		if (!p) return -1;
		d->positions = p;
		d->cap = cap;
	}
	d->positions[d->n] = (struct position){ NULL,
		{ .key = (size_t)(key - w->text), .at = (size_t)(w->p - w->text) } };
	return (ssize_t)d->n++;
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
	const char *start = w->p - 1;
	long unit, second = 0;

	if (w->p < w->end && *w->p && strchr("\"\\/bfnrt", *w->p)) {
		w->p++;
		return 0;
	}
	unit = escaped_unit(w->p, w->end);
	if (unit < 0) return document_fail(w, start, "a bad escape in a string; a backslash itself is written \\\\");
	/* The tree holds C strings: what stands after a NUL would be lost without a word. */
	if (unit == 0) return document_fail(w, start, "\\u0000 cannot be used here");
	w->p += 5;
	if (unit < 0xd800 || unit > 0xdfff) return 0;
	if (unit < 0xdc00 && w->p < w->end && *w->p == '\\') second = escaped_unit(w->p + 1, w->end);
	if (second < 0xdc00 || second > 0xdfff) return document_fail(w, start, "half of a surrogate pair");
	w->p += 6;
	return 0;
}

static int
walk_string(struct walk *w)
{
	const char *start = w->p;

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
	if (w->p < w->end && *w->p != '\n' && *w->p != '\r')
		return document_fail(w, w->p, "a control character in a string; write an escape such as \\t");
	return document_fail(w, start, "a string that does not end on its line");
}

/* The end of what stands without quotes from p on. */
static char *
bare_end(const struct walk *w, char *p)
{
	while (p < w->end && !strchr(",]}[{\" \t\r\n", *p)) p++;
	return p;
}

/* What is no value is told, and a number takes its place. */
static int
walk_bare(struct walk *w, const char *why)
{
	char *end = bare_end(w, w->p);

	if (end == w->p) return document_fail(w, w->p, "expected a value");
	document_tell(w, w->p, why);
	w->d->positions[w->d->n - 1].place.mended = true;
	memset(w->p, ' ', (size_t)(end - w->p));
	*w->p = '0';
	w->p = end;
	return 0;
}

static const char *
digits_end(const char *p, const char *end)
{
	while (p < end && *p >= '0' && *p <= '9') p++;
	return p;
}

/* The end of a number as JSON writes them, or NULL. */
static const char *
json_number_end(const char *p, const char *end)
{
	const char *start;

	if (p < end && *p == '-') p++;
	start = p;
	p = digits_end(p, end);
	if (p == start || (*start == '0' && p - start > 1)) return NULL;
	if (p < end && *p == '.') {
		start = ++p;
		p = digits_end(p, end);
		if (p == start) return NULL;
	}
	if (p < end && (*p == 'e' || *p == 'E')) {
		p++;
		if (p < end && (*p == '+' || *p == '-')) p++;
		start = p;
		p = digits_end(p, end);
		if (p == start) return NULL;
	}
	return p;
}

static int
walk_number(struct walk *w)
{
	const char *end = json_number_end(w->p, w->end), *bare = bare_end(w, w->p);

	if (!end || end < bare)
		return walk_bare(w, end ? "not a number as JSON writes them: digits alone, without a unit"
					: "not a number as JSON writes them");
	/* cJSON copies numbers into 64 bytes. */
	if (end - w->p >= 60) return walk_bare(w, "a number with too many digits");
	w->p += end - w->p;
	return 0;
}

static int
walk_word(struct walk *w)
{
	static const char *const words[] = { "true", "false", "null" };
	struct eio_bytes word = eio_bytes(w->p, (size_t)(bare_end(w, w->p) - w->p));

	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
		if (!eio_bytes_eq(word, eio_cstr(words[i]))) continue;
		w->p += word.n;
		return 0;
	}
	return walk_bare(w, "expected a value: a number, true, false, null, or a string in double quotes");
}

static int walk_value(struct walk *w, const char *key, int depth);

/* "key": value. */
static int
walk_member(struct walk *w, int depth)
{
	const char *key = w->p;

	if (w->p == w->end || *w->p != '"') return document_fail(w, w->p, "expected a key in double quotes");
	if (walk_string(w) < 0) return -1;
	walk_space(w);
	if (w->p == w->end || *w->p != ':') return document_fail(w, w->p, "expected ':' after a key");
	w->p++;
	walk_space(w);
	return walk_value(w, key, depth);
}

/* A comma that was forgotten is put in the blank before. */
static int
walk_no_comma(struct walk *w, char close)
{
	const char *why = close == '}' ? "expected ',' or '}'" : "expected ',' or ']'";

	if (w->p == w->end || *w->p == ']' || *w->p == '}' || !strchr(" \t\r\n", w->p[-1]))
		return document_fail(w, w->p, why);
	document_tell(w, w->p, why);
	w->p[-1] = ',';
	return 1;
}

/* From one element or member to the next. 1: there is one; 0: the closing bracket was passed; -1: a mistake. */
static int
walk_comma(struct walk *w, char close)
{
	char *comma = w->p;

	if (w->p < w->end && *w->p == close) {
		w->p++;
		return 0;
	}
	if (w->p == w->end || *w->p != ',') return walk_no_comma(w, close);
	w->p++;
	walk_space(w);
	if (w->p == w->end || *w->p != close) return 1;
	document_tell(w, comma, "a comma with nothing after it");
	*comma = ' ';
	w->p++;
	return 0;
}

/* An object or an array, from its opening bracket to its closing one. */
static int
walk_container(struct walk *w, int depth)
{
	char close = *w->p == '{' ? '}' : ']';
	int more;

	if (depth == CONFIG_MAX_DEPTH) return document_fail(w, w->p, "nested too deeply");
	w->p++;
	walk_space(w);
	if (w->p < w->end && *w->p == close) {
		w->p++;
		return 0;
	}
	do {
		if ((close == '}' ? walk_member(w, depth + 1) : walk_value(w, w->p, depth + 1)) < 0) return -1;
		walk_space(w);
		more = walk_comma(w, close);
	} while (more > 0);
	return more;
}

/* Recursion is bounded by CONFIG_MAX_DEPTH. */
static int
walk_value(struct walk *w, const char *key, int depth)
{
	ssize_t noted;
	int e;

	if (w->p == w->end) return document_fail(w, w->p, "the file ends in the middle");
	noted = document_note(w, key);
	if (noted < 0) return -1;
	if (*w->p == '{' || *w->p == '[')
		e = walk_container(w, depth);
	else if (*w->p == '"')
		e = walk_string(w);
	else if (*w->p == '-' || (*w->p >= '0' && *w->p <= '9'))
		e = walk_number(w);
	else
		e = walk_word(w);
	w->d->positions[noted].place.end = (size_t)(w->p - w->text);
	return e;
}

static int
walk_document(struct walk *w)
{
	walk_space(w);
	if (walk_value(w, w->p, 0) < 0) return -1;
	walk_space(w);
	return w->p == w->end ? 0 : document_fail(w, w->p, "something stands after the end of the configuration");
}

/* Gives the places to the items, in the same order. */
static void
assign_places(struct config_document *d, const cJSON *item, size_t *i)
{
	CHECK(*i < d->n);
	d->positions[(*i)++].item = item;
	for (const cJSON *child = item->child; child; child = child->next) assign_places(d, child, i);
}

static int
compare_items(const void *a, const void *b)
{
	uintptr_t x = (uintptr_t)((const struct position *)a)->item, y = (uintptr_t)((const struct position *)b)->item;

	return (x > y) - (x < y);
}

static int
document_build(struct config_document *d, struct walk *w)
{
	size_t i = 0, n = (size_t)(w->end - w->text);
	bool marked;

	if (eio_bytes_starts(eio_bytes(w->text, n), EIO_LIT("\xef\xbb\xbf"))) memset(w->text, ' ', 3);
	marked = mend_utf8(w);
	if (blank_comments(w) < 0 || walk_document(w) < 0) return -1;
	if (marked) spoil_marked(w);
	d->root = cJSON_ParseWithLength(w->text, n);
	if (!d->root) return -1; /* out of memory: the walk has found it good */
	assign_places(d, d->root, &i);
	qsort(d->positions, d->n, sizeof d->positions[0], compare_items);
	return 0;
}

struct config_document *
config_document_new(struct eio_bytes text, config_document_fn mistake, void *user)
{
	struct config_document *d = calloc(1, sizeof *d);
	char *copy = malloc(text.n + 1);
	struct walk w = { .d = d, .text = copy, .p = copy, .end = copy, .mistake = mistake, .user = user };
	int e;

	if (!d || !copy) {
		free(copy);
		free(d);
		return NULL;
	}
	if (text.n) memcpy(copy, text.p, text.n);
	copy[text.n] = '\0';
	w.end += text.n;
	e = document_build(d, &w);
	free(copy);
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

cJSON *
config_document_root(const struct config_document *d)
{
	return d->root;
}

static struct position *
find_position(const struct config_document *d, const cJSON *item)
{
	struct position key = { .item = item };

	return bsearch(&key, d->positions, d->n, sizeof d->positions[0], compare_items);
}

const struct config_place *
config_document_place(const struct config_document *d, const cJSON *item)
{
	const struct position *p = find_position(d, item);

	return p ? &p->place : NULL;
}

void
config_document_spoil(struct config_document *d, const cJSON *item)
{
	struct position *p = find_position(d, item);

	if (p) p->place.mended = true;
}

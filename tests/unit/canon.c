/* SPDX-License-Identifier: MIT */
/* See canon.h. Plain recursive descent over text known to be valid; for tests only. */
#include "tests/unit/canon.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

struct reader {
	const char *p, *end;
	const struct eio_bytes *attachments;
	size_t n;
};

static void
space(struct reader *r)
{
	while (r->p < r->end && strchr(" \t\r\n", *r->p)) r->p++;
}

static void
unit(struct eio_buf *out, unsigned u)
{
	if (u >= 0x20 && u < 0x7f && u != '"' && u != '\\')
		eio_buf_addc(out, (char)u);
	else
		eio_buf_printf(out, "\\%04x", u);
}

static void
point(struct eio_buf *out, uint32_t c)
{
	if (c >= 0x10000) {
		unit(out, 0xd800 + ((c - 0x10000) >> 10));
		unit(out, 0xdc00 + ((c - 0x10000) & 0x3ff));
	} else {
		unit(out, c);
	}
}

/* One escape behind its backslash. */
static void
escape(struct reader *r, struct eio_buf *out)
{
	static const char from[] = "bfnrt", to[] = "\b\f\n\r\t";
	const char *known;
	char c = *r->p++;
	char hex[5];

	if (c == 'u') {
		memcpy(hex, r->p, 4);
		hex[4] = 0;
		r->p += 4;
		unit(out, (unsigned)strtoul(hex, NULL, 16));
		return;
	}
	known = strchr(from, c);
	unit(out, (unsigned char)(known ? to[known - from] : c));
}

static void
string(struct reader *r, struct eio_buf *out)
{
	unsigned char c;
	uint32_t v;
	int more;

	eio_buf_addc(out, '"');
	for (r->p++; *r->p != '"';) {
		c = (unsigned char)*r->p++;
		if (c == '\\') {
			escape(r, out);
			continue;
		}
		more = c < 0x80 ? 0 : c < 0xe0 ? 1 : c < 0xf0 ? 2 : 3;
		v = more == 0 ? c : c & (0x3fu >> more);
		while (more-- > 0) v = v << 6 | ((unsigned char)*r->p++ & 0x3f);
		point(out, v);
	}
	r->p++;
	eio_buf_addc(out, '"');
}

static void value(struct reader *r, struct eio_buf *out);

static void
array(struct reader *r, struct eio_buf *out)
{
	eio_buf_addc(out, '[');
	for (r->p++, space(r); *r->p != ']'; space(r)) {
		if (*r->p == ',') r->p++;
		value(r, out);
		eio_buf_addc(out, ' ');
	}
	r->p++;
	eio_buf_addc(out, ']');
}

static void
hex(struct eio_buf *out, struct eio_bytes b)
{
	size_t i;

	eio_buf_addc(out, '<');
	for (i = 0; i < b.n; i++) eio_buf_printf(out, "%02x", (unsigned char)b.p[i]);
	eio_buf_addc(out, '>');
}

/* What an object in canonical spelling stands for, when it is one of the special ones. */
static bool
special(struct reader *r, struct eio_buf *out, const char *text)
{
	const char *num;
	double d;

	if (strncmp(text, "{\"$hex\":\"", 9) == 0) {
		eio_buf_printf(out, "<%.*s>", (int)strcspn(text + 9, "\""), text + 9);
		return true;
	}
	if (strncmp(text, "{\"$utf16\":[", 11) == 0) {
		eio_buf_addc(out, '"');
		for (text += 11; *text != ']'; text += strspn(text, " ")) {
			unit(out, (unsigned)strtoul(text, NULL, 10));
			text += strcspn(text, " ");
		}
		eio_buf_addc(out, '"');
		return true;
	}
	if (r->n == 0 || !strstr(text, "\"_placeholder\":true ")) return false;
	num = strstr(text, "\"num\":");
	assert_non_null(num);
	d = strtod(num + 6, NULL);
	assert_true(d >= 0 && d < (double)r->n);
	if (d == (double)(size_t)d)
		hex(out, r->attachments[(size_t)d]);
	else
		eio_buf_add(out, EIO_LIT("null"));
	return true;
}

static void
object(struct reader *r, struct eio_buf *out)
{
	struct eio_buf text;

	eio_buf_init(&text);
	eio_buf_addc(&text, '{');
	for (r->p++, space(r); *r->p != '}'; space(r)) {
		if (*r->p == ',') r->p++;
		space(r);
		string(r, &text);
		space(r);
		assert_int_equal(*r->p++, ':');
		eio_buf_addc(&text, ':');
		value(r, &text);
		eio_buf_addc(&text, ' ');
	}
	r->p++;
	eio_buf_append(&text, "}", 2);
	if (!special(r, out, text.p)) eio_buf_append(out, text.p, text.n - 1);
	eio_buf_deinit(&text);
}

static void
value(struct reader *r, struct eio_buf *out)
{
	char number[400];
	size_t n = 0;

	space(r);
	assert_true(r->p < r->end);
	switch (*r->p) {
	case '"': string(r, out); return;
	case '[': array(r, out); return;
	case '{': object(r, out); return;
	}
	while (r->p < r->end && n + 1 < sizeof(number) && !strchr(",]} \t\r\n", *r->p)) number[n++] = *r->p++;
	number[n] = 0;
	if (strchr("tfn", number[0]))
		eio_buf_append(out, number, n);
	else
		eio_buf_printf(out, "%.17g", strtod(number, NULL));
}

void
canon_value(struct eio_buf *out, struct eio_bytes json, const struct eio_bytes *attachments, size_t n)
{
	struct reader r = { json.p, json.p + json.n, attachments, n };

	value(&r, out);
}

void
canon_unhex(struct eio_buf *out, struct eio_bytes digits)
{
	char pair[3] = { 0 };
	size_t i;

	for (i = 0; i + 1 < digits.n; i += 2) {
		memcpy(pair, digits.p + i, 2);
		eio_buf_addc(out, (char)strtoul(pair, NULL, 16));
	}
}

void
canon_read_file(struct eio_buf *out, const char *path)
{
	FILE *f = fopen(path, "rb");
	char chunk[65536];
	size_t n;

	if (!f) fail_msg("cannot open %s", path);
	while ((n = fread(chunk, 1, sizeof(chunk), f)) > 0) eio_buf_append(out, chunk, n);
	fclose(f);
	assert_false(eio_buf_failed(out));
}

void
canon_read_vectors(struct eio_buf *out)
{
	const char *srcdir = getenv("srcdir");
	char path[1024];

	snprintf(path, sizeof(path), "%s/tests/vectors/protocol-vectors.json", srcdir ? srcdir : ".");
	canon_read_file(out, path);
}

bool
canon_bundle_eq(struct eio_bundle *a, struct eio_bundle *b)
{
	struct eio_block *x, *y;

	if (!a || !b) return false;
	x = eio_bundle_wire(a, EIO_WIRE_POLLING);
	y = eio_bundle_wire(b, EIO_WIRE_POLLING);
	return x && y && x->n == y->n && memcmp(x->data, y->data, x->n) == 0;
}

void
canon_expect(struct eio_bundle *b, const char *payload)
{
	struct eio_block *w;

	assert_non_null(b);
	w = eio_bundle_wire(b, EIO_WIRE_POLLING);
	assert_non_null(w);
	if (w->n != strlen(payload) || memcmp(w->data, payload, w->n) != 0)
		fail_msg("got  %.*s\nwant %s", (int)w->n, w->data, payload);
	eio_bundle_unref(b);
}

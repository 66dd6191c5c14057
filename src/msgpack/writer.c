/* SPDX-License-Identifier: MIT */
/* Lengths stand in front: they are counted before, or written when they are known. What is open lies in a list. */
#include "src/msgpack/writer.h"

#include "sio/json.h"

#include <errno.h>
#include <stdlib.h>

/* The first bytes of what has a length, by how many bytes the length has: none, 1, 2, 4. */
struct msgpack_head {
	unsigned char small, most; /* a length up to `most` is part of the first byte */
	unsigned char one, two, four; /* 0: there is none of that */
};

static const struct msgpack_head string_head = { 0xa0, 31, 0xd9, 0xda, 0xdb };
static const struct msgpack_head binary_head = { 0, 0, 0xc4, 0xc5, 0xc6 };
static const struct msgpack_head array_head = { 0x90, 15, 0, 0xdc, 0xdd };
static const struct msgpack_head map_head = { 0x80, 15, 0, 0xde, 0xdf };

static void
add_big_endian(struct eio_buf *out, uint64_t v, unsigned width)
{
	while (width--) eio_buf_addc(out, (char)(v >> 8 * width));
}

/* A first byte and what it says: a length, or a number. */
static void
add_first(struct eio_buf *out, unsigned char first, uint64_t v, unsigned width)
{
	eio_buf_addc(out, (char)first);
	add_big_endian(out, v, width);
}

static void
add_length(struct eio_buf *out, const struct msgpack_head *h, size_t n)
{
	if (h->small && n <= h->most)
		eio_buf_addc(out, (char)(h->small + n));
	else if (h->one && n <= UINT8_MAX)
		add_first(out, h->one, n, 1);
	else if (n <= UINT16_MAX)
		add_first(out, h->two, n, 2);
	else if (n <= UINT32_MAX)
		add_first(out, h->four, n, 4);
	else
		out->failed = true;
}

/* Numbers */

static void
add_uint(struct eio_buf *out, uint64_t v)
{
	if (v < 0x80)
		eio_buf_addc(out, (char)v);
	else if (v <= UINT8_MAX)
		add_first(out, 0xcc, v, 1);
	else if (v <= UINT16_MAX)
		add_first(out, 0xcd, v, 2);
	else if (v <= UINT32_MAX)
		add_first(out, 0xce, v, 4);
	else
		add_first(out, 0xcf, v, 8);
}

/* One below 0. */
static void
add_int(struct eio_buf *out, int64_t v)
{
	if (v >= -32)
		eio_buf_addc(out, (char)v);
	else if (v >= INT8_MIN)
		add_first(out, 0xd0, (uint64_t)v, 1);
	else if (v >= INT16_MIN)
		add_first(out, 0xd1, (uint64_t)v, 2);
	else if (v >= INT32_MIN)
		add_first(out, 0xd2, (uint64_t)v, 4);
	else
		add_first(out, 0xd3, (uint64_t)v, 8);
}

static void
add_double(struct eio_buf *out, const char *text)
{
	double d = strtod(text, NULL);
	uint64_t bits;

	memcpy(&bits, &d, sizeof bits);
	add_first(out, 0xcb, bits, 8);
}

static bool
is_integer(struct eio_bytes json)
{
	for (size_t i = *json.p == '-'; i < json.n; i++)
		if (json.p[i] < '0' || json.p[i] > '9') return false;
	return true;
}

/* What ends in NUL. */
static void
pack_number_text(struct eio_buf *out, const char *text, bool integer)
{
	uint64_t u;
	int64_t i;

	errno = 0;
	if (integer && *text != '-') {
		u = strtoull(text, NULL, 10);
		if (errno == 0) {
			add_uint(out, u);
			return;
		}
	} else if (integer) {
		i = strtoll(text, NULL, 10);
		if (errno == 0 && i < 0) {
			add_int(out, i);
			return;
		}
	}
	add_double(out, text);
}

static void
pack_json_number(struct eio_buf *out, struct eio_bytes json)
{
	struct eio_buf text;

	eio_buf_init(&text);
	eio_buf_add(&text, json);
	eio_buf_addc(&text, '\0');
	if (eio_buf_failed(&text))
		out->failed = true;
	else
		pack_number_text(out, text.p, is_integer(json));
	eio_buf_deinit(&text);
}

/* Strings and attachments */

static void
add_string(struct eio_buf *out, struct eio_bytes json)
{
	struct eio_bytes inside = eio_bytes(json.p + 1, json.n - 2);
	struct eio_buf text;

	if (!memchr(inside.p, '\\', inside.n)) {
		add_length(out, &string_head, inside.n);
		eio_buf_add(out, inside);
		return;
	}
	eio_buf_init(&text);
	sio_json_unescape(&text, json);
	add_length(out, &string_head, text.n);
	eio_buf_add(out, eio_buf_bytes(&text));
	out->failed |= eio_buf_failed(&text);
	eio_buf_deinit(&text);
}

/* Which attachment a placeholder is for; n: it is none. */
static size_t
placeholder_number(struct eio_bytes json, size_t n)
{
	static const char head[] = "{\"_placeholder\":true,\"num\":";
	size_t head_n = sizeof head - 1;
	unsigned digit;

	if (json.n != head_n + 2 || memcmp(json.p, head, head_n) != 0 || json.p[json.n - 1] != '}') return n;
	digit = (unsigned char)json.p[head_n] - (unsigned)'0';
	return digit < n ? digit : n;
}

/* Structure */

struct msgpack_level {
	struct sio_json_iter it;
	size_t patch; /* where its length is to be written when it is known; 0: it was */
	size_t n; /* elements so far */
};

/* So deep, elements are counted beforehand; what lies deeper would be looked at once for each level it lies in. */
enum { COUNTED_DEPTH = 8 };

struct msgpack_writer {
	struct eio_buf *out;
	const struct eio_bytes *attachments;
	size_t n_attachments;
	struct msgpack_level levels[SIO_JSON_MAX_DEPTH];
	size_t depth;
};

static size_t
count_elements(struct eio_bytes json)
{
	struct sio_json_iter it = sio_json_iter(json);
	struct eio_bytes value;
	size_t n = 0;

	while (sio_json_next(&it, NULL, &value)) n++;
	return n;
}

static void
open_packed(struct msgpack_writer *w, struct eio_bytes json, const struct msgpack_head *head)
{
	struct msgpack_level *l;

	if (w->depth == SIO_JSON_MAX_DEPTH) { /* checked JSON is not so deep */
		w->out->failed = true;
		return;
	}
	l = &w->levels[w->depth++];
	*l = (struct msgpack_level){ .it = sio_json_iter(json) };
	if (w->depth <= COUNTED_DEPTH) {
		add_length(w->out, head, count_elements(json));
		return;
	}
	eio_buf_addc(w->out, (char)head->four);
	l->patch = w->out->n;
	add_big_endian(w->out, 0, 4);
}

static void
close_packed(struct msgpack_writer *w)
{
	const struct msgpack_level *l = &w->levels[--w->depth];

	if (l->n > UINT32_MAX) w->out->failed = true;
	if (!l->patch || eio_buf_failed(w->out)) return;
	for (unsigned i = 0; i < 4; i++) w->out->p[l->patch + i] = (char)(l->n >> 8 * (3 - i));
}

static void
pack_object(struct msgpack_writer *w, struct eio_bytes json)
{
	size_t number = placeholder_number(json, w->n_attachments);

	if (number == w->n_attachments) {
		open_packed(w, json, &map_head);
		return;
	}
	add_length(w->out, &binary_head, w->attachments[number].n);
	eio_buf_add(w->out, w->attachments[number]);
}

static void
pack_value(struct msgpack_writer *w, struct eio_bytes json)
{
	switch (sio_json_kind(json)) {
	case SIO_JSON_NULL: eio_buf_addc(w->out, '\xc0'); break;
	case SIO_JSON_FALSE: eio_buf_addc(w->out, '\xc2'); break;
	case SIO_JSON_TRUE: eio_buf_addc(w->out, '\xc3'); break;
	case SIO_JSON_NUMBER: pack_json_number(w->out, json); break;
	case SIO_JSON_STRING: add_string(w->out, json); break;
	case SIO_JSON_ARRAY: open_packed(w, json, &array_head); break;
	case SIO_JSON_OBJECT: pack_object(w, json); break;
	}
}

void
msgpack_write_json(
	struct eio_buf *out, struct eio_bytes json, const struct eio_bytes *attachments, size_t n_attachments)
{
	struct msgpack_writer w;
	struct eio_bytes key, value;

	w.out = out;
	w.attachments = attachments;
	w.n_attachments = n_attachments;
	w.depth = 0;
	pack_value(&w, sio_json_trim(json));
	while (w.depth && !eio_buf_failed(out)) {
		struct msgpack_level *l = &w.levels[w.depth - 1];

		if (!sio_json_next(&l->it, &key, &value)) {
			close_packed(&w);
			continue;
		}
		l->n++;
		if (l->it.object) add_string(out, key);
		pack_value(&w, value);
	}
}

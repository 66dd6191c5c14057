/* SPDX-License-Identifier: MIT */
/* Columns of texts: each of them, or each that there is once, and which of those each row has. */
#include "src/columns/columns_int.h"

enum { PROBES = 16 }; /* a text that is not found so soon is taken for a new one: who chose them gains nothing */

/* The texts of a column that differ, in the order they came up. */
struct dictionary {
	const struct columns_value **entries;
	uint32_t *table; /* of entry numbers + 1; 0: nothing there */
	size_t n, mask;
	int64_t *rows; /* the entry of each */
};

struct eio_bytes
columns__text(const struct columns_value *v, bool strings)
{
	bool quoted = v->kind == COLUMNS_KIND_STRING && !strings;

	return eio_bytes(v->p - quoted, v->n + 2 * (size_t)quoted);
}

static inline bool
is_equal_text(const struct columns_value *a, const struct columns_value *b)
{
	return a->n == b->n && (a->kind == COLUMNS_KIND_STRING) == (b->kind == COLUMNS_KIND_STRING) &&
	       memcmp(a->p, b->p, a->n) == 0;
}

static inline uint64_t
hash_text(const struct columns_value *v)
{
	uint64_t h = v->n * UINT64_C(0x9e3779b97f4a7c15), w = 0;
	size_t i = 0;

	for (; i + 8 <= v->n && i < 64; i += 8) {
		memcpy(&w, v->p + i, 8);
		h = (h ^ w) * UINT64_C(0xff51afd7ed558ccd);
		h ^= h >> 32;
	}
	w = 0;
	if (v->n >= 8)
		memcpy(&w, v->p + v->n - 8, 8);
	else
		for (; i < v->n; i++) w = w << 8 | (unsigned char)v->p[i];
	h = (h ^ w) * UINT64_C(0xc4ceb9fe1a85ec53);
	return h ^ h >> 29;
}

static size_t
find_text(struct dictionary *d, const struct columns_value *v)
{
	size_t at = hash_text(v) & d->mask;

	for (unsigned i = 0; i < PROBES && d->table[at]; i++, at = (at + 1) & d->mask)
		if (is_equal_text(d->entries[d->table[at] - 1], v)) return d->table[at] - 1;
	d->entries[d->n++] = v;
	if (!d->table[at]) d->table[at] = (uint32_t)d->n;
	return d->n - 1;
}

static bool
begin_dictionary(struct columns *c, struct dictionary *d, size_t rows)
{
	size_t size = 16;

	while (size < rows * 2) size *= 2;
	d->mask = size - 1;
	d->n = 0;
	d->rows = columns__scratch(c, &c->ints, rows, sizeof *d->rows);
	d->entries = columns__scratch(c, &c->index, 1, rows * sizeof *d->entries + size * sizeof *d->table);
	if (!d->rows || !d->entries) return false;
	d->table = (uint32_t *)(void *)(d->entries + rows);
	memset(d->table, 0, size * sizeof *d->table);
	return true;
}

/* False when there are so many different ones that it would not pay. */
static bool
fill_dictionary(struct dictionary *d, const struct columns_shape *s, size_t slot)
{
	const struct columns_value *before = NULL;

	for (size_t i = 0; i < s->rows; i++) {
		const struct columns_value *v = &s->values[i * s->slots + slot];

		d->rows[i] = before && is_equal_text(before, v) ? d->rows[i - 1] : (int64_t)find_text(d, v);
		before = v;
		if (d->n > 16 && d->n > i / 2 + i / 4) return false;
	}
	return d->n < s->rows;
}

static bool
are_strings(const struct columns_shape *s, size_t slot)
{
	for (size_t i = 0; i < s->rows; i++)
		if (s->values[i * s->slots + slot].kind != COLUMNS_KIND_STRING) return false;
	return true;
}

static void
write_each(struct columns *c, const struct columns_shape *s, size_t slot, size_t lag, bool strings)
{
	int64_t *sizes = columns__scratch(c, &c->ints, s->rows, sizeof *sizes);

	if (!sizes) return;
	eio_buf_addc(&c->body, (char)(COLUMNS_TEXTS + strings));
	for (size_t i = 0; i < s->rows; i++) {
		struct eio_bytes text = columns__text(&s->values[i * s->slots + slot], strings);

		sizes[i] = (int64_t)text.n;
		eio_buf_add(&c->heap, text);
	}
	columns__write_ints(c, &(struct columns_ints){ .v = sizes, .n = s->rows, .lag = lag });
}

static void
write_dictionary(struct columns *c, const struct dictionary *d, size_t rows, size_t lag, bool strings)
{
	int64_t *sizes = columns__alloc(c, d->n * sizeof *sizes);

	if (!sizes) return;
	eio_buf_addc(&c->body, (char)(COLUMNS_DICTIONARY + strings));
	columns__write_varint(&c->body, d->n);
	for (size_t i = 0; i < d->n; i++) {
		struct eio_bytes text = columns__text(d->entries[i], strings);

		sizes[i] = (int64_t)text.n;
		eio_buf_add(&c->heap, text);
	}
	columns__write_ints(c, &(struct columns_ints){ .v = sizes, .n = d->n });
	columns__write_ints(c, &(struct columns_ints){ .v = d->rows, .n = rows, .lag = lag });
}

void
columns__write_texts(struct columns *c, const struct columns_shape *s, size_t slot, size_t lag)
{
	bool strings = are_strings(s, slot), pays;
	struct dictionary d;

	if (!begin_dictionary(c, &d, s->rows)) return;
	pays = fill_dictionary(&d, s, slot);
	if (pays && d.n == 1) {
		struct eio_bytes text = columns__text(d.entries[0], strings);

		eio_buf_addc(&c->body, (char)(COLUMNS_CONST + strings));
		columns__write_varint(&c->body, text.n);
		eio_buf_add(&c->heap, text);
	} else if (pays) {
		write_dictionary(c, &d, s->rows, lag, strings);
	} else {
		write_each(c, s, slot, lag, strings);
	}
}

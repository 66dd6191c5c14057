/* SPDX-License-Identifier: MIT */
/* Columns of numbers, as whole numbers of the last digit that some of them have. What is written in another way, or is
 * no number, stands beside them as an exception. */
#include "src/columns/columns_int.h"

enum { SCALES = COLUMNS_DIGITS_MAX + 1 };

/* What there is in a column. */
struct census {
	size_t numbers, padded;
	size_t of_scale[SCALES];
	unsigned most; /* the scale that most have */
	unsigned largest;
};

/* How they are written: all with so many digits behind the point, or without zeros at the end of those. */
struct spelling {
	bool trimmed;
	unsigned scale;
	size_t exceptions;
};

static const struct columns_value *
value_at(const struct columns_shape *s, size_t slot, size_t row)
{
	return &s->values[row * s->slots + slot];
}

static void
count_values(const struct columns_shape *s, size_t slot, struct census *out)
{
	for (size_t i = 0; i < s->rows; i++) {
		const struct columns_value *v = value_at(s, slot, i);

		if (v->kind != COLUMNS_KIND_NUMBER) continue;
		out->numbers++;
		out->padded += v->padded;
		out->of_scale[v->scale]++;
	}
	for (unsigned i = 0; i < SCALES; i++) {
		if (out->of_scale[i]) out->largest = i;
		if (out->of_scale[i] > out->of_scale[out->most]) out->most = i;
	}
}

static struct spelling
choose_spelling(const struct census *n, size_t rows)
{
	struct spelling fixed = { false, n->most, rows - n->of_scale[n->most] };
	struct spelling trimmed = { true, n->largest, rows - n->numbers + n->padded };

	return fixed.exceptions <= trimmed.exceptions ? fixed : trimmed;
}

/* The number in units of the scale; false when it is an exception. */
static inline bool
scaled_number(const struct columns_value *v, const struct spelling *s, int64_t *out)
{
	static const int64_t most = INT64_C(999999999999999);
	int64_t n = v->number;

	if (v->kind != COLUMNS_KIND_NUMBER) return false;
	if (v->scale != s->scale) {
		if (!s->trimmed || v->padded) return false;
		for (unsigned i = v->scale; i < s->scale; i++) {
			if (n > most / 10 || n < -most / 10) return false;
			n *= 10;
		}
	} else if (s->trimmed && v->padded) {
		return false;
	}
	*out = n;
	return true;
}

/* What an exception stands for is as good as any: that of the row before. Returns how many there are. */
static size_t
scale_numbers(const struct columns_shape *s, size_t slot, const struct spelling *how, int64_t *out)
{
	size_t exceptions = 0;
	int64_t before = 0;

	for (size_t i = 0; i < s->rows; i++) {
		out[i] = before;
		if (!scaled_number(value_at(s, slot, i), how, &out[i])) exceptions++;
		before = out[i];
	}
	return exceptions;
}

/* How many rows each stands behind the one before it, their lengths and their texts. */
static void
write_exceptions(struct columns *c, const struct columns_shape *s, size_t slot, const struct spelling *how, size_t n)
{
	int64_t *gaps = columns__scratch(c, &c->ints, 2 * n, sizeof *gaps), *sizes = gaps ? gaps + n : NULL, ignored;
	size_t k = 0, next = 0;

	if (!gaps) return;
	for (size_t i = 0; i < s->rows; i++) {
		const struct columns_value *v = value_at(s, slot, i);
		struct eio_bytes text;

		if (scaled_number(v, how, &ignored)) continue;
		text = columns__text(v, false);
		gaps[k] = (int64_t)(i - next);
		sizes[k++] = (int64_t)text.n;
		eio_buf_add(&c->heap, text);
		next = i + 1;
	}
	columns__write_varint(&c->body, n);
	columns__write_ints(c, &(struct columns_ints){ .v = gaps, .n = n });
	columns__write_ints(c, &(struct columns_ints){ .v = sizes, .n = n });
}

bool
columns__write_numbers(
	struct columns *c, const struct columns_shape *s, size_t slot, size_t lag, struct columns_numbers *numbers)
{
	struct census n = { 0 };
	struct spelling how;
	size_t exceptions;
	int64_t *v;

	count_values(s, slot, &n);
	how = choose_spelling(&n, s->rows);
	if (how.exceptions > s->rows / 4) return false;
	v = columns__alloc(c, s->rows * sizeof *v);
	if (!v) return true;
	exceptions = scale_numbers(s, slot, &how, v);
	numbers[slot] = (struct columns_numbers){ v, how.scale };
	eio_buf_addc(&c->body,
		(char)((how.trimmed ? COLUMNS_TRIMMED : COLUMNS_FIXED) + (exceptions ? COLUMNS_EXCEPTIONS : 0)));
	columns__write_varint(&c->body, how.scale);
	columns__write_ints(c, &(struct columns_ints){ .v = v,
				       .n = s->rows,
				       .lag = lag,
				       .is_signed = true,
				       .references = numbers,
				       .n_references = slot,
				       .scale = how.scale });
	if (exceptions) write_exceptions(c, s, slot, &how, exceptions);
	return true;
}

/* SPDX-License-Identifier: MIT */
/* A table, its columns, and the tables in these. */
#include "src/columns/columns_int.h"

/* Lists: how long each is, and all their elements as one table. */
static void
write_lists(struct columns *c, const struct columns_shape *s, size_t slot, size_t lag, unsigned depth)
{
	struct columns_table *t = columns__alloc(c, sizeof *t);
	int64_t *sizes = columns__scratch(c, &c->ints, s->rows, sizeof *sizes);

	if (!t || !sizes) return;
	t->n = t->latest = 0;
	t->of_row = NULL;
	t->rows = t->cap = 0;
	t->depth = depth + 1;
	t->lag = 1;
	for (size_t i = 0; i < s->rows && !c->failed; i++) {
		const struct columns_value *v = &s->values[i * s->slots + slot];
		size_t before = t->rows;

		if (v->n) columns__add_rows(c, t, v->p, v->p + v->n);
		sizes[i] = (int64_t)(t->rows - before);
		if (i == 0) t->lag = t->rows;
		if ((size_t)sizes[i] != t->lag) t->lag = 0;
	}
	if (c->failed) return;
	if (t->lag == 0) t->lag = 1;
	columns__write_ints(c, &(struct columns_ints){ .v = sizes, .n = s->rows, .lag = lag });
	if (t->rows) columns__write_table(c, t);
}

/* Writes the values of one slot. lag: how many rows there are in each list of the table, 1 when that is not always the
 * same. numbers: of all slots of the shape, those before this one are filled; this one's is. */
static void
write_column(struct columns *c, const struct columns_shape *s, size_t slot, size_t lag, struct columns_numbers *numbers,
	unsigned depth)
{
	numbers[slot] = (struct columns_numbers){ NULL, 0 };
	if (s->pieces[slot].list)
		write_lists(c, s, slot, lag, depth);
	else if (!columns__write_numbers(c, s, slot, lag, numbers))
		columns__write_texts(c, s, slot, lag);
}

static void
write_shape_of_rows(struct columns *c, const struct columns_table *t)
{
	int64_t *v = columns__scratch(c, &c->ints, t->rows, sizeof *v);

	if (!v) return;
	for (size_t i = 0; i < t->rows; i++) v[i] = t->of_row[i];
	columns__write_ints(c, &(struct columns_ints){ .v = v, .n = t->rows, .lag = t->lag });
}

void
columns__write_table(struct columns *c, const struct columns_table *t)
{
	columns__write_varint(&c->body, t->n);
	for (unsigned i = 0; i < t->n; i++) {
		columns__write_varint(&c->body, t->shapes[i]->skeleton.n);
		eio_buf_add(&c->heap, t->shapes[i]->skeleton);
	}
	if (t->n > 1) write_shape_of_rows(c, t);
	for (unsigned i = 0; i < t->n && !c->failed; i++) {
		const struct columns_shape *s = t->shapes[i];
		struct columns_numbers *numbers = columns__alloc(c, (s->slots + 1) * sizeof *numbers);

		for (size_t k = 0; k < s->slots && !c->failed; k++)
			write_column(c, s, k, t->n == 1 ? t->lag : 1, numbers, t->depth);
	}
}

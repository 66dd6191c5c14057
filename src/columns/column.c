/* SPDX-License-Identifier: MIT */
/* One column, whatever is in it. */
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

void
columns__write_column(struct columns *c, const struct columns_shape *s, size_t slot, size_t lag,
	struct columns_numbers *numbers, unsigned depth)
{
	numbers[slot] = (struct columns_numbers){ NULL, 0 };
	if (s->pieces[slot].list)
		write_lists(c, s, slot, lag, depth);
	else if (!columns__write_numbers(c, s, slot, lag, numbers))
		columns__write_texts(c, s, slot, lag);
}

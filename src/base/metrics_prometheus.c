/* SPDX-License-Identifier: MIT */
/* Everything that is counted, in the text format of Prometheus: each family once, with all its samples. */
#include "src/base/metrics.h"

#include "src/base/metrics_int.h"

static const char *const type_names[] = {
	[METRICS_COUNTER] = "counter",
	[METRICS_GAUGE] = "gauge",
	[METRICS_HISTOGRAM] = "histogram",
};

static void
write_label_value(struct eio_buf *out, const char *s)
{
	eio_buf_addc(out, '"');
	for (; *s; s++) {
		if (*s == '\\' || *s == '"') eio_buf_addc(out, '\\');
		if (*s == '\n')
			EIO_BUF_ADD_LIT(out, "\\n");
		else
			eio_buf_addc(out, *s);
	}
	eio_buf_addc(out, '"');
}

/* Name and labels of a sample. The last label, such as that of a bucket, is left open when there is to be one more: its
 * value and what closes the braces are the caller's. */
static void
write_series(struct eio_buf *out, const struct metrics_row *r, const struct metrics_group *g, const char *suffix,
	const char *last)
{
	const char *label = g->shown->table->label, *next = "{";

	eio_buf_printf(out, "siocast_%s%s", r->name, suffix);
	if (label) {
		eio_buf_printf(out, "{%s=", label);
		write_label_value(out, g->label);
		next = ",";
	}
	if (*r->labels) {
		eio_buf_printf(out, "%s%s", next, r->labels);
		next = ",";
	}
	if (last)
		eio_buf_printf(out, "%s%s=", next, last);
	else if (*next == ',')
		eio_buf_addc(out, '}');
}

static void
write_sample(struct eio_buf *out, const struct metrics_row *r, const struct metrics_group *g, const char *suffix,
	uint64_t v, unsigned per_unit)
{
	write_series(out, r, g, suffix, NULL);
	eio_buf_addc(out, ' ');
	metrics__write_scaled(out, v, per_unit);
	eio_buf_addc(out, '\n');
}

/* The count is what the buckets say, so they agree also when somebody counts meanwhile. */
static void
write_histogram(struct eio_buf *out, const struct metrics_row *r, const struct metrics_group *g)
{
	const struct metrics_buckets *b = r->buckets;
	uint64_t count = 0;

	for (unsigned i = 0; i <= b->n; i++) {
		count += metrics__group_sum(g, r->slot + 1 + i);
		write_series(out, r, g, "_bucket", "le");
		eio_buf_addc(out, '"');
		if (i < b->n)
			metrics__write_scaled(out, b->bounds[i], b->per_unit);
		else
			EIO_BUF_ADD_LIT(out, "+Inf");
		EIO_BUF_ADD_LIT(out, "\"} ");
		eio_buf_append_u64(out, count);
		eio_buf_addc(out, '\n');
	}
	write_sample(out, r, g, "_sum", metrics__group_sum(g, r->slot), b->per_unit);
	write_sample(out, r, g, "_count", count, 1);
}

/* The rows from `first` to `end` have one name. */
static void
write_family(struct eio_buf *out, const struct metrics_shown *t, size_t first, size_t end)
{
	const struct metrics_row *rows = t->table->rows, *r = &rows[first];

	eio_buf_printf(out, "# HELP siocast_%s %s.\n", r->name, r->help);
	eio_buf_printf(out, "# TYPE siocast_%s %s\n", r->name, type_names[r->type]);
	METRICS_FOREACH(struct metrics_group, g, &t->groups)
		for (r = &rows[first]; r < &rows[end]; r++) {
			if (r->type == METRICS_HISTOGRAM)
				write_histogram(out, r, g);
			else
				write_sample(out, r, g, "", metrics__group_sum(g, r->slot), metrics__per_unit(r));
		}
}

void
metrics_write_prometheus(struct metrics_set *s, struct eio_buf *out)
{
	uv_mutex_lock(&s->lock);
	METRICS_FOREACH(struct metrics_shown, t, &s->tables)
		for (size_t i = 0, end; i < t->table->n; i = end) {
			for (end = i + 1; end < t->table->n && !metrics__begins_family(t->table, end);) end++;
			write_family(out, t, i, end);
		}
	uv_mutex_unlock(&s->lock);
}

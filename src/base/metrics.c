/* SPDX-License-Identifier: MIT */
/* Writes the table of counters out, as Prometheus text and as JSON. */
#include "src/base/metrics.h"

#include <stdlib.h>
#include <string.h>

enum type { COUNTER, GAUGE };

static const struct row {
	enum type type;
	const char *name, *labels, *help;
} rows[] = {
#define X(field, type, name, labels, help) { type, name, labels, help },
	METRICS_TABLE(X)
#undef X
};

int
metrics_set_init(struct metrics_set *s, size_t n)
{
	s->n = n;
	s->rows = aligned_alloc(_Alignof(struct metrics), n * sizeof *s->rows);
	if (!s->rows) return -1;
	for (size_t k = 0; k < n; k++)
		for (size_t i = 0; i < METRIC_COUNT; i++) atomic_init(&s->rows[k].v[i], 0);
	return 0;
}

void
metrics_set_deinit(struct metrics_set *s)
{
	free(s->rows);
	*s = (struct metrics_set){ 0 };
}

uint64_t
metrics_sum(const struct metrics_set *s, enum metric i)
{
	uint64_t sum = 0;

	for (size_t k = 0; k < s->n; k++) sum += atomic_load_explicit(&s->rows[k].v[i], memory_order_relaxed);
	return sum;
}

/* A gauge raised on one thread and lowered on another can be seen below zero for a moment. */
static uint64_t
value(const struct metrics_set *s, size_t i)
{
	uint64_t v = metrics_sum(s, (enum metric)i);

	return rows[i].type == GAUGE && (int64_t)v < 0 ? 0 : v;
}

static bool
begins_family(size_t i)
{
	return i == 0 || strcmp(rows[i - 1].name, rows[i].name) != 0;
}

void
metrics_write_prometheus(const struct metrics_set *s, struct eio_buf *out)
{
	for (size_t i = 0; i < METRIC_COUNT; i++) {
		const struct row *r = &rows[i];

		if (begins_family(i)) {
			eio_buf_printf(out, "# HELP siocast_%s %s.\n", r->name, r->help);
			eio_buf_printf(out, "# TYPE siocast_%s %s\n", r->name, r->type == GAUGE ? "gauge" : "counter");
		}
		eio_buf_printf(out, "siocast_%s", r->name);
		if (*r->labels) eio_buf_printf(out, "{%s}", r->labels);
		eio_buf_addc(out, ' ');
		eio_buf_append_u64(out, value(s, i));
		eio_buf_addc(out, '\n');
	}
}

/* The label's value with its quotes: it is plain text from the table, so it is JSON as it stands. */
static struct eio_bytes
label_value(const char *labels)
{
	return eio_cstr(strchr(labels, '=') + 1);
}

void
metrics_write_json(const struct metrics_set *s, struct eio_buf *out)
{
	bool in_family = false;

	eio_buf_addc(out, '{');
	for (size_t i = 0; i < METRIC_COUNT; i++) {
		const struct row *r = &rows[i];

		if (begins_family(i)) {
			if (in_family) eio_buf_addc(out, '}');
			if (i) eio_buf_addc(out, ',');
			eio_buf_printf(out, "\"%s\":", r->name);
			in_family = *r->labels != '\0';
			if (in_family) eio_buf_addc(out, '{');
		} else {
			eio_buf_addc(out, ',');
		}
		if (*r->labels) {
			eio_buf_add(out, label_value(r->labels));
			eio_buf_addc(out, ':');
		}
		eio_buf_append_u64(out, value(s, i));
	}
	if (in_family) eio_buf_addc(out, '}');
	eio_buf_addc(out, '}');
}

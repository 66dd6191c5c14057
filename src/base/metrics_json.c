/* SPDX-License-Identifier: MIT */
/* Everything that is counted, as JSON. */
#include "src/base/metrics.h"

#include "sio/json.h"
#include "src/base/metrics_int.h"

#include <string.h>

/* What a row is the sum of: a group, or when that is NULL all of the table. */
struct json_of {
	const struct metrics_shown *t;
	const struct metrics_group *g;
};

static uint64_t
json_sum(struct json_of of, size_t slot)
{
	return of.g ? metrics__group_sum(of.g, slot) : metrics__table_sum(of.t, slot);
}

/* The label's value with its quotes: it is plain text from the table, so it is JSON as it stands. */
static struct eio_bytes
row_label_value(const char *labels)
{
	return eio_cstr(strchr(labels, '=') + 1);
}

/* {"count":3,"sum":0.5,"buckets":{"0.1":1,"+Inf":3}}: cumulative, as in the other format. */
static void
write_json_histogram(struct eio_buf *out, const struct metrics_row *r, struct json_of of)
{
	const struct metrics_buckets *b = r->buckets;
	uint64_t count = 0;

	EIO_BUF_ADD_LIT(out, "{\"buckets\":{\"");
	for (unsigned i = 0; i < b->n; i++) {
		count += json_sum(of, r->slot + 1 + i);
		metrics__write_scaled(out, b->bounds[i], b->per_unit);
		EIO_BUF_ADD_LIT(out, "\":");
		eio_buf_append_u64(out, count);
		EIO_BUF_ADD_LIT(out, ",\"");
	}
	count += json_sum(of, r->slot + 1 + b->n);
	EIO_BUF_ADD_LIT(out, "+Inf\":");
	eio_buf_append_u64(out, count);
	EIO_BUF_ADD_LIT(out, "},\"sum\":");
	metrics__write_scaled(out, json_sum(of, r->slot), b->per_unit);
	EIO_BUF_ADD_LIT(out, ",\"count\":");
	eio_buf_append_u64(out, count);
	eio_buf_addc(out, '}');
}

static void
write_json_row(struct eio_buf *out, const struct metrics_row *r, struct json_of of)
{
	if (*r->labels) {
		eio_buf_add(out, row_label_value(r->labels));
		eio_buf_addc(out, ':');
	}
	if (r->type == METRICS_HISTOGRAM)
		write_json_histogram(out, r, of);
	else
		eio_buf_append_u64(out, json_sum(of, r->slot));
}

/* The members of an object, without its braces: one for each name, which is an object itself where rows have labels. */
static void
write_json_rows(struct eio_buf *out, struct json_of of)
{
	const struct metrics_table *t = of.t->table;

	for (size_t i = 0; i < t->n; i++) {
		bool labels = *t->rows[i].labels != '\0';

		if (i) eio_buf_addc(out, ',');
		if (metrics__begins_family(t, i)) eio_buf_printf(out, "\"%s\":%s", t->rows[i].name, labels ? "{" : "");
		write_json_row(out, &t->rows[i], of);
		if (labels && (i + 1 == t->n || metrics__begins_family(t, i + 1))) eio_buf_addc(out, '}');
	}
}

/* "by_feed":{"0":{…},"1":{…}} */
static void
write_json_groups(struct eio_buf *out, const struct metrics_shown *t)
{
	const char *comma = "";

	eio_buf_printf(out, ",\"by_%s\":{", t->table->label);
	METRICS_FOREACH(struct metrics_group, g, &t->groups) {
		eio_buf_add(out, eio_cstr(comma));
		sio_json_escape(out, eio_cstr(g->label));
		EIO_BUF_ADD_LIT(out, ":{");
		write_json_rows(out, (struct json_of){ t, g });
		eio_buf_addc(out, '}');
		comma = ",";
	}
	eio_buf_addc(out, '}');
}

void
metrics_write_json(struct metrics_set *s, struct eio_buf *out)
{
	const char *comma = "";

	eio_buf_addc(out, '{');
	uv_mutex_lock(&s->lock);
	METRICS_FOREACH(struct metrics_shown, t, &s->tables) {
		eio_buf_add(out, eio_cstr(comma));
		write_json_rows(out, (struct json_of){ t, NULL });
		if (t->table->label) write_json_groups(out, t);
		comma = ",";
	}
	uv_mutex_unlock(&s->lock);
	eio_buf_addc(out, '}');
}

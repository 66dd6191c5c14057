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

/* The values of a row's labels, name="value" each, as one string: they are plain text from the table, so they are JSON
 * as they stand. */
static void
write_row_labels(struct eio_buf *out, const char *labels)
{
	bool quoted = false;

	eio_buf_addc(out, '"');
	for (; *labels; labels++) {
		if (*labels == '"')
			quoted = !quoted;
		else if (quoted || *labels == ',')
			eio_buf_addc(out, *labels);
	}
	eio_buf_addc(out, '"');
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
		write_row_labels(out, r->labels);
		eio_buf_addc(out, ':');
	}
	if (r->type == METRICS_HISTOGRAM)
		write_json_histogram(out, r, of);
	else
		metrics__write_scaled(out, json_sum(of, r->slot), metrics__per_unit(r));
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

static bool
has_label(const struct metrics_shown *t, const char *label)
{
	return t->table->label && strcmp(t->table->label, label) == 0;
}

/* The first table of a label that has a group of that name; NULL: none. */
static const struct metrics_shown *
first_with(const struct metrics_set *s, const char *label, const char *name)
{
	METRICS_FOREACH(struct metrics_shown, t, &s->tables)
		if (has_label(t, label) && (!name || metrics__find_group(t, name))) return t;
	return NULL;
}

/* "0":{…}, of all tables of the label. */
static void
write_json_group(const struct metrics_set *s, struct eio_buf *out, const char *label, const char *name)
{
	const char *comma = "";

	sio_json_escape(out, eio_cstr(name));
	EIO_BUF_ADD_LIT(out, ":{");
	METRICS_FOREACH(struct metrics_shown, t, &s->tables) {
		const struct metrics_group *g = has_label(t, label) ? metrics__find_group(t, name) : NULL;

		if (!g) continue;
		eio_buf_add(out, eio_cstr(comma));
		write_json_rows(out, (struct json_of){ t, g });
		comma = ",";
	}
	eio_buf_addc(out, '}');
}

/* "by_feed":{"0":{…},"1":{…}}. Which groups there are is asked of each table: one may have more than another. */
static void
write_json_groups(const struct metrics_set *s, struct eio_buf *out, const char *label)
{
	const char *comma = "";

	eio_buf_printf(out, ",\"by_%s\":{", label);
	METRICS_FOREACH(struct metrics_shown, t, &s->tables) {
		if (!has_label(t, label)) continue;
		METRICS_FOREACH(struct metrics_group, g, &t->groups) {
			if (first_with(s, label, g->label) != t) continue;
			eio_buf_add(out, eio_cstr(comma));
			write_json_group(s, out, label, g->label);
			comma = ",";
		}
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
		if (t->table->label && first_with(s, t->table->label, NULL) == t)
			write_json_groups(s, out, t->table->label);
		comma = ",";
	}
	uv_mutex_unlock(&s->lock);
	eio_buf_addc(out, '}');
}

/* SPDX-License-Identifier: MIT */
/* What lies in a set of metrics. For src/base/metrics*.c only. */
#ifndef SRC_BASE_METRICS_INT_H
#define SRC_BASE_METRICS_INT_H

#include "src/base/metrics.h"

/* A table, and what there is of it. It stays as long as the set, so that what was shown once is always shown. */
struct metrics_shown {
	struct eio_list link;
	const struct metrics_table *table;
	struct eio_list groups; /* of struct metrics_group, in the order they came */
	size_t n_groups;
};

/* The values of one table and label. */
struct metrics_group {
	struct eio_list link;
	struct metrics_shown *shown;
	struct eio_list values; /* of struct metrics: a thread's each */
	char label[];
};

/* Walks a list of structs of type T by their link. The head is in no such struct, and not aligned like one. */
#define METRICS_ITEM(T, at, head) ((at) == (head) ? NULL : EIO_CONTAINER(at, T, link))
#define METRICS_FOREACH(T, it, head) \
	for (T *it = METRICS_ITEM(T, (head)->next, head); it; it = METRICS_ITEM(T, it->link.next, head))

/* The group of a label's value, or NULL. The lock must be held. */
struct metrics_group *metrics__find_group(const struct metrics_shown *t, const char *label);

/* Whether a row has another name than the one before it. */
bool metrics__begins_family(const struct metrics_table *t, size_t i);

/* The sum over one group, or over all of a table; of a gauge at least 0: one raised on one thread and lowered on
 * another can be seen below for a moment. The lock must be held. */
uint64_t metrics__group_sum(const struct metrics_group *g, size_t slot);
uint64_t metrics__table_sum(const struct metrics_shown *t, size_t slot);

/* By what the values of a row are divided. */
static inline unsigned
metrics__per_unit(const struct metrics_row *r)
{
	return r->buckets ? r->buckets->per_unit : 1;
}

/* Appends v / per_unit, exactly. */
void metrics__write_scaled(struct eio_buf *out, uint64_t v, unsigned per_unit);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Counters, gauges and histograms. Nothing is named here: each folder has tables of its own in its
 * metrics.h, and whoever counts makes its values of one of them:
 *
 *     metrics_set ──▶ table ──▶ label, as feed="3" ──┬──▶ struct metrics, one thread's
 *                                                    └──▶ struct metrics, another thread's
 *
 * Only one thread writes a struct metrics, on cache lines of its own, so counting costs a plain add: no lock
 * and nothing to look up. Readers add up, by relaxed loads, what has the same table and label.
 *
 * A table is a macro of lines X(slot, type, name, labels, help), of which its enum and its rows are made:
 *
 *     #define FEED_METRICS(X) \
 *             X(FEED_METRIC_FILTERED, COUNTER, "feed_filtered_total", "", "Messages left out by where") \
 *             X(FEED_METRIC_SIZES, HISTOGRAM(feed_sizes), "feed_batch_messages", "", "Messages in a batch")
 *     enum feed_metric { FEED_METRICS(METRICS_SLOT) FEED_METRIC_COUNT };            in the header
 *     static const struct metrics_row feed_rows[] = { FEED_METRICS(METRICS_ROW) };  in the .c
 *     const struct metrics_table feed_metrics = METRICS_TABLE("feed", feed_rows, FEED_METRIC_COUNT);
 *
 * Types are COUNTER, GAUGE, MILLISECONDS (a gauge that is shown in seconds) and HISTOGRAM(buckets). Names are without their prefix "siocast_"; each stands in one
 * table only, and its rows together, told apart by their labels, such as reason="json". The help of the
 * first one is used; it ends without a full stop.
 */
#ifndef SRC_BASE_METRICS_H
#define SRC_BASE_METRICS_H

#include "eio/buf.h"
#include "eio/list.h"

#include <stdatomic.h>
#include <stdint.h>
#include <uv.h>

enum {
	METRICS_BOUNDS_MAX = 12, /* of a histogram */
	/* Values of one table's label that are shown for themselves. What comes when there are so many is added up
	 * under "other", so that what is read stays bounded. */
	METRICS_LABELS_MAX = 256,
};

enum metrics_type { METRICS_COUNTER, METRICS_GAUGE, METRICS_HISTOGRAM };

/* What a histogram sorts values by: each bucket holds those up to its bound, one more the rest. */
struct metrics_buckets {
	unsigned per_unit; /* shown are values divided by this, a power of ten: 1000 for milliseconds as seconds */
	unsigned n;
	uint64_t bounds[METRICS_BOUNDS_MAX]; /* ascending */
};

/* The unit of MILLISECONDS. */
extern const struct metrics_buckets metrics_milliseconds;

struct metrics_row {
	enum metrics_type type;
	const struct metrics_buckets *buckets; /* of a histogram; of another row its unit, or NULL */
	unsigned slot;
	const char *name, *labels, *help;
};

struct metrics_table {
	const char *label; /* the name of the label that all its rows have, or NULL */
	const struct metrics_row *rows;
	size_t n; /* rows */
	size_t slots; /* values: a histogram has several */
};

#define METRICS_SLOTS_COUNTER 1
#define METRICS_SLOTS_GAUGE 1
#define METRICS_SLOTS_MILLISECONDS 1
#define METRICS_SLOTS_HISTOGRAM(buckets) (METRICS_BOUNDS_MAX + 2)
#define METRICS_SLOT(slot, type, name, labels, help) slot, slot##_LAST = slot + METRICS_SLOTS_##type - 1,

#define METRICS_ROW_COUNTER METRICS_COUNTER, NULL
#define METRICS_ROW_GAUGE METRICS_GAUGE, NULL
#define METRICS_ROW_MILLISECONDS METRICS_GAUGE, &metrics_milliseconds
#define METRICS_ROW_HISTOGRAM(buckets) METRICS_HISTOGRAM, &buckets
#define METRICS_ROW(slot, type, name, labels, help) { METRICS_ROW_##type, slot, name, labels, help },

#define METRICS_TABLE(label, rows, slots) \
	{ \
		label, rows, sizeof rows / sizeof rows[0], slots \
	}

/* Everything that is counted. Its maker's, until it is handed to others. */
struct metrics_set {
	uv_mutex_t lock;
	struct eio_list tables; /* {lock} */
};

/* What one thread counts of one table. */
struct metrics {
	struct eio_list link; /* {set.lock}, as the next */
	struct metrics_set *set;
	struct metrics_group *group;
	unsigned refs; /* of its owners, one at a time */
	_Alignas(64) _Atomic uint64_t v[];
};

/* 0, or -1 when out of memory. */
int metrics_set_init(struct metrics_set *s);

/* All values of it must be freed. */
void metrics_set_deinit(struct metrics_set *s);

/* Shows a table also while there are no values of it. Values do that by themselves. Any thread. 0, or -1 when out of
 * memory. */
int metrics_set_show(struct metrics_set *s, const struct metrics_table *t);

/* Values that start at 0. label: its value, any bytes but NUL, copied; NULL for a table without. Any thread, but
 * then one at a time writes. NULL when out of memory. */
struct metrics *metrics_new(struct metrics_set *s, const struct metrics_table *t, const char *label);

/* The same with a number for a label. */
struct metrics *metrics_new_numbered(struct metrics_set *s, const struct metrics_table *t, unsigned label);

/* Goes on with what others have counted, of the same table and on the same thread: its own so far is nothing. */
void metrics_take_over(struct metrics *m, const struct metrics *from);

/* What it has counted goes on under another label of its table. Any thread. 0, or -1 when out of memory: then it stays
 * where it is. */
int metrics_relabel(struct metrics *m, const char *label);

/* One more owner, on the thread that writes them. */
struct metrics *metrics_ref(struct metrics *m);

/* The last owner takes values out of their set, with all that was counted: a series that others do not go on with is
 * gone, or begins anew when there are values of that label again. Any thread, when nobody writes them any more. NULL is
 * fine. */
void metrics_free(struct metrics *m);

/* Adds n to a counter; only the thread that writes m. A gauge goes down by metrics_sub. */
static inline void
metrics_add(struct metrics *m, size_t slot, uint64_t n)
{
	atomic_store_explicit(
		&m->v[slot], atomic_load_explicit(&m->v[slot], memory_order_relaxed) + n, memory_order_relaxed);
}

static inline void
metrics_inc(struct metrics *m, size_t slot)
{
	metrics_add(m, slot, 1);
}

static inline void
metrics_sub(struct metrics *m, size_t slot, uint64_t n)
{
	metrics_add(m, slot, -n);
}

/* Shows a number that is counted elsewhere; only the thread that writes m. */
static inline void
metrics_put(struct metrics *m, size_t slot, uint64_t v)
{
	atomic_store_explicit(&m->v[slot], v, memory_order_relaxed);
}

/* Puts a value into the histogram at slot, whose buckets these are; only the thread that writes m. */
static inline void
metrics_observe(struct metrics *m, size_t slot, const struct metrics_buckets *b, uint64_t v)
{
	size_t i = 0;

	while (i < b->n && v > b->bounds[i]) i++;
	metrics_add(m, slot, v);
	metrics_inc(m, slot + 1 + i);
}

/* The sum over all labels and threads; of a histogram that of its values. Any thread. */
uint64_t metrics_sum(struct metrics_set *s, const struct metrics_table *t, size_t slot);

/* A value of a label with what two slots come to. */
struct metrics_top {
	char label[32]; /* cut */
	uint64_t by, also;
};

/* The values of a table's label with the largest sums at slot `by` that are not 0, the largest first: at most max,
 * which out has room for. Returns how many. Any thread. */
size_t metrics_top(struct metrics_set *s, const struct metrics_table *t, size_t by, size_t also,
	struct metrics_top *out, size_t max);

/* Tells the sum at a slot for each value of a table's label, in no order: at most METRICS_LABELS_MAX and "other". What is
 * called may not use the set. Any thread. */
void metrics_each(struct metrics_set *s, const struct metrics_table *t, size_t slot,
	void (*each)(void *user, const char *label, uint64_t sum), void *user);

/* Appends everything in the Prometheus text format (version 0.0.4), names with the prefix "siocast_". Any thread;
 * others that make and free values wait meanwhile. */
void metrics_write_prometheus(struct metrics_set *s, struct eio_buf *out);

/* Appends one JSON object: {"connections":3,"sessions":{"polling":1,"websocket":2},…}. Where
 * rows have labels of their own, their values are names in it, two as "websocket,4". Tables with a label are added up
 * in it, and stand behind that for each value of it, all of one label together: "by_feed":{"0":{…},"1":{…}}. The same
 * rules. */
void metrics_write_json(struct metrics_set *s, struct eio_buf *out);

#endif

/* SPDX-License-Identifier: MIT */
/* Counters: summed over threads, and written so that Prometheus and JSON readers take them. Run under TSan too. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sio/json.h"
#include "src/base/metrics.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PLAIN(X) \
	X(PLAIN_OPEN, GAUGE, "open", "", "Things that are open") \
	X(PLAIN_EARLY, COUNTER, "ended_total", "reason=\"too early\"", "Ends") \
	X(PLAIN_LATE, COUNTER, "ended_total", "reason=\"too late\"", "") \
	X(PLAIN_TURN, HISTOGRAM(turns), "turn_seconds", "", "Turns") \
	X(PLAIN_LAST, COUNTER, "last_total", "", "What stands behind a histogram")

#define LABELLED(X) \
	X(LABELLED_IN, COUNTER, "in_total", "", "In") \
	X(LABELLED_SIZES, HISTOGRAM(sizes), "sizes", "", "Sizes") \
	X(LABELLED_LOST_A, COUNTER, "lost_total", "why=\"a\"", "Lost") \
	X(LABELLED_LOST_B, COUNTER, "lost_total", "why=\"b\"", "") \
	X(LABELLED_NOW, GAUGE, "now", "", "Now")

/* Of the same label as the table before, with two labels of its own, and in seconds. */
#define BESIDE(X) \
	X(BESIDE_WS_4, COUNTER, "sends_total", "by=\"ws\",eio=\"4\"", "Sends") \
	X(BESIDE_WS_3, COUNTER, "sends_total", "by=\"ws\",eio=\"3\"", "") \
	X(BESIDE_TOOK, MILLISECONDS, "took_seconds", "", "Took")

static const struct metrics_buckets turns = { 1000, 4, { 1, 20, 500, 12000 } };
static const struct metrics_buckets sizes = { 1, 2, { 1, 10 } };

enum { PLAIN(METRICS_SLOT) PLAIN_COUNT };
enum { LABELLED(METRICS_SLOT) LABELLED_COUNT };
enum { BESIDE(METRICS_SLOT) BESIDE_COUNT };

static const struct metrics_row plain_rows[] = { PLAIN(METRICS_ROW) }, labelled_rows[] = { LABELLED(METRICS_ROW) };
static const struct metrics_row beside_rows[] = { BESIDE(METRICS_ROW) };
static const struct metrics_table plain = METRICS_TABLE(NULL, plain_rows, PLAIN_COUNT);
static const struct metrics_table labelled = METRICS_TABLE("part", labelled_rows, LABELLED_COUNT);
static const struct metrics_table beside = METRICS_TABLE("part", beside_rows, BESIDE_COUNT);

/* Everything as text, which is the caller's to free. */
static char *
text_of(struct metrics_set *s, void (*form)(struct metrics_set *, struct eio_buf *))
{
	struct eio_buf out;

	eio_buf_init(&out);
	form(s, &out);
	eio_buf_addc(&out, '\0');
	assert_false(eio_buf_failed(&out));
	return out.p;
}

static void
expect_text(struct metrics_set *s, void (*form)(struct metrics_set *, struct eio_buf *), const char *wanted)
{
	char *text = text_of(s, form);

	assert_string_equal(text, wanted);
	free(text);
}

static void
expect_part(struct metrics_set *s, const char *part)
{
	char *text = text_of(s, metrics_write_prometheus);

	if (!strstr(text, part)) fail_msg("%s is not in\n%s", part, text);
	free(text);
}

static void
sums(void **state)
{
	struct metrics_set s;
	struct metrics *m[3];

	(void)state;
	assert_int_equal(metrics_set_init(&s), 0);
	for (int i = 0; i < 3; i++) assert_non_null(m[i] = metrics_new(&s, &plain, NULL));
	assert_int_equal((uintptr_t)m[1]->v % 64, 0);
	metrics_inc(m[0], PLAIN_EARLY);
	metrics_add(m[2], PLAIN_EARLY, 41);
	assert_int_equal(metrics_sum(&s, &plain, PLAIN_EARLY), 42);
	assert_int_equal(metrics_sum(&s, &plain, PLAIN_LATE), 0);
	assert_int_equal(metrics_sum(&s, &labelled, LABELLED_IN), 0);
	metrics_inc(m[0], PLAIN_OPEN);
	metrics_sub(m[1], PLAIN_OPEN, 1);
	assert_int_equal(metrics_sum(&s, &plain, PLAIN_OPEN), 0);
	metrics_sub(m[1], PLAIN_OPEN, 1); /* a gauge read in between two threads */
	assert_int_equal(metrics_sum(&s, &plain, PLAIN_OPEN), 0);
	metrics_put(m[1], PLAIN_OPEN, 7);
	assert_int_equal(metrics_sum(&s, &plain, PLAIN_OPEN), 8);
	for (int i = 0; i < 3; i++) metrics_free(m[i]);
	metrics_free(NULL);
	assert_int_equal(metrics_sum(&s, &plain, PLAIN_EARLY), 0);
	metrics_set_deinit(&s);
}

/* The whole page of a table, to the byte. */
static void
prometheus(void **state)
{
	struct metrics_set s;
	struct metrics *a, *b;
	static const uint64_t values[] = { 0, 1, 2, 20, 21, 12000, 12001, 900000 };

	(void)state;
	assert_int_equal(metrics_set_init(&s), 0);
	assert_non_null(a = metrics_new(&s, &plain, NULL));
	assert_non_null(b = metrics_new(&s, &plain, NULL));
	metrics_add(a, PLAIN_LATE, 7);
	metrics_inc(b, PLAIN_LAST);
	for (size_t i = 0; i < sizeof values / sizeof values[0]; i++)
		metrics_observe(i % 2 ? a : b, PLAIN_TURN, &turns, values[i]);
	expect_text(&s, metrics_write_prometheus,
		"# HELP siocast_open Things that are open.\n"
		"# TYPE siocast_open gauge\n"
		"siocast_open 0\n"
		"# HELP siocast_ended_total Ends.\n"
		"# TYPE siocast_ended_total counter\n"
		"siocast_ended_total{reason=\"too early\"} 0\n"
		"siocast_ended_total{reason=\"too late\"} 7\n"
		"# HELP siocast_turn_seconds Turns.\n"
		"# TYPE siocast_turn_seconds histogram\n"
		"siocast_turn_seconds_bucket{le=\"0.001\"} 2\n"
		"siocast_turn_seconds_bucket{le=\"0.02\"} 4\n"
		"siocast_turn_seconds_bucket{le=\"0.5\"} 5\n"
		"siocast_turn_seconds_bucket{le=\"12\"} 6\n"
		"siocast_turn_seconds_bucket{le=\"+Inf\"} 8\n"
		"siocast_turn_seconds_sum 924.045\n"
		"siocast_turn_seconds_count 8\n"
		"# HELP siocast_last_total What stands behind a histogram.\n"
		"# TYPE siocast_last_total counter\n"
		"siocast_last_total 1\n");
	expect_text(&s, metrics_write_json,
		"{\"open\":0,\"ended_total\":{\"too early\":0,\"too late\":7},\"turn_seconds\":{\"buckets\":{\"0.001\":2,"
		"\"0.02\":4,\"0.5\":5,\"12\":6,\"+Inf\":8},\"sum\":924.045,\"count\":8},\"last_total\":1}");
	metrics_free(a);
	metrics_free(b);
	metrics_set_deinit(&s);
}

/* Each family once, with all its labels; in JSON the sums, and then each label. Those of one label are one. */
static void
labels(void **state)
{
	struct metrics_set s;
	struct metrics *m[3];

	(void)state;
	assert_int_equal(metrics_set_init(&s), 0);
	assert_int_equal(metrics_set_show(&s, &labelled), 0);
	expect_part(&s, "# TYPE siocast_in_total counter\n# HELP siocast_sizes Sizes.\n");
	assert_non_null(m[0] = metrics_new_numbered(&s, &labelled, 3));
	assert_non_null(m[1] = metrics_new(&s, &labelled, "/a\"b\\c\nd"));
	assert_non_null(m[2] = metrics_new(&s, &labelled, "3"));
	metrics_inc(m[0], LABELLED_IN);
	metrics_inc(m[1], LABELLED_IN);
	metrics_inc(m[2], LABELLED_IN);
	metrics_inc(m[1], LABELLED_LOST_B);
	metrics_observe(m[1], LABELLED_SIZES, &sizes, 10);
	expect_text(&s, metrics_write_prometheus,
		"# HELP siocast_in_total In.\n"
		"# TYPE siocast_in_total counter\n"
		"siocast_in_total{part=\"3\"} 2\n"
		"siocast_in_total{part=\"/a\\\"b\\\\c\\nd\"} 1\n"
		"# HELP siocast_sizes Sizes.\n"
		"# TYPE siocast_sizes histogram\n"
		"siocast_sizes_bucket{part=\"3\",le=\"1\"} 0\n"
		"siocast_sizes_bucket{part=\"3\",le=\"10\"} 0\n"
		"siocast_sizes_bucket{part=\"3\",le=\"+Inf\"} 0\n"
		"siocast_sizes_sum{part=\"3\"} 0\n"
		"siocast_sizes_count{part=\"3\"} 0\n"
		"siocast_sizes_bucket{part=\"/a\\\"b\\\\c\\nd\",le=\"1\"} 0\n"
		"siocast_sizes_bucket{part=\"/a\\\"b\\\\c\\nd\",le=\"10\"} 1\n"
		"siocast_sizes_bucket{part=\"/a\\\"b\\\\c\\nd\",le=\"+Inf\"} 1\n"
		"siocast_sizes_sum{part=\"/a\\\"b\\\\c\\nd\"} 10\n"
		"siocast_sizes_count{part=\"/a\\\"b\\\\c\\nd\"} 1\n"
		"# HELP siocast_lost_total Lost.\n"
		"# TYPE siocast_lost_total counter\n"
		"siocast_lost_total{part=\"3\",why=\"a\"} 0\n"
		"siocast_lost_total{part=\"3\",why=\"b\"} 0\n"
		"siocast_lost_total{part=\"/a\\\"b\\\\c\\nd\",why=\"a\"} 0\n"
		"siocast_lost_total{part=\"/a\\\"b\\\\c\\nd\",why=\"b\"} 1\n"
		"# HELP siocast_now Now.\n"
		"# TYPE siocast_now gauge\n"
		"siocast_now{part=\"3\"} 0\n"
		"siocast_now{part=\"/a\\\"b\\\\c\\nd\"} 0\n");
	assert_int_equal(metrics_sum(&s, &labelled, LABELLED_IN), 3);
	metrics_free(m[0]);
	metrics_free(m[2]);
	expect_text(&s, metrics_write_json,
		"{\"in_total\":1,\"sizes\":{\"buckets\":{\"1\":0,\"10\":1,\"+Inf\":1},\"sum\":10,\"count\":1},"
		"\"lost_total\":{\"a\":0,\"b\":1},\"now\":0,\"by_part\":{\"/a\\\"b\\\\c\\nd\":{\"in_total\":1,"
		"\"sizes\":{\"buckets\":{\"1\":0,\"10\":1,\"+Inf\":1},\"sum\":10,\"count\":1},\"lost_total\":{\"a\":0,\"b\":1},"
		"\"now\":0}}}");
	metrics_free(m[1]);
	expect_part(&s, "# TYPE siocast_in_total counter\n# HELP siocast_sizes Sizes.\n");
	metrics_set_deinit(&s);
}

/* Two tables of one label: in JSON they are one, whichever of them has what there is. */
static void
one_label(void **state)
{
	struct metrics_set s;
	struct metrics *m[3];

	(void)state;
	assert_int_equal(metrics_set_init(&s), 0);
	assert_int_equal(metrics_set_show(&s, &plain), 0);
	assert_non_null(m[0] = metrics_new(&s, &beside, "a"));
	assert_non_null(m[1] = metrics_new(&s, &labelled, "b"));
	assert_non_null(m[2] = metrics_new(&s, &beside, "b"));
	metrics_inc(m[0], BESIDE_WS_3);
	metrics_put(m[2], BESIDE_TOOK, 1250);
	metrics_inc(m[1], LABELLED_IN);
	expect_part(&s, "# TYPE siocast_sends_total counter\n"
			"siocast_sends_total{part=\"a\",by=\"ws\",eio=\"4\"} 0\n"
			"siocast_sends_total{part=\"a\",by=\"ws\",eio=\"3\"} 1\n"
			"siocast_sends_total{part=\"b\",by=\"ws\",eio=\"4\"} 0\n"
			"siocast_sends_total{part=\"b\",by=\"ws\",eio=\"3\"} 0\n"
			"# HELP siocast_took_seconds Took.\n"
			"# TYPE siocast_took_seconds gauge\n"
			"siocast_took_seconds{part=\"a\"} 0\n"
			"siocast_took_seconds{part=\"b\"} 1.25\n");
	expect_text(&s, metrics_write_json,
		"{\"open\":0,\"ended_total\":{\"too early\":0,\"too late\":0},\"turn_seconds\":{\"buckets\":{\"0.001\":0,"
		"\"0.02\":0,\"0.5\":0,\"12\":0,\"+Inf\":0},\"sum\":0,\"count\":0},\"last_total\":0,"
		"\"sends_total\":{\"ws,4\":0,\"ws,3\":1},\"took_seconds\":1.25,"
		"\"by_part\":{\"a\":{\"sends_total\":{\"ws,4\":0,\"ws,3\":1},\"took_seconds\":0},"
		"\"b\":{\"sends_total\":{\"ws,4\":0,\"ws,3\":0},\"took_seconds\":1.25,\"in_total\":1,"
		"\"sizes\":{\"buckets\":{\"1\":0,\"10\":0,\"+Inf\":0},\"sum\":0,\"count\":0},"
		"\"lost_total\":{\"a\":0,\"b\":0},\"now\":0}},"
		"\"in_total\":1,\"sizes\":{\"buckets\":{\"1\":0,\"10\":0,\"+Inf\":0},\"sum\":0,\"count\":0},"
		"\"lost_total\":{\"a\":0,\"b\":0},\"now\":0}");
	for (int i = 0; i < 3; i++) metrics_free(m[i]);
	metrics_set_deinit(&s);
}

/* A number above 2^53 comes out as it is. */
static void
large_numbers(void **state)
{
	struct eio_bytes v, pointer = EIO_LIT("/ended_total/too late");
	struct metrics_set s;
	struct metrics *m;
	char *text;

	(void)state;
	assert_int_equal(metrics_set_init(&s), 0);
	assert_non_null(m = metrics_new(&s, &plain, NULL));
	metrics_add(m, PLAIN_LATE, UINT64_MAX);
	text = text_of(&s, metrics_write_json);
	assert_int_equal(sio_json_check(eio_cstr(text)), 0);
	assert_true(sio_json_find(eio_cstr(text), pointer, &v));
	assert_true(eio_bytes_eq(v, EIO_LIT("18446744073709551615")));
	free(text);
	metrics_free(m);
	metrics_set_deinit(&s);
}

/* However many labels there are, so many are shown and the rest as one; nothing is lost of the sum. */
static void
bounded(void **state)
{
	enum { MANY = 4096, PAGE_BYTES = 512 * 1024 };
	static struct metrics *m[MANY];
	struct metrics_set s;
	char *text, other[64];

	(void)state;
	assert_int_equal(metrics_set_init(&s), 0);
	for (unsigned i = 0; i < MANY; i++) {
		assert_non_null(m[i] = metrics_new_numbered(&s, &labelled, i));
		metrics_add(m[i], LABELLED_IN, UINT32_MAX);
	}
	assert_int_equal(metrics_sum(&s, &labelled, LABELLED_IN), (uint64_t)MANY * UINT32_MAX);
	expect_part(&s, "siocast_in_total{part=\"255\"} 4294967295\n");
	snprintf(other, sizeof other, "siocast_in_total{part=\"other\"} %llu\n",
		(unsigned long long)(MANY - METRICS_LABELS_MAX) * UINT32_MAX);
	expect_part(&s, other);
	text = text_of(&s, metrics_write_prometheus);
	assert_null(strstr(text, "part=\"256\""));
	assert_true(strlen(text) < PAGE_BYTES);
	free(text);
	for (unsigned i = 0; i < MANY; i++) metrics_free(m[i]);
	metrics_set_deinit(&s);
}

/* One more than the sum, by the label's number. */
static void
note_label(void *user, const char *label, uint64_t sum)
{
	uint64_t *seen = user;

	seen[strtoul(label, NULL, 10)] += sum + 1;
}

/* The largest of a label's values, in order; what is 0 is not among them. */
static void
largest(void **state)
{
	static const uint64_t values[] = { 3, 0, 9, 9, 1, 12 };
	enum { N = sizeof values / sizeof values[0] };
	struct metrics_top top[N];
	uint64_t seen[N];
	struct metrics_set s;
	struct metrics *m[N];

	(void)state;
	assert_int_equal(metrics_set_init(&s), 0);
	assert_int_equal(metrics_top(&s, &labelled, LABELLED_IN, LABELLED_NOW, top, N), 0);
	for (unsigned i = 0; i < N; i++) {
		assert_non_null(m[i] = metrics_new_numbered(&s, &labelled, i));
		metrics_add(m[i], LABELLED_IN, values[i]);
		metrics_put(m[i], LABELLED_NOW, i);
	}
	assert_int_equal(metrics_top(&s, &labelled, LABELLED_IN, LABELLED_NOW, top, N), 5);
	for (unsigned i = 0; i < 5; i++) {
		static const uint64_t wanted[] = { 12, 9, 9, 3, 1 }, also[] = { 5, 2, 3, 0, 4 };

		assert_int_equal(top[i].by, wanted[i]);
		assert_int_equal(top[i].also, also[i]);
		assert_int_equal(strtoul(top[i].label, NULL, 10), also[i]);
	}
	memset(seen, 0, sizeof seen);
	metrics_each(&s, &labelled, LABELLED_IN, note_label, seen);
	for (unsigned i = 0; i < N; i++) assert_int_equal(seen[i], values[i] + 1);
	assert_int_equal(metrics_top(&s, &labelled, LABELLED_IN, LABELLED_NOW, top, 2), 2);
	assert_int_equal(top[0].by, 12);
	assert_int_equal(top[1].also, 2);
	for (unsigned i = 0; i < N; i++) metrics_free(m[i]);
	metrics_set_deinit(&s);
}

/* Threads that count, and take part and leave, while another reads. */
enum { THREADS = 3, ROUNDS = 200 };

struct counting {
	uv_thread_t id;
	struct metrics_set *set;
	struct metrics *lasting;
	unsigned label;
	atomic_int *running;
};

static void
count_and_leave(void *arg)
{
	struct counting *c = arg;

	for (unsigned i = 0; i < ROUNDS; i++) {
		struct metrics *m = metrics_new_numbered(c->set, &labelled, i % 2 ? c->label : 0);

		assert_non_null(m);
		metrics_inc(m, LABELLED_NOW);
		metrics_observe(m, LABELLED_SIZES, &sizes, i);
		metrics_inc(c->lasting, PLAIN_EARLY);
		metrics_free(m);
	}
	atomic_fetch_sub(c->running, 1);
}

static void
while_reading(void **state)
{
	struct metrics_set s;
	struct counting c[THREADS];
	atomic_int running = THREADS;

	(void)state;
	assert_int_equal(metrics_set_init(&s), 0);
	for (unsigned i = 0; i < THREADS; i++) {
		c[i] = (struct counting){ .set = &s, .label = i, .running = &running };
		assert_non_null(c[i].lasting = metrics_new(&s, &plain, NULL));
		assert_int_equal(uv_thread_create(&c[i].id, count_and_leave, &c[i]), 0);
	}
	while (atomic_load(&running) > 0) {
		char *text = text_of(&s, metrics_write_json);

		assert_int_equal(sio_json_check(eio_cstr(text)), 0);
		free(text);
		free(text_of(&s, metrics_write_prometheus));
		assert_true(metrics_sum(&s, &labelled, LABELLED_NOW) <= THREADS);
	}
	for (unsigned i = 0; i < THREADS; i++) uv_thread_join(&c[i].id);
	assert_int_equal(metrics_sum(&s, &plain, PLAIN_EARLY), THREADS * ROUNDS);
	for (unsigned i = 0; i < THREADS; i++) metrics_free(c[i].lasting);
	metrics_set_deinit(&s);
}

/* What was counted goes on under the other name, with what is counted there already. */
static void
another_label(void **state)
{
	struct metrics_set s;
	struct metrics *m[3];

	(void)state;
	assert_int_equal(metrics_set_init(&s), 0);
	assert_int_equal(metrics_set_show(&s, &labelled), 0);
	assert_non_null(m[0] = metrics_new(&s, &labelled, "a"));
	assert_non_null(m[1] = metrics_new(&s, &labelled, "a"));
	assert_non_null(m[2] = metrics_new(&s, &labelled, "b"));
	metrics_add(m[0], LABELLED_IN, 2);
	metrics_add(m[1], LABELLED_IN, 3);
	metrics_add(m[2], LABELLED_IN, 10);
	assert_int_equal(metrics_relabel(m[0], "b"), 0);
	expect_part(&s, "siocast_in_total{part=\"a\"} 3\nsiocast_in_total{part=\"b\"} 12\n");
	metrics_inc(m[0], LABELLED_IN);
	/* Nobody is left under that name. */
	assert_int_equal(metrics_relabel(m[1], "b"), 0);
	assert_int_equal(metrics_relabel(m[1], "b"), 0);
	expect_part(&s, "# TYPE siocast_in_total counter\nsiocast_in_total{part=\"b\"} 16\n");
	assert_int_equal(metrics_relabel(m[1], "c"), 0);
	expect_part(&s, "siocast_in_total{part=\"b\"} 13\nsiocast_in_total{part=\"c\"} 3\n");
	for (size_t i = 0; i < sizeof m / sizeof *m; i++) metrics_free(m[i]);
	metrics_set_deinit(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sums),
		cmocka_unit_test(prometheus),
		cmocka_unit_test(labels),
		cmocka_unit_test(one_label),
		cmocka_unit_test(another_label),
		cmocka_unit_test(largest),
		cmocka_unit_test(large_numbers),
		cmocka_unit_test(bounded),
		cmocka_unit_test(while_reading),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* How many clients there are: who is told when, and random sequences against plain sums. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "src/presence/count.h"
#include "tests/unit/dice.h"

static const uint64_t hash_key[2] = { 1, 2 };
static const struct presence_count_spec spec = { .interval_ms = 1000, .shared = true };
static struct presence_counts counts;

static int
setup(void **state)
{
	(void)state;
	return presence_counts_init(&counts, hash_key);
}

static int
teardown(void **state)
{
	(void)state;
	assert_int_equal(counts.targets.count, 0);
	presence_counts_deinit(&counts);
	return 0;
}

static void
expect(uint64_t now_ms, enum presence_count_kind kind, uint64_t n)
{
	struct presence_count_event ev;

	assert_true(presence_count_next(&counts, now_ms, &ev));
	assert_int_equal(ev.kind, kind);
	assert_int_equal(ev.n, n);
}

static void
expect_nothing(uint64_t now_ms)
{
	struct presence_count_event ev;

	assert_false(presence_count_next(&counts, now_ms, &ev));
}

static void
test_interval(void **state)
{
	struct sio_room_key all = sio_room_everyone(EIO_LIT("/"));

	(void)state;
	presence_count_enter(&counts, &spec, all, 1);
	expect(10, PRESENCE_COUNT_ALL, 1);
	expect(10, PRESENCE_COUNT_SHARE, 1);
	expect_nothing(10);
	assert_int_equal(presence_count_deadline(&counts, 10), UINT64_MAX);
	/* A newcomer is told at once, the others when it is time. */
	presence_count_enter(&counts, &spec, all, 2);
	expect(20, PRESENCE_COUNT_NEWCOMERS, 2);
	assert_int_equal(counts.looked_at.target->n_newcomers, 1);
	assert_int_equal(counts.looked_at.target->newcomers[0].seat, 2);
	expect_nothing(20);
	assert_int_equal(presence_count_deadline(&counts, 20), 1010);
	expect_nothing(1009);
	expect(1010, PRESENCE_COUNT_ALL, 2);
	expect(1010, PRESENCE_COUNT_SHARE, 2);
	expect_nothing(1010);
	/* What is as it was before is not told again, but to who is new. */
	presence_count_exit(&counts, all, 1);
	presence_count_enter(&counts, &spec, all, 3);
	expect(1500, PRESENCE_COUNT_NEWCOMERS, 2);
	expect_nothing(1500);
	expect_nothing(9000);
	/* A newcomer that is gone again is not told. */
	presence_count_enter(&counts, &spec, all, 4);
	presence_count_exit(&counts, all, 4);
	expect_nothing(9000);
	presence_count_exit(&counts, all, 2);
	presence_count_exit(&counts, all, 3);
	expect(9000, PRESENCE_COUNT_SHARE, 0);
	expect_nothing(9000);
	presence_count_exit(&counts, all, 3); /* nobody is there */
}

/* Whether what is told now is for a seat that may be a newcomer. */
static bool
concerns(uint64_t seat)
{
	const struct presence_count_event *ev = &counts.looked_at;

	for (size_t i = 0; i < ev->target->n_newcomers; i++)
		if (ev->target->newcomers[i].seat == seat)
			return presence_count_concerns(ev, &ev->target->newcomers[i]);
	return ev->kind == PRESENCE_COUNT_ALL;
}

/* Who heard a number does not hear it again with everybody, and nobody is left with one that is not so any more. */
static void
test_newcomers(void **state)
{
	struct sio_room_key all = sio_room_everyone(EIO_LIT("/"));

	(void)state;
	presence_count_enter(&counts, &spec, all, 1);
	expect(10, PRESENCE_COUNT_ALL, 1);
	assert_true(concerns(1));
	expect(10, PRESENCE_COUNT_SHARE, 1);
	presence_count_enter(&counts, &spec, all, 2);
	expect(20, PRESENCE_COUNT_NEWCOMERS, 2);
	assert_true(!concerns(1) && concerns(2));
	presence_count_enter(&counts, &spec, all, 3);
	expect(30, PRESENCE_COUNT_NEWCOMERS, 3);
	assert_true(!concerns(2) && concerns(3));
	expect_nothing(30);
	expect(1010, PRESENCE_COUNT_ALL, 3);
	assert_true(concerns(1) && concerns(2) && !concerns(3));
	expect(1010, PRESENCE_COUNT_SHARE, 3);
	expect_nothing(1010);
	/* Another came, and one went: all but the former know the right number. */
	presence_count_enter(&counts, &spec, all, 4);
	expect(1020, PRESENCE_COUNT_NEWCOMERS, 4);
	presence_count_exit(&counts, all, 1);
	expect_nothing(1030);
	assert_int_equal(presence_count_deadline(&counts, 1030), 2010);
	expect(2010, PRESENCE_COUNT_NEWCOMERS, 3);
	assert_true(!concerns(2) && concerns(4));
	expect_nothing(2010);
	assert_int_equal(presence_count_deadline(&counts, 2010), UINT64_MAX);
	for (uint64_t seat = 2; seat <= 4; seat++) presence_count_exit(&counts, all, seat);
	expect(9000, PRESENCE_COUNT_SHARE, 0);
	expect_nothing(9000);
}

/* With more newcomers than are kept all are told, whatever they were told before. */
static void
test_many_newcomers(void **state)
{
	enum { MANY = 3000 };
	struct sio_room_key all = sio_room_everyone(EIO_LIT("/"));
	struct presence_count_event ev;

	(void)state;
	presence_count_enter(&counts, &spec, all, 0);
	while (presence_count_next(&counts, 10, &ev)) continue;
	for (uint64_t seat = 1; seat <= MANY; seat++) {
		presence_count_enter(&counts, &spec, all, seat);
		expect(20, PRESENCE_COUNT_NEWCOMERS, seat + 1);
		expect_nothing(20);
	}
	for (uint64_t seat = 1; seat <= MANY; seat++) presence_count_exit(&counts, all, seat);
	expect(1010, PRESENCE_COUNT_ALL, 1);
	assert_int_equal(counts.looked_at.target->n_newcomers, 0);
	expect_nothing(1010);
	presence_count_exit(&counts, all, 0);
	expect(9000, PRESENCE_COUNT_SHARE, 0);
	expect_nothing(9000);
}

static void
test_nodes(void **state)
{
	struct sio_room_key all = sio_room_everyone(EIO_LIT("/")), room = sio_room_named(EIO_LIT("/"), EIO_LIT("r"));
	struct presence_count_node node = { .generation = 0 };

	(void)state;
	eio_list_init(&node.parts);
	presence_count_set(&counts, &node, &spec, all, 7);
	presence_count_set(&counts, &node, &spec, room, 3);
	expect_nothing(10); /* nobody here is interested */
	presence_count_enter(&counts, &spec, all, 1);
	expect(10, PRESENCE_COUNT_ALL, 8);
	expect(10, PRESENCE_COUNT_SHARE, 1);
	presence_count_begin(&node);
	presence_count_set(&counts, &node, &spec, all, 5);
	presence_count_end(&counts, &node);
	expect_nothing(20);
	expect(1010, PRESENCE_COUNT_ALL, 6);
	expect_nothing(1010);
	presence_count_set(&counts, &node, &spec, all, 0);
	expect(3000, PRESENCE_COUNT_ALL, 1);
	presence_count_exit(&counts, all, 1);
	expect(4000, PRESENCE_COUNT_SHARE, 0);
	expect_nothing(4000);
}

enum { TARGETS = 3, SEATS = 40, ROUNDS = 20000 };

static void
test_random(void **state)
{
	static const char *const names[TARGETS] = { "a", "b", "c" };
	int where[SEATS] = { 0 }; /* 0: nowhere, else a target's number and one */
	struct presence_count_node node = { .generation = 0 };
	uint64_t ours[TARGETS] = { 0 }, others[TARGETS] = { 0 }, shared[TARGETS] = { 0 }, now_ms = 1;
	uint64_t shown[TARGETS] = { 0 }, shown_ms[TARGETS] = { 0 }, heard[SEATS] = { 0 };
	struct presence_count_event ev;

	(void)state;
	dice_state = 5;
	eio_list_init(&node.parts);
	for (int i = 0; i < ROUNDS; i++) {
		unsigned s = dice(SEATS), t = dice(TARGETS);

		if (dice(5) == 0) {
			others[t] = dice(4);
			presence_count_set(
				&counts, &node, &spec, sio_room_named(EIO_LIT("/"), eio_cstr(names[t])), others[t]);
		} else if (where[s]) {
			t = (unsigned)where[s] - 1;
			presence_count_exit(&counts, sio_room_named(EIO_LIT("/"), eio_cstr(names[t])), s);
			ours[t]--;
			where[s] = 0;
		} else {
			presence_count_enter(&counts, &spec, sio_room_named(EIO_LIT("/"), eio_cstr(names[t])), s);
			ours[t]++;
			where[s] = (int)t + 1;
			heard[s] = 0;
		}
		now_ms += dice(300);
		if (dice(3)) continue;
		while (presence_count_next(&counts, now_ms, &ev)) {
			t = (unsigned)(ev.target->key.name.p[0] - 'a');
			for (s = 0; s < SEATS && ev.kind != PRESENCE_COUNT_SHARE; s++) {
				if (where[s] != (int)t + 1 || !concerns(s)) continue;
				assert_int_not_equal(heard[s], ev.n);
				heard[s] = ev.n;
			}
			switch (ev.kind) {
			case PRESENCE_COUNT_ALL:
				assert_true(!shown_ms[t] || now_ms >= shown_ms[t] + spec.interval_ms);
				assert_int_equal(ev.n, ours[t] + others[t]);
				shown[t] = ev.n;
				shown_ms[t] = now_ms;
				break;
			case PRESENCE_COUNT_NEWCOMERS:
				assert_int_equal(ev.n, ours[t] + others[t]);
				if (ev.target->told_ms == now_ms) shown_ms[t] = now_ms; /* that took its time, too */
				break;
			case PRESENCE_COUNT_SHARE: shared[t] = ev.n; break;
			}
		}
		/* Whoever looks knows the number, or will when the interval is over; and when nobody is there at all,
		 * nothing is kept. */
		for (t = 0; t < TARGETS; t++) {
			if (!ours[t] && !others[t]) shown_ms[t] = shared[t] ? shown_ms[t] : 0;
			if (ours[t] && shown_ms[t] + spec.interval_ms <= now_ms)
				assert_int_equal(shown[t], ours[t] + others[t]);
		}
		for (s = 0; s < SEATS; s++) {
			if (!where[s]) continue;
			t = (unsigned)where[s] - 1;
			assert_true(heard[s]);
			if (presence_count_deadline(&counts, now_ms) == UINT64_MAX)
				assert_int_equal(heard[s], ours[t] + others[t]);
		}
	}
	for (unsigned s = 0; s < SEATS; s++)
		if (where[s])
			presence_count_exit(&counts, sio_room_named(EIO_LIT("/"), eio_cstr(names[where[s] - 1])), s);
	presence_count_begin(&node);
	presence_count_end(&counts, &node);
	while (presence_count_next(&counts, now_ms + 10000, &ev)) assert_int_equal(ev.kind, PRESENCE_COUNT_SHARE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_interval, setup, teardown),
		cmocka_unit_test_setup_teardown(test_newcomers, setup, teardown),
		cmocka_unit_test_setup_teardown(test_many_newcomers, setup, teardown),
		cmocka_unit_test_setup_teardown(test_nodes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_random, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

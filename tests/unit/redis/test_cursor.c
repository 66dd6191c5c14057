/* SPDX-License-Identifier: MIT */
/* What is missing of a stream, told by what a server says of it: played with a stream of our own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "src/redis/cursor.h"
#include "tests/unit/dice.h"

#include <stdio.h>
#include <string.h>

enum { LIVE_MAX = 4096 };

/* A stream as Redis has it. Its ids are n-0. */
static struct model {
	bool there, counts;
	uint64_t live[LIVE_MAX]; /* its entries */
	size_t n;
	uint64_t last, deleted, added;
} model;

static struct redis_cursor cursor;
static enum redis_server_role role; /* of who has it */
static uint64_t now_ms;
static uint64_t missed; /* as was told */
static uint64_t lost; /* taken out before they were read */
static unsigned gaps, anews;
static char told[256]; /* the gap that was told last */

static struct redis_id
id_of(uint64_t n)
{
	return (struct redis_id){ n, 0 };
}

static void
begin_model(bool counts)
{
	memset(&model, 0, sizeof model);
	memset(&cursor, 0, sizeof cursor);
	model.there = true;
	model.counts = counts;
	missed = gaps = anews = 0;
	role = REDIS_SERVER_MASTER;
	*told = '\0';
}

static void
add_entry(void)
{
	assert_true(model.n < LIVE_MAX);
	model.live[model.n++] = ++model.last;
	model.added++;
}

/* Takes out the i-th. */
static void
take_out(size_t i)
{
	if (model.live[i] > model.deleted) model.deleted = model.live[i];
	lost += model.live[i] > cursor.at.ms;
	memmove(&model.live[i], &model.live[i + 1], (model.n - i - 1) * sizeof model.live[0]);
	model.n--;
}

static void
note(bool is_gap, const struct redis_gap *gap)
{
	if (!is_gap) return;
	gaps++;
	anews += gap->anew;
	missed += gap->missed;
	snprintf(told, sizeof told, "%llu %llu %llu%s", (unsigned long long)gap->from.ms,
		(unsigned long long)gap->to.ms, (unsigned long long)gap->missed, gap->anew ? " anew" : "");
}

static void
look(void)
{
	struct redis_stream_info info = { .length = model.n, .last = id_of(model.last), .counts = model.counts };
	const struct redis_look it = { model.there ? &info : NULL, role, now_ms };
	struct redis_gap gap;

	if (model.n) info.first = id_of(model.live[0]);
	if (model.counts) {
		info.added = model.added;
		info.deleted = id_of(model.deleted);
	}
	note(redis_cursor_looked(&cursor, &it, &gap), &gap);
}

/* XREAD; returns how many entries came. */
static unsigned
read_some(unsigned count)
{
	unsigned n = 0;
	struct redis_gap gap;

	for (size_t i = 0; i < model.n && n < count; i++) {
		if (redis_id_compare(id_of(model.live[i]), cursor.at) <= 0) continue;
		note(redis_cursor_entry(&cursor, id_of(model.live[i]), &gap), &gap);
		n++;
	}
	if (n < count) note(redis_cursor_caught_up(&cursor, &gap), &gap);
	return n;
}

static void
add_entries(unsigned n)
{
	while (n--) add_entry();
}

static void
anything(void)
{
	switch (dice(6)) {
	case 0: add_entries(dice(8)); break;
	case 1:
		while (model.n > 3) take_out(0); /* MAXLEN 3 */
		break;
	case 2:
		if (model.n) take_out(dice((unsigned)model.n)); /* XDEL */
		break;
	case 3: look(); break;
	default: read_some(1 + dice(6));
	}
}

/* Random sequences of what may happen between two calls: with a server that counts, what is told is what is missing. */
static void
told_is_what_is_missing(void **state)
{
	unsigned missing = 0;

	(void)state;
	dice_state = 1;
	for (int round = 0; round < 3000; round++) {
		begin_model(true);
		add_entries(dice(5));
		if (dice(2) && model.n) take_out(0);
		if (dice(2)) redis_cursor_begin(&cursor, id_of(0));
		look();
		lost = 0;
		for (int step = 0; step < 60; step++) anything();
		look();
		while (read_some(5) == 5) {
		};
		assert_int_equal(missed, lost);
		assert_int_equal(anews, 0);
		missing += lost > 0;
	}
	assert_in_range(missing, 1000, 2999);
}

static void
missing_entries_are_counted(void **state)
{
	(void)state;
	begin_model(true);
	add_entries(5);
	look(); /* from now on */
	assert_int_equal(read_some(10), 0);
	add_entries(3);
	assert_int_equal(read_some(10), 3);
	/* What was read may go. */
	while (model.n) take_out(0);
	look();
	assert_int_equal(gaps, 0);
	/* What was not may not: 9, 10 are gone, 11 is there. */
	add_entries(3);
	take_out(0);
	take_out(0);
	look();
	assert_int_equal(gaps, 0);
	assert_int_equal(read_some(10), 1);
	assert_string_equal(told, "8 10 2");
	/* All that came is gone, and nothing comes. */
	add_entries(2);
	while (model.n) take_out(0);
	look();
	assert_int_equal(read_some(10), 0);
	assert_string_equal(told, "11 13 2");
	look();
	assert_int_equal(gaps, 2);
}

/* One that began when another was at its end is found although it is in front of what was read. */
static void
beginnings(void **state)
{
	(void)state;
	/* All that is there; what was taken out before is no gap. */
	begin_model(true);
	add_entries(5);
	take_out(0);
	redis_cursor_begin(&cursor, id_of(0));
	look();
	assert_int_equal(read_some(10), 4);
	look();
	assert_int_equal(gaps, 0);
	/* Behind an id: what was taken out behind it is one. */
	redis_cursor_begin(&cursor, id_of(2));
	look();
	assert_int_equal(gaps, 0);
	take_out(2); /* 4 */
	redis_cursor_begin(&cursor, id_of(2));
	look();
	assert_string_equal(told, "2 4 0");
	assert_int_equal(read_some(10), 2);
	look();
	assert_int_equal(gaps, 1);
	/* Behind one that is to come. */
	begin_model(true);
	redis_cursor_begin(&cursor, id_of(100));
	look();
	add_entries(3);
	look();
	model.last = 99;
	add_entries(2);
	look();
	assert_int_equal(read_some(10), 1);
	look();
	assert_int_equal(gaps, 0);
	/* There is none yet. */
	begin_model(true);
	model.there = false;
	look();
	model.there = true;
	add_entries(2);
	assert_int_equal(read_some(10), 2);
	look();
	assert_int_equal(gaps, 0);
}

static void
another_stream(void **state)
{
	(void)state;
	begin_model(true);
	model.last = 100;
	add_entries(5);
	redis_cursor_begin(&cursor, id_of(0));
	look();
	assert_int_equal(read_some(10), 5);
	/* Deleted, and seen to be. */
	model = (struct model){ .counts = true };
	look();
	assert_string_equal(told, "105 0 0 anew");
	look();
	assert_int_equal(gaps, 1);
	model.there = true;
	add_entries(2);
	assert_int_equal(read_some(10), 2);
	look();
	assert_int_equal(gaps, 1);
	/* Not seen; its ids began behind what was read... */
	model = (struct model){ .there = true, .counts = true, .last = 50 };
	add_entries(1);
	look();
	assert_string_equal(told, "2 2 0 anew");
	assert_int_equal(read_some(10), 1);
	/* ... or in front of it. */
	model = (struct model){ .there = true, .counts = true, .last = 10 };
	add_entries(3);
	look();
	assert_string_equal(told, "51 0 0 anew");
	assert_int_equal(read_some(10), 3);
	look();
	assert_int_equal(gaps, 3);
	/* As it was before: the last two are gone. What is there was read. */
	model.n = 1;
	model.last = 11;
	model.added = 1;
	look();
	assert_string_equal(told, "13 11 0 anew");
	assert_int_equal(read_some(10), 0);
	add_entry();
	assert_int_equal(read_some(10), 1);
	look();
	assert_int_equal(gaps, 4);
}

/* Servers before Redis 7 do not count. */
static void
without_counts(void **state)
{
	(void)state;
	begin_model(false);
	add_entries(5);
	look();
	add_entries(3);
	assert_int_equal(read_some(10), 3);
	/* The last that was read is there: nothing behind it was cut off. */
	while (model.n > 1) take_out(0);
	look();
	assert_int_equal(gaps, 0);
	add_entries(4);
	while (model.n > 2) take_out(0);
	look();
	assert_string_equal(told, "8 11 0");
	look();
	assert_int_equal(gaps, 1);
	assert_int_equal(read_some(10), 2);
	look();
	add_entries(2);
	while (model.n) take_out(0);
	look();
	assert_string_equal(told, "12 14 0");
	assert_int_equal(read_some(10), 0);
	look();
	assert_int_equal(gaps, 2);
	model = (struct model){ .there = true, .last = 1 };
	add_entry();
	look();
	assert_string_equal(told, "14 0 0 anew");
	assert_int_equal(read_some(10), 1);
}

static void
positions(void **state)
{
	static const char *const wrong[] = { "", "x", "1-1 ", "1-1 x", "1-1 1-", "1-1  1", " 1-1" };
	char text[REDIS_CURSOR_TEXT];

	(void)state;
	begin_model(true);
	add_entries(5);
	look();
	add_entries(2);
	assert_int_equal(read_some(10), 2);
	assert_string_equal(redis_cursor_store(&cursor, text), "7-0 7");
	/* While it is away, three come of which two go. */
	add_entries(3);
	take_out(model.n - 3);
	take_out(model.n - 2);
	assert_true(redis_cursor_resume(&cursor, eio_cstr(text)));
	look();
	assert_int_equal(read_some(10), 1);
	assert_int_equal(missed, 2);
	assert_string_equal(redis_cursor_store(&cursor, text), "10-0 10");
	/* Without the number it is not known how many. */
	assert_true(redis_cursor_resume(&cursor, EIO_LIT("7-0")));
	assert_string_equal(redis_cursor_store(&cursor, text), "7-0");
	look();
	assert_string_equal(told, "7 9 0");
	/* The stream is gone. */
	model.there = false;
	assert_true(redis_cursor_resume(&cursor, EIO_LIT("10-0 10")));
	look();
	assert_string_equal(told, "10 0 0 anew");
	/* It is as it was before, or another one: ids that are times do not go back. */
	begin_model(true);
	model.last = 1526919030474;
	add_entries(3);
	assert_true(redis_cursor_resume(&cursor, EIO_LIT("1526919030480-0 9")));
	look();
	assert_string_equal(told, "1526919030480 1526919030477 0 anew");
	model.last = 3;
	assert_true(redis_cursor_resume(&cursor, EIO_LIT("1526919030480-0 9")));
	look();
	assert_string_equal(told, "1526919030480 0 0 anew");
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
		assert_false(redis_cursor_resume(&cursor, eio_cstr(wrong[i])));
}

/* A server of that role that has not all of what was read: its first n entries, from 1-0. It is looked at twice. */
static void
look_behind(enum redis_server_role r, unsigned n, bool counts)
{
	begin_model(counts);
	add_entries(n);
	cursor = (struct redis_cursor){ .at = id_of(10),
		.good = id_of(10),
		.first = id_of(1),
		.begun = true,
		.real = true,
		.counted = counts,
		.count = 10 };
	role = REDIS_SERVER_UNASKED;
	look();
	assert_int_equal(cursor.doubted, n < 10);
	role = r;
	look();
}

/* Nobody but a master is believed at once that what was read is not there. */
static void
who_is_behind(void **state)
{
	static const enum redis_server_role doubtful[] = { REDIS_SERVER_UNKNOWN, REDIS_SERVER_REPLICA };

	(void)state;
	for (int i = 0; i < 8; i++) {
		bool counts = i % 2, none = i / 4;
		unsigned n = none ? 0 : 7;

		look_behind(REDIS_SERVER_MASTER, n, counts);
		assert_false(cursor.doubted);
		assert_string_equal(told, none ? "10 0 0 anew" : "10 7 0 anew");
		/* It comes, and what is behind it: nothing is missing, and nothing is read twice. */
		look_behind(doubtful[i / 2 % 2], n, counts);
		assert_int_equal(read_some(10), 0);
		now_ms += REDIS_BEHIND_MS - 1;
		add_entries(12 - n);
		assert_int_equal(read_some(10), 2);
		look();
		assert_false(cursor.doubted);
		assert_int_equal(gaps, 0);
	}
	look_behind(REDIS_SERVER_REPLICA, 7, true);
	model.there = false;
	look();
	assert_true(cursor.doubted);
	/* Promoted, and it never had them. */
	model.there = true;
	role = REDIS_SERVER_MASTER;
	look();
	assert_string_equal(told, "10 0 0 anew");
}

/* The doubt has an end, earlier where nobody says that it is a replica. */
static void
how_long_behind(void **state)
{
	static const struct {
		enum redis_server_role role;
		uint64_t unmoved_ms;
	} all[] = { { REDIS_SERVER_UNKNOWN, REDIS_BEHIND_MS }, { REDIS_SERVER_REPLICA, REDIS_REPLICA_BEHIND_MS } };

	(void)state;
	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
		look_behind(all[i].role, 5, true);
		now_ms += all[i].unmoved_ms - 1;
		look();
		assert_true(cursor.doubted);
		/* It is coming. */
		add_entry();
		look();
		now_ms += all[i].unmoved_ms - 1;
		look();
		assert_true(cursor.doubted);
		/* On another connection it is waited for anew, who is asked first. */
		now_ms += 10 * all[i].unmoved_ms;
		redis_cursor_connected(&cursor);
		look();
		assert_true(cursor.doubted);
		now_ms += all[i].unmoved_ms - 1;
		look();
		assert_int_equal(gaps, 0);
		now_ms++;
		look();
		assert_false(cursor.doubted);
		assert_string_equal(told, "10 5 0 anew");
		/* What was added meanwhile has not been read. */
		assert_int_equal(read_some(10), 1);
		add_entry();
		assert_int_equal(read_some(10), 1);
		look();
		assert_int_equal(gaps, 1);
	}
}

/* Nobody is waited for without end, even if it goes on. */
static void
always_behind(void **state)
{
	static const struct {
		enum redis_server_role role;
		uint64_t unmoved_ms, most_ms;
	} all[] = { { REDIS_SERVER_UNKNOWN, REDIS_BEHIND_MS, REDIS_BEHIND_MOST_MS },
		{ REDIS_SERVER_REPLICA, REDIS_REPLICA_BEHIND_MS, REDIS_REPLICA_BEHIND_MOST_MS } };

	(void)state;
	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
		unsigned added = 0;

		look_behind(all[i].role, 1, true);
		for (uint64_t ms = 0; ms < all[i].most_ms; ms += all[i].unmoved_ms) {
			assert_true(cursor.doubted);
			add_entry();
			added++;
			now_ms += all[i].unmoved_ms;
			look();
		}
		assert_string_equal(told, "10 1 0 anew");
		assert_int_equal(read_some(10), added);
	}
}

/* Nobody is behind what he had, until the connection is another one. */
static void
who_had_it(void **state)
{
	(void)state;
	for (int looks = 0; looks < 2; looks++) {
		look_behind(REDIS_SERVER_REPLICA, 10, true);
		assert_false(cursor.doubted);
		redis_cursor_connected(&cursor);
		if (looks) look();
		if (!looks) add_entry();
		assert_int_equal(read_some(10), !looks);
		/* Its last entries are gone. */
		model.n -= 3;
		model.last -= 3;
		model.added -= 3;
		look();
		assert_false(cursor.doubted);
		assert_int_equal(anews, 1);
		add_entry();
		look();
		assert_int_equal(read_some(10), 1);
		redis_cursor_connected(&cursor);
		model.n--;
		model.last--;
		model.added--;
		look();
		assert_true(cursor.doubted);
		assert_int_equal(anews, 1);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(told_is_what_is_missing),
		cmocka_unit_test(missing_entries_are_counted),
		cmocka_unit_test(beginnings),
		cmocka_unit_test(another_stream),
		cmocka_unit_test(without_counts),
		cmocka_unit_test(positions),
		cmocka_unit_test(who_is_behind),
		cmocka_unit_test(how_long_behind),
		cmocka_unit_test(always_behind),
		cmocka_unit_test(who_had_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

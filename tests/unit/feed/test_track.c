/* SPDX-License-Identifier: MIT */
/* Two that read the same find the same places, or none: random sequences, in which much repeats.
 *
 *     TRACK_RUNS=1000000 tests/unit/feed/test_track       all of it; a part in the suite */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "src/feed/track.h"
#include "tests/unit/dice.h"

#include <stdlib.h>

enum { MESSAGES = 400, RUNS = 20000 };

/* A sequence: what was published, and when. */
struct sequence {
	uint64_t hash[MESSAGES], at_s[MESSAGES];
};

/* Letters of a small alphabet, and copies of what was there before, short and long. */
static void
make_sequence(struct sequence *s)
{
	unsigned letters = 1 + dice(4) * dice(4), pace = dice(4);
	uint64_t now = 1000000;

	for (unsigned n = 0; n < MESSAGES;) {
		unsigned from = n ? dice(n) : 0, length = n && dice(3) == 0 ? 1 + dice(100) : 0;

		if (!length) s->hash[n++] = (dice(letters) + 1) * UINT64_C(0x9e3779b97f4a7c15);
		for (; length && n < MESSAGES; length--) s->hash[n++] = s->hash[from++];
	}
	for (unsigned n = 0; n < MESSAGES; n++) {
		if (pace && dice(8) < pace) now += dice(pace == 1 ? 2 : 12);
		s->at_s[n] = now;
	}
}

/* Who reads it: from a message on, some seconds late. */
struct reader {
	struct track track;
	unsigned from, next;
	uint64_t now_s; /* when it read the last one */
};

static void
open_reader(struct reader *r, const struct sequence *s, unsigned from)
{
	r->from = r->next = from;
	r->now_s = s->at_s[from];
	track_init(&r->track, true, r->now_s);
}

/* Each is late by less than a tolerance, as it comes. */
static void
read_until(struct reader *r, const struct sequence *s, unsigned end)
{
	for (; r->next < end; r->next++) {
		uint64_t at = s->at_s[r->next] + dice(TRACK_TOLERANCE_S);

		if (at > r->now_s) r->now_s = at;
		assert_true(track_add_hashed(&r->track, s->hash[r->next], r->now_s));
		if (r->track.end - r->track.begin > 250) track_forget(&r->track);
	}
}

/* How often a fingerprint stands in what is kept. */
static unsigned
times_there(const struct track *t, struct track_place place)
{
	unsigned n = 0;

	for (uint64_t i = t->begin; i < t->end; i++)
		n += track_slot(t, i)->has_place && track_slot(t, i)->place.a == place.a;
	return n;
}

static void
finds_the_place_or_none(void **state)
{
	const char *given = getenv("TRACK_RUNS");
	unsigned long runs = given ? strtoul(given, NULL, 10) : RUNS, asked = 0, found = 0;
	unsigned long repeated = 0,
		      repeated_found = 0; /* of these, places whose fingerprint stands there twice, or more often */
	struct sequence s;

	(void)state;
	for (unsigned long run = 0; run < runs; run++) {
		struct reader one, other;
		struct track_place place;
		uint64_t n;

		dice_state = run;
		make_sequence(&s);
		open_reader(&one, &s, dice(20));
		open_reader(&other, &s, dice(100));
		while (one.next < MESSAGES) {
			unsigned end = one.next + 1 + dice(40);

			read_until(&one, &s, end < MESSAGES ? end : MESSAGES);
			read_until(&other, &s, one.next - dice(10) % one.next);
			if (!track_last(&one.track, &place)) continue;
			place.b &= (1 << TRACK_TIME_BITS) - 1;
			bool repeats = times_there(&other.track, place) > 1;

			asked++;
			repeated += repeats;
			if (!track_find(&other.track, place, &n)) continue;
			found++;
			repeated_found += repeats;
			if (other.from + n != one.next - 1)
				fail_msg("run %lu: message %u is taken for %u", run, one.next - 1,
					(unsigned)(other.from + n));
		}
		track_deinit(&one.track);
		track_deinit(&other.track);
	}
	print_message("%lu sequences, %lu places asked for, %lu found; of %lu that repeat, %lu\n", runs, asked, found,
		repeated, repeated_found);
	assert_true(found > asked / 20);
	/* What repeats is there often enough: such as can be told apart by the time, and such as cannot. */
	assert_true(
		repeated > asked / 50 && repeated_found > repeated / 50 && repeated - repeated_found > repeated / 50);
}

/* Reads messages numbered from `from` on, one in each of n seconds. */
static void
read_numbers(struct track *t, uint64_t from, unsigned n, uint64_t *now_s)
{
	for (unsigned i = 0; i < n; i++)
		assert_true(track_add_hashed(t, (from + i) * UINT64_C(0x9e3779b97f4a7c15), ++*now_s));
}

/* Who looks for a place must know, as who names it, that it is the only one of that time. */
static void
ambiguous_is_not_there(void **state)
{
	struct track one, late;
	struct track_place place;
	uint64_t now = 1000, then, n = 0;

	(void)state;
	track_init(&one, true, now);
	read_numbers(&one, 0, 50, &now);
	assert_true(track_last(&one, &place) && track_find(&one, place, &n));
	assert_int_equal(n, 49);

	/* It began to know places too late to have all the time before. */
	then = now - TRACK_WINDOW - 5;
	track_init(&late, true, then);
	read_numbers(&late, 50 - TRACK_WINDOW - 5, TRACK_WINDOW + 5, &then);
	assert_int_equal(then, now);
	assert_false(track_find(&late, place, &n) || track_last(&late, &place));
	track_deinit(&late);

	/* The same again within that time: neither is a place. Later than that, each is one. */
	for (unsigned i = 0; i < TRACK_WINDOW; i++)
		assert_true(track_add_hashed(&one, (50 - TRACK_WINDOW + i) * UINT64_C(0x9e3779b97f4a7c15), now + 4));
	assert_false(track_last(&one, &place));
	assert_false(track_find(&one, place, &n));
	now += 4;
	read_numbers(&one, 1000, 20, &now);
	read_numbers(&one, 50 - TRACK_WINDOW, TRACK_WINDOW, &now);
	assert_true(track_last(&one, &place) && track_find(&one, place, &n));
	assert_int_equal(n, one.end - 1);

	/* So is the one before the first that is kept, if it is clear. */
	while (one.begin < one.end) track_forget(&one);
	assert_true(track_find(&one, place, &n));
	assert_int_equal(n, one.end - 1);
	one.base.clear = false;
	assert_false(track_find(&one, place, &n));
	track_deinit(&one);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_the_place_or_none),
		cmocka_unit_test(ambiguous_is_not_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

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

static void
finds_the_place_or_none(void **state)
{
	const char *given = getenv("TRACK_RUNS");
	unsigned long runs = given ? strtoul(given, NULL, 10) : RUNS, asked = 0, found = 0;
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
			asked++;
			if (!track_find(&other.track, place, &n)) continue;
			found++;
			if (other.from + n != one.next - 1)
				fail_msg("run %lu: message %u is taken for %u", run, one.next - 1,
					(unsigned)(other.from + n));
		}
		track_deinit(&one.track);
		track_deinit(&other.track);
	}
	print_message("%lu sequences, %lu places asked for, %lu found\n", runs, asked, found);
	assert_true(found > asked / 20);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_the_place_or_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

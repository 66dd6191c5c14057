/* SPDX-License-Identifier: MIT */
/* Standings and offsets as text: what was written is read again, and nothing else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "src/feed/offset.h"
#include "tests/unit/dice.h"

#include <string.h>

static uint64_t
number(void)
{
	return ((uint64_t)dice(1U << 31) << 31 | dice(1U << 31)) >> dice(62);
}

static void
make_standing(struct standing *s)
{
	*s = (struct standing){ .n_tracks = 1 + dice(3), .n_classes = 1 + dice(3) };
	for (unsigned i = 0; i < s->n_tracks; i++) s->at[i] = (struct track_place){ number(), number() };
	for (unsigned i = 0; dice(2) && i < s->n_classes * s->n_tracks; i++)
		s->behind[i / s->n_tracks][i % s->n_tracks] = dice(2) ? number() : 0;
	s->partial = dice(2);
	if (!s->partial) return;
	s->class = dice(s->n_classes);
	s->feed = dice(1000);
	s->order = number() & ((UINT64_C(1) << STANDING_ORDER_BITS) - 1);
}

static void
what_is_written_is_read(void **state)
{
	unsigned written = 0;

	(void)state;
	for (unsigned run = 0; run < 20000; run++) {
		struct standing s, again;
		struct standing_text t;

		dice_state = run;
		make_standing(&s);
		t = standing_write(&s);
		if (!t.n) continue;
		written++;
		assert_true(standing_read(eio_bytes(t.text, t.n), s.n_tracks, s.n_classes, &again));
		assert_int_equal(again.partial, s.partial);
		assert_int_equal(again.class, s.class);
		assert_int_equal(again.feed, s.feed);
		assert_true(again.order == s.order);
		assert_memory_equal(again.at, s.at, sizeof s.at);
		assert_memory_equal(again.behind, s.behind, sizeof s.behind);
		/* For another number of tracks it is none, nor with something behind it. */
		assert_false(standing_read(eio_bytes(t.text, t.n), s.n_tracks + 1, s.n_classes, &again));
		t.text[t.n - 1] = ".,!: \""[dice(6)];
		assert_false(standing_read(eio_bytes(t.text, t.n), s.n_tracks, s.n_classes, &again));
	}
	assert_true(written > 5000);
}

/* What is too long for an offset is not said. */
static void
long_ones_are_none(void **state)
{
	struct standing s = { .n_tracks = STANDING_TRACKS, .n_classes = 1 };

	(void)state;
	for (unsigned i = 0; i < STANDING_TRACKS; i++) s.at[i] = (struct track_place){ UINT64_MAX, UINT64_MAX };
	assert_int_equal(standing_write(&s).n, 0);
	s.n_tracks = 2;
	assert_int_equal(standing_write(&s).n, 47);
}

static void
is_no_standing(const char *text)
{
	struct standing s;

	if (standing_read(eio_cstr(text), 1, 2, &s)) fail_msg("%s", text);
}

static void
others_are_none(void **state)
{
	static const char *const texts[] = { "", "1", "1.", ".1", "1.2,", "1.2,3.4", "1.2!", "1.2!1,2,3", "1.2!1,",
		"1.2:", "1.2:0", "1.2:0,1", "1.2:0,1,", "1.2:2,1,1", "1.2:0,4000000,1", "1.2:0,1,1!1", "1.2:0,1,1,",
		"1.2!1!1", "01.2", "1.2 ", "zzzzzzzzzzzz.1", "1.2!:0,1,1" };
	struct standing s;
	char noise[24];

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) is_no_standing(texts[i]);
	assert_true(standing_read(EIO_LIT("1.2!1,2:1,3,4"), 1, 2, &s));
	for (unsigned run = 0; run < 100000; run++) {
		size_t n = dice(sizeof noise);

		dice_state = run;
		for (size_t i = 0; i < n; i++) noise[i] = "01aZ.,!:~-_\0"[dice(12)];
		standing_read(eio_bytes(noise, n), 1 + dice(2), 1 + dice(2), &s); /* whatever it says */
	}
}

static void
offsets_say_whose_they_are(void **state)
{
	const struct standing_text standing = { .n = 3, .text = "1.2" }, none = { .n = 0 };
	struct feed_offset_text t = feed_offset_write((struct feed_offset){ 100, 2 }), other = { .n = 0 };
	struct eio_bytes text, rest;
	struct feed_offset o;
	uint32_t node;

	(void)state;
	feed_offset_add(&t, 0xabcdef, &standing);
	assert_int_equal(t.n, 4 + 1 + FEED_NODE_DIGITS + 3);
	text = feed_offset_bytes(&t);
	assert_true(feed_offset_cut(&text, &node, &rest));
	assert_int_equal(node, 0xabcdef);
	assert_true(eio_bytes_eq(rest, EIO_LIT("1.2")));
	assert_true(feed_offset_read(text, &o) && o.serial == 100 && o.own == 2);
	other = feed_offset_write((struct feed_offset){ 7, 0 });
	feed_offset_add_as(&other, &t);
	text = feed_offset_bytes(&other);
	assert_true(feed_offset_cut(&text, &node, &rest) && node == 0xabcdef && eio_bytes_eq(rest, EIO_LIT("1.2")));
	t = feed_offset_write((struct feed_offset){ UINT64_MAX, UINT64_MAX });
	feed_offset_add(&t, 0, &none);
	text = feed_offset_bytes(&t);
	assert_true(feed_offset_cut(&text, &node, &rest) && rest.n == 0 && node == 0);
	text = EIO_LIT("1~abc");
	assert_false(feed_offset_cut(&text, &node, &rest));
	text = EIO_LIT("1~ab.d1.2");
	assert_false(feed_offset_cut(&text, &node, &rest));
	text = EIO_LIT("12");
	assert_false(feed_offset_cut(&text, &node, &rest));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_is_read),
		cmocka_unit_test(long_ones_are_none),
		cmocka_unit_test(others_are_none),
		cmocka_unit_test(offsets_say_whose_they_are),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

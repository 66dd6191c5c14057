/* SPDX-License-Identifier: MIT */
/* Which feeds send the same event of the same message to somebody: never two that one message cannot both reach. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "src/tools/twice.h"

static const struct eio_bytes names[] = { EIO_LIT("a"), EIO_LIT("b"), EIO_LIT("c") };

/* To n rooms from the i-th name on; n 0: to everyone. */
static struct twice_found
add(struct twice *t, unsigned feed, enum message_kind kind, const char *event, size_t i, size_t n)
{
	const struct audience a = { .nsp = EIO_LIT("/"), .rooms = names + i, .n_rooms = n };

	return twice_add(t, feed, kind, eio_cstr(event), &a);
}

static void
audiences(void **state)
{
	const struct audience elsewhere = { .nsp = EIO_LIT("/n") };
	struct twice *t = twice_new(false);

	(void)state;
	assert_non_null(t);
	assert_int_equal(add(t, 0, MESSAGE_OF_CHANNEL, "e", 0, 1).feed, -1);
	assert_int_equal(add(t, 1, MESSAGE_OF_CHANNEL, "e", 1, 2).feed, -1);
	assert_int_equal(add(t, 2, MESSAGE_OF_CHANNEL, "f", 0, 3).feed, -1);
	assert_int_equal(twice_add(t, 3, MESSAGE_OF_CHANNEL, EIO_LIT("e"), &elsewhere).feed, -1);
	assert_int_equal(add(t, 4, MESSAGE_OF_CHANNEL, "e", 2, 1).feed, 1);
	assert_int_equal(add(t, 5, MESSAGE_OF_CHANNEL, "e", 0, 0).feed, 0);
	assert_int_equal(add(t, 6, MESSAGE_OF_CHANNEL, "f", 0, 0).feed, 2);
	twice_free(t);
	twice_free(NULL);
}

/* One feed of each kind that is noted, and one of each that comes behind it. */
static void
kinds(void **state)
{
	static const struct {
		int line;
		enum message_kind first, second;
		bool redis, posted; /* whether one message reaches both */
	} cases[] = {
		{ __LINE__, MESSAGE_OF_CHANNEL, MESSAGE_OF_CHANNEL, true, true },
		{ __LINE__, MESSAGE_OF_CHANNEL, MESSAGE_OF_PATTERN, true, true },
		{ __LINE__, MESSAGE_OF_PATTERN, MESSAGE_OF_PATTERN, true, true },
		{ __LINE__, MESSAGE_OF_SHARD, MESSAGE_OF_SHARD, true, true },
		{ __LINE__, MESSAGE_OF_STREAM, MESSAGE_OF_STREAM, true, true },
		{ __LINE__, MESSAGE_OF_CHANNEL, MESSAGE_OF_SHARD, false, true },
		{ __LINE__, MESSAGE_OF_PATTERN, MESSAGE_OF_SHARD, false, true },
		{ __LINE__, MESSAGE_OF_CHANNEL, MESSAGE_OF_STREAM, false, false },
		{ __LINE__, MESSAGE_OF_PATTERN, MESSAGE_OF_STREAM, false, false },
		{ __LINE__, MESSAGE_OF_SHARD, MESSAGE_OF_STREAM, false, false },
	};

	(void)state;
	for (size_t i = 0; i < 4 * sizeof cases / sizeof cases[0]; i++) {
		bool posted = i & 1, turned = i & 2, meet = cases[i / 4].redis || (posted && cases[i / 4].posted);
		enum message_kind first = cases[i / 4].first, second = cases[i / 4].second;
		struct twice *t = twice_new(posted);
		struct twice_found found;

		assert_int_equal(add(t, 7, turned ? second : first, "e", 0, 1).feed, -1);
		found = add(t, 8, turned ? first : second, "e", 0, 1);
		if (found.feed != (meet ? 7 : -1) || found.only_posted != (meet && !cases[i / 4].redis))
			fail_msg("line %d, %zu: %ld", cases[i / 4].line, i % 4, found.feed);
		twice_free(t);
	}
}

/* A feed that every message reaches, too, is told before one that only some do. */
static void
best(void **state)
{
	struct twice *t = twice_new(true);
	struct twice_found found;

	(void)state;
	add(t, 0, MESSAGE_OF_SHARD, "e", 0, 1);
	add(t, 1, MESSAGE_OF_STREAM, "e", 0, 1);
	found = add(t, 2, MESSAGE_OF_CHANNEL, "e", 0, 1);
	assert_int_equal(found.feed, 0);
	assert_true(found.only_posted);
	found = add(t, 3, MESSAGE_OF_PATTERN, "e", 0, 2);
	assert_int_equal(found.feed, 2);
	assert_false(found.only_posted);
	twice_free(t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(audiences),
		cmocka_unit_test(kinds),
		cmocka_unit_test(best),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

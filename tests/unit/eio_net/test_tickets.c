/* SPDX-License-Identifier: MIT */
/* The keys of tickets: who seals when, and who opens how long, beside a model that keeps all keys there ever were. */
#include "eio/net/tickets.h"
#include "tests/unit/dice.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

enum { HOUR = EIO__TICKET_TURN_S, LIFE = EIO__TICKET_LIFE_S };

static unsigned char next_byte;
static bool no_random;

static bool
count_up(void *out, size_t n)
{
	if (no_random) return false;
	memset(out, ++next_byte, n);
	return true;
}

static void
test_one_key_for_an_hour(void **state)
{
	struct eio__tickets t;
	unsigned char first[EIO__TICKET_NAME];

	(void)state;
	eio__tickets_init(&t, count_up);
	memcpy(first, eio__tickets_seal(&t, 1000)->name, sizeof first);
	assert_memory_equal(eio__tickets_seal(&t, 1000 + HOUR - 1)->name, first, sizeof first);
	assert_memory_not_equal(eio__tickets_seal(&t, 1000 + HOUR)->name, first, sizeof first);
}

static void
test_an_old_key_opens_and_renews(void **state)
{
	struct eio__tickets t;
	unsigned char first[EIO__TICKET_NAME], unknown[EIO__TICKET_NAME] = "nobody's";
	bool renew;

	(void)state;
	eio__tickets_init(&t, count_up);
	memcpy(first, eio__tickets_seal(&t, 0)->name, sizeof first);
	assert_null(eio__tickets_open(&t, 0, unknown, &renew));
	assert_non_null(eio__tickets_open(&t, HOUR - 1, first, &renew));
	assert_false(renew);
	/* Its hour is over, also when nobody has asked for the next one yet. */
	assert_non_null(eio__tickets_open(&t, HOUR, first, &renew));
	assert_true(renew);
	assert_non_null(eio__tickets_open(&t, HOUR + LIFE - 1, first, &renew));
	assert_true(renew);
	assert_null(eio__tickets_open(&t, HOUR + LIFE, first, &renew));
}

static void
test_nothing_is_left_of_a_key(void **state)
{
	static const struct eio__ticket_key none;
	struct eio__tickets t;

	(void)state;
	eio__tickets_init(&t, count_up);
	eio__tickets_seal(&t, 0);
	eio__tickets_seal(&t, HOUR + LIFE);
	for (unsigned i = 0; i < EIO__TICKET_KEYS; i++)
		if (i != t.newest) assert_memory_equal(&t.v[i].key, &none, sizeof none);
	eio__tickets_deinit(&t);
	assert_memory_equal(&t.v[t.newest].key, &none, sizeof none);
}

static void
test_without_random_bytes_none_is_sealed(void **state)
{
	struct eio__tickets t;
	unsigned char first[EIO__TICKET_NAME];
	bool renew;

	(void)state;
	eio__tickets_init(&t, count_up);
	memcpy(first, eio__tickets_seal(&t, 0)->name, sizeof first);
	no_random = true;
	assert_non_null(eio__tickets_seal(&t, HOUR - 1));
	assert_null(eio__tickets_seal(&t, HOUR));
	assert_non_null(eio__tickets_open(&t, HOUR, first, &renew));
	no_random = false;
	assert_non_null(eio__tickets_seal(&t, HOUR));
}

/* Every ticket is opened while it lives, none is opened much later, and no key seals longer than an hour. */
static void
test_model(void **state)
{
	enum { STEPS = 200, MADE = 1000 };
	struct made {
		unsigned char name[EIO__TICKET_NAME];
		uint64_t at;
	} made[STEPS];

	(void)state;
	for (unsigned seed = 1; seed <= MADE; seed++) {
		struct eio__tickets t;
		uint64_t now = 0;

		dice_state = seed;
		eio__tickets_init(&t, count_up);
		for (unsigned i = 0; i < STEPS; i++) {
			bool renew;

			/* A byte makes 255 names: of older ones some come again. */
			unsigned oldest = i > 100 ? i - 100 : 0;

			now += dice(seed % 2 ? HOUR / 4 : 2 * HOUR);
			memcpy(made[i].name, eio__tickets_seal(&t, now)->name, sizeof made[i].name);
			made[i].at = now;
			for (unsigned k = oldest; k <= i; k++) {
				uint64_t age = now - made[k].at;
				bool opens = eio__tickets_open(&t, now, made[k].name, &renew) != NULL;

				if (age < LIFE) assert_true(opens);
				if (age >= HOUR + LIFE) assert_false(opens);
				if (opens && age >= HOUR) assert_true(renew);
			}
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_key_for_an_hour),
		cmocka_unit_test(test_an_old_key_opens_and_renews),
		cmocka_unit_test(test_nothing_is_left_of_a_key),
		cmocka_unit_test(test_without_random_bytes_none_is_sealed),
		cmocka_unit_test(test_model),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

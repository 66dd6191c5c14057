/* SPDX-License-Identifier: MIT */
/* Deliveries that piled up are put together: nothing is lost, and the budget is what it was. */
#include "src/feed/delivery.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "eio/list.h"
#include "tests/unit/failmalloc.h"

static struct delivery *
make(struct interest_table *interest, struct delivery_budget *budget, size_t n, uint64_t first)
{
	struct delivery *d = calloc(1, sizeof *d + n * sizeof d->items[0]);
	struct eio_message m = { .data = EIO_LIT("x") };

	assert_non_null(d);
	d->budget = budget;
	d->bytes = 10 * n;
	d->n = n;
	atomic_fetch_add(&budget->outstanding, d->bytes);
	for (size_t i = 0; i < n; i++) {
		d->items[i].bundle = eio_bundle_new(&m, 1);
		d->items[i].target = interest_get(interest, sio_room_everyone(EIO_LIT("/")));
		d->items[i].stream = first + i;
		assert_non_null(d->items[i].bundle);
		assert_non_null(d->items[i].target);
	}
	return d;
}

/* A run of five deliveries of zero to four broadcasts. */
static struct mail *
make_run(struct interest_table *interest, struct delivery_budget *budget)
{
	struct mail *run = NULL, **last = &run;
	size_t items = 0;

	for (size_t n = 0; n < 5; n++) {
		struct delivery *d = make(interest, budget, n, items);

		items += n;
		*last = &d->mail;
		last = &d->mail.next;
	}
	return run;
}

static void
a_run_is_put_together(void **state)
{
	struct interest_table *interest = interest_table_new();
	struct delivery_budget budget = { 0 };
	struct mail *run = make_run(interest, &budget);
	struct delivery *d = delivery_take(&run);

	(void)state;
	assert_null(run);
	assert_int_equal(d->n, 10);
	assert_int_equal(d->bytes, 100);
	for (size_t i = 0; i < d->n; i++) assert_int_equal(d->items[i].stream, i);
	assert_int_equal(atomic_load(&budget.outstanding), 100);
	delivery_free(d);
	assert_int_equal(atomic_load(&budget.outstanding), 0);
	interest_table_free(interest);
}

/* What is put together began with the first that says when; answers say nothing. */
static void
a_run_began_first(void **state)
{
	static const uint64_t begun[][3] = { { 0, 0, 0 }, { 0, 7, 5 }, { 6, 0, 9 }, { 9, 8, 0 } },
			      first[] = { 0, 5, 6, 8 };
	struct interest_table *interest = interest_table_new();
	struct delivery_budget budget = { 0 };

	(void)state;
	for (int i = 0; i < 4; i++) {
		struct mail *run = NULL, **last = &run;
		struct delivery *d;

		for (int k = 0; k < 3; k++) {
			d = make(interest, &budget, 1, 0);
			d->begun_ns = begun[i][k];
			*last = &d->mail;
			last = &d->mail.next;
		}
		d = delivery_take(&run);
		assert_int_equal(d->begun_ns, first[i]);
		delivery_free(d);
	}
	interest_table_free(interest);
}

/* Takes a run to its end, in order. Returns in how many parts. */
static int
take_all(struct mail *run)
{
	size_t items = 0;
	int taken = 0;

	while (run) {
		struct delivery *d = delivery_take(&run);

		for (size_t i = 0; i < d->n; i++) assert_int_equal(d->items[i].stream, items++);
		taken++;
		delivery_free(d);
	}
	assert_int_equal(items, 10);
	return taken;
}

/* Without memory to put them together the first is taken by itself. */
static void
a_run_without_memory(void **state)
{
	struct interest_table *interest = interest_table_new();
	struct delivery_budget budget = { 0 };
	struct mail *run;

	(void)state;
	for (long nth = 0; nth < 2; nth++) {
		run = make_run(interest, &budget);
		failmalloc_arm(nth);
		assert_int_equal(take_all(run), nth < 1 ? 2 : 1);
		assert_int_equal(failmalloc_disarm(), nth < 1);
		assert_int_equal(atomic_load(&budget.outstanding), 0);
	}
	interest_table_free(interest);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_run_is_put_together),
		cmocka_unit_test(a_run_began_first),
		cmocka_unit_test(a_run_without_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

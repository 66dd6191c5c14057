/* SPDX-License-Identifier: MIT */
/* Deliveries that piled up are put together: nothing is lost, and the budget is what it was. */
#include "src/feed/delivery.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static struct delivery *
make(struct interest_table *interest, struct delivery_budget *budget, size_t n, uint64_t first)
{
	struct delivery *d = calloc(1, sizeof(*d) + n * sizeof(d->items[0]));
	struct eio_message m = { .data = EIO_LIT("x") };

	assert_non_null(d);
	d->budget = budget;
	d->bytes = 10 * n;
	d->n = n;
	atomic_fetch_add(&budget->outstanding, d->bytes);
	for (size_t i = 0; i < n; i++) {
		d->items[i].bundle = eio_bundle_new(&m, 1);
		d->items[i].target = interest_get(interest, EIO_LIT("/"), NULL);
		d->items[i].stream = first + i;
		assert_non_null(d->items[i].bundle);
		assert_non_null(d->items[i].target);
	}
	return d;
}

static void
test_append(void **state)
{
	struct interest_table *interest = interest_table_new();
	struct delivery_budget budget = { 0 };
	struct delivery *d = make(interest, &budget, 2, 0);

	(void)state;
	for (size_t n = 0; n < 5; n++) d = delivery_append(d, make(interest, &budget, n, d->n));
	assert_non_null(d);
	assert_int_equal(d->n, 12);
	assert_int_equal(d->bytes, 120);
	for (size_t i = 0; i < d->n; i++) assert_int_equal(d->items[i].stream, i);
	assert_int_equal(atomic_load(&budget.outstanding), 120);
	delivery_free(d);
	assert_int_equal(atomic_load(&budget.outstanding), 0);
	interest_table_free(interest);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_append),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

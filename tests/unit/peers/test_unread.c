/* SPDX-License-Identifier: MIT */
/* What clients have not read, each for itself, and without a trace of who has. */
#include "src/peers/unread.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static const uint64_t key[2] = { 1, 2 };

static void
test_each_for_itself(void **state)
{
	struct eio_unsent *a1, *a2, *b;
	struct peers_unread u;

	(void)state;
	assert_int_equal(peers_unread_init(&u, key), 0);
	assert_int_equal(peers_unread_bytes(&u, EIO_LIT("a")), 0);
	a1 = peers_unread_add(&u, EIO_LIT("a"), 20000);
	a2 = peers_unread_add(&u, EIO_LIT("a"), 30000);
	b = peers_unread_add(&u, EIO_LIT("b"), 40000);
	assert_null(peers_unread_add(&u, EIO_LIT("a"), EIO_UNSENT_LEAST - 1));
	assert_int_equal(peers_unread_bytes(&u, EIO_LIT("a")), 50000);
	assert_int_equal(peers_unread_bytes(&u, EIO_LIT("b")), 40000);
	eio_unsent_done(a1, 20000);
	assert_int_equal(peers_unread_bytes(&u, EIO_LIT("a")), 30000);
	eio_unsent_done(b, 40000);
	assert_int_equal(peers_unread_bytes(&u, EIO_LIT("b")), 0);
	/* What is on its way outlives the table. */
	peers_unread_deinit(&u);
	eio_unsent_done(a2, 30000);
}

static void
test_readers_are_forgotten(void **state)
{
	struct eio_unsent *kept;
	struct peers_unread u;
	size_t most = 0;
	char sid[16];

	(void)state;
	assert_int_equal(peers_unread_init(&u, key), 0);
	kept = peers_unread_add(&u, EIO_LIT("kept"), 20000);
	for (unsigned i = 0; i < 20000; i++) {
		snprintf(sid, sizeof sid, "%u", i);
		eio_unsent_done(peers_unread_add(&u, eio_cstr(sid), 20000), 20000);
		if (u.clients.count > most) most = u.clients.count;
	}
	assert_true(most < 200);
	assert_int_equal(peers_unread_bytes(&u, EIO_LIT("kept")), 20000);
	eio_unsent_done(kept, 20000);
	peers_unread_deinit(&u);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_for_itself),
		cmocka_unit_test(test_readers_are_forgotten),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

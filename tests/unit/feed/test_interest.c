/* SPDX-License-Identifier: MIT */
/* Who listens where: one thread's view, then four threads at once (run under TSan too). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "src/feed/interest.h"

#include <uv.h>

static const struct eio_bytes nsp = { "/", 1 }, other = { "/x", 2 };

static void
first_and_last(void **state)
{
	struct interest_table *t = interest_table_new();
	struct eio_bytes room = EIO_LIT("a"), empty = EIO_LIT("");
	struct interest *i = interest_get(t, sio_room_named(nsp, room)), *everyone, *unnamed;

	(void)state;
	assert_int_equal(interest_workers(i), 0);
	assert_int_equal(interest_set(t, 0, sio_room_named(nsp, room)), 0);
	assert_int_equal(interest_set(t, 0, sio_room_named(nsp, room)), 0);
	assert_int_equal(interest_set(t, 63, sio_room_named(nsp, room)), 0);
	assert_true(interest_workers(i) == (UINT64_C(1) << 63 | 1));
	assert_ptr_equal(interest_get(t, sio_room_named(nsp, room)), i);
	interest_unref(i);

	/* Neither another namespace, nor everyone, nor a room without a name is the same. */
	everyone = interest_get(t, sio_room_everyone(nsp));
	unnamed = interest_get(t, sio_room_named(nsp, empty));
	assert_ptr_not_equal(everyone, unnamed);
	assert_true(everyone->key.everyone && !unnamed->key.everyone);
	assert_int_equal(interest_set(t, 1, sio_room_named(other, room)), 0);
	assert_int_equal(interest_workers(everyone) | interest_workers(unnamed), 0);
	assert_int_equal(interest_count(t), 4);
	interest_unref(everyone);
	interest_unref(unnamed);
	assert_int_equal(interest_count(t), 2);

	interest_clear(t, 5, sio_room_named(nsp, room)); /* not set */
	interest_clear(t, 0, sio_room_named(nsp, room));
	interest_clear(t, 0, sio_room_named(nsp, room));
	assert_true(interest_workers(i) == UINT64_C(1) << 63);
	interest_clear(t, 63, sio_room_named(nsp, room));
	interest_clear(t, 1, sio_room_named(other, room));
	interest_clear(t, 1, sio_room_everyone(other)); /* never known */
	assert_int_equal(interest_count(t), 1);
	interest_unref(interest_ref(i));
	interest_unref(i);
	assert_int_equal(interest_count(t), 0);
	interest_table_free(t);
}

struct hammer {
	struct interest_table *t;
	unsigned worker;
};

static void
join_and_leave(void *arg)
{
	struct hammer *h = arg;
	char name[2] = "0";

	for (int k = 0; k < 20000; k++) {
		struct eio_bytes room;

		name[0] = (char)('0' + k % 7);
		room = eio_bytes(name, 1);
		if (interest_set(h->t, h->worker, sio_room_named(nsp, room))) return;
		interest_clear(h->t, h->worker, sio_room_named(nsp, room));
	}
}

static void
look(void *arg)
{
	struct hammer *h = arg;
	char name[2] = "0";

	for (int k = 0; k < 20000; k++) {
		struct eio_bytes room;
		struct interest *i;

		name[0] = (char)('0' + k % 7);
		room = eio_bytes(name, 1);
		i = interest_get(h->t, sio_room_named(nsp, room));
		if (i && (interest_workers(i) & ~UINT64_C(7)))
			k = 1 << 30; /* a bit nobody sets: the count below fails */
		interest_unref(i);
	}
	h->worker++;
}

static void
threads(void **state)
{
	struct hammer h[4] = { { NULL, 0 } };
	uv_thread_t thread[4];

	(void)state;
	h[0].t = interest_table_new();
	for (unsigned k = 0; k < 4; k++) {
		h[k] = (struct hammer){ h[0].t, k };
		assert_int_equal(uv_thread_create(&thread[k], k < 3 ? join_and_leave : look, &h[k]), 0);
	}
	for (unsigned k = 0; k < 4; k++) uv_thread_join(&thread[k]);
	assert_int_equal(h[3].worker, 4);
	/* Every reference was given back: the entries are gone, and so is their memory (ASan looks). */
	assert_int_equal(interest_count(h[0].t), 0);
	interest_table_free(h[0].t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(first_and_last),
		cmocka_unit_test(threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

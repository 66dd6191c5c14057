/* SPDX-License-Identifier: MIT */
/* Rooms: joining, leaving, limits, hooks, and a long random run against a plain matrix. */
#include "sio/error.h"
#include "sio/room.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

struct hooks {
	int opened, closing;
	char last[64];
};

static void
note(struct hooks *h, struct sio_room *r)
{
	snprintf(h->last, sizeof(h->last), "%.*s|%.*s|%d|%zu", (int)r->key.nsp.n, r->key.nsp.p, (int)r->key.name.n,
		r->key.name.p, r->key.everyone, r->n);
}

static void
on_opened(void *user, struct sio_room *r)
{
	struct hooks *h = user;

	h->opened++;
	note(h, r);
}

static void
on_closing(void *user, struct sio_room *r)
{
	struct hooks *h = user;

	h->closing++;
	note(h, r);
}

static void
setup(struct sio_rooms *t, struct hooks *h)
{
	struct sio_rooms_config config = { .hash_key = { 1, 2 },
		.max_per_member = 3,
		.max_name = 8,
		.opened = on_opened,
		.closing = on_closing,
		.user = h };

	*h = (struct hooks){ 0 };
	assert_int_equal(sio_rooms_init(t, &config), 0);
}

static const struct eio_bytes root = { "/", 1 };

static struct sio_room_key
named(const char *name)
{
	return sio_room_named(root, eio_cstr(name));
}

static bool
is_in(const struct sio_rooms *t, const struct sio_member *m, struct sio_room_key key)
{
	const struct sio_room *r = sio_rooms_find(t, key);

	for (size_t i = 0; r && i < r->n; i++)
		if (r->slots[i].target == m) return true;
	return false;
}

static void
test_join_leave(void **state)
{
	struct sio_member a, b;
	struct sio_rooms t;
	struct hooks h;
	struct sio_room *r;

	(void)state;
	setup(&t, &h);
	sio_member_init(&a, &a);
	sio_member_init(&b, &b);
	assert_null(sio_rooms_find(&t, named("x")));
	assert_int_equal(sio_rooms_join(&t, &a, named("x")), 1);
	assert_string_equal(h.last, "/|x|0|1");
	assert_int_equal(sio_rooms_join(&t, &a, named("x")), 0);
	assert_int_equal(sio_rooms_join(&t, &b, named("x")), 1);
	assert_int_equal(h.opened, 1);
	r = sio_rooms_find(&t, named("x"));
	assert_non_null(r);
	assert_int_equal(r->n, 2);
	assert_ptr_equal(r->slots[0].target, &a);
	assert_true(is_in(&t, &b, named("x")));
	assert_int_equal(sio_rooms_leave(&t, &a, named("x")), 1);
	assert_int_equal(sio_rooms_leave(&t, &a, named("x")), 0);
	assert_int_equal(sio_rooms_leave(&t, &a, named("y")), 0);
	assert_ptr_equal(r->slots[0].target, &b);
	assert_int_equal(h.closing, 0);
	assert_int_equal(sio_rooms_leave(&t, &b, named("x")), 1);
	assert_int_equal(h.closing, 1);
	assert_string_equal(h.last, "/|x|0|0");
	assert_int_equal(t.rooms.count, 0);
	sio_rooms_deinit(&t);
}

/* No name is everyone, and the same name elsewhere is another room. */
static void
test_keys_apart(void **state)
{
	struct sio_room_key keys[] = { sio_room_everyone(root), named(""), named("/"),
		sio_room_everyone(eio_cstr("/a")), sio_room_named(eio_cstr("/a"), eio_cstr("b")),
		sio_room_named(eio_cstr("/"), eio_cstr("ab")), sio_room_named(eio_cstr("/ab"), eio_cstr("")),
		sio_room_named(root, eio_bytes("\0", 1)), sio_room_aside(sio_room_everyone(root)),
		sio_room_aside(named("")) };
	enum { N = sizeof(keys) / sizeof(keys[0]) };
	struct sio_member m[N];
	struct sio_rooms t;
	struct hooks h;
	size_t i, j;

	(void)state;
	setup(&t, &h);
	for (i = 0; i < N; i++) {
		sio_member_init(&m[i], &m[i]);
		assert_int_equal(sio_rooms_join(&t, &m[i], keys[i]), 1);
	}
	assert_int_equal(t.rooms.count, N);
	for (i = 0; i < N; i++) {
		for (j = 0; j < N; j++) {
			assert_int_equal(sio_room_key_eq(keys[i], keys[j]), i == j);
			assert_int_equal(sio_room_key_hash(t.config.hash_key, keys[i]) ==
						 sio_room_key_hash(t.config.hash_key, keys[j]),
				i == j);
		}
	}
	for (i = 0; i < N; i++)
		for (j = 0; j < N; j++) assert_int_equal(is_in(&t, &m[i], keys[j]), i == j);
	for (i = 0; i < N; i++) sio_rooms_leave_all(&t, &m[i]);
	assert_int_equal(h.closing, N);
	sio_rooms_deinit(&t);
}

static void
test_limits(void **state)
{
	struct sio_member a;
	struct sio_rooms t;
	struct hooks h;

	(void)state;
	setup(&t, &h);
	sio_member_init(&a, &a);
	assert_int_equal(sio_rooms_join(&t, &a, named("123456789")), SIO_ERR_ROOM_NAME);
	assert_int_equal(sio_rooms_join(&t, &a, named("12345678")), 1);
	assert_int_equal(sio_rooms_join(&t, &a, named("b")), 1);
	assert_int_equal(sio_rooms_join(&t, &a, named("c")), 1);
	assert_int_equal(sio_rooms_join(&t, &a, named("d")), SIO_ERR_TOO_MANY_ROOMS);
	assert_int_equal(sio_rooms_join(&t, &a, named("c")), 0);
	/* These do not count. */
	assert_int_equal(sio_rooms_join(&t, &a, sio_room_everyone(root)), 1);
	assert_int_equal(sio_rooms_join(&t, &a, sio_room_aside(named("c"))), 1);
	assert_int_equal(sio_rooms_leave(&t, &a, named("b")), 1);
	assert_int_equal(sio_rooms_join(&t, &a, named("d")), 1);
	assert_int_equal(t.rooms.count, 5);
	sio_rooms_leave_all(&t, &a);
	assert_int_equal(a.named, 0);
	assert_int_equal(t.rooms.count, 0);
	assert_int_equal(h.opened, h.closing);
	sio_rooms_deinit(&t);
}

enum { MEMBERS = 40, ROOMS = 25 };

static void
check_all(const struct sio_rooms *t, struct sio_member *m, bool in[MEMBERS][ROOMS])
{
	char name[8];
	size_t i, j, n;

	for (j = 0; j < ROOMS; j++) {
		snprintf(name, sizeof(name), "r%zu", j);
		struct sio_room *r = sio_rooms_find(t, named(name));

		for (i = 0, n = 0; i < MEMBERS; i++) {
			assert_int_equal(is_in(t, &m[i], named(name)), in[i][j]);
			n += in[i][j];
		}
		assert_int_equal(r ? r->n : 0, n);
		for (i = 0; r && i < r->n; i++) assert_true(in[(struct sio_member *)r->slots[i].target - m][j]);
	}
}

static void
test_random(void **state)
{
	static bool in[MEMBERS][ROOMS];
	struct sio_rooms_config config = { .hash_key = { 3, 4 }, .max_per_member = ROOMS, .max_name = 8 };
	struct sio_member m[MEMBERS];
	struct sio_rooms t;
	uint32_t x = 12345;
	char name[8];
	int step;
	size_t i, j;

	(void)state;
	assert_int_equal(sio_rooms_init(&t, &config), 0);
	for (i = 0; i < MEMBERS; i++) sio_member_init(&m[i], &m[i]);
	for (step = 0; step < 20000; step++) {
		x = x * 1664525 + 1013904223;
		i = (x >> 8) % MEMBERS;
		j = (x >> 16) % ROOMS;
		snprintf(name, sizeof(name), "r%zu", j);
		switch (x >> 28) {
		case 0:
			sio_rooms_leave_all(&t, &m[i]);
			memset(in[i], 0, sizeof(in[i]));
			break;
		case 1:
		case 2:
		case 3:
		case 4:
		case 5:
		case 6:
			assert_int_equal(sio_rooms_leave(&t, &m[i], named(name)), in[i][j]);
			in[i][j] = false;
			break;
		default: assert_int_equal(sio_rooms_join(&t, &m[i], named(name)), !in[i][j]); in[i][j] = true;
		}
		if (step % 500 == 0) check_all(&t, m, in);
	}
	check_all(&t, m, in);
	for (i = 0; i < MEMBERS; i++) sio_rooms_leave_all(&t, &m[i]);
	assert_int_equal(t.rooms.count, 0);
	sio_rooms_deinit(&t);
}

static void
test_rooms_of_member(void **state)
{
	struct sio_rooms t;
	struct sio_member m;
	const struct eio_list *at = NULL;
	const struct sio_room_key *key;

	(void)state;
	assert_int_equal(sio_rooms_init(&t, &(struct sio_rooms_config){ .max_per_member = 9, .max_name = 9 }), 0);
	sio_member_init(&m, &m);
	assert_null(sio_member_next_room(&m, &at));
	assert_int_equal(sio_rooms_join(&t, &m, sio_room_everyone(EIO_LIT("/"))), 1);
	assert_int_equal(sio_rooms_join(&t, &m, named("a")), 1);
	assert_int_equal(sio_rooms_join(&t, &m, named("b")), 1);
	key = sio_member_next_room(&m, &at);
	assert_true(key && key->everyone);
	key = sio_member_next_room(&m, &at);
	assert_true(key && !key->everyone && eio_bytes_eq(key->name, EIO_LIT("a")));
	key = sio_member_next_room(&m, &at);
	assert_true(key && eio_bytes_eq(key->name, EIO_LIT("b")));
	assert_null(sio_member_next_room(&m, &at));
	sio_rooms_leave_all(&t, &m);
	sio_rooms_deinit(&t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_join_leave),
		cmocka_unit_test(test_keys_apart),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_rooms_of_member),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

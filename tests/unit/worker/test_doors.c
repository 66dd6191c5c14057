/* SPDX-License-Identifier: MIT */
/* Doors of one configuration and of the next: which are the same, and by what name another process finds them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "src/base/log.h"
#include "src/worker/doors.h"

#include <string.h>

enum { ADDRESSES = 3 };

/* A redirect, a plain one, and one behind a proxy. */
static struct config_listen before[ADDRESSES] = {
	{ .text = "127.0.0.1:1", .redirect = "https:" },
	{ .text = "127.0.0.1:2" },
	{ .text = "127.0.0.1:3", .proxied = true },
};

static const struct config first = { .listen = before, .n_listen = ADDRESSES };

/* All are listened on already, each at its place. */
static struct listen_address kept[ADDRESSES] = {
	{ .kept = true, .before = 0 },
	{ .kept = true, .before = 1 },
	{ .kept = true, .before = 2 },
};

struct test {
	uv_loop_t loop;
	struct doors *doors;
};

static void
start(struct test *t)
{
	log_set_level(LOG_LEVEL_ERROR);
	assert_int_equal(uv_loop_init(&t->loop), 0);
	t->doors = doors_new(&first, &t->loop);
	assert_non_null(t->doors);
}

static void
finish(struct test *t)
{
	doors_stop(t->doors);
	uv_run(&t->loop, UV_RUN_DEFAULT);
	doors_free(t->doors);
	assert_int_equal(uv_loop_close(&t->loop), 0);
}

/* Those of another configuration with as many addresses. */
static struct door_set
make(const struct test *t, const struct config_listen *after)
{
	const struct listeners listeners = { .addresses = kept, .n_addresses = ADDRESSES };
	struct config_listen copy[ADDRESSES];
	const struct config next = { .listen = copy, .n_listen = ADDRESSES };
	char why[LISTENERS_WHY_MAX];
	struct door_set set;

	memcpy(copy, after, sizeof copy);
	assert_int_equal(door_set_make(t->doors, &next, &listeners, &set, why), 0);
	assert_int_equal(set.n, ADDRESSES);
	return set;
}

static void
found_by_name(void **state)
{
	struct eio_httpd_door *door;
	struct test t;

	(void)state;
	start(&t);
	assert_true(doors_find(t.doors, "127.0.0.1:3", &door));
	assert_ptr_equal(door, doors_at(t.doors, 2));
	assert_string_equal(eio_httpd_door_name(door), "127.0.0.1:3");
	assert_true(doors_find(t.doors, "127.0.0.1:2", &door));
	assert_null(door); /* nothing is particular about it */
	assert_true(doors_find(t.doors, "", &door));
	assert_null(door);
	assert_false(doors_find(t.doors, "127.0.0.1:4", &door));
	finish(&t);
}

static void
what_is_the_same(void **state)
{
	struct config_listen after[ADDRESSES];
	struct door_set set;
	struct test t;

	(void)state;
	start(&t);
	set = make(&t, before);
	assert_int_equal(set.others, 0);
	for (size_t i = 0; i < ADDRESSES; i++) assert_ptr_equal(door_set_at(&set, i), doors_at(t.doors, i));
	door_set_free(&set);
	memcpy(after, before, sizeof after);
	after[0].redirect = "https://example.com";
	after[1].headers = "X: y\r\n";
	set = make(&t, after);
	assert_int_equal(set.others, 2);
	assert_ptr_not_equal(door_set_at(&set, 0), doors_at(t.doors, 0));
	assert_non_null(door_set_at(&set, 1));
	assert_ptr_equal(door_set_at(&set, 2), doors_at(t.doors, 2));
	door_set_free(&set);
	finish(&t);
}

/* The next process finds it by what the file says now. */
static void
the_same_in_other_words(void **state)
{
	struct config_listen after[ADDRESSES];
	struct eio_httpd_door *door;
	struct door_set set;
	struct test t;

	(void)state;
	start(&t);
	memcpy(after, before, sizeof after);
	after[2].text = "localhost:3";
	set = make(&t, after);
	assert_int_equal(set.others, 0);
	assert_string_equal(eio_httpd_door_name(door_set_at(&set, 2)), "localhost:3");
	doors_replace(t.doors, &set);
	assert_true(doors_find(t.doors, "localhost:3", &door));
	assert_false(doors_find(t.doors, "127.0.0.1:3", &door));
	finish(&t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(found_by_name),
		cmocka_unit_test(what_is_the_same),
		cmocka_unit_test(the_same_in_other_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* Attempts to connect, whose address becomes another one meanwhile. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "src/redis/dial.h"
#include "src/redis/sentinel.h"

#include <stdio.h>
#include <string.h>

static char told[256];
static unsigned ends;

static void
on_end(void *user, struct redis_socket *s, const char *why)
{
	(void)user;
	assert_null(s);
	ends++;
	snprintf(told, sizeof told, "%s", why);
}

static void
run_to_the_end(uv_loop_t *loop)
{
	while (uv_run(loop, UV_RUN_ONCE)) {
	}
	assert_int_equal(uv_loop_close(loop), 0);
	assert_int_equal(ends, 1);
	ends = 0;
}

/* Names are looked up by another thread: long after this, the address has been freed. */
static void
keeps_its_address(void **state)
{
	static const char *const texts[] = { "redis://user:secret@localhost:1/3", "127.0.0.1:1", "[::1]:1",
		"unix:///nowhere/at/all" };
	uv_loop_t loop;

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		struct redis_url url;
		char err[256];

		assert_int_equal(redis_url_parse(&url, texts[i], err, sizeof err), 0);
		uv_loop_init(&loop);
		assert_non_null(redis_dial_start(&loop, &url, on_end, NULL));
		redis_url_deinit(&url);
		run_to_the_end(&loop);
		assert_true(*told != '\0');
	}
}

static void
keeps_its_sentinels(void **state)
{
	static const char *const all[] = { "localhost:1", "localhost:2" };
	struct redis_url url;
	size_t which, first = 1;
	uv_loop_t loop;
	char err[256];

	(void)state;
	assert_int_equal(redis_url_parse(&url, "redis://mymaster", err, sizeof err), 0);
	assert_int_equal(redis_url_add_sentinels(&url, all, 2, "secret", &which, err, sizeof err), 0);
	uv_loop_init(&loop);
	assert_non_null(redis_sentinel_start(&loop, &url, &first, on_end, NULL));
	redis_url_deinit(&url);
	run_to_the_end(&loop);
	assert_non_null(strstr(told, "sentinel localhost:1: "));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keeps_its_address),
		cmocka_unit_test(keeps_its_sentinels),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

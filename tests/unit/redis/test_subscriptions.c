/* SPDX-License-Identifier: MIT */
/* What is asked for, and whose an answer is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "src/redis/subscriptions.h"

#include <stdlib.h>

static const char *const channels[] = { "a", "b", "c" }, *const patterns[] = { "p*" };

#define ASK_A "*2\r\n$9\r\nSUBSCRIBE\r\n$1\r\na\r\n"
#define ASK_B "*2\r\n$9\r\nSUBSCRIBE\r\n$1\r\nb\r\n"
#define ASK_C "*2\r\n$9\r\nSUBSCRIBE\r\n$1\r\nc\r\n"
#define ASK_P "*2\r\n$10\r\nPSUBSCRIBE\r\n$2\r\np*\r\n"

static void
set_up_subscriptions(struct redis_subscriptions *s)
{
	assert_int_equal(redis_subscriptions_init(s, channels, 3, patterns, 1), 0);
}

/* Takes over out. */
static void
asked(struct redis_subscriptions *s, size_t n, size_t want_n, struct eio_buf *out, struct eio_bytes want)
{
	assert_int_equal(n, want_n);
	assert_int_equal(s->unanswered, n);
	assert_true(eio_bytes_eq(eio_buf_bytes(out), want));
	eio_buf_deinit(out);
}

static void
answered(struct redis_subscriptions *s, bool confirmed, const char *name)
{
	struct redis_subscription *one = redis_subscriptions_answered(s, confirmed);

	assert_non_null(one);
	assert_true(eio_bytes_eq(one->name, eio_cstr(name)));
	assert_int_equal(one->confirmed, confirmed);
	assert_int_equal(one->refused, !confirmed);
}

static void
counts(const struct redis_subscriptions *s, size_t confirmed, size_t refused)
{
	assert_int_equal(s->confirmed, confirmed);
	assert_int_equal(s->refused, refused);
}

static void
each_by_itself(void **state)
{
	struct redis_subscriptions s;
	struct eio_buf out = { 0 };

	(void)state;
	set_up_subscriptions(&s);
	asked(&s, redis_subscriptions_ask(&s, &out), 4, &out, EIO_LIT(ASK_A ASK_B ASK_C ASK_P));
	answered(&s, true, "a");
	answered(&s, false, "b");
	answered(&s, true, "c");
	answered(&s, false, "p*");
	assert_null(redis_subscriptions_answered(&s, true));
	counts(&s, 2, 2);
	asked(&s, redis_subscriptions_ask_refused(&s, &out), 2, &out, EIO_LIT(ASK_B ASK_P));
	answered(&s, false, "b");
	answered(&s, true, "p*");
	counts(&s, 3, 1);
	asked(&s, redis_subscriptions_ask_refused(&s, &out), 1, &out, EIO_LIT(ASK_B));
	answered(&s, true, "b");
	counts(&s, 4, 0);
	asked(&s, redis_subscriptions_ask_refused(&s, &out), 0, &out, EIO_LIT(""));
	assert_null(redis_subscriptions_answered(&s, false));
	redis_subscriptions_deinit(&s);
}

/* The connection went while answers were to come; what was refused counts as such until the next answer. */
static void
begins_anew(void **state)
{
	struct redis_subscriptions s;
	struct eio_buf out = { 0 };

	(void)state;
	set_up_subscriptions(&s);
	redis_subscriptions_ask(&s, &out);
	eio_buf_deinit(&out);
	answered(&s, true, "a");
	answered(&s, false, "b");
	asked(&s, redis_subscriptions_ask(&s, &out), 4, &out, EIO_LIT(ASK_A ASK_B ASK_C ASK_P));
	counts(&s, 0, 1);
	answered(&s, false, "a");
	counts(&s, 0, 2);
	answered(&s, true, "b");
	counts(&s, 1, 1);
	redis_subscriptions_deinit(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_by_itself),
		cmocka_unit_test(begins_anew),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

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
#define ASK_D "*2\r\n$9\r\nSUBSCRIBE\r\n$1\r\nd\r\n"
#define LEAVE_A "*2\r\n$11\r\nUNSUBSCRIBE\r\n$1\r\na\r\n"
#define LEAVE_P "*2\r\n$12\r\nPUNSUBSCRIBE\r\n$2\r\np*\r\n"
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
	bool counts;
	struct redis_subscription *one = redis_subscriptions_answered(s, confirmed, &counts);

	assert_non_null(one);
	assert_true(counts);
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
	assert_null(redis_subscriptions_answered(&s, true, &(bool){ false }));
	counts(&s, 2, 2);
	asked(&s, redis_subscriptions_ask_refused(&s, &out), 2, &out, EIO_LIT(ASK_B ASK_P));
	answered(&s, false, "b");
	answered(&s, true, "p*");
	counts(&s, 3, 1);
	asked(&s, redis_subscriptions_ask_refused(&s, &out), 1, &out, EIO_LIT(ASK_B));
	answered(&s, true, "b");
	counts(&s, 4, 0);
	asked(&s, redis_subscriptions_ask_refused(&s, &out), 0, &out, EIO_LIT(""));
	assert_null(redis_subscriptions_answered(&s, false, &(bool){ false }));
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

/* An answer that something later goes before, or about what nobody wants any more. */
static void
passed_over(struct redis_subscriptions *s, bool confirmed, const char *name)
{
	bool counts;
	struct redis_subscription *one = redis_subscriptions_answered(s, confirmed, &counts);

	assert_non_null(one);
	assert_true(eio_bytes_eq(one->name, eio_cstr(name)));
	assert_false(counts);
}

static void
go_over(struct redis_subscriptions *s, const char *const *names, size_t n, const char *pattern)
{
	assert_int_equal(redis_subscriptions_prepare(s, names, n, &pattern, pattern != NULL), 0);
	redis_subscriptions_commit(s);
}

static void
others(struct redis_subscriptions *s, size_t want_n, struct eio_bytes want)
{
	struct eio_buf out = { 0 };

	assert_int_equal(redis_subscriptions_ask_changes(s, &out), want_n);
	assert_true(eio_bytes_eq(eio_buf_bytes(&out), want));
	eio_buf_deinit(&out);
}

/* What is new is asked for before what is not wanted any more is left; what stays is not touched. */
static void
becomes_others(void **state)
{
	static const char *const now[] = { "d", "c", "b" };
	struct redis_subscriptions s;
	struct eio_buf out = { 0 };

	(void)state;
	set_up_subscriptions(&s);
	redis_subscriptions_ask(&s, &out);
	eio_buf_clear(&out);
	answered(&s, true, "a");
	answered(&s, false, "b");
	answered(&s, true, "c");
	answered(&s, true, "p*");
	assert_int_equal(redis_subscriptions_prepare(&s, now, 1, NULL, 0), 0);
	redis_subscriptions_forget(&s);
	others(&s, 0, EIO_LIT(""));
	go_over(&s, now, 3, NULL);
	counts(&s, 1, 1);
	others(&s, 3, EIO_LIT(ASK_D LEAVE_A LEAVE_P));
	others(&s, 0, EIO_LIT(""));
	answered(&s, true, "d");
	passed_over(&s, true, "a");
	passed_over(&s, false, "p*");
	counts(&s, 2, 1);
	go_over(&s, now, 2, NULL);
	counts(&s, 2, 0);
	assert_int_equal(s.all.n, 2);
	redis_subscriptions_lost(&s, 5);
	/* Those that were there come first. */
	asked(&s, redis_subscriptions_ask(&s, &out), 2, &out, EIO_LIT(ASK_C ASK_D));
	assert_int_equal(s.all.v[0].missing_ms, 5);
	redis_subscriptions_deinit(&s);
}

/* It goes, comes and goes again before anything is answered; and while a connection is greeted. */
static void
in_quick_succession(void **state)
{
	static const char *const all[] = { "a" }, *const none[] = { "" };
	struct redis_subscriptions s;
	struct eio_buf out = { 0 };

	(void)state;
	assert_int_equal(redis_subscriptions_init(&s, all, 1, NULL, 0), 0);
	asked(&s, redis_subscriptions_ask(&s, &out), 1, &out, EIO_LIT(ASK_A));
	go_over(&s, none, 0, NULL);
	others(&s, 1, EIO_LIT(LEAVE_A));
	go_over(&s, all, 1, NULL);
	others(&s, 1, EIO_LIT(ASK_A));
	go_over(&s, none, 0, NULL);
	go_over(&s, all, 1, NULL);
	others(&s, 0, EIO_LIT(""));
	passed_over(&s, false, "a");
	passed_over(&s, true, "a");
	counts(&s, 0, 0);
	answered(&s, true, "a");
	counts(&s, 1, 0);
	go_over(&s, none, 0, NULL);
	counts(&s, 0, 0);
	asked(&s, redis_subscriptions_ask(&s, &out), 0, &out, EIO_LIT(""));
	assert_int_equal(s.all.n, 0);
	for (int i = 0; i < 100; i++) {
		go_over(&s, i % 2 ? none : all, i % 2 ? 0 : 1, NULL);
		redis_subscriptions_ask_changes(&s, &out);
	}
	assert_true(s.unanswered > 90 && s.all.n < 60);
	while (s.unanswered) redis_subscriptions_answered(&s, true, &(bool){ false });
	counts(&s, 0, 0);
	eio_buf_deinit(&out);
	redis_subscriptions_deinit(&s);
}

/* One that is left and wanted again: what comes before the last answer is for those who wanted it before. */
static void
left_and_wanted_again(void **state)
{
	static const char *const all[] = { "a", "b" }, *const rest[] = { "b" };
	const struct eio_bytes a = EIO_LIT("a"), b = EIO_LIT("b");
	struct redis_subscriptions s;
	struct eio_buf out = { 0 };

	(void)state;
	assert_int_equal(redis_subscriptions_init(&s, all, 2, NULL, 0), 0);
	asked(&s, redis_subscriptions_ask(&s, &out), 2, &out, EIO_LIT(ASK_A ASK_B));
	answered(&s, true, "a");
	answered(&s, true, "b");
	go_over(&s, rest, 1, NULL);
	others(&s, 1, EIO_LIT(LEAVE_A));
	assert_int_equal(s.returning, 0);
	go_over(&s, all, 2, NULL);
	others(&s, 1, EIO_LIT(ASK_A));
	assert_int_equal(s.returning, 1);
	assert_true(redis_subscriptions_is_left(&s, false, a));
	assert_false(redis_subscriptions_is_left(&s, true, a));
	assert_false(redis_subscriptions_is_left(&s, false, b));
	passed_over(&s, true, "a");
	assert_int_equal(s.returning, 0);
	assert_false(redis_subscriptions_is_left(&s, false, a));
	answered(&s, true, "a");
	/* The connection is lost before it was answered. */
	go_over(&s, rest, 1, NULL);
	redis_subscriptions_ask_changes(&s, &out);
	go_over(&s, all, 2, NULL);
	redis_subscriptions_ask_changes(&s, &out);
	assert_int_equal(s.returning, 1);
	redis_subscriptions_ask(&s, &out);
	assert_int_equal(s.returning, 0);
	eio_buf_deinit(&out);
	redis_subscriptions_deinit(&s);
}

/* Another process has wanted something else, in another order: what both want is confirmed, the rest is asked for,
 * or left. */
static void
of_another_process(void **state)
{
	static const char *const theirs[] = { "c", "", "b", "d" }, *const their_patterns[] = { "a", "p*" };
	struct redis_subscriptions before, s;
	struct eio_buf text = { 0 }, out = { 0 };
	bool counted;

	(void)state;
	assert_int_equal(redis_subscriptions_init(&before, theirs, 4, their_patterns, 2), 0);
	redis_subscriptions_ask(&before, &out);
	eio_buf_deinit(&out);
	for (int i = 0; i < 6; i++) assert_non_null(redis_subscriptions_answered(&before, i != 2, &counted));
	redis_subscriptions_write(&before, &text);
	assert_true(eio_bytes_eq(eio_buf_bytes(&text), EIO_LIT("c63 c c64 p61 p702a ")));
	set_up_subscriptions(&s);
	redis_subscriptions_read(&s, eio_buf_bytes(&text));
	counts(&s, 2, 0);
	others(&s, 5,
		EIO_LIT(ASK_A ASK_B "*2\r\n$11\r\nUNSUBSCRIBE\r\n$0\r\n\r\n*2\r\n$11\r\nUNSUBSCRIBE\r\n$1\r\nd\r\n"
				    "*2\r\n$12\r\nPUNSUBSCRIBE\r\n$1\r\na\r\n"));
	answered(&s, true, "a");
	answered(&s, true, "b");
	passed_over(&s, true, "");
	passed_over(&s, true, "d");
	passed_over(&s, true, "a");
	counts(&s, 4, 0);
	eio_buf_deinit(&text);
	redis_subscriptions_deinit(&before);
	redis_subscriptions_deinit(&s);
}

/* Words that nobody has written confirm nothing. */
static void
of_nobody(void **state)
{
	static const char *const texts[] = { "", " ", "c", "x", "c6", "c6g ", "x61" };

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		struct redis_subscriptions s;

		set_up_subscriptions(&s);
		redis_subscriptions_read(&s, eio_cstr(texts[i]));
		counts(&s, 0, 0);
		redis_subscriptions_deinit(&s);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_by_itself),
		cmocka_unit_test(begins_anew),
		cmocka_unit_test(becomes_others),
		cmocka_unit_test(in_quick_succession),
		cmocka_unit_test(left_and_wanted_again),
		cmocka_unit_test(of_another_process),
		cmocka_unit_test(of_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

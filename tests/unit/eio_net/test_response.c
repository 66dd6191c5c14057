/* SPDX-License-Identifier: MIT */
/* The head of an answer, and the block that many answers share. */
#include "eio/net/response.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static void
check_head(const struct eio_response *r, bool minor0, bool close, const char *before, const char *behind)
{
	struct eio__responses a = { 0 };
	struct eio_buf out;
	char expected[512];

	eio_buf_init(&out);
	eio__response_head(&a, r, NULL, minor0, close, &out);
	assert_int_equal(strlen(a.date), EIO__DATE_LEN);
	snprintf(expected, sizeof expected, "%sDate: %s\r\n%s", before, a.date, behind);
	eio_buf_addc(&out, '\0');
	assert_string_equal(out.p, expected);
	eio_buf_deinit(&out);
	eio__responses_deinit(&a);
}

static void
test_head(void **state)
{
	struct eio_response r = { .status = 200, .length = 12 };

	(void)state;
	check_head(&r, false, false, "HTTP/1.1 200 OK\r\n", "Content-Length: 12\r\n\r\n");
	check_head(&r, true, false, "HTTP/1.1 200 OK\r\n", "Content-Length: 12\r\nConnection: keep-alive\r\n\r\n");
	check_head(&r, true, true, "HTTP/1.1 200 OK\r\n", "Content-Length: 12\r\nConnection: close\r\n\r\n");
	r = (struct eio_response){ .status = 304, .no_length = true, .headers = eio_block_of(EIO_LIT("A: b\r\n")) };
	check_head(&r, false, false, "HTTP/1.1 304 Not Modified\r\nA: b\r\n", "\r\n");
	eio_block_unref(r.headers);
}

/* The same block for the same answer, until anything of it is another. */
static void
test_shared(void **state)
{
	struct eio_response r = { .status = 200, .headers = eio_block_of(EIO_LIT("A: b\r\n")), .length = 4 };
	struct eio_block *other = eio_block_of(EIO_LIT("else")), *first, *again;
	struct eio__responses a = { 0 };
	time_t date_at;

	(void)state;
	r.body = eio_block_of(EIO_LIT("body"));
	do {
		first = eio_block_ref(eio__response_shared(&a, &r, false));
		date_at = a.date_at;
		again = eio__response_shared(&a, &r, false);
		if (date_at == a.date_at) assert_ptr_equal(first, again);
		eio_block_unref(first);
	} while (date_at != a.date_at); /* a second went by, and the date is another */
	assert_memory_equal(again->data + again->n - 8, "\r\n\r\nbody", 8);
	eio_block_ref(again);
	assert_ptr_not_equal(eio__response_shared(&a, &r, true), again);
	eio_block_unref(r.body);
	r.body = other;
	first = eio__response_shared(&a, &r, false);
	assert_ptr_not_equal(first, again);
	assert_memory_equal(first->data + first->n - 8, "\r\n\r\nelse", 8);
	eio_block_unref(again);
	eio__responses_deinit(&a);
	eio_block_unref(r.headers);
	eio_block_unref(r.body);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_head), cmocka_unit_test(test_shared) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}

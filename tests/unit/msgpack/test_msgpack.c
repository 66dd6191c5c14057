/* SPDX-License-Identifier: MIT */
/* Single values: each first byte, in both dialects, as JSON. Whole messages are in adapter/test_classic. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "sio/json.h"
#include "src/msgpack/json.h"

static enum msgpack_result
read_as(struct eio_bytes bytes, enum msgpack_dialect dialect, struct msgpack_json *out)
{
	*out = (struct msgpack_json){ .n_attachments = 0 };
	return msgpack_to_json(bytes, dialect, out);
}

static void
expect(enum msgpack_dialect dialect, struct eio_bytes bytes, const char *wanted)
{
	struct msgpack_json j;

	assert_int_equal(read_as(bytes, dialect, &j), MSGPACK_OK);
	assert_int_equal(sio_json_check(eio_buf_bytes(&j.text)), 0);
	eio_buf_addc(&j.text, '\0');
	assert_string_equal(j.text.p, wanted);
	eio_buf_deinit(&j.text);
}

static void
expect_bad(enum msgpack_dialect dialect, struct eio_bytes bytes)
{
	struct msgpack_json j;

	assert_int_equal(read_as(bytes, dialect, &j), MSGPACK_BAD);
	eio_buf_deinit(&j.text);
}

#define IS(bytes, wanted) expect(MSGPACK_STANDARD, EIO_LIT(bytes), wanted)
#define JS(bytes, wanted) expect(MSGPACK_JS, EIO_LIT(bytes), wanted)
#define BAD(bytes) expect_bad(MSGPACK_STANDARD, EIO_LIT(bytes))
#define BAD_JS(bytes) expect_bad(MSGPACK_JS, EIO_LIT(bytes))

static void
test_numbers(void **state)
{
	(void)state;
	IS("\000", "0");
	IS("\177", "127");
	IS("\340", "-32");
	IS("\377", "-1");
	IS("\314\377", "255");
	IS("\315\001\000", "256");
	IS("\316\377\377\377\377", "4294967295");
	IS("\317\377\377\377\377\377\377\377\377", "18446744073709551615");
	IS("\320\200", "-128");
	IS("\321\200\000", "-32768");
	IS("\322\200\000\000\000", "-2147483648");
	IS("\323\200\000\000\000\000\000\000\000", "-9223372036854775808");
	IS("\323\000\000\000\000\000\000\000\001", "1");
	IS("\312\077\300\000\000", "1.5");
	IS("\313\077\270\000\000\000\000\000\000", "0.09375");
	IS("\313\077\271\231\231\231\231\231\232", "0.1");
	IS("\313\177\360\000\000\000\000\000\000", "null");
	IS("\313\177\370\000\000\000\000\000\000", "null");
	IS("\313\200\000\000\000\000\000\000\000", "0");
	IS("\313\000\000\000\000\000\000\000\001", "4.94065645841247e-324");
	IS("\313\103\340\000\000\000\000\000\000", "9.223372036854776e+18");
	JS("\313\102\160\000\000\000\000\000\000", "1099511627776");
	BAD("\314");
	BAD("\317\000\000\000\000\000\000\000");
	BAD("\313\000");
	BAD("\301");
	BAD_JS("\301");
}

static void
test_bytes(void **state)
{
	(void)state;
	IS("\240", "\"\"");
	IS("\241a", "\"a\"");
	IS("\331\001a", "\"a\"");
	IS("\332\000\001a", "\"a\"");
	IS("\333\000\000\000\001a", "\"a\"");
	IS("\242\377\"", "\"\357\277\275\\\"\"");
	IS("\304\001a", "{\"_placeholder\":true,\"num\":0}");
	IS("\305\000\001a", "{\"_placeholder\":true,\"num\":0}");
	IS("\306\000\000\000\001a", "{\"_placeholder\":true,\"num\":0}");
	JS("\330\000\001a", "{\"_placeholder\":true,\"num\":0}");
	JS("\331\000\000\000\001a", "{\"_placeholder\":true,\"num\":0}");
	JS("\332\000\001a", "\"a\"");
	BAD("\331\002a");
	BAD("\333\377\377\377\377a");
	BAD("\306\377\377\377\377a");
	BAD_JS("\331\377\377\377\377a");
	BAD_JS("\305\000\001a");
	BAD_JS("\324\000\000");
}

static void
test_ext(void **state)
{
	(void)state;
	IS("\324\000\000", "null"); /* undefined */
	BAD("\324\000\001");
	JS("\304", "null");
	IS("\222\300\302", "[null,false]");
	IS("\202\241a\324\000\000\241b\303", "{\"b\":true}");
	IS("\202\241a\303\241b\324\000\000", "{\"a\":true}");
	JS("\201\241a\304", "{}");
	IS("\327\000\000\000\000\000\000\000\005\334", "\"1970-01-01T00:00:01.500Z\"");
	IS("\307\010\000\000\000\000\000\000\000\005\334", "{\"_placeholder\":true,\"num\":0}"); /* of ArrayBuffers */
	IS("\326\377\000\000\000\001", "\"1970-01-01T00:00:01.000Z\"");
	IS("\327\377\167\065\224\000\000\000\000\001", "\"1970-01-01T00:00:01.500Z\"");
	IS("\307\014\377\073\213\207\300\377\377\377\377\377\377\377\377", "\"1969-12-31T23:59:59.999Z\"");
	IS("\307\003\015\315\005\334", "\"1970-01-01T00:00:01.500Z\"");
	IS("\324\015\377", "\"1969-12-31T23:59:59.999Z\"");
	IS("\307\011\015\313\177\370\000\000\000\000\000\000", "null"); /* an invalid date */
	IS("\327\000\177\377\377\377\377\377\377\377", "null");
	IS("\307\014\377\000\000\000\000\177\377\377\377\377\377\377\377", "null");
	BAD("\327\377\377\377\377\374\000\000\000\001"); /* more than a second of nanoseconds */
	BAD("\307\003\377\000\000\001");
	BAD("\307\003\015\241ab");
	BAD("\307\000\015");
	BAD("\324\015\315");
	BAD("\324\001a");
	BAD("\310\377\377\022a");
	IS("\325\022ab", "{\"_placeholder\":true,\"num\":0}");
}

/* Days that are easily got wrong. */
static void
test_dates(void **state)
{
	static const struct {
		int64_t ms;
		const char *text;
	} cases[] = {
		{ 951782400000, "\"2000-02-29T00:00:00.000Z\"" },
		{ 951868800000, "\"2000-03-01T00:00:00.000Z\"" },
		{ 4107542400000, "\"2100-03-01T00:00:00.000Z\"" },
		{ 1735689599999, "\"2024-12-31T23:59:59.999Z\"" },
		{ -62135596800000, "\"0001-01-01T00:00:00.000Z\"" },
		{ -62167219200000, "\"0000-01-01T00:00:00.000Z\"" },
		{ -62167219200001, "\"-000001-12-31T23:59:59.999Z\"" },
		{ 253402300800000, "\"+010000-01-01T00:00:00.000Z\"" },
		{ 8640000000000000, "\"+275760-09-13T00:00:00.000Z\"" },
		{ -8640000000000000, "\"-271821-04-20T00:00:00.000Z\"" },
		{ 8640000000000001, "null" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char b[10] = { '\327', '\0' };

		for (int k = 0; k < 8; k++) b[2 + k] = (char)((uint64_t)cases[i].ms >> (56 - 8 * k));
		expect(MSGPACK_STANDARD, eio_bytes(b, sizeof b), cases[i].text);
	}
}

static void
test_structure(void **state)
{
	(void)state;
	IS("\220", "[]");
	IS("\200", "{}");
	IS("\222\221\220\200", "[[[]],{}]");
	IS("\334\000\001\300", "[null]");
	IS("\335\000\000\000\001\300", "[null]");
	IS("\336\000\001\241a\300", "{\"a\":null}");
	IS("\337\000\000\000\001\005\300", "{\"5\":null}");
	IS("\201\377\300", "{\"-1\":null}");
	BAD("\201\300\300"); /* no name */
	BAD("\201\241a");
	BAD("\221");
	BAD("\335\377\377\377\377\300"); /* longer than it can be */
	BAD("\337\377\377\377\377\300");
	BAD("\300\300");
	BAD("");
}

static void
test_depth(void **state)
{
	struct eio_buf b = { 0 };
	struct msgpack_json j;

	(void)state;
	for (int i = 0; i < MSGPACK_MAX_DEPTH - 1; i++) eio_buf_addc(&b, '\221');
	EIO_BUF_ADD_LIT(&b, "\220");
	assert_int_equal(read_as(eio_buf_bytes(&b), MSGPACK_STANDARD, &j), MSGPACK_OK);
	assert_int_equal(sio_json_check(eio_buf_bytes(&j.text)), 0);
	eio_buf_deinit(&j.text);
	b.p[b.n - 1] = '\221';
	EIO_BUF_ADD_LIT(&b, "\220");
	assert_int_equal(read_as(eio_buf_bytes(&b), MSGPACK_STANDARD, &j), MSGPACK_DEEP);
	eio_buf_deinit(&j.text);
	eio_buf_deinit(&b);
}

static void
test_attachments(void **state)
{
	struct eio_buf b = { 0 };
	struct msgpack_json j;

	(void)state;
	eio_buf_addc(&b, '\232');
	for (char i = 0; i < 10; i++) {
		EIO_BUF_ADD_LIT(&b, "\304\001");
		eio_buf_addc(&b, i);
	}
	assert_int_equal(read_as(eio_buf_bytes(&b), MSGPACK_STANDARD, &j), MSGPACK_OK);
	assert_int_equal(j.n_attachments, 10);
	assert_int_equal(*j.attachments[9].p, 9);
	eio_buf_deinit(&j.text);
	b.p[0] = '\233';
	EIO_BUF_ADD_LIT(&b, "\304\000");
	assert_int_equal(read_as(eio_buf_bytes(&b), MSGPACK_STANDARD, &j), MSGPACK_MANY);
	eio_buf_deinit(&j.text);
	eio_buf_deinit(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_ext),
		cmocka_unit_test(test_dates),
		cmocka_unit_test(test_structure),
		cmocka_unit_test(test_depth),
		cmocka_unit_test(test_attachments),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

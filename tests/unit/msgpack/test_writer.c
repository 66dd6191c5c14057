/* SPDX-License-Identifier: MIT */
/* What is written is the shortest head there is for it, and what is read of it the same value. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "eio/check.h"
#include "sio/json.h"
#include "src/msgpack/json.h"
#include "src/msgpack/writer.h"
#include "tests/unit/failmalloc.h"

/* Writes JSON, and reads it again: the same, or what is wanted in its place. */
static void
expect_again(const char *json, const char *wanted)
{
	struct msgpack_json j = { .n_attachments = 0 };
	struct eio_buf b = { 0 };

	assert_int_equal(sio_json_check(eio_cstr(json)), 0);
	msgpack_write_json(&b, eio_cstr(json), NULL, 0);
	assert_false(eio_buf_failed(&b));
	assert_int_equal(msgpack_to_json(eio_buf_bytes(&b), MSGPACK_STANDARD, &j), MSGPACK_OK);
	eio_buf_addc(&j.text, '\0');
	assert_string_equal(j.text.p, wanted ? wanted : json);
	eio_buf_deinit(&j.text);
	eio_buf_deinit(&b);
}

static void
expect_bytes(const char *json, struct eio_bytes wanted)
{
	struct eio_buf b = { 0 };

	msgpack_write_json(&b, eio_cstr(json), NULL, 0);
	assert_int_equal(b.n, wanted.n);
	assert_memory_equal(b.p, wanted.p, wanted.n);
	eio_buf_deinit(&b);
}

#define BYTES(json, bytes) expect_bytes(json, EIO_LIT(bytes))

static void
test_numbers(void **state)
{
	(void)state;
	BYTES("0", "\000");
	BYTES("127", "\177");
	BYTES("128", "\314\200");
	BYTES("65535", "\315\377\377");
	BYTES("65536", "\316\000\001\000\000");
	BYTES("4294967296", "\317\000\000\000\001\000\000\000\000");
	BYTES("18446744073709551615", "\317\377\377\377\377\377\377\377\377");
	BYTES("-1", "\377");
	BYTES("-32", "\340");
	BYTES("-33", "\320\337");
	BYTES("-128", "\320\200");
	BYTES("-129", "\321\377\177");
	BYTES("-32769", "\322\377\377\177\377");
	BYTES("-2147483649", "\323\377\377\377\377\177\377\377\377");
	BYTES("1.5", "\313\077\370\000\000\000\000\000\000");
	BYTES("-0", "\313\200\000\000\000\000\000\000\000");
	BYTES("18446744073709551616", "\313\103\360\000\000\000\000\000\000");
	expect_again("-9223372036854775808", NULL);
	expect_again("-9223372036854775809", "-9.223372036854776e+18");
	expect_again("1e3", "1000");
	expect_again("0.1", NULL);
	expect_again("5e-324", "4.94065645841247e-324");
	expect_again("1e400", "null");
}

/* A number with more digits than anybody reads. */
static void
test_long_numbers(void **state)
{
	struct eio_buf b = { 0 };

	(void)state;
	EIO_BUF_ADD_LIT(&b, "0.");
	for (int i = 0; i < 798; i++) eio_buf_addc(&b, '5');
	eio_buf_addc(&b, '\0');
	expect_again(b.p, "0.5555555555555556");
	eio_buf_deinit(&b);
}

static void
test_values(void **state)
{
	char text[70000];

	(void)state;
	BYTES("[null,true,false,\"\"]", "\224\300\303\302\240");
	BYTES(" {\"a\" : [ {} , [] ] } ", "\201\241a\222\200\220");
	BYTES("\"\\u00e9\\n\"", "\243\303\251\n");
	for (unsigned n = 30; n < 66000; n = n < 34	 ? n + 1
					     : n < 254	 ? 254
					     : n < 258	 ? n + 1
					     : n < 65534 ? 65534
							 : n + 1) {
		memset(text, 'x', n + 2);
		text[0] = text[n + 1] = '"';
		text[n + 2] = '\0';
		expect_again(text, NULL);
		if (n > 65538) break;
	}
	for (unsigned n = 14; n < 18; n++) {
		struct eio_buf list = { 0 }, map = { 0 };

		for (unsigned i = 0; i < n; i++) {
			eio_buf_printf(&list, "%c%u", i ? ',' : '[', i);
			eio_buf_printf(&map, "%c\"%u\":%u", i ? ',' : '{', i, i);
		}
		eio_buf_append(&list, "]", 2);
		eio_buf_append(&map, "}", 2);
		expect_again(list.p, NULL);
		expect_again(map.p, NULL);
		eio_buf_deinit(&list);
		eio_buf_deinit(&map);
	}
}

/* As deep as a reader goes; what is deeper than JSON may be nobody hands in. */
static void
test_depth(void **state)
{
	char text[2 * MSGPACK_MAX_DEPTH + 1];

	(void)state;
	memset(text, '[', MSGPACK_MAX_DEPTH);
	memset(text + MSGPACK_MAX_DEPTH, ']', MSGPACK_MAX_DEPTH);
	text[2 * MSGPACK_MAX_DEPTH] = '\0';
	expect_again(text, NULL);
	expect_again("[[[[[[[[[[{\"a\":1,\"b\":[2,{\"c\":{\"d\":[[],[1,2,3]]}}]},5]]]]]]]]]]", NULL);
}

static void
test_attachments(void **state)
{
	static const char json[] =
		"[{\"_placeholder\":true,\"num\":1},{\"_placeholder\":true,\"num\":0},{\"_placeholder\":true,\"num\":2}]";
	const struct eio_bytes attachments[] = { EIO_LIT("ab"), EIO_LIT("") };
	struct eio_buf b = { 0 };

	(void)state;
	msgpack_write_json(&b, EIO_LIT(json), attachments, 2);
	/* The third is for nothing, and so plain data. */
	assert_memory_equal(b.p, "\223\304\000\304\002ab\202\254_placeholder\303\243num\002", b.n);
	eio_buf_deinit(&b);
	expect_again(json, NULL);
}

static int
write_it(void)
{
	struct eio_buf b = { 0 };
	bool failed;

	msgpack_write_json(&b, EIO_LIT("[\"a\\n\",{\"b\\t\":[1,2,[[[[[[[[[[[3]]]]]]]]]]]]}]"), NULL, 0);
	failed = eio_buf_failed(&b);
	eio_buf_deinit(&b);
	return failed ? -1 : 0;
}

static void
test_nomem(void **state)
{
	(void)state;
	failmalloc_every(write_it, -1, 3);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_long_numbers),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_depth),
		cmocka_unit_test(test_attachments),
		cmocka_unit_test(test_nomem),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

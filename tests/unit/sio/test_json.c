/* SPDX-License-Identifier: MIT */
/* The JSON scanner: what is JSON and what is not, and every way of looking into it. */
#define _GNU_SOURCE /* memmem */
#include "eio/buf.h"
#include "eio/utf8.h"
#include "sio/error.h"
#include "sio/json.h"
#include "sio/json_cut.h"
#include "sio/json_int.h"
#include "tests/unit/dice.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define S(s) EIO_LIT(s)

static const struct eio_bytes valid[] = { S("null"), S("true"), S("false"), S("0"), S("-0"), S("10"), S("-1.5e+10"),
	S("1E400"), S("0.0e-0"), S("9007199254740993"), S("\"\""), S("\"a\\u0000b\""), S("\"\\ud800\""),
	S("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\""), S("\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\""), S("\"\x7f\""),
	S("\"\xed\x9f\xbf\xee\x80\x80\xf4\x8f\xbf\xbf\""), S("[]"), S("{}"), S(" \t\r\n[ ] \n"),
	S("[1,2,[3,{}],{\"a\":[]}]"), S("{\"a\":1,\"a\":2}"), S("{ \"a\" : { \"b\" : null } , \"c\" : \"d\" }"),
	S("\"\xe2\x80\xa8\xe2\x80\xa9\""),
	S("[\"a long string without any escape at all, longer than any register\",\"\",\"0123456789abcdef\"]") };

static const struct eio_bytes invalid[] = { S(""), S(" "), S("nul"), S("nulll"), S("True"), S("01"), S("-"), S("+1"),
	S("1."), S(".5"), S("1e"), S("1e+"), S("0x1"), S("NaN"), S("Infinity"), S("'a'"), S("\""), S("\"a"),
	S("\"\\x\""), S("\"\\u12g4\""), S("\"\\u123\""), S("\"\\"), S("\"a\nb\""), S("\"\x1f\""), S("\"\0\""),
	S("\"\x80\""), S("\"\xc0\xaf\""), S("\"\xc1\xbf\""), S("\"\xe0\x9f\xbf\""), S("\"\xed\xa0\x80\""),
	S("\"\xf0\x8f\xbf\xbf\""), S("\"\xf4\x90\x80\x80\""), S("\"\xf5\x80\x80\x80\""), S("\"\xc3\""),
	S("\"\xe2\x82\""), S("\"\xc3\x28\""), S("["), S("[1"), S("[1,"), S("[1,]"), S("[,1]"), S("[1 2]"), S("]"),
	S("{"), S("{\"a\""), S("{\"a\":"), S("{\"a\":1"), S("{\"a\":1,}"), S("{,}"), S("{a:1}"), S("{\"a\" 1}"),
	S("{1:1}"), S("{\"a\"}"), S("[1}"), S("{\"a\":1]"), S("1 2"), S("[]x"), S("\xef\xbb\xbf[]"), S("[]\0"),
	S("[\"a\",\xa0 1]"), S("// c\n1"), S("[1,,2]"), S("{\"a\":1,,\"b\":2}"), S("\"0123456789abcdef\x01\""),
	S("\"0123456789abcde\x80\""), S("\v1"), S("1\f"), S("--1"), S("1e1.5"), S("tru\0") };

static int
check_copy(struct eio_bytes s)
{
	/* An exact allocation: one byte too far is an address sanitizer report. */
	char *copy = malloc(s.n ? s.n : 1);
	int rc;

	assert_non_null(copy);
	if (s.n) memcpy(copy, s.p, s.n);
	rc = sio_json_check((struct eio_bytes){ copy, s.n });
	free(copy);
	return rc;
}

static void
test_valid(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(valid) / sizeof(valid[0]); i++)
		if (check_copy(valid[i])) fail_msg("refused: %.*s", (int)valid[i].n, valid[i].p);
}

static void
test_invalid(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(invalid) / sizeof(invalid[0]); i++)
		if (check_copy(invalid[i]) != SIO_ERR_PAYLOAD)
			fail_msg("%zu: %.*s", i, (int)invalid[i].n, invalid[i].p);
}

/* No proper prefix of a container or a string is JSON. */
static void
test_truncated(void **state)
{
	size_t i, n;

	(void)state;
	for (i = 0; i < sizeof(valid) / sizeof(valid[0]); i++) {
		struct eio_bytes v = sio_json_trim(valid[i]);

		if (!strchr("[{\"", v.p[0])) continue;
		for (n = 0; n < v.n; n++) assert_int_equal(check_copy((struct eio_bytes){ v.p, n }), SIO_ERR_PAYLOAD);
	}
}

/* Walks all that can be walked: nothing may be read outside. */
static void
walk(struct eio_bytes json, int depth)
{
	struct sio_json_iter it = sio_json_iter(json);
	struct eio_bytes key, v;
	struct eio_buf b;

	eio_buf_init(&b);
	if (sio_json_kind(json) == SIO_JSON_STRING) sio_json_unescape(&b, sio_json_trim(json));
	while (sio_json_next(&it, &key, &v)) {
		if (it.object) sio_json_unescape(&b, key);
		assert_true(v.n > 0);
		assert_int_equal(sio_json_check(v), 0);
		if (depth < 300) walk(v, depth + 1);
	}
	eio_buf_deinit(&b);
}

static void
test_every_byte_changed(void **state)
{
	static const char base[] = "{\"k\\n\":[1.5e3,true,{\"x\":\"\xc3\xa9\\u00e9\"},null],\"0123456789abcdefgh\":-0}";
	char copy[sizeof(base) - 1];
	struct eio_bytes v;
	unsigned c, still = 0;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(copy); i++) {
		for (c = 0; c < 256; c++) {
			memcpy(copy, base, sizeof(copy));
			copy[i] = (char)c;
			if (check_copy(eio_bytes(copy, sizeof(copy)))) continue;
			still++;
			walk(eio_bytes(copy, sizeof(copy)), 0);
			sio_json_find(eio_bytes(copy, sizeof(copy)), EIO_LIT("/k/2/x"), &v);
		}
	}
	/* Every byte as it was, and a good part of the letters and digits changed. */
	assert_true(still > sizeof(copy) && still < sizeof(copy) * 256 / 2);
}

static void
test_depth(void **state)
{
	char text[2 * (SIO_JSON_MAX_DEPTH + 1)];
	size_t n = SIO_JSON_MAX_DEPTH;

	(void)state;
	memset(text, '[', n);
	memset(text + n, ']', n);
	assert_int_equal(sio_json_check(eio_bytes(text, 2 * n)), 0);
	walk(eio_bytes(text, 2 * n), 0);
	n++;
	memset(text, '[', n);
	memset(text + n, ']', n);
	assert_int_equal(sio_json_check(eio_bytes(text, 2 * n)), SIO_ERR_DEPTH);
	/* Objects and arrays mixed, across the words of the bit stack. */
	struct eio_buf b;

	eio_buf_init(&b);
	for (n = 0; n < SIO_JSON_MAX_DEPTH / 2; n++) EIO_BUF_ADD_LIT(&b, "[{\"a\":");
	eio_buf_addc(&b, '1');
	for (n = 0; n < SIO_JSON_MAX_DEPTH / 2; n++) EIO_BUF_ADD_LIT(&b, "}]");
	assert_int_equal(sio_json_check(eio_buf_bytes(&b)), 0);
	b.p[b.n - 130] = b.p[b.n - 130] == '}' ? ']' : '}';
	assert_int_equal(sio_json_check(eio_buf_bytes(&b)), SIO_ERR_PAYLOAD);
	eio_buf_deinit(&b);
}

/* Both ways of skipping against the definition: every byte value at every place of a run. */
static void
test_skip_plain(void **state)
{
	char text[56];
	size_t n, at;
	unsigned c;

	(void)state;
	for (n = 0; n <= sizeof(text); n += n < 40 ? 1 : 8) {
		char *copy = malloc(n ? n : 1);

		for (at = 0; at < n; at++) {
			for (c = 0; c < 256; c++) {
				bool plain = c >= 0x20 && c != '"' && c != '\\';

				memset(copy, 'a', n);
				copy[at] = (char)c;
				if (at + 1 < n) copy[n - 1] = '"';
				const char *want = copy + (!plain ? at : at + 1 < n ? n - 1 : n);

				assert_ptr_equal(sio__json_skip_plain(copy, copy + n), want);
				assert_ptr_equal(sio__json_skip_plain_portable(copy, copy + n), want);
			}
		}
		free(copy);
	}
}

/* The ways to check JSON must agree: by blocks only what the definition accepts, and every container that is not
 * rare. */

static bool
agree(struct eio_bytes s, bool must)
{
	bool good = sio__json_check_bytes(s) == 0, blocks = good;

#ifdef EIO_VECTOR_HAVE
	blocks = sio__json_check_blocks(s);
	if (blocks && !good) fail_msg("only blocks accept: %.*s", (int)s.n, s.p);
	if (must && good && !blocks) fail_msg("blocks refuse: %.*s", (int)s.n, s.p);
#endif
#ifdef EIO_VECTOR_HAVE_AVX2
	if (eio_vector_can_avx2() && sio__json_check_blocks_avx2(s) != blocks)
		fail_msg("AVX2 differs: %.*s", (int)s.n, s.p);
#endif
	assert_int_equal(sio_json_check(s), sio__json_check_bytes(s));
	return good;
}

/* In an allocation of its own, so that what is read outside is found. */
static bool
agree_copy(struct eio_bytes s, bool must)
{
	char *copy = malloc(s.n ? s.n : 1);
	bool good;

	assert_non_null(copy);
	if (s.n) memcpy(copy, s.p, s.n);
	good = agree(eio_bytes(copy, s.n), must);
	free(copy);
	return good;
}

/* Each vector as an element, at each place of a block, between other elements and alone. */
static void
vector_at_each_place(struct eio_bytes vector, bool good)
{
	struct eio_buf b;

	eio_buf_init(&b);
	for (unsigned before = 0; before < 70; before++) {
		for (unsigned way = 0; way < 4; way++) {
			bool in_string = way & 1;

			eio_buf_clear(&b);
			eio_buf_addc(&b, '[');
			if (in_string) eio_buf_addc(&b, '"');
			for (unsigned i = 0; i < before; i++) eio_buf_addc(&b, in_string ? 'x' : i % 9 ? ' ' : '\n');
			if (in_string) EIO_BUF_ADD_LIT(&b, "\",");
			eio_buf_add(&b, vector);
			if (way & 2) EIO_BUF_ADD_LIT(&b, ",{\"a\":1.5,\"b\":[true,\"c\"]}");
			eio_buf_addc(&b, ']');
			if (agree_copy(eio_buf_bytes(&b), true) && !good) {
				/* what is no value alone may be several in a list, or an empty list */
				assert_true(vector.n == 0 || strchr(" \"", vector.p[0]) || vector.n > 2);
			} else if (good) {
				assert_int_equal(sio__json_check_bytes(eio_buf_bytes(&b)), 0);
			}
		}
	}
	agree_copy(vector, false);
	eio_buf_deinit(&b);
}

static void
test_blocks_vectors(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(valid) / sizeof(valid[0]); i++) vector_at_each_place(valid[i], true);
	for (size_t i = 0; i < sizeof(invalid) / sizeof(invalid[0]); i++) vector_at_each_place(invalid[i], false);
}

static void
write_space(struct eio_buf *b)
{
	for (unsigned i = dice(8) ? 0 : dice(70); i > 0; i--) eio_buf_addc(b, " \t\r\n"[dice(4)]);
}

static void
write_string(struct eio_buf *b)
{
	static const char *const parts[] = { "a", "bc", "{", "}", "[", "]", ",", ":", "1", "true", "\\\"", "\\\\",
		"\\u00e9", "\\n", " ", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80",
		"a longer run of text in a string", "-", "e", "\x7f" };

	eio_buf_addc(b, '"');
	for (unsigned i = dice(8) ? dice(4) : dice(30); i > 0; i--)
		eio_buf_add(b, eio_cstr(parts[dice(sizeof parts / sizeof parts[0])]));
	eio_buf_addc(b, '"');
}

static void
write_value(struct eio_buf *b, unsigned depth)
{
	static const char *const scalars[] = { "0", "-0", "7", "-12", "1.5", "-0.25", "1234567890123456789", "1e5",
		"-2.5E-10", "0e+1", "true", "false", "null", "187.25", "300", "0.001" };
	unsigned kind = dice(depth ? 6 : 4), n = dice(6);

	write_space(b);
	if (kind < 2) eio_buf_add(b, eio_cstr(scalars[dice(sizeof scalars / sizeof scalars[0])]));
	if (kind == 2 || kind == 3) write_string(b);
	if (kind >= 4) eio_buf_addc(b, kind == 4 ? '[' : '{');
	for (unsigned i = 0; kind >= 4 && i < n; i++) {
		write_space(b);
		if (i) eio_buf_addc(b, ',');
		write_space(b);
		if (kind == 5) {
			write_string(b);
			write_space(b);
			eio_buf_addc(b, ':');
		}
		write_value(b, depth - 1);
	}
	write_space(b);
	if (kind >= 4) eio_buf_addc(b, kind == 4 ? ']' : '}');
	write_space(b);
}

/* Changes some bytes for what JSON is made of, takes some out or doubles some. */
static void
mutate(struct eio_buf *b)
{
	static const char letters[] = "{}[],:\"\\0123.5-+eEtrufalsn \n\t\x01\x7f\x80\xc3\xe2\xff/";

	for (unsigned k = 1 + dice(2); k > 0 && b->n > 1; k--) {
		size_t at = dice((unsigned)b->n), n = 1 + dice(4);

		if (at + n > b->n) n = b->n - at;
		switch (dice(4)) {
		case 0:
		case 1: b->p[at] = letters[dice(sizeof letters - 1)]; break;
		case 2:
			memmove(b->p + at, b->p + at + n, b->n - at - n);
			b->n -= n;
			break;
		default:
			assert_non_null(eio_buf_reserve(b, n));
			memmove(b->p + at + n, b->p + at, b->n - at);
			b->n += n;
			break;
		}
	}
}

static void
test_blocks_random(void **state)
{
	struct eio_buf b;
	unsigned good = 0, bad = 0;

	(void)state;
	dice_state = 1;
	eio_buf_init(&b);
	for (unsigned round = 0; round < 20000; round++) {
		eio_buf_clear(&b);
		eio_buf_addc(&b, '[');
		write_value(&b, 1 + dice(5));
		eio_buf_addc(&b, ']');
		assert_true(agree_copy(eio_buf_bytes(&b), true));
		for (unsigned k = 0; k < 4; k++) {
			mutate(&b);
			if (agree_copy(eio_buf_bytes(&b), false))
				good++;
			else
				bad++;
		}
	}
	assert_true(good > 1000 && bad > 1000);
	eio_buf_deinit(&b);
}

/* Strings of bytes that are and are not UTF-8, across the borders of vectors and blocks, and with one or two blocks
 * behind. */
static void
test_blocks_utf8(void **state)
{
	static const unsigned char kinds[] = { 'a', 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc1, 0xc2, 0xe0, 0xe1, 0xed,
		0xf0, 0xf1, 0xf4, 0xf5, 0xff };
	enum { N = sizeof kinds };
	char text[140];

	(void)state;
	for (size_t at = 2; at < sizeof text - 6; at += at % 16 < 12 ? 10 : 1) {
		for (unsigned i = 0; i < N * N * N * N; i++) {
			bool want = true;
			uint32_t cp;

			memset(text, 'a', sizeof text);
			memcpy(text, "[\"", 2);
			memcpy(text + sizeof text - 2, "\"]", 2);
			for (unsigned k = 0, rest = i; k < 4; k++, rest /= N) text[at + k] = (char)kinds[rest % N];
			for (size_t k = 0, n; want && k < 4; k += n) {
				n = eio_utf8_next(eio_bytes(text + at + k, 4 - k), &cp);
				want = n > 0;
			}
			if (agree(eio_bytes(text, sizeof text), true) != want) fail_msg("%u at %zu", i, at);
		}
	}
}

static void
test_iterate(void **state)
{
	struct eio_bytes array = S(" [ 1 , \"a,]\" , [2,[3]] , { \"k\" : [ ] } ,null ] "), key, v;
	static const char *const want[] = { "1", "\"a,]\"", "[2,[3]]", "{ \"k\" : [ ] }", "null" };
	struct sio_json_iter it = sio_json_iter(array);
	size_t i = 0;

	(void)state;
	while (sio_json_next(&it, NULL, &v)) assert_true(i < 5 && eio_bytes_eq(v, eio_cstr(want[i++])));
	assert_int_equal(i, 5);
	it = sio_json_iter(EIO_LIT("{\"a}\" :1, \"\\\"\":\"}\" }"));
	assert_true(sio_json_next(&it, &key, &v));
	assert_true(eio_bytes_eq(key, EIO_LIT("\"a}\"")) && eio_bytes_eq(v, EIO_LIT("1")));
	assert_true(sio_json_next(&it, &key, &v));
	assert_true(eio_bytes_eq(key, EIO_LIT("\"\\\"\"")) && eio_bytes_eq(v, EIO_LIT("\"}\"")));
	assert_false(sio_json_next(&it, &key, &v));
	assert_false(sio_json_next(&it, &key, &v));
	it = sio_json_iter(EIO_LIT("[ ]"));
	assert_false(sio_json_next(&it, NULL, &v));
	it = sio_json_iter(EIO_LIT("\"[1]\""));
	assert_false(sio_json_next(&it, NULL, &v));
}

static void
test_kind(void **state)
{
	(void)state;
	assert_int_equal(sio_json_kind(EIO_LIT(" null")), SIO_JSON_NULL);
	assert_int_equal(sio_json_kind(EIO_LIT("true")), SIO_JSON_TRUE);
	assert_int_equal(sio_json_kind(EIO_LIT("false")), SIO_JSON_FALSE);
	assert_int_equal(sio_json_kind(EIO_LIT("\n-1")), SIO_JSON_NUMBER);
	assert_int_equal(sio_json_kind(EIO_LIT("\"\"")), SIO_JSON_STRING);
	assert_int_equal(sio_json_kind(EIO_LIT("[]")), SIO_JSON_ARRAY);
	assert_int_equal(sio_json_kind(EIO_LIT("{}")), SIO_JSON_OBJECT);
}

static void
test_find(void **state)
{
	static const char doc[] =
		" {\"a\":{\"b\":[10,{\"c\":\"x\"}]},\"\":0,\"a/b\":1,\"m~n\":2,\"e\\u00e9\":3,\"d\":1,\"d\":2,"
		"\"~1\":4,\"\\u002f~\":5, \"00\":6}";
	static const struct {
		const char *pointer, *want; /* NULL: nothing there */
	} cases[] = { { "/a/b/0", "10" }, { "/a/b/1/c", "\"x\"" }, { "/a/b/2", NULL }, { "/a/b/01", NULL },
		{ "/a/b/-", NULL }, { "/a/b/", NULL }, { "/", "0" }, { "/a~1b", "1" }, { "/m~0n", "2" },
		{ "/e\xc3\xa9", "3" }, { "/d", "2" }, { "/~01", "4" }, { "/~1~0", "5" }, { "/x", NULL },
		{ "/d/x", NULL }, { "/a/b", "[10,{\"c\":\"x\"}]" }, { "/00", "6" }, { "/a/b/1/c/0", NULL },
		{ "/a/b/99999999999999999999", NULL }, { "/~1~0x", NULL }, { "/~1", NULL } };
	struct eio_bytes v, untouched = EIO_LIT("?");
	size_t i;

	(void)state;
	assert_int_equal(sio_json_check(EIO_LIT(doc)), 0);
	assert_true(sio_json_find(EIO_LIT(doc), EIO_LIT(""), &v));
	assert_true(v.p == doc + 1 && v.n == sizeof(doc) - 2);
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		v = untouched;
		assert_true(sio_json_pointer_valid(eio_cstr(cases[i].pointer)));
		if (sio_json_find(EIO_LIT(doc), eio_cstr(cases[i].pointer), &v) != (cases[i].want != NULL))
			fail_msg("%s", cases[i].pointer);
		assert_true(eio_bytes_eq(v, cases[i].want ? eio_cstr(cases[i].want) : untouched));
	}
	assert_false(sio_json_pointer_valid(EIO_LIT("a")));
	assert_false(sio_json_pointer_valid(EIO_LIT("/~")));
	assert_false(sio_json_pointer_valid(EIO_LIT("/~2")));
}

static void
expect_unescaped(struct eio_bytes raw, struct eio_bytes want)
{
	struct eio_buf b;

	eio_buf_init(&b);
	assert_int_equal(sio_json_check(raw), 0);
	sio_json_unescape(&b, raw);
	assert_false(eio_buf_failed(&b));
	assert_int_equal(b.n, want.n);
	if (want.n) assert_memory_equal(b.p, want.p, want.n);
	assert_true(sio_json_string_eq(raw, want));
	eio_buf_addc(&b, 'x');
	assert_false(sio_json_string_eq(raw, eio_buf_bytes(&b)));
	if (want.n) assert_false(sio_json_string_eq(raw, (struct eio_bytes){ want.p, want.n - 1 }));
	eio_buf_deinit(&b);
}

static void
test_unescape(void **state)
{
	(void)state;
	expect_unescaped(EIO_LIT("\"\""), EIO_LIT(""));
	expect_unescaped(EIO_LIT("\"abc\""), EIO_LIT("abc"));
	expect_unescaped(EIO_LIT("\"a\\u0000b\""), EIO_LIT("a\0b"));
	expect_unescaped(EIO_LIT("\"\\b\\f\\n\\r\\t\\/\\\\\\\"\""), EIO_LIT("\b\f\n\r\t/\\\""));
	expect_unescaped(EIO_LIT("\"\\u00E9\\u20aC\\uD83D\\uDe00\""), EIO_LIT("\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"));
	expect_unescaped(EIO_LIT("\"\\ud800x\""), EIO_LIT("\xef\xbf\xbdx"));
	expect_unescaped(
		EIO_LIT("\"\\ude00\\ud800\\ud83d\\ude00\""), EIO_LIT("\xef\xbf\xbd\xef\xbf\xbd\xf0\x9f\x98\x80"));
	expect_unescaped(EIO_LIT("\"\\ud800\\n\\ud800\""), EIO_LIT("\xef\xbf\xbd\n\xef\xbf\xbd"));
	expect_unescaped(EIO_LIT("\"\\uffff\\u0800\\u07ff\""), EIO_LIT("\xef\xbf\xbf\xe0\xa0\x80\xdf\xbf"));
	assert_false(sio_json_string_eq(EIO_LIT("\"a\\n\""), EIO_LIT("a\\n")));
	assert_false(sio_json_string_eq(EIO_LIT("\"abc\""), EIO_LIT("abd")));
}

static void
expect_escaped(struct eio_bytes bytes, struct eio_bytes want)
{
	struct eio_buf b, back;

	eio_buf_init(&b);
	eio_buf_init(&back);
	sio_json_escape(&b, bytes);
	assert_true(eio_bytes_eq(eio_buf_bytes(&b), want));
	assert_int_equal(sio_json_check(eio_buf_bytes(&b)), 0);
	sio_json_unescape(&back, eio_buf_bytes(&b));
	if (!memmem(want.p, want.n, "\xef\xbf\xbd", 3)) assert_true(eio_bytes_eq(eio_buf_bytes(&back), bytes));
	eio_buf_deinit(&b);
	eio_buf_deinit(&back);
}

static void
test_escape(void **state)
{
	(void)state;
	expect_escaped((struct eio_bytes){ NULL, 0 }, EIO_LIT("\"\""));
	expect_escaped(
		EIO_LIT("plain text, longer than sixteen bytes"), EIO_LIT("\"plain text, longer than sixteen bytes\""));
	expect_escaped(
		EIO_LIT("\"\\/\b\f\n\r\t\x01\x1e\x7f"), EIO_LIT("\"\\\"\\\\/\\b\\f\\n\\r\\t\\u0001\\u001e\x7f\""));
	expect_escaped(EIO_LIT("a\0b"), EIO_LIT("\"a\\u0000b\""));
	expect_escaped(
		EIO_LIT("h\xc3\xa9\xf0\x9f\x98\x80\xe2\x80\xa8"), EIO_LIT("\"h\xc3\xa9\xf0\x9f\x98\x80\xe2\x80\xa8\""));
	expect_escaped(EIO_LIT("\xff"
			       "a\xc3"),
		EIO_LIT("\"\xef\xbf\xbd"
			"a\xef\xbf\xbd\""));
	expect_escaped(EIO_LIT("\xed\xa0\x80"), EIO_LIT("\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""));
}

/* Cutting: what, of what, and what is left; NULL: nothing is there to cut. */
static const struct {
	int line;
	const char *cut[3], *json, *left;
} cuts[] = {
	{ __LINE__, { "/a" }, "{'a':1}", "{}" },
	{ __LINE__, { "/a" }, " { 'a' : 1 } ", " {  } " },
	{ __LINE__, { "/a" }, "{'b':1}", NULL },
	{ __LINE__, { "/a" }, "{}", NULL },
	{ __LINE__, { "/a" }, "[1]", NULL },
	{ __LINE__, { "/a" }, "'a'", NULL },
	/* The first, one between others, the last; several. */
	{ __LINE__, { "/a" }, "{ 'a' : 1 , 'b' : 2 , 'c' : 3 }", "{ 'b' : 2 , 'c' : 3 }" },
	{ __LINE__, { "/b" }, "{ 'a' : 1 , 'b' : 2 , 'c' : 3 }", "{ 'a' : 1 , 'c' : 3 }" },
	{ __LINE__, { "/c" }, "{ 'a' : 1 , 'b' : 2 , 'c' : 3 }", "{ 'a' : 1 , 'b' : 2 }" },
	{ __LINE__, { "/a", "/b" }, "{ 'a' : 1 , 'b' : 2 , 'c' : 3 }", "{ 'c' : 3 }" },
	{ __LINE__, { "/b", "/c" }, "{ 'a' : 1 , 'b' : 2 , 'c' : 3 }", "{ 'a' : 1 }" },
	{ __LINE__, { "/a", "/c" }, "{ 'a' : 1 , 'b' : 2 , 'c' : 3 }", "{ 'b' : 2 }" },
	{ __LINE__, { "/c", "/b", "/a" }, "{ 'a' : 1 , 'b' : 2 , 'c' : 3 }", "{  }" },
	/* All of a key that stands twice, however it is written, and inside of each. */
	{ __LINE__, { "/a" }, "{'a':1,'b':2,'\\u0061':3}", "{'b':2}" },
	{ __LINE__, { "/a/b" }, "{'a':{'b':1},'a':{'c':2,'b':3}}", "{'a':{},'a':{'c':2}}" },
	{ __LINE__, { "/" }, "{'':1,'a':2}", "{'a':2}" },
	{ __LINE__, { "/a~1b", "/~0", "/q\"" }, "{'a/b':1,'~':2,'q\\'':3,'z':4}", "{'z':4}" },
	{ __LINE__, { "/\xc3\xa9" }, "{'\\u00e9':1,'\xc3\xa9':2}", "{}" },
	/* Lists, by the indexes they came with. */
	{ __LINE__, { "/0" }, "[1,2,3]", "[2,3]" },
	{ __LINE__, { "/0", "/1" }, "[1, 2, 3]", "[3]" },
	{ __LINE__, { "/2" }, "[1, 2, 3]", "[1, 2]" },
	{ __LINE__, { "/0" }, "[ [] ]", "[  ]" },
	{ __LINE__, { "/3", "/00", "/-" }, "[1,2,3]", NULL },
	{ __LINE__, { "/1/x", "/0" }, "[{'x':0},{'x':1,'y':[2]}]", "[{'y':[2]}]" },
	/* One inside of another, and deeper than there is anything. */
	{ __LINE__, { "/a/b", "/a" }, "{'a':{'b':1},'c':2}", "{'c':2}" },
	{ __LINE__, { "/a/b/c" }, "{'a':{'b':1}}", NULL },
	{ __LINE__, { "/a/b", "/a/c" }, "{'a':{'c':1,'b':2,'d':{'b':3}}}", "{'a':{'d':{'b':3}}}" },
};

static void
cut_out_of_json(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof cuts / sizeof cuts[0]; i++) {
		struct eio_bytes pointers[3], json, left;
		struct sio_json_cuts *c;
		struct eio_buf out = { 0 };
		char text[2][100];
		size_t n = 0;

		for (; n < 3 && cuts[i].cut[n]; n++) pointers[n] = eio_cstr(cuts[i].cut[n]);
		c = sio_json_cuts_new(pointers, n);
		assert_non_null(c);
		for (int k = 0; k < 2; k++) {
			snprintf(text[k], sizeof text[k], "%s", (k ? cuts[i].left : cuts[i].json) ?: "");
			for (char *p = text[k]; *p; p++)
				if (*p == '\'') *p = '"';
		}
		json = eio_cstr(text[0]);
		left = eio_cstr(text[1]);
		assert_int_equal(sio_json_check(json), 0);
		if (sio_json_cut(c, json, &out) != (cuts[i].left != NULL)) fail_msg("line %d", cuts[i].line);
		if (!eio_bytes_eq(eio_buf_bytes(&out), left))
			fail_msg("line %d: %.*s", cuts[i].line, (int)out.n, out.p ? out.p : "");
		eio_buf_deinit(&out);
		sio_json_cuts_free(c);
	}
	sio_json_cuts_free(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_valid),
		cmocka_unit_test(test_invalid),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_every_byte_changed),
		cmocka_unit_test(test_depth),
		cmocka_unit_test(test_skip_plain),
		cmocka_unit_test(test_blocks_vectors),
		cmocka_unit_test(test_blocks_random),
		cmocka_unit_test(test_blocks_utf8),
		cmocka_unit_test(test_iterate),
		cmocka_unit_test(test_kind),
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_unescape),
		cmocka_unit_test(cut_out_of_json),
		cmocka_unit_test(test_escape),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

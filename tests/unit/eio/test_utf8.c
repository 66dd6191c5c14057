/* SPDX-License-Identifier: MIT */
/* The ways to check UTF-8, each against utf8proc, which judges a character at a time behind eio_utf8_next(). */
#include "eio/utf8.h"
#include "eio/utf8_int.h"
#include "tests/unit/dice.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

typedef bool utf8_check(struct eio_bytes s);

/* A way to check. */
struct way {
	utf8_check *check;
	bool can; /* the processor can run it */
};

static utf8_check *
check_of(void **state)
{
	const struct way *way = *state;

	if (!way->can) skip();
	return way->check;
}

/* The referee. */
static bool
is_utf8(struct eio_bytes s)
{
	uint32_t cp;

	for (size_t i = 0, k; i < s.n; i += k) {
		k = eio_utf8_next(eio_bytes(s.p + i, s.n - i), &cp);
		if (k == 0) return false;
	}
	return true;
}

static void
compare(utf8_check *check, struct eio_bytes s, bool want)
{
	if (check(s) == want) return;
	for (size_t i = 0; i < s.n; i++) fprintf(stderr, "%02x ", (unsigned char)s.p[i]);
	fail_msg("these %zu bytes are %s", s.n, want ? "well-formed" : "ill-formed");
}

/* Text in an allocation of its size, so that what is read outside is found; all of it is 'a'. */
static char *
letters(size_t n)
{
	char *p = malloc(n);

	assert_non_null(p);
	memset(p, 'a', n);
	return p;
}

/* A byte of each kind and the ones beside each limit. */
static const unsigned char kinds[] = { 'a', 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf, 0xe0,
	0xe1, 0xec, 0xed, 0xee, 0xef, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xf8, 0xff };

enum { KINDS = sizeof kinds };

/* Calls check with each sequence of four kinds in place at `at` of a text of n bytes; shorter ones are those with
 * 'a'. What is not in the text is cut off. */
static void
all_kinds_at(utf8_check *check, size_t at, size_t n)
{
	char *text = letters(n), four[4];
	size_t room = n - at < 4 ? n - at : 4;

	for (unsigned i = 0; i < KINDS * KINDS * KINDS * KINDS; i++) {
		four[0] = (char)kinds[i % KINDS];
		four[1] = (char)kinds[i / KINDS % KINDS];
		four[2] = (char)kinds[i / (KINDS * KINDS) % KINDS];
		four[3] = (char)kinds[i / (KINDS * KINDS * KINDS)];
		memcpy(text + at, four, room);
		compare(check, eio_bytes(text, n), is_utf8(eio_bytes(four, room)));
	}
	free(text);
}

/* At the start, across the borders of vectors and blocks, and at the end. */
static void
test_all_kinds(void **state)
{
	static const size_t at[] = { 0, 13, 14, 15, 29, 30, 31, 61, 62, 63, 64 };
	utf8_check *check = check_of(state);

	for (size_t i = 0; i < sizeof at / sizeof at[0]; i++) all_kinds_at(check, at[i], 70);
	for (size_t n = 64; n <= 66; n++) all_kinds_at(check, n - 3, n);
	for (size_t rest = 1; rest <= 4; rest++) all_kinds_at(check, 128 - rest, 128);
}

/* Every sequence of three bytes that starts with no ASCII, each across one of the borders or at the end. */
static void
test_all_threes(void **state)
{
	static const size_t places[] = { 14, 15, 30, 31, 62, 63, 125 };
	utf8_check *check = check_of(state);
	char *text = letters(128);

	for (uint32_t i = 0x800000; i < 0x1000000; i++) {
		char three[3] = { (char)(i >> 16), (char)(i >> 8), (char)i }, *p = text + places[i % 7];

		memcpy(p, three, sizeof three);
		compare(check, eio_bytes(text, 128), is_utf8(eio_bytes(three, sizeof three)));
		memset(p, 'a', sizeof three);
	}
	free(text);
}

/* Fills p[0 .. n) with characters of all lengths, many of them at a limit, and ASCII at the end. */
static void
write_text(char *p, size_t n)
{
	static const char *const characters[] = { "a", "b", "\x7f", "\xc2\x80", "\xdf\xbf", "\xd0\x9f", "\xe0\xa0\x80",
		"\xe2\x82\xac", "\xec\xbf\xbf", "\xed\x80\x80", "\xed\x9f\xbf", "\xee\x80\x80", "\xef\xbf\xbf",
		"\xf0\x90\x80\x80", "\xf0\x9f\x98\x80", "\xf3\xbf\xbf\xbf", "\xf4\x80\x80\x80", "\xf4\x8f\xbf\xbf" };
	size_t at = 0;

	while (at + 4 <= n) {
		/* Runs of ASCII may be blocks long. */
		size_t ascii = dice(16) ? 0 : dice(150), k;
		const char *c = characters[dice(sizeof characters / sizeof characters[0])];

		if (ascii > n - at - 4) ascii = n - at - 4;
		memset(p + at, 'a', ascii);
		at += ascii;
		k = strlen(c);
		memcpy(p + at, c, k);
		at += k;
	}
	memset(p + at, 'z', n - at);
}

/* Every part of a text, from every place to every other. */
static void
test_every_split(void **state)
{
	enum { N = 260 };
	utf8_check *check = check_of(state);
	char text[N];

	dice_state = 1;
	write_text(text, sizeof text);
	for (size_t n = 0; n <= N; n++) {
		char *copy = malloc(n ? n : 1);

		assert_non_null(copy);
		for (size_t at = 0; at + n <= N; at++) {
			memcpy(copy, text + at, n);
			compare(check, eio_bytes(copy, n), is_utf8(eio_bytes(copy, n)));
		}
		free(copy);
	}
}

/* Changes a byte or two of s, or moves what is behind it. */
static void
mutate_text(char *p, size_t n)
{
	for (unsigned k = 1 + dice(2); k > 0; k--) {
		size_t at = dice((unsigned)n);

		switch (dice(4)) {
		case 0: p[at] = (char)dice(256); break;
		case 1: p[at] = (char)kinds[dice(KINDS)]; break;
		case 2: p[at] = (char)(p[at] ^ 1 << dice(8)); break;
		default: memmove(p + at, p + at + 1, n - at - 1); break;
		}
	}
}

static void
test_mutations(void **state)
{
	enum { ROUNDS = 1000000 };
	utf8_check *check = check_of(state);
	unsigned good = 0;

	dice_state = 2;
	for (unsigned round = 0, each = 100; round < ROUNDS; round += each) {
		size_t n = 1 + dice(dice(4) ? 90 : 300);
		char *text = letters(n), *copy = letters(n);

		write_text(text, n);
		compare(check, eio_bytes(text, n), true);
		for (unsigned i = 0; i < each; i++) {
			bool want;

			memcpy(copy, text, n);
			mutate_text(copy, n);
			want = is_utf8(eio_bytes(copy, n));
			good += want;
			compare(check, eio_bytes(copy, n), want);
		}
		free(text);
		free(copy);
	}
	assert_true(good > ROUNDS / 20 && good < ROUNDS / 2);
}

#define TEST(way, name, function) \
	{ \
		name, function, NULL, NULL, &(way) \
	}
#define TESTS(way, name) \
	TEST(way, name ": all kinds of bytes at borders", test_all_kinds), \
		TEST(way, name ": all sequences of three bytes", test_all_threes), \
		TEST(way, name ": every part of a text", test_every_split), \
		TEST(way, name ": mutations", test_mutations)

#ifdef __SSE2__
#define BLOCKS "SSE2"
#else
#define BLOCKS "NEON"
#endif

/* As Node 20 and browsers decode them. */
static void
test_repair(void **state)
{
#define R "\xef\xbf\xbd"
	static const struct {
		const char *in, *out;
	} cases[] = {
		{ "", "" },
		{ "a\xc3\xa9\xf0\x9f\x98\x80", "a\xc3\xa9\xf0\x9f\x98\x80" },
		{ "\xff\xfe", R R },
		{ "a\x80z", "a" R "z" },
		{ "\xc3", R },
		{ "\xc3(", R "(" },
		{ "\xc0\xaf", R R },
		{ "\xe2\x82", R },
		{ "\xe2\x82z\xac", R "z" R },
		{ "\xe2\x82\xe2\x82\xac", R "\xe2\x82\xac" },
		{ "\xe0\x9f\xbf", R R R },
		{ "\xed\xa0\x80", R R R },
		{ "\xed\x9f", R },
		{ "\xf0\x9f\x98", R },
		{ "\xf0\x8f\xbf\xbf", R R R R },
		{ "\xf4\x90\x80\x80", R R R R },
		{ "\xf4\x8f\xbf", R },
		{ "\xf5\x80", R R },
	};
#undef R

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct eio_buf out;

		eio_buf_init(&out);
		eio_utf8_repair(&out, eio_cstr(cases[i].in));
		if (!eio_bytes_eq(eio_buf_bytes(&out), eio_cstr(cases[i].out)))
			fail_msg("case %zu: \"%.*s\"", i, (int)out.n, out.p ? out.p : "");
		eio_buf_deinit(&out);
	}
}

/* Characters of each length in any order, and each part of that. */
static void
test_units(void **state)
{
	static const char *const characters[] = { "a", "\x7f", "\xc2\x80", "\xdf\xbf", "\xe2\x82\xac",
		"\xf0\x9f\x98\x80" };
	char text[400];

	(void)state;
	for (int round = 0; round < 1000; round++) {
		size_t n = 0, units = 0;

		for (unsigned count = dice(60); count > 0; count--) {
			const char *c = characters[dice(sizeof characters / sizeof characters[0])];

			memcpy(text + n, c, strlen(c));
			n += strlen(c);
			units += strlen(c) == 4 ? 2 : 1;
			assert_int_equal(eio_utf8_units(eio_bytes(text, n)), units);
		}
	}
}

int
main(void)
{
	static struct way chosen = { eio_utf8_valid, true }, portable = { eio__utf8_valid_portable, true };
#ifdef EIO_VECTOR_HAVE
	static struct way blocks = { eio__utf8_valid_blocks, true };
#endif
#ifdef EIO_VECTOR_HAVE_AVX2
	static struct way avx2 = { eio__utf8_valid_avx2, false };
#endif
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_repair),
		cmocka_unit_test(test_units),
		TEST(chosen, "the chosen one: every part of a text", test_every_split),
		TEST(chosen, "the chosen one: mutations", test_mutations),
		TESTS(portable, "portable"),
#ifdef EIO_VECTOR_HAVE
		TESTS(blocks, BLOCKS),
#endif
#ifdef EIO_VECTOR_HAVE_AVX2
		TESTS(avx2, "AVX2"),
#endif
	};

#ifdef EIO_VECTOR_HAVE_AVX2
	avx2.can = eio_vector_can_avx2();
#endif
	return cmocka_run_group_tests(tests, NULL, NULL);
}

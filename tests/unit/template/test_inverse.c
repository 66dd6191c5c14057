/* SPDX-License-Identifier: MIT */
/* Rooms' templates the other way round: which have an inverse, what it finds, and that it is the inverse. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "src/template/inverse.h"
#include "tests/unit/failmalloc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct template *
compiled(const char *room, const char *pattern)
{
	const struct template_context where = { .place = TEMPLATE_IN_FEED,
		.stars = pattern ? template_count_stars(eio_cstr(pattern)) : 0 };
	struct template_error err;

	return template_new(eio_cstr(room), TEMPLATE_AS_NAMES, &where, &err);
}

#define SEVERAL "several channels may go to one such room"
#define UNKNOWN "it is made of the message"

static const struct {
	int line;
	const char *pattern, *channel; /* one of both */
	const char *room;
	const char *why; /* what stands in the mistake; NULL: it has an inverse */
	const char *joined, *found; /* a room, and its channel; NULL: there is none */
} inverses[] = {
	{ __LINE__, "price:*", NULL, "{1}", NULL, "ACME", "price:ACME" },
	{ __LINE__, "price:*", NULL, "{1}", NULL, "", "price:" },
	{ __LINE__, "price:*", NULL, "{1}", NULL, "price:x", "price:price:x" },
	{ __LINE__, "price:*", NULL, "{1}", NULL, "*", "price:*" },
	{ __LINE__, "price:*", NULL, "p-{1}", NULL, "p-ACME", "price:ACME" },
	{ __LINE__, "price:*", NULL, "p-{1}", NULL, "P-ACME", NULL },
	{ __LINE__, "price:*", NULL, "p-{1}", NULL, "p", NULL },
	{ __LINE__, "price:*", NULL, "aba{1}aba", NULL, "aba", NULL }, /* heads and tails do not overlap */
	{ __LINE__, "price:*", NULL, "aba{1}aba", NULL, "abaaba", "price:" },
	{ __LINE__, "*:price", NULL, "<{1}>", NULL, "<a:price>", "a:price:price" },
	{ __LINE__, "a*b", NULL, "{1}", NULL, "-", "a-b" },
	{ __LINE__, "a**b", NULL, "{1}", NULL, "-", "a-b" },
	{ __LINE__, "a\\**", NULL, "{1}", NULL, "b", "a*b" },
	{ __LINE__, "a\\?b\\[*", NULL, "{1}", NULL, "c", "a?b[c" },
	{ __LINE__, "a*\\", NULL, "{1}", NULL, "-", "a-\\" },
	{ __LINE__, "*", NULL, "{1}", NULL, "all", "all" },
	{ __LINE__, "*", NULL, "{channel}", NULL, "", "" },
	{ __LINE__, "a:*:*", NULL, "{1}:{2}", NULL, "x:y:z", "a:x:y:z" },
	{ __LINE__, "a:*:*", NULL, "{1}:{2}", NULL, "x", NULL }, /* no channel that matches goes there */
	{ __LINE__, "a:*:*!", NULL, "r{1}:{2}", NULL, "rx:y", "a:x:y!" },
	{ __LINE__, "*:*.*", NULL, "{1}:{2}.{3}", NULL, "a:b.c", "a:b.c" },
	{ __LINE__, "price:?*", NULL, "{channel}", NULL, "price:a", "price:a" },
	{ __LINE__, "price:?*", NULL, "{channel}", NULL, "price:", NULL },
	{ __LINE__, "price:[ab]", NULL, "c/{channel}/d", NULL, "c/price:b/d", "price:b" },
	{ __LINE__, "price:[ab]", NULL, "c/{channel}/d", NULL, "c/price:c/d", NULL },
	{ __LINE__, NULL, "news", "news", NULL, "news", "news" },
	{ __LINE__, NULL, "news", "all", NULL, "all", "news" },
	{ __LINE__, NULL, "news", "all", NULL, "al", NULL },
	{ __LINE__, NULL, "news", "all", NULL, "alll", NULL },
	{ __LINE__, NULL, "n*", "c:{channel}", NULL, "c:n*", "n*" },
	{ __LINE__, NULL, "n*", "c:{channel}", NULL, "c:news", NULL },
	{ __LINE__, NULL, "a", "{channel}{channel}", NULL, "aa", "a" },
	{ __LINE__, "price:*", NULL, "all", SEVERAL, NULL, NULL },
	{ __LINE__, "price:?", NULL, "{channel}{channel}", SEVERAL, NULL, NULL },
	{ __LINE__, "a:*:*", NULL, "{1}", SEVERAL, NULL, NULL },
	{ __LINE__, "a:*:*", NULL, "{2}", SEVERAL, NULL, NULL },
	{ __LINE__, "a:*:*", NULL, "{2}:{1}", SEVERAL, NULL, NULL },
	{ __LINE__, "a:*:*", NULL, "{1}{2}", SEVERAL, NULL, NULL },
	{ __LINE__, "a:*:*", NULL, "{1}/{2}", SEVERAL, NULL, NULL },
	{ __LINE__, "a:*:*", NULL, "{1}:{2}:{1}", SEVERAL, NULL, NULL },
	{ __LINE__, "a:*", NULL, "{1}{1}", SEVERAL, NULL, NULL },
	{ __LINE__, "a:?*", NULL, "{1}", SEVERAL, NULL, NULL },
	{ __LINE__, "a:*[bc]", NULL, "{1}", SEVERAL, NULL, NULL },
	{ __LINE__, "a:*", NULL, "{channel}{1}", SEVERAL, NULL, NULL },
	{ __LINE__, "*1*2*3*4*5*6*7*8*9*0", NULL, "{1}1{2}2{3}3{4}4{5}5{6}6{7}7{8}8{9}", SEVERAL, NULL, NULL },
	{ __LINE__, "a:*", NULL, "{/room}", UNKNOWN, NULL, NULL },
	{ __LINE__, "a:*", NULL, "{1}{message.x}", UNKNOWN, NULL, NULL },
	{ __LINE__, "a:*", NULL, "{text}", UNKNOWN, NULL, NULL },
	{ __LINE__, NULL, "a", "{/room}", UNKNOWN, NULL, NULL },
};

static void
inverses_are_found(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof inverses / sizeof inverses[0]; i++) {
		const char *source = inverses[i].pattern ? inverses[i].pattern : inverses[i].channel;
		struct template *t = compiled(inverses[i].room, inverses[i].pattern);
		struct template_error err = { .text = "" };
		struct template_inverse v;
		struct eio_buf out = { 0 };
		bool found;
		int rc;

		if (!t) fail_msg("line %d: no template", inverses[i].line);
		rc = template_inverse_init(&v, t, source, inverses[i].pattern != NULL, &err);
		template_free(t); /* nothing of it is needed any more */
		if ((rc < 0) != (inverses[i].why != NULL) || (rc < 0 && !strstr(err.text, inverses[i].why)))
			fail_msg("line %d: %d, %s", inverses[i].line, rc, err.text);
		if (rc < 0) continue;
		EIO_BUF_ADD_LIT(&out, "-");
		found = template_inverse_find(&v, eio_cstr(inverses[i].joined), &out);
		if (found != (inverses[i].found != NULL)) fail_msg("line %d: found %d", inverses[i].line, found);
		if (found && !template_inverse_may(&v, eio_cstr(inverses[i].joined)))
			fail_msg("line %d: it may not", inverses[i].line);
		if (found && !eio_bytes_eq(eio_bytes(out.p + 1, out.n - 1), eio_cstr(inverses[i].found)))
			fail_msg("line %d: %.*s", inverses[i].line, (int)out.n, out.p);
		eio_buf_deinit(&out);
		template_inverse_deinit(&v);
	}
}

/* Rooms are any bytes. */
static void
any_bytes_go_through(void **state)
{
	struct template *t = compiled("{1}", "p:*");
	struct template_inverse v;
	struct template_error err;
	struct eio_buf out = { 0 };

	(void)state;
	assert_int_equal(template_inverse_init(&v, t, "p:*", true, &err), 0);
	assert_true(template_inverse_find(&v, EIO_LIT("\0\r\n*\xff"), &out));
	assert_true(eio_bytes_eq(eio_buf_bytes(&out), EIO_LIT("p:\0\r\n*\xff")));
	eio_buf_clear(&out);
	assert_true(template_inverse_find(&v, eio_bytes(NULL, 0), &out));
	assert_true(eio_bytes_eq(eio_buf_bytes(&out), EIO_LIT("p:")));
	eio_buf_deinit(&out);
	template_inverse_deinit(&v);
	template_free(t);
}

enum { LETTERS = 3, LONGEST = 6 };

/* The n-th text of up to LONGEST of three letters; false: it is longer. */
static bool
nth_text(unsigned n, char *out)
{
	size_t length = 0;

	for (; n; n = (n - 1) / LETTERS) {
		if (length == LONGEST) return false;
		out[length++] = "ab:"[(n - 1) % LETTERS];
	}
	out[length] = '\0';
	return true;
}

static void
check_inverse(const struct template_inverse *v, const struct template *t, const char *pattern)
{
	char channel[LONGEST + 1];

	for (unsigned n = 0; nth_text(n, channel); n++) {
		struct template_captures captures;
		const struct template_input in = { .channel = eio_cstr(channel), .captures = &captures };
		struct eio_buf room = { 0 }, back = { 0 };

		if (!template_match(eio_cstr(pattern), in.channel, &captures)) continue;
		assert_int_equal(template_render(t, &in, &room), TEMPLATE_OK);
		if (!template_inverse_find(v, eio_buf_bytes(&room), &back) ||
			!eio_bytes_eq(eio_buf_bytes(&back), in.channel))
			fail_msg("%s: %s goes to %.*s, which is %.*s", pattern, channel, (int)room.n, room.p,
				(int)back.n, back.p);
		eio_buf_deinit(&room);
		eio_buf_deinit(&back);
	}
}

/* The same room is never made of two channels: of each channel that matches, its room leads back to it. */
static void
every_channel_comes_back(void **state)
{
	static const char *const patterns[] = { "*", "a*", "*a", "a*b", "*:*", "a*:*b", "*a*b*", "**a", "?*", "[ab]*" };
	static const char *const rooms[] = { "{channel}", "a{channel}", "{1}", "a{1}", "{1}a", "b{1}a", "{1}:{2}",
		"{1}{2}", "{2}:{1}", "a{1}:{2}b", "{1}a{2}", "{1}a{2}b{3}", "{1}b{2}a{3}", "{1}{1}" };
	unsigned inverted = 0;

	(void)state;
	for (size_t i = 0; i < sizeof patterns / sizeof patterns[0]; i++) {
		for (size_t k = 0; k < sizeof rooms / sizeof rooms[0]; k++) {
			struct template *t = compiled(rooms[k], patterns[i]);
			struct template_inverse v;
			struct template_error err;

			if (t && template_inverse_init(&v, t, patterns[i], true, &err) == 0) {
				inverted++;
				check_inverse(&v, t, patterns[i]);
				template_inverse_deinit(&v);
			}
			template_free(t);
		}
	}
	assert_int_equal(inverted, 45);
}

static int
invert_all(void)
{
	static const char *const all[][2] = { { "a:*:*b", "x{1}:{2}" }, { "a:?", "{channel}" } };
	struct template_error err;
	struct template_inverse v;
	int rc = 0;

	for (size_t i = 0; i < 2 && rc == 0; i++) {
		struct template *t = compiled(all[i][1], all[i][0]);

		rc = t ? template_inverse_init(&v, t, all[i][0], true, &err) : -1;
		if (rc == 0) template_inverse_deinit(&v);
		if (rc < 0 && t) assert_true(err.nomem);
		template_free(t);
	}
	return rc;
}

static void
memory_is_missing(void **state)
{
	(void)state;
	failmalloc_every(invert_all, -1, 6);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(inverses_are_found),
		cmocka_unit_test(any_bytes_go_through),
		cmocka_unit_test(every_channel_comes_back),
		cmocka_unit_test(memory_is_missing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

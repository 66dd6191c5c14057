/* SPDX-License-Identifier: MIT */
/* Requests of clients of Redis: each whole, split at each position, and byte by byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "eio/check.h"
#include "src/resp/request.h"
#include "tests/unit/failmalloc.h"

enum { WORD_BYTES = 40, ROOM = 1000 };

static char *
repeat(char c, size_t n, const char *before, const char *behind)
{
	char *s = malloc(strlen(before) + n + strlen(behind) + 1);

	CHECK(s);
	strcpy(s, before);
	memset(s + strlen(before), c, n);
	strcpy(s + strlen(before) + n, behind);
	return s;
}

/* Each request as its words between brackets, in front of it how many there are when not all were kept. */
static void
note_request(struct eio_buf *to, const struct resp_request *q)
{
	size_t n = q->n < RESP_WORDS ? q->n : RESP_WORDS;

	if (q->n > RESP_WORDS) eio_buf_append_u64(to, q->n);
	if (q->too_long) eio_buf_printf(to, "long %zu ", q->too_long);
	if (q->no_room) eio_buf_printf(to, "no room ");
	for (size_t i = 0; i < n; i++) {
		eio_buf_addc(to, '[');
		eio_buf_add(to, q->words[i]);
		eio_buf_addc(to, ']');
	}
	eio_buf_addc(to, ';');
}

static enum resp_next
pull_requests(struct resp_reader *r, struct eio_buf *to)
{
	enum resp_next next;

	while ((next = resp_reader_next(r)) == RESP_REQUEST) note_request(to, &r->request);
	return next;
}

/* The bytes in three pieces: up to a, up to b, and the rest. */
static void
read_split(struct eio_bytes in, size_t a, size_t b, bool stranger, size_t room, struct eio_buf *to)
{
	struct resp_reader r = { .word_bytes = WORD_BYTES, .room = room, .stranger = stranger };
	const size_t ends[] = { a, b, in.n };
	size_t from = 0;

	eio_buf_clear(to);
	for (size_t i = 0; i < 3; i++) {
		resp_reader_feed(&r, eio_bytes(in.p + from, ends[i] - from));
		from = ends[i];
		if (pull_requests(&r, to) == RESP_BROKEN) {
			assert_int_equal(resp_reader_next(&r), RESP_BROKEN);
			eio_buf_printf(to, "! %s", r.fault);
			break;
		}
		assert_int_equal(resp_reader_rest(&r).n, 0);
	}
	resp_reader_deinit(&r);
}

static void
check_read(struct eio_bytes in, bool stranger, const char *wanted)
{
	struct eio_buf got = { 0 };

	for (size_t a = 0; a <= in.n; a++) {
		read_split(in, a, a, stranger, ROOM, &got);
		if (!eio_bytes_eq(eio_buf_bytes(&got), eio_cstr(wanted)))
			fail_msg("split at %zu: %.*s\nwanted: %s", a, (int)got.n, got.p, wanted);
	}
	/* Byte by byte, where that is not too much. */
	for (size_t a = 0; in.n < 200 && a < in.n; a++) {
		for (size_t b = a; b < in.n; b += 3) {
			read_split(in, a, b, stranger, ROOM, &got);
			if (!eio_bytes_eq(eio_buf_bytes(&got), eio_cstr(wanted)))
				fail_msg("split at %zu, %zu: %.*s\nwanted: %s", a, b, (int)got.n, got.p, wanted);
		}
	}
	eio_buf_deinit(&got);
}

static const struct {
	struct eio_bytes in;
	const char *wanted;
} vectors[] = {
	{ EIO_LIT("*3\r\n$7\r\nPUBLISH\r\n$1\r\na\r\n$5\r\nhello\r\n"), "[PUBLISH][a][hello];" },
	{ EIO_LIT("*1\r\n$4\r\nPING\r\n*1\r\n$4\r\nPING\r\n"), "[PING];[PING];" },
	{ EIO_LIT("*2\r\n$0\r\n\r\n$2\r\n\r\n\r\n"), "[][\r\n];" },
	{ EIO_LIT("*1\r\n$4\r\nPI"), "" },
	/* What stands behind a word is not looked at, nor behind the end of a line. */
	{ EIO_LIT("*1\r\n$4\r\nPINGxx*1\ry$1\rzA12"), "[PING];[A];" },
	{ EIO_LIT("*0\r\n*-1\r\n*1\r\n$1\r\nx\r\n"), "[x];" },
	{ EIO_LIT("*-9223372036854775807\r\n*1\r\n$1\r\nx\r\n"), "[x];" },
	{ EIO_LIT("PING\r\nping\n\r\n\n  \nPING a b\r\n"), "[PING];[ping];[PING][a][b];" },
	{ EIO_LIT("a \"b \\x41\\n\\\"\\q\\\\\" 'c \\' \\n' d\"e\" \"\"\r\n"), "[a][b A\n\"q\\][c ' \\n][de][];" },
	{ EIO_LIT("a\tb\vc\r\n \v d\r\n"), "[a][b\vc];[d];" },
	{ EIO_LIT("SET \"a\r\n"), "! Protocol error: unbalanced quotes in request" },
	{ EIO_LIT("SET \"a\"b\r\n"), "! Protocol error: unbalanced quotes in request" },
	{ EIO_LIT("SET 'a\\'\r\nPING\r\n"), "! Protocol error: unbalanced quotes in request" },
	{ EIO_LIT("PING\0 this is not seen\r\nPING\r\n"), "[PING];[PING];" },
	{ EIO_LIT("*x\r\n"), "! Protocol error: invalid multibulk length" },
	{ EIO_LIT("*\r\n"), "! Protocol error: invalid multibulk length" },
	{ EIO_LIT("*01\r\n"), "! Protocol error: invalid multibulk length" },
	{ EIO_LIT("* 1\r\n"), "! Protocol error: invalid multibulk length" },
	{ EIO_LIT("*2147483648\r\n"), "! Protocol error: invalid multibulk length" },
	{ EIO_LIT("*18446744073709551617\r\n"), "! Protocol error: invalid multibulk length" },
	{ EIO_LIT("*1\r\n$-1\r\n"), "! Protocol error: invalid bulk length" },
	{ EIO_LIT("*1\r\n$\r\n"), "! Protocol error: invalid bulk length" },
	{ EIO_LIT("*1\r\n$1x\r\n"), "! Protocol error: invalid bulk length" },
	{ EIO_LIT("*1\r\n$536870913\r\n"), "! Protocol error: invalid bulk length" },
	{ EIO_LIT("*1\r\nPING\r\n"), "! Protocol error: expected '$', got 'P'" },
	{ EIO_LIT("*1\r\n\r\n"), "! Protocol error: expected '$', got ' '" },
	{ EIO_LIT("*1\r\n\nx\r\n"), "! Protocol error: expected '$', got ' '" },
	{ EIO_LIT("*1\r\n$1\r\na\r\n*2\r\n$1\r\nb\r\n:1\r\n"), "[a];! Protocol error: expected '$', got ':'" },
	/* One that is too long. */
	{ EIO_LIT("*3\r\n$1\r\na\r\n$41\r\n0123456789012345678901234567890123456789x\r\n$1\r\nb\r\nP\r\n"),
		"long 41 [a][][b];[P];" },
	{ EIO_LIT("a 0123456789012345678901234567890123456789x b\r\nP\r\n"), "long 41 [a][][b];[P];" },
	{ EIO_LIT("a 0123456789012345678901234567890123456789 b\r\n"),
		"[a][0123456789012345678901234567890123456789][b];" },
};

static void
requests(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++)
		check_read(vectors[i].in, false, vectors[i].wanted);
}

/* More words than are kept, as an array and as a line. */
static void
many_words(void **state)
{
	struct eio_buf array = { 0 }, line = { 0 }, wanted = { 0 };

	(void)state;
	eio_buf_printf(&array, "*%d\r\n", RESP_WORDS + 2);
	eio_buf_printf(&wanted, "%d", RESP_WORDS + 2);
	for (int i = 0; i < RESP_WORDS + 2; i++) {
		eio_buf_printf(&array, "$2\r\n%02d\r\n", i);
		eio_buf_printf(&line, "%02d ", i);
		if (i < RESP_WORDS) eio_buf_printf(&wanted, "[%02d]", i);
	}
	eio_buf_printf(&array, "P\r\n");
	eio_buf_printf(&line, "\r\nP\r\n");
	eio_buf_append(&wanted, ";[P];", sizeof ";[P];");
	check_read(eio_buf_bytes(&array), false, wanted.p);
	check_read(eio_buf_bytes(&line), false, wanted.p);
	eio_buf_deinit(&array);
	eio_buf_deinit(&line);
	eio_buf_deinit(&wanted);
}

/* Who has given no password may say little. */
static void
strangers(void **state)
{
	(void)state;
	check_read(EIO_LIT("*10\r\n$1\r\na\r\n"), true, "");
	check_read(EIO_LIT("*11\r\n"), true, "! Protocol error: unauthenticated multibulk length");
	check_read(EIO_LIT("*1\r\n$16384\r\n"), true, "");
	check_read(EIO_LIT("*1\r\n$16385\r\n"), true, "! Protocol error: unauthenticated bulk length");
	check_read(EIO_LIT("*2\r\n$4\r\nAUTH\r\n$1\r\nx\r\n"), true, "[AUTH][x];");
}

/* A line without an end is not waited for for ever. */
static void
long_lines(void **state)
{
	static const struct {
		const char *before, *wanted;
	} cases[] = {
		{ "", "! Protocol error: too big inline request" },
		{ "*", "! Protocol error: too big mbulk count string" },
		{ "*1\r\n$", "! Protocol error: too big bulk count string" },
	};
	struct eio_buf got = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char *text = repeat('1', RESP_LINE_BYTES + 1, cases[i].before, "");
		size_t n = strlen(text);

		for (size_t a = 0; a < n; a += a < 10 ? 1 : 9973) {
			read_split(eio_bytes(text, n), a, a, false, ROOM, &got);
			assert_true(eio_bytes_eq(eio_buf_bytes(&got), eio_cstr(cases[i].wanted)));
		}
		free(text);
	}
	eio_buf_deinit(&got);
}

/* Where there is no room, what comes in parts is passed over, and the next one is read. */
static void
room(void **state)
{
	const struct eio_bytes in = EIO_LIT("*2\r\n$4\r\nECHO\r\n$30\r\n012345678901234567890123456789\r\nPING\r\n");
	struct eio_buf got = { 0 };

	(void)state;
	for (size_t a = 1; a < 50; a++) {
		read_split(in, a, a, false, 20, &got);
		if (!eio_bytes_eq(eio_buf_bytes(&got), EIO_LIT("no room [ECHO][];[PING];")))
			fail_msg("split at %zu: %.*s", a, (int)got.n, got.p);
	}
	read_split(in, 0, 0, false, 20, &got);
	assert_true(eio_bytes_eq(eio_buf_bytes(&got), EIO_LIT("[ECHO][012345678901234567890123456789];[PING];")));
	eio_buf_deinit(&got);
}

/* What a large request has taken is given back with the next. */
static void
memory(void **state)
{
	struct resp_reader r = { .word_bytes = 1 << 20, .room = 1 << 21 };
	char *text = repeat('x', 1 << 20, "*1\r\n$1048576\r\n", "\r\n");

	(void)state;
	resp_reader_feed(&r, eio_bytes(text, 1000));
	assert_int_equal(resp_reader_next(&r), RESP_MORE);
	assert_in_range(resp_reader_size(&r), 900, 10000);
	resp_reader_feed(&r, eio_bytes(text + 1000, strlen(text) - 1000));
	assert_int_equal(resp_reader_next(&r), RESP_REQUEST);
	assert_int_equal(r.request.words[0].n, 1 << 20);
	assert_int_equal(resp_reader_next(&r), RESP_MORE);
	resp_reader_feed(&r, EIO_LIT("PING\r\n"));
	assert_int_equal(resp_reader_next(&r), RESP_REQUEST);
	assert_in_range(resp_reader_size(&r), 1, 100);
	resp_reader_deinit(&r);
	free(text);
}

/* Without memory a request is passed over, or the connection ends; nothing else happens. */
static void
no_memory(void **state)
{
	const struct eio_bytes in = EIO_LIT("*2\r\n$4\r\nECHO\r\n$5\r\nhello\r\nPING\r\n");
	struct eio_buf got = { 0 };

	(void)state;
	eio_buf_reserve(&got, 4096);
	for (long n = 0; n < 4; n++) {
		for (size_t a = 1; a < in.n; a++) {
			failmalloc_arm(n);
			read_split(in, a, a, false, ROOM, &got);
			failmalloc_disarm();
			if (!memmem(got.p, got.n, "[PING]", 6) && !memmem(got.p, got.n, "no room []", 10) &&
				!memmem(got.p, got.n, "out of memory", 13))
				fail_msg("%ld, split at %zu: %.*s", n, a, (int)got.n, got.p);
		}
	}
	eio_buf_deinit(&got);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests),
		cmocka_unit_test(many_words),
		cmocka_unit_test(strangers),
		cmocka_unit_test(long_lines),
		cmocka_unit_test(room),
		cmocka_unit_test(memory),
		cmocka_unit_test(no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

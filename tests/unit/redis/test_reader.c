/* SPDX-License-Identifier: MIT */
/* The reader: what comes out, at every split, whatever the server sends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/redis/seen.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

enum { MAX_STRING = 4 << 20 };

/* Sees all that is complete. 0, or -1 with the reason. */
static int
pull(struct redis_reader *r, const char **why)
{
	struct redis_event e;
	enum redis_read got;

	while ((got = redis_reader_next(r, &e)) != REDIS_READ_NONE && got != REDIS_READ_ERROR) see_event(got, &e);
	if (got == REDIS_READ_NONE) return 0;
	*why = e.why;
	assert_int_equal(redis_reader_next(r, &e), REDIS_READ_ERROR); /* and so it stays */
	assert_ptr_equal(e.why, *why);
	return -1;
}

static const char stream[] =
	"+OK\r\n-ERR no\r\n:12\r\n$5\r\nhello\r\n$-1\r\n*-1\r\n"
	"*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n"
	"*3\r\n$10\r\npsubscribe\r\n$2\r\nb*\r\n:2\r\n"
	"*3\r\n$10\r\nssubscribe\r\n$2\r\ns1\r\n:1\r\n*3\r\n$12\r\nsunsubscribe\r\n$2\r\ns1\r\n:0\r\n"
	"*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$7\r\n{\"x\":1}\r\n"
	"*4\r\n$8\r\npmessage\r\n$2\r\nb*\r\n$5\r\nb\r\n.c\r\n$0\r\n\r\n"
	"*2\r\n$4\r\npong\r\n$0\r\n\r\n"
	"*3\r\n$7\r\nunknown\r\n$1\r\na\r\n$1\r\nb\r\n"
	"*2\r\n*1\r\n$7\r\nmessage\r\n$1\r\nx\r\n*0\r\n"
	"*3\r\n$7\r\nmessage\r\n$0\r\n\r\n$3\r\nend\r\n"
	/* No server sends a number there; the pattern of the message before must not be taken for it. */
	"*4\r\n$8\r\npmessage\r\n$9\r\nlong.name\r\n$1\r\nc\r\n$1\r\ny\r\n"
	"*4\r\n$8\r\npmessage\r\n:1\r\n$1\r\nb\r\n$1\r\nz\r\n";
static const char stream_seen[] =
	"+OK-ERR no:?hello??SSSus1m(a,a,{\"x\":1})p(b*,b\r\n.c,)+PONGm(,,end)p(long.name,c,y)p(,b,z)";

/* In an allocation of its own, so that what is read outside is found. */
static int
feed_copy(struct redis_reader *r, const char *from, size_t n, const char **why)
{
	char *copy = malloc(n ? n : 1);
	int rc;

	assert_non_null(copy);
	memcpy(copy, from, n);
	redis_reader_feed(r, eio_bytes(copy, n));
	rc = pull(r, why);
	free(copy);
	return rc;
}

static void
feed(struct redis_reader *r, const char *from, size_t n)
{
	const char *why = NULL;

	if (feed_copy(r, from, n, &why) < 0) fail_msg("%s", why);
}

static void
reader_at_every_split(void **state)
{
	size_t n = sizeof stream - 1;

	(void)state;
	for (size_t split = 0; split <= n + 1; split++) {
		struct redis_reader *r = redis_reader_new(MAX_STRING);

		assert_non_null(r);
		*seen = '\0';
		if (split <= n) {
			feed(r, stream, split);
			feed(r, stream + split, n - split);
		} else {
			for (size_t i = 0; i < n; i++) feed(r, stream + i, 1);
		}
		assert_string_equal(seen, stream_seen);
		redis_reader_free(r);
	}
}

/* What published messages may look like, and almost: the way past hiredis must see the same as hiredis. */
#define A_MESSAGE "*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$7\r\n{\"x\":1}\r\n"
static const char *const pushes[] = {
	A_MESSAGE A_MESSAGE A_MESSAGE,
	A_MESSAGE "+OK\r\n" A_MESSAGE ":1\r\n",
	"*3\r\n$7\r\nmessage\r\n$3\r\na\nb\r\n$4\r\n\r\n\r\n\r\n" A_MESSAGE,
	"*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$1\r\nxYZ" A_MESSAGE,
	"*3\r\n$7\r\nmessage\r\n$1\r\naYZ$1\r\nx\r\n" A_MESSAGE,
	"*3\r\n$7\r\nmessage\r\n$01\r\na\r\n$1\r\nx\r\n" A_MESSAGE,
	"*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$0000000001\r\nx\r\n" A_MESSAGE,
	"*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$-1\r\n" A_MESSAGE,
	"*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$\r\n" A_MESSAGE,
	"*3\r\n$7\r\nmessage\r\n$1\r\na\r\n:5\r\n" A_MESSAGE,
	"*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$1x\r\nb\r\n" A_MESSAGE,
	"*3\r\n$7\r\nmessagE\r\n$1\r\na\r\n$1\r\nb\r\n" A_MESSAGE,
	"*4\r\n$7\r\nmessage\r\n$1\r\na\r\n$1\r\nb\r\n$1\r\nc\r\n" A_MESSAGE,
	"*4\r\n$8\r\npmessage\r\n$2\r\na*\r\n$2\r\nab\r\n$0\r\n\r\n" A_MESSAGE,
	"*4\r\n$8\r\npmessage\r\n$0\r\n\r\n$1\r\n\n\r\n$12\r\n0123456789\r\n\r\n" A_MESSAGE,
	"*3\r\n$8\r\npmessage\r\n$2\r\na*\r\n$2\r\nab\r\n" A_MESSAGE,
	"*3\r\n$8\r\nsmessage\r\n$1\r\na\r\n$1\r\nx\r\n" A_MESSAGE,
	"*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$1\r\nx\r\n?" A_MESSAGE,
	"*2\r\n*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$1\r\nx\r\n+z\r\n" A_MESSAGE,
};

/* Feeds in two pieces, or byte by byte when split is beyond the end; an error is seen as '!'. */
static void
feed_split(const char *text, size_t split, size_t max_string)
{
	struct redis_reader *r = redis_reader_new(max_string);
	size_t n = strlen(text), at, piece;
	const char *why = NULL;
	int rc = 0;

	assert_non_null(r);
	*seen = '\0';
	for (at = 0; at < n && rc == 0; at += piece) {
		piece = split > n ? 1 : at == 0 && split ? split : n - at;
		rc = feed_copy(r, text + at, piece, &why);
	}
	if (rc) see("!");
	redis_reader_free(r);
}

static void
reader_agrees_with_hiredis(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof pushes / sizeof pushes[0]; i++) {
		struct redis_reader *r = redis_reader_new(MAX_STRING);
		const char *why = NULL;
		char want[sizeof seen];

		assert_non_null(r);
		*seen = '\0';
		redis_reader_feed_hiredis(r, eio_cstr(pushes[i]));
		if (pull(r, &why) < 0) see("!");
		redis_reader_free(r);
		strcpy(want, seen);
		assert_non_null(strstr(want, i == 0 ? "m(a,a,{\"x\":1})m(a,a,{\"x\":1})m(a,a,{\"x\":1})" : ""));
		for (size_t split = 0; split <= strlen(pushes[i]) + 1; split++) {
			feed_split(pushes[i], split, MAX_STRING);
			if (strcmp(seen, want) != 0) fail_msg("%zu at %zu: %s, not %s", i, split, seen, want);
		}
	}
}

/* How long the payload is that is complete now and is as it should be; 0 when there is none. */
static size_t
pull_big(struct redis_reader *r)
{
	struct redis_event e;
	const struct redis_message *m = &e.message;

	if (redis_reader_next(r, &e) != REDIS_READ_MESSAGE) return 0;
	for (size_t i = 0; i < m->payload.n; i += 1000) assert_int_equal(m->payload.p[i], 'x');
	assert_true(eio_bytes_eq(m->channel, EIO_LIT("chan")));
	assert_int_equal(redis_reader_next(r, &e), REDIS_READ_NONE);
	return m->payload.n;
}

static void
reader_big_payload(void **state)
{
	struct redis_reader *r = redis_reader_new(MAX_STRING);
	size_t n = 3 << 20;
	char *payload = malloc(n);

	(void)state;
	assert_true(r && payload);
	*seen = '\0';
	memset(payload, 'x', n);
	for (int round = 0; round < 2; round++) {
		char head[64];

		sprintf(head, "*3\r\n$7\r\nmessage\r\n$4\r\nchan\r\n$%zu\r\n", n);
		feed(r, head, strlen(head));
		for (size_t at = 0; at < n; at += 60000) feed(r, payload + at, n - at < 60000 ? n - at : 60000);
		assert_string_equal(seen, "");
		redis_reader_feed(r, EIO_LIT("\r\n"));
		assert_int_equal(pull_big(r), n);
	}
	free(payload);
	redis_reader_free(r);
}

/* What is longer than allowed, here than ten bytes, is left out wherever it stands; nothing else is. */
static const struct {
	const char *text, *want;
} longs[] = {
	{ "*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$10\r\n0123456789\r\n", "m(a,a,0123456789)" },
	{ "*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$11\r\n0123456789a\r\n", "long 11:m(a,a,)" },
	{ "*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$12\r\n\r\n*3\r\n$7\r\n\r\n\r\n", "long 12:m(a,a,)" },
	{ "*4\r\n$8\r\npmessage\r\n$2\r\na*\r\n$2\r\nab\r\n$11\r\n0123456789a\r\n", "long 11:p(a*,ab,)" },
	{ "*4\r\n$8\r\npmessage\r\n$2\r\na*\r\n$13\r\nabababababaab\r\n$1\r\nx\r\n", "long 13:p(a*,,x)" },
	{ "*3\r\n$7\r\nmessage\r\n$11\r\naaaaaaaaaaa\r\n$14\r\n01234567890123\r\n", "long 14:m(,,)" },
	{ "*2\r\n*1\r\n$11\r\n0123456789a\r\n$11\r\n0123456789a\r\n", "" },
	{ "$11\r\n+01234567\r\n\r\n", "?" },
	{ "*4\r\n$7\r\nmessage\r\n$1\r\na\r\n$1\r\nb\r\n$11\r\n0123456789a\r\n", "long 11:m(a,a,b)" },
};

static void
reader_leaves_out_what_is_long(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof longs / sizeof longs[0]; i++) {
		char text[512], want[512];

		snprintf(text, sizeof text,
			"%s"
			"+OK\r\n%s*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$1\r\n.\r\n:1\r\n",
			longs[i].text, longs[i].text);
		snprintf(want, sizeof want, "%s+OK%sm(a,a,.):", longs[i].want, longs[i].want);
		for (size_t split = 0; split <= strlen(text) + 1; split++) {
			feed_split(text, split, 10);
			if (strcmp(seen, want) != 0) fail_msg("%zu at %zu: %s, not %s", i, split, seen, want);
		}
	}
}

static long
most_kilobytes(void)
{
	struct rusage u;

	assert_int_equal(getrusage(RUSAGE_SELF, &u), 0);
	return u.ru_maxrss;
}

/* Messages of 512 MB pass by, and take no memory. */
static void
reader_collects_nothing_long(void **state)
{
	static const char *const heads[] = { "*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$536870912\r\n",
		"*4\r\n$8\r\npmessage\r\n$536870912\r\n", "$536870912\r\n", "*2\r\n$536870912\r\n" };
	static char piece[65536];
	const char *why;
	long before;

	(void)state;
	memset(piece, '\n', sizeof piece);
	before = most_kilobytes();
	for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++) {
		struct redis_reader *r = redis_reader_new(1 << 20);

		feed(r, heads[i], strlen(heads[i]));
		*seen = '\0';
		for (size_t at = 0; at < 536870912; at += sizeof piece) {
			redis_reader_feed(r, eio_bytes(piece, sizeof piece));
			assert_int_equal(pull(r, &why), 0);
		}
		feed(r, "\r\n$1\r\na\r\n$1\r\nx\r\n+OK\r\n", 21);
		assert_non_null(strstr(seen, "+OK"));
		redis_reader_free(r);
	}
	assert_in_range(most_kilobytes() - before, 0, 50000);
}

/* A line without an end, and a string that never ends. */
static void
reader_bounds_lines(void **state)
{
	static char piece[4096];
	struct redis_reader *r = redis_reader_new(MAX_STRING);
	const char *why = NULL;
	size_t fed = 0;

	(void)state;
	memset(piece, 'x', sizeof piece);
	feed(r, "-", 1);
	while (feed_copy(r, piece, sizeof piece, &why) == 0) assert_in_range(fed += sizeof piece, 0, REDIS_LINE_BYTES);
	assert_string_equal(why, "a line of more than 64 KB");
	redis_reader_free(r);
}

/* What a server says of itself is ours to ask for, however short messages have to be. */
static void
reader_takes_long_answers(void **state)
{
	enum { SHORT = 16 };
	static char text[REDIS_ANSWER_BYTES + 64];
	static const size_t lengths[] = { SHORT + 1, REDIS_ANSWER_BYTES, REDIS_ANSWER_BYTES + 1 };

	(void)state;
	memset(text, 'i', sizeof text);
	for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
		struct redis_reader *r = redis_reader_new(SHORT);
		struct redis_event event;
		size_t head = (size_t)snprintf(text, sizeof text, "$%zu\r\n", lengths[i]);

		text[head] = 'i';
		memcpy(text + head + lengths[i], "\r\n", 2);
		redis_reader_expect_entries(r);
		redis_reader_feed(r, eio_bytes(text, head + lengths[i] + 2));
		assert_int_equal(redis_reader_next(r, &event), REDIS_READ_REPLY);
		assert_int_equal(event.text.n, lengths[i] <= REDIS_ANSWER_BYTES ? lengths[i] : 0);
		text[head + lengths[i]] = text[head + lengths[i] + 1] = 'i';
		redis_reader_free(r);
	}
}

static void
reader_refuses(void **state)
{
	static const char *const bad[] = { "HTTP/1.1 400\r\n", "*1\r\n!\r\n", "\r\n",
		"*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n",
		/* RESP3 */
		">2\r\n+a\r\n", "%1\r\n+a\r\n", "~1\r\n+a\r\n", "|1\r\n+a\r\n", ",1.5\r\n", "#t\r\n", "(12\r\n",
		"=5\r\ntxt:a\r\n", "*1\r\n#t\r\n",
		/* Lengths and numbers */
		"$\r\n", "$-2\r\n", "$--1\r\n", "$+1\r\n", "$ 1\r\n", "$01\r\n", "$1x\r\n", "$1\rx\r\n",
		"$9223372036854775808\r\n", "$99999999999999999999999\r\n", "*-2\r\n", "*1025\r\n", "*x\r\n",
		"*9223372036854775807\r\n", ":x\r\n", ":99999999999999999999\r\n", "*3\r\n$7\r\nmessage\r\n$-2\r\n" };
	const char *why;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct redis_reader *r = redis_reader_new(MAX_STRING);

		why = NULL;
		if (feed_copy(r, bad[i], strlen(bad[i]), &why) == 0) fail_msg("accepted: %s", bad[i]);
		assert_string_equal(why, "not the Redis protocol");
		redis_reader_free(r);
	}
}

/* Whatever version of hiredis reads them: arrays in arrays, seven deep. */
static void
reader_takes_nested(void **state)
{
	struct redis_reader *r = redis_reader_new(MAX_STRING);

	(void)state;
	assert_non_null(r);
	*seen = '\0';
	feed(r, "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n+OK\r\n", 37);
	assert_string_equal(seen, "+OK");
	redis_reader_free(r);
}

/* At each place in published messages one reader ends and another goes on; in other replies it cannot. */
static void
reader_goes_on_elsewhere(void **state)
{
	static const char text[] = "*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$3\r\none\r\n*4\r\n$8\r\npmessage\r\n$2\r\nb*"
				   "\r\n$2\r\nbc\r\n$3\r\ntwo\r\n";
	const char *why;

	(void)state;
	for (size_t split = 0; split < sizeof text; split++) {
		struct redis_reader *r = redis_reader_new(MAX_STRING), *next = redis_reader_new(MAX_STRING);
		struct eio_bytes begun;

		*seen = '\0';
		assert_int_equal(feed_copy(r, text, split, &why), 0);
		assert_true(redis_reader_begun(r, &begun));
		assert_int_equal(feed_copy(next, begun.n ? begun.p : "", begun.n, &why), 0);
		assert_int_equal(feed_copy(next, text + split, sizeof text - 1 - split, &why), 0);
		assert_string_equal(seen, "m(a,a,one)p(b*,bc,two)");
		redis_reader_free(r);
		redis_reader_free(next);
	}
}

static void
reader_stays_in_a_reply(void **state)
{
	static const char *const texts[] = { "+O", "$5\r\nhe", "*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n" };
	const char *why;

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		struct redis_reader *r = redis_reader_new(MAX_STRING);
		struct eio_bytes begun;

		assert_int_equal(feed_copy(r, texts[i], strlen(texts[i]), &why), 0);
		assert_false(redis_reader_begun(r, &begun));
		redis_reader_free(r);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reader_at_every_split),
		cmocka_unit_test(reader_agrees_with_hiredis),
		cmocka_unit_test(reader_big_payload),
		cmocka_unit_test(reader_leaves_out_what_is_long),
		cmocka_unit_test(reader_collects_nothing_long),
		cmocka_unit_test(reader_bounds_lines),
		cmocka_unit_test(reader_takes_long_answers),
		cmocka_unit_test(reader_refuses),
		cmocka_unit_test(reader_takes_nested),
		cmocka_unit_test(reader_goes_on_elsewhere),
		cmocka_unit_test(reader_stays_in_a_reply),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

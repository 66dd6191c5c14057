/* SPDX-License-Identifier: MIT */
/* Entries and what is said of streams, out of answers that come whole, byte by byte, and cut at each place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/failmalloc.h"
#include "tests/unit/redis/seen.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_STRING = 20 };

#define ENTRY(id, n, fields) "*2\r\n$3\r\n" id "\r\n*" n "\r\n" fields

/* clang-format off */
static const char answers[] =
	"+OK\r\n$3\r\n1-1\r\n$-1\r\n:2\r\n-ERR no such key\r\n*-1\r\n"
	"*2\r\n*2\r\n$1\r\na\r\n*3\r\n"
	ENTRY("1-1", "2", "$1\r\nx\r\n$4\r\n1\r\n2\r\n")
	ENTRY("1-2", "4", "$1\r\nx\r\n$0\r\n\r\n$0\r\n\r\n$1\r\ny\r\n")
	ENTRY("1-3", "2", "$1\r\nx\r\n$25\r\n1234567890123456789012345\r\n") /* too long a string */
	"*2\r\n$3\r\nb c\r\n*3\r\n"
	ENTRY("2-1", "4", "$1\r\nx\r\n$10\r\n1234567890\r\n$1\r\ny\r\n$10\r\n1234567890\r\n") /* too much of them */
	ENTRY("2-2", "2", "$5\r\nshort\r\n$1\r\n1\r\n")
	"*2\r\n$3\r\n2-3\r\n*-1\r\n"
	/* XREVRANGE */
	"*3\r\n"
	ENTRY("3-3", "2", "$1\r\nx\r\n$1\r\n1\r\n")
	ENTRY("3-2", "4", "$1\r\nx\r\n$0\r\n\r\n$0\r\n\r\n$1\r\ny\r\n")
	ENTRY("3-1", "2", "$1\r\nx\r\n$25\r\n1234567890123456789012345\r\n")
	/* XINFO STREAM of Redis 7, of 6.2, and of an empty stream. */
	"*20\r\n$6\r\nlength\r\n:2\r\n$15\r\nradix-tree-keys\r\n:1\r\n$16\r\nradix-tree-nodes\r\n:2\r\n"
	"$17\r\nlast-generated-id\r\n$3\r\n9-2\r\n$20\r\nmax-deleted-entry-id\r\n$3\r\n4-0\r\n"
	"$13\r\nentries-added\r\n:7\r\n$23\r\nrecorded-first-entry-id\r\n$3\r\n5-0\r\n$6\r\ngroups\r\n:0\r\n"
	"$11\r\nfirst-entry\r\n" ENTRY("5-0", "2", "$1\r\nx\r\n$1\r\n1\r\n")
	"$10\r\nlast-entry\r\n" ENTRY("9-2", "2", "$1\r\nx\r\n$25\r\n1234567890123456789012345\r\n")
	"*14\r\n$6\r\nlength\r\n:1\r\n$15\r\nradix-tree-keys\r\n:1\r\n$16\r\nradix-tree-nodes\r\n:2\r\n"
	"$17\r\nlast-generated-id\r\n$3\r\n9-2\r\n$6\r\ngroups\r\n:0\r\n"
	"$11\r\nfirst-entry\r\n" ENTRY("9-2", "2", "$1\r\nx\r\n$1\r\n1\r\n")
	"$10\r\nlast-entry\r\n" ENTRY("9-2", "2", "$1\r\nx\r\n$1\r\n1\r\n")
	"*6\r\n$6\r\nlength\r\n:0\r\n$11\r\nfirst-entry\r\n$-1\r\n$10\r\nlast-entry\r\n$-1\r\n"
	/* No answers to what is asked. */
	"*0\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n$1\r\nx\r\n*1\r\n$1\r\nx\r\n"
	"*1\r\n*2\r\n$1\r\na\r\n*2\r\n"
	ENTRY("1-1", "3", "$1\r\nx\r\n$1\r\ny\r\n$1\r\nz\r\n")
	ENTRY("1-2", "2", "$1\r\nx\r\n$1\r\ny\r\n");
/* clang-format on */

static const char answers_seen[] = "+OK?1-1?:-ERR no such key?"
				   "a 1-1(x=1\r\n2,)a 1-2(x=,=y,)a 1-3(long 26)b c 2-1(long 22)b c 2-2(short=1,)*"
				   " 3-3(x=1,) 3-2(x=,=y,) 3-1(long 26)*"
				   "i2 9-2 5-0 counts 7 4-0;i1 9-2 9-2;i0 0-0 0-0;"
				   "?*?a 1-2(x=y,)*";

static void
see_info(const struct redis_stream_info *info)
{
	char last[REDIS_ID_TEXT], first[REDIS_ID_TEXT], deleted[REDIS_ID_TEXT];

	see("%llu %s %s", (unsigned long long)info->length, redis_id_text(info->last, last),
		redis_id_text(info->first, first));
	if (info->counts)
		see(" counts %llu %s", (unsigned long long)info->added, redis_id_text(info->deleted, deleted));
	see(";");
}

/* 0, or -1 when there was no memory. In an allocation of its own, so that what is read outside is found. */
static int
feed_entries(struct redis_reader *r, const char *from, size_t n)
{
	char *copy = malloc(n ? n : 1);
	struct redis_event e;
	enum redis_read got;

	if (!copy) return -1;
	memcpy(copy, from, n);
	redis_reader_feed(r, eio_bytes(copy, n));
	while ((got = redis_reader_next(r, &e)) != REDIS_READ_NONE && got != REDIS_READ_ERROR) {
		see_event(got, &e);
		if (got == REDIS_READ_REPLY && e.reply == REDIS_REPLY_IS_INFO) see_info(e.info);
	}
	free(copy);
	if (got == REDIS_READ_NONE) return 0;
	assert_string_equal(e.why, "out of memory");
	return -1;
}

static struct redis_reader *
entries_reader(void)
{
	struct redis_reader *r = redis_reader_new(MAX_STRING);

	*seen = '\0';
	if (r) redis_reader_expect_entries(r);
	return r;
}

static void
entries_at_every_split(void **state)
{
	size_t n = sizeof answers - 1;

	(void)state;
	for (size_t split = 0; split <= n + 1; split++) {
		struct redis_reader *r = entries_reader();

		assert_non_null(r);
		if (split <= n) {
			assert_int_equal(feed_entries(r, answers, split), 0);
			assert_int_equal(feed_entries(r, answers + split, n - split), 0);
		} else {
			for (size_t i = 0; i < n; i++) assert_int_equal(feed_entries(r, answers + i, 1), 0);
		}
		assert_string_equal(seen, answers_seen);
		redis_reader_free(r);
	}
}

/* Empty words cost memory, too. */
static void
words_without_bytes(void **state)
{
	static const char head[] = "*1\r\n*2\r\n$1\r\na\r\n*1\r\n*2\r\n$3\r\n1-1\r\n*1000000\r\n",
			  word[] = "$0\r\n\r\n";
	struct redis_reader *r = entries_reader();

	(void)state;
	assert_non_null(r);
	assert_int_equal(feed_entries(r, head, sizeof head - 1), 0);
	for (int i = 0; i < 1000000; i++) assert_int_equal(feed_entries(r, word, sizeof word - 1), 0);
	assert_true(strncmp(seen, "a 1-1(long ", 11) == 0);
	redis_reader_free(r);
}

static int
read_all(void)
{
	struct redis_reader *r = entries_reader();
	int rc = r ? feed_entries(r, answers, sizeof answers - 1) : -1;

	redis_reader_free(r);
	if (!rc) assert_string_equal(seen, answers_seen);
	return rc;
}

static void
without_memory(void **state)
{
	(void)state;
	failmalloc_every(read_all, -1, 5);
}

static void
ids(void **state)
{
	static const struct {
		const char *text, *canonical; /* NULL: none */
	} all[] = {
		{ "0", "0-0" },
		{ "1526919030474-55", "1526919030474-55" },
		{ "18446744073709551615-18446744073709551615", "18446744073709551615-18446744073709551615" },
		{ "18446744073709551616-0", NULL },
		{ "1-18446744073709551616", NULL },
		{ "99999999999999999999", NULL },
		{ "", NULL },
		{ "-", NULL },
		{ "1-", NULL },
		{ "-1", NULL },
		{ "1-1 ", NULL },
		{ "1-1-1", NULL },
		{ "$", NULL },
		{ "+1", NULL },
	};
	char text[REDIS_ID_TEXT];
	struct redis_id id;

	(void)state;
	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
		assert_int_equal(redis_id_parse(&id, eio_cstr(all[i].text)), all[i].canonical != NULL);
		if (all[i].canonical) assert_string_equal(redis_id_text(id, text), all[i].canonical);
	}
	assert_true(redis_id_compare((struct redis_id){ 1, 2 }, (struct redis_id){ 2, 1 }) < 0);
	assert_true(redis_id_compare((struct redis_id){ 2, 2 }, (struct redis_id){ 2, 1 }) > 0);
	assert_true(redis_id_compare((struct redis_id){ 2, 1 }, (struct redis_id){ 2, 2 }) < 0);
	assert_int_equal(redis_id_compare((struct redis_id){ 2, 1 }, (struct redis_id){ 2, 1 }), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(entries_at_every_split),
		cmocka_unit_test(words_without_bytes),
		cmocka_unit_test(without_memory),
		cmocka_unit_test(ids),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

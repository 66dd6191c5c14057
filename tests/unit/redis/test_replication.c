/* SPDX-License-Identifier: MIT */
/* What a replica is sent, whole, byte by byte, and cut at each place; and where each message ends in it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "src/redis/replication.h"
#include "tests/unit/failmalloc.h"
#include "tests/unit/redis/seen.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_STRING = 10 };

#define ID "0123456789012345678901234567890123456789"
#define ID2 "abcdefghijabcdefghijabcdefghijabcdefghij"
#define XY "xyxyxyxyxyxyxyxyxyxzxyxyxyxyxyxyxyxyxyxz"
#define PUBLISH "*3\r\n$7\r\npublish\r\n"
#define PING "*1\r\n$4\r\nPING\r\n"

/* clang-format off */
static const char commands[] =
	PING "*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n"
	PUBLISH "$1\r\na\r\n$5\r\nhello\r\n"
	"*1\r\n$5\r\nMULTI\r\n" "*3\r\n$3\r\nset\r\n$1\r\nx\r\n$19\r\n*3\r\n$7\r\npublish\r\nno\r\n"
	"*3\r\n$7\r\nPUBLISH\r\n$3\r\nb c\r\n$0\r\n\r\n" "*1\r\n$4\r\nEXEC\r\n"
	"*3\r\n$8\r\nSPUBLISH\r\n$1\r\na\r\n$2\r\nno\r\n" "*3\r\n$8\r\nREPLCONF\r\n$6\r\nGETACK\r\n$1\r\n*\r\n"
	PUBLISH "$0\r\n\r\n$10\r\n\r\n90\r\n6789\r\n" /* an empty channel, line ends in the payload */
	PUBLISH "$1\r\na\r\n$11\r\n12345678901\r\n" PUBLISH "$12\r\n123456789012\r\n$1\r\nx\r\n" /* too long */
	"*2\r\n$7\r\npublish\r\n$1\r\na\r\n" "*4\r\n$7\r\npublish\r\n$1\r\na\r\n$1\r\nb\r\n$1\r\nc\r\n" /* none */
	"*2\r\n$29\r\npublish0123456789012345678901\r\n$1\r\na\r\n"
	PUBLISH "$1\r\na\r\n$3\r\nend\r\n";
/* clang-format on */
static const char commands_seen[] = "m(a,hello)m(b c,)ack;m(,\r\n90\r\n6789)long 11(a)long 12()m(a,end)";

static void
see_replicated(enum redis_replicated got, const struct redis_replicated_event *e)
{
	switch (got) {
	case REDIS_REPLICATED_REFUSED: see("refused %.*s;", (int)e->text.n, e->text.p); break;
	case REDIS_REPLICATED_FULL: see("full;"); break;
	case REDIS_REPLICATED_ONLINE: see("online;"); break;
	case REDIS_REPLICATED_MESSAGE:
		see("m(%.*s,%.*s)", (int)e->channel.n, e->channel.p, (int)e->payload.n, e->payload.p);
		break;
	case REDIS_REPLICATED_TOO_LONG:
		see("long %llu(%.*s)", (unsigned long long)e->n, (int)e->channel.n, e->channel.p);
		break;
	case REDIS_REPLICATED_ASKED: see("ack;"); break;
	case REDIS_REPLICATED_ERROR: see("error;"); break;
	case REDIS_REPLICATED_NONE: break;
	}
}

/* In an allocation of its own, so that what is read outside is found. -1: it failed. */
static int
feed_replication(struct redis_replication *r, const char *from, size_t n)
{
	char *copy = malloc(n ? n : 1);
	struct redis_replicated_event e;
	enum redis_replicated got;

	if (!copy) return -1;
	memcpy(copy, from, n);
	redis_replication_feed(r, eio_bytes(copy, n));
	do {
		got = redis_replication_next(r, &e);
		see_replicated(got, &e);
	} while (got != REDIS_REPLICATED_NONE && got != REDIS_REPLICATED_ERROR);
	free(copy);
	return got == REDIS_REPLICATED_ERROR ? -1 : 0;
}

static void
begins(struct redis_replication *r, const char *want)
{
	struct eio_buf out = { 0 };

	redis_replication_begin(r, &out);
	if (want && !eio_bytes_eq(eio_buf_bytes(&out), eio_cstr(want))) fail_msg("%.*s", (int)out.n, out.p);
	eio_buf_deinit(&out);
}

#define FROM_ANYWHERE "*3\r\n$5\r\nPSYNC\r\n$1\r\n?\r\n$2\r\n-1\r\n"

/* An answer and the commands behind it, cut at each place. */
static void
at_every_split(const char *answer, const char *want, uint64_t offset)
{
	size_t head = strlen(answer), n = head + sizeof commands - 1;
	char *all = malloc(n + 1), text[1024];

	assert_non_null(all);
	strcpy(all, answer);
	memcpy(all + head, commands, sizeof commands);
	strcpy(text, want);
	strcat(text, commands_seen);
	for (size_t split = 0; split <= n + 1; split++) {
		struct redis_replication r;

		redis_replication_init(&r, MAX_STRING);
		begins(&r, FROM_ANYWHERE);
		*seen = '\0';
		if (split <= n) {
			assert_int_equal(feed_replication(&r, all, split), 0);
			assert_int_equal(feed_replication(&r, all + split, n - split), 0);
		} else {
			for (size_t i = 0; i < n; i++) assert_int_equal(feed_replication(&r, all + i, 1), 0);
		}
		assert_string_equal(seen, text);
		assert_int_equal(r.offset, offset + sizeof commands - 1);
		redis_replication_deinit(&r);
	}
	free(all);
}

static void
snapshots_at_every_split(void **state)
{
	(void)state;
	at_every_split("+FULLRESYNC " ID " 1000\r\n$14\r\nREDIS\r\n$EOF:12", "full;online;", 1000);
	at_every_split("\n\n+FULLRESYNC " ID " 0\r\n\n\n$0\r\n", "full;online;", 0);
	/* Its end has a beginning like itself. */
	at_every_split("+FULLRESYNC " ID " 7\r\n\n$EOF:" ID "\r\nREDIS 012345678901234567890" ID, "full;online;", 7);
	at_every_split("+FULLRESYNC " ID " 7\r\n$EOF:" ID "\r\n" ID, "full;online;", 7);
	at_every_split("+FULLRESYNC " ID " 7\r\n$EOF:" XY "\r\nxyxyxyxyxxy" XY, "full;online;", 7);
}

/* Whatever of a command has come: the next connection asks for all of it. */
static void
goes_on_behind_a_command(void **state)
{
	static const char one[] = PUBLISH "$1\r\na\r\n$5\r\nhello\r\n";
	struct redis_replication r;

	(void)state;
	for (size_t cut = 0; cut < sizeof one - 1; cut++) {
		redis_replication_init(&r, MAX_STRING);
		begins(&r, FROM_ANYWHERE);
		*seen = '\0';
		assert_int_equal(feed_replication(&r, "+FULLRESYNC " ID " 100\r\n$0\r\n" PING, 62 + 14), 0);
		assert_int_equal(feed_replication(&r, one, cut), 0);
		begins(&r, "*3\r\n$5\r\nPSYNC\r\n$40\r\n" ID "\r\n$3\r\n115\r\n");
		/* A server that has become the master in between has another id. */
		assert_int_equal(feed_replication(&r, "+CONTINUE " ID2 "\r\n", 52), 0);
		assert_int_equal(feed_replication(&r, one, sizeof one - 1), 0);
		begins(&r, "*3\r\n$5\r\nPSYNC\r\n$40\r\n" ID2 "\r\n$3\r\n150\r\n");
		assert_int_equal(feed_replication(&r, "+CONTINUE\r\n", 11), 0);
		assert_string_equal(seen, "full;online;online;m(a,hello)online;");
		/* It refuses, which leaves the position; or has not got it any more. */
		begins(&r, NULL);
		assert_int_equal(feed_replication(&r, "-LOADING wait\r\n*1\r\n", 19), 0);
		begins(&r, "*3\r\n$5\r\nPSYNC\r\n$40\r\n" ID2 "\r\n$3\r\n150\r\n");
		assert_int_equal(feed_replication(&r, "+FULLRESYNC " ID " 3000\r\n", 59), 0);
		/* A snapshot that was cut is not asked for: it would be passed over. */
		begins(&r, "*3\r\n$5\r\nPSYNC\r\n$40\r\n" ID "\r\n$4\r\n3001\r\n");
		assert_string_equal(seen, "full;online;online;m(a,hello)online;refused LOADING wait;full;");
		redis_replication_deinit(&r);
	}
}

static void
what_is_no_replication(void **state)
{
	static const char *const wrong[] = {
		"+OK\r\n",
		"*1\r\n",
		"+FULLRESYNC\r\n",
		"+FULLRESYNC " ID "\r\n",
		"+FULLRESYNC " ID " x\r\n",
		"+FULLRESYNC " ID "0 1\r\n",
		"+FULLRESYNC " ID " 1234567890123456789\r\n",
		"+CONTINUE " ID "\r\n", /* without having asked for it */
		"+FULLRESYNC " ID " 1\r\n$-1\r\n",
		"+FULLRESYNC " ID " 1\r\n*1\r\n",
		"+FULLRESYNC " ID " 1\r\n$EOF:1\r\n",
		"+FULLRESYNC " ID " 1\r\n$0\r\n\r\n",
		"+FULLRESYNC " ID " 1\r\n$0\r\nPING\r\n",
		"+FULLRESYNC " ID " 1\r\n$0\r\n*0\r\n",
		"+FULLRESYNC " ID " 1\r\n$0\r\n*-1\r\n",
		"+FULLRESYNC " ID " 1\r\n$0\r\n*1\r\n:1\r\n",
		"+FULLRESYNC " ID " 1\r\n$0\r\n*1\r\n$-1\r\n",
		"+FULLRESYNC " ID " 1\r\n$0\r\n*1\r\n$x\r\n",
	};
	char *longest = malloc(100000);
	struct redis_replication r;

	(void)state;
	assert_non_null(longest);
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		redis_replication_init(&r, MAX_STRING);
		begins(&r, FROM_ANYWHERE);
		if (feed_replication(&r, wrong[i], strlen(wrong[i])) == 0) fail_msg("%s", wrong[i]);
		assert_int_equal(feed_replication(&r, "x", 1), -1); /* and so it stays, */
		begins(&r, FROM_ANYWHERE); /* and nothing is believed of it */
		redis_replication_deinit(&r);
	}
	/* A line without an end takes no memory. */
	redis_replication_init(&r, MAX_STRING);
	begins(&r, FROM_ANYWHERE);
	memset(longest, '+', 100000);
	for (int i = 0; i < 100; i++) assert_int_equal(feed_replication(&r, longest, 100000), 0);
	assert_int_equal(feed_replication(&r, "\r\n", 2), -1);
	redis_replication_deinit(&r);
	free(longest);
}

static int
read_byte_by_byte(void)
{
	static const char head[] = "+FULLRESYNC " ID " 1\r\n$0\r\n";
	struct redis_replication r;
	struct eio_buf out = { 0 };
	int rc = 0;

	redis_replication_init(&r, MAX_STRING);
	redis_replication_begin(&r, &out);
	if (eio_buf_failed(&out)) rc = -1; /* which who writes it finds */
	eio_buf_deinit(&out);
	*seen = '\0';
	for (size_t i = 0; i < sizeof head - 1 && !rc; i++) rc = feed_replication(&r, head + i, 1);
	for (size_t i = 0; i < sizeof commands - 1 && !rc; i++) rc = feed_replication(&r, commands + i, 1);
	redis_replication_deinit(&r);
	return rc;
}

static void
replication_without_memory(void **state)
{
	(void)state;
	failmalloc_every(read_byte_by_byte, -1, 100);
}

/* From one process to the next. */
static void
position_as_text(void **state)
{
	static const char *const wrong[] = { "", ID, ID " ", ID " x", ID " 1 ", ID "x1", ID " -1",
		ID " 1234567890123456789", "01234567890123456789012345678901234567 9 5", "0 5" };
	struct redis_replication r;
	char text[REDIS_REPLICATION_TEXT];

	(void)state;
	redis_replication_init(&r, MAX_STRING);
	assert_null(redis_replication_store(&r, text));
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
		assert_false(redis_replication_resume(&r, eio_cstr(wrong[i])));
	begins(&r, FROM_ANYWHERE);
	assert_true(redis_replication_resume(&r, EIO_LIT(ID " 41")));
	assert_string_equal(redis_replication_store(&r, text), ID " 41");
	begins(&r, "*3\r\n$5\r\nPSYNC\r\n$40\r\n" ID "\r\n$2\r\n42\r\n");
	*seen = '\0';
	assert_int_equal(feed_replication(&r, "+CONTINUE\r\n" PING, 11 + sizeof PING - 1), 0);
	assert_string_equal(seen, "online;");
	assert_string_equal(redis_replication_store(&r, text), ID " 55");
	redis_replication_deinit(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(snapshots_at_every_split),
		cmocka_unit_test(goes_on_behind_a_command),
		cmocka_unit_test(what_is_no_replication),
		cmocka_unit_test(position_as_text),
		cmocka_unit_test(replication_without_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

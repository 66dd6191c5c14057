/* SPDX-License-Identifier: MIT */
/* What a replica says to a server, and what it makes of the answers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "src/base/log.h"
#include "src/redis/replica.h"
#include "tests/unit/redis/seen.h"
#include "tests/unit/redis/server.h"

#include <stdlib.h>
#include <string.h>

#define ID "0123456789012345678901234567890123456789"
#define GREETING \
	HELLO "*5\r\n$8\r\nREPLCONF\r\n$4\r\ncapa\r\n$3\r\neof\r\n$4\r\ncapa\r\n$6\r\npsync2\r\n" \
	      "*3\r\n$8\r\nREPLCONF\r\n$15\r\nrdb-filter-only\r\n$0\r\n\r\n"
#define FROM_ANYWHERE "*3\r\n$5\r\nPSYNC\r\n$1\r\n?\r\n$2\r\n-1\r\n"
#define ACK "*3\r\n$8\r\nREPLCONF\r\n$3\r\nACK\r\n$1\r\n0\r\n"
#define PUBLISH(payload) "*3\r\n$7\r\npublish\r\n$1\r\na\r\n" payload "\r\n"
#define FULL "+FULLRESYNC " ID " 100\r\n$0\r\n"
#define FULL_OF_ANOTHER "+FULLRESYNC abcdefghijabcdefghijabcdefghijabcdefghij 100\r\n$0\r\n"

static struct redis_replica *replica;
static uint64_t gap_from_ms; /* of the last */

static void
on_test_message(void *user, struct eio_bytes channel, struct eio_bytes payload)
{
	struct server *s = user;

	see("m(%.*s,%.*s)", (int)channel.n, channel.p, (int)payload.n, payload.p);
	s->messages++;
}

static void
on_test_too_long(void *user, struct eio_bytes channel, uint64_t n)
{
	struct server *s = user;

	see("long %llu(%.*s)", (unsigned long long)n, (int)channel.n, channel.p);
	s->too_long++;
}

static void
on_test_gap(void *user, uint64_t from_ms, uint64_t to_ms)
{
	(void)user;
	assert_true(from_ms && from_ms <= to_ms);
	gap_from_ms = from_ms;
	see("gap;");
}

static void
on_test_state(void *user, bool ready)
{
	struct server *s = user;

	see(ready ? "ready;" : "not ready;");
	s->ready += ready;
	s->not_ready += !ready;
}

/* from: where it goes on, as it was read until 1000; "": nowhere. */
static struct server *
replicating_from(const char *from, bool may_pause)
{
	struct server *s = server_new("", "");
	struct redis_replica_options o = {
		.from = eio_cstr(from),
		.from_ms = 1000,
		.url = &s->url,
		.metrics = s->counters,
		.message_bytes = 20,
		.ack_ms = 5,
		.may_pause = may_pause,
		.message = on_test_message,
		.too_long = on_test_too_long,
		.gap = on_test_gap,
		.state = on_test_state,
		.user = s,
	};

	replica = redis_replica_open(&s->loop, &o);
	assert_non_null(replica);
	return s;
}

static struct server *
replicating(bool may_pause)
{
	return replicating_from("", may_pause);
}

static void
stop_replicating(struct server *s)
{
	redis_replica_close(replica);
	server_free(s);
}

static void
reads_as_a_replica(void **state)
{
	struct server *s = replicating(false);

	(void)state;
	await_words(s, GREETING, "+OK\r\n+OK\r\n-ERR Unrecognized REPLCONF option: rdb-filter-only\r\n");
	await_words(s, FROM_ANYWHERE, FULL);
	/* The first ack is what a server waits for; and then there is one from time to time. */
	await_words(s, ACK, PUBLISH("$1\r\n1") "*3\r\n$8\r\nREPLCONF\r\n$6\r\nGETACK\r\n$1\r\n*\r\n");
	await_words(s, ACK, "");
	await_words(s, ACK, PUBLISH("$21\r\n123456789012345678901"));
	RUN_UNTIL(s, s->too_long);
	assert_int_equal(count(s, REDIS_METRIC_TOO_LONG), 1);
	drop_client(s);
	await_words(s, GREETING, "+OK\r\n+OK\r\n+OK\r\n");
	await_words(s, "*3\r\n$5\r\nPSYNC\r\n$40\r\n" ID "\r\n$3\r\n221\r\n", "+CONTINUE\r\n" PUBLISH("$1\r\n2"));
	RUN_UNTIL(s, s->messages == 2);
	drop_client(s);
	await_words(s, GREETING, "+OK\r\n+OK\r\n+OK\r\n");
	await_words(s, "$3\r\n252\r\n", FULL_OF_ANOTHER PUBLISH("$1\r\n3"));
	RUN_UNTIL(s, s->messages == 3);
	assert_string_equal(seen, "ready;m(a,1)long 21(a)not ready;ready;m(a,2)not ready;gap;ready;m(a,3)");
	stop_replicating(s);
}

/* A replica of the same server that has less than was read: nothing is missing, and what was read does not come again.
 */
static void
is_behind(void **state)
{
	struct server *s = replicating(false);

	(void)state;
	await_words(s, GREETING, "+OK\r\n+OK\r\n+OK\r\n");
	await_words(s, FROM_ANYWHERE, FULL PUBLISH("$1\r\n1") PUBLISH("$1\r\n2"));
	RUN_UNTIL(s, s->messages == 2);
	/* Its position stays, also when the connection is lost in the snapshot or behind it. */
	for (int i = 0; i < 2; i++) {
		drop_client(s);
		await_words(s, GREETING, "+OK\r\n+OK\r\n+OK\r\n");
		await_words(s, "$3\r\n163\r\n",
			i ? "+FULLRESYNC " ID " 131\r\n$0\r\n" PUBLISH("$1\r\n2")
			  : "+FULLRESYNC " ID " 100\r\n$100\r\nREDIS");
	}
	RUN_UNTIL(s, s->ready == 2);
	drop_client(s);
	await_words(s, GREETING, "+OK\r\n+OK\r\n+OK\r\n");
	await_words(s, "$3\r\n163\r\n", FULL PUBLISH("$1\r\n1") PUBLISH("$1\r\n2") PUBLISH("$1\r\n3"));
	RUN_UNTIL(s, s->messages == 3);
	assert_string_equal(seen, "ready;m(a,1)m(a,2)not ready;ready;not ready;ready;m(a,3)");
	stop_replicating(s);
}

/* What was lost when the snapshot began is so when that is cut, too, though the position behind it is there then. */
static void
cut_in_a_snapshot(void **state)
{
	struct server *s = replicating(false);

	(void)state;
	await_words(s, GREETING, "+OK\r\n+OK\r\n+OK\r\n");
	await_words(s, FROM_ANYWHERE, FULL PUBLISH("$1\r\n1"));
	RUN_UNTIL(s, s->messages == 1);
	drop_client(s);
	await_words(s, GREETING, "+OK\r\n+OK\r\n+OK\r\n");
	await_words(s, "$3\r\n132\r\n", "+FULLRESYNC " ID " 5000\r\n$100\r\nREDIS");
	for (int i = 0; i < 3; i++) uv_run(&s->loop, UV_RUN_NOWAIT);
	RUN_UNTIL(s, count(s, REDIS_METRIC_CONNECTS) == 2);
	drop_client(s);
	await_words(s, GREETING, "+OK\r\n+OK\r\n+OK\r\n");
	await_words(s, "$4\r\n5001\r\n", "+CONTINUE\r\n" PUBLISH("$1\r\n2"));
	RUN_UNTIL(s, s->messages == 2);
	assert_string_equal(seen, "ready;m(a,1)not ready;gap;ready;m(a,2)");
	stop_replicating(s);
}

static void
refusals(void **state)
{
	struct server *s = replicating(true);

	(void)state;
	await_words(
		s, GREETING, "+OK\r\n-NOPERM this user has no permissions to run the 'replconf' command\r\n+OK\r\n");
	RUN_UNTIL(s, s->connections == 2);
	await_words(s, GREETING, "+OK\r\n+OK\r\n+OK\r\n");
	await_words(s, FROM_ANYWHERE, "-NOMASTERLINK Can't SYNC while not connected with my master\r\n");
	RUN_UNTIL(s, s->connections == 3);
	await_words(s, GREETING, "+OK\r\n+OK\r\n+OK\r\n");
	await_words(s, FROM_ANYWHERE, "+OK\r\n");
	RUN_UNTIL(s, s->connections == 4);
	await_words(s, GREETING, "+OK\r\n+OK\r\n+OK\r\n");
	await_words(s, FROM_ANYWHERE, FULL PUBLISH("$1\r\n1") "nonsense\r\n");
	RUN_UNTIL(s, s->connections == 5);
	await_words(s, GREETING, "+OK\r\n+OK\r\n+OK\r\n");
	/* Where that was is not known. */
	await_words(s, FROM_ANYWHERE, FULL);
	RUN_UNTIL(s, s->ready == 2);
	assert_string_equal(seen, "ready;m(a,1)not ready;gap;ready;");
	stop_replicating(s);
}

/* How far it has read is said with since when it is away, and who goes on there tells the gap since then. */
static void
stored_while_away(void **state)
{
	struct server *s = replicating(false);
	char text[REDIS_REPLICA_TEXT], since[REDIS_REPLICA_TEXT];

	(void)state;
	assert_null(redis_replica_store(replica, text));
	await_words(s, GREETING, "+OK\r\n+OK\r\n+OK\r\n");
	await_words(s, FROM_ANYWHERE, FULL PUBLISH("$1\r\n1"));
	RUN_UNTIL(s, s->messages == 1);
	assert_string_equal(redis_replica_store(replica, text), ID " 131");
	assert_true(redis_replica_is_anew(replica));
	drop_client(s);
	await_words(s, GREETING, "+OK\r\n+OK\r\n+OK\r\n");
	assert_non_null(redis_replica_store(replica, text));
	assert_memory_equal(text, ID " 131 @", strlen(ID " 131 @"));
	await_words(s, "$3\r\n132\r\n", "+FULLRESYNC " ID " 5000\r\n$100\r\nREDIS");
	while (redis_replica_store(replica, since)[0] != '@') uv_run(&s->loop, UV_RUN_ONCE);
	assert_string_equal(since, strchr(text, '@'));
	redis_replica_redial(replica);
	await_words(s, GREETING, "+OK\r\n+OK\r\n+OK\r\n");
	await_words(s, "$4\r\n5001\r\n", "+CONTINUE\r\n");
	RUN_UNTIL(s, s->ready == 2);
	assert_int_equal(gap_from_ms, strtoull(since + 1, NULL, 10));
	stop_replicating(s);
}

static void
goes_on_where_it_is_told(void **state)
{
	static const struct {
		const char *from, *asks;
		uint64_t gap_ms;
	} all[] = {
		{ ID " 131", "$40\r\n" ID "\r\n$3\r\n132\r\n", 1000 },
		{ ID " 131 @900", "$40\r\n" ID "\r\n$3\r\n132\r\n", 900 },
		{ ID " 131 @99999999999999999999999", "$40\r\n" ID "\r\n$3\r\n132\r\n", 1000 },
		{ "@900", FROM_ANYWHERE, 900 },
		{ "@", FROM_ANYWHERE, 1000 },
		{ "900", FROM_ANYWHERE, 1000 },
		{ ID " 131 900", FROM_ANYWHERE, 1000 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
		struct server *s = replicating_from(all[i].from, false);

		await_words(s, GREETING, "+OK\r\n+OK\r\n+OK\r\n");
		await_words(s, all[i].asks, FULL_OF_ANOTHER);
		RUN_UNTIL(s, s->ready == 1);
		assert_int_equal(gap_from_ms, all[i].gap_ms);
		stop_replicating(s);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_as_a_replica),
		cmocka_unit_test(is_behind),
		cmocka_unit_test(cut_in_a_snapshot),
		cmocka_unit_test(refusals),
		cmocka_unit_test(stored_while_away),
		cmocka_unit_test(goes_on_where_it_is_told),
	};

	log_set_level(LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

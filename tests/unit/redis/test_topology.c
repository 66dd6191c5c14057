/* SPDX-License-Identifier: MIT */
/* Slots of names, what errors say of them, and CLUSTER SLOTS in the words of every version. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "src/redis/reader.h"
#include "src/redis/topology.h"
#include "src/redis/url.h"

/* What redis-server 7.0 answers to CLUSTER KEYSLOT. */
static const struct {
	const char *name;
	unsigned slot;
} slots[] = {
	{ "", 0 },
	{ "123456789", 12739 },
	{ "foo", 12182 },
	{ "bar", 5061 },
	{ "{foo}bar", 12182 },
	{ "bar{foo}", 12182 },
	{ "x{foo}{bar}", 12182 },
	{ "foo{}", 5542 },
	{ "{}foo", 9500 },
	{ "foo{}{bar}", 8363 },
	{ "foo{{bar}}zap", 4015 },
	{ "foo{bar}{zap}", 5061 },
	{ "{", 4092 },
	{ "}", 12090 },
	{ "a}b{c", 13587 },
	{ "\xc3\xa9\xff", 1713 },
};

static void
names_have_slots(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof slots / sizeof slots[0]; i++)
		if (redis_slot(eio_cstr(slots[i].name)) != slots[i].slot)
			fail_msg("%s: %u, not %u", slots[i].name, redis_slot(eio_cstr(slots[i].name)), slots[i].slot);
	/* A zero is a byte as any other. */
	assert_int_not_equal(redis_slot(eio_bytes("a\0b", 3)), redis_slot(eio_bytes("a", 1)));
}

#define NONE REDIS_REDIRECT_NONE
#define MOVED REDIS_REDIRECT_MOVED
#define ASK REDIS_REDIRECT_ASK
#define LATER REDIS_REDIRECT_LATER

static const struct {
	const char *error;
	enum redis_redirect_kind kind;
	unsigned slot;
	const char *host;
	unsigned port;
} errors[] = {
	{ "MOVED 3999 127.0.0.1:6381", MOVED, 3999, "127.0.0.1", 6381 },
	{ "MOVED 0 redis-1.example.org:6379", MOVED, 0, "redis-1.example.org", 6379 },
	{ "MOVED 16383 2001:db8::1:6379", MOVED, 16383, "2001:db8::1", 6379 },
	{ "MOVED 5 :6380", MOVED, 5, "", 6380 },
	{ "MOVED 5 ?:6380", MOVED, 5, "?", 0 },
	{ "MOVED 5 a b=c:6380", LATER, 0, NULL, 0 },
	{ "ASK 7 10.0.0.1:1", ASK, 7, "10.0.0.1", 1 },
	{ "MOVED 16384 127.0.0.1:6381", LATER, 0, NULL, 0 },
	{ "MOVED 1 127.0.0.1:65536", LATER, 0, NULL, 0 },
	{ "MOVED 1 127.0.0.1", LATER, 0, NULL, 0 },
	{ "MOVED 1 127.0.0.1:", LATER, 0, NULL, 0 },
	{ "MOVED 1", LATER, 0, NULL, 0 },
	{ "MOVED  :1", LATER, 0, NULL, 0 },
	{ "MOVED ", LATER, 0, NULL, 0 },
	{ "CLUSTERDOWN Hash slot not served", LATER, 0, NULL, 0 },
	{ "CLUSTERDOWN The cluster is down", LATER, 0, NULL, 0 },
	{ "TRYAGAIN Multiple keys request during rehashing of slot", LATER, 0, NULL, 0 },
	{ "CROSSSLOT Keys in request don't hash to the same slot", NONE, 0, NULL, 0 },
	{ "MOVED", NONE, 0, NULL, 0 },
	{ "ERR unknown command", NONE, 0, NULL, 0 },
	{ "", NONE, 0, NULL, 0 },
};

static void
errors_say_where(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++) {
		struct redis_redirect r = redis_redirect_read(eio_cstr(errors[i].error));

		if (r.kind != errors[i].kind || r.slot != errors[i].slot || r.port != errors[i].port)
			fail_msg("%s: %d, slot %u, port %u", errors[i].error, r.kind, r.slot, r.port);
		if (errors[i].host) assert_true(eio_bytes_eq(r.host, eio_cstr(errors[i].host)));
	}
}

/* Addresses */

static void
nodes_are_like_the_first(void **state)
{
	static const char *const texts[] = { "redis://u:p%40@a:7000", "redis://u:p%40@[::1]" };
	struct redis_url u, other, node;
	size_t which = 9;
	char err[160];

	(void)state;
	assert_int_equal(redis_url_cluster(&u, texts, 2, NULL, &which, err, sizeof err), 0);
	assert_string_equal(u.name, "cluster@a:7000");
	assert_true(u.is_cluster && u.n_guides == 2 && u.guides[1].port == 6379);
	assert_string_equal(u.password, "p@");
	assert_int_equal(redis_url_node(&u, "2001:db8::1", 7001, &node), 0);
	assert_string_equal(node.name, "[2001:db8::1]:7001");
	assert_string_equal(node.user, "u");
	assert_string_equal(node.password, "p@");
	assert_true(node.is_cluster && !node.n_guides);
	redis_url_deinit(&node);
	assert_int_equal(redis_url_copy(&u, &other), 0);
	assert_true(redis_url_is_same_place(&u, &other) && redis_url_has_same_secrets(&u, &other));
	other.guides[1].port++;
	assert_false(redis_url_is_same_place(&u, &other));
	redis_url_deinit(&other);
	redis_url_deinit(&u);
	assert_int_equal(
		redis_url_cluster(&u, (const char *const[]){ "a", "b/1" }, 2, "p", &which, err, sizeof err), -1);
	assert_int_equal(which, 1);
	assert_null(u.guides);
	assert_int_equal(
		redis_url_cluster(&u, (const char *const[]){ ":x@a", "b" }, 2, "p", &which, err, sizeof err), -1);
	assert_int_equal(which, 0);
}

/* Answers */

static struct redis_topology t;
static const char *why;

/* Takes an answer as it comes; asked at the host "asked". Returns how many slots have a known owner. */
static unsigned
take(const char *wire, size_t max)
{
	struct redis_reader *r = redis_reader_new(1000);
	struct redis_event event;
	unsigned n = 0;

	assert_non_null(r);
	redis_reader_expect_values(r, max);
	redis_reader_feed(r, eio_cstr(wire));
	assert_int_equal(redis_reader_next(r, &event), REDIS_READ_REPLY);
	why = redis_topology_read(&t, event.values, "asked");
	assert_int_equal(redis_reader_next(r, &event), REDIS_READ_NONE);
	redis_reader_free(r);
	for (unsigned i = 0; i < REDIS_SLOTS; i++) n += redis_topology_owner(&t, i) != NULL;
	if (why) assert_int_equal(n, 0);
	return n;
}

static int
set_up(void **state)
{
	(void)state;
	return redis_topology_init(&t);
}

static int
tear_down(void **state)
{
	(void)state;
	redis_topology_deinit(&t);
	return 0;
}

static void
is_at(unsigned slot, const char *host, unsigned port)
{
	const struct redis_node *node = redis_topology_owner(&t, slot);

	assert_non_null(node);
	assert_string_equal(node->host, host);
	assert_int_equal(node->port, port);
}

#define A "*2\r\n$9\r\n127.0.0.1\r\n:7000\r\n" /* of Redis 3 */
#define B "*3\r\n$9\r\n127.0.0.1\r\n:7001\r\n$2\r\nid\r\n" /* of 4 to 6 */
#define C "*4\r\n$9\r\n127.0.0.1\r\n:7002\r\n$2\r\nid\r\n*0\r\n" /* of 7 */

static void
ranges_are_read(void **state)
{
	(void)state;
	assert_int_equal(
		take("*3\r\n*3\r\n:0\r\n:0\r\n" A "*4\r\n:5\r\n:9\r\n" B A "*5\r\n:16380\r\n:16383\r\n" C A B, 4000),
		10);
	assert_null(why);
	is_at(0, "127.0.0.1", 7000);
	is_at(5, "127.0.0.1", 7001);
	is_at(9, "127.0.0.1", 7001);
	is_at(16383, "127.0.0.1", 7002);
	assert_null(redis_topology_owner(&t, 10));
	assert_int_equal(t.n, 3);
	/* What was known before is gone. */
	assert_int_equal(take("*1\r\n*3\r\n:1\r\n:1\r\n" C, 4000), 1);
	assert_null(redis_topology_owner(&t, 0));
	assert_int_equal(t.n, 1);
}

/* A node that does not know its own address; one that is to be called by a name, and has one or not; IPv6. */
static void
hosts_are_found(void **state)
{
	(void)state;
	take("*1\r\n*3\r\n:1\r\n:1\r\n*3\r\n$0\r\n\r\n:7000\r\n$2\r\nid\r\n", 4000);
	is_at(1, "asked", 7000);
	take("*1\r\n*3\r\n:1\r\n:1\r\n*4\r\n$-1\r\n:7000\r\n$2\r\nid\r\n*2\r\n$2\r\nip\r\n$7\r\n1.2.3.4\r\n", 4000);
	is_at(1, "asked", 7000);
	take("*1\r\n*3\r\n:1\r\n:1\r\n*4\r\n$1\r\nh\r\n:7000\r\n$2\r\nid\r\n*2\r\n$2\r\nip\r\n$7\r\n1.2.3.4\r\n", 4000);
	is_at(1, "h", 7000);
	take("*1\r\n*3\r\n:1\r\n:1\r\n*4\r\n$1\r\n?\r\n:7000\r\n$2\r\nid\r\n"
	     "*4\r\n$1\r\nx\r\n*1\r\n:1\r\n$2\r\nip\r\n$7\r\n1.2.3.4\r\n",
		4000);
	is_at(1, "1.2.3.4", 7000);
	take("*1\r\n*3\r\n:1\r\n:1\r\n*3\r\n$11\r\n2001:db8::1\r\n:7000\r\n$2\r\nid\r\n", 4000);
	is_at(1, "2001:db8::1", 7000);
}

/* A master that cannot be reached has slots that nobody has, and is no mistake; no slots at all are one. */
static void
unknown_owners(void **state)
{
	(void)state;
	assert_int_equal(
		take("*2\r\n*3\r\n:1\r\n:1\r\n*4\r\n$1\r\n?\r\n:7000\r\n$2\r\nid\r\n*0\r\n*3\r\n:2\r\n:2\r\n" A, 4000),
		1);
	assert_null(why);
	assert_int_equal(take("*2\r\n*3\r\n:1\r\n:1\r\n*2\r\n$1\r\nh\r\n:0\r\n*3\r\n:2\r\n:2\r\n" A, 4000), 1);
	assert_int_equal(take("*1\r\n*3\r\n:1\r\n:1\r\n*2\r\n$1\r\n?\r\n:7000\r\n", 4000), 0);
	assert_string_equal(why, "it knows of no slots: it is in no Cluster that works");
	assert_int_equal(take("*0\r\n", 4000), 0);
	assert_string_equal(why, "it knows of no slots: it is in no Cluster that works");
}

static void
what_is_no_answer(void **state)
{
	static const char *const wrong[] = {
		"+OK\r\n",
		":1\r\n",
		"$-1\r\n",
		"*1\r\n:1\r\n",
		"*1\r\n*2\r\n:1\r\n:1\r\n",
		"*1\r\n*3\r\n:1\r\n:1\r\n:1\r\n",
		"*1\r\n*3\r\n:2\r\n:1\r\n" A,
		"*1\r\n*3\r\n:0\r\n:16384\r\n" A,
		"*1\r\n*3\r\n$1\r\n0\r\n:1\r\n" A,
		"*1\r\n*3\r\n:0\r\n:1\r\n*1\r\n$1\r\nh\r\n",
		"*1\r\n*3\r\n:0\r\n:1\r\n*2\r\n$1\r\nh\r\n$1\r\n1\r\n",
		"*1\r\n*3\r\n:0\r\n:1\r\n*2\r\n:1\r\n:1\r\n",
		"*1\r\n*3\r\n:0\r\n:1\r\n*4\r\n$1\r\nh\r\n:1\r\n$1\r\ni\r\n:1\r\n",
		"*1\r\n*3\r\n:0\r\n:1\r\n*4\r\n$1\r\n?\r\n:1\r\n$1\r\ni\r\n*2\r\n:1\r\n:1\r\n",
		"*2\r\n*3\r\n:0\r\n:16383\r\n" A "*3\r\n:0\r\n:0\r\n" A,
	};

	(void)state;
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
		if (take(wrong[i], 4000) || !why) fail_msg("taken: %s", wrong[i]);
	take("*1\r\n*3\r\n:0\r\n:1\r\n" A, 20);
	assert_string_equal(why, "what it says of slots is too long");
}

/* A slot that has moved is where it is said to be, until it is read again. */
static void
slots_move(void **state)
{
	struct redis_topology other;

	(void)state;
	assert_int_equal(redis_topology_init(&other), 0);
	assert_true(redis_topology_is_same(&t, &other));
	take("*1\r\n*3\r\n:1\r\n:3\r\n" A, 4000);
	assert_false(redis_topology_is_same(&t, &other));
	for (unsigned i = 1; i < 4; i++)
		assert_int_equal(redis_topology_move(&other, i, EIO_LIT("127.0.0.1"), 7000), 0);
	assert_true(redis_topology_is_same(&t, &other));
	assert_int_equal(redis_topology_move(&t, 2, EIO_LIT("127.0.0.1"), 7001), 0);
	is_at(2, "127.0.0.1", 7001);
	is_at(3, "127.0.0.1", 7000);
	assert_false(redis_topology_is_same(&t, &other));
	for (unsigned i = 0; i < REDIS_TOPOLOGY_NODES + 10u; i++) {
		int taken = redis_topology_move(&other, 2, EIO_LIT("h"), i + 1);

		assert_int_equal(taken, i < REDIS_TOPOLOGY_NODES - 1u ? 0 : -1);
	}
	redis_topology_deinit(&other);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_have_slots),
		cmocka_unit_test(errors_say_where),
		cmocka_unit_test(nodes_are_like_the_first),
		cmocka_unit_test_setup_teardown(ranges_are_read, set_up, tear_down),
		cmocka_unit_test_setup_teardown(hosts_are_found, set_up, tear_down),
		cmocka_unit_test_setup_teardown(unknown_owners, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_is_no_answer, set_up, tear_down),
		cmocka_unit_test_setup_teardown(slots_move, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

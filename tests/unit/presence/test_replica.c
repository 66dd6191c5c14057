/* SPDX-License-Identifier: MIT */
/* What a node knows of another: what is read, byte for byte, and a stream of changes that loses some, comes late behind
 * a state, or twice. In the end everybody knows the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "src/presence/replica.h"
#include "src/presence/wire.h"
#include "tests/unit/dice.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const uint64_t hash_key[2] = { 1, 2 };
static char nsp[] = "/", pattern[] = "*";
static char *patterns[] = { pattern };
static struct presence_spec spec = {
	.where = { .nsp = nsp, .rooms = patterns, .n_rooms = 1 }, .shared = true, .max_members = 100
};
static struct presence_count_spec count_spec = { .where = { .nsp = nsp }, .shared = true, .interval_ms = 10 };
static struct presence_specs specs = { .n = 1, .v = &spec, .n_counts = 1, .counts = &count_spec };
static struct presence_core core;
static struct presence_counts counts;
static struct presence_replica replica;

static int
setup(void **state)
{
	(void)state;
	replica = (struct presence_replica){
		.core = &core, .counts = &counts, .specs = &specs, .expiry_ms = 1000, .own = "me"
	};
	presence_replica_init(&replica);
	return presence_core_init(&core, &specs, 1, hash_key) || presence_counts_init(&counts, hash_key);
}

/* All events until now, thrown away. */
static size_t
drain(uint64_t now_ms)
{
	struct presence_count_event count;
	struct presence_event ev;
	size_t n = 0;

	while (presence_next(&core, now_ms, &ev)) n++;
	while (presence_count_next(&counts, now_ms, &count)) n++;
	return n;
}

static int
teardown(void **state)
{
	(void)state;
	presence_replica_deinit(&replica);
	drain(1000000);
	assert_int_equal(core.rooms.count, 0);
	assert_int_equal(counts.targets.count, 0);
	presence_core_deinit(&core);
	presence_counts_deinit(&counts);
	return 0;
}

static bool
message(const char *text)
{
	return presence_replica_message(&replica, eio_cstr(text));
}

/* The one that is asked for must be "a"; this is its state, '|' for the separator. */
static void
answer(const char *text)
{
	struct presence_other *o = presence_replica_next_asked(&replica);
	char *copy = strdup(text);

	assert_non_null(o);
	assert_string_equal(o->id, "a");
	for (char *p = copy; *p; p++)
		if (*p == '|') *p = PRESENCE_SEPARATOR;
	presence_replica_state(&replica, EIO_LIT("a"), eio_cstr(copy));
	free(copy);
}

static void
test_wire(void **state)
{
	static const char *const none[] = { "", "{}", "[]", "[\"a\"]", "[1,2]", "[\"\",1]", "[\"a\",-1]", "[\"a\",1.5]",
		"[\"a\",1,\"what\"]", "[\"a\",1,{}]", "[\"a\",1,[]", "[\"a\",1234567890123456789]" };
	static const char *const bad[] = { "1", "[]", "[\"+\"]", "[\"+\",\"/\"]", "[\"+\",\"/\",1,1,1]",
		"[\"+\",\"/\",\"r\",1]", "[\"+\",\"/\",\"r\",{},1]", "[\"-\",\"/\",\"r\"]", "[\"-\",\"/\",\"r\",[]]",
		"[\"#\",\"/\",\"r\",\"1\"]", "[\"?\",\"/\",\"r\",1]" };
	struct eio_buf scratch = { 0 }, text = { 0 }, value = { 0 };
	struct presence_change c, back;
	struct presence_message m;

	(void)state;
	for (size_t i = 0; i < sizeof none / sizeof none[0]; i++)
		assert_false(presence_message_read(eio_cstr(none[i]), &m));
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_false(presence_change_read(eio_cstr(bad[i]), &scratch, &c));
	c = (struct presence_change){ '+', sio_room_named(EIO_LIT("/a\"b"), EIO_LIT("r\n\0\xc3\xa9")), EIO_LIT("x\"y"),
		EIO_LIT("\"x\\u0022y\""), EIO_LIT("{\"a\": [1]}"), 0 };
	presence_change_write(&text, &c);
	assert_true(presence_change_read(eio_buf_bytes(&text), &scratch, &back));
	assert_true(back.kind == '+' && sio_room_key_eq(back.key, c.key) && eio_bytes_eq(back.identity, c.identity));
	assert_true(eio_bytes_eq(back.member, c.member) && eio_bytes_eq(back.info, c.info));
	eio_buf_clear(&text);
	presence_field_write(&text, &c);
	presence_value_write(&value, &c);
	assert_true(presence_field_read(eio_buf_bytes(&text), eio_buf_bytes(&value), &scratch, &back));
	assert_true(sio_room_key_eq(back.key, c.key) && eio_bytes_eq(back.identity, c.identity));
	eio_buf_clear(&text);
	c.kind = '-';
	presence_change_write(&text, &c);
	assert_true(presence_change_read(eio_buf_bytes(&text), &scratch, &back));
	assert_true(back.kind == '-' && eio_bytes_eq(back.identity, c.identity));
	assert_true(presence_field_read(EIO_LIT("[\"/\",null]"), EIO_LIT("17"), &scratch, &back));
	assert_true(back.kind == '#' && back.key.everyone && back.n == 17);
	assert_false(presence_field_read(EIO_LIT("seq"), EIO_LIT("17"), &scratch, &back));
	eio_buf_deinit(&scratch);
	eio_buf_deinit(&text);
	eio_buf_deinit(&value);
}

static void
test_order(void **state)
{
	(void)state;
	assert_false(message("[\"me\",1,\"hello\"]"));
	assert_int_equal(replica.n_nodes, 0);
	assert_true(message("[\"a\",4,\"hello\"]"));
	/* What comes while it is read counts when it is newer. */
	assert_non_null(presence_replica_next_asked(&replica));
	assert_null(presence_replica_next_asked(&replica));
	message("[\"a\",5,[[\"+\",\"/\",\"r\",1,\"old\"]]]");
	message("[\"a\",6,[[\"+\",\"/\",\"r\",2,\"two\"],[\"#\",\"/\",null,7]]]");
	presence_replica_state(&replica, EIO_LIT("a"), EIO_LIT("seq\0365\036[\"/\",\"r\",\"1\"]\036[1,\"one\"]"));
	drain(10);
	assert_int_equal(core.n_members, 2);
	message("[\"a\",6,[[\"-\",\"/\",\"r\",2]]]"); /* once more: nothing */
	message("[\"a\",7,[[\"-\",\"/\",\"r\",1],[\"+\",\"/other\",\"r\",1,1]]]");
	drain(20);
	assert_int_equal(core.n_members, 1);
	/* One is missing: the whole is read, and the one who is in it stays. */
	message("[\"a\",9,[[\"+\",\"/\",\"r\",4,4]]]");
	answer("[\"/\",\"r\",\"2\"]|[2,\"two\"]|seq|9|[\"/\",\"r\",\"4\"]|[4,4]");
	assert_int_equal(drain(30), 1);
	assert_int_equal(core.n_members, 2);
	/* The number alone tells of what was missed. */
	message("[\"a\",9]");
	assert_null(presence_replica_next_asked(&replica));
	message("[\"a\",10]");
	answer("seq|10");
	drain(40);
	assert_int_equal(core.n_members, 0);
	message("[\"a\",10,\"bye\"]");
	assert_int_equal(replica.n_nodes, 0);
}

static void
test_gone(void **state)
{
	(void)state;
	presence_replica_ready(&replica, 100);
	message("[\"a\",1]");
	answer("seq|1|[\"/\",\"r\",\"1\"]|[1,1]");
	drain(100);
	presence_replica_seq(&replica, EIO_LIT("a"), EIO_LIT("1"), 500);
	assert_null(presence_replica_next_asked(&replica));
	/* It is not there, but we are not here for long. */
	presence_replica_seq(&replica, EIO_LIT("a"), EIO_LIT(""), 1099);
	presence_replica_ready(&replica, 1500);
	answer("");
	presence_replica_seq(&replica, EIO_LIT("a"), EIO_LIT(""), 2499);
	drain(2499);
	assert_int_equal(core.n_members, 1);
	/* It comes back, and goes. */
	message("[\"a\",2,\"all\"]");
	answer("seq|2|[\"/\",\"r\",\"1\"]|[1,1]");
	assert_int_equal(drain(2500), 0);
	presence_replica_seq(&replica, EIO_LIT("a"), EIO_LIT("3"), 2600);
	answer("seq|3|[\"/\",\"r\",\"1\"]|[1,1]");
	assert_int_equal(drain(2600), 0);
	presence_replica_seq(&replica, EIO_LIT("a"), EIO_LIT(""), 2700);
	drain(2700);
	assert_int_equal(core.n_members, 0);
	assert_int_equal(replica.n_nodes, 0);
	presence_replica_state(&replica, EIO_LIT("a"), EIO_LIT("seq\0361"));
	assert_int_equal(replica.n_nodes, 0);
}

/* A node that changes, a channel that loses messages now and then, states that are read late. */

enum { MEMBERS = 10, ROUNDS = 20000, QUEUE = 64 };

static bool has[MEMBERS];
static uint64_t seq;
static char channel[QUEUE][64], read_state[600];
static size_t channel_n, channel_at;
static bool state_comes;

static void
write_message(const char *rest)
{
	char *to = channel[channel_n++ % QUEUE];

	snprintf(to, sizeof channel[0], "[\"a\",%u%s]", (unsigned)seq, rest);
}

static void
change_something(void)
{
	unsigned m = dice(MEMBERS);
	char rest[48];

	has[m] = !has[m];
	seq++;
	snprintf(rest, sizeof rest, ",[[\"%s\",\"/\",\"r\",%u%s]]", has[m] ? "+" : "-", m, has[m] ? ",0" : "");
	write_message(rest);
}

static void
take_a_message(void)
{
	if (channel_at == channel_n) return;
	if (dice(10)) message(channel[channel_at % QUEUE]);
	channel_at++;
}

static void
ask_or_answer(void)
{
	int n;

	if (state_comes) {
		presence_replica_state(&replica, EIO_LIT("a"), eio_cstr(read_state));
		state_comes = false;
	} else if (presence_replica_next_asked(&replica)) {
		n = snprintf(read_state, sizeof read_state, "seq\036%u", (unsigned)seq);
		for (unsigned m = 0; m < MEMBERS; m++)
			if (has[m])
				n += snprintf(read_state + n, sizeof read_state - (size_t)n,
					"\036[\"/\",\"r\",\"%u\"]\036[%u,0]", m, m);
		state_comes = true;
	}
}

static void
test_random(void **state)
{
	(void)state;
	dice_state = 3;
	seq = 1;
	write_message("");
	for (unsigned i = 1; i <= ROUNDS; i++) {
		switch (dice(4)) {
		case 0:
			if (channel_n - channel_at < QUEUE - 2) change_something();
			break;
		case 1: ask_or_answer(); break;
		default: take_a_message();
		}
		drain(i);
		if (i % 100) continue;
		/* It is quiet: what has come, and the number, is enough. */
		while (channel_at < channel_n) take_a_message();
		if (state_comes) ask_or_answer();
		write_message("");
		message(channel[channel_at++ % QUEUE]);
		ask_or_answer();
		if (state_comes) ask_or_answer();
		drain(i);
		for (unsigned m = 0, n = 0; m < MEMBERS; m++) {
			n += has[m];
			if (m == MEMBERS - 1) assert_int_equal(core.n_members, n);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_wire, setup, teardown),
		cmocka_unit_test_setup_teardown(test_order, setup, teardown),
		cmocka_unit_test_setup_teardown(test_gone, setup, teardown),
		cmocka_unit_test_setup_teardown(test_random, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

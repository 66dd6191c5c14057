/* SPDX-License-Identifier: MIT */
/*
 * What is written down of a feed: it comes back as it was, or, when it is damaged or memory is out, nothing of it does.
 * That clients have what they are told they have is in test_feed_recovery.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "src/feed/snapshots_int.h"
#include "tests/unit/dice.h"
#include "tests/unit/failmalloc.h"
#include "tests/unit/feed_alone.h"

#include <stdio.h>

enum { RUNS = 200, MUTATIONS = 3000 };

static struct eio_bytes
word(char out[8], const char *kind, unsigned n)
{
	return eio_bytes(out, (size_t)snprintf(out, 8, "%s%u", kind, n));
}

/* A feed with something of everything */

static void
add_session(struct feed_alone *a)
{
	unsigned n = 1 + dice(4);
	struct feed_session *s = feed_session_new(n);
	unsigned char random[SIO_ID_RANDOM];
	char name[8];

	for (size_t i = 0; i < sizeof random; i++) random[i] = (unsigned char)dice(256);
	feed_pid_write(s->pid, dice(2), random);
	memcpy(s->id, random, sizeof s->id);
	s->who = dice(3);
	s->since = (struct feed_since){ dice(10), dice(10), dice(64) };
	s->before = (struct feed_since){ dice(10), dice(10), dice(64) };
	s->returned = dice(2);
	s->last = (struct feed_offset){ dice(10), dice(3) };
	assert_true(feed_session_add(s, a->options.interest, sio_room_everyone(EIO_LIT("/")), dice(5)));
	for (unsigned i = 1; i < n; i++) {
		struct sio_room_key key = sio_room_named(EIO_LIT("/"), word(name, "room", dice(6)));

		assert_true(feed_session_add(s, a->options.interest, key, dice(5)));
	}
	ledger_add(a->out.ledger, s, ALONE_NOW_MS - dice(50000));
}

static struct eio_bundle *
some_bundle(unsigned n)
{
	char text[8];
	struct eio_message m[2] = { { .data = word(text, "e", n), .json = dice(2) },
		{ .binary = true, .data = EIO_LIT("\0bytes") } };

	return eio_bundle_new(m, 1 + dice(2));
}

static void
add_broadcast(struct feed_alone *a, uint64_t now_ms)
{
	struct interest *rooms[3];
	struct eio_bytes except = EIO_LIT("not");
	struct audience to = { .nsp = EIO_LIT("/"), .except = &except, .n_except = 1 };
	struct history_broadcast b = { .rooms = rooms, .n_rooms = 1 + dice(3), .workers = dice(4), .now_ms = now_ms };
	unsigned feed = dice(ALONE_FEEDS + 1);
	char name[8];

	for (size_t i = 0; i < b.n_rooms; i++)
		rooms[i] = interest_get(a->options.interest,
			sio_room_named(EIO_LIT("/"), word(name, "room", (unsigned)(2 * i + dice(2)))));
	b.serial = ledger_next(a->out.ledger);
	b.bundle = some_bundle((unsigned)b.serial);
	b.audience = dice(3) ? NULL : audience_new(&to);
	b.messages = dice(5);
	ledger_remember(a->out.ledger, feed < ALONE_FEEDS ? feed : SIZE_MAX, &b);
	for (size_t i = 0; i < b.n_rooms; i++) interest_unref(rooms[i]);
	audience_unref(b.audience);
	eio_bundle_unref(b.bundle);
}

static void
add_retained(struct feed_alone *a, unsigned feed, uint64_t now_ms)
{
	char name[8], key_text[8];
	struct eio_bytes rooms[2] = { EIO_LIT("a"), EIO_LIT("b") };
	struct audience wide = { .nsp = EIO_LIT("/"), .rooms = rooms, .n_rooms = 2, .except = rooms, .n_except = 1 };
	struct feed_state_key key = { .event = EIO_LIT("e"),
		.target = sio_room_named(EIO_LIT("/"), word(name, "s", dice(4))),
		.wide = dice(4) == 0,
		.recovers = true };
	struct feed_at_work *f = a->router.feeds[feed];
	struct feed_state *s;

	if (key.wide) key.audience = audience_new(&wide);
	key.hash = feed_streams_hash(&f->streams, key.event, key.target, key.wide);
	s = feed_keeper_state(&f->keeper, &key);
	assert_non_null(s);
	retained_put(&s->retained, feed ? eio_bytes(NULL, 0) : word(key_text, "k", dice(8)),
		word(name, "m", dice(1000)), now_ms);
	retained_rest(&s->retained);
	audience_unref(key.audience);
}

static void
add_places(struct feed_alone *a)
{
	bool failed;

	if (dice(2))
		assert_true(feed_intakes_place(
			&a->intakes, EIO_LIT("redis:1"), true, EIO_LIT("s"), EIO_LIT("1-1 5"), &failed));
	if (dice(2))
		assert_true(feed_intakes_place(
			&a->intakes, EIO_LIT("redis:1"), false, EIO_LIT(""), EIO_LIT("x 7"), &failed));
}

static void
fill(struct feed_alone *a, unsigned seed)
{
	static const unsigned feed[] = { 1 };
	unsigned n;

	dice_state = seed;
	feed_alone_open(a, true);
	add_places(a);
	for (n = dice(20); n > 0; n--) add_session(a);
	for (n = dice(40); n > 0; n--) add_broadcast(a, ALONE_NOW_MS - 1000 * n);
	for (n = dice(30); n > 0; n--) add_retained(a, dice(2), ALONE_NOW_MS - 1000 * n);
	if (dice(2)) ledger_note_gap(a->out.ledger, feed, 1);
}

/* Tests */

/* The head has the time, and what is lost a number of its own: these are the same when all goes on where it was. */
static void
as_it_was(void **state)
{
	struct feed_tally first, read, second;

	(void)state;
	for (unsigned run = 0; run < RUNS; run++) {
		struct eio_buf a = { 0 }, b = { 0 };
		struct feed_alone from, to;
		bool failed;

		fill(&from, run);
		if (!from.intakes.unsettled || from.intakes.unsettled == 1) {
			feed_intakes_forget_places(&from.intakes);
			feed_intakes_place(
				&from.intakes, EIO_LIT("redis:1"), true, EIO_LIT("s"), EIO_LIT("1-1 5"), &failed);
			feed_intakes_place(
				&from.intakes, EIO_LIT("redis:1"), false, EIO_LIT(""), EIO_LIT("x 7"), &failed);
		}
		assert_true(feed_alone_save(&from, &a, &first));
		feed_alone_close(&from);
		feed_alone_open(&to, true);
		assert_int_equal(archive_check(eio_buf_bytes(&a)), ARCHIVE_GOOD);
		assert_null(feed_alone_restore(&to, archive_open(eio_buf_bytes(&a)), &read));
		assert_memory_equal(&first, &read, sizeof first);
		assert_int_equal(to.intakes.unsettled, 2);
		assert_true(feed_alone_save(&to, &b, &second));
		assert_memory_equal(&first, &second, sizeof first);
		assert_int_equal(a.n, b.n);
		assert_memory_equal(a.p, b.p, a.n);
		feed_alone_close(&to);
		eio_buf_deinit(&a);
		eio_buf_deinit(&b);
	}
}

/* Without a place where a source goes on, its feeds have a gap, and only they. */
static void
what_is_lost(void **state)
{
	struct eio_buf a = { 0 };
	struct feed_alone from, to;
	struct feed_tally tally;
	struct ledger *k;
	bool failed;

	(void)state;
	feed_alone_open(&from, true);
	for (unsigned i = 0; i < 5; i++) ledger_next(from.out.ledger);
	assert_true(
		feed_intakes_place(&from.intakes, EIO_LIT("redis:1"), true, EIO_LIT("s"), EIO_LIT("1-1 5"), &failed));
	assert_true(feed_alone_save(&from, &a, &tally));
	feed_alone_close(&from);
	feed_alone_open(&to, true);
	assert_null(feed_alone_restore(&to, archive_open(eio_buf_bytes(&a)), &tally));
	k = to.out.ledger;
	assert_int_equal(ledger_serial(k), 6);
	assert_int_equal(k->gaps[0], 6);
	assert_int_equal(k->gaps[1], 6);
	assert_int_equal(k->gaps[2], 0);
	assert_int_equal(k->gaps[3], 6);
	assert_true(ledger_has_gap(k, to.options.specs, sio_room_everyone(EIO_LIT("/")), 5));
	assert_false(ledger_has_gap(k, to.options.specs, sio_room_everyone(EIO_LIT("/")), 6));
	assert_false(ledger_has_gap(k, to.options.specs, sio_room_everyone(EIO_LIT("/other")), 5));
	/* One that never says where it goes on is lost as well. */
	feed_intakes_give_up(&to.intakes);
	assert_int_equal(k->gaps[2], 7);
	feed_alone_close(&to);
	eio_buf_deinit(&a);
}

/* What is too old goes, as does what is of a feed that is another one now, or of recovery that is off. */
static void
what_is_over(void **state)
{
	struct feed_tally tally;

	(void)state;
	for (unsigned run = 0; run < 20; run++) {
		struct eio_buf a = { 0 };
		struct feed_alone from, to;

		fill(&from, run);
		assert_true(feed_alone_save(&from, &a, &tally));
		feed_alone_close(&from);
		feed_alone_open(&to, run % 2);
		to.later_ms = 60000;
		to.options.specs->v[0].print = 99;
		assert_null(feed_alone_restore(&to, archive_open(eio_buf_bytes(&a)), &tally));
		assert_int_equal(tally.sessions, 0);
		assert_int_equal(tally.broadcasts, 0);
		assert_int_equal(to.router.feeds[0]->keeper.retain.n, 0);
		assert_int_equal(to.router.feeds[1]->keeper.retain.n, 0);
		feed_alone_close(&to);
		eio_buf_deinit(&a);
	}
}

/* Any bytes in the place of others: nothing bad happens, and what is refused leaves nothing. */
static void
any_bytes(void **state)
{
	struct eio_buf a = { 0 };
	struct feed_alone from, to;
	struct feed_tally tally;
	unsigned refused = 0;

	(void)state;
	fill(&from, 7);
	assert_true(feed_alone_save(&from, &a, &tally));
	feed_alone_close(&from);
	for (unsigned i = 0; i < MUTATIONS; i++) {
		/* The blocks' heads are 28 and 16 bytes. */
		size_t n = a.n - 28 - 16 - 16;
		char *copy = malloc(n);

		memcpy(copy, a.p + 28 + 16, n);
		for (unsigned k = 1 + dice(3); k > 0; k--) copy[dice((unsigned)n)] = (char)dice(256);
		if (dice(4) == 0) n = dice((unsigned)n);
		feed_alone_open(&to, dice(4) > 0);
		if (feed_alone_restore(&to, archive_open_block(eio_bytes(copy, n)), &tally)) {
			refused++;
			for (unsigned k = 0; k < 2; k++) assert_int_equal(to.router.feeds[k]->keeper.retain.n, 0);
			if (to.out.ledger) assert_int_equal(to.out.ledger->kept.by_pid.count, 0);
			assert_int_equal(interest_count(to.options.interest), 0);
		}
		feed_alone_close(&to);
		free(copy);
	}
	assert_true(refused > MUTATIONS / 10 && refused < MUTATIONS);
	eio_buf_deinit(&a);
}

static void
no_memory(void **state)
{
	struct eio_buf a = { 0 };
	struct feed_alone from, to;
	struct feed_tally tally;
	const char *why = "";

	(void)state;
	fill(&from, 3);
	for (long n = 0; why; n++) {
		eio_buf_deinit(&a);
		failmalloc_arm(n);
		why = feed_alone_save(&from, &a, &tally) ? NULL : "";
		assert_int_equal(failmalloc_disarm(), why != NULL);
	}
	feed_alone_close(&from);
	why = "";
	for (long n = 0; why; n++) {
		feed_alone_open(&to, true);
		failmalloc_arm(n);
		why = feed_alone_restore(&to, archive_open(eio_buf_bytes(&a)), &tally);
		/* What is forgotten, because there is no memory to remember it, is known to be. */
		if (failmalloc_disarm() && !why) why = "";
		if (why && *why) assert_string_equal(why, "out of memory");
		if (why && *why) assert_int_equal(interest_count(to.options.interest), 0);
		feed_alone_close(&to);
		assert_true(why || n > 50);
	}
	eio_buf_deinit(&a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(as_it_was),
		cmocka_unit_test(what_is_lost),
		cmocka_unit_test(what_is_over),
		cmocka_unit_test(any_bytes),
		cmocka_unit_test(no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

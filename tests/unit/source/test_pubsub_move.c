/* SPDX-License-Identifier: MIT */
/*
 * From one server to the other, where the test is both: it says what comes on which connection, and in which order.
 * What is published is sent to nobody by itself.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "src/base/log.h"
#include "src/source/crossing.h"
#include "src/source/move_end.h"
#include "src/source/pubsub.h"
#include "tests/unit/failmalloc.h"
#include "tests/unit/redis/peers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	HELD_HEAD = 5 * sizeof(size_t) + 2, /* of a message of channel "a" */
	ROOM = 500,
	SHORT = 100, /* the longest message that is taken, in some */
};

static uv_loop_t loop;
static uv_timer_t watchdog;
static struct peer one, two;
static char one_published, two_published; /* the number of the marker that came last there */
static struct redis_url url; /* where the source is, or goes */
static struct metrics_set counters;
static struct metrics *metrics;
static struct source *source;
static char marker[64]; /* the channel */
static char seen[256]; /* messages that were taken; long ones by their length */
static size_t message_bytes;
static bool ready, rests, switched;
static bool lost; /* as was told with `switched` */
static bool refuses; /* the channel of the markers */
static char breaks; /* a connection, at this marker, or '?', at a question, which is not taken; '\0': none does */
static bool publishes; /* somebody still does at the old one */
static const char *moved; /* how, and why */
static char moved_text[128];

/* Servers */

static void
on_peer_watchdog(uv_timer_t *t)
{
	(void)t;
	fail_msg("nothing happened for twenty seconds; seen: %s", seen);
}

static void
say_text(struct peer *p, const char *payload)
{
	peer_say_message(p, "a", eio_cstr(payload));
}

static void
say_marker(struct peer *p, char number)
{
	peer_say_message(p, marker, eio_bytes(&number, 1));
}

/* One of n bytes. */
static void
say_long(struct peer *p, size_t n)
{
	char *payload = malloc(n);

	assert_non_null(payload);
	memset(payload, 'x', n);
	peer_say_message(p, "a", eio_bytes(payload, n));
	free(payload);
}

static bool
answer_words(struct peer_link *l, const struct eio_bytes *words, size_t n, struct eio_buf *out)
{
	if (n == 2 && eio_bytes_starts(words[1], EIO_LIT("siocast:")))
		snprintf(marker, sizeof marker, "%.*s", (int)words[1].n, words[1].p);
	if (refuses && peer_word_is(words[0], "SUBSCRIBE") && peer_word_is(words[1], marker)) {
		EIO_BUF_ADD_LIT(out, "-NOPERM no\r\n");
		return true;
	}
	if (peer_answer_subscribe(l, words, n, out)) return true;
	if (breaks && breaks == (n == 3 ? *words[2].p : peer_word_is(words[0], "INFO") ? '?' : '\0')) {
		breaks = '\0';
		peer_hang_up(l);
		return true;
	}
	if (peer_word_is(words[0], "INFO")) {
		eio_buf_printf(out, "$54\r\nmaster_replid:%040d\r\n", l->of == &one ? 1 : 2);
	} else if (peer_word_is(words[0], "PUBLISH")) {
		*(l->of == &one ? &one_published : &two_published) = *words[2].p;
		EIO_BUF_ADD_LIT(out, ":1\r\n");
	} else {
		return false;
	}
	return true;
}

/* The source */

static void
on_moved_message(void *user, struct message *m)
{
	size_t at = strlen(seen);

	(void)user;
	if (m->payload.n < 10)
		snprintf(seen + at, sizeof seen - at, "%.*s;", (int)m->payload.n, m->payload.p);
	else
		snprintf(seen + at, sizeof seen - at, "%zu;", m->payload.n);
}

static void
on_moved_too_long(void *user, const struct message *m, uint64_t n)
{
	size_t at = strlen(seen);

	(void)user;
	(void)m;
	snprintf(seen + at, sizeof seen - at, "too long %d;", (int)n);
}

static void
on_moved_gap(void *user, const struct source_gap *gap)
{
	(void)user;
	(void)gap;
}

static void
on_moved_state(void *user, bool is_ready)
{
	(void)user;
	ready = is_ready;
}

static void
on_moved_answered(void *user, bool all)
{
	(void)user;
	(void)all;
}

static void
on_moved_refused(void *user, enum message_kind kind, struct eio_bytes name, bool refused)
{
	(void)user;
	fail_msg("%d %.*s %d", kind, (int)name.n, name.p, refused);
}

static void
on_rests(void *user)
{
	(void)user;
	assert_false(rests || switched); /* once */
	rests = true;
}

static bool
has_rested(void *user)
{
	(void)user;
	assert_true(rests);
	return !publishes;
}

static void
on_switched(void *user, bool is_lost)
{
	(void)user;
	lost = is_lost;
	assert_false(switched); /* once */
	switched = true;
}

static bool
has_switched(void *user)
{
	(void)user;
	return !publishes;
}

static void
on_moved(void *user, const struct source_moved *how)
{
	(void)user;
	assert_null(moved);
	snprintf(moved_text, sizeof moved_text, "%s%s%s", how->how, how->gap ? ": " : "", how->gap ? how->why : "");
	moved = moved_text;
}

static const struct source_events events = {
	.message = on_moved_message,
	.too_long = on_moved_too_long,
	.gap = on_moved_gap,
	.state = on_moved_state,
	.answered = on_moved_answered,
	.refused = on_moved_refused,
};

static const struct source_move_events move_events = {
	.rests = on_rests,
	.has_rested = has_rested,
	.switched = on_switched,
	.has_switched = has_switched,
	.moved = on_moved,
};

#define RUN_UNTIL_THAT(condition) PEER_UNTIL(&loop, condition)

static struct source_options
moving_options(void)
{
	static const char *const channels[] = { "a" };

	return (struct source_options){
		.loop = &loop,
		.url = &url,
		.metrics = metrics,
		.channels = channels,
		.n_channels = 1,
		.message_bytes = message_bytes,
		.events = &events,
		.user = &source,
	};
}

static void
go_to(const struct peer *p)
{
	char err[160];

	assert_int_equal(redis_url_parse(&url, p->url_text, err, sizeof err), 0);
}

/* One that begins to go over from the one server to the other. */
static void
open_move(size_t longest)
{
	struct source_options o;
	struct redis_url old;

	breaks = '\0';
	*seen = one_published = two_published = '\0';
	ready = rests = switched = publishes = refuses = lost = false;
	moved = NULL;
	message_bytes = longest;
	assert_int_equal(uv_loop_init(&loop), 0);
	uv_timer_init(&loop, &watchdog);
	uv_timer_start(&watchdog, on_peer_watchdog, 20000, 0);
	assert_int_equal(metrics_set_init(&counters), 0);
	metrics = metrics_new(&counters, &redis_metrics, "test");
	one.answer = two.answer = answer_words;
	peer_open(&one, &loop);
	peer_open(&two, &loop);
	go_to(&one);
	o = moving_options();
	source = source_pubsub.open(&o);
	RUN_UNTIL_THAT(ready);
	old = url;
	go_to(&two);
	source_pubsub.move(source, &o, &old, &move_events);
	redis_url_deinit(&old);
}

/* The same, which is connected to both, and has published the first marker. */
static void
begin_move(size_t longest)
{
	open_move(longest);
	RUN_UNTIL_THAT(two_published == '1');
}

static int
begin_nothing(void **state)
{
	(void)state;
	open_move(CROSSING_HELD_BYTES);
	return 0;
}

static int
begin_apart(void **state)
{
	(void)state;
	begin_move(CROSSING_HELD_BYTES);
	return 0;
}

/* They are the same, and it is at the cut: neither has it yet. */
static void
go_to_cut(size_t longest)
{
	begin_move(longest);
	say_text(&two, "not yet");
	say_marker(&one, '1');
	RUN_UNTIL_THAT(switched && two_published == '4');
	say_text(&one, "1");
	RUN_UNTIL_THAT(strcmp(seen, "1;") == 0);
}

static int
begin_cut(void **state)
{
	(void)state;
	go_to_cut(CROSSING_HELD_BYTES);
	return 0;
}

static int
begin_short_cut(void **state)
{
	(void)state;
	go_to_cut(SHORT);
	return 0;
}

static int
end_cut(void **state)
{
	(void)state;
	source_pubsub.close(source);
	peer_close(&one);
	peer_close(&two);
	uv_close((uv_handle_t *)&watchdog, NULL);
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&loop), 0);
	redis_url_deinit(&url);
	metrics_free(metrics);
	metrics_set_deinit(&counters);
	return 0;
}

/* Until all that was said has been taken. */
static void
let_it_read(struct peer *p)
{
	RUN_UNTIL_THAT(uv_stream_get_write_queue_size((uv_stream_t *)&peer_subscriber(p)->tcp) == 0);
	for (int i = 0; i < 100; i++) uv_run(&loop, UV_RUN_NOWAIT);
}

/* What is held is full but for ROOM bytes. */
static void
fill_held(struct peer *p)
{
	say_long(p, CROSSING_HELD_BYTES / 2 - HELD_HEAD);
	say_long(p, CROSSING_HELD_BYTES / 2 - HELD_HEAD - ROOM);
	let_it_read(p);
}

static void
the_old_one_has_it_first(void **state)
{
	(void)state;
	say_marker(&one, '4');
	say_text(&one, "2");
	say_text(&two, "1");
	let_it_read(&one);
	let_it_read(&two);
	assert_string_equal(seen, "1;");
	say_marker(&two, '4');
	say_text(&two, "2");
	RUN_UNTIL_THAT(moved);
	say_text(&two, "3");
	RUN_UNTIL_THAT(strlen(seen) == 6);
	assert_string_equal(seen, "1;2;3;");
	assert_string_equal(moved, "same");
}

static void
the_new_one_has_it_first(void **state)
{
	(void)state;
	say_marker(&two, '4');
	say_text(&two, "3");
	let_it_read(&two);
	say_text(&one, "2");
	say_marker(&one, '4');
	say_text(&one, "3");
	RUN_UNTIL_THAT(moved);
	let_it_read(&one);
	assert_string_equal(seen, "1;2;3;");
	assert_string_equal(moved, "same");
}

/* What the old one said behind the cut is not lost. */
static void
the_new_one_never_has_it(void **state)
{
	(void)state;
	say_marker(&one, '4');
	say_text(&one, "2");
	say_text(&one, "3");
	RUN_UNTIL_THAT(moved);
	assert_string_equal(seen, "1;2;3;");
	assert_string_equal(moved, "anew: a marker did not come");
}

static void
the_new_one_is_lost(void **state)
{
	(void)state;
	say_marker(&one, '4');
	say_text(&one, "2");
	let_it_read(&one);
	peer_hang_up(peer_subscriber(&two));
	RUN_UNTIL_THAT(moved);
	assert_string_equal(seen, "1;2;");
	assert_string_equal(moved, "anew: the connection to the new one was lost");
}

static void
the_old_one_is_lost(void **state)
{
	(void)state;
	say_marker(&one, '4');
	say_text(&one, "2");
	let_it_read(&one);
	peer_hang_up(peer_subscriber(&one));
	RUN_UNTIL_THAT(!ready);
	assert_string_equal(seen, "1;2;");
	RUN_UNTIL_THAT(moved);
	assert_string_equal(moved, "anew: the connection to the old one was lost");
}

static void
too_much_of_the_old_one(void **state)
{
	char expected[sizeof seen];

	(void)state;
	say_marker(&one, '4');
	fill_held(&one);
	assert_string_equal(seen, "1;");
	say_long(&one, ROOM);
	/* Both come in one turn. */
	say_marker(&two, '4');
	RUN_UNTIL_THAT(moved);
	snprintf(expected, sizeof expected, "1;%zu;%zu;%d;", (size_t)CROSSING_HELD_BYTES / 2 - HELD_HEAD,
		(size_t)CROSSING_HELD_BYTES / 2 - HELD_HEAD - ROOM, ROOM);
	assert_string_equal(seen, expected);
	assert_string_equal(moved, "anew: too much came meanwhile");
}

static void
too_much_of_the_new_one(void **state)
{
	(void)state;
	say_marker(&two, '4');
	fill_held(&two);
	say_long(&two, ROOM);
	/* Both come in one turn: the cut is not one any more. */
	say_marker(&one, '4');
	say_text(&one, "2");
	RUN_UNTIL_THAT(moved);
	assert_string_equal(seen, "1;2;");
	assert_string_equal(moved, "anew: too much came meanwhile");
}

static int
begin_broken(void **state)
{
	(void)state;
	open_move(CROSSING_HELD_BYTES);
	breaks = '?';
	return 0;
}

/* The connection breaks on which something is said, and it is said again on the next one. */
static void
who_publishes_is_lost(void **state)
{
	(void)state;
	RUN_UNTIL_THAT(!breaks);
	breaks = '1';
	RUN_UNTIL_THAT(two_published == '1');
	assert_int_equal(breaks, '\0');
	say_text(&one, "1");
	breaks = '4';
	say_marker(&one, '1');
	RUN_UNTIL_THAT(two_published == '4');
	assert_int_equal(breaks, '\0');
	/* As if the first one had been taken, too. */
	say_marker(&two, '4');
	say_text(&two, "2");
	say_marker(&two, '4');
	let_it_read(&two);
	say_marker(&one, '4');
	say_text(&one, "2");
	RUN_UNTIL_THAT(moved);
	say_text(&two, "3");
	RUN_UNTIL_THAT(strlen(seen) == 6);
	assert_string_equal(seen, "1;2;3;");
	assert_string_equal(moved, "same");
}

static void
who_publishes_at_the_old_one_is_lost(void **state)
{
	(void)state;
	RUN_UNTIL_THAT(!breaks);
	RUN_UNTIL_THAT(two_published == '1');
	breaks = '2';
	say_marker(&two, '1');
	RUN_UNTIL_THAT(one_published == '2');
	assert_int_equal(breaks, '\0');
	breaks = '3';
	say_marker(&one, '2');
	say_marker(&two, '2');
	say_marker(&two, '2');
	RUN_UNTIL_THAT(one_published == '3');
	assert_int_equal(breaks, '\0');
	say_marker(&one, '3');
	say_marker(&one, '3');
	say_marker(&two, '3');
	say_marker(&two, '3');
	RUN_UNTIL_THAT(moved);
	assert_string_equal(moved, "replica");
}

/* Each allocation of what is said: the connection breaks at once, and what is said on the next one is answered. */
static void
who_publishes_has_no_memory(void **state)
{
	struct move_end e = { 0 };
	bool failed = true, waits = false;
	long n = 0;

	(void)state;
	assert_true(move_end_open(&e, &loop, &url, metrics));
	for (; failed && !waits; n++) {
		RUN_UNTIL_THAT(move_end_is_ready(&e));
		two_published = '\0';
		failmalloc_arm(n);
		move_end_publish(&e, "markers", '7');
		failed = failmalloc_disarm();
		RUN_UNTIL_THAT(two_published == '7');
		peer_run_for(&loop, 50);
		waits = e.waits || e.unanswered;
	}
	move_end_close(&e);
	assert_false(waits);
	assert_true(n > 2);
}

/* The old one still answers who publishes there, so that is waited for. */
static void
markers_are_refused(void **state)
{
	(void)state;
	refuses = true;
	RUN_UNTIL_THAT(moved);
	assert_string_equal(moved, "anew: a channel for markers is refused");
	assert_false(lost);
	RUN_UNTIL_THAT(ready);
}

/* Not so here. */
static void
the_old_one_is_lost_at_once(void **state)
{
	(void)state;
	peer_hang_up(peer_subscriber(&one));
	RUN_UNTIL_THAT(moved);
	assert_string_equal(moved, "anew: the connection to the old one was lost");
	assert_true(lost);
	RUN_UNTIL_THAT(ready);
}

/* Whoever takes longer to know what both are to each other still hears what is published at the old one. */
static void
who_publishes_is_waited_for(void **state)
{
	(void)state;
	publishes = true;
	say_marker(&one, '1');
	RUN_UNTIL_THAT(switched);
	peer_run_for(&loop, 1500);
	say_text(&one, "1");
	RUN_UNTIL_THAT(*seen);
	assert_int_equal(two_published, '1');
	publishes = false;
	RUN_UNTIL_THAT(two_published == '4');
	say_marker(&one, '4');
	say_marker(&two, '4');
	say_text(&two, "2");
	RUN_UNTIL_THAT(moved && strcmp(seen, "1;2;") == 0);
	assert_string_equal(moved, "same");
}

/* What it has published at the old one comes to the replica, which it goes to, later: the cut is behind that. */
static void
who_publishes_rests_before_a_replica(void **state)
{
	(void)state;
	publishes = true;
	say_marker(&two, '1');
	RUN_UNTIL_THAT(one_published == '2');
	say_marker(&one, '2');
	say_marker(&two, '2');
	RUN_UNTIL_THAT(rests);
	say_text(&two, "not taken");
	peer_run_for(&loop, 500);
	assert_false(switched);
	assert_int_equal(one_published, '2');
	publishes = false;
	RUN_UNTIL_THAT(one_published == '3');
	say_text(&one, "1");
	say_marker(&one, '3');
	RUN_UNTIL_THAT(*seen);
	assert_false(switched);
	say_text(&two, "1");
	say_marker(&two, '3');
	say_text(&two, "2");
	RUN_UNTIL_THAT(moved && strcmp(seen, "1;2;") == 0);
	assert_true(switched);
	assert_string_equal(moved, "replica");
}

/* Each marker has come home, and nowhere else. */
static void
go_apart(void)
{
	say_text(&two, "3");
	say_marker(&two, '1');
	RUN_UNTIL_THAT(one_published == '2');
	say_marker(&one, '2');
	RUN_UNTIL_THAT(switched);
}

/* What was published at the old one before all went over may be on its way when they have. */
static void
the_old_one_to_its_end(void **state)
{
	(void)state;
	go_apart();
	RUN_UNTIL_THAT(one_published == '5');
	say_text(&two, "4");
	say_text(&one, "1");
	say_text(&one, "2");
	let_it_read(&one);
	assert_string_equal(seen, "1;2;");
	say_marker(&one, '5');
	say_text(&one, "nobody's");
	RUN_UNTIL_THAT(moved);
	say_text(&two, "5");
	RUN_UNTIL_THAT(strlen(seen) == 10);
	assert_string_equal(seen, "1;2;3;4;5;");
	assert_string_equal(moved, "separate");
}

static void
the_old_one_without_end(void **state)
{
	(void)state;
	go_apart();
	RUN_UNTIL_THAT(one_published == '5');
	say_text(&one, "1");
	RUN_UNTIL_THAT(moved);
	assert_string_equal(seen, "1;");
	assert_string_equal(moved, "anew: a marker did not come");
}

/* What is held of the one has been heard of the other. */
static void
not_apart_after_all(void **state)
{
	(void)state;
	publishes = true;
	go_apart();
	say_text(&one, "3");
	RUN_UNTIL_THAT(*seen);
	say_marker(&two, '2');
	RUN_UNTIL_THAT(moved);
	assert_string_equal(seen, "3;");
	assert_string_equal(moved, "anew: what is said at one comes to the other, but late");
}

/* One that is too long is told of once, where it would be taken. */
static void
too_long_behind_the_cut_of_the_old_one(void **state)
{
	(void)state;
	say_marker(&one, '4');
	say_long(&one, 2 * SHORT);
	let_it_read(&one);
	assert_string_equal(seen, "1;");
	say_marker(&two, '4');
	say_long(&two, 2 * SHORT);
	say_text(&two, "2");
	RUN_UNTIL_THAT(strstr(seen, "2;"));
	RUN_UNTIL_THAT(moved);
	assert_string_equal(seen, "1;too long 200;2;");
}

static void
too_long_behind_the_cut_of_the_new_one(void **state)
{
	(void)state;
	say_marker(&two, '4');
	say_text(&two, "2");
	say_long(&two, 2 * SHORT);
	let_it_read(&two);
	say_marker(&one, '4');
	say_long(&one, 2 * SHORT);
	RUN_UNTIL_THAT(moved);
	assert_string_equal(seen, "1;2;too long 200;");
	assert_string_equal(moved, "same");
}

#define BEFORE_IT(f) cmocka_unit_test_setup_teardown(f, begin_apart, end_cut)
#define AT_THE_CUT(f) cmocka_unit_test_setup_teardown(f, begin_cut, end_cut)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		AT_THE_CUT(the_old_one_has_it_first),
		AT_THE_CUT(the_new_one_has_it_first),
		AT_THE_CUT(the_new_one_never_has_it),
		AT_THE_CUT(the_new_one_is_lost),
		AT_THE_CUT(the_old_one_is_lost),
		AT_THE_CUT(too_much_of_the_old_one),
		AT_THE_CUT(too_much_of_the_new_one),
		cmocka_unit_test_setup_teardown(markers_are_refused, begin_nothing, end_cut),
		cmocka_unit_test_setup_teardown(who_publishes_is_lost, begin_broken, end_cut),
		cmocka_unit_test_setup_teardown(who_publishes_at_the_old_one_is_lost, begin_broken, end_cut),
		BEFORE_IT(who_publishes_has_no_memory),
		BEFORE_IT(the_old_one_is_lost_at_once),
		BEFORE_IT(who_publishes_is_waited_for),
		BEFORE_IT(who_publishes_rests_before_a_replica),
		BEFORE_IT(the_old_one_to_its_end),
		BEFORE_IT(the_old_one_without_end),
		BEFORE_IT(not_apart_after_all),
		cmocka_unit_test_setup_teardown(too_long_behind_the_cut_of_the_old_one, begin_short_cut, end_cut),
		cmocka_unit_test_setup_teardown(too_long_behind_the_cut_of_the_new_one, begin_short_cut, end_cut),
	};

	log_set_level(LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

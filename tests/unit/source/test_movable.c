/* SPDX-License-Identifier: MIT */
/*
 * Channels that come and go while their server comes to be another one, where the test is both servers. They are the
 * same: what is published at either of them is heard at both, unless the test keeps it back.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "src/base/log.h"
#include "src/source/movable.h"
#include "tests/unit/failmalloc.h"
#include "tests/unit/redis/peers.h"

#include <stdio.h>
#include <string.h>

enum { STEP_MS = 2, LATE_MS = 30 };

struct late_answer {
	struct peer_link *link;
	uint64_t due_ms;
	size_t n;
};

static uv_loop_t loop;
static uv_timer_t watchdog;
static struct peer one, two;
static struct redis_url url; /* where the channels are, or go */
static struct metrics_set counters;
static struct metrics *metrics;
static struct movable *channels;
static char marker[64]; /* the channel */
static char cut; /* the number of the last marker that was published */
static bool keeps_cut; /* the cut is published, and heard by nobody yet */
static bool refuses; /* the channel of the markers */
static bool forbids; /* another one */
static const char *unanswered; /* at the new one: what is asked of this is not answered */
static struct eio_buf late; /* while it is slow: struct late_answer, and the bytes */
static size_t late_at; /* in these: what stands before was said */
static bool slow; /* both answer subscriptions LATE_MS later */
static uv_timer_t steps; /* of joins, and of what is said late */
static unsigned joined; /* channels that came meanwhile */
static unsigned asked_for[2]; /* of these */
static unsigned asked_behind_cut; /* of these, at the old one */
static char asked[2][512]; /* of each of both: commands about channels that are not the markers' */
static char seen[256]; /* messages that were taken */
static bool ready, connected;
static unsigned switched, gaps;
static int refused;
static const char *moved; /* how, and why */
static char moved_text[128];

/* Servers */

static void
on_movable_watchdog(uv_timer_t *t)
{
	(void)t;
	fail_msg("nothing happened for twenty seconds; seen: %s; asked: %s and %s", seen, asked[0], asked[1]);
}

static void
say_marker(struct peer *p)
{
	if (peer_subscribers(p)) peer_say_message(p, marker, eio_bytes(&cut, 1));
}

static void
publish_marker(struct eio_bytes channel, struct eio_bytes number)
{
	snprintf(marker, sizeof marker, "%.*s", (int)channel.n, channel.p);
	cut = *number.p;
	if (keeps_cut && (cut == '3' || cut == '4')) return;
	say_marker(&one);
	say_marker(&two);
}

static void
note_asked(const struct peer *p, const struct eio_bytes *words)
{
	char *text = asked[p == &two];
	size_t at = strlen(text);

	if (eio_bytes_starts(words[1], EIO_LIT("siocast:"))) return;
	if (eio_bytes_starts(words[1], EIO_LIT("join:"))) {
		asked_for[p == &two]++;
		if (p == &one && (cut == '3' || cut == '4')) asked_behind_cut++;
		return;
	}
	snprintf(text + at, sizeof asked[0] - at, "%.*s %.*s;", (int)words[0].n, words[0].p, (int)words[1].n,
		words[1].p);
}

static void
answer_slowly(struct peer_link *l, struct eio_bytes answer)
{
	const struct late_answer head = { l, uv_now(&loop) + LATE_MS, answer.n };

	eio_buf_append(&late, &head, sizeof head);
	eio_buf_add(&late, answer);
}

static bool
is_link_there(const struct peer_link *l)
{
	for (size_t i = 0; i < one.n; i++)
		if (one.links[i] == l) return true;
	for (size_t i = 0; i < two.n; i++)
		if (two.links[i] == l) return true;
	return false;
}

/* All of it that is due, or all. */
static void
say_late(bool all)
{
	struct late_answer head;

	while (late_at < late.n) {
		struct eio_buf b = { 0 };

		memcpy(&head, late.p + late_at, sizeof head);
		if (!all && uv_now(&loop) < head.due_ms) return;
		late_at += sizeof head + head.n;
		if (!is_link_there(head.link)) continue;
		eio_buf_append(&b, late.p + late_at - head.n, head.n);
		peer_say(head.link, &b);
	}
}

static bool
answer_movable(struct peer_link *l, const struct eio_bytes *words, size_t n, struct eio_buf *out)
{
	struct eio_buf answer = { 0 };

	if (peer_word_is(words[0], "INFO")) {
		eio_buf_printf(out, "$54\r\nmaster_replid:%040d\r\n", 1);
	} else if (peer_word_is(words[0], "PUBLISH")) {
		publish_marker(words[1], words[2]);
		EIO_BUF_ADD_LIT(out, ":2\r\n");
	} else if (refuses && n == 2 && peer_word_is(words[0], "SUBSCRIBE") &&
		   eio_bytes_starts(words[1], EIO_LIT("siocast:"))) {
		EIO_BUF_ADD_LIT(out, "-NOPERM no\r\n");
	} else if (forbids && n == 2 && peer_word_is(words[1], "forbidden")) {
		note_asked(l->of, words);
		EIO_BUF_ADD_LIT(out, "-NOPERM no\r\n");
	} else if (peer_answer_subscribe(l, words, n, &answer)) {
		note_asked(l->of, words);
		if (slow)
			answer_slowly(l, eio_buf_bytes(&answer));
		else if (l->of != &two || !unanswered || !peer_word_is(words[1], unanswered))
			eio_buf_add(out, eio_buf_bytes(&answer));
		eio_buf_deinit(&answer);
	} else {
		return false;
	}
	return true;
}

static void
say(struct peer *p, const char *channel, const char *payload)
{
	peer_say_message(p, channel, eio_cstr(payload));
}

static unsigned
count_asked(int server, const char *name)
{
	unsigned n = 0;

	for (const char *p = asked[server]; (p = strstr(p, name)); p++) n++;
	return n;
}

/* What was asked for and not answered. */
static void
answer_late(const char *name)
{
	struct eio_buf b = { 0 };

	eio_buf_printf(&b, "*3\r\n$9\r\nsubscribe\r\n$%zu\r\n%s\r\n:1\r\n", strlen(name), name);
	peer_say(peer_subscriber(&two), &b);
}

/* What is told */

static void
on_test_message(void *user, const struct redis_message *m)
{
	size_t at = strlen(seen);

	(void)user;
	snprintf(seen + at, sizeof seen - at, "%.*s:%.*s;", (int)m->channel.n, m->channel.p, (int)m->payload.n,
		m->payload.p);
}

static void
on_test_too_long(void *user, const struct redis_message *m, uint64_t n)
{
	(void)user;
	fail_msg("%.*s %d", (int)m->channel.n, m->channel.p, (int)n);
}

static void
on_test_state(void *user, bool is_ready)
{
	(void)user;
	assert_int_not_equal(ready, is_ready);
	ready = is_ready;
}

static void
on_test_connected(void *user, bool is_connected)
{
	(void)user;
	connected = is_connected;
}

static void
on_test_refused(void *user, enum redis_channel_kind kind, struct eio_bytes name, bool is_refused)
{
	(void)user;
	(void)kind;
	(void)name;
	refused += is_refused ? 1 : -1;
}

static void
on_test_gap(void *user, uint64_t from_ms, uint64_t to_ms)
{
	(void)user;
	assert_true(from_ms <= to_ms);
	gaps++;
}

static void
on_test_rests(void *user)
{
	(void)user;
	assert_int_equal(switched, 0);
}

static bool
has_test_rested(void *user)
{
	(void)user;
	return true;
}

static void
on_test_switched(void *user, bool lost)
{
	(void)user;
	(void)lost;
	switched++;
}

static bool
has_test_switched(void *user)
{
	(void)user;
	return true;
}

static void
on_test_moved(void *user, const struct source_moved *how)
{
	(void)user;
	assert_null(moved);
	assert_int_equal(switched, 1);
	snprintf(moved_text, sizeof moved_text, "%s%s%s", how->how, how->gap ? ": " : "", how->gap ? how->why : "");
	moved = moved_text;
}

static const struct source_move_events move_events = {
	.rests = on_test_rests,
	.has_rested = has_test_rested,
	.switched = on_test_switched,
	.has_switched = has_test_switched,
	.moved = on_test_moved,
};

/* From the beginning to the end */

static void
go_to(const struct peer *p)
{
	char err[160];

	assert_int_equal(redis_url_parse(&url, p->url_text, err, sizeof err), 0);
}

static void
want(const char *name)
{
	assert_int_equal(movable_want(channels, REDIS_CHANNEL, eio_cstr(name)), 0);
}

static void
leave(const char *name)
{
	movable_leave(channels, REDIS_CHANNEL, eio_cstr(name));
}

/* "a" is there, wanted twice, and "gone" was and is not any more. */
static int
open_both(void **state)
{
	const struct redis_channels_options o = { .url = &url,
		.message_bytes = 1000,
		.message = on_test_message,
		.too_long = on_test_too_long,
		.state = on_test_state,
		.connected = on_test_connected,
		.refused = on_test_refused,
		.gap = on_test_gap };
	struct redis_channels_options with = o;

	(void)state;
	*seen = *asked[0] = *asked[1] = cut = '\0';
	slow = forbids = false;
	late_at = joined = asked_for[0] = asked_for[1] = asked_behind_cut = 0;
	ready = connected = keeps_cut = refuses = false;
	switched = gaps = 0;
	refused = 0;
	moved = unanswered = NULL;
	assert_int_equal(uv_loop_init(&loop), 0);
	uv_timer_init(&loop, &watchdog);
	uv_timer_start(&watchdog, on_movable_watchdog, 20000, 0);
	uv_timer_init(&loop, &steps);
	assert_int_equal(metrics_set_init(&counters), 0);
	with.metrics = metrics = metrics_new(&counters, &redis_metrics, "test");
	one.answer = two.answer = answer_movable;
	peer_open(&one, &loop);
	peer_open(&two, &loop);
	go_to(&one);
	channels = movable_open(&loop, &with);
	assert_non_null(channels);
	for (int i = 0; i < 2; i++) want("a");
	want("gone");
	leave("gone");
	movable_flush(channels);
	PEER_UNTIL(&loop, ready && connected);
	assert_string_equal(asked[0], "SUBSCRIBE a;");
	return 0;
}

static int
close_both(void **state)
{
	(void)state;
	if (channels) movable_close(channels);
	peer_close(&one);
	peer_close(&two);
	eio_buf_deinit(&late);
	uv_close((uv_handle_t *)&steps, NULL);
	uv_close((uv_handle_t *)&watchdog, NULL);
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&loop), 0);
	assert_int_equal(metrics_sum(&counters, &redis_metrics, REDIS_METRIC_CONNECTED), 0);
	redis_url_deinit(&url);
	metrics_free(metrics);
	metrics_set_deinit(&counters);
	return 0;
}

static void
move_to(const struct peer *p)
{
	struct redis_url old = url;

	go_to(p);
	movable_move(channels, &old, &move_events, NULL);
	redis_url_deinit(&old);
}

static void
let_it_read(void)
{
	peer_run_for(&loop, 50);
}

/* The cut is on its way, and nobody has it. */
static void
go_to_cut(void)
{
	keeps_cut = true;
	move_to(&two);
	PEER_UNTIL(&loop, cut == '4' || cut == '3');
}

static void
assert_moved(const char *how)
{
	PEER_UNTIL(&loop, moved);
	assert_string_equal(moved, how);
	PEER_UNTIL(&loop, ready && connected);
	PEER_UNTIL(&loop, peer_subscribers(&one) == 0 && peer_subscribers(&two) == 1);
}

/* What happens */

static void
it_goes_over(void **state)
{
	struct eio_buf text = { 0 };

	(void)state;
	go_to_cut();
	assert_int_equal(movable_hand(channels, &text), -1); /* two connections are nobody's */
	eio_buf_deinit(&text);
	say(&two, "a", "not yet");
	say(&one, "a", "1");
	let_it_read();
	say_marker(&two);
	say(&two, "a", "2");
	let_it_read();
	assert_string_equal(seen, "a:1;");
	say_marker(&one);
	say(&one, "a", "2");
	assert_moved("same");
	say(&two, "a", "3");
	PEER_UNTIL(&loop, strlen(seen) == 12);
	assert_string_equal(seen, "a:1;a:2;a:3;");
	assert_int_equal(gaps, 0);
	/* As often as it was wanted. */
	leave("a");
	assert_true(movable_has(channels, REDIS_CHANNEL, EIO_LIT("a")));
	leave("a");
	movable_flush(channels);
	PEER_UNTIL(&loop, strstr(asked[1], "UNSUBSCRIBE a;"));
	assert_string_equal(asked[1], "SUBSCRIBE a;UNSUBSCRIBE a;");
}

static void
and_back(void **state)
{
	(void)state;
	move_to(&two);
	assert_moved("same");
	moved = NULL;
	switched = 0;
	move_to(&one);
	PEER_UNTIL(&loop, moved);
	assert_string_equal(moved, "same");
	PEER_UNTIL(&loop, ready);
	say(&one, "a", "1");
	PEER_UNTIL(&loop, *seen);
	assert_string_equal(seen, "a:1;");
}

/* The cut waits until both have what is wanted. */
static void
one_that_is_wanted_meanwhile(void **state)
{
	(void)state;
	unanswered = "late";
	move_to(&two);
	PEER_UNTIL(&loop, peer_subscribers(&two));
	want("late");
	movable_flush(channels);
	PEER_UNTIL(&loop, strstr(asked[1], "SUBSCRIBE late;"));
	assert_non_null(strstr(asked[0], "SUBSCRIBE late;"));
	peer_run_for(&loop, 300);
	assert_true(cut != '3' && cut != '4');
	say(&one, "late", "1");
	PEER_UNTIL(&loop, *seen);
	answer_late("late");
	assert_moved("same");
	say(&two, "late", "2");
	PEER_UNTIL(&loop, strlen(seen) == 14);
	assert_string_equal(seen, "late:1;late:2;");
}

/* The next one that somebody comes for. */
static void
on_step(uv_timer_t *t)
{
	char name[32];

	(void)t;
	say_late(false);
	snprintf(name, sizeof name, "join:%u", joined++);
	want(name);
	movable_flush(channels);
}

/* Somebody comes all the time, so there is always something that is not answered yet. */
static void
there_is_always_one_more(void **state)
{
	(void)state;
	slow = true;
	uv_timer_start(&steps, on_step, 0, STEP_MS);
	peer_run_for(&loop, 3 * LATE_MS);
	move_to(&two);
	PEER_UNTIL(&loop, moved);
	assert_string_equal(moved, "same");
	assert_int_equal(asked_behind_cut, 0);
	uv_timer_stop(&steps);
	slow = false;
	say_late(true);
	PEER_UNTIL(&loop, ready && connected);
	assert_int_equal(asked_for[1], joined);
	assert_in_range(asked_for[0], 1, joined - 1);
	assert_int_equal(gaps, 0);
	say(&two, "a", "1");
	PEER_UNTIL(&loop, *seen);
	assert_string_equal(seen, "a:1;");
}

static void
lose_it(void)
{
	peer_hang_up(peer_subscriber(&one));
	late_at = late.n;
	PEER_UNTIL(&loop, !connected);
}

/* What was wanted before the mark has been answered when that is passed, whatever else has not. */
static void
a_mark_is_passed(void **state)
{
	uint64_t begun;

	(void)state;
	slow = true;
	uv_timer_start(&steps, on_step, 0, STEP_MS);
	peer_run_for(&loop, 3 * LATE_MS);
	for (int i = 0; i < 3; i++) {
		if (i == 1) lose_it();
		if (i == 2) move_to(&two);
		movable_mark(channels);
		begun = uv_now(&loop);
		assert_false(movable_passed_mark(channels));
		if (i == 2) PEER_UNTIL(&loop, moved);
		PEER_UNTIL(&loop, movable_passed_mark(channels));
		assert_true(uv_now(&loop) - begun >= LATE_MS - STEP_MS);
		assert_true(connected && !ready);
	}
	uv_timer_stop(&steps);
	slow = false;
	say_late(true);
	PEER_UNTIL(&loop, ready && movable_passed_mark(channels));
	want("one more");
	assert_true(movable_passed_mark(channels));
	movable_mark(channels);
	assert_false(movable_passed_mark(channels));
	movable_flush(channels);
	assert_false(movable_passed_mark(channels));
	PEER_UNTIL(&loop, movable_passed_mark(channels));
	assert_true(ready);
}

/* The old one is not asked for it once more behind the cut, and the new one is. */
static void
one_that_is_refused(void **state)
{
	unsigned at_one, at_two;

	(void)state;
	forbids = true;
	want("forbidden");
	movable_flush(channels);
	PEER_UNTIL(&loop, refused == 1);
	go_to_cut();
	forbids = false;
	at_one = count_asked(0, "forbidden");
	at_two = count_asked(1, "forbidden");
	PEER_UNTIL(&loop, count_asked(1, "forbidden") > at_two);
	peer_run_for(&loop, 1500);
	assert_int_equal(count_asked(0, "forbidden"), at_one);
	say_marker(&two);
	say_marker(&one);
	assert_moved("same");
	assert_int_equal(refused, 0);
}

/* Behind the cut's leaving a channel begins at the new one, and ends there. */
static void
behind_the_cut_is_the_new_one(void **state)
{
	(void)state;
	go_to_cut();
	want("late");
	for (int i = 0; i < 2; i++) leave("a");
	movable_flush(channels);
	PEER_UNTIL(&loop, strstr(asked[1], "SUBSCRIBE late;") && strstr(asked[1], "UNSUBSCRIBE a;"));
	let_it_read();
	assert_string_equal(asked[0], "SUBSCRIBE a;");
	say(&two, "late", "before");
	let_it_read();
	say_marker(&two);
	say(&two, "late", "1");
	let_it_read();
	assert_string_equal(seen, "");
	say_marker(&one);
	assert_moved("same");
	PEER_UNTIL(&loop, *seen);
	assert_string_equal(seen, "late:1;");
	assert_true(movable_has(channels, REDIS_CHANNEL, EIO_LIT("late")));
	assert_false(movable_has(channels, REDIS_CHANNEL, EIO_LIT("a")));
}

/* What the old one has said until then is taken, and what was wanted meanwhile is asked for at the new one. */
static void
the_old_one_is_lost(void **state)
{
	(void)state;
	go_to_cut();
	want("late");
	movable_flush(channels);
	say_marker(&one);
	say(&one, "a", "1");
	let_it_read();
	assert_string_equal(seen, "");
	peer_hang_up(peer_subscriber(&one));
	PEER_UNTIL(&loop, !connected);
	assert_string_equal(seen, "a:1;");
	assert_moved("anew: the connection to the old one was lost");
	assert_int_equal(gaps, 1);
	say(&two, "late", "2");
	PEER_UNTIL(&loop, strlen(seen) > 4);
	assert_string_equal(seen, "a:1;late:2;");
}

static void
the_new_one_is_lost(void **state)
{
	(void)state;
	go_to_cut();
	say_marker(&one);
	say(&one, "a", "1");
	let_it_read();
	peer_hang_up(peer_subscriber(&two));
	assert_moved("anew: the connection to the new one was lost");
	assert_string_equal(seen, "a:1;");
	assert_int_equal(gaps, 1);
}

/* One more that is lost before all is connected is nobody's loss. */
static void
the_new_one_is_lost_and_comes_back(void **state)
{
	(void)state;
	unanswered = "a";
	move_to(&two);
	PEER_UNTIL(&loop, strstr(asked[1], "SUBSCRIBE a;"));
	unanswered = NULL;
	peer_hang_up(peer_subscriber(&two));
	say(&one, "a", "1");
	assert_moved("same");
	assert_string_equal(seen, "a:1;");
	assert_int_equal(gaps, 0);
}

static void
the_old_one_was_away(void **state)
{
	(void)state;
	peer_hang_up(peer_subscriber(&one));
	PEER_UNTIL(&loop, !connected);
	move_to(&two);
	assert_moved("anew: the old one was away");
	assert_int_equal(gaps, 1);
}

/* What is refused is counted by its owner, who does not know that channel. */
static void
markers_are_refused(void **state)
{
	(void)state;
	refuses = true;
	move_to(&two);
	assert_moved("anew: a channel for markers is refused");
	assert_int_equal(refused, 0);
	assert_int_equal(gaps, 1);
}

static bool
is_at_nothing(void)
{
	return true;
}

static bool
is_at_new(void)
{
	return peer_subscribers(&two) > 0;
}

static bool
is_at_markers(void)
{
	return cut != '\0';
}

static bool
is_at_cut(void)
{
	return cut == '3' || cut == '4';
}

/* Wherever it is when it is closed, nothing is told any more, and nothing is left. */
static void
it_is_closed(void **state)
{
	static bool (*const moments[])(void) = { is_at_nothing, is_at_new, is_at_markers, is_at_cut };

	for (size_t i = 0; i < sizeof moments / sizeof *moments; i++) {
		if (i) open_both(state);
		keeps_cut = true;
		move_to(&two);
		PEER_UNTIL(&loop, moments[i]());
		movable_close(channels);
		channels = NULL;
		peer_run_for(&loop, 50);
		assert_null(moved);
		assert_int_equal(peer_subscribers(&one) + peer_subscribers(&two), 0);
		if (i + 1 < sizeof moments / sizeof *moments) close_both(state);
	}
}

/* Each allocation of the beginning: it goes over with a gap, or gets along without it. */
static void
without_memory(void **state)
{
	bool failed = true;
	struct redis_url old;

	for (long n = 0; failed; n++) {
		if (n) open_both(state);
		old = url;
		go_to(&two);
		failmalloc_arm(n);
		movable_move(channels, &old, &move_events, NULL);
		failed = failmalloc_disarm();
		redis_url_deinit(&old);
		PEER_UNTIL(&loop, moved);
		assert_true(strcmp(moved, "same") == 0 || strncmp(moved, "anew: ", 6) == 0);
		PEER_UNTIL(&loop, ready && connected && peer_subscribers(&two) == 1);
		say(&two, "a", "1");
		PEER_UNTIL(&loop, *seen);
		assert_string_equal(seen, "a:1;");
		if (!failed) assert_true(n > 10);
		if (failed) close_both(state);
	}
}

#define OF_BOTH(f) cmocka_unit_test_setup_teardown(f, open_both, close_both)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		OF_BOTH(it_goes_over),
		OF_BOTH(and_back),
		OF_BOTH(one_that_is_wanted_meanwhile),
		OF_BOTH(there_is_always_one_more),
		OF_BOTH(a_mark_is_passed),
		OF_BOTH(one_that_is_refused),
		OF_BOTH(behind_the_cut_is_the_new_one),
		OF_BOTH(the_old_one_is_lost),
		OF_BOTH(the_new_one_is_lost),
		OF_BOTH(the_new_one_is_lost_and_comes_back),
		OF_BOTH(the_old_one_was_away),
		OF_BOTH(markers_are_refused),
		OF_BOTH(it_is_closed),
		OF_BOTH(without_memory),
	};

	log_set_level(LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

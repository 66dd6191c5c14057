/* SPDX-License-Identifier: MIT */
/* Sessions that go over to another server, where the test is both: what comes along, what waits, and what fails. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "src/base/log.h"
#include "src/feed/signed.h"
#include "src/feed/store.h"
#include "tests/unit/failmalloc.h"
#include "tests/unit/redis/peers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { AT_A_TIME = 1000, MORE = 2500, FEW = 8 };

static uv_loop_t loop;
static uv_timer_t watchdog;
static struct peer one, two;
static struct redis_url url; /* where sessions are, or go */
static struct metrics_set counters;
static struct metrics *metrics;
static struct feed_secret secret;
static struct store *store;
static const char tag[FEED_TAG] = { 't', 'a', 'g' };
static size_t unheard; /* who may have sessions, and says when he has heard it; 0: nobody */
static bool leaves; /* that was told */
static unsigned kept; /* sessions of clients that have gone */
static struct eio_buf unanswered; /* names of sessions that the old one was asked for: each ends in a zero */
static size_t answered; /* bytes of these */
static bool silent; /* the old one answers nothing of that by itself */
static unsigned asked, sets, puts_of_one, puts_of_two, sets_before_put;
static unsigned results[FEED_STOW_ELSEWHERE + 1];
static unsigned declared, undeclared, locals; /* what was told; what the new one was asked to declare */
static bool declares_again, hangs; /* when it is told that it failed; the new one answers nothing */
static unsigned taken[STORE_FAILED + 1];
static bool moved;
static size_t carried;

/* Servers */

static void
on_store_watchdog(uv_timer_t *t)
{
	(void)t;
	fail_msg("nothing happened for twenty seconds; asked %u, set %u", asked, sets);
}

/* The session of a name. */
static void
give_session(const char *name, struct eio_buf *out)
{
	static const char value[] = "value";

	eio_buf_printf(out, "$%zu\r\n%s%s\r\n", strlen(name) + strlen(value), name, value);
}

static void
note_question(struct eio_bytes name, struct eio_buf *out)
{
	char text[128];

	snprintf(text, sizeof text, "%.*s", (int)name.n, name.p);
	asked++;
	if (silent)
		eio_buf_append(&unanswered, text, strlen(text) + 1);
	else
		give_session(text, out);
}

static bool
answer_script(const struct peer_link *l, const struct eio_bytes *words, struct eio_buf *out)
{
	if (memmem(words[1].p, words[1].n, "KEYS[1]..v", 10)) {
		assert_ptr_equal(l->of, &one);
		note_question(words[3], out);
		return true;
	}
	if (memmem(words[1].p, words[1].n, "'EXISTS'", 8)) {
		if (l->of == &two) EIO_BUF_ADD_LIT(out, "$5\r\nvalue\r\n");
		return true;
	}
	puts_of_one += l->of == &one;
	puts_of_two += l->of == &two;
	if (l->of == &two) sets_before_put = sets;
	EIO_BUF_ADD_LIT(out, "$4\r\ndone\r\n");
	return true;
}

static bool
answer_store(struct peer_link *l, const struct eio_bytes *words, size_t n, struct eio_buf *out)
{
	if (hangs && l->of == &two) return true;
	if (peer_word_is(words[0], "EVAL")) return answer_script(l, words, out);
	if (peer_word_is(words[0], "SET") && peer_word_is(words[2], "local")) {
		locals += l->of == &two;
		return l->of == &one;
	}
	if (peer_word_is(words[0], "SET")) {
		assert_ptr_equal(l->of, &two);
		assert_int_equal(n, 6);
		assert_true(peer_word_is(words[5], "NX"));
		if (peer_word_is(words[2], "value"))
			sets++;
		else
			puts_of_two += peer_word_is(words[2], "a session");
	}
	return false;
}

/* The next of what the old one was asked for; false: it is not asked for anything. */
static bool
answer_one(void)
{
	struct eio_buf b = { 0 };

	if (answered == unanswered.n) return false;
	give_session(unanswered.p + answered, &b);
	answered += strlen(unanswered.p + answered) + 1;
	peer_say(one.links[0], &b);
	return true;
}

/* What the store tells, and asks */

static void
on_test_stowed(void *user, struct feed_stow *s)
{
	(void)user;
	results[s->result]++;
	free(s);
}

static void
on_test_taken(void *user, struct feed_recall *r, enum store_taken how, struct eio_bytes value)
{
	(void)user;
	assert_true(eio_bytes_eq(value, how == STORE_FOUND ? EIO_LIT("value") : EIO_LIT("")));
	taken[how]++;
	feed_recall_free(r);
}

static void
declare(void)
{
	assert_true(store_declare(store, tag));
}

static void
on_test_declared(void *user, bool good)
{
	(void)user;
	declared += good;
	undeclared += !good;
	if (good || !declares_again) return;
	declares_again = false;
	(void)store_declare(store, tag);
}

static void
on_test_lost(void *user)
{
	(void)user;
}

static size_t
tell_test_leaving(void *user)
{
	(void)user;
	leaves = true;
	return unheard;
}

static void
tell_test_kept(void *user, void (*tell)(void *user, const char pid[FEED_PID_LEN]), void *with)
{
	char pid[FEED_PID_LEN + 1];

	(void)user;
	for (unsigned i = 0; i < kept; i++) {
		snprintf(pid, sizeof pid, "%0*u", (int)FEED_PID_LEN, i);
		tell(with, pid);
	}
}

static void
write_test_tag(void *user, char out[FEED_TAG])
{
	(void)user;
	memset(out, 't', FEED_TAG);
}

static void
on_test_store_moved(void *user, size_t n)
{
	(void)user;
	assert_false(moved);
	moved = true;
	carried = n;
}

/* From the beginning to the end */

static void
go_to(const struct peer *p)
{
	char err[160];

	assert_int_equal(redis_url_parse(&url, p->url_text, err, sizeof err), 0);
}

static int
open_both(void **state)
{
	(void)state;
	kept = FEW;
	unheard = 0;
	leaves = false;
	silent = moved = declares_again = hangs = false;
	declared = undeclared = locals = 0;
	memset(taken, 0, sizeof taken);
	asked = sets = puts_of_one = puts_of_two = sets_before_put = 0;
	answered = carried = 0;
	memset(results, 0, sizeof results);
	assert_int_equal(uv_loop_init(&loop), 0);
	uv_timer_init(&loop, &watchdog);
	uv_timer_start(&watchdog, on_store_watchdog, 20000, 0);
	assert_int_equal(metrics_set_init(&counters), 0);
	metrics = metrics_new(&counters, &redis_metrics, "test");
	assert_true(feed_secret_make(&secret, EIO_LIT("what all of them know and nobody else")));
	one.answer = two.answer = answer_store;
	peer_open(&one, &loop);
	peer_open(&two, &loop);
	go_to(&one);
	store = store_new(&(struct store_options){ .loop = &loop,
		.url = &url,
		.metrics = metrics,
		.secret = &secret,
		.ms = 60000,
		.stowed = on_test_stowed,
		.taken = on_test_taken,
		.declared = on_test_declared,
		.lost = on_test_lost,
		.leaves = tell_test_leaving,
		.kept = tell_test_kept,
		.tag = write_test_tag,
		.moved = on_test_store_moved });
	assert_non_null(store);
	store_open(store);
	PEER_UNTIL(&loop, metrics_sum(&counters, &redis_metrics, REDIS_METRIC_CONNECTED) == 1);
	return 0;
}

static int
close_both(void **state)
{
	(void)state;
	store_close(store);
	peer_close(&one);
	peer_close(&two);
	uv_close((uv_handle_t *)&watchdog, NULL);
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&loop), 0);
	store_free(store);
	assert_int_equal(metrics_sum(&counters, &redis_metrics, REDIS_METRIC_CONNECTED), 0);
	redis_url_deinit(&url);
	metrics_free(metrics);
	metrics_set_deinit(&counters);
	eio_buf_deinit(&unanswered);
	return 0;
}

static void
move_to(const struct peer *p)
{
	redis_url_deinit(&url);
	go_to(p);
	store_move(store);
}

static void
put_one(bool since_it_leaves)
{
	struct feed_stow *s = feed_stow_new(EIO_LIT("/"), EIO_LIT("a session"));

	assert_non_null(s);
	s->leaves = since_it_leaves;
	memset(s->pid, 'p', sizeof s->pid);
	memset(s->token, 'A', sizeof s->token);
	store_stow(store, s);
	store_flush(store);
}

static void
put(void)
{
	put_one(false);
}

static void
take(void)
{
	struct feed_recall *r = feed_recall_new(EIO_LIT("/"));

	assert_non_null(r);
	memset(r->pid, 'p', sizeof r->pid);
	memset(r->token, 'A', sizeof r->token);
	store_take(store, r);
	store_flush(store);
}

/* What is put from now on is at the new one. */
static void
assert_there(void)
{
	unsigned before = puts_of_two, done = results[FEED_STOW_DONE];

	PEER_UNTIL(&loop, metrics_sum(&counters, &redis_metrics, REDIS_METRIC_CONNECTED) == 1 && two.n == 1);
	put();
	PEER_UNTIL(&loop, results[FEED_STOW_DONE] == done + 1);
	assert_int_equal(puts_of_two, before + 1);
	assert_int_equal(one.n, 0);
}

/* What happens */

/* What was asked for before is the old one's to answer; what waits comes behind all that was carried. */
static void
all_come_along(void **state)
{
	(void)state;
	kept = MORE;
	move_to(&two);
	put();
	PEER_UNTIL(&loop, asked > 0);
	assert_int_equal(puts_of_one, 1);
	put();
	PEER_UNTIL(&loop, results[FEED_STOW_DONE] == 2);
	assert_true(moved);
	assert_int_equal(carried, MORE);
	assert_int_equal(sets, MORE);
	assert_int_equal(sets_before_put, MORE);
	assert_there();
}

static void
nobody_has_gone(void **state)
{
	(void)state;
	kept = 0;
	move_to(&two);
	PEER_UNTIL(&loop, moved);
	assert_int_equal(carried, 0);
	assert_there();
}

/* What it was asked for is deleted there, so it is not left as long as it answers. */
static void
the_old_one_takes_its_time(void **state)
{
	(void)state;
	silent = true;
	move_to(&two);
	PEER_UNTIL(&loop, asked == FEW);
	for (unsigned i = 0; i < FEW; i++) {
		assert_false(moved);
		peer_run_for(&loop, 400);
		assert_true(answer_one());
	}
	PEER_UNTIL(&loop, moved);
	assert_int_equal(carried, FEW);
	PEER_UNTIL(&loop, sets == FEW);
	assert_there();
}

/* Who goes before all know it has a session that comes along; so it is looked for those when they do. */
static void
all_know_it_first(void **state)
{
	(void)state;
	unheard = 2;
	move_to(&two);
	PEER_UNTIL(&loop, leaves);
	store_heard(store);
	peer_run_for(&loop, 500);
	assert_int_equal(asked, 0);
	kept++;
	store_heard(store);
	PEER_UNTIL(&loop, moved);
	assert_int_equal(carried, FEW + 1);
	store_heard(store); /* too late, and of nothing */
	assert_there();
}

/* The old one has the same, if nobody else has that: it comes along from there, and is not put. */
static void
who_goes_meanwhile_comes_along(void **state)
{
	(void)state;
	unheard = 1;
	silent = true;
	move_to(&two);
	PEER_UNTIL(&loop, leaves);
	put_one(true);
	store_heard(store);
	PEER_UNTIL(&loop, asked == FEW + 1);
	put_one(true);
	while (answer_one()) continue;
	PEER_UNTIL(&loop, asked == FEW + 2);
	assert_true(answer_one());
	PEER_UNTIL(&loop, moved && sets == FEW + 2);
	assert_int_equal(results[FEED_STOW_DONE], 2);
	assert_int_equal(puts_of_one + puts_of_two, 0);
	assert_there();
}

/* His client is elsewhere, where they have not gone over yet: what they put later is not to find his there. */
static void
who_goes_meanwhile_is_not_put_before_another(void **state)
{
	struct eio_buf none = { 0 };

	(void)state;
	silent = true;
	move_to(&two);
	PEER_UNTIL(&loop, asked == FEW);
	put_one(true);
	while (answer_one()) continue;
	peer_run_for(&loop, 200);
	EIO_BUF_ADD_LIT(&none, "$-1\r\n");
	if (asked > FEW) peer_say(one.links[0], &none);
	eio_buf_deinit(&none);
	PEER_UNTIL(&loop, moved);
	peer_run_for(&loop, 100);
	assert_int_equal(puts_of_one + puts_of_two, 0);
	assert_int_equal(sets, FEW);
	assert_int_equal(asked, FEW + 1);
	assert_there();
}

/* The old one does not say whether it has him: what his worker gave is put after all. */
static void
who_goes_meanwhile_is_put_where_nothing_comes_along(void **state)
{
	(void)state;
	kept = MORE;
	silent = true;
	move_to(&two);
	PEER_UNTIL(&loop, asked == AT_A_TIME);
	put_one(true);
	take();
	PEER_UNTIL(&loop, moved);
	assert_int_equal(results[FEED_STOW_DONE], 1);
	assert_int_equal(asked, AT_A_TIME);
	PEER_UNTIL(&loop, taken[STORE_FOUND] == 1);
	assert_int_equal(puts_of_two, 1); /* before he asked for it */
	assert_there();
}

/* So it is where that does not give anything away, as one that cannot write. */
static void
who_goes_meanwhile_is_put_where_he_is_refused(void **state)
{
	struct eio_buf refusal = { 0 };

	(void)state;
	kept = 0;
	unheard = 1;
	silent = true;
	move_to(&two);
	PEER_UNTIL(&loop, leaves);
	put_one(true);
	put_one(true);
	put_one(true);
	store_heard(store);
	PEER_UNTIL(&loop, asked == 3);
	assert_true(answer_one());
	EIO_BUF_ADD_LIT(&refusal, "-MISCONF no\r\n$-1\r\n");
	peer_say(one.links[0], &refusal);
	PEER_UNTIL(&loop, moved && puts_of_two == 1 && sets == 1);
	assert_int_equal(carried, 2);
	assert_int_equal(results[FEED_STOW_DONE], 3);
	assert_there();
}

/* He was asked for, and perhaps taken away. */
static void
who_goes_meanwhile_is_put_where_the_old_one_is_lost(void **state)
{
	(void)state;
	kept = 0;
	unheard = 1;
	silent = true;
	move_to(&two);
	PEER_UNTIL(&loop, leaves);
	put_one(true);
	store_heard(store);
	PEER_UNTIL(&loop, asked == 1);
	peer_hang_up(one.links[0]);
	PEER_UNTIL(&loop, moved && puts_of_two == 1);
	assert_int_equal(carried, 1);
	assert_int_equal(results[FEED_STOW_DONE], 1);
	assert_there();
}

/* It hangs before anything is asked for. */
static void
who_goes_while_the_old_one_hangs_is_put(void **state)
{
	(void)state;
	unheard = 1;
	declare();
	store_flush(store);
	move_to(&two);
	PEER_UNTIL(&loop, leaves);
	put_one(true);
	store_heard(store);
	PEER_UNTIL(&loop, moved);
	assert_int_equal(asked, 0);
	assert_int_equal(results[FEED_STOW_DONE], 1);
	PEER_UNTIL(&loop, puts_of_two == 1);
	assert_there();
}

/* It is put where nothing comes along any more. */
static void
who_goes_later_is_put(void **state)
{
	(void)state;
	move_to(&two);
	PEER_UNTIL(&loop, moved);
	put_one(true);
	PEER_UNTIL(&loop, results[FEED_STOW_DONE] == 1);
	assert_int_equal(puts_of_two, 1);
	assert_there();
}

/* It is not waited for ever, and what is known comes along. */
static void
one_does_not_hear(void **state)
{
	(void)state;
	unheard = 1;
	move_to(&two);
	PEER_UNTIL(&loop, moved);
	assert_int_equal(carried, FEW);
	assert_there();
}

static void
some_at_a_time(void **state)
{
	(void)state;
	kept = MORE;
	silent = true;
	move_to(&two);
	for (unsigned n = 1; n <= 3; n++) {
		unsigned expected = n * AT_A_TIME < MORE ? n * AT_A_TIME : MORE;

		PEER_UNTIL(&loop, asked == expected);
		peer_run_for(&loop, 50);
		assert_int_equal(asked, expected);
		while (answer_one()) continue;
	}
	PEER_UNTIL(&loop, moved);
	assert_int_equal(carried, MORE);
	PEER_UNTIL(&loop, sets == MORE);
	assert_there();
}

/* It does not answer any more: what it was not asked for stays there. */
static void
the_old_one_stops(void **state)
{
	(void)state;
	kept = MORE;
	silent = true;
	move_to(&two);
	PEER_UNTIL(&loop, asked == AT_A_TIME);
	assert_true(answer_one());
	PEER_UNTIL(&loop, moved);
	assert_int_equal(asked, AT_A_TIME);
	assert_int_equal(carried, 1);
	PEER_UNTIL(&loop, sets == 1);
	assert_there();
}

/* What it was asked for comes along no more; what waits is put where it belongs. */
static void
the_old_one_is_lost(void **state)
{
	(void)state;
	silent = true;
	move_to(&two);
	PEER_UNTIL(&loop, asked == FEW);
	put();
	peer_hang_up(one.links[0]);
	PEER_UNTIL(&loop, moved);
	assert_int_equal(carried, 0);
	PEER_UNTIL(&loop, results[FEED_STOW_DONE] == 1);
	assert_int_equal(puts_of_two, 1);
	assert_there();
}

/* Who is told that something failed asks again at once: the new one answers that, and not something else. */
static void
the_old_one_hangs(void **state)
{
	(void)state;
	declare();
	store_flush(store);
	peer_run_for(&loop, 50);
	move_to(&two);
	PEER_UNTIL(&loop, undeclared == 1);
	peer_run_for(&loop, 500);
	declare();
	store_flush(store);
	declares_again = true;
	PEER_UNTIL(&loop, moved);
	put();
	PEER_UNTIL(&loop, results[FEED_STOW_DONE] + results[FEED_STOW_FAILED] == 1);
	assert_int_equal(results[FEED_STOW_DONE], 1);
	assert_int_equal(declared, locals);
	assert_int_equal(declared, 1);
	assert_there();
}

/* The old one would answer, and is left. */
static void
the_new_one_hangs(void **state)
{
	(void)state;
	silent = true;
	move_to(&two);
	PEER_UNTIL(&loop, asked == FEW);
	hangs = true;
	peer_hang_up(two.links[0]);
	PEER_UNTIL(&loop, metrics_sum(&counters, &redis_metrics, REDIS_METRIC_CONNECTED) == 1);
	while (answer_one()) continue;
	peer_run_for(&loop, 1200);
	take();
	declare();
	declares_again = true;
	PEER_UNTIL(&loop, moved);
	assert_int_equal(undeclared, 1);
	assert_int_equal(taken[STORE_FAILED], 1);
	hangs = false;
	while (two.n) peer_hang_up(two.links[0]);
	for (unsigned n = 1; !results[FEED_STOW_DONE]; n++) {
		put();
		PEER_UNTIL(&loop, results[FEED_STOW_DONE] + results[FEED_STOW_FAILED] == n);
		peer_run_for(&loop, 100);
	}
	assert_int_equal(declared, 0);
	assert_there();
}

/* Many come along, which takes long: who asks for his session waits for that. What is put does not. */
static void
it_takes_its_time_and_he_waits(void **state)
{
	(void)state;
	silent = true;
	move_to(&two);
	PEER_UNTIL(&loop, asked == FEW);
	take();
	put();
	for (unsigned i = 0; i < FEW; i++) {
		peer_run_for(&loop, 400);
		assert_true(answer_one());
	}
	assert_int_equal(results[FEED_STOW_FAILED], 1);
	PEER_UNTIL(&loop, moved);
	PEER_UNTIL(&loop, puts_of_two == 1);
	assert_int_equal(taken[STORE_FAILED], 0);
	PEER_UNTIL(&loop, taken[STORE_FOUND] == 1);
	assert_there();
}

/* Once it was asked for he does not wait for ever. */
static void
nobody_answers_him(void **state)
{
	(void)state;
	take();
	peer_run_for(&loop, STORE_MS - 200);
	assert_int_equal(taken[STORE_FAILED], 0);
	PEER_UNTIL(&loop, taken[STORE_FAILED] == 1);
}

/* What was carried waits for it. */
static void
the_new_one_comes_back(void **state)
{
	(void)state;
	silent = true;
	move_to(&two);
	PEER_UNTIL(&loop, asked == FEW);
	assert_int_equal(two.n, 1);
	peer_hang_up(two.links[0]);
	PEER_UNTIL(&loop, metrics_sum(&counters, &redis_metrics, REDIS_METRIC_CONNECTED) == 1);
	while (answer_one()) continue;
	PEER_UNTIL(&loop, moved);
	assert_int_equal(carried, FEW);
	PEER_UNTIL(&loop, sets == FEW);
	assert_there();
}

static void
it_is_closed(void **state)
{
	(void)state;
	silent = true;
	move_to(&two);
	PEER_UNTIL(&loop, asked == FEW);
	put();
	put_one(true);
	store_close(store);
	assert_int_equal(results[FEED_STOW_FAILED], 2);
	peer_run_for(&loop, 50);
	assert_false(moved);
	assert_int_equal(one.n + two.n, 0);
}

/* What waits for the new one is not said to the old one, which is lost. */
static void
it_is_closed_when_both_are_lost(void **state)
{
	(void)state;
	silent = true;
	move_to(&two);
	PEER_UNTIL(&loop, asked == FEW);
	put();
	hangs = true;
	peer_hang_up(two.links[0]);
	peer_hang_up(one.links[0]);
	PEER_UNTIL(&loop, metrics_sum(&counters, &redis_metrics, REDIS_METRIC_CONNECTED) == 0);
	assert_int_equal(results[FEED_STOW_FAILED], 0);
	store_close(store);
	assert_int_equal(results[FEED_STOW_FAILED], 1);
	assert_false(moved);
}

/* Each allocation of the beginning: it has gone over then, or stays, and says so. */
static void
without_memory(void **state)
{
	bool failed = true;

	for (long n = 0; failed; n++) {
		if (n) open_both(state);
		redis_url_deinit(&url);
		go_to(&two);
		failmalloc_arm(n);
		store_move(store);
		failed = failmalloc_disarm();
		PEER_UNTIL(&loop, moved);
		put();
		PEER_UNTIL(&loop, results[FEED_STOW_DONE] + results[FEED_STOW_FAILED] == 1);
		if (failed)
			close_both(state);
		else
			assert_true(n > 4);
	}
	assert_int_equal(carried, FEW);
}

#define OF_BOTH(f) cmocka_unit_test_setup_teardown(f, open_both, close_both)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		OF_BOTH(all_come_along),
		OF_BOTH(nobody_has_gone),
		OF_BOTH(the_old_one_takes_its_time),
		OF_BOTH(all_know_it_first),
		OF_BOTH(who_goes_meanwhile_comes_along),
		OF_BOTH(who_goes_meanwhile_is_not_put_before_another),
		OF_BOTH(who_goes_meanwhile_is_put_where_nothing_comes_along),
		OF_BOTH(who_goes_meanwhile_is_put_where_he_is_refused),
		OF_BOTH(who_goes_meanwhile_is_put_where_the_old_one_is_lost),
		OF_BOTH(who_goes_while_the_old_one_hangs_is_put),
		OF_BOTH(who_goes_later_is_put),
		OF_BOTH(one_does_not_hear),
		OF_BOTH(some_at_a_time),
		OF_BOTH(the_old_one_stops),
		OF_BOTH(the_old_one_is_lost),
		OF_BOTH(the_old_one_hangs),
		OF_BOTH(the_new_one_hangs),
		OF_BOTH(it_takes_its_time_and_he_waits),
		OF_BOTH(nobody_answers_him),
		OF_BOTH(the_new_one_comes_back),
		OF_BOTH(it_is_closed),
		OF_BOTH(it_is_closed_when_both_are_lost),
		OF_BOTH(without_memory),
	};

	log_set_level(LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

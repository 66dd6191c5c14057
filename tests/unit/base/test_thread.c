/* SPDX-License-Identifier: MIT */
/* Threads with a loop: two that speak to each other, names, and stopping with everything still on the way. Run under
 * TSan too. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "eio/list.h"
#include "src/base/thread.h"

#include <pthread.h>
#include <string.h>

enum { ROUNDS = 1000 };

#define PLAYER_METRICS(X) X(PLAYER_BALLS, COUNTER, "balls_total", "", "Balls taken")
enum { PLAYER_METRICS(METRICS_SLOT) PLAYER_COUNT };
static const struct metrics_row player_rows[] = { PLAYER_METRICS(METRICS_ROW) };
static const struct metrics_table player_metrics = METRICS_TABLE(NULL, player_rows, PLAYER_COUNT);

struct player {
	struct thread thread;
	struct mail_port balls;
	struct player *other;
	uv_sem_t *over;
	struct metrics *counters;
	char name[THREAD_NAME]; /* as its own thread found it */
	uint64_t last_ms;
};

struct ball {
	struct mail mail;
	int n;
};

static void
take_ball(void *user, struct mail *run)
{
	struct player *p = user;
	struct ball *b = EIO_CONTAINER(run, struct ball, mail);
	uint64_t now = eio_clock_now(&p->thread.clock);

	pthread_getname_np(pthread_self(), p->name, sizeof p->name);
	assert_true(now >= p->last_ms);
	p->last_ms = now;
	metrics_inc(p->counters, PLAYER_BALLS);
	if (++b->n < ROUNDS)
		mail_post(&p->other->balls, &b->mail);
	else
		uv_sem_post(p->over);
}

static void
make_player(struct player *p, const char *name, struct metrics_set *metrics, struct player *other, uv_sem_t *over)
{
	*p = (struct player){ .other = other, .over = over };
	assert_int_equal(thread_init(&p->thread, name, metrics), 0);
	assert_non_null(p->counters = metrics_new(p->thread.metrics, &player_metrics, NULL));
	p->balls = (struct mail_port){ &p->thread.mailbox, take_ball, p };
}

static void
two_threads(void **state)
{
	struct metrics_set metrics;
	struct player a, b;
	struct ball ball = { .n = 0 };
	uv_sem_t over;

	(void)state;
	assert_int_equal(metrics_set_init(&metrics), 0);
	assert_int_equal(uv_sem_init(&over, 0), 0);
	make_player(&a, "test-a", &metrics, &b, &over);
	make_player(&b, "a name that is too long", &metrics, &a, &over);
	assert_int_equal(thread_start(&a.thread), 0);
	assert_int_equal(thread_start(&b.thread), 0);
	mail_post(&a.balls, &ball.mail);
	uv_sem_wait(&over);
	thread_stop(&a.thread);
	thread_stop(&b.thread);
	assert_int_equal(ball.n, ROUNDS);
	assert_int_equal(metrics_sum(&metrics, &player_metrics, PLAYER_BALLS), ROUNDS);
	assert_int_equal(a.counters->v[PLAYER_BALLS], ROUNDS / 2);
	assert_string_equal(a.name, "test-a");
	assert_string_equal(b.name, "a name that is ");
	thread_deinit(&a.thread);
	thread_deinit(&b.thread);
	uv_sem_destroy(&over);
	metrics_free(a.counters);
	metrics_free(b.counters);
	metrics_set_deinit(&metrics);
}

struct counter {
	struct mail_port port;
	int seen;
};

static void
count_mail(void *user, struct mail *run)
{
	struct counter *c = user;

	for (; run; run = run->next) c->seen++;
}

/* What is posted before the start is there then, and what is posted before the stop is taken. */
static void
mail_around_the_ends(void **state)
{
	struct metrics_set metrics;
	struct thread t;
	struct counter c = { .seen = 0 };
	struct mail before[3], after[3];

	(void)state;
	assert_int_equal(metrics_set_init(&metrics), 0);
	assert_int_equal(thread_init(&t, "test", &metrics), 0);
	c.port = (struct mail_port){ &t.mailbox, count_mail, &c };
	for (int i = 0; i < 3; i++) mail_post(&c.port, &before[i]);
	assert_int_equal(thread_start(&t), 0);
	for (int i = 0; i < 3; i++) mail_post(&c.port, &after[i]);
	thread_stop(&t);
	assert_int_equal(c.seen, 6);
	assert_int_equal(uv_loop_alive(&t.loop), 0);
	thread_deinit(&t);
	metrics_set_deinit(&metrics);
}

/* One that never ran is taken apart on the thread that made it. */
static void
never_started(void **state)
{
	struct metrics_set metrics;
	struct thread t;
	struct counter c = { .seen = 0 };
	struct mail m;

	(void)state;
	assert_int_equal(metrics_set_init(&metrics), 0);
	assert_int_equal(thread_init(&t, "test", &metrics), 0);
	c.port = (struct mail_port){ &t.mailbox, count_mail, &c };
	mail_post(&c.port, &m);
	thread_stop(&t);
	assert_int_equal(c.seen, 1);
	assert_int_equal(uv_loop_alive(&t.loop), 0);
	thread_deinit(&t);
	metrics_set_deinit(&metrics);
}

/* A turn's time is that of all that is done in it, and the wait before it is not in it. */
enum { WAIT_MS = 300, WORK_MS = 60 };

static void
work_long(void *user, struct mail *run)
{
	(void)user;
	(void)run;
	uv_sleep(WORK_MS);
}

static uint64_t
turns_up_to(const struct thread *t, uint64_t ms)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < thread_turn_buckets.n && thread_turn_buckets.bounds[i] <= ms; i++)
		n += t->turns->v[THREAD_METRIC_TURN + 1 + i];
	return n;
}

static void
turns(void **state)
{
	struct metrics_set metrics;
	struct thread t;
	struct mail_port port;
	struct mail m;
	uint64_t sum_ms;

	(void)state;
	assert_int_equal(metrics_set_init(&metrics), 0);
	assert_int_equal(thread_init(&t, "test", &metrics), 0);
	port = (struct mail_port){ &t.mailbox, work_long, NULL };
	assert_int_equal(thread_start(&t), 0);
	uv_sleep(WAIT_MS);
	mail_post(&port, &m);
	while (!(sum_ms = metrics_sum(&metrics, &thread_metrics, THREAD_METRIC_TURN))) uv_sleep(2);
	thread_stop(&t);
	assert_in_range(sum_ms, WORK_MS - 2, WAIT_MS - 1);
	assert_int_equal(turns_up_to(&t, 1000) - turns_up_to(&t, 20), 1);
	thread_deinit(&t);
	metrics_set_deinit(&metrics);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_threads),
		cmocka_unit_test(mail_around_the_ends),
		cmocka_unit_test(never_started),
		cmocka_unit_test(turns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

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

struct player {
	struct thread thread;
	struct mail_port balls;
	struct player *other;
	uv_sem_t *over;
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
	metrics_inc(p->thread.metrics, METRIC_EVENTS_IN);
	if (++b->n < ROUNDS)
		mail_post(&p->other->balls, &b->mail);
	else
		uv_sem_post(p->over);
}

static void
make_player(struct player *p, const char *name, struct metrics *metrics, struct player *other, uv_sem_t *over)
{
	*p = (struct player){ .other = other, .over = over };
	assert_int_equal(thread_init(&p->thread, name, metrics), 0);
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
	assert_int_equal(metrics_set_init(&metrics, 2), 0);
	assert_int_equal(uv_sem_init(&over, 0), 0);
	make_player(&a, "test-a", &metrics.rows[0], &b, &over);
	make_player(&b, "a name that is too long", &metrics.rows[1], &a, &over);
	assert_int_equal(thread_start(&a.thread), 0);
	assert_int_equal(thread_start(&b.thread), 0);
	mail_post(&a.balls, &ball.mail);
	uv_sem_wait(&over);
	thread_stop(&a.thread);
	thread_stop(&b.thread);
	assert_int_equal(ball.n, ROUNDS);
	assert_int_equal(metrics_sum(&metrics, METRIC_EVENTS_IN), ROUNDS);
	assert_int_equal(metrics.rows[0].v[METRIC_EVENTS_IN], ROUNDS / 2);
	assert_string_equal(a.name, "test-a");
	assert_string_equal(b.name, "a name that is ");
	thread_deinit(&a.thread);
	thread_deinit(&b.thread);
	uv_sem_destroy(&over);
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
	struct thread t;
	struct counter c = { .seen = 0 };
	struct mail before[3], after[3];

	(void)state;
	assert_int_equal(thread_init(&t, "test", NULL), 0);
	c.port = (struct mail_port){ &t.mailbox, count_mail, &c };
	for (int i = 0; i < 3; i++) mail_post(&c.port, &before[i]);
	assert_int_equal(thread_start(&t), 0);
	for (int i = 0; i < 3; i++) mail_post(&c.port, &after[i]);
	thread_stop(&t);
	assert_int_equal(c.seen, 6);
	assert_int_equal(uv_loop_alive(&t.loop), 0);
	thread_deinit(&t);
}

/* One that never ran is taken apart on the thread that made it. */
static void
never_started(void **state)
{
	struct thread t;
	struct counter c = { .seen = 0 };
	struct mail m;

	(void)state;
	assert_int_equal(thread_init(&t, "test", NULL), 0);
	c.port = (struct mail_port){ &t.mailbox, count_mail, &c };
	mail_post(&c.port, &m);
	thread_stop(&t);
	assert_int_equal(c.seen, 1);
	assert_int_equal(uv_loop_alive(&t.loop), 0);
	thread_deinit(&t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_threads),
		cmocka_unit_test(mail_around_the_ends),
		cmocka_unit_test(never_started),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

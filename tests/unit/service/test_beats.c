/* SPDX-License-Identifier: MIT */
/* Threads that answer, and one that does not. Run under TSan too. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "src/service/beats.h"

enum { THREADS = 3 };

struct hall {
	struct metrics_set metrics;
	struct thread threads[THREADS];
	struct beats beats;
	struct mail_port work;
	struct mail job;
	uv_sem_t begun, go_on;
};

static void
work(void *user, struct mail *run)
{
	struct hall *h = user;

	(void)run;
	uv_sem_post(&h->begun);
	uv_sem_wait(&h->go_on);
}

static void
open_hall(struct hall *h)
{
	assert_int_equal(metrics_set_init(&h->metrics), 0);
	assert_int_equal(uv_sem_init(&h->begun, 0), 0);
	assert_int_equal(uv_sem_init(&h->go_on, 0), 0);
	for (int i = 0; i < THREADS; i++) assert_int_equal(thread_init(&h->threads[i], "test", &h->metrics), 0);
	h->work = (struct mail_port){ &h->threads[1].mailbox, work, h };
	assert_int_equal(beats_init(&h->beats, h->threads, THREADS), 0);
	for (int i = 0; i < THREADS; i++) assert_int_equal(thread_start(&h->threads[i]), 0);
}

static void
close_hall(struct hall *h)
{
	for (int i = 0; i < THREADS; i++) thread_stop(&h->threads[i]);
	beats_deinit(&h->beats);
	for (int i = 0; i < THREADS; i++) thread_deinit(&h->threads[i]);
	metrics_set_deinit(&h->metrics);
	uv_sem_destroy(&h->begun);
	uv_sem_destroy(&h->go_on);
}

static void
wait_for_all(struct hall *h)
{
	while (beats_missing(&h->beats)) uv_sleep(1);
}

static void
all_answer(void **state)
{
	struct hall h;

	(void)state;
	open_hall(&h);
	assert_null(beats_missing(&h.beats));
	for (int i = 0; i < 100; i++) {
		beats_send(&h.beats);
		wait_for_all(&h);
	}
	close_hall(&h);
}

static void
one_hangs(void **state)
{
	struct hall h;

	(void)state;
	open_hall(&h);
	mail_post(&h.work, &h.job);
	uv_sem_wait(&h.begun);
	beats_send(&h.beats);
	while (beats_missing(&h.beats) != &h.threads[1]) uv_sleep(1);
	/* The others are asked again, and their answers change nothing. */
	for (int i = 0; i < 10; i++) {
		beats_send(&h.beats);
		uv_sleep(1);
		assert_non_null(beats_missing(&h.beats));
	}
	uv_sem_post(&h.go_on);
	wait_for_all(&h);
	beats_send(&h.beats);
	wait_for_all(&h);
	close_hall(&h);
}

/* What is on its way while threads stop is taken with all other mail. */
static void
ends_on_its_way(void **state)
{
	struct hall h;

	(void)state;
	open_hall(&h);
	beats_send(&h.beats);
	close_hall(&h);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_answer),
		cmocka_unit_test(one_hangs),
		cmocka_unit_test(ends_on_its_way),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

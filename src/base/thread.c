/* SPDX-License-Identifier: MIT */
/* From loop to thread and back. */
#include "src/base/thread.h"

#include "eio/check.h"

#include <pthread.h>
#include <stdio.h>

/* Turns */

/* Of a thread that does its work in time nearly all are in the first. */
const struct metrics_buckets thread_turn_buckets = { 1000, 10, { 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000 } };

static const struct metrics_row thread_rows[] = { THREAD_METRICS(METRICS_ROW) };
const struct metrics_table thread_metrics = METRICS_TABLE("thread", thread_rows, THREAD_METRIC_COUNT);

/* After everything that was there to read: the loop's time is still that at which it woke. (libuv takes 1,024 events
 * at a time, though: where more are there, it is that of the last of them.) */
static void
on_thread_woken(uv_check_t *c)
{
	struct thread *t = c->data;

	CHECK_MAGIC(t, THREAD_MAGIC);
	t->woken_ms = uv_now(&t->loop);
	if (t->woken_ms >= t->due_ms)
		metrics_observe(t->turns, THREAD_METRIC_LATE, &thread_turn_buckets, t->woken_ms - t->due_ms);
}

/* Both times are cut to milliseconds of the same clock: one turn may be told one too long or too short, but not all of
 * them. The loop, which now computes for how long it may wait, has use for the time as well. */
static void
on_thread_waits(uv_prepare_t *p)
{
	struct thread *t = p->data;

	int wait_ms;

	CHECK_MAGIC(t, THREAD_MAGIC);
	if (t->woken_ms) {
		uv_update_time(&t->loop);
		metrics_observe(t->turns, THREAD_METRIC_TURN, &thread_turn_buckets, uv_now(&t->loop) - t->woken_ms);
	}
	wait_ms = uv_backend_timeout(&t->loop);
	t->due_ms = wait_ms > 0 ? uv_now(&t->loop) + (uint64_t)wait_ms : UINT64_MAX;
}

/* Those that are started first run last: what others do at the end of a turn is in it. */
static void
watch_turns(struct thread *t)
{
	uv_check_init(&t->loop, &t->woken);
	uv_prepare_init(&t->loop, &t->waits);
	t->woken.data = t->waits.data = t;
	uv_check_start(&t->woken, on_thread_woken);
	uv_prepare_start(&t->waits, on_thread_waits);
}

/* From beginning to end */

static void
thread_close(struct thread *t)
{
	mailbox_close(&t->mailbox);
	eio_clock_close(&t->clock);
	uv_close((uv_handle_t *)&t->woken, NULL);
	uv_close((uv_handle_t *)&t->waits, NULL);
}

static void
take_thread_end(void *user, struct mail *run)
{
	struct thread *t = user;

	CHECK_MAGIC(t, THREAD_MAGIC);
	CHECK(!run->next);
	thread_close(t);
}

int
thread_init(struct thread *t, const char *name, struct metrics_set *metrics)
{
	int err;

	*t = (struct thread){ .magic = THREAD_MAGIC, .metrics = metrics, .due_ms = UINT64_MAX };
	snprintf(t->name, sizeof t->name, "%s", name);
	t->ends = (struct mail_port){ &t->mailbox, take_thread_end, t };
	t->turns = metrics_new(metrics, &thread_metrics, t->name);
	if (!t->turns) return UV_ENOMEM;
	err = uv_loop_init(&t->loop);
	if (err) goto fail_turns;
	err = mailbox_open(&t->mailbox, &t->loop);
	if (err) goto fail_loop;
	err = eio_clock_open(&t->clock, &t->loop);
	if (err) goto fail_mailbox;
	watch_turns(t);
	return 0;
fail_mailbox:
	mailbox_close(&t->mailbox);
	uv_run(&t->loop, UV_RUN_DEFAULT);
fail_loop:
	uv_loop_close(&t->loop);
fail_turns:
	metrics_free(t->turns);
	return err;
}

static void
thread_main(void *arg)
{
	struct thread *t = arg;

	CHECK_MAGIC(t, THREAD_MAGIC);
	pthread_setname_np(pthread_self(), t->name);
	uv_run(&t->loop, UV_RUN_DEFAULT);
}

int
thread_start(struct thread *t)
{
	int err;

	CHECK_MAGIC(t, THREAD_MAGIC);
	CHECK(!t->running);
	err = uv_thread_create(&t->id, thread_main, t);
	t->running = !err;
	return err;
}

void
thread_stop(struct thread *t)
{
	CHECK_MAGIC(t, THREAD_MAGIC);
	if (t->running) {
		mail_post(&t->ends, &t->end);
		uv_thread_join(&t->id);
		t->running = false;
	} else {
		thread_close(t);
		uv_run(&t->loop, UV_RUN_DEFAULT);
	}
}

void
thread_deinit(struct thread *t)
{
	CHECK_MAGIC(t, THREAD_MAGIC);
	CHECK(!t->running);
	uv_loop_close(&t->loop);
	metrics_free(t->turns);
	t->magic = 0;
}

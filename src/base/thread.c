/* SPDX-License-Identifier: MIT */
/* From loop to thread and back. */
#include "src/base/thread.h"

#include "eio/check.h"

#include <pthread.h>
#include <stdio.h>

static void
thread_close(struct thread *t)
{
	mailbox_close(&t->mailbox);
	eio_clock_close(&t->clock);
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
thread_init(struct thread *t, const char *name, struct metrics *metrics)
{
	int err;

	*t = (struct thread){ .magic = THREAD_MAGIC, .metrics = metrics };
	snprintf(t->name, sizeof t->name, "%s", name);
	t->ends = (struct mail_port){ &t->mailbox, take_thread_end, t };
	err = uv_loop_init(&t->loop);
	if (err) return err;
	err = mailbox_open(&t->mailbox, &t->loop);
	if (err) goto fail_loop;
	err = eio_clock_open(&t->clock, &t->loop);
	if (err) goto fail_mailbox;
	return 0;
fail_mailbox:
	mailbox_close(&t->mailbox);
	uv_run(&t->loop, UV_RUN_DEFAULT);
fail_loop:
	uv_loop_close(&t->loop);
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
	t->magic = 0;
}

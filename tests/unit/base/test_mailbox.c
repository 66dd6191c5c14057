/* SPDX-License-Identifier: MIT */
/* Two loops on two threads, and a hundred pings to and fro; then many senders at once. Run under TSan too. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "eio/list.h"
#include "src/base/mailbox.h"

#include <stdlib.h>

enum { PINGS = 100, SENDERS = 3, EACH = 2000 };

struct side {
	uv_loop_t loop;
	struct mailbox mailbox;
	struct side *peer;
	int seen;
};

struct ping {
	struct mail mail;
	int n;
};

/* Each ping goes back with its number one higher, until PINGS; then both sides close. */
static void
on_ping(void *user, struct mail *first)
{
	struct side *s = user;
	struct ping *p = EIO_CONTAINER(first, struct ping, mail);
	int n;

	if (first->next) abort(); /* there is only one ping in all */
	s->seen++;
	n = ++p->n;
	if (n <= PINGS) mailbox_post(&s->peer->mailbox, &p->mail); /* from here on it is the peer's */
	if (n >= PINGS) mailbox_close(&s->mailbox);
}

static void
run(void *arg)
{
	struct side *s = arg;

	uv_run(&s->loop, UV_RUN_DEFAULT);
}

static void
ping_pong(void **state)
{
	struct side a = { .seen = 0 }, b = { .seen = 0 };
	struct ping p = { .n = 0 };
	uv_thread_t thread;

	(void)state;
	assert_int_equal(uv_loop_init(&a.loop), 0);
	assert_int_equal(uv_loop_init(&b.loop), 0);
	a.peer = &b;
	b.peer = &a;
	assert_int_equal(mailbox_open(&a.mailbox, &a.loop, on_ping, &a), 0);
	assert_int_equal(mailbox_open(&b.mailbox, &b.loop, on_ping, &b), 0);
	assert_int_equal(uv_thread_create(&thread, run, &b), 0);
	mailbox_post(&b.mailbox, &p.mail);
	run(&a);
	uv_thread_join(&thread);
	assert_int_equal(p.n, PINGS + 1);
	assert_int_equal(a.seen + b.seen, PINGS + 1);
	assert_int_equal(uv_loop_close(&a.loop), 0);
	assert_int_equal(uv_loop_close(&b.loop), 0);
}

struct reader {
	struct mailbox mailbox;
	int next[SENDERS]; /* the number expected from each */
	int total, wakes;
};

static void
on_mail(void *user, struct mail *first)
{
	struct reader *r = user;
	struct mail *next;

	r->wakes++;
	for (struct mail *m = first; m; m = next) {
		struct ping *p = EIO_CONTAINER(m, struct ping, mail);

		next = m->next;
		if (p->n != r->next[m->kind]++) abort(); /* out of order */
		free(p);
		if (++r->total == SENDERS * EACH) mailbox_close(&r->mailbox);
	}
}

struct sender {
	struct mailbox *to;
	int kind;
};

static void
send_all(void *arg)
{
	struct sender *s = arg;

	for (int i = 0; i < EACH; i++) {
		struct ping *p = malloc(sizeof *p);

		if (!p) abort();
		p->mail.kind = s->kind;
		p->n = i;
		mailbox_post(s->to, &p->mail);
	}
}

static void
many_senders(void **state)
{
	struct reader r = { .total = 0 };
	struct sender senders[SENDERS];
	uv_thread_t threads[SENDERS];
	uv_loop_t loop;

	(void)state;
	assert_int_equal(uv_loop_init(&loop), 0);
	assert_int_equal(mailbox_open(&r.mailbox, &loop, on_mail, &r), 0);
	for (int i = 0; i < SENDERS; i++) {
		senders[i] = (struct sender){ &r.mailbox, i };
		assert_int_equal(uv_thread_create(&threads[i], send_all, &senders[i]), 0);
	}
	uv_run(&loop, UV_RUN_DEFAULT);
	for (int i = 0; i < SENDERS; i++) uv_thread_join(&threads[i]);
	assert_int_equal(r.total, SENDERS * EACH);
	assert_true(r.wakes <= r.total);
	assert_int_equal(uv_loop_close(&loop), 0);
}

static void
ignore(void *user, struct mail *first)
{
	int *seen = user;

	for (; first; first = first->next) ++*seen;
}

/* What was posted before closing is not lost. */
static void
close_delivers(void **state)
{
	struct mailbox mb;
	struct mail a, b;
	uv_loop_t loop;
	int seen = 0;

	(void)state;
	assert_int_equal(uv_loop_init(&loop), 0);
	assert_int_equal(mailbox_open(&mb, &loop, ignore, &seen), 0);
	mailbox_post(&mb, &a);
	mailbox_post(&mb, &b);
	mailbox_close(&mb);
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(seen, 2);
	assert_int_equal(uv_loop_close(&loop), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ping_pong),
		cmocka_unit_test(many_senders),
		cmocka_unit_test(close_delivers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

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
#include <string.h>

enum { PINGS = 100, SENDERS = 3, EACH = 2000 };

struct side {
	uv_loop_t loop;
	struct mailbox mailbox;
	struct mail_port pings;
	struct side *peer;
	int seen;
};

struct ping {
	struct mail mail;
	int n;
};

/* Each ping goes back with its number one higher, until PINGS; then both sides close. */
static void
take_ping(void *user, struct mail *run)
{
	struct side *s = user;
	struct ping *p = EIO_CONTAINER(run, struct ping, mail);
	int n;

	if (run->next) abort(); /* there is only one ping in all */
	s->seen++;
	n = ++p->n;
	if (n <= PINGS) mail_post(&s->peer->pings, &p->mail); /* from here on it is the peer's */
	if (n >= PINGS) mailbox_close(&s->mailbox);
}

static void
open_side(struct side *s, struct side *peer)
{
	assert_int_equal(uv_loop_init(&s->loop), 0);
	s->peer = peer;
	s->pings = (struct mail_port){ &s->mailbox, take_ping, s };
	assert_int_equal(mailbox_open(&s->mailbox, &s->loop), 0);
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
	open_side(&a, &b);
	open_side(&b, &a);
	assert_int_equal(uv_thread_create(&thread, run, &b), 0);
	mail_post(&b.pings, &p.mail);
	run(&a);
	uv_thread_join(&thread);
	assert_int_equal(p.n, PINGS + 1);
	assert_int_equal(a.seen + b.seen, PINGS + 1);
	assert_int_equal(uv_loop_close(&a.loop), 0);
	assert_int_equal(uv_loop_close(&b.loop), 0);
}

struct reader {
	struct mailbox mailbox;
	struct reader_port {
		struct mail_port port;
		struct reader *reader;
		int next; /* the number expected */
		int runs;
	} from[SENDERS];
	int total;
};

static void
take_numbers(void *user, struct mail *run)
{
	struct reader_port *from = user;
	struct mail *next;

	from->runs++;
	for (struct mail *m = run; m; m = next) {
		struct ping *p = EIO_CONTAINER(m, struct ping, mail);

		next = m->next;
		if (m->to != &from->port || p->n != from->next++) abort(); /* not ours, or out of order */
		free(p);
		if (++from->reader->total == SENDERS * EACH) mailbox_close(&from->reader->mailbox);
	}
}

static void
send_numbers(void *arg)
{
	struct reader_port *to = arg;

	for (int i = 0; i < EACH; i++) {
		struct ping *p = malloc(sizeof *p);

		if (!p) abort();
		p->n = i;
		mail_post(&to->port, &p->mail);
	}
}

static void
many_senders(void **state)
{
	struct reader r = { .total = 0 };
	uv_thread_t threads[SENDERS];
	uv_loop_t loop;

	(void)state;
	assert_int_equal(uv_loop_init(&loop), 0);
	assert_int_equal(mailbox_open(&r.mailbox, &loop), 0);
	for (int i = 0; i < SENDERS; i++) {
		r.from[i].port = (struct mail_port){ &r.mailbox, take_numbers, &r.from[i] };
		r.from[i].reader = &r;
		assert_int_equal(uv_thread_create(&threads[i], send_numbers, &r.from[i]), 0);
	}
	uv_run(&loop, UV_RUN_DEFAULT);
	for (int i = 0; i < SENDERS; i++) uv_thread_join(&threads[i]);
	assert_int_equal(r.total, SENDERS * EACH);
	for (int i = 0; i < SENDERS; i++) assert_true(r.from[i].runs <= EACH);
	assert_int_equal(uv_loop_close(&loop), 0);
}

/* One thread, three ports: what comes is noted as a text, a letter for each mail and a dot behind each run. */
struct desk {
	uv_loop_t loop;
	struct mailbox mailbox;
	struct letter_port {
		struct mail_port port;
		struct desk *desk;
		char letter;
	} a, b, closing;
	char text[64];
	size_t n;
};

static void
note_run(void *user, struct mail *run)
{
	struct letter_port *p = user;

	for (; run; run = run->next) p->desk->text[p->desk->n++] = p->letter;
	p->desk->text[p->desk->n++] = '.';
}

static void
close_desk(void *user, struct mail *run)
{
	struct letter_port *p = user;

	p->desk->text[p->desk->n++] = '(';
	(void)run;
	mailbox_close(&p->desk->mailbox);
	p->desk->text[p->desk->n++] = ')';
}

static void
open_desk(struct desk *d)
{
	memset(d, 0, sizeof *d);
	assert_int_equal(uv_loop_init(&d->loop), 0);
	assert_int_equal(mailbox_open(&d->mailbox, &d->loop), 0);
	d->a = (struct letter_port){ { &d->mailbox, note_run, &d->a }, d, 'a' };
	d->b = (struct letter_port){ { &d->mailbox, note_run, &d->b }, d, 'b' };
	d->closing = (struct letter_port){ { &d->mailbox, close_desk, &d->closing }, d, 'c' };
}

/* Posts one mail for each letter of a text. */
static void
post_letters(struct desk *d, struct mail *mails, const char *letters)
{
	for (size_t i = 0; letters[i]; i++) {
		const struct letter_port *to = letters[i] == 'a' ? &d->a : letters[i] == 'b' ? &d->b : &d->closing;

		mail_post(&to->port, &mails[i]);
	}
}

static void
close_and_compare(struct desk *d, const char *want)
{
	uv_run(&d->loop, UV_RUN_DEFAULT);
	assert_string_equal(d->text, want);
	assert_int_equal(uv_loop_close(&d->loop), 0);
}

/* Neighbours for one port come together, and nothing passes anything else. */
static void
runs_are_neighbours(void **state)
{
	struct desk d;
	struct mail mails[16];

	(void)state;
	open_desk(&d);
	post_letters(&d, mails, "aabaaabbac");
	close_and_compare(&d, "aa.b.aaa.bb.a.()");
}

/* What was posted before closing is not lost. */
static void
closing_takes_the_rest(void **state)
{
	struct desk d;
	struct mail mails[4];

	(void)state;
	open_desk(&d);
	post_letters(&d, mails, "aab");
	mailbox_close(&d.mailbox);
	assert_string_equal(d.text, "aa.b.");
	close_and_compare(&d, "aa.b.");
}

/* A port that closes the mailbox has what is behind it taken, in order: what was read with it, and then what is still
 * queued. */
static void
a_port_closes(void **state)
{
	struct desk d;
	struct mail mails[8];

	(void)state;
	open_desk(&d);
	post_letters(&d, mails, "acbba");
	close_and_compare(&d, "a.(bb.a.)");
}

struct late {
	struct desk *desk;
	struct mail *mails;
};

/* Posts while a run is taken: that is for the next time. */
static void
post_more(void *user, struct mail *run)
{
	struct late *l = user;

	note_run(&l->desk->a, run);
	post_letters(l->desk, l->mails, "bc");
}

static void
mail_from_a_port_waits_its_turn(void **state)
{
	struct desk d;
	struct mail mails[8];
	struct late late = { &d, mails + 4 };

	(void)state;
	open_desk(&d);
	d.a.port = (struct mail_port){ &d.mailbox, post_more, &late };
	post_letters(&d, mails, "ab");
	close_and_compare(&d, "a.b.b.()");
}

static void
a_port_without_a_mailbox(void **state)
{
	struct desk d;
	struct mail mails[2];

	(void)state;
	open_desk(&d);
	d.a.port.mailbox = NULL;
	post_letters(&d, mails, "aa");
	assert_string_equal(d.text, "a.a.");
	mailbox_close(&d.mailbox);
	close_and_compare(&d, "a.a.");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ping_pong),
		cmocka_unit_test(many_senders),
		cmocka_unit_test(runs_are_neighbours),
		cmocka_unit_test(closing_takes_the_rest),
		cmocka_unit_test(a_port_closes),
		cmocka_unit_test(mail_from_a_port_waits_its_turn),
		cmocka_unit_test(a_port_without_a_mailbox),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/*
 * Forms of large bundles that other threads make: each once, whichever loops wait for it, and for nobody when nobody
 * waits any more. Linked with -Wl,--wrap=eio_bundle_wire: a gate before each form that is made, so that nothing depends
 * on who is faster.
 */
#include "eio/deflate.h"
#include "eio/net/forms.h"
#include "tests/unit/failmalloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { LOOPS = 2, WAITS = 4, ROUNDS = 100 };

static const struct eio_deflate deflate = { .on = true, .threshold = 1024, .level = 1, .window_bits = 15 };

/* The gate */

static uv_mutex_t gate;
static uv_cond_t gate_opened;
static bool is_open, fails; /* {gate} */
static unsigned made; /* {gate} */

struct eio_block *__real_eio_bundle_wire(struct eio_bundle *b, enum eio_wire wire);
struct eio_block *__wrap_eio_bundle_wire(struct eio_bundle *b, enum eio_wire wire);

struct eio_block *
__wrap_eio_bundle_wire(struct eio_bundle *b, enum eio_wire wire)
{
	bool failed;

	uv_mutex_lock(&gate);
	while (!is_open) uv_cond_wait(&gate_opened, &gate);
	made++;
	failed = fails;
	uv_mutex_unlock(&gate);
	return failed ? NULL : __real_eio_bundle_wire(b, wire);
}

static void
set_gate(bool open, bool failing)
{
	uv_mutex_lock(&gate);
	is_open = open;
	fails = failing;
	made = 0;
	uv_cond_broadcast(&gate_opened);
	uv_mutex_unlock(&gate);
}

/* Without forgetting what was made so far. */
static void
open_gate(void)
{
	uv_mutex_lock(&gate);
	is_open = true;
	uv_cond_broadcast(&gate_opened);
	uv_mutex_unlock(&gate);
}

static unsigned
made_so_far(void)
{
	unsigned n;

	uv_mutex_lock(&gate);
	n = made;
	uv_mutex_unlock(&gate);
	return n;
}

/* Loops and who waits there */

struct waiter {
	struct eio_list wait;
	unsigned told, told_made;
};

struct looper {
	uv_loop_t loop;
	struct eio__forms forms;
	struct waiter waiters[WAITS];
};

static void
on_told(struct eio_list *wait, bool ok)
{
	struct waiter *w = EIO_CONTAINER(wait, struct waiter, wait);

	assert_true(eio_list_empty(wait));
	w->told++;
	w->told_made += ok;
}

static void
open_loop(struct looper *l)
{
	memset(l, 0, sizeof *l);
	assert_int_equal(uv_loop_init(&l->loop), 0);
	assert_int_equal(eio__forms_open(&l->forms, &l->loop, on_told), 0);
	for (int i = 0; i < WAITS; i++) eio_list_init(&l->waiters[i].wait);
}

static void
close_loop(struct looper *l)
{
	eio__forms_close(&l->forms);
	uv_run(&l->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&l->loop), 0);
}

static struct eio_bundle *
large(void)
{
	static const char text[EIO_BUNDLE_LARGE];
	struct eio_message m = { .data = { text, sizeof text } };
	struct eio_bundle *b = eio_bundle_new(&m, 1);

	assert_non_null(b);
	return b;
}

static void
ask(struct looper *l, unsigned waiter, struct eio_bundle *b, enum eio_wire wire)
{
	assert_int_equal(eio__forms_ask(&l->forms, b, wire, NULL, &l->waiters[waiter].wait), 0);
}

/* Runs the loop until so many were told. */
static void
run_until(struct looper *l, unsigned told)
{
	unsigned n;

	do {
		uv_run(&l->loop, UV_RUN_ONCE);
		n = 0;
		for (int i = 0; i < WAITS; i++) n += l->waiters[i].told;
	} while (n < told);
	assert_int_equal(n, told);
}

/* Tests */

/* Who waits for the same form is told by the same making; other forms are others. */
static void
test_each_once(void **state)
{
	struct eio_bundle *b = large();
	struct looper l;

	(void)state;
	open_loop(&l);
	set_gate(false, false);
	ask(&l, 0, b, EIO_WIRE_WS_3);
	ask(&l, 1, b, EIO_WIRE_WS_3);
	ask(&l, 2, b, EIO_WIRE_POLLING);
	assert_int_equal(eio__forms_ask(&l.forms, b, EIO_WIRE_WS, &deflate, &l.waiters[3].wait), 0);
	assert_false(eio_bundle_has(b, EIO_WIRE_WS_3, NULL));
	open_gate();
	run_until(&l, 4);
	for (int i = 0; i < WAITS; i++) assert_int_equal(l.waiters[i].told_made, 1);
	assert_int_equal(made_so_far(), 3); /* of the variant the plain form, which was there */
	assert_true(eio_bundle_has(b, EIO_WIRE_WS_3, NULL));
	assert_true(eio_bundle_has(b, EIO_WIRE_POLLING, NULL));
	assert_true(eio_bundle_has(b, EIO_WIRE_WS, &deflate));
	eio_bundle_unref(b);
	close_loop(&l);
}

/* Two loops wait for one making; the one that began it closes before it is made. */
static void
test_loops_share(void **state)
{
	struct looper l[LOOPS];

	(void)state;
	for (int closes = 0; closes < 2; closes++) {
		struct eio_bundle *b = large();

		for (int i = 0; i < LOOPS; i++) open_loop(&l[i]);
		set_gate(false, false);
		for (unsigned i = 0; i < LOOPS; i++) ask(&l[i], 0, b, EIO_WIRE_WS_3);
		if (closes) {
			eio_list_remove(&l[0].waiters[0].wait);
			eio__forms_close(&l[0].forms);
		}
		open_gate();
		run_until(&l[1], 1);
		assert_int_equal(l[1].waiters[0].told_made, 1);
		if (!closes) run_until(&l[0], 1);
		assert_int_equal(made_so_far(), 1);
		eio_bundle_unref(b);
		if (closes) {
			uv_run(&l[0].loop, UV_RUN_DEFAULT);
			assert_int_equal(uv_loop_close(&l[0].loop), 0);
			assert_int_equal(l[0].waiters[0].told, 0);
		} else {
			close_loop(&l[0]);
		}
		close_loop(&l[1]);
	}
}

/* What nobody waits for any more when its turn comes is not made. The pool has one thread here. */
static void
test_nobody_waits(void **state)
{
	struct eio_bundle *b = large();
	struct looper l;

	(void)state;
	open_loop(&l);
	set_gate(false, false);
	ask(&l, 0, b, EIO_WIRE_WS_3);
	ask(&l, 1, b, EIO_WIRE_POLLING);
	for (int i = 0; i < 2; i++) eio_list_remove(&l.waiters[i].wait);
	eio__forms_close(&l.forms);
	open_gate();
	uv_run(&l.loop, UV_RUN_DEFAULT);
	assert_true(made_so_far() <= 1);
	assert_false(eio_bundle_has(b, EIO_WIRE_POLLING, NULL));
	assert_int_equal(l.waiters[0].told + l.waiters[1].told, 0);
	assert_int_equal(uv_loop_close(&l.loop), 0);
	eio_bundle_unref(b);
}

/* Who has left is not told, the other is. */
static void
test_one_leaves(void **state)
{
	struct eio_bundle *b = large();
	struct looper l;

	(void)state;
	open_loop(&l);
	set_gate(false, false);
	ask(&l, 0, b, EIO_WIRE_WS_3);
	ask(&l, 1, b, EIO_WIRE_WS_3);
	eio_list_remove(&l.waiters[0].wait);
	open_gate();
	run_until(&l, 1);
	assert_int_equal(l.waiters[0].told, 0);
	eio_bundle_unref(b);
	close_loop(&l);
}

/* A form that cannot be made is told, and may be asked for again. */
static void
test_not_made(void **state)
{
	struct eio_bundle *b = large();
	struct looper l;

	(void)state;
	open_loop(&l);
	set_gate(true, true);
	ask(&l, 0, b, EIO_WIRE_WS_3);
	run_until(&l, 1);
	assert_int_equal(l.waiters[0].told_made, 0);
	set_gate(true, false);
	ask(&l, 0, b, EIO_WIRE_WS_3);
	run_until(&l, 2);
	assert_int_equal(l.waiters[0].told_made, 1);
	eio_bundle_unref(b);
	close_loop(&l);
}

/* Without memory nothing is begun, and nobody waits. */
static void
test_no_memory(void **state)
{
	struct eio_bundle *b = large();
	struct looper l;
	long n = 0;
	int rc;

	(void)state;
	open_loop(&l);
	set_gate(true, false);
	ask(&l, 1, b, EIO_WIRE_POLLING); /* the threads are there now */
	run_until(&l, 1);
	set_gate(false, false); /* nobody else allocates meanwhile */
	for (;; n++) {
		failmalloc_arm(n);
		rc = eio__forms_ask(&l.forms, b, EIO_WIRE_WS_3, NULL, &l.waiters[0].wait);
		if (!failmalloc_disarm()) break;
		assert_int_equal(rc, -1);
		assert_true(eio_list_empty(&l.waiters[0].wait));
		assert_true(eio_list_empty(&l.forms.asked));
	}
	assert_int_equal(rc, 0);
	assert_int_equal(n, 2);
	open_gate();
	run_until(&l, 2);
	eio_bundle_unref(b);
	close_loop(&l);
}

/* Two threads ask for the same forms at the same time, over and over. */

static struct eio_bundle *shared[ROUNDS];
static uv_barrier_t together;

static void
ask_for_all(void *arg)
{
	struct looper *l = arg;

	open_loop(l);
	for (int i = 0; i < ROUNDS; i++) {
		uv_barrier_wait(&together);
		ask(l, 0, shared[i], EIO_WIRE_WS_3);
		run_until(l, (unsigned)i + 1);
		assert_true(eio_bundle_has(shared[i], EIO_WIRE_WS_3, NULL));
	}
	assert_int_equal(l->waiters[0].told_made, ROUNDS);
	close_loop(l);
}

static void
test_threads(void **state)
{
	struct looper l[LOOPS];
	uv_thread_t threads[LOOPS];

	(void)state;
	set_gate(true, false);
	assert_int_equal(uv_barrier_init(&together, LOOPS), 0);
	for (int i = 0; i < ROUNDS; i++) shared[i] = large();
	for (int i = 0; i < LOOPS; i++) assert_int_equal(uv_thread_create(&threads[i], ask_for_all, &l[i]), 0);
	for (int i = 0; i < LOOPS; i++) uv_thread_join(&threads[i]);
	for (int i = 0; i < ROUNDS; i++) eio_bundle_unref(shared[i]);
	uv_barrier_destroy(&together);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_once),
		cmocka_unit_test(test_loops_share),
		cmocka_unit_test(test_nobody_waits),
		cmocka_unit_test(test_one_leaves),
		cmocka_unit_test(test_not_made),
		cmocka_unit_test(test_no_memory),
		cmocka_unit_test(test_threads),
	};

	setenv("UV_THREADPOOL_SIZE", "1", 1);
	uv_mutex_init(&gate);
	uv_cond_init(&gate_opened);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

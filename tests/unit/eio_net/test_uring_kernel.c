/* SPDX-License-Identifier: MIT */
/*
 * io_uring with a kernel that refuses, is interrupted or does only part of what it was asked for: by filters of
 * containers, by age, for want of memory. Every send is told once, what was not sent is told whole, and nothing is sent
 * twice. Linked with -Wl,--wrap=syscall.
 */
#define _GNU_SOURCE
#include "eio/net/uring.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

enum { SENDS = 10, CALLS = 4 };

/* What the kernel does in one call. */
struct call {
	enum { DO, FAIL, DO_SOME, DO_NOTHING } what;
	int n; /* the errno of FAIL; how many sends of DO_SOME */
};

static struct call enters[CALLS]; /* the next calls; those behind them are all DO */
static int setups[2]; /* errno of the next set-ups, 0: none */
static unsigned n_enter, n_setup;

long __real_syscall(long number, ...);
long __wrap_syscall(long number, ...);

static long
fail_with(int err)
{
	errno = err;
	return -1;
}

static long
enter(const long *a)
{
	struct call c = n_enter < CALLS ? enters[n_enter] : (struct call){ .what = DO };

	n_enter++;
	switch (c.what) {
	case FAIL: return fail_with(c.n);
	case DO_SOME: return __real_syscall(SYS_io_uring_enter, a[0], (long)c.n, (long)c.n, a[3], a[4], a[5]);
	case DO_NOTHING: return 1;
	case DO: break;
	}
	return __real_syscall(SYS_io_uring_enter, a[0], a[1], a[2], a[3], a[4], a[5]);
}

long
__wrap_syscall(long number, ...)
{
	int n = number == SYS_io_uring_setup ? 2 : number == SYS_io_uring_register ? 4 : 6;
	long a[6] = { 0 };
	va_list args;

	va_start(args, number);
	for (int i = 0; i < n; i++) a[i] = va_arg(args, long);
	va_end(args);
	if (number == SYS_io_uring_enter) return enter(a);
	if (number == SYS_io_uring_setup && n_setup < 2 && setups[n_setup]) return fail_with(setups[n_setup++]);
	if (number == SYS_io_uring_setup) n_setup++;
	return __real_syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

/* Sends */

struct one {
	int fds[2];
	int told;
	size_t rest;
};

struct test {
	struct eio_uring *ring;
	struct eio_block *block;
	struct one sends[SENDS];
};

static void
on_sent(void *user, void *owner, size_t left)
{
	struct one *s = owner;

	(void)user;
	s->told++;
	s->rest = left;
}

/* Leaves the test out where there is no io_uring. */
static void
start(struct test *t)
{
	memset(enters, 0, sizeof(enters));
	memset(setups, 0, sizeof(setups));
	n_enter = n_setup = 0;
	*t = (struct test){ .ring = eio_uring_new(on_sent, NULL) };
	if (!t->ring) {
		print_message("no io_uring here: %s\n", strerror(errno));
		skip();
	}
	t->block = eio_block_new(5);
	assert_non_null(t->block);
	memcpy(t->block->data, "hello", 5);
	for (int i = 0; i < SENDS; i++) assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, t->sends[i].fds), 0);
}

static void
finish(struct test *t)
{
	assert_int_equal(atomic_load(&t->block->refs), 1);
	for (int i = 0; i < SENDS; i++) {
		close(t->sends[i].fds[0]);
		close(t->sends[i].fds[1]);
	}
	eio_block_unref(t->block);
	eio_uring_free(t->ring);
}

/* Adds a send to each, flushes, and sees that the first n arrived and all others were told whole. */
static void
expect(struct test *t, int n)
{
	char got[20];

	for (int i = 0; i < SENDS; i++) {
		t->sends[i].told = 0;
		eio_uring_add(t->ring, &t->sends[i], t->sends[i].fds[0], t->block);
	}
	n_enter = 0;
	eio_uring_flush(t->ring);
	for (int i = 0; i < SENDS; i++) {
		ssize_t k = recv(t->sends[i].fds[1], got, sizeof(got), MSG_DONTWAIT);

		assert_int_equal(t->sends[i].told, 1);
		assert_int_equal(t->sends[i].rest, i < n ? 0 : 5);
		assert_int_equal(k, i < n ? 5 : -1);
		if (k > 0) assert_memory_equal(got, "hello", 5);
	}
}

static void
script(struct call first, struct call second)
{
	memset(enters, 0, sizeof(enters));
	enters[0] = first;
	enters[1] = second;
}

static const struct call all = { DO, 0 };

static void
fails(int err, bool works)
{
	struct test t;

	start(&t);
	script((struct call){ FAIL, err }, all);
	expect(&t, 0);
	assert_int_equal(n_enter, 1);
	assert_int_equal(eio_uring_works(t.ring), works);
	script(all, all);
	expect(&t, works ? SENDS : 0);
	assert_int_equal(n_enter, works);
	finish(&t);
}

/* A kernel that has no memory may have some later on; one that forbids is not asked again. */
static void
test_refuses_later(void **state)
{
	(void)state;
	fails(EAGAIN, true);
	fails(EPERM, false);
	fails(ENOSYS, false);
}

static void
test_partly(void **state)
{
	struct test t;

	(void)state;
	start(&t);
	script((struct call){ FAIL, EINTR }, all);
	expect(&t, SENDS);
	script((struct call){ DO_SOME, 3 }, (struct call){ DO_SOME, 1 });
	expect(&t, SENDS);
	script((struct call){ DO_SOME, 3 }, (struct call){ FAIL, EINTR });
	expect(&t, SENDS);
	/* Began some, and was interrupted while it waited for them. */
	script((struct call){ DO_NOTHING, 0 }, all);
	expect(&t, SENDS);
	assert_true(eio_uring_works(t.ring));
	script((struct call){ DO_SOME, 3 }, (struct call){ FAIL, EAGAIN });
	expect(&t, 3);
	assert_true(eio_uring_works(t.ring));
	script(all, all);
	expect(&t, SENDS);
	script((struct call){ DO_SOME, 7 }, (struct call){ FAIL, EPERM });
	expect(&t, 7);
	assert_false(eio_uring_works(t.ring));
	expect(&t, 0);
	finish(&t);
}

/* Set-ups */

static void
refused(int first, int second, int at_enter, int err)
{
	memset(enters, 0, sizeof(enters));
	if (at_enter) enters[0] = (struct call){ FAIL, at_enter };
	setups[0] = first;
	setups[1] = second;
	n_enter = n_setup = 0;
	errno = 0;
	assert_null(eio_uring_new(on_sent, NULL));
	assert_int_equal(errno, err);
}

static void
test_refused(void **state)
{
	struct test t;

	(void)state;
	start(&t); /* is there one at all? */
	/* By a filter, by sysctl kernel.io_uring_disabled, by age, by RLIMIT_MEMLOCK: it is not tried again in
	 * another way. */
	refused(EPERM, 0, 0, EPERM);
	assert_int_equal(n_setup, 1);
	refused(ENOSYS, 0, 0, ENOSYS);
	assert_int_equal(n_setup, 1);
	refused(ENOMEM, 0, 0, ENOMEM);
	assert_int_equal(n_setup, 1);
	refused(EINVAL, EINVAL, 0, EINVAL);
	/* A filter that lets rings be made but not used. */
	refused(0, 0, EPERM, EPERM);
	refused(0, 0, ENOSYS, EPERM);
	finish(&t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refuses_later),
		cmocka_unit_test(test_partly),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

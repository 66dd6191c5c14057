/* SPDX-License-Identifier: MIT */
/* Two connections that became one: all bytes in both directions, no more than a buffer kept, and each end told. */
#include "eio/net/splice.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

enum { SMALL = 8192, MUCH = 4 << 20 };

struct test {
	uv_loop_t loop;
	struct eio_clock clock;
	struct eio_splices *all;
	int here, there; /* the far ends */
};

static void
pair(int fds[2])
{
	int size = SMALL;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
	for (int i = 0; i < 2; i++) setsockopt(fds[i], SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
}

static void
turns(struct test *t, int n)
{
	while (n--) uv_run(&t->loop, UV_RUN_NOWAIT);
}

static void
start(struct test *t)
{
	int a[2], b[2];

	assert_int_equal(uv_loop_init(&t->loop), 0);
	assert_int_equal(eio_clock_open(&t->clock, &t->loop), 0);
	t->all = eio_splices_new(&t->loop, &t->clock);
	assert_non_null(t->all);
	pair(a);
	pair(b);
	t->here = a[0];
	t->there = b[0];
	eio_splices_join(t->all, a[1], NULL, b[1]);
	assert_int_equal(eio_splices_count(t->all), 1);
}

static void
finish(struct test *t)
{
	if (t->here >= 0) close(t->here);
	if (t->there >= 0) close(t->there);
	turns(t, 5);
	eio_splices_close(t->all);
	eio_clock_close(&t->clock);
	uv_run(&t->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&t->loop), 0);
}

static void
expect(int fd, const char *text)
{
	char got[64];
	ssize_t n = recv(fd, got, sizeof got, 0);

	assert_int_equal(n, strlen(text));
	assert_memory_equal(got, text, strlen(text));
}

/* Behind the last byte there is the end; or, with false, nothing yet. */
static void
expect_end(int fd, bool ended)
{
	char c;
	ssize_t n = recv(fd, &c, 1, 0);

	assert_int_equal(n, ended ? 0 : -1);
	if (!ended) assert_int_equal(errno, EAGAIN);
}

static void
test_both_ways(void **state)
{
	struct test t;

	(void)state;
	start(&t);
	assert_int_equal(send(t.here, "ping", 4, 0), 4);
	assert_int_equal(send(t.there, "pong!", 5, 0), 5);
	turns(&t, 3);
	expect(t.there, "ping");
	expect(t.here, "pong!");
	finish(&t);
}

static unsigned char
byte_at(size_t i)
{
	return (unsigned char)(i * 2654435761u >> 13);
}

/* Sends what is taken. */
static void
send_on(int fd, size_t *sent)
{
	unsigned char part[1000];
	ssize_t n;

	do {
		size_t want = MUCH - *sent < sizeof part ? MUCH - *sent : sizeof part;

		for (size_t i = 0; i < want; i++) part[i] = byte_at(*sent + i);
		n = want ? send(fd, part, want, MSG_NOSIGNAL) : 0;
		if (n > 0) *sent += (size_t)n;
	} while (n > 0);
}

static void
take(int fd, size_t *got)
{
	unsigned char part[700];
	ssize_t n = recv(fd, part, sizeof part, 0);

	for (ssize_t i = 0; i < n; i++) assert_int_equal(part[i], byte_at(*got + (size_t)i));
	if (n > 0) *got += (size_t)n;
}

/* Who does not read holds the other up, and costs a buffer. */
static void
test_back_pressure(void **state)
{
	size_t sent = 0, before, got = 0;
	struct test t;

	(void)state;
	start(&t);
	do {
		before = sent;
		send_on(t.here, &sent);
		turns(&t, 3);
	} while (sent > before);
	assert_true(sent > EIO_SPLICE_BYTES && sent < MUCH / 4);
	/* The other direction is not held up. */
	assert_int_equal(send(t.there, "x", 1, 0), 1);
	turns(&t, 3);
	expect(t.here, "x");
	while (got < MUCH) {
		send_on(t.here, &sent);
		turns(&t, 1);
		take(t.there, &got);
	}
	finish(&t);
}

/* One end is told behind the last byte, and the other direction goes on. */
static void
test_half_close(void **state)
{
	struct test t;

	(void)state;
	start(&t);
	assert_int_equal(send(t.here, "last", 4, 0), 4);
	assert_int_equal(shutdown(t.here, SHUT_WR), 0);
	turns(&t, 3);
	expect(t.there, "last");
	expect_end(t.there, true);
	assert_int_equal(eio_splices_count(t.all), 1);
	assert_int_equal(send(t.there, "more", 4, 0), 4);
	turns(&t, 3);
	expect(t.here, "more");
	expect_end(t.here, false);
	close(t.there);
	t.there = -1;
	turns(&t, 3);
	expect_end(t.here, true);
	assert_int_equal(eio_splices_count(t.all), 0);
	finish(&t);
}

/* The end comes behind what waits for a slow reader. */
static void
test_end_behind_rest(void **state)
{
	size_t sent = 0, before, got = 0;
	struct test t;

	(void)state;
	start(&t);
	do {
		before = sent;
		send_on(t.here, &sent);
		turns(&t, 3);
	} while (sent > before);
	close(t.here);
	t.here = -1;
	turns(&t, 3);
	while (got < sent) {
		take(t.there, &got);
		turns(&t, 1);
	}
	turns(&t, 3);
	expect_end(t.there, true);
	finish(&t);
}

static void
test_cut(void **state)
{
	struct test t;

	(void)state;
	start(&t);
	eio_splices_cut(t.all);
	assert_int_equal(eio_splices_count(t.all), 0);
	expect_end(t.here, true);
	expect_end(t.there, true);
	finish(&t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_both_ways),
		cmocka_unit_test(test_back_pressure),
		cmocka_unit_test(test_half_close),
		cmocka_unit_test(test_end_behind_rest),
		cmocka_unit_test(test_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* Connections that take no more: how they are counted, and how little the kernel takes of them, whatever sends. */
#include "eio/block.h"
#include "eio/net/behind.h"
#include "eio/net/gather.h"

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

enum {
	MANY = 200,
	LOOKED = 64, /* in one turn */
	BLOCK = 20000,
	BLOCKS = 3, /* of a burst */
	SENDERS = 4, /* several, so that a ring is used as one */
	/* What a receiver that does not read may take, and a piece that the kernel had begun. */
	WINDOW = 65536,
	PIECE = 65536,
};

/* Two ends of a connection over TCP, of which the second never reads. */
static void
connect_pair(int fd[2])
{
	struct sockaddr_in sa = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof sa;
	int listener = socket(AF_INET, SOCK_STREAM, 0), small = WINDOW / 2;

	assert_int_equal(bind(listener, (struct sockaddr *)&sa, sizeof sa), 0);
	setsockopt(listener, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&sa, &n), 0);
	fd[0] = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(connect(fd[0], (struct sockaddr *)&sa, sizeof sa), 0);
	fd[1] = accept(listener, NULL, NULL);
	assert_true(fd[1] >= 0);
	close(listener);
}

/* Sending until nothing is taken any more */

static size_t left_over;

static void
on_left(struct eio__burst *b, struct eio_block *block, size_t at)
{
	(void)b;
	left_over += block->n - at;
}

static size_t
fill_gathered(bool ring, bool bounded)
{
	struct eio__gather *g = eio__gather_new(on_left);
	struct eio__burst bursts[SENDERS] = { { 0 } };
	struct eio_block *block = eio_block_new(BLOCK);
	int fd[SENDERS][2];
	size_t taken = 0, now = 1;

	assert_true(g && block);
	memset(block->data, 'x', block->n);
	for (int i = 0; i < SENDERS; i++) {
		connect_pair(fd[i]);
		if (bounded) eio__behind_bound(fd[i][0]);
	}
	if (ring) (void)eio__gather_use_uring(g); /* where there is none, the same is tried twice */
	/* What was sent last may still be on its way: it is tried a few more times. */
	for (int quiet = 0; quiet < 20; quiet = now ? 0 : quiet + 1, taken += now) {
		left_over = 0;
		eio__gather_begin(g, true);
		for (int k = 0; k < BLOCKS; k++)
			for (int i = 0; i < SENDERS; i++) assert_true(eio__gather_add(g, &bursts[i], fd[i][0], block));
		eio__gather_end(g);
		now = (size_t)BLOCK * BLOCKS * SENDERS - left_over;
		if (!now) usleep(1000);
	}
	for (int i = 0; i < SENDERS; i++) {
		close(fd[i][0]);
		close(fd[i][1]);
	}
	eio__gather_free(g);
	eio_block_unref(block);
	return taken / SENDERS;
}

static void
test_kernel_takes_little(void **state)
{
	(void)state;
	for (int ring = 0; ring < 2; ring++) {
		size_t bounded = fill_gathered(ring, true), free_ = fill_gathered(ring, false);

		assert_in_range(bounded, BLOCK, EIO__UNSENT_MOST + WINDOW + PIECE);
		assert_true(free_ > bounded);
	}
}

/* Counting */

static uint64_t
fill_unix(int fd)
{
	static char junk[1000];
	uint64_t n = 0;

	while (send(fd, junk, sizeof junk, MSG_DONTWAIT | MSG_NOSIGNAL) > 0) n += sizeof junk;
	return n;
}

static void
test_counts(void **state)
{
	struct eio_behind_stats stats = { 0 };
	struct eio__laggard a = { 0 }, c = { 0 };
	struct eio__behind b;
	int fd[2], other[2];
	char junk[4096];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, other), 0);
	assert_true(fill_unix(fd[0]) > 0);
	eio__behind_init(&b, &stats);
	eio__behind_remove(&b, &a);
	eio__behind_add(&b, &a, fd[0]);
	eio__behind_add(&b, &a, fd[0]);
	assert_int_equal(stats.connections, 1);
	assert_true(stats.bytes > 0);
	eio__behind_add(&b, &c, other[0]);
	assert_int_equal(stats.connections, 2);
	assert_int_equal(stats.bytes, a.bytes);
	/* It is known later that somebody has read after all. */
	while (recv(fd[1], junk, sizeof junk, MSG_DONTWAIT) > 0) continue;
	assert_true(stats.bytes > 0);
	eio__behind_look(&b, 5000);
	assert_int_equal(stats.bytes, 0);
	fill_unix(other[0]);
	eio__behind_look(&b, 5999);
	assert_int_equal(stats.bytes, 0);
	eio__behind_look(&b, 6000);
	assert_true(stats.bytes > 0);
	eio__behind_remove(&b, &c);
	assert_int_equal(stats.bytes, 0);
	eio__behind_remove(&b, &a);
	eio__behind_remove(&b, &a);
	assert_int_equal(stats.connections, 0);
	for (int i = 0; i < 2; i++) {
		close(fd[i]);
		close(other[i]);
	}
}

/* However many there are, a turn looks at a few of them only, and each has its turn. */
static void
test_looks_are_bounded(void **state)
{
	struct eio_behind_stats stats = { 0 };
	static struct eio__laggard all[MANY];
	struct eio__behind b;
	int fd[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
	eio__behind_init(&b, &stats);
	for (int i = 0; i < MANY; i++) eio__behind_add(&b, &all[i], fd[0]);
	assert_int_equal(stats.bytes, 0);
	fill_unix(fd[0]);
	for (uint64_t turn = 1; turn <= MANY / LOOKED; turn++) {
		eio__behind_look(&b, turn * 1000);
		assert_int_equal(stats.bytes, all[0].bytes * turn * LOOKED);
	}
	eio__behind_look(&b, 1000000);
	assert_int_equal(stats.bytes, all[0].bytes * MANY);
	for (int i = 0; i < MANY; i++) eio__behind_remove(&b, &all[i]);
	assert_int_equal(stats.bytes, 0);
	close(fd[0]);
	close(fd[1]);
}

/* A descriptor that is none of a socket counts nothing and hurts nobody. */
static void
test_no_socket(void **state)
{
	struct eio_behind_stats stats = { 0 };
	struct eio__laggard a = { 0 };
	struct eio__behind b;

	(void)state;
	eio__behind_init(&b, &stats);
	eio__behind_bound(-1);
	eio__behind_add(&b, &a, -1);
	assert_int_equal(stats.bytes, 0);
	eio__behind_remove(&b, &a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kernel_takes_little),
		cmocka_unit_test(test_counts),
		cmocka_unit_test(test_looks_are_bounded),
		cmocka_unit_test(test_no_socket),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

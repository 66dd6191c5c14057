/* SPDX-License-Identifier: MIT */
/*
 * One send for each socket of a pass: whatever sockets take of it, by io_uring and without, and however it was mixed,
 * each gets its own blocks in their order.
 */
#include "eio/buf.h"
#include "eio/list.h"
#include "eio/net/gather.h"
#include "tests/unit/dice.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

enum { SOCKETS = 300, BLOCKS = 12 }; /* more than a flush of single blocks, or a ring, holds */

struct one {
	struct eio__burst burst;
	int fds[2];
	struct eio_buf want; /* what was given to it and must arrive */
	struct eio_buf left; /* what it did not take */
	unsigned tellings;
};

static struct one ones[SOCKETS];
static struct eio_block *blocks[BLOCKS];

static void
on_left(struct eio__burst *b, struct eio_block *block, size_t at)
{
	struct one *o = EIO_CONTAINER(b, struct one, burst);

	assert_true(eio__burst_empty(b));
	assert_true(at < block->n);
	/* Only the first can have gone in part. */
	assert_true(at == 0 || o->left.n == 0);
	eio_buf_add(&o->left, eio_bytes(block->data + at, block->n - at));
	o->tellings++;
}

static struct eio__gather *
start(void **state)
{
	static const size_t sizes[BLOCKS] = { 1, 2, 3, 100, 300, 300, 1000, 3000, 9000, 40000, 70000, 400000 };
	bool ring = *state != NULL;
	struct eio__gather *g = eio__gather_new(on_left);

	assert_non_null(g);
	if (ring && eio__gather_use_uring(g)) {
		print_message("no io_uring here\n");
		eio__gather_free(g);
		skip();
	}
	for (size_t i = 0; i < BLOCKS; i++) {
		blocks[i] = eio_block_new(sizes[i]);
		assert_non_null(blocks[i]);
		for (size_t k = 0; k < sizes[i]; k++) blocks[i]->data[k] = (char)(i * 31 + k * 7 + k / 251);
	}
	for (size_t i = 0; i < SOCKETS; i++) {
		ones[i] = (struct one){ 0 };
		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ones[i].fds), 0);
		eio_buf_init(&ones[i].want);
		eio_buf_init(&ones[i].left);
	}
	return g;
}

static void
finish(struct eio__gather *g)
{
	eio__gather_free(g);
	for (size_t i = 0; i < BLOCKS; i++) {
		assert_int_equal(atomic_load(&blocks[i]->refs), 1);
		eio_block_unref(blocks[i]);
	}
	for (size_t i = 0; i < SOCKETS; i++) {
		eio_buf_deinit(&ones[i].want);
		eio_buf_deinit(&ones[i].left);
		close(ones[i].fds[0]);
		close(ones[i].fds[1]);
	}
}

/* What a socket took, and then what it did not, is what it was given. */
static void
check_all_there(struct one *o)
{
	static char got[65536];
	size_t at = 0;
	ssize_t n;

	assert_true(eio__burst_empty(&o->burst));
	while ((n = recv(o->fds[1], got, sizeof(got), MSG_DONTWAIT)) > 0) {
		assert_true(at + (size_t)n <= o->want.n);
		assert_memory_equal(got, o->want.p + at, n);
		at += (size_t)n;
	}
	assert_int_equal(at + o->left.n, o->want.n);
	if (o->left.n) assert_memory_equal(o->left.p, o->want.p + at, o->left.n);
	eio_buf_clear(&o->want);
	eio_buf_clear(&o->left);
}

/* As whoever writes does it: behind what was left nothing is added. */
static void
give(struct eio__gather *g, struct one *o, struct eio_block *b)
{
	if (eio__burst_full(&o->burst, b->n)) eio__gather_flush(g);
	if (o->left.n == 0) {
		assert_true(eio__gather_add(g, &o->burst, o->fds[0], b));
		eio_buf_add(&o->want, eio_bytes(b->data, b->n));
	}
}

static void
test_mixed(void **state)
{
	struct eio__gather *g = start(state);
	unsigned told = 0;

	dice_state = 7;
	for (int pass = 0; pass < 40; pass++) {
		unsigned sockets = pass % 4 == 0 ? SOCKETS : 1 + dice(40);
		unsigned kinds = pass % 3 == 0 ? BLOCKS : 8;

		eio__gather_begin(g, true);
		for (int i = 0; i < 3000; i++) give(g, &ones[dice(sockets)], blocks[dice(kinds)]);
		eio__gather_end(g);
		for (size_t i = 0; i < SOCKETS; i++) {
			told += ones[i].tellings;
			check_all_there(&ones[i]);
		}
	}
	assert_true(told > 0);
	finish(g);
}

/* However many blocks, a socket gets one send: a datagram socket shows it. */
static void
test_one_send(void **state)
{
	struct eio__gather *g = start(state);
	char got[2000];

	for (size_t i = 0; i < SOCKETS; i++) {
		close(ones[i].fds[0]);
		close(ones[i].fds[1]);
		assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ones[i].fds), 0);
	}
	eio__gather_begin(g, true);
	for (size_t b = 0; b < 6; b++)
		for (size_t i = 0; i < SOCKETS; i++) give(g, &ones[i], blocks[(b + i) % 6]);
	for (size_t i = 0; i < SOCKETS; i++) assert_int_equal(recv(ones[i].fds[1], got, sizeof(got), MSG_DONTWAIT), -1);
	eio__gather_end(g);
	for (size_t i = 0; i < SOCKETS; i++) {
		assert_int_equal(recv(ones[i].fds[1], got, sizeof(got), MSG_DONTWAIT), 706);
		assert_memory_equal(got, ones[i].want.p, 706);
		assert_int_equal(recv(ones[i].fds[1], got, sizeof(got), MSG_DONTWAIT), -1);
	}
	finish(g);
}

/* A socket without a peer, and one that is none, lose only what is theirs. */
static void
test_broken(void **state)
{
	struct eio__gather *g = start(state);

	close(ones[1].fds[1]);
	ones[1].fds[1] = -1;
	close(ones[2].fds[0]);
	ones[2].fds[0] = -1;
	eio__gather_begin(g, true);
	for (size_t b = 3; b < 6; b++)
		for (size_t i = 0; i < 5; i++) give(g, &ones[i], blocks[b]);
	eio__gather_end(g);
	for (size_t i = 0; i < 5; i++) {
		assert_int_equal(ones[i].tellings, i == 1 || i == 2 ? 3 : 0);
		check_all_there(&ones[i]);
	}
	finish(g);
}

/* Outside a pass, and in one where nobody gets two where that saves nothing, there is nothing to gather. */
static void
test_no_pass(void **state)
{
	struct eio__gather *g = start(state);

	assert_false(eio__gather_add(g, &ones[0].burst, ones[0].fds[0], blocks[0]));
	eio__gather_begin(g, false);
	assert_int_equal(eio__gather_add(g, &ones[0].burst, ones[0].fds[0], blocks[0]), *state != NULL);
	eio__gather_end(g);
	assert_false(eio__gather_add(g, &ones[0].burst, ones[0].fds[0], blocks[0]));
	finish(g);
}

/* Where each gets one, a flush comes as soon as it is worth a system call. */
static void
test_narrow(void **state)
{
	struct eio__gather *g = start(state);
	char got[2];

	eio__gather_begin(g, false);
	for (size_t i = 0; i < SOCKETS; i++)
		if (!eio__gather_add(g, &ones[i].burst, ones[i].fds[0], blocks[0])) send(ones[i].fds[0], "", 1, 0);
	assert_int_equal(recv(ones[0].fds[1], got, 2, MSG_DONTWAIT), 1);
	assert_int_equal(recv(ones[255].fds[1], got, 2, MSG_DONTWAIT), 1);
	assert_int_equal(recv(ones[256].fds[1], got, 2, MSG_DONTWAIT), *state ? -1 : 1);
	eio__gather_end(g);
	assert_int_equal(recv(ones[SOCKETS - 1].fds[1], got, 2, MSG_DONTWAIT), 1);
	finish(g);
}

#define BOTH(F) \
	{ #F " by io_uring", F, NULL, NULL, (void *)(uintptr_t)1 }, \
	{ \
#F " without io_uring", F, NULL, NULL, NULL \
	}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(test_mixed),
		BOTH(test_one_send),
		BOTH(test_broken),
		BOTH(test_no_pass),
		BOTH(test_narrow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

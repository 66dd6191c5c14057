/* SPDX-License-Identifier: MIT */
/*
 * One block to every connection with io_uring: a system call hands over as many sends as the ring has entries. Written
 * on the bare system calls, so that nothing is between; connections are registered files, which spares a look-up for
 * each.
 *
 * Variants: "plain"; "skip" asks for no completion of a send that went well, which needs MSG_WAITALL, or a short send
 * would not be told; "zc" sends without copying from a registered buffer; "poll" has a thread of the kernel take
 * entries up.
 */
#include "bench/floor.h"

#include "bench/bench.h"

#include <errno.h>
#include <linux/io_uring.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum { BLOCK_MAX = 16 * 1024 * 1024 };

static struct {
	int fd;
	unsigned *sq_tail, *sq_mask, *sq_flags;
	unsigned *cq_head, *cq_tail, *cq_mask;
	struct io_uring_sqe *sqes;
	struct io_uring_cqe *cqes;
	unsigned entries;
	bool skip, zc, poll;
	unsigned notices; /* zc: the kernel has not let go of the block so often */
} ring;

static int
enter_ring(unsigned submit, unsigned wait, unsigned flags)
{
	return (int)syscall(SYS_io_uring_enter, ring.fd, submit, wait, flags, NULL, 0);
}

static void
register_with(unsigned what, const void *p, unsigned n)
{
	if (syscall(SYS_io_uring_register, ring.fd, what, p, n) < 0) bench_die_errno("io_uring_register");
}

static void
map_ring(const struct io_uring_params *q)
{
	size_t sq = q->sq_off.array + q->sq_entries * sizeof(unsigned);
	size_t cq = q->cq_off.cqes + q->cq_entries * sizeof(struct io_uring_cqe), n = sq > cq ? sq : cq;
	char *p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, ring.fd, IORING_OFF_SQ_RING);
	void *sqes = mmap(NULL, q->sq_entries * sizeof(struct io_uring_sqe), PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_POPULATE, ring.fd, IORING_OFF_SQES);

	if (p == MAP_FAILED || sqes == MAP_FAILED) bench_die_errno("mmap");
	ring.sq_tail = (unsigned *)(p + q->sq_off.tail);
	ring.sq_mask = (unsigned *)(p + q->sq_off.ring_mask);
	ring.sq_flags = (unsigned *)(p + q->sq_off.flags);
	ring.cq_head = (unsigned *)(p + q->cq_off.head);
	ring.cq_tail = (unsigned *)(p + q->cq_off.tail);
	ring.cq_mask = (unsigned *)(p + q->cq_off.ring_mask);
	ring.cqes = (struct io_uring_cqe *)(p + q->cq_off.cqes);
	ring.sqes = sqes;
	ring.entries = q->sq_entries;
	/* Entries are used in the order of the ring. */
	for (unsigned i = 0; i < q->sq_entries; i++) ((unsigned *)(p + q->sq_off.array))[i] = i;
}

static void
open_ring(void)
{
	struct io_uring_params q = { .flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN };
	struct iovec block;
	int *fds;

	ring.skip = !strcmp(fl.variant, "skip");
	ring.zc = !strcmp(fl.variant, "zc");
	ring.poll = !strcmp(fl.variant, "poll");
	if (!ring.skip && !ring.zc && !ring.poll && strcmp(fl.variant, "plain"))
		bench_die("--variant %s: not known", fl.variant);
	if (ring.poll) q = (struct io_uring_params){ .flags = IORING_SETUP_SQPOLL, .sq_thread_idle = 1 };
	ring.fd = (int)syscall(SYS_io_uring_setup, fl.entries, &q);
	if (ring.fd < 0) bench_die_errno("io_uring_setup");
	if (!(q.features & IORING_FEAT_SINGLE_MMAP)) bench_die("io_uring: the kernel is too old");
	map_ring(&q);
	fds = calloc(fl.n, sizeof *fds);
	if (!fds) bench_die("out of memory");
	for (unsigned i = 0; i < fl.n; i++) fds[i] = fl.peers[i].fd;
	register_with(IORING_REGISTER_FILES, fds, fl.n);
	free(fds);
	/* The block keeps its place from now on, so that it can be registered. */
	if (!eio_buf_reserve(&fl.block, ring.zc ? BLOCK_MAX : 1)) bench_die("out of memory");
	block = (struct iovec){ .iov_base = fl.block.p, .iov_len = fl.block.cap };
	if (ring.zc) register_with(IORING_REGISTER_BUFFERS, &block, 1);
}

static void
fill_entry(struct io_uring_sqe *s, unsigned peer)
{
	*s = (struct io_uring_sqe){
		.opcode = ring.zc ? IORING_OP_SEND_ZC : IORING_OP_SEND,
		.flags = IOSQE_FIXED_FILE | (ring.skip ? IOSQE_CQE_SKIP_SUCCESS : 0),
		.fd = (int)peer,
		.addr = (uint64_t)(uintptr_t)fl.block.p,
		.len = (unsigned)fl.block.n,
		.msg_flags = MSG_NOSIGNAL | (ring.skip ? MSG_WAITALL : MSG_DONTWAIT),
		.user_data = peer,
	};
	if (ring.zc) s->ioprio = IORING_RECVSEND_FIXED_BUF;
}

static void
on_completion(const struct io_uring_cqe *e)
{
	int fd = fl.peers[e->user_data].fd;

	if (e->flags & IORING_CQE_F_NOTIF) {
		ring.notices--;
		return;
	}
	if (e->flags & IORING_CQE_F_MORE) ring.notices++;
	if (e->res == (int)fl.block.n) return;
	if (e->res < 0 && e->res != -EAGAIN) {
		errno = -e->res;
		bench_die_errno("send");
	}
	block_send_rest(fd, e->res < 0 ? 0 : (size_t)e->res);
}

/* Returns how many completions there were, but for the notices of zero copy. */
static unsigned
reap_ring(void)
{
	unsigned head = *ring.cq_head, tail = __atomic_load_n(ring.cq_tail, __ATOMIC_ACQUIRE), n = 0;

	for (; head != tail; head++) {
		const struct io_uring_cqe *e = &ring.cqes[head & *ring.cq_mask];

		if (!(e->flags & IORING_CQE_F_NOTIF)) n++;
		on_completion(e);
	}
	__atomic_store_n(ring.cq_head, head, __ATOMIC_RELEASE);
	return n;
}

static void
submit_ring(unsigned n)
{
	unsigned wait = ring.skip ? 0 : n, done = 0, flags = IORING_ENTER_GETEVENTS;
	int taken = 0;

	if (ring.poll && (__atomic_load_n(ring.sq_flags, __ATOMIC_ACQUIRE) & IORING_SQ_NEED_WAKEUP))
		flags |= IORING_ENTER_SQ_WAKEUP;
	taken = enter_ring(n, wait, flags);
	if (taken < 0 && errno != EINTR) bench_die_errno("io_uring_enter");
	done = reap_ring();
	while (done < wait) {
		if (enter_ring(0, 1, IORING_ENTER_GETEVENTS) < 0 && errno != EINTR) bench_die_errno("io_uring_enter");
		done += reap_ring();
	}
}

static void
send_all_uring(void)
{
	unsigned tail = *ring.sq_tail, n;

	for (unsigned i = 0; i < fl.n; i += n) {
		n = fl.n - i < ring.entries ? fl.n - i : ring.entries;
		for (unsigned j = 0; j < n; j++) fill_entry(&ring.sqes[tail++ & *ring.sq_mask], i + j);
		__atomic_store_n(ring.sq_tail, tail, __ATOMIC_RELEASE);
		submit_ring(n);
	}
	/* The block may be changed only when nobody sends from it any more. */
	while (ring.notices > 0) {
		if (enter_ring(0, 1, IORING_ENTER_GETEVENTS) < 0 && errno != EINTR) bench_die_errno("io_uring_enter");
		reap_ring();
	}
}

const struct mode mode_uring = {
	.name = "uring",
	.answer = block_answer,
	.stages = 2,
	.make = block_make,
	.send = send_all_uring,
	.open = open_ring,
};

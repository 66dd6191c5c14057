/* SPDX-License-Identifier: MIT */
/*
 * The only file that knows io_uring. It needs so little of it that the bare system
 * calls will do. With MSG_DONTWAIT a send is done, or has failed, when it has been
 * submitted: the kernel neither waits for the socket nor hands it to a thread.
 */
#include "eio/net/uring.h"

#include "eio/check.h"

#include <errno.h>
#include <limits.h>
#include <linux/io_uring.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
	SENDS = 256, /* in one call; with so many the call itself costs next to nothing */
	PARTS = 2048, /* of all of them */
};

struct one_send {
	void *owner;
	const struct iovec *parts;
	unsigned n;
	int fd;
	int result; /* how many bytes were taken, or -errno */
	size_t bytes;
};

struct eio_uring {
	int fd;
	bool broken; /* the kernel changed its mind: nothing is tried any more */
	unsigned n; /* sends added */
	unsigned n_parts, n_blocks;
	eio_uring_sent *sent;
	void *user;
	unsigned *sq_head, *sq_tail, sq_mask;
	unsigned *cq_head, *cq_tail, cq_mask;
	struct io_uring_sqe *sqes;
	const struct io_uring_cqe *cqes;
	void *rings;
	size_t rings_size, sqes_size;
	struct one_send sends[SENDS];
	struct msghdr messages[SENDS]; /* of sends that have several parts */
	struct iovec parts[PARTS];
	struct eio_block *blocks[SENDS]; /* theirs, with one reference for all that follow each other */
};

/* Opening */

static int
setup_ring(struct io_uring_params *q)
{
	/* From new to old: a kernel refuses what it does not know. */
	static const unsigned flags[] = {
#ifdef IORING_SETUP_DEFER_TASKRUN
		IORING_SETUP_SUBMIT_ALL | IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN,
#endif
		IORING_SETUP_SUBMIT_ALL,
	};
	int fd = -1;

	for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
		*q = (struct io_uring_params){ .flags = flags[i] };
		fd = (int)syscall(SYS_io_uring_setup, SENDS, q);
		if (fd >= 0 || errno != EINVAL) break;
	}
	return fd;
}

static void *
map_memory(int fd, size_t size, uint64_t what)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, (off_t)what);

	return p == MAP_FAILED ? NULL : p;
}

static bool
map_rings(struct eio_uring *r, const struct io_uring_params *q)
{
	size_t sq = q->sq_off.array + q->sq_entries * sizeof(unsigned);
	size_t cq = q->cq_off.cqes + q->cq_entries * sizeof(struct io_uring_cqe);
	unsigned *array;
	char *p;

	r->rings_size = sq > cq ? sq : cq;
	r->sqes_size = q->sq_entries * sizeof(struct io_uring_sqe);
	r->rings = p = map_memory(r->fd, r->rings_size, IORING_OFF_SQ_RING);
	r->sqes = map_memory(r->fd, r->sqes_size, IORING_OFF_SQES);
	if (!r->rings || !r->sqes) return false;
	r->sq_head = (unsigned *)(p + q->sq_off.head);
	r->sq_tail = (unsigned *)(p + q->sq_off.tail);
	r->sq_mask = *(unsigned *)(p + q->sq_off.ring_mask);
	r->cq_head = (unsigned *)(p + q->cq_off.head);
	r->cq_tail = (unsigned *)(p + q->cq_off.tail);
	r->cq_mask = *(unsigned *)(p + q->cq_off.ring_mask);
	r->cqes = (struct io_uring_cqe *)(p + q->cq_off.cqes);
	/* Entries are used in the order of the ring. */
	array = (unsigned *)(p + q->sq_off.array);
	for (unsigned i = 0; i < q->sq_entries; i++) array[i] = i;
	return true;
}

/* Submitting */

/* What the kernel is asked for: the bytes of one part, or a message of several. */
static struct io_uring_sqe
entry_of(struct eio_uring *r, const struct one_send *send)
{
	struct io_uring_sqe e = {
		.opcode = send->n > 1 ? IORING_OP_SENDMSG : IORING_OP_SEND,
		.fd = send->fd,
		.msg_flags = MSG_DONTWAIT | MSG_NOSIGNAL,
		.user_data = r->n,
	};
	struct msghdr *m = &r->messages[r->n];

	if (send->n > 1) {
		*m = (struct msghdr){ .msg_iov = (struct iovec *)(uintptr_t)send->parts, .msg_iovlen = send->n };
		e.addr = (uint64_t)(uintptr_t)m;
		e.len = 1;
	} else {
		e.addr = (uint64_t)(uintptr_t)send->parts->iov_base;
		e.len = send->bytes < INT_MAX ? (uint32_t)send->bytes : INT_MAX;
	}
	return e;
}

/* Adds a send of parts for which there is room. */
static void
add_send(struct eio_uring *r, void *owner, int fd, const struct iovec *parts, unsigned n)
{
	struct one_send *s = &r->sends[r->n];

	*s = (struct one_send){ .owner = owner, .parts = r->parts + r->n_parts, .n = n, .fd = fd, .result = -EAGAIN };
	for (unsigned i = 0; i < n; i++) {
		r->parts[r->n_parts++] = parts[i];
		s->bytes += parts[i].iov_len;
	}
	r->sqes[(*r->sq_tail + r->n) & r->sq_mask] = entry_of(r, s);
	r->n++;
}

/* Takes the results that are there. Returns how many. */
static unsigned
take_results(struct eio_uring *r)
{
	unsigned head = *r->cq_head, tail = __atomic_load_n(r->cq_tail, __ATOMIC_ACQUIRE), n = tail - head;

	for (; head != tail; head++) {
		const struct io_uring_cqe *e = &r->cqes[head & r->cq_mask];

		r->sends[e->user_data].result = e->res;
	}
	__atomic_store_n(r->cq_head, head, __ATOMIC_RELEASE);
	return n;
}

/* Has the kernel do what was added. What it refuses to begin with is taken back, as if the sockets had no room. */
static void
submit_sends(struct eio_uring *r)
{
	unsigned tail = *r->sq_tail + r->n, done = 0;

	__atomic_store_n(r->sq_tail, tail, __ATOMIC_RELEASE);
	while (done < r->n) {
		unsigned head = __atomic_load_n(r->sq_head, __ATOMIC_ACQUIRE), got;
		long rc = syscall(SYS_io_uring_enter, r->fd, tail - head, r->n - done, IORING_ENTER_GETEVENTS, NULL, 0);
		int err = rc < 0 ? errno : 0;

		got = take_results(r);
		done += got;
		/* A call that was interrupted while it waited returns what it had begun: that must not go out of use
		 * yet. */
		if (err == EINTR || got > 0 || rc > 0) continue;
		/* Without memory for a single one it may work again later. */
		if (err != EAGAIN) r->broken = true;
		__atomic_store_n(r->sq_tail, __atomic_load_n(r->sq_head, __ATOMIC_ACQUIRE), __ATOMIC_RELEASE);
		break;
	}
}

/* One send costs less without the ring; two cost the same, and from three on the ring wins. */
static void
send_alone(struct one_send *s)
{
	const int flags = MSG_DONTWAIT | MSG_NOSIGNAL;
	struct msghdr m = { .msg_iov = (struct iovec *)(uintptr_t)s->parts, .msg_iovlen = s->n };
	ssize_t rc = s->n > 1 ? sendmsg(s->fd, &m, flags)
			      : send(s->fd, s->parts->iov_base, s->bytes < INT_MAX ? s->bytes : INT_MAX, flags);

	s->result = rc < 0 ? -errno : (int)rc;
}

/* Whether sends work: a kernel may know io_uring without them, or a filter allow its set-up only. */
static bool
try_send(struct eio_uring *r)
{
	const struct iovec one = { .iov_base = (char[]){ 0 }, .iov_len = 1 };
	int result;

	add_send(r, NULL, -1, &one, 1);
	submit_sends(r);
	r->n = r->n_parts = 0;
	result = r->sends[0].result;
	if (result == -EBADF && !r->broken) return true;
	errno = r->broken ? EPERM : -result;
	return false;
}

struct eio_uring *
eio_uring_new(eio_uring_sent *sent, void *user)
{
	struct eio_uring *r = calloc(1, sizeof *r);
	struct io_uring_params q;
	int err;

	if (!r) return NULL;
	r->sent = sent;
	r->user = user;
	r->fd = setup_ring(&q);
	if (r->fd >= 0) {
		errno = ENOSYS;
		if ((q.features & IORING_FEAT_SINGLE_MMAP) && map_rings(r, &q) && try_send(r)) return r;
	}
	err = errno;
	eio_uring_free(r);
	errno = err;
	return NULL;
}

void
eio_uring_free(struct eio_uring *r)
{
	if (!r) return;
	CHECK(r->n == 0);
	if (r->sqes) munmap(r->sqes, r->sqes_size);
	if (r->rings) munmap(r->rings, r->rings_size);
	if (r->fd >= 0) close(r->fd);
	free(r);
}

bool
eio_uring_works(const struct eio_uring *r)
{
	return !r->broken;
}

void
eio_uring_add_parts(struct eio_uring *r, void *owner, int fd, const struct iovec *parts, unsigned n)
{
	CHECK(n >= 1 && n <= EIO_URING_PARTS);
	if (r->n_parts + n > PARTS) eio_uring_flush(r);
	add_send(r, owner, fd, parts, n);
	if (r->n == SENDS) eio_uring_flush(r);
}

void
eio_uring_add(struct eio_uring *r, void *owner, int fd, struct eio_block *b)
{
	const struct iovec all = { .iov_base = b->data, .iov_len = b->n };

	if (r->n_parts == PARTS) eio_uring_flush(r);
	if (r->n_blocks == 0 || r->blocks[r->n_blocks - 1] != b) r->blocks[r->n_blocks++] = eio_block_ref(b);
	eio_uring_add_parts(r, owner, fd, &all, 1);
}

void
eio_uring_flush(struct eio_uring *r)
{
	if (r->n == 0) return;
	if (r->n == 1)
		send_alone(&r->sends[0]);
	else if (!r->broken)
		submit_sends(r);
	for (unsigned i = 0; i < r->n; i++) {
		const struct one_send *s = &r->sends[i];

		r->sent(r->user, s->owner, s->bytes - (s->result > 0 ? (size_t)s->result : 0));
	}
	for (unsigned i = 0; i < r->n_blocks; i++) eio_block_unref(r->blocks[i]);
	r->n = r->n_parts = r->n_blocks = 0;
}

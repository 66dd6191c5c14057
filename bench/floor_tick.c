/* SPDX-License-Identifier: MIT */
/*
 * The floor of a tick: each client is in several rooms, each room has a block, and all of a client's blocks are due at
 * once. Variants: "plain" sends each block by itself; "gather" all of a client's in one sendmsg().
 */
#include "bench/floor.h"

#include "bench/bench.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/uio.h>

enum { JOINED = 3 };

static struct eio_buf *blocks; /* by room */

/* After the handshake a client asks for its rooms, one after the other. */
static void
tick_answer(struct peer *p)
{
	if (p->stage < JOINED - 1) {
		block_answer(p);
		return;
	}
	if (p->joins == 0)
		p->room = rooms_named(p->fd);
	else
		(void)rooms_named(p->fd);
	if (++p->joins == fl.joins) p->stage = JOINED;
}

static void
make_tick(uint64_t t_ns)
{
	if (!blocks) blocks = calloc(fl.channels, sizeof *blocks);
	if (!blocks) bench_die("out of memory");
	for (unsigned r = 0; r < fl.channels; r++) {
		struct eio_buf kept = fl.block;

		fl.block = blocks[r];
		block_make(t_ns);
		blocks[r] = fl.block;
		fl.block = kept;
	}
}

/* Blocks that a socket does not take at once would need a queue for each: a receiver that keeps up never gets here. */
static void
check_sent(ssize_t n, size_t size)
{
	if (n != (ssize_t)size) bench_die("a client does not keep up: %s", n < 0 ? strerror(errno) : "cut");
}

static void
send_tick(void)
{
	bool gather = !strcmp(fl.variant, "gather");
	unsigned step = fl.channels / fl.joins;
	struct iovec parts[64];

	for (unsigned i = 0; i < fl.n; i++) {
		const struct peer *p = &fl.peers[i];
		struct msghdr m = { .msg_iov = parts, .msg_iovlen = fl.joins };
		size_t all = 0;

		for (unsigned j = 0; j < fl.joins; j++) {
			const struct eio_buf *b = &blocks[(p->room + j * step) % fl.channels];

			parts[j] = (struct iovec){ b->p, b->n };
			all += b->n;
			if (!gather) check_sent(send(p->fd, b->p, b->n, MSG_DONTWAIT | MSG_NOSIGNAL), b->n);
		}
		if (gather) check_sent(sendmsg(p->fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL), all);
	}
}

const struct mode mode_tick = {
	.name = "tick",
	.answer = tick_answer,
	.stages = JOINED,
	.make = make_tick,
	.send = send_tick,
};

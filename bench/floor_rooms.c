/* SPDX-License-Identifier: MIT */
/* The floor of rooms: a list of the members of each, and every block goes to the members of the next one. */
#include "bench/floor.h"

#include "bench/bench.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

enum { JOINED = 3 };

static unsigned *first; /* by room: where its members begin; those of the next are behind them */
static unsigned *members;

/* A client asks for room "r<number>"; bench/load masks with zeros, so it can be read as it is. */
unsigned
rooms_named(int fd)
{
	static const char ack[] = "\x81\x09"
				  "430[true]";
	char buf[512], *name;
	ssize_t n = recv(fd, buf, sizeof buf - 1, 0);
	unsigned room;

	if (n <= 0) bench_die("a client left");
	buf[n] = '\0';
	name = memmem(buf, (size_t)n, "\"r", 2);
	room = name ? (unsigned)strtoul(name + 2, NULL, 10) : fl.channels;
	if (room >= fl.channels) bench_die("a client did not name a room");
	if (send(fd, ack, sizeof ack - 1, MSG_NOSIGNAL) != (ssize_t)sizeof ack - 1) bench_die_errno("send");
	return room;
}

static void
rooms_answer(struct peer *p)
{
	if (p->stage < JOINED - 1) {
		block_answer(p);
		return;
	}
	p->room = rooms_named(p->fd);
	p->stage = JOINED;
}

static void
open_rooms(void)
{
	first = calloc(fl.channels + 2, sizeof *first);
	members = calloc(fl.n, sizeof *members);
	if (!first || !members) bench_die("out of memory");
	for (unsigned i = 0; i < fl.n; i++) first[fl.peers[i].room + 2]++;
	for (unsigned r = 2; r < fl.channels + 2; r++) first[r] += first[r - 1];
	for (unsigned i = 0; i < fl.n; i++) members[first[fl.peers[i].room + 1]++] = i;
}

static void
send_room(void)
{
	unsigned room = (unsigned)((fl.seq - 1) % fl.channels);
	ssize_t n;
	int fd;

	for (unsigned i = first[room]; i < first[room + 1]; i++) {
		fd = fl.peers[members[i]].fd;
		n = send(fd, fl.block.p, fl.block.n, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n == (ssize_t)fl.block.n) continue;
		if (n < 0 && errno != EAGAIN) bench_die_errno("send");
		block_send_rest(fd, n < 0 ? 0 : (size_t)n);
	}
}

const struct mode mode_rooms = {
	.name = "rooms",
	.answer = rooms_answer,
	.stages = JOINED,
	.make = block_make,
	.send = send_room,
	.open = open_rooms,
};

/* SPDX-License-Identifier: MIT */
/* Who takes no more, and what the kernel holds for them. */
#include "eio/net/behind.h"

#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

enum {
	LOOK_MS = 1000,
	LOOKS = 64, /* in one turn of the loop: some 20 µs */
};

void
eio__behind_bound(int fd)
{
	int most = EIO__UNSENT_MOST;

	setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &most, sizeof most);
}

void
eio__behind_init(struct eio__behind *b, struct eio_behind_stats *stats)
{
	*b = (struct eio__behind){ .stats = stats };
	eio_list_init(&b->all);
}

static void
look_at(struct eio__behind *b, struct eio__laggard *l)
{
	int n = 0;

	if (ioctl(l->fd, SIOCOUTQ, &n) || n < 0) n = 0;
	b->stats->bytes += (uint64_t)n - l->bytes;
	l->bytes = (uint64_t)n;
}

void
eio__behind_add(struct eio__behind *b, struct eio__laggard *l, int fd)
{
	if (l->on) return;
	*l = (struct eio__laggard){ .fd = fd, .on = true };
	eio_list_init(&l->link);
	eio_list_add_tail(&b->all, &l->link);
	b->stats->connections++;
	look_at(b, l);
}

void
eio__behind_remove(struct eio__behind *b, struct eio__laggard *l)
{
	if (!l->on) return;
	eio_list_remove(&l->link);
	b->stats->connections--;
	b->stats->bytes -= l->bytes;
	l->on = false;
}

void
eio__behind_look(struct eio__behind *b, uint64_t now_ms)
{
	uint64_t n = b->stats->connections < LOOKS ? b->stats->connections : LOOKS;

	if (n == 0 || now_ms - b->looked_ms < LOOK_MS) return;
	b->looked_ms = now_ms;
	while (n-- > 0) {
		struct eio__laggard *l = EIO_CONTAINER(b->all.next, struct eio__laggard, link);

		eio_list_remove(&l->link);
		eio_list_add_tail(&b->all, &l->link);
		look_at(b, l);
	}
}

/* SPDX-License-Identifier: MIT */
/* See the header. */
#include "eio/net/carrier.h"

#include "eio/check.h"
#include "eio/net/watch.h"
#include "eio/net/wire.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CARRIER_MAGIC = 0x63617272 };

enum {
	EVENTS = 128, /* taken in one turn of the loop */
	READ_BYTES = EIO_TLS_RECORD, /* and so much of each; TLS needs it to be no less */
};

/* What a socket brought beyond its share. */
struct left {
	struct eio_list link; /* in the carrier's list */
	struct eio__carried *socket;
	size_t at, n; /* bytes from `at` on, n in all */
	char bytes[];
};

struct eio__carrier {
	unsigned magic; /* CARRIER_MAGIC */
	struct eio__watch watch;
	struct eio__carrier_handler handler;
	uv_timer_t timer; /* for the next of those that end */
	uv_idle_t turn; /* runs while there is something left */
	int handles; /* these two and the watch's, as far as they are still there */
	struct eio_list open;
	struct eio_list ended; /* when the loop runs */
	struct eio_list waited; /* for EIO__CARRIER_WAIT_MS at most: the first began first */
	struct eio_list left; /* of busy sockets, the next to go on first */
	char bytes[READ_BYTES];
};

/* The end */

static void
free_left(struct left *left)
{
	left->socket->busy = false;
	eio_list_remove(&left->link);
	free(left);
}

/* Few are busy. */
static void
forget_left(struct eio__carrier *c, const struct eio__carried *s)
{
	struct eio_list *l = c->left.next;

	while (EIO_CONTAINER(l, struct left, link)->socket != s) l = l->next;
	free_left(EIO_CONTAINER(l, struct left, link));
}

/* Its descriptor leaves the set before it is closed: another process may have it, too. */
static void
drop(struct eio__carrier *c, struct eio__carried *s)
{
	int fd = s->fd;

	eio_list_remove(&s->link);
	if (s->busy) forget_left(c, s);
	s->fd = -1;
	c->handler.lost(s);
	eio__watch_remove(&c->watch, fd);
	eio__wire_close(fd, s->tls);
	c->handler.gone(s);
}

static struct eio__carried *
first_of(const struct eio_list *l)
{
	return eio_list_empty(l) ? NULL : EIO_CONTAINER(l->next, struct eio__carried, link);
}

/* Until the end of one that is waited for. */
static uint32_t
time_left(const struct eio__carried *s, uint64_t now)
{
	int32_t left = (int32_t)(s->end_ms - (uint32_t)now);

	return left > 0 ? (uint32_t)left : 0;
}

static void on_end_timer(uv_timer_t *timer);

/* When the first of those that end does. */
static void
arm_timer(struct eio__carrier *c)
{
	const struct eio__carried *first = first_of(&c->waited);

	if (!eio_list_empty(&c->ended))
		uv_timer_start(&c->timer, on_end_timer, 0, 0);
	else if (first)
		uv_timer_start(&c->timer, on_end_timer, time_left(first, uv_now(c->timer.loop)), 0);
}

static void
on_end_timer(uv_timer_t *timer)
{
	struct eio__carrier *c = timer->data;
	uint64_t now = uv_now(timer->loop);
	struct eio__carried *s;

	CHECK_MAGIC(c, CARRIER_MAGIC);
	while ((s = first_of(&c->ended))) drop(c, s);
	while ((s = first_of(&c->waited)) && time_left(s, now) == 0) drop(c, s);
	arm_timer(c);
}

void
eio__carrier_end(struct eio__carrier *c, struct eio__carried *s)
{
	if (s->ended || s->fd < 0) return;
	s->ended = true;
	eio_list_remove(&s->link);
	eio_list_add_tail(&c->ended, &s->link);
	arm_timer(c);
}

void
eio__carrier_end_later(struct eio__carrier *c, struct eio__carried *s)
{
	if (s->ended || s->waited || s->fd < 0) return;
	s->waited = true;
	s->end_ms = (uint32_t)uv_now(c->timer.loop) + EIO__CARRIER_WAIT_MS;
	eio_list_remove(&s->link);
	eio_list_add_tail(&c->waited, &s->link);
	if (first_of(&c->waited) == s) arm_timer(c);
}

/* Bytes */

static void
watch(struct eio__carrier *c, struct eio__carried *s, bool room)
{
	if (s->watched == room) return;
	s->watched = room;
	/* Without it nothing would be sent any more. */
	if (eio__watch_change(&c->watch, s->fd, EPOLLIN | (room ? EPOLLOUT : 0), s)) eio__carrier_end(c, s);
}

void
eio__carrier_await_room(struct eio__carrier *c, struct eio__carried *s)
{
	s->awaits_room = true;
	if (s->fd >= 0) watch(c, s, true);
}

static void
on_carrier_turn(uv_idle_t *turn)
{
	struct eio__carrier *c = turn->data;
	const struct eio_list *last = c->left.prev;
	bool done = eio_list_empty(&c->left);

	CHECK_MAGIC(c, CARRIER_MAGIC);
	for (unsigned i = 0; i < EIO__CARRIER_TURN_SOCKETS && !done; i++) {
		struct left *left = EIO_CONTAINER(c->left.next, struct left, link);

		done = &left->link == last; /* each of them once */
		left->at += c->handler.received(left->socket, left->bytes + left->at, left->n - left->at);
		eio_list_remove(&left->link);
		eio_list_add_tail(&c->left, &left->link);
		if (left->at == left->n) free_left(left);
	}
	if (eio_list_empty(&c->left)) uv_idle_stop(turn);
}

static void
keep_left(struct eio__carrier *c, struct eio__carried *s, const char *p, size_t n)
{
	struct left *left = malloc(sizeof *left + n);

	if (!left) {
		eio__carrier_end(c, s); /* what follows would make no sense */
		return;
	}
	left->socket = s;
	left->at = 0;
	left->n = n;
	memcpy(left->bytes, p, n);
	s->busy = true;
	eio_list_add_tail(&c->left, &left->link);
	uv_idle_start(&c->turn, on_carrier_turn);
}

void
eio__carrier_feed(struct eio__carrier *c, struct eio__carried *s, char *p, size_t n)
{
	size_t taken = c->handler.received(s, p, n);

	if (taken < n) keep_left(c, s, p + taken, n - taken);
}

/* Returns whether it is still carried. */
static bool
receive_some(struct eio__carrier *c, struct eio__carried *s)
{
	ssize_t n = eio__wire_recv(s->fd, s->tls, c->bytes, sizeof c->bytes);

	/* An answer of the protocol to what has come. */
	if (eio__wire_waits(s->tls)) eio__carrier_await_room(c, s);
	if (n > 0) {
		eio__carrier_feed(c, s, c->bytes, (size_t)n);
	} else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
		drop(c, s);
		return false;
	}
	return true;
}

/* Nothing is freed here but the socket of the event: others may have one in the same batch, and wait for the timer. */
static void
on_socket_event(struct eio__watch *w, void *ptr, uint32_t events)
{
	struct eio__carrier *c = EIO_CONTAINER(w, struct eio__carrier, watch);
	struct eio__carried *s = ptr;

	CHECK_MAGIC(c, CARRIER_MAGIC);
	/* Errors and ends are found by reading. */
	if ((events & ~(uint32_t)EPOLLOUT) && !s->busy && !receive_some(c, s)) return;
	if (!(events & EPOLLOUT) || !s->awaits_room || s->ended) return;
	s->awaits_room = false;
	c->handler.room(s);
	watch(c, s, s->awaits_room);
}

int
eio__carrier_adopt(struct eio__carrier *c, struct eio__carried *s, int fd)
{
	if (eio__watch_add(&c->watch, fd, EPOLLIN, s)) {
		eio__wire_close(fd, s->tls);
		return -1;
	}
	s->fd = fd;
	CHECK(s->fd == fd);
	eio_list_init(&s->link);
	eio_list_add_tail(&c->open, &s->link);
	return 0;
}

/* Beginning and end */

struct eio__carrier *
eio__carrier_new(uv_loop_t *loop, const struct eio__carrier_handler *handler)
{
	struct eio__carrier *c = calloc(1, sizeof *c);

	if (!c) return NULL;
	c->magic = CARRIER_MAGIC;
	c->handler = *handler;
	c->handles = 3;
	if (eio__watch_open(&c->watch, loop, EVENTS, on_socket_event)) {
		free(c);
		return NULL;
	}
	uv_timer_init(loop, &c->timer);
	uv_idle_init(loop, &c->turn);
	c->timer.data = c->turn.data = c;
	eio_list_init(&c->open);
	eio_list_init(&c->ended);
	eio_list_init(&c->waited);
	eio_list_init(&c->left);
	return c;
}

static void
on_handle_closed(uv_handle_t *h)
{
	struct eio__carrier *c = h->data;

	CHECK_MAGIC(c, CARRIER_MAGIC);
	c->handles--;
}

static void
on_carrier_watch_closed(struct eio__watch *w)
{
	struct eio__carrier *c = EIO_CONTAINER(w, struct eio__carrier, watch);

	CHECK_MAGIC(c, CARRIER_MAGIC);
	c->handles--;
}

void
eio__carrier_close(struct eio__carrier *c)
{
	struct eio_list *all[] = { &c->open, &c->ended, &c->waited };
	struct eio__carried *s;

	CHECK_MAGIC(c, CARRIER_MAGIC);
	for (int i = 0; i < 3; i++)
		while ((s = first_of(all[i]))) drop(c, s);
	eio__watch_close(&c->watch, on_carrier_watch_closed);
	uv_close((uv_handle_t *)&c->timer, on_handle_closed);
	uv_close((uv_handle_t *)&c->turn, on_handle_closed);
}

void
eio__carrier_free(struct eio__carrier *c)
{
	CHECK_MAGIC(c, CARRIER_MAGIC);
	CHECK(c->handles == 0);
	c->magic = 0;
	free(c);
}

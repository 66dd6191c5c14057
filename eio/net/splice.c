/* SPDX-License-Identifier: MIT */
/*
 * Each side reads into a buffer that all share, and the other side sends from it at once; only what that does not take
 * is kept. One side's end is told to the other behind what is kept, as TCP does it.
 */
#include "eio/net/splice.h"

#include "eio/check.h"
#include "eio/list.h"
#include "eio/net/wire.h"

#include <stdlib.h>
#include <string.h>

enum {
	SPLICES_MAGIC = 0x5b11ce01,
	SPLICE_MAGIC = 0x5b11ce02,
	TURN_READS = 4, /* of one side in one turn of the loop, so that others get theirs */
};

struct eio_splices {
	unsigned magic; /* SPLICES_MAGIC */
	uv_loop_t *loop;
	struct eio_clock *clock;
	struct eio_list all; /* of struct splice, those that are not closed */
	size_t count, closing; /* pairs: open, and whose handles are not closed yet */
	bool closed;
	char buffer[EIO_SPLICE_BYTES];
};

struct side {
	struct splice *of;
	struct side *other;
	uv_poll_t poll;
	int fd, events;
	struct eio_tls *tls; /* owned; NULL: it is plain */
	char *kept; /* what it did not take, from kept_at to kept_n; or NULL */
	size_t kept_at, kept_n;
	bool polled; /* its handle is there to be closed */
	bool ended; /* nothing more comes from it */
	bool told; /* that nothing more comes from the other */
};

struct splice {
	unsigned magic; /* SPLICE_MAGIC */
	struct eio_splices *all;
	struct eio_list link;
	struct eio_timer timer; /* runs once one side has ended */
	struct side sides[2];
	unsigned handles;
};

static void on_side(uv_poll_t *poll, int status, int events);

/* The end */

static void
splices_free_if_done(struct eio_splices *all)
{
	if (!all->closed || all->count || all->closing) return;
	all->magic = 0;
	free(all);
}

static void
release_splice(struct splice *s)
{
	struct eio_splices *all = s->all;

	if (s->handles) return;
	s->magic = 0;
	free(s);
	all->closing--;
	splices_free_if_done(all);
}

static void
on_side_closed(uv_handle_t *handle)
{
	struct side *side = handle->data;

	CHECK_MAGIC(side->of, SPLICE_MAGIC);
	side->of->handles--;
	release_splice(side->of);
}

static void
cut_splice(struct splice *s)
{
	struct eio_splices *all = s->all;

	eio_list_remove(&s->link);
	eio_clock_set(all->clock, &s->timer, UINT64_MAX);
	all->count--;
	all->closing++;
	for (int i = 0; i < 2; i++) {
		struct side *side = &s->sides[i];

		if (side->polled) uv_close((uv_handle_t *)&side->poll, on_side_closed);
		eio__wire_close(side->fd, side->tls);
		free(side->kept);
		side->kept = NULL;
		side->fd = -1;
	}
	release_splice(s);
}

static void
on_splice_timer(struct eio_timer *t)
{
	cut_splice(EIO_CONTAINER(t, struct splice, timer));
}

/* The way of bytes. What follows returns false when the pair is to be cut. */

static bool
side_is_full(const struct side *to)
{
	return to->kept || eio__wire_waits(to->tls);
}

/* Keeps what a side did not take. */
static bool
keep_for(struct side *to, const char *p, size_t n)
{
	to->kept = malloc(n);
	if (!to->kept) return false;
	memcpy(to->kept, p, n);
	to->kept_at = 0;
	to->kept_n = n;
	return true;
}

static bool
send_kept(struct side *to)
{
	ssize_t n;

	if (eio__wire_waits(to->tls) && eio__wire_flush(to->tls) < 0) return false;
	if (!to->kept || eio__wire_waits(to->tls)) return true;
	n = eio__wire_send(to->fd, to->tls, to->kept + to->kept_at, to->kept_n - to->kept_at);
	if (n < 0) return false;
	to->kept_at += (size_t)n;
	if (to->kept_at < to->kept_n) return true;
	free(to->kept);
	to->kept = NULL;
	return true;
}

static bool
read_side(struct side *from)
{
	char *p = from->of->all->buffer;
	struct side *to = from->other;

	for (int i = 0; i < TURN_READS && !from->ended && !side_is_full(to); i++) {
		ssize_t n = eio__wire_recv(from->fd, from->tls, p, EIO_SPLICE_BYTES), sent;

		if (n < 0) return errno == EAGAIN || errno == EINTR;
		from->ended = n == 0;
		if (n == 0) break;
		sent = eio__wire_send(to->fd, to->tls, p, (size_t)n);
		if (sent < 0 || (sent < n && !keep_for(to, p + sent, (size_t)(n - sent)))) return false;
	}
	return true;
}

/* Tells a side what the other has said. */
static bool
tell_end(struct side *to)
{
	if (to->told || !to->other->ended || side_is_full(to)) return true;
	to->told = true;
	eio__wire_shutdown(to->fd, to->tls);
	return true;
}

static void
watch_side(struct side *side)
{
	int events = 0;

	if (!side->ended && !side_is_full(side->other)) events |= UV_READABLE;
	if (side_is_full(side)) events |= UV_WRITABLE;
	if (events == side->events) return;
	side->events = events;
	if (events)
		uv_poll_start(&side->poll, events, on_side);
	else
		uv_poll_stop(&side->poll);
}

static bool
side_is_over(const struct side *side)
{
	return side->ended && side->told && !eio__wire_waits(side->tls);
}

/* After each step: both sides are told, watched, or closed. */
static void
settle_pair(struct splice *s, bool good)
{
	struct side *a = &s->sides[0], *b = &s->sides[1];

	if (good) good = tell_end(a) && tell_end(b);
	if (!good || (side_is_over(a) && side_is_over(b))) {
		cut_splice(s);
		return;
	}
	if ((a->ended || b->ended) && s->timer.at_ms == UINT64_MAX)
		eio_clock_set(s->all->clock, &s->timer, eio_clock_now(s->all->clock) + EIO_SPLICE_END_MS);
	watch_side(a);
	watch_side(b);
}

static void
on_side(uv_poll_t *poll, int status, int events)
{
	struct side *side = poll->data;
	struct splice *s = side->of;
	bool good = status == 0;

	CHECK_MAGIC(s, SPLICE_MAGIC);
	if (good && (events & UV_WRITABLE)) good = send_kept(side);
	if (good && (events & UV_READABLE)) good = read_side(side);
	settle_pair(s, good);
}

/* Pairs */

struct eio_splices *
eio_splices_new(uv_loop_t *loop, struct eio_clock *clock)
{
	struct eio_splices *all = malloc(sizeof *all);

	if (!all) return NULL;
	all->magic = SPLICES_MAGIC;
	all->loop = loop;
	all->clock = clock;
	all->count = all->closing = 0;
	all->closed = false;
	eio_list_init(&all->all);
	return all;
}

static bool
init_side(struct splice *s, struct side *side, int fd, struct eio_tls *tls)
{
	*side = (struct side){ .of = s, .other = &s->sides[side == s->sides], .fd = fd, .tls = tls };
	side->polled = uv_poll_init(s->all->loop, &side->poll, fd) == 0;
	side->poll.data = side;
	s->handles += side->polled;
	return side->polled;
}

void
eio_splices_join(struct eio_splices *all, int client, struct eio_tls *tls, int other)
{
	struct splice *s = calloc(1, sizeof *s);
	bool good;

	CHECK_MAGIC(all, SPLICES_MAGIC);
	if (!s) {
		eio__wire_close(client, tls);
		close(other);
		return;
	}
	s->magic = SPLICE_MAGIC;
	s->all = all;
	eio_timer_init(&s->timer, on_splice_timer);
	eio_list_add_tail(&all->all, &s->link);
	all->count++;
	good = init_side(s, &s->sides[0], client, tls);
	good = init_side(s, &s->sides[1], other, NULL) && good;
	/* TLS may hold what has arrived already. */
	settle_pair(s, good && read_side(&s->sides[0]));
}

size_t
eio_splices_count(const struct eio_splices *all)
{
	return all->count;
}

void
eio_splices_cut(struct eio_splices *all)
{
	CHECK_MAGIC(all, SPLICES_MAGIC);
	while (!eio_list_empty(&all->all)) cut_splice(EIO_CONTAINER(all->all.next, struct splice, link));
}

void
eio_splices_close(struct eio_splices *all)
{
	if (!all) return;
	eio_splices_cut(all);
	all->closed = true;
	splices_free_if_done(all);
}

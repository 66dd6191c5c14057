/* SPDX-License-Identifier: MIT */
/*
 * The blocks of all bursts lie in one array, each with the number of the next one of its
 * burst; so gathering a block is three stores, and the arrays are kept from pass to pass.
 */
#include "eio/net/gather.h"

#include "eio/check.h"
#include "eio/net/uring.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/uio.h>

enum {
	NARROW = 256, /* sockets of a flush where each gets one block: as many as a ring takes */
	BLOCKS_MAX = 65536, /* of a pass, and then it is flushed: 2 MB of lists */
	BURST_BLOCKS = EIO_URING_PARTS, /* of one socket */
	BURST_BYTES = 65536, /* of one socket: about what an idle one takes, and what waits uncounted at most */
	AHEAD = 8, /* sockets whose memory is asked for before it is their turn */
	SEALED_BYTES = 1 << 18, /* encrypted before they are sent: few enough to be in the cache then */
	RECENT = 4, /* wire forms that the clients of a room take by turns */
};

/* A block of some burst, and the number of the one behind it. Numbers count from 1, so that 0 is none. */
struct link {
	struct eio_block *block;
	uint32_t next;
};

struct send {
	struct eio__burst *burst;
	int fd;
};

struct sealed {
	struct eio__burst *burst;
	struct eio_tls *tls;
	int fd;
	size_t n; /* bytes, once they are encrypted: */
	const char *p; /* within the gather's */
};

struct eio__gather {
	struct eio_uring *ring; /* NULL without */
	eio__gather_left *left;
	bool on, wide;
	struct link *links;
	struct send *sends;
	struct sealed *seals; /* the sends by TLS */
	char *sealed; /* SEALED_BYTES, or NULL while nobody has TLS */
	bool sealing; /* what is in the ring is of seals */
	struct eio_block **held; /* a reference for each block, or for several that follow each other */
	size_t n_links, n_sends, n_held, n_seals;
	size_t links_cap, sends_cap, held_cap, seals_cap;
};

struct eio__gather *
eio__gather_new(eio__gather_left *left)
{
	struct eio__gather *g = calloc(1, sizeof *g);

	if (g) g->left = left;
	return g;
}

void
eio__gather_free(struct eio__gather *g)
{
	if (!g) return;
	CHECK(g->n_sends == 0 && g->n_seals == 0);
	eio_uring_free(g->ring);
	free(g->links);
	free(g->sends);
	free(g->seals);
	free(g->sealed);
	free(g->held);
	free(g);
}

/* Makes room for one more in an array. */
static bool
grow_array(void *array, size_t *cap, size_t n, size_t size)
{
	void **p = array;
	size_t more = *cap ? *cap * 2 : NARROW;
	void *grown;

	if (n < *cap) return true;
	grown = realloc(*p, more * size);
	if (!grown) return false;
	*p = grown;
	*cap = more;
	return true;
}

/* Sending */

static bool
has_ring(const struct eio__gather *g)
{
	return g->ring && eio_uring_works(g->ring);
}

/* What is left of a burst of which so many bytes did not leave, told behind the ones that did. */
static void
tell_left(struct eio__gather *g, struct eio__burst *b, size_t left)
{
	size_t taken = b->bytes - left;
	uint32_t i = b->first;

	*b = (struct eio__burst){ 0 };
	for (; i && left; i = g->links[i - 1].next) {
		struct eio_block *block = g->links[i - 1].block;

		if (taken >= block->n) {
			taken -= block->n;
			continue;
		}
		left -= block->n - taken;
		g->left(b, block, taken);
		taken = 0;
	}
}

/* What is left of a burst that was encrypted. */
static void
tell_sealed_left(struct eio__gather *g, const struct sealed *s, size_t left)
{
	*s->burst = (struct eio__burst){ 0 };
	if (left == 0) return;
	eio_tls_left(s->tls, s->p + s->n - left, left);
	g->left(s->burst, NULL, 0);
}

static void
on_sent(void *user, void *owner, size_t left)
{
	struct eio__gather *g = user;

	if (g->sealing)
		tell_sealed_left(g, owner, left);
	else
		tell_left(g, owner, left);
}

static unsigned
list_parts(const struct eio__gather *g, const struct eio__burst *b, struct iovec *parts)
{
	unsigned n = 0;

	for (uint32_t i = b->first; i; i = g->links[i - 1].next) {
		struct eio_block *block = g->links[i - 1].block;

		parts[n++] = (struct iovec){ .iov_base = block->data, .iov_len = block->n };
	}
	return n;
}

static void
send_now(struct eio__gather *g, const struct send *s, struct iovec *parts, unsigned n)
{
	struct msghdr m = { .msg_iov = parts, .msg_iovlen = n };
	ssize_t sent = sendmsg(s->fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL);

	tell_left(g, s->burst, s->burst->bytes - (sent > 0 ? (size_t)sent : 0));
}

/* One block that is larger than all that is encrypted before it is sent. */
static void
send_large(struct eio__gather *g, const struct sealed *s, const struct iovec *parts, unsigned n)
{
	struct eio__burst *b = s->burst;
	size_t all = b->bytes;
	ssize_t sent = eio_tls_send(s->tls, parts, n);

	tell_left(g, b, all - (sent > 0 ? (size_t)sent : 0));
	if (sent == (ssize_t)all && eio_tls_waits(s->tls)) g->left(b, NULL, 0);
}

/* Encrypts a burst behind the `used` bytes of those before it. false when the connection is broken. */
static bool
seal_burst(struct eio__gather *g, struct sealed *s, const struct iovec *parts, unsigned n, size_t used)
{
	ssize_t sealed = eio_tls_seal(s->tls, parts, n, g->sealed + used, SEALED_BYTES - used);

	s->p = g->sealed + used;
	s->n = sealed > 0 ? (size_t)sealed : 0;
	return sealed > 0;
}

static void
send_sealed(struct eio__gather *g, struct sealed *s)
{
	struct iovec all = { .iov_base = (char *)(uintptr_t)s->p, .iov_len = s->n };
	ssize_t sent;

	if (has_ring(g)) {
		eio_uring_add_parts(g->ring, s, s->fd, &all, 1);
	} else {
		sent = send(s->fd, s->p, s->n, MSG_DONTWAIT | MSG_NOSIGNAL);
		tell_sealed_left(g, s, s->n - (sent > 0 ? (size_t)sent : 0));
	}
}

static void
flush_sealed(struct eio__gather *g)
{
	struct iovec parts[BURST_BLOCKS];
	size_t used = 0;

	g->sealing = true;
	for (size_t i = 0; i < g->n_seals; i++) {
		struct sealed *s = &g->seals[i];
		size_t bytes = s->burst->bytes, room = eio_tls_seal_room(bytes);
		unsigned n = list_parts(g, s->burst, parts);

		if (bytes > BURST_BYTES) {
			send_large(g, s, parts, n);
			continue;
		}
		if (used + room > SEALED_BYTES) {
			if (g->ring) eio_uring_flush(g->ring);
			used = 0;
		}
		if (seal_burst(g, s, parts, n, used))
			send_sealed(g, s);
		else
			tell_left(g, s->burst, bytes); /* the next write finds out */
		used += s->n;
	}
	if (g->ring) eio_uring_flush(g->ring);
	g->sealing = false;
	g->n_seals = 0;
}

void
eio__gather_flush(struct eio__gather *g)
{
	struct iovec parts[BURST_BLOCKS];
	bool by_ring = has_ring(g);

	for (size_t i = 0; i < g->n_sends; i++) {
		const struct send *s = &g->sends[i];
		unsigned n;

		if (i + AHEAD < g->n_sends) __builtin_prefetch(g->sends[i + AHEAD].burst);
		n = list_parts(g, s->burst, parts);
		if (by_ring)
			eio_uring_add_parts(g->ring, s->burst, s->fd, parts, n);
		else
			send_now(g, s, parts, n);
	}
	if (by_ring) eio_uring_flush(g->ring);
	if (g->n_seals) flush_sealed(g);
	for (size_t i = 0; i < g->n_held; i++) eio_block_unref(g->held[i]);
	g->n_links = g->n_sends = g->n_held = 0;
}

/* Gathering */

int
eio__gather_use_uring(struct eio__gather *g)
{
	g->ring = eio_uring_new(on_sent, g);
	return g->ring ? 0 : -errno;
}

void
eio__gather_begin(struct eio__gather *g, bool wide)
{
	g->on = wide || has_ring(g);
	g->wide = wide;
}

void
eio__gather_end(struct eio__gather *g)
{
	eio__gather_flush(g);
	g->on = false;
}

/* Makes sure that there is a reference to a block. Neighbours mostly send the same few. */
static bool
hold(struct eio__gather *g, struct eio_block *block)
{
	for (size_t i = 1; i <= RECENT && i <= g->n_held; i++)
		if (g->held[g->n_held - i] == block) return true;
	if (!grow_array(&g->held, &g->held_cap, g->n_held, sizeof *g->held)) return false;
	g->held[g->n_held++] = eio_block_ref(block);
	return true;
}

static inline bool
may_append(struct eio__gather *g, const struct eio__burst *b, struct eio_block *block)
{
	return g->on && block->n <= UINT32_MAX - b->bytes &&
	       grow_array(&g->links, &g->links_cap, g->n_links, sizeof *g->links) && hold(g, block);
}

/* Returns whether it is the first of its burst. */
static inline bool
append_block(struct eio__gather *g, struct eio__burst *b, struct eio_block *block)
{
	bool first = b->n++ == 0;

	g->links[g->n_links++] = (struct link){ block, 0 };
	if (first)
		b->first = (uint32_t)g->n_links;
	else
		g->links[b->last - 1].next = (uint32_t)g->n_links;
	b->last = (uint32_t)g->n_links;
	b->bytes += (uint32_t)block->n;
	return first;
}

static inline void
flush_if_enough(struct eio__gather *g)
{
	if (g->n_links == BLOCKS_MAX || (!g->wide && g->n_sends + g->n_seals == NARROW)) eio__gather_flush(g);
}

bool
eio__burst_full(const struct eio__burst *b, size_t more)
{
	return b->n > 0 && (b->n == BURST_BLOCKS || b->bytes + more > BURST_BYTES);
}

bool
eio__gather_add(struct eio__gather *g, struct eio__burst *b, int fd, struct eio_block *block)
{
	if (!may_append(g, b, block) || !grow_array(&g->sends, &g->sends_cap, g->n_sends, sizeof *g->sends))
		return false;
	if (append_block(g, b, block)) g->sends[g->n_sends++] = (struct send){ b, fd };
	flush_if_enough(g);
	return true;
}

bool
eio__gather_add_tls(struct eio__gather *g, struct eio__burst *b, int fd, struct eio_tls *tls, struct eio_block *block)
{
	if (!g->sealed) g->sealed = malloc(SEALED_BYTES);
	if (!g->sealed || !may_append(g, b, block) ||
		!grow_array(&g->seals, &g->seals_cap, g->n_seals, sizeof *g->seals))
		return false;
	if (append_block(g, b, block)) g->seals[g->n_seals++] = (struct sealed){ .burst = b, .tls = tls, .fd = fd };
	flush_if_enough(g);
	return true;
}

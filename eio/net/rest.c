/* SPDX-License-Identifier: MIT */
/* References to blocks in their order, and how far each has left. */
#include "eio/net/rest.h"

#include "eio/net/wire.h"

#include <stdlib.h>

/* What the kernel did not take of a block. */
struct unsent {
	struct unsent *next;
	struct eio_block *block;
	size_t at; /* bytes of it that have left */
};

struct eio__rest {
	struct unsent *first, **end; /* in their order */
	struct eio_block *pong; /* or NULL */
	struct eio__behind *behind;
	struct eio__laggard laggard;
};

struct eio__rest *
eio__rest_new(struct eio__behind *behind, int fd)
{
	struct eio__rest *r = calloc(1, sizeof *r);

	if (!r) return NULL;
	r->end = &r->first;
	r->behind = behind;
	eio__behind_add(behind, &r->laggard, fd);
	return r;
}

/* The oldest is over. */
static void
forget_first(struct eio__rest *r)
{
	struct unsent *u = r->first;

	r->first = u->next;
	if (!r->first) r->end = &r->first;
	eio_block_unref(u->block);
	free(u);
}

void
eio__rest_free(struct eio__rest *r)
{
	if (!r) return;
	eio__rest_lost(r);
	while (r->first) forget_first(r);
	eio_block_unref(r->pong);
	free(r);
}

bool
eio__rest_add(struct eio__rest *r, struct eio_block *b, size_t at)
{
	struct unsent *u = malloc(sizeof *u);

	if (!u) return false;
	*u = (struct unsent){ .block = eio_block_ref(b), .at = at };
	*r->end = u;
	r->end = &u->next;
	return true;
}

void
eio__rest_set_pong(struct eio__rest *r, struct eio_block *pong)
{
	eio_block_unref(r->pong);
	r->pong = eio_block_ref(pong);
}

struct eio_block *
eio__rest_take_pong(struct eio__rest *r)
{
	struct eio_block *pong = r->pong;

	r->pong = NULL;
	return pong;
}

int
eio__rest_send(struct eio__rest *r, int fd, struct eio_tls *tls)
{
	struct unsent *u;
	ssize_t sent;

	while ((u = r->first)) {
		sent = eio__wire_send(fd, tls, u->block->data + u->at, u->block->n - u->at);
		if (sent < 0) return -1;
		u->at += (size_t)sent;
		if (u->at < u->block->n) return 0;
		forget_first(r);
	}
	return eio__wire_flush(tls);
}

void
eio__rest_lost(struct eio__rest *r)
{
	eio__behind_remove(r->behind, &r->laggard);
}

size_t
eio__rest_bytes(const struct eio__rest *r)
{
	size_t n = r->laggard.on ? (size_t)r->laggard.bytes : 0;

	for (const struct unsent *u = r->first; u; u = u->next) n += u->block->n - u->at;
	return n;
}

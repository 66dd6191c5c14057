/* SPDX-License-Identifier: MIT */
/*
 * What the kernel did not take of what was written to a WebSocket: references to
 * blocks, how far the first of them has left, and the pong that follows them. There
 * is one only while something waits, which with TLS may be no more than bytes that
 * are encrypted already.
 *
 * Threads: the loop's only.
 */
#ifndef EIO_NET_REST_H
#define EIO_NET_REST_H

#include "eio/block.h"
#include "eio/net/behind.h"

struct eio_tls;

struct eio__rest;

/* Nothing waits yet. The connection counts as one that is behind until eio__rest_lost or _free. NULL when out of
 * memory. */
struct eio__rest *eio__rest_new(struct eio__behind *behind, int fd);

/* Frees what waits. NULL is fine. */
void eio__rest_free(struct eio__rest *r);

/* Keeps a block, of which `at` bytes have left, behind all that waits; takes a reference. false when out of memory. */
bool eio__rest_add(struct eio__rest *r, struct eio_block *b, size_t at);

/* The pong follows what waits, in the place of one before it: only the last ping has to be answered (RFC 6455 section
 * 5.5.3), so who does not read cannot pile them up. Takes a reference. */
void eio__rest_set_pong(struct eio__rest *r, struct eio_block *pong);

/* The reference is the caller's; NULL when there is none. */
struct eio_block *eio__rest_take_pong(struct eio__rest *r);

/* Sends what waits, by TLS unless that is NULL, as far as the kernel takes it. Returns 1 when all of it
 * has left, 0 when not, -1 when the connection is broken. */
int eio__rest_send(struct eio__rest *r, int fd, struct eio_tls *tls);

/* How many bytes wait, with those that the kernel had when it was asked last. */
size_t eio__rest_bytes(const struct eio__rest *r);

/* The descriptor is about to be closed, and another connection may get its number. */
void eio__rest_lost(struct eio__rest *r);

#endif

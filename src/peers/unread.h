/* SPDX-License-Identifier: MIT */
/*
 * What clients have not read of the answers of other nodes. There they have left; here they lie in connections. As
 * where a session lives (eio/net/unsent.h) who polls again and again by many connections, without reading, must not
 * let pile up more than his queue may hold. No I/O.
 *
 * Threads: one, but for the references to struct eio_unsent.
 */
#ifndef SRC_PEERS_UNREAD_H
#define SRC_PEERS_UNREAD_H

#include "eio/hash.h"
#include "eio/net/unsent.h"

#include <stdbool.h>

struct peers_unread {
	struct eio_hash clients;
	uint64_t key[2];
	size_t at; /* how far it was looked at for clients that have read all */
};

/* 0, or -1 when out of memory. key: random. */
int peers_unread_init(struct peers_unread *u, const uint64_t key[2]);
void peers_unread_deinit(struct peers_unread *u);

/* How many bytes the client of a session has not read. */
size_t peers_unread_bytes(const struct peers_unread *u, struct eio_bytes sid);

/* Counts an answer of n bytes. A reference for it, or NULL: it is too small to be counted, or memory is out. */
struct eio_unsent *peers_unread_add(struct peers_unread *u, struct eio_bytes sid, size_t n);

#endif

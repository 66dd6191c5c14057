/* SPDX-License-Identifier: MIT */
/*
 * How a hub and an edge know each other: by a secret that both have. No I/O.
 *
 * Each proves that it has the secret with the nonces of both, so what was heard once is worth nothing again; and
 * the hub goes first, so that who listens in the hub's place is told nothing. What follows is neither proved nor
 * encrypted.
 */
#ifndef SRC_RELAY_GREET_H
#define SRC_RELAY_GREET_H

#include "eio/net/server.h"
#include "src/auth/crypto.h"
#include "src/relay/frame.h"

enum {
	RELAY_NONCE = 16, /* bytes */
	RELAY_EPOCH = 16, /* the same: of the name of one life of a hub */
	RELAY_DEPTH = 16, /* hubs, one above the other */
};

/* What one says of himself. */
struct relay_hello {
	uint64_t version;
	char node[EIO_NODE_MAX + 1]; /* empty: it has no name */
	unsigned char nonce[RELAY_NONCE];
};

void relay_hello_write(const struct relay_hello *hello, struct eio_buf *out);

/* Whether a HELLO stands there, of whatever version; takes it off. Of another version only that is known. */
bool relay_hello_take(struct eio_bytes *s, struct relay_hello *out);

/* Where an edge was, when it lost its connection. All zero: nowhere. */
struct relay_place {
	unsigned char epoch[RELAY_EPOCH];
	uint64_t session, received;
};

void relay_place_write(const struct relay_place *place, struct eio_buf *out);
bool relay_place_take(struct eio_bytes *s, struct relay_place *out);

/* The hub's proof; and that of an edge, which says where it was. False when out of memory. */
bool relay_prove_hub(struct eio_bytes secret, const struct relay_hello *edge, const struct relay_hello *hub,
	unsigned char out[AUTH_MAC]);
bool relay_prove_edge(struct eio_bytes secret, const struct relay_hello *edge, const struct relay_hello *hub,
	const struct relay_place *place, unsigned char out[AUTH_MAC]);

#endif

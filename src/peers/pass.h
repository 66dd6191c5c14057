/* SPDX-License-Identifier: MIT */
/*
 * What nodes say to one another in the header "Siocast-Peer", and how they know each other: by a secret that all of
 * them have. No I/O.
 *
 *     who connects                                        who is connected to
 *     hello 1 NODE NONCE            ──── a request ───▶
 *                                   ◀─── its answer ───   hello 1 NODE NONCE SECONDS PROOF
 *     for 1 ADDRESS whole PROOF     ──── a request ───▶
 *
 * The first proof is made of the secret and both nonces: only who has the secret can answer, to this connection only,
 * and before it has, it is told nothing. A key of the connection is made of the same. The proof of a request is made
 * with that key, of the number of the request on the connection and of all that it says, its body included: so it can
 * be made by nobody else, and is worth nothing anywhere else or a second time. Nothing is encrypted.
 */
#ifndef SRC_PEERS_PASS_H
#define SRC_PEERS_PASS_H

#include "eio/net/request.h"
#include "eio/net/server.h"
#include "src/auth/crypto.h"

enum {
	PEERS_NONCE = 16, /* bytes */
	PEERS_SECRET_LEAST = 32, /* characters of a secret: who is answered may try in peace what fits */
};

/* The header, in lower case. */
#define PEERS_HEADER "siocast-peer"

/* What one says of himself. */
struct peers_hello {
	char node[EIO_NODE_MAX + 1];
	unsigned char nonce[PEERS_NONCE];
	unsigned idle_s; /* of an answer: so long a connection is kept without a request */
};

/* What a connection has when both have said hello. */
struct peers_pass {
	unsigned char key[AUTH_MAC];
	uint64_t n; /* requests that were made or taken */
};

/* Appends the value of the first header. */
void peers_hello_write(const struct peers_hello *ask, struct eio_buf *out);

/* Whether a value is a hello; reads it. */
bool peers_hello_read(struct eio_bytes value, struct peers_hello *ask);

/* Answers a hello: appends the value, and makes the pass. False when out of memory. */
bool peers_answer_write(struct eio_bytes secret, const struct peers_hello *ask, const struct peers_hello *own,
	struct peers_pass *pass, struct eio_buf *out);

/* Reads the answer to a hello, and makes the pass. False when somebody without the secret made it, or it is none. */
bool peers_answer_read(struct eio_bytes secret, const struct peers_hello *ask, struct eio_bytes value,
	struct peers_hello *other, struct peers_pass *pass);

/* Appends a request as it goes to another node, without its body, which follows. too_large: the body was thrown away,
 * and none follows. Uses up a number of the pass. The caller checks the buffer. */
void peers_request_write(struct peers_pass *pass, const struct eio_request *req, bool too_large, struct eio_buf *out);

/* Whether a complete request is the next one of a pass; then its number is used up, and *peer becomes the address that
 * it came from, where that is known. */
bool peers_request_check(
	struct peers_pass *pass, const struct eio_request *req, struct eio_peer *peer, bool *too_large);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * The signatures of tokens (RFC 7518, RFC 8037), by OpenSSL. An algorithm belongs to a key: what a token says of its
 * algorithm only chooses among the keys, and never what is done with one. There is no "none".
 *
 * Threads: a key is immutable once made, and may be used by one thread at a time.
 */
#ifndef SRC_AUTH_CRYPTO_H
#define SRC_AUTH_CRYPTO_H

#include "eio/bytes.h"

/* X(name, text) */
#define AUTH_ALGORITHMS(X) \
	X(HS256, "HS256") \
	X(HS384, "HS384") \
	X(HS512, "HS512") \
	X(RS256, "RS256") \
	X(ES256, "ES256") \
	X(EDDSA, "EdDSA")

enum auth_algorithm {
#define X(name, text) AUTH_##name,
	AUTH_ALGORITHMS(X)
#undef X
		AUTH_ALGORITHM_COUNT
};

/* The name as it stands in a token. */
const char *auth_algorithm_name(enum auth_algorithm alg);

/* The algorithm of that name; AUTH_ALGORITHM_COUNT when there is none. */
enum auth_algorithm auth_algorithm_named(struct eio_bytes name);

static inline bool
auth_algorithm_is_secret(enum auth_algorithm alg)
{
	return alg <= AUTH_HS512;
}

struct auth_key;

/* Each makes a key, and *why is NULL; or NULL with *why, a constant sentence without a full stop, when it cannot be:
 * what it is made of is no such key, or is too weak, or memory is out. A secret is at least as long as its hash
 * (RFC 7518 section 3.2), RSA has at least 2048 bits. */
struct auth_key *auth_key_of_secret(enum auth_algorithm alg, struct eio_bytes secret, const char **why);
struct auth_key *auth_key_of_pem(enum auth_algorithm alg, struct eio_bytes pem, const char **why);
struct auth_key *auth_key_of_rsa(struct eio_bytes n, struct eio_bytes e, const char **why); /* big-endian numbers */
struct auth_key *auth_key_of_p256(struct eio_bytes x, struct eio_bytes y, const char **why); /* 32 bytes each */
struct auth_key *auth_key_of_ed25519(struct eio_bytes x, const char **why); /* 32 bytes */

void auth_key_free(struct auth_key *k); /* NULL is fine */

enum auth_algorithm auth_key_algorithm(const struct auth_key *k);

/* Whether it has signed the text. Any bytes; out of memory means no. */
bool auth_key_verifies(const struct auth_key *k, struct eio_bytes text, struct eio_bytes signature);

enum { AUTH_MAC = 32 };

/* What says that somebody who has the secret made a text: HMAC with SHA-256. False when out of memory. */
bool auth_mac(struct eio_bytes secret, struct eio_bytes text, unsigned char out[AUTH_MAC]);

/* Whether n bytes are the same, in a time that does not say where they differ. */
bool auth_same(const void *a, const void *b, size_t n);

#endif

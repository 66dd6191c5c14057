/* SPDX-License-Identifier: MIT */
/* Sets of keys in JSON (RFC 7517). Pure functions. */
#ifndef SRC_AUTH_JWK_H
#define SRC_AUTH_JWK_H

#include "eio/buf.h"
#include "src/auth/crypto.h"

/* Reads {"keys": [...]} and calls each() for every key in it that can verify tokens: kty oct with an alg of HMAC, RSA
 * for RS256, EC of P-256, OKP of Ed25519. The key is the callee's; kid is a JSON string, or empty, and valid during the
 * call. Keys of other kinds, for other uses and for other algorithms are passed over, as RFC 7517 section 5 wants it.
 * NULL, or why the set is none: a constant sentence. */
const char *auth_jwks_read(
	struct eio_bytes text, void (*each)(void *ctx, struct auth_key *key, struct eio_bytes kid), void *ctx);

/* Appends what base64url without padding (RFC 7515 section 2) stands for. False when it is none, or out of memory. */
bool auth_base64url(struct eio_bytes s, struct eio_buf *out);

#endif

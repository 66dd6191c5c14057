/* SPDX-License-Identifier: MIT */
/* Tokens: JSON Web Tokens (RFC 7519) in their compact form, signed (RFC 7515). */
#ifndef SRC_AUTH_JWT_H
#define SRC_AUTH_JWT_H

#include "eio/buf.h"
#include "src/auth/keys.h"

#include <stdint.h>

/* A longer token is refused unread: it is kept for as long as its client is there. */
#define AUTH_TOKEN_BYTES 8192

/* X(name, code, message) what a client is told. */
#define AUTH_RESULTS(X) \
	X(MISSING, "token_required", "token required") \
	X(INVALID, "token_invalid", "token invalid") \
	X(EXPIRED, "token_expired", "token expired") \
	X(EARLY, "token_not_active", "token not active") \
	X(FOREIGN, "token_invalid", "token invalid") \
	X(NOMEM, "unavailable", "authentication unavailable")

enum auth_result {
	AUTH_GOOD,
#define X(name, code, message) AUTH_##name,
	AUTH_RESULTS(X)
#undef X
};

/* Constant strings of a result that is not AUTH_GOOD. */
const char *auth_result_code(enum auth_result r);
const char *auth_result_message(enum auth_result r);

/* For logs: also why a token is invalid. */
const char *auth_result_reason(enum auth_result r);

/* Verifies a token and appends its claims, a JSON object, to *claims. now_s: seconds since 1970. *expires_s: its exp,
 * without the leeway; UINT64_MAX when it has none. Nothing is appended unless it is good. Any bytes.
 * INVALID: no token, an algorithm without a key, a bad signature, claims of the wrong type, or "crit", which has
 * nothing that is known here. FOREIGN: another audience or issuer. */
enum auth_result auth_jwt_verify(const struct auth_jwt_spec *spec, const struct auth_keys *keys, struct eio_bytes token,
	uint64_t now_s, struct eio_buf *claims, uint64_t *expires_s);

#endif

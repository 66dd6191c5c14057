/* SPDX-License-Identifier: MIT */
/* From a set of keys in JSON to keys. */
#include "src/auth/jwk.h"

#include "eio/base64.h"
#include "sio/json.h"

bool
auth_base64url(struct eio_bytes s, struct eio_buf *out)
{
	char *to;
	ssize_t n;

	/* The decoder takes more than a token may have. */
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
			    c == '_'))
			return false;
	}
	if (s.n % 4 == 1) return false;
	to = eio_buf_reserve(out, s.n + 1);
	if (!to) return false;
	n = eio_base64_decode(to, s);
	if (n < 0) return false;
	out->n += (size_t)n;
	return true;
}

static struct eio_bytes
jwk_member(struct eio_bytes jwk, const char *pointer)
{
	struct eio_bytes v = { "", 0 };

	if (!sio_json_find(jwk, eio_cstr(pointer), &v) || sio_json_kind(v) != SIO_JSON_STRING) return eio_bytes("", 0);
	return v;
}

static bool
jwk_says(struct eio_bytes jwk, const char *pointer, const char *what)
{
	struct eio_bytes v = jwk_member(jwk, pointer);

	return v.n && sio_json_string_eq(v, eio_cstr(what));
}

/* The bytes of a member in base64url; false when it is missing or none. */
static bool
jwk_bytes(struct eio_bytes jwk, const char *pointer, struct eio_buf *out)
{
	struct eio_bytes v = jwk_member(jwk, pointer);

	/* No escape is ever needed in base64url. */
	return v.n > 2 && auth_base64url(eio_bytes(v.p + 1, v.n - 2), out);
}

static enum auth_algorithm
jwk_algorithm(struct eio_bytes jwk)
{
	for (int alg = 0; alg < AUTH_ALGORITHM_COUNT; alg++)
		if (jwk_says(jwk, "/alg", auth_algorithm_name((enum auth_algorithm)alg)))
			return (enum auth_algorithm)alg;
	return AUTH_ALGORITHM_COUNT;
}

/* Whether a key may be meant for the algorithm: it says nothing, or that. */
static bool
jwk_fits(struct eio_bytes jwk, enum auth_algorithm alg)
{
	struct eio_bytes v;

	return !sio_json_find(jwk, EIO_LIT("/alg"), &v) || jwk_algorithm(jwk) == alg;
}

/* NULL with *why when it is a key of a kind that is known, and wrong. NULL without when it is to be passed over. */
static struct auth_key *
key_of_jwk(struct eio_bytes jwk, struct eio_buf *a, struct eio_buf *b, const char **why)
{
	enum auth_algorithm alg = jwk_algorithm(jwk);

	*why = NULL;
	if (jwk_member(jwk, "/use").n && !jwk_says(jwk, "/use", "sig")) return NULL;
	if (jwk_says(jwk, "/kty", "oct") && auth_algorithm_is_secret(alg)) {
		if (jwk_bytes(jwk, "/k", a)) return auth_key_of_secret(alg, eio_buf_bytes(a), why);
	} else if (jwk_says(jwk, "/kty", "RSA") && jwk_fits(jwk, AUTH_RS256)) {
		if (jwk_bytes(jwk, "/n", a) && jwk_bytes(jwk, "/e", b))
			return auth_key_of_rsa(eio_buf_bytes(a), eio_buf_bytes(b), why);
	} else if (jwk_says(jwk, "/kty", "EC") && jwk_says(jwk, "/crv", "P-256") && jwk_fits(jwk, AUTH_ES256)) {
		if (jwk_bytes(jwk, "/x", a) && jwk_bytes(jwk, "/y", b))
			return auth_key_of_p256(eio_buf_bytes(a), eio_buf_bytes(b), why);
	} else if (jwk_says(jwk, "/kty", "OKP") && jwk_says(jwk, "/crv", "Ed25519") && jwk_fits(jwk, AUTH_EDDSA)) {
		if (jwk_bytes(jwk, "/x", a)) return auth_key_of_ed25519(eio_buf_bytes(a), why);
	} else {
		return NULL;
	}
	*why = "a key of the set lacks a member, or it is not base64url";
	return NULL;
}

const char *
auth_jwks_read(struct eio_bytes text, void (*each)(void *ctx, struct auth_key *key, struct eio_bytes kid), void *ctx)
{
	struct eio_bytes keys, jwk;
	struct sio_json_iter it;
	const char *why = NULL;

	if (sio_json_check(text) || !sio_json_find(text, EIO_LIT("/keys"), &keys) ||
		sio_json_kind(keys) != SIO_JSON_ARRAY)
		return "not a set of keys: expected {\"keys\": [...]}";
	it = sio_json_iter(keys);
	while (!why && sio_json_next(&it, NULL, &jwk)) {
		struct eio_buf a = { 0 }, b = { 0 };
		struct auth_key *key = key_of_jwk(jwk, &a, &b, &why);

		if (key) each(ctx, key, jwk_member(jwk, "/kid"));
		eio_buf_deinit(&a);
		eio_buf_deinit(&b);
	}
	return why;
}

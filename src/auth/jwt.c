/* SPDX-License-Identifier: MIT */
/* From a token's three parts to its claims. The signature comes first: until it holds nothing else of the claims is
 * looked at. */
#include "src/auth/jwt.h"

#include "eio/check.h"
#include "sio/json.h"
#include "src/auth/jwk.h"

#include <math.h>
#include <stdlib.h>

enum { NUMBER_BYTES = 64 }; /* of a date in a token */

static const struct {
	const char *code, *message;
} results[] = {
#define X(name, code, message) [AUTH_##name] = { code, message },
	AUTH_RESULTS(X)
#undef X
};

const char *
auth_result_code(enum auth_result r)
{
	CHECK(r != AUTH_GOOD);
	return results[r].code;
}

const char *
auth_result_message(enum auth_result r)
{
	CHECK(r != AUTH_GOOD);
	return results[r].message;
}

const char *
auth_result_reason(enum auth_result r)
{
	return r == AUTH_FOREIGN ? "another audience or issuer" : auth_result_message(r);
}

/* Cuts off what is in front of the next dot; false when there is none. */
static bool
cut_at_dot(struct eio_bytes *rest, struct eio_bytes *part)
{
	const char *dot = rest->n ? memchr(rest->p, '.', rest->n) : NULL;

	if (!dot) return false;
	*part = eio_bytes(rest->p, (size_t)(dot - rest->p));
	*rest = eio_bytes(dot + 1, rest->n - part->n - 1);
	return true;
}

/* Decodes a part, which is to be a JSON object. */
static bool
decode_object(struct eio_bytes part, struct eio_buf *out)
{
	return auth_base64url(part, out) && sio_json_check(eio_buf_bytes(out)) == 0 &&
	       sio_json_kind(eio_buf_bytes(out)) == SIO_JSON_OBJECT;
}

static bool
signature_holds(
	const struct auth_keys *keys, struct eio_bytes header, struct eio_bytes text, struct eio_bytes signature)
{
	struct eio_bytes alg, kid = { "", 0 }, crit;
	enum auth_algorithm known;

	if (sio_json_find(header, EIO_LIT("/crit"), &crit)) return false;
	if (!sio_json_find(header, EIO_LIT("/alg"), &alg) || sio_json_kind(alg) != SIO_JSON_STRING) return false;
	if (sio_json_find(header, EIO_LIT("/kid"), &kid) && sio_json_kind(kid) != SIO_JSON_STRING) return false;
	/* An algorithm's name needs no escapes. */
	known = auth_algorithm_named(eio_bytes(alg.p + 1, alg.n - 2));
	return known != AUTH_ALGORITHM_COUNT && auth_keys_verify(keys, known, kid, text, signature);
}

/* A date in seconds; *is_there false when it is missing. False when it is none. */
static bool
claim_date(struct eio_bytes claims, const char *pointer, double *out, bool *is_there)
{
	struct eio_bytes v;
	char text[NUMBER_BYTES];

	*is_there = sio_json_find(claims, eio_cstr(pointer), &v);
	if (!*is_there) return true;
	if (sio_json_kind(v) != SIO_JSON_NUMBER || v.n >= sizeof text) return false;
	memcpy(text, v.p, v.n);
	text[v.n] = '\0';
	*out = strtod(text, NULL);
	return isfinite(*out);
}

static bool
is_wanted(const struct auth_strings *wanted, struct eio_bytes json)
{
	for (size_t i = 0; sio_json_kind(json) == SIO_JSON_STRING && i < wanted->n; i++)
		if (sio_json_string_eq(json, eio_cstr(wanted->v[i]))) return true;
	return false;
}

/* Whether the claim is one of those that are wanted, or a list that has one. */
static bool
claim_is_wanted(struct eio_bytes claims, const char *pointer, const struct auth_strings *wanted)
{
	struct eio_bytes v, element;
	struct sio_json_iter it;

	if (!wanted->n) return true;
	if (!sio_json_find(claims, eio_cstr(pointer), &v)) return false;
	if (sio_json_kind(v) != SIO_JSON_ARRAY) return is_wanted(wanted, v);
	for (it = sio_json_iter(v); sio_json_next(&it, NULL, &element);)
		if (is_wanted(wanted, element)) return true;
	return false;
}

static enum auth_result
check_claims(const struct auth_jwt_spec *spec, struct eio_bytes claims, uint64_t now_s, uint64_t *expires_s)
{
	double exp = 0, nbf = 0, now = (double)now_s, leeway = spec->leeway_s;
	bool expires, begins;

	if (!claim_date(claims, "/exp", &exp, &expires) || !claim_date(claims, "/nbf", &nbf, &begins))
		return AUTH_INVALID;
	if (!claim_is_wanted(claims, "/aud", &spec->audience) || !claim_is_wanted(claims, "/iss", &spec->issuer))
		return AUTH_FOREIGN;
	if (expires && now >= exp + leeway) return AUTH_EXPIRED;
	if (begins && now < nbf - leeway) return AUTH_EARLY;
	/* What lies behind the end of time does not expire. */
	*expires_s = expires && exp < 1e15 ? (uint64_t)(exp < 0 ? 0 : exp) : UINT64_MAX;
	return AUTH_GOOD;
}

struct parts {
	struct eio_buf header, claims, signature;
};

static enum auth_result
verify_parts(const struct auth_keys *keys, struct eio_bytes token, struct parts *p)
{
	struct eio_bytes rest = token, header, claims, text;

	if (!cut_at_dot(&rest, &header) || !cut_at_dot(&rest, &claims)) return AUTH_INVALID;
	text = eio_bytes(token.p, header.n + 1 + claims.n);
	if (!decode_object(header, &p->header) || !auth_base64url(rest, &p->signature)) return AUTH_INVALID;
	if (!signature_holds(keys, eio_buf_bytes(&p->header), text, eio_buf_bytes(&p->signature))) return AUTH_INVALID;
	return decode_object(claims, &p->claims) ? AUTH_GOOD : AUTH_INVALID;
}

enum auth_result
auth_jwt_verify(const struct auth_jwt_spec *spec, const struct auth_keys *keys, struct eio_bytes token, uint64_t now_s,
	struct eio_buf *claims, uint64_t *expires_s)
{
	struct parts p = { 0 };
	enum auth_result r;

	if (!token.n) return AUTH_MISSING;
	if (token.n > AUTH_TOKEN_BYTES) return AUTH_INVALID;
	r = verify_parts(keys, token, &p);
	if (r == AUTH_GOOD) r = check_claims(spec, eio_buf_bytes(&p.claims), now_s, expires_s);
	if (r == AUTH_GOOD) eio_buf_add(claims, sio_json_trim(eio_buf_bytes(&p.claims)));
	if (eio_buf_failed(&p.header) || eio_buf_failed(&p.claims) || eio_buf_failed(&p.signature) ||
		eio_buf_failed(claims))
		r = AUTH_NOMEM;
	eio_buf_deinit(&p.header);
	eio_buf_deinit(&p.claims);
	eio_buf_deinit(&p.signature);
	return r;
}

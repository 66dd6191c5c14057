/* SPDX-License-Identifier: MIT */
/* Keys and signatures by OpenSSL's EVP interface, the only file that knows it. */
#include "src/auth/crypto.h"

#include "eio/check.h"

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <stdlib.h>

enum { RSA_BITS_LEAST = 2048, P256_BYTES = 32, ED25519_BYTES = 32 };

struct auth_key {
	enum auth_algorithm alg;
	EVP_PKEY *public; /* NULL for a secret */
	unsigned char *secret; /* owned */
	size_t secret_n;
};

static const char no_memory[] = "out of memory";

static const char *const algorithm_names[] = {
#define X(name, text) [AUTH_##name] = text,
	AUTH_ALGORITHMS(X)
#undef X
};

const char *
auth_algorithm_name(enum auth_algorithm alg)
{
	CHECK(alg < AUTH_ALGORITHM_COUNT);
	return algorithm_names[alg];
}

enum auth_algorithm
auth_algorithm_named(struct eio_bytes name)
{
	enum auth_algorithm alg = AUTH_HS256;

	while (alg < AUTH_ALGORITHM_COUNT && !eio_bytes_eq(name, eio_cstr(algorithm_names[alg]))) alg++;
	return alg;
}

static const EVP_MD *
hash_of(enum auth_algorithm alg)
{
	switch (alg) {
	case AUTH_HS384: return EVP_sha384();
	case AUTH_HS512: return EVP_sha512();
	case AUTH_EDDSA: return NULL; /* it hashes by itself */
	default: return EVP_sha256();
	}
}

/* Keys */

void
auth_key_free(struct auth_key *k)
{
	if (!k) return;
	EVP_PKEY_free(k->public);
	if (k->secret) OPENSSL_cleanse(k->secret, k->secret_n);
	free(k->secret);
	free(k);
}

struct auth_key *
auth_key_of_secret(enum auth_algorithm alg, struct eio_bytes secret, const char **why)
{
	struct auth_key *k;

	CHECK(auth_algorithm_is_secret(alg));
	if (secret.n < (size_t)EVP_MD_size(hash_of(alg))) {
		*why = "the secret is shorter than its hash: HS256 wants 32 bytes, HS384 48, HS512 64";
		return NULL;
	}
	*why = no_memory;
	k = calloc(1, sizeof *k);
	if (!k) return NULL;
	k->alg = alg;
	k->secret = malloc(secret.n);
	if (!k->secret) {
		free(k);
		return NULL;
	}
	memcpy(k->secret, secret.p, secret.n);
	k->secret_n = secret.n;
	*why = NULL;
	return k;
}

/* NULL, or why a public key is none for the algorithm. */
static const char *
why_not_public(enum auth_algorithm alg, EVP_PKEY *p)
{
	char curve[32] = "";

	if (alg == AUTH_RS256) {
		if (!EVP_PKEY_is_a(p, "RSA")) return "not an RSA key, which RS256 wants";
		return EVP_PKEY_get_bits(p) < RSA_BITS_LEAST ? "an RSA key of less than 2048 bits" : NULL;
	}
	if (alg == AUTH_EDDSA) return EVP_PKEY_is_a(p, "ED25519") ? NULL : "not an Ed25519 key, which EdDSA wants";
	if (!EVP_PKEY_is_a(p, "EC") || !EVP_PKEY_get_group_name(p, curve, sizeof curve, NULL) ||
		strcmp(curve, "prime256v1") != 0)
		return "not a key of the curve P-256, which ES256 wants";
	return NULL;
}

/* Takes over p, which may be NULL. */
static struct auth_key *
key_of_public(enum auth_algorithm alg, EVP_PKEY *p, const char *why_none, const char **why)
{
	struct auth_key *k = NULL;

	ERR_clear_error();
	*why = p ? why_not_public(alg, p) : why_none;
	if (!*why) {
		k = calloc(1, sizeof *k);
		if (!k) *why = no_memory;
	}
	if (k)
		*k = (struct auth_key){ .alg = alg, .public = p };
	else
		EVP_PKEY_free(p);
	return k;
}

struct auth_key *
auth_key_of_pem(enum auth_algorithm alg, struct eio_bytes pem, const char **why)
{
	BIO *bio = BIO_new_mem_buf(pem.p, (int)pem.n);
	EVP_PKEY *p = bio ? PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL) : NULL;

	CHECK(!auth_algorithm_is_secret(alg));
	BIO_free(bio);
	return key_of_public(alg, p, "no public key in PEM: the file has no \"-----BEGIN PUBLIC KEY-----\"", why);
}

/* A public key of its parameters, or NULL. */
static EVP_PKEY *
public_of_params(const char *type, OSSL_PARAM_BLD *b)
{
	OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(b);
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	EVP_PKEY *p = NULL;

	if (params && ctx && EVP_PKEY_fromdata_init(ctx) == 1 &&
		EVP_PKEY_fromdata(ctx, &p, EVP_PKEY_PUBLIC_KEY, params) != 1)
		p = NULL;
	EVP_PKEY_CTX_free(ctx);
	OSSL_PARAM_free(params);
	return p;
}

struct auth_key *
auth_key_of_rsa(struct eio_bytes n, struct eio_bytes e, const char **why)
{
	BIGNUM *bn = BN_bin2bn((const unsigned char *)n.p, (int)n.n, NULL);
	BIGNUM *be = BN_bin2bn((const unsigned char *)e.p, (int)e.n, NULL);
	OSSL_PARAM_BLD *b = OSSL_PARAM_BLD_new();
	EVP_PKEY *p = NULL;

	if (bn && be && b && OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_RSA_N, bn) &&
		OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_RSA_E, be))
		p = public_of_params("RSA", b);
	OSSL_PARAM_BLD_free(b);
	BN_free(bn);
	BN_free(be);
	return key_of_public(AUTH_RS256, p, "\"n\" and \"e\" make no RSA key", why);
}

struct auth_key *
auth_key_of_p256(struct eio_bytes x, struct eio_bytes y, const char **why)
{
	unsigned char point[1 + 2 * P256_BYTES] = { 4 }; /* uncompressed */
	OSSL_PARAM_BLD *b = OSSL_PARAM_BLD_new();
	EVP_PKEY *p = NULL;

	if (b && x.n == P256_BYTES && y.n == P256_BYTES) {
		memcpy(point + 1, x.p, P256_BYTES);
		memcpy(point + 1 + P256_BYTES, y.p, P256_BYTES);
		if (OSSL_PARAM_BLD_push_utf8_string(b, OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0) &&
			OSSL_PARAM_BLD_push_octet_string(b, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof point))
			p = public_of_params("EC", b);
	}
	OSSL_PARAM_BLD_free(b);
	return key_of_public(AUTH_ES256, p, "\"x\" and \"y\" are no point of P-256", why);
}

struct auth_key *
auth_key_of_ed25519(struct eio_bytes x, const char **why)
{
	EVP_PKEY *p = NULL;

	if (x.n == ED25519_BYTES)
		p = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, (const unsigned char *)x.p, x.n);
	return key_of_public(AUTH_EDDSA, p, "\"x\" is no Ed25519 key", why);
}

enum auth_algorithm
auth_key_algorithm(const struct auth_key *k)
{
	return k->alg;
}

/* Signatures */

static bool
secret_verifies(const struct auth_key *k, struct eio_bytes text, struct eio_bytes signature)
{
	unsigned char mac[EVP_MAX_MD_SIZE];
	unsigned n = 0;

	if (!HMAC(hash_of(k->alg), k->secret, (int)k->secret_n, (const unsigned char *)text.p, text.n, mac, &n))
		return false;
	return signature.n == n && CRYPTO_memcmp(mac, signature.p, n) == 0;
}

static bool
public_verifies(const struct auth_key *k, struct eio_bytes text, const unsigned char *signature, size_t n)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool good = ctx && EVP_DigestVerifyInit(ctx, NULL, hash_of(k->alg), NULL, k->public) == 1 &&
		    EVP_DigestVerify(ctx, signature, n, (const unsigned char *)text.p, text.n) == 1;

	EVP_MD_CTX_free(ctx);
	ERR_clear_error();
	return good;
}

/* A token has the two numbers of ECDSA side by side (RFC 7518 section 3.4), OpenSSL wants them in DER. */
static bool
p256_verifies(const struct auth_key *k, struct eio_bytes text, struct eio_bytes signature)
{
	const unsigned char *raw = (const unsigned char *)signature.p;
	ECDSA_SIG *sig = ECDSA_SIG_new();
	BIGNUM *r, *s;
	unsigned char *der = NULL;
	int n = -1;
	bool good;

	if (!sig || signature.n != 2 * P256_BYTES) {
		ECDSA_SIG_free(sig);
		return false;
	}
	r = BN_bin2bn(raw, P256_BYTES, NULL);
	s = BN_bin2bn(raw + P256_BYTES, P256_BYTES, NULL);
	if (r && s && ECDSA_SIG_set0(sig, r, s)) {
		n = i2d_ECDSA_SIG(sig, &der);
	} else {
		BN_free(r);
		BN_free(s);
	}
	good = n > 0 && public_verifies(k, text, der, (size_t)n);
	OPENSSL_free(der);
	ECDSA_SIG_free(sig);
	return good;
}

bool
auth_key_verifies(const struct auth_key *k, struct eio_bytes text, struct eio_bytes signature)
{
	if (auth_algorithm_is_secret(k->alg)) return secret_verifies(k, text, signature);
	if (k->alg == AUTH_ES256) return p256_verifies(k, text, signature);
	return public_verifies(k, text, (const unsigned char *)signature.p, signature.n);
}

bool
auth_mac(struct eio_bytes secret, struct eio_bytes text, unsigned char out[AUTH_MAC])
{
	unsigned n = 0;

	return HMAC(EVP_sha256(), secret.p, (int)secret.n, (const unsigned char *)text.p, text.n, out, &n) &&
	       n == AUTH_MAC;
}

bool
auth_same(const void *a, const void *b, size_t n)
{
	return CRYPTO_memcmp(a, b, n) == 0;
}

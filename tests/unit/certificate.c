/* SPDX-License-Identifier: MIT */
/* Issuing certificates. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/certificate.h"

#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

static char *
text_in(BIO *b)
{
	char *p, *copy;
	long n = BIO_get_mem_data(b, &p);

	copy = strndup(p, (size_t)n);
	assert_non_null(copy);
	BIO_free(b);
	return copy;
}

static void
extend(X509 *cert, const X509 *issuer, int nid, const char *value)
{
	X509V3_CTX context;
	X509_EXTENSION *e;

	X509V3_set_ctx_nodb(&context);
	X509V3_set_ctx(&context, (X509 *)(uintptr_t)issuer, cert, NULL, NULL, 0);
	e = X509V3_EXT_conf_nid(NULL, &context, nid, value);
	assert_non_null(e);
	assert_int_equal(X509_add_ext(cert, e, -1), 1);
	X509_EXTENSION_free(e);
}

struct certificate *
certificate_new(const char *subject, const char *names, long from_s, long to_s, const struct certificate *by)
{
	static long serial = 1;
	struct certificate *c = calloc(1, sizeof *c);
	X509_NAME *name;
	BIO *b;

	assert_non_null(c);
	c->key = EVP_EC_gen("P-256");
	c->cert = X509_new();
	assert_true(c->key && c->cert);
	X509_set_version(c->cert, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(c->cert), serial++);
	X509_gmtime_adj(X509_getm_notBefore(c->cert), from_s);
	X509_gmtime_adj(X509_getm_notAfter(c->cert), to_s);
	X509_set_pubkey(c->cert, c->key);
	name = X509_get_subject_name(c->cert);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)subject, -1, -1, 0);
	X509_set_issuer_name(c->cert, by ? X509_get_subject_name(by->cert) : name);
	extend(c->cert, by ? by->cert : c->cert, NID_basic_constraints, by ? "CA:FALSE" : "critical,CA:TRUE");
	if (names) extend(c->cert, by ? by->cert : c->cert, NID_subject_alt_name, names);
	assert_true(X509_sign(c->cert, by ? by->key : c->key, EVP_sha256()) > 0);
	b = BIO_new(BIO_s_mem());
	assert_int_equal(PEM_write_bio_X509(b, c->cert), 1);
	c->cert_pem = text_in(b);
	b = BIO_new(BIO_s_mem());
	assert_int_equal(PEM_write_bio_PrivateKey(b, c->key, NULL, NULL, 0, NULL, NULL), 1);
	c->key_pem = text_in(b);
	return c;
}

void
certificate_free(struct certificate *c)
{
	X509_free(c->cert);
	EVP_PKEY_free(c->key);
	free(c->cert_pem);
	free(c->key_pem);
	free(c);
}

char *
certificate_encrypted_key(const struct certificate *c, const char *passphrase)
{
	BIO *b = BIO_new(BIO_s_mem());

	assert_int_equal(
		PEM_write_bio_PrivateKey(b, c->key, EVP_aes_128_cbc(), NULL, 0, NULL, (void *)(uintptr_t)passphrase),
		1);
	return text_in(b);
}

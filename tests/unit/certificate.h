/* SPDX-License-Identifier: MIT */
/* Certificates made by a test, as PEM texts. */
#ifndef TESTS_UNIT_CERTIFICATE_H
#define TESTS_UNIT_CERTIFICATE_H

#include <openssl/x509.h>

struct certificate {
	X509 *cert;
	EVP_PKEY *key;
	char *cert_pem, *key_pem;
};

/* An authority, when by is NULL; else what that issues. names: as openssl.cnf(5) writes a subjectAltName,
 * "DNS:a,IP:::1"; or NULL. It is valid from now + from_s to now + to_s. */
struct certificate *certificate_new(
	const char *subject, const char *names, long from_s, long to_s, const struct certificate *by);
void certificate_free(struct certificate *c);

/* The key in PEM form, encrypted. Freed by the caller. */
char *certificate_encrypted_key(const struct certificate *c, const char *passphrase);

#endif

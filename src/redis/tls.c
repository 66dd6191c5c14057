/* SPDX-License-Identifier: MIT */
/* TLS by OpenSSL, which reads from and writes to our own buffers by a BIO of ours: nothing is copied on the way. */
#include "src/redis/tls.h"

#include "eio/check.h"
#include "eio/refs.h"
#include "src/base/log.h"

#include <arpa/inet.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>

#define REDIS_TLS_MAGIC 0x4ed17150

struct redis_tls_context {
	atomic_uint refs; /* of whoever made it, and of each connection */
	SSL_CTX *ssl;
	BIO_METHOD *bio;
	char *name;
	bool is_address;
};

struct redis_tls {
	unsigned magic;
	struct redis_tls_context *context; /* a reference */
	SSL *ssl;
	struct eio_bytes in; /* that came and was not read: borrowed */
	struct eio_buf out; /* that has to leave */
	bool open; /* hands are shaken */
	char failure[256]; /* empty: none */
};

static struct redis_tls *
tls_of(void *data)
{
	struct redis_tls *t = data;

	CHECK_MAGIC(t, REDIS_TLS_MAGIC);
	return t;
}

/* Between OpenSSL and the buffers */

static int
read_tls_in(BIO *b, char *out, int n)
{
	struct redis_tls *t = tls_of(BIO_get_data(b));
	size_t got = t->in.n < (size_t)n ? t->in.n : (size_t)n;

	BIO_clear_retry_flags(b);
	if (!got) {
		BIO_set_retry_read(b);
		return -1;
	}
	memcpy(out, t->in.p, got);
	t->in = eio_bytes(t->in.p + got, t->in.n - got);
	return (int)got;
}

static int
write_tls_out(BIO *b, const char *p, int n)
{
	struct redis_tls *t = tls_of(BIO_get_data(b));

	BIO_clear_retry_flags(b);
	eio_buf_append(&t->out, p, (size_t)n);
	return eio_buf_failed(&t->out) ? -1 : n;
}

static long
control_bio(BIO *b, int command, long n, void *p)
{
	(void)b;
	(void)n;
	(void)p;
	return command == BIO_CTRL_FLUSH;
}

static BIO_METHOD *
make_bio_method(void)
{
	BIO_METHOD *m = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "buffers");

	if (!m) return NULL;
	BIO_meth_set_read(m, read_tls_in);
	BIO_meth_set_write(m, write_tls_out);
	BIO_meth_set_ctrl(m, control_bio);
	return m;
}

/* What is wrong */

/* Only the first counts. */
__attribute__((format(printf, 2, 3))) static void
tls_failed(struct redis_tls *t, const char *fmt, ...)
{
	va_list args;

	if (*t->failure) return;
	va_start(args, fmt);
	vsnprintf(t->failure, sizeof t->failure, fmt, args);
	va_end(args);
}

static const char *
text_of_error(unsigned long e)
{
	const char *text = ERR_reason_error_string(e);

	switch (ERR_GET_LIB(e) == ERR_LIB_SSL ? ERR_GET_REASON(e) : 0) {
	case SSL_R_WRONG_VERSION_NUMBER: return "the server does not speak it on this port";
	case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED: return "the server asks for a certificate";
	case SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE:
		return "the server ends the handshake; it may ask for a certificate, or know none of our ciphers";
	case SSL_R_TLSV1_ALERT_UNKNOWN_CA: return "the server does not trust our certificate's authority";
	case SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED: return "our certificate has expired, says the server";
	case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE: return "the server does not take our certificate";
	default: return text ? text : "failed";
	}
}

/* What a function of OpenSSL has returned, that was no success. */
static void
note_tls_result(struct redis_tls *t, int result)
{
	switch (SSL_get_error(t->ssl, result)) {
	case SSL_ERROR_WANT_READ: return;
	case SSL_ERROR_ZERO_RETURN: tls_failed(t, "closed by the server"); return;
	default:
		tls_failed(t, "TLS: %s", eio_buf_failed(&t->out) ? "out of memory" : text_of_error(ERR_peek_error()));
		ERR_clear_error();
	}
}

/* The names and addresses in a certificate, as many as there is room for, made fit for the log. */
static const char *
names_in(const X509 *cert, char out[LOG_ESCAPE_MAX])
{
	GENERAL_NAMES *names = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
	struct eio_buf list;

	eio_buf_init(&list);
	for (int i = 0; i < sk_GENERAL_NAME_num(names) && list.n < LOG_ESCAPE_MAX; i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
		const unsigned char *p = name->type == GEN_DNS || name->type == GEN_IPADD
						 ? ASN1_STRING_get0_data(name->d.ia5)
						 : NULL;
		int n = p ? ASN1_STRING_length(name->d.ia5) : 0;
		char address[INET6_ADDRSTRLEN];

		if (!p) continue;
		if (list.n) EIO_BUF_ADD_LIT(&list, ", ");
		if (name->type == GEN_DNS)
			eio_buf_append(&list, p, (size_t)n);
		else if ((n == 4 || n == 16) && inet_ntop(n == 4 ? AF_INET : AF_INET6, p, address, sizeof address))
			eio_buf_add(&list, eio_cstr(address));
	}
	GENERAL_NAMES_free(names);
	log_escape(list.n ? eio_buf_bytes(&list) : EIO_LIT("nobody"), out, LOG_ESCAPE_MAX);
	eio_buf_deinit(&list);
	return out;
}

static const char *
subject_of(const X509 *cert, char out[LOG_ESCAPE_MAX])
{
	BIO *text = BIO_new(BIO_s_mem());
	char *p = NULL;
	long n = 0;

	if (text && X509_NAME_print_ex(text, X509_get_subject_name(cert), 0, XN_FLAG_RFC2253) >= 0)
		n = BIO_get_mem_data(text, &p);
	log_escape(n > 0 ? eio_bytes(p, (size_t)n) : EIO_LIT("?"), out, LOG_ESCAPE_MAX);
	BIO_free(text);
	return out;
}

/* OpenSSL has looked at one of the server's certificates: ok, or what is wrong with it. */
static int
on_verified(int ok, X509_STORE_CTX *store)
{
	struct redis_tls *t;
	const X509 *cert = X509_STORE_CTX_get_current_cert(store);
	int error = X509_STORE_CTX_get_error(store);
	char text[LOG_ESCAPE_MAX] = "?";

	if (ok) return 1;
	t = tls_of(SSL_get_app_data((SSL *)X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx())));
	if (error == X509_V_ERR_HOSTNAME_MISMATCH || error == X509_V_ERR_IP_ADDRESS_MISMATCH)
		tls_failed(t, "TLS: the server's certificate is not for %s, but for %s", t->context->name,
			cert ? names_in(cert, text) : text);
	else
		tls_failed(t, "TLS: the server's certificate is refused: %s, of '%s'",
			X509_verify_cert_error_string(error), cert ? subject_of(cert, text) : text);
	return 0;
}

/* Contexts */

static bool
is_numeric_name(const char *name)
{
	unsigned char address[sizeof(struct in6_addr)];

	return inet_pton(AF_INET, name, address) == 1 || inet_pton(AF_INET6, name, address) == 1;
}

static void
set_up_context(SSL_CTX *ssl)
{
	X509_VERIFY_PARAM *param = SSL_CTX_get0_param(ssl);

	SSL_CTX_set_min_proto_version(ssl, TLS1_2_VERSION);
	SSL_CTX_set_options(ssl, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
	SSL_CTX_set_mode(ssl, SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_verify(ssl, SSL_VERIFY_PEER, on_verified);
	/* A certificate in `ca` is trusted, also when it is the server's own and no authority's. */
	X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_PARTIAL_CHAIN);
	X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
}

struct redis_tls_context *
redis_tls_context_new(const char *name, const struct redis_tls_context *like)
{
	struct redis_tls_context *c = calloc(1, sizeof *c);

	if (!c) return NULL;
	atomic_init(&c->refs, 1);
	c->name = strdup(name);
	c->is_address = is_numeric_name(name);
	if (like && SSL_CTX_up_ref(like->ssl) == 1) c->ssl = like->ssl;
	if (!like && (c->ssl = SSL_CTX_new(TLS_client_method()))) set_up_context(c->ssl);
	c->bio = make_bio_method();
	if (c->name && c->ssl && c->bio) return c;
	ERR_clear_error();
	redis_tls_context_free(c);
	return NULL;
}

struct redis_tls_context *
redis_tls_context_ref(struct redis_tls_context *c)
{
	eio_refs_take(&c->refs);
	return c;
}

void
redis_tls_context_free(struct redis_tls_context *c)
{
	if (!c || !eio_refs_drop(&c->refs)) return;
	SSL_CTX_free(c->ssl);
	BIO_meth_free(c->bio);
	free(c->name);
	free(c);
}

/* Hands the certificates of a PEM text, one after the other, to a function that says whether it has taken it. NULL, or
 * what is wrong. */
static const char *
each_certificate(struct eio_bytes pem, bool (*take)(SSL_CTX *ssl, X509 *cert, size_t i), SSL_CTX *ssl)
{
	BIO *b = pem.n <= INT32_MAX ? BIO_new_mem_buf(pem.p, (int)pem.n) : NULL;
	const char *why = b ? NULL : "out of memory";
	X509 *cert;
	size_t n = 0;

	while (!why && (cert = PEM_read_bio_X509_AUX(b, NULL, NULL, NULL))) {
		if (!take(ssl, cert, n++)) why = "holds a certificate that OpenSSL does not take";
		X509_free(cert);
	}
	if (!why && ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
		why = "holds a certificate that cannot be read";
	else if (!why && !n)
		why = "holds no certificate in PEM form";
	ERR_clear_error();
	BIO_free(b);
	return why;
}

static bool
take_trusted(SSL_CTX *ssl, X509 *cert, size_t i)
{
	(void)i;
	return X509_STORE_add_cert(SSL_CTX_get_cert_store(ssl), cert) == 1;
}

const char *
redis_tls_trust(struct redis_tls_context *c, struct eio_bytes pem)
{
	return each_certificate(pem, take_trusted, c->ssl);
}

const char *
redis_tls_trust_system(struct redis_tls_context *c)
{
	bool good = SSL_CTX_set_default_verify_paths(c->ssl) == 1;

	ERR_clear_error();
	return good ? NULL : "the system's certificates cannot be read";
}

static bool
take_own(SSL_CTX *ssl, X509 *cert, size_t i)
{
	return (i ? SSL_CTX_add1_chain_cert(ssl, cert) : SSL_CTX_use_certificate(ssl, cert)) == 1;
}

const char *
redis_tls_certificate(struct redis_tls_context *c, struct eio_bytes pem)
{
	return each_certificate(pem, take_own, c->ssl);
}

bool
redis_tls_certificate_is_valid(const struct redis_tls_context *c)
{
	const X509 *cert = SSL_CTX_get0_certificate(c->ssl);

	CHECK(cert);
	return X509_cmp_current_time(X509_get0_notBefore(cert)) < 0 &&
	       X509_cmp_current_time(X509_get0_notAfter(cert)) > 0;
}

/* Nobody is there to be asked for a passphrase; that it was wanted is noted. */
static int
no_passphrase(char *out, int n, int writes, void *user)
{
	(void)out;
	(void)n;
	(void)writes;
	*(bool *)user = true;
	return -1;
}

const char *
redis_tls_key(struct redis_tls_context *c, struct eio_bytes pem)
{
	BIO *b = pem.n <= INT32_MAX ? BIO_new_mem_buf(pem.p, (int)pem.n) : NULL;
	bool asked = false;
	EVP_PKEY *key = b ? PEM_read_bio_PrivateKey(b, NULL, no_passphrase, &asked) : NULL;
	const char *why = NULL;

	if (asked)
		why = "the key has a passphrase, which nobody is asked for";
	else if (!key)
		why = b ? "holds no private key in PEM form" : "out of memory";
	else if (SSL_CTX_use_PrivateKey(c->ssl, key) != 1 || SSL_CTX_check_private_key(c->ssl) != 1)
		why = "the key is not the certificate's";
	ERR_clear_error();
	EVP_PKEY_free(key);
	BIO_free(b);
	return why;
}

/* Connections */

/* The server's certificate has to be for it. */
static bool
expect_name(struct redis_tls *t)
{
	const struct redis_tls_context *c = t->context;
	X509_VERIFY_PARAM *param = SSL_get0_param(t->ssl);

	return (c->is_address ? X509_VERIFY_PARAM_set1_ip_asc(param, c->name)
			      : X509_VERIFY_PARAM_set1_host(param, c->name, 0)) == 1;
}

/* ssl is there. */
static bool
set_up_connection(struct redis_tls *t)
{
	BIO *b = BIO_new(t->context->bio);

	if (!b) return false;
	BIO_set_init(b, 1);
	BIO_set_data(b, t);
	SSL_set_bio(t->ssl, b, b); /* takes it over */
	SSL_set_connect_state(t->ssl);
	if (!SSL_set_app_data(t->ssl, t) || !expect_name(t)) return false;
	return t->context->is_address || SSL_set_tlsext_host_name(t->ssl, t->context->name) == 1;
}

struct redis_tls *
redis_tls_new(struct redis_tls_context *c)
{
	struct redis_tls *t = calloc(1, sizeof *t);

	if (!t) return NULL;
	t->magic = REDIS_TLS_MAGIC;
	t->context = c;
	eio_refs_take(&c->refs);
	t->in = eio_bytes("", 0);
	t->ssl = SSL_new(c->ssl);
	if (t->ssl && set_up_connection(t)) return t;
	ERR_clear_error();
	redis_tls_free(t);
	return NULL;
}

void
redis_tls_free(struct redis_tls *t)
{
	if (!t) return;
	SSL_free(t->ssl);
	eio_buf_deinit(&t->out);
	redis_tls_context_free(t->context);
	t->magic = 0;
	free(t);
}

void
redis_tls_feed(struct redis_tls *t, struct eio_bytes bytes)
{
	CHECK(!t->in.n || *t->failure);
	t->in = bytes;
}

bool
redis_tls_shake_hands(struct redis_tls *t)
{
	int result;

	if (t->open || *t->failure) return t->open;
	ERR_clear_error();
	result = SSL_do_handshake(t->ssl);
	if (result == 1)
		t->open = true;
	else
		note_tls_result(t, result);
	return t->open;
}

size_t
redis_tls_read(struct redis_tls *t, char *out, size_t n)
{
	size_t at = 0, got;
	int result = 1;

	CHECK(t->open);
	ERR_clear_error();
	while (result == 1 && at < n && !*t->failure) {
		result = SSL_read_ex(t->ssl, out + at, n - at, &got);
		if (result == 1)
			at += got;
		else
			note_tls_result(t, result);
	}
	return at;
}

void
redis_tls_write(struct redis_tls *t, struct eio_bytes bytes)
{
	size_t written;
	int result;

	CHECK(t->open);
	if (!bytes.n || *t->failure) return;
	ERR_clear_error();
	result = SSL_write_ex(t->ssl, bytes.p, bytes.n, &written);
	if (result != 1) note_tls_result(t, result);
}

void
redis_tls_end(struct redis_tls *t)
{
	if (!t->open || *t->failure) return;
	(void)SSL_shutdown(t->ssl);
	ERR_clear_error();
}

struct eio_buf *
redis_tls_out(struct redis_tls *t)
{
	return &t->out;
}

const char *
redis_tls_failure(const struct redis_tls *t)
{
	return *t->failure ? t->failure : NULL;
}

const char *
redis_tls_version(const struct redis_tls *t)
{
	return SSL_get_version(t->ssl);
}

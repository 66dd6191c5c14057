/* SPDX-License-Identifier: MIT */
/* The certificates of a listener, which of them a client gets, and its tickets. */
#include "eio/check.h"
#include "eio/net/tickets.h"
#include "eio/net/tls_int.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

enum { TLS_SERVER_MAGIC = 0x746c7373 };

struct eio_tls_server {
	unsigned magic; /* TLS_SERVER_MAGIC */
	atomic_uint refs;
	struct eio_tls_spec *spec; /* owned, in one piece */
	pthread_mutex_t lock; /* guards now and tickets */
	struct eio__tls_set *now; /* a reference */
	struct eio__tickets tickets;
	struct stat *seen; /* the files as they were before they were read last: of each certificate two, clientCA's */
};

/* Tickets */

static bool
random_bytes(void *out, size_t n)
{
	return RAND_priv_bytes(out, (int)n) == 1;
}

static uint64_t
now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_BOOTTIME, &t);
	return (uint64_t)t.tv_sec;
}

static bool
set_ticket_mac(EVP_MAC_CTX *mac, const struct eio__ticket_key *key)
{
	char digest[] = "SHA256";
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, (void *)(uintptr_t)key->mac, sizeof key->mac),
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
		OSSL_PARAM_construct_end(),
	};

	return EVP_MAC_CTX_set_params(mac, params) == 1;
}

static int
seal_ticket(struct eio_tls_server *s, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac)
{
	const struct eio__ticket_key *key = eio__tickets_seal(&s->tickets, now_s());

	if (!key || RAND_bytes(iv, EVP_CIPHER_get_iv_length(EVP_aes_256_cbc())) != 1) return 0; /* none this time */
	memcpy(name, key->name, sizeof key->name);
	return EVP_EncryptInit_ex(cipher, EVP_aes_256_cbc(), NULL, key->cipher, iv) == 1 && set_ticket_mac(mac, key)
		       ? 1
		       : -1;
}

static int
open_ticket(struct eio_tls_server *s, const unsigned char *name, const unsigned char *iv, EVP_CIPHER_CTX *cipher,
	EVP_MAC_CTX *mac)
{
	bool renew;
	const struct eio__ticket_key *key = eio__tickets_open(&s->tickets, now_s(), name, &renew);

	if (!key) return 0;
	if (EVP_DecryptInit_ex(cipher, EVP_aes_256_cbc(), NULL, key->cipher, iv) != 1 || !set_ticket_mac(mac, key))
		return -1;
	return renew ? 2 : 1;
}

static int
on_ticket(SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, int seals)
{
	struct eio__tls_set *set = SSL_get_app_data(ssl);
	struct eio_tls_server *s = set->server;
	int rc;

	CHECK_MAGIC(s, TLS_SERVER_MAGIC);
	pthread_mutex_lock(&s->lock);
	rc = seals ? seal_ticket(s, name, iv, cipher, mac) : open_ticket(s, name, iv, cipher, mac);
	pthread_mutex_unlock(&s->lock);
	return rc;
}

/* Names */

static bool
names(SSL_CTX *context, const char *name, unsigned flags)
{
	return X509_check_host(SSL_CTX_get0_certificate(context), name, strlen(name), flags, NULL) == 1;
}

/* The certificate for a name: who has it as it is comes before who has a pattern for it. */
static int
on_server_name(SSL *ssl, int *alert, void *user)
{
	const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
	struct eio__tls_set *set = SSL_get_app_data(ssl);
	static const unsigned flags[] = { X509_CHECK_FLAG_NO_WILDCARDS, 0 };

	(void)alert;
	(void)user;
	if (!name || set->n < 2) return SSL_TLSEXT_ERR_OK;
	for (size_t f = 0; f < 2; f++)
		for (size_t i = 0; i < set->n; i++) {
			if (!names(set->contexts[i], name, flags[f])) continue;
			if (i) SSL_set_SSL_CTX(ssl, set->contexts[i]);
			return SSL_TLSEXT_ERR_OK;
		}
	return SSL_TLSEXT_ERR_OK;
}

/* Sets */

static struct eio__tls_set *
read_set(struct eio_tls_server *s, struct eio_tls_fault *f)
{
	struct eio__tls_set *set = calloc(1, sizeof *set + s->spec->n * sizeof *set->contexts);
	char *trusted = NULL;
	size_t n = 0;

	ERR_clear_error();
	if (!set || !eio__tls_trusted(s->spec, &trusted, &n, f)) {
		if (!set) *f = (struct eio_tls_fault){ .part = EIO_TLS_MEMORY, .text = "out of memory" };
		free(set);
		return NULL;
	}
	atomic_init(&set->refs, 1);
	set->server = s;
	while (set->n < s->spec->n) {
		SSL_CTX *x = eio__tls_context_new(s->spec, set->n, eio_bytes(trusted, n), f);

		if (!x) break;
		SSL_CTX_set_tlsext_ticket_key_evp_cb(x, on_ticket);
		SSL_CTX_set_tlsext_servername_callback(x, on_server_name);
		set->contexts[set->n++] = x;
	}
	free(trusted);
	if (set->n == s->spec->n) return set;
	eio__tls_set_unref(set);
	return NULL;
}

struct eio__tls_set *
eio__tls_set_now(struct eio_tls_server *s)
{
	struct eio__tls_set *set;

	CHECK_MAGIC(s, TLS_SERVER_MAGIC);
	pthread_mutex_lock(&s->lock);
	set = s->now;
	atomic_fetch_add_explicit(&set->refs, 1, memory_order_relaxed);
	pthread_mutex_unlock(&s->lock);
	return set;
}

void
eio__tls_set_unref(struct eio__tls_set *set)
{
	if (!set || atomic_fetch_sub_explicit(&set->refs, 1, memory_order_acq_rel) > 1) return;
	for (size_t i = 0; i < set->n; i++) SSL_CTX_free(set->contexts[i]);
	free(set);
}

/* Specs */

/* A copy of text at *end, which moves on; NULL for none. */
static const char *
copy_setting(const char *text, char **end)
{
	char *at = *end;

	if (!text) return NULL;
	*end = stpcpy(at, text) + 1;
	return at;
}

static size_t
bytes_of_setting(const char *text)
{
	return text ? strlen(text) + 1 : 0;
}

/* In one piece of memory; NULL when that is out. */
static struct eio_tls_spec *
copy_tls_spec(const struct eio_tls_spec *spec)
{
	size_t n = bytes_of_setting(spec->ciphers) + bytes_of_setting(spec->client_ca);
	struct eio_tls_certificate *all;
	struct eio_tls_spec *copy;
	char *end;

	for (size_t i = 0; i < spec->n; i++)
		n += bytes_of_setting(spec->certificates[i].cert) + bytes_of_setting(spec->certificates[i].key);
	copy = malloc(sizeof *copy + spec->n * sizeof *all + n);
	if (!copy) return NULL;
	*copy = *spec;
	all = (struct eio_tls_certificate *)(void *)(copy + 1);
	end = (char *)(all + spec->n);
	for (size_t i = 0; i < spec->n; i++) {
		all[i].cert = copy_setting(spec->certificates[i].cert, &end);
		all[i].key = copy_setting(spec->certificates[i].key, &end);
	}
	copy->certificates = all;
	copy->ciphers = copy_setting(spec->ciphers, &end);
	copy->client_ca = copy_setting(spec->client_ca, &end);
	return copy;
}

static bool
is_same_tls_text(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

bool
eio_tls_server_is_of(const struct eio_tls_server *s, const struct eio_tls_spec *spec)
{
	const struct eio_tls_spec *mine = s->spec;

	CHECK_MAGIC(s, TLS_SERVER_MAGIC);
	if (mine->n != spec->n || mine->min_version != spec->min_version) return false;
	if (mine->client_optional != spec->client_optional || !is_same_tls_text(mine->ciphers, spec->ciphers))
		return false;
	for (size_t i = 0; i < spec->n; i++)
		if (!is_same_tls_text(mine->certificates[i].cert, spec->certificates[i].cert) ||
			!is_same_tls_text(mine->certificates[i].key, spec->certificates[i].key))
			return false;
	return is_same_tls_text(mine->client_ca, spec->client_ca);
}

/* The server */

/* File number i of those that a spec names; NULL behind the last. */
static const char *
file_of(const struct eio_tls_spec *spec, size_t i)
{
	if (i < 2 * spec->n) return i % 2 ? spec->certificates[i / 2].key : spec->certificates[i / 2].cert;
	return i == 2 * spec->n ? spec->client_ca : NULL;
}

/* All zero for what is not there. */
static void
see_file(const char *path, struct stat *out)
{
	if (stat(path, out)) *out = (struct stat){ 0 };
}

static void
see_files(struct eio_tls_server *s)
{
	const char *path;

	for (size_t i = 0; (path = file_of(s->spec, i)); i++) see_file(path, &s->seen[i]);
}

bool
eio_tls_server_changed(const struct eio_tls_server *s)
{
	const char *path;
	struct stat now;

	CHECK_MAGIC(s, TLS_SERVER_MAGIC);
	for (size_t i = 0; (path = file_of(s->spec, i)); i++) {
		const struct stat *seen = &s->seen[i];

		see_file(path, &now);
		if (now.st_ino != seen->st_ino || now.st_dev != seen->st_dev || now.st_size != seen->st_size ||
			now.st_mtim.tv_sec != seen->st_mtim.tv_sec || now.st_mtim.tv_nsec != seen->st_mtim.tv_nsec)
			return true;
	}
	return false;
}

struct eio_tls_server *
eio_tls_server_new(const struct eio_tls_spec *spec, struct eio_tls_fault *fault)
{
	struct eio_tls_server *s = calloc(1, sizeof *s);

	CHECK(spec->n > 0);
	if (s) s->seen = calloc(2 * spec->n + 1, sizeof *s->seen);
	if (s) s->spec = copy_tls_spec(spec);
	if (!s || !s->seen || !s->spec) {
		*fault = (struct eio_tls_fault){ .part = EIO_TLS_MEMORY, .text = "out of memory" };
		if (s) free(s->seen);
		if (s) free(s->spec);
		free(s);
		return NULL;
	}
	s->magic = TLS_SERVER_MAGIC;
	atomic_init(&s->refs, 1);
	pthread_mutex_init(&s->lock, NULL);
	eio__tickets_init(&s->tickets, random_bytes);
	see_files(s);
	s->now = read_set(s, fault);
	if (s->now) return s;
	eio_tls_server_unref(s);
	return NULL;
}

struct eio_tls_server *
eio_tls_server_ref(struct eio_tls_server *s)
{
	CHECK_MAGIC(s, TLS_SERVER_MAGIC);
	atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
	return s;
}

void
eio_tls_server_unref(struct eio_tls_server *s)
{
	if (!s) return;
	CHECK_MAGIC(s, TLS_SERVER_MAGIC);
	if (atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) > 1) return;
	eio__tls_set_unref(s->now);
	eio__tickets_deinit(&s->tickets);
	pthread_mutex_destroy(&s->lock);
	s->magic = 0;
	free(s->spec);
	free(s->seen);
	free(s);
}

int
eio_tls_server_reread(struct eio_tls_server *s, struct eio_tls_fault *fault)
{
	struct eio__tls_set *fresh, *old;

	CHECK_MAGIC(s, TLS_SERVER_MAGIC);
	see_files(s);
	fresh = read_set(s, fault);
	if (!fresh) return -1;
	pthread_mutex_lock(&s->lock);
	old = s->now;
	s->now = fresh;
	pthread_mutex_unlock(&s->lock);
	eio__tls_set_unref(old);
	return 0;
}

static int64_t
time_of(const ASN1_TIME *t)
{
	struct tm tm;

	return ASN1_TIME_to_tm(t, &tm) == 1 ? (int64_t)timegm(&tm) : 0;
}

void
eio_tls_server_dates(const struct eio_tls_server *s, size_t i, int64_t *from, int64_t *to)
{
	const X509 *cert;

	CHECK_MAGIC(s, TLS_SERVER_MAGIC);
	CHECK(i < s->now->n);
	cert = SSL_CTX_get0_certificate(s->now->contexts[i]);
	*from = time_of(X509_get0_notBefore(cert));
	*to = time_of(X509_get0_notAfter(cert));
}

/* SPDX-License-Identifier: MIT */
/* What OpenSSL is told of a certificate, and of what is agreed with who gets it. */
#include "eio/net/tickets.h"
#include "eio/net/tls_int.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CIPHERS_MAX = 2048 };

/* Without DHE, whose parameters nobody wants to make, and without what has no forward secrecy. 128 bits are enough, and
 * cost a fifth less than 256. */
static const char usual_ciphers[] =
	"ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
	"ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:"
	"TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";

/* A client chooses among them; what costs ten times as much as the others is not here. */
#if OPENSSL_VERSION_NUMBER >= 0x30500000L
static const char groups[] = "X25519MLKEM768:X25519:P-256:P-384";
#else
static const char groups[] = "X25519:P-256:P-384";
#endif

/* Faults */

static bool note_fault(struct eio_tls_fault *f, enum eio_tls_part part, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Returns false. */
static bool
note_fault(struct eio_tls_fault *f, enum eio_tls_part part, const char *fmt, ...)
{
	va_list ap;

	f->part = part;
	va_start(ap, fmt);
	vsnprintf(f->text, sizeof f->text, fmt, ap);
	va_end(ap);
	ERR_clear_error();
	return false;
}

/* What OpenSSL says of the first thing that failed. */
static const char *
first_reason(void)
{
	unsigned long e = ERR_peek_error();
	const char *reason = e ? ERR_reason_error_string(e) : NULL;

	return reason ? reason : "it cannot be used";
}

static bool
check_readable(struct eio_tls_fault *f, enum eio_tls_part part, const char *path)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), err = errno;
	bool file;

	if (fd < 0) return note_fault(f, part, "%s: %s", path, strerror(err));
	file = fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
	close(fd);
	return file || note_fault(f, part, "%s: not a file", path);
}

/* Whether the first error is that a file has nothing of what was looked for. */
static bool
nothing_found(void)
{
	return ERR_GET_REASON(ERR_peek_error()) == PEM_R_NO_START_LINE && ERR_GET_LIB(ERR_peek_error()) == ERR_LIB_PEM;
}

/* What is agreed */

/* RFC 7301: who offers protocols, but not ours, is told so. */
static int
on_protocols(
	SSL *ssl, const unsigned char **out, unsigned char *out_n, const unsigned char *offered, unsigned n, void *user)
{
	static const unsigned char ours[] = "\x08http/1.1";
	unsigned char *chosen;

	(void)ssl;
	(void)user;
	if (SSL_select_next_proto(&chosen, out_n, ours, sizeof ours - 1, offered, n) != OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	*out = chosen;
	return SSL_TLSEXT_ERR_OK;
}

/* OpenSSL would ask the terminal. */
static int
no_password(char *buf, int n, int writes, void *user)
{
	(void)buf;
	(void)n;
	(void)writes;
	(void)user;
	return -1;
}

/* OpenSSL keeps two lists, one for TLS 1.3; which one a name is for can be seen. */
static bool
set_ciphers(SSL_CTX *x, const char *all, struct eio_tls_fault *f)
{
	char old[CIPHERS_MAX] = "", suites[CIPHERS_MAX] = "";

	if (strlen(all) >= CIPHERS_MAX) return note_fault(f, EIO_TLS_CIPHERS, "too long");
	while (*all) {
		size_t n = strcspn(all, ":");
		char *list = strncmp(all, "TLS_", 4) == 0 ? suites : old;

		if (*list) strcat(list, ":");
		strncat(list, all, n);
		all += n + (all[n] == ':');
	}
	if (*suites && SSL_CTX_set_ciphersuites(x, suites) != 1)
		return note_fault(f, EIO_TLS_CIPHERS, "\"%s\": no such cipher suites of TLS 1.3", suites);
	if (*old && SSL_CTX_set_cipher_list(x, old) != 1)
		return note_fault(f, EIO_TLS_CIPHERS, "\"%s\": no cipher is called so", old);
	return true;
}

/* OpenSSL compares only keys of one kind with the certificate. */
static bool
set_key(SSL_CTX *x, const struct eio_tls_certificate *c, struct eio_tls_fault *f)
{
	X509 *cert = SSL_CTX_get0_certificate(x);
	bool read, other;

	if (!check_readable(f, EIO_TLS_KEY, c->key)) return false;
	ERR_clear_error();
	read = SSL_CTX_use_PrivateKey_file(x, c->key, SSL_FILETYPE_PEM) == 1;
	other = read ? X509_check_private_key(cert, SSL_CTX_get0_privatekey(x)) != 1
		     : ERR_GET_LIB(ERR_peek_error()) == ERR_LIB_X509;
	if (other) return note_fault(f, EIO_TLS_KEY, "%s: it is not the key of %s", c->key, c->cert);
	return read || note_fault(f, EIO_TLS_KEY, "%s: no private key in PEM without a password is in it", c->key);
}

static bool
set_certificate(SSL_CTX *x, const struct eio_tls_certificate *c, struct eio_tls_fault *f)
{
	if (!check_readable(f, EIO_TLS_CERT, c->cert)) return false;
	if (SSL_CTX_use_certificate_chain_file(x, c->cert) != 1)
		return note_fault(f, EIO_TLS_CERT, "%s: %s", c->cert,
			nothing_found() ? "no certificate in PEM is in it" : first_reason());
	return set_key(x, c, f);
}

/* A session that began under other rules about clients is not taken up again: its name says under which. */
static bool
set_session_rules(SSL_CTX *x, const struct eio_tls_spec *spec, struct eio_bytes trusted, struct eio_tls_fault *f)
{
	unsigned char id[EVP_MAX_MD_SIZE];
	size_t id_n = 0;

	SSL_CTX_set_session_cache_mode(x, SSL_SESS_CACHE_OFF); /* tickets hold all there is */
	SSL_CTX_set_timeout(x, EIO__TICKET_LIFE_S);
	if (EVP_Q_digest(NULL, "SHA256", NULL, trusted.p, trusted.n, id, &id_n) != 1 || id_n > SSL_MAX_SID_CTX_LENGTH)
		return note_fault(f, EIO_TLS_MEMORY, "%s", first_reason());
	id[0] = (unsigned char)((id[0] & ~1U) | spec->client_optional);
	return SSL_CTX_set_session_id_context(x, id, (unsigned)id_n) == 1 ||
	       note_fault(f, EIO_TLS_MEMORY, "%s", first_reason());
}

static bool
set_client_ca(SSL_CTX *x, const struct eio_tls_spec *spec, struct eio_tls_fault *f)
{
	STACK_OF(X509_NAME) * issuers;

	if (!check_readable(f, EIO_TLS_CLIENT_CA, spec->client_ca)) return false;
	issuers = SSL_load_client_CA_file(spec->client_ca);
	if (!issuers || SSL_CTX_load_verify_file(x, spec->client_ca) != 1) {
		sk_X509_NAME_pop_free(issuers, X509_NAME_free);
		return note_fault(f, EIO_TLS_CLIENT_CA, "%s: %s", spec->client_ca,
			issuers || !nothing_found() ? first_reason() : "no certificate in PEM is in it");
	}
	SSL_CTX_set_client_CA_list(x, issuers);
	SSL_CTX_set_verify(x, SSL_VERIFY_PEER | (spec->client_optional ? 0 : SSL_VERIFY_FAIL_IF_NO_PEER_CERT), NULL);
	return true;
}

static bool
set_rules(SSL_CTX *x, const struct eio_tls_spec *spec, struct eio_tls_fault *f)
{
	SSL_CTX_set_options(x, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE |
				       SSL_OP_PRIORITIZE_CHACHA | SSL_OP_IGNORE_UNEXPECTED_EOF);
	SSL_CTX_set_mode(x, SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_clear_mode(x, SSL_MODE_AUTO_RETRY); /* a turn is one record, be it of a kind that brings no bytes */
	SSL_CTX_set_default_passwd_cb(x, no_password);
	SSL_CTX_set_alpn_select_cb(x, on_protocols, NULL);
	if (SSL_CTX_set_min_proto_version(x, spec->min_version == 13 ? TLS1_3_VERSION : TLS1_2_VERSION) != 1 ||
		SSL_CTX_set1_groups_list(x, groups) != 1)
		return note_fault(f, EIO_TLS_CIPHERS, "%s", first_reason());
	return set_ciphers(x, usual_ciphers, f) && (!spec->ciphers || set_ciphers(x, spec->ciphers, f));
}

SSL_CTX *
eio__tls_context_new(const struct eio_tls_spec *spec, size_t i, struct eio_bytes trusted, struct eio_tls_fault *f)
{
	SSL_CTX *x = SSL_CTX_new(TLS_server_method());

	f->certificate = i;
	if (!x) note_fault(f, EIO_TLS_MEMORY, "%s", first_reason());
	if (x && set_rules(x, spec, f) && set_certificate(x, &spec->certificates[i], f) &&
		set_session_rules(x, spec, trusted, f) && (!spec->client_ca || set_client_ca(x, spec, f)))
		return x;
	SSL_CTX_free(x);
	return NULL;
}

bool
eio__tls_trusted(const struct eio_tls_spec *spec, char **out, size_t *n, struct eio_tls_fault *f)
{
	size_t room = 0;
	ssize_t got;
	FILE *file;

	*out = NULL;
	*n = 0;
	if (!spec->client_ca) return true;
	if (!check_readable(f, EIO_TLS_CLIENT_CA, spec->client_ca)) return false;
	file = fopen(spec->client_ca, "re");
	got = file ? getdelim(out, &room, EOF, file) : -1;
	if (file) fclose(file);
	*n = got > 0 ? (size_t)got : 0;
	return true;
}

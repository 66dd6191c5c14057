/* SPDX-License-Identifier: MIT */
/* TLS between a client and its socket, by OpenSSL as it is meant to be used. The certificate is not looked at. */
#include "bench/load.h"

#include "bench/bench.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

static SSL_CTX *context;

static void
open_context(void)
{
	context = SSL_CTX_new(TLS_client_method());
	if (!context) bench_die("OpenSSL does not work");
	SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
}

void
load_tls_begin(struct client *c, enum client_link link)
{
	if (!context) open_context();
	c->tls[link] = SSL_new(context);
	if (!c->tls[link] || SSL_set_fd(c->tls[link], c->fd[link]) != 1) bench_die("out of memory");
	SSL_set_connect_state(c->tls[link]);
}

const char *
load_tls_shake(struct client *c, enum client_link link)
{
	int rc = SSL_do_handshake(c->tls[link]);
	const char *why;

	if (rc == 1) return NULL;
	/* What is sent is small: it never waits for room. */
	if (SSL_get_error(c->tls[link], rc) == SSL_ERROR_WANT_READ) return "";
	why = ERR_reason_error_string(ERR_get_error());
	ERR_clear_error();
	return why ? why : "the connection is lost";
}

ssize_t
load_tls_recv(struct client *c, enum client_link link, char *p, size_t n)
{
	size_t got = 0, some;
	int rc = 1;

	while (got < n && (rc = SSL_read_ex(c->tls[link], p + got, n - got, &some)) == 1) got += some;
	if (got) return (ssize_t)got;
	rc = SSL_get_error(c->tls[link], rc);
	ERR_clear_error();
	if (rc == SSL_ERROR_ZERO_RETURN) return 0;
	errno = rc == SSL_ERROR_WANT_READ ? EAGAIN : EPROTO;
	return -1;
}

bool
load_tls_pending(const struct client *c, enum client_link link)
{
	return c->tls[link] && SSL_has_pending(c->tls[link]);
}

ssize_t
load_tls_send(struct client *c, enum client_link link, const void *p, size_t n)
{
	size_t written;

	errno = EPROTO;
	return SSL_write_ex(c->tls[link], p, n, &written) == 1 ? (ssize_t)written : -1;
}

void
load_tls_close(struct client *c, enum client_link link)
{
	SSL_free(c->tls[link]);
	c->tls[link] = NULL;
}

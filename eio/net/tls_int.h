/* SPDX-License-Identifier: MIT */
/*
 * What the files share that know OpenSSL: tls.c (a connection), tls_server.c (what a listener has) and tls_context.c
 * (what OpenSSL is told). They call only those named behind them.
 */
#ifndef EIO_NET_TLS_INT_H
#define EIO_NET_TLS_INT_H

#include "eio/bytes.h"
#include "eio/net/tls.h"

#include <openssl/ssl.h>
#include <stdatomic.h>

/* What was read at one time: immutable, and counted, because handshakes look at it that began before the next one. */
struct eio__tls_set {
	atomic_uint refs;
	struct eio_tls_server *server; /* of which who has a set has a reference, too */
	size_t n;
	SSL_CTX *contexts[]; /* one for each certificate */
};

/* tls_server.c. The set of now; a reference. */
struct eio__tls_set *eio__tls_set_now(struct eio_tls_server *s);
void eio__tls_set_unref(struct eio__tls_set *set); /* NULL is fine */

/* tls_context.c. What certificate i of a spec is used with; the caller's to free. trusted: what eio__tls_trusted gave.
 * NULL after a fault. */
SSL_CTX *eio__tls_context_new(
	const struct eio_tls_spec *spec, size_t i, struct eio_bytes trusted, struct eio_tls_fault *f);

/* The bytes of the file of clients' issuers, which the caller frees; none without one. false after a fault. */
bool eio__tls_trusted(const struct eio_tls_spec *spec, char **out, size_t *n, struct eio_tls_fault *f);

#endif

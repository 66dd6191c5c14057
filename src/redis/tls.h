/* SPDX-License-Identifier: MIT */
/*
 * TLS towards a Redis server, by OpenSSL: bytes of the network in, bytes of Redis out, and back. No I/O: files are
 * somebody else's, and so is the socket. A server's certificate has to be signed by who is trusted, for the server's
 * name, and valid now; there is no way to leave that out. Who trusts nobody but one server trusts its certificate.
 *
 * TLS 1.2 and 1.3, with the ciphers of OpenSSL's configuration.
 */
#ifndef SRC_REDIS_TLS_H
#define SRC_REDIS_TLS_H

#include "eio/buf.h"

struct redis_tls_context;

/* What all connections to one server share. name: the server's, or its address as text, which its certificate has to
 * be for; copied. like: that of another server, to be trusted in the same way, which must not change any more; or NULL.
 * NULL when out of memory. Threads: while it is made, one at a time; immutable afterwards. */
struct redis_tls_context *redis_tls_context_new(const char *name, const struct redis_tls_context *like);
void redis_tls_context_free(struct redis_tls_context *c); /* NULL is fine; connections may outlive it */

/* One more owner, each of which frees it. Any thread. */
struct redis_tls_context *redis_tls_context_ref(struct redis_tls_context *c);

/* Whom to trust: the certificates in a PEM text; or those that the system trusts. NULL, or why that cannot be: a
 * constant sentence without a full stop. */
const char *redis_tls_trust(struct redis_tls_context *c, struct eio_bytes pem);
const char *redis_tls_trust_system(struct redis_tls_context *c);

/* Our own certificate in a PEM text, with those behind it that lead to its authority; and then its key, without a
 * passphrase. Results as above. */
const char *redis_tls_certificate(struct redis_tls_context *c, struct eio_bytes pem);
const char *redis_tls_key(struct redis_tls_context *c, struct eio_bytes pem);

/* Whether our own certificate, which must be there, is valid now. */
bool redis_tls_certificate_is_valid(const struct redis_tls_context *c);

/* One connection. Threads: one at a time. */
struct redis_tls;

/* NULL when out of memory. */
struct redis_tls *redis_tls_new(struct redis_tls_context *c);
void redis_tls_free(struct redis_tls *t); /* NULL is fine */

/* Bytes came. All that came before must have been read (redis_tls_read() gave less than there was room for, or the
 * handshake goes on). They are borrowed until that is so again. */
void redis_tls_feed(struct redis_tls *t, struct eio_bytes bytes);

/* Begins the handshake, and goes on with it. Whether it is over, and well; until then nothing is read or written. */
bool redis_tls_shake_hands(struct redis_tls *t);

/* Up to n bytes of what Redis says; returns how many. Fewer: there are no more, until something is fed, or ever. */
size_t redis_tls_read(struct redis_tls *t, char *out, size_t n);

/* What is said to Redis; it leaves with redis_tls_out(). */
void redis_tls_write(struct redis_tls *t, struct eio_bytes bytes);

/* Says that nothing more will be said. */
void redis_tls_end(struct redis_tls *t);

/* What has to be sent, after each of these; whoever does so takes it over. */
struct eio_buf *redis_tls_out(struct redis_tls *t);

/* Why the connection is over, for the log, valid as long as t; NULL: it goes on. */
const char *redis_tls_failure(const struct redis_tls *t);

/* "TLSv1.3", once hands are shaken. A constant. */
const char *redis_tls_version(const struct redis_tls *t);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * TLS 1.2 and 1.3 (RFC 5246, RFC 8446) for the side that listens. A struct
 * eio_tls_server is what a listener has: certificates, rules, the keys of session
 * tickets. A struct eio_tls stands between one connection and its descriptor, and
 * answers as recv() and send() do.
 *
 *     eio_tls_new ─▶ handshake … DONE ─▶ recv, send ─▶ end (close_notify) ─▶ free
 *
 * What a send has taken is encrypted, and leaves now or, where the kernel has no
 * room, later: then eio_tls_waits(), and eio_tls_flush() goes on once there is.
 *
 * Threads: a server is shared by all; a connection belongs to one thread at a time.
 * The program ignores SIGPIPE or not: nothing here raises it.
 */
#ifndef EIO_NET_TLS_H
#define EIO_NET_TLS_H

#include "eio/buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

enum {
	EIO_TLS_RECORD = 16384, /* bytes of a record at most: what a recv should have room for */
	EIO_TLS_FAULT_TEXT = 256,
};

/* A certificate, with those between it and the root behind it, and its key: names of files in PEM. */
struct eio_tls_certificate {
	const char *cert, *key;
};

/* What a listener wants. */
struct eio_tls_spec {
	const struct eio_tls_certificate *certificates; /* who names no server, or an unknown one, gets the first */
	size_t n;
	unsigned min_version; /* 12 or 13: TLS 1.2 or 1.3 */
	const char *ciphers; /* in OpenSSL's notation, those of TLS 1.3 among them; NULL: the usual ones */
	const char *client_ca; /* a file of certificates that sign those of clients; NULL: clients need none */
	bool client_optional; /* who has none may come, too */
};

/* What of a spec was wrong. */
enum eio_tls_part { EIO_TLS_CERT, EIO_TLS_KEY, EIO_TLS_CLIENT_CA, EIO_TLS_CIPHERS, EIO_TLS_MEMORY };

struct eio_tls_fault {
	enum eio_tls_part part;
	size_t certificate; /* which one, if it is about one */
	char text[EIO_TLS_FAULT_TEXT];
};

struct eio_tls_server;
struct eio_tls;

/* Reads what the spec names, which is copied. The caller has a reference, as each connection has one. NULL after a
 * fault. */
struct eio_tls_server *eio_tls_server_new(const struct eio_tls_spec *spec, struct eio_tls_fault *fault);

/* Any thread. unref: NULL is fine. */
struct eio_tls_server *eio_tls_server_ref(struct eio_tls_server *s);
void eio_tls_server_unref(struct eio_tls_server *s);

/* Whether a server of another spec would be no other one, but for what its files say. Any thread. */
bool eio_tls_server_is_of(const struct eio_tls_server *s, const struct eio_tls_spec *spec);

/* Reads all files again. All or nothing: 0, or -1 and what was there stays. Connections keep what they began with.
 * Sessions can be taken up again afterwards, unless other clients are trusted. Any thread, one at a time. */
int eio_tls_server_reread(struct eio_tls_server *s, struct eio_tls_fault *fault);

/* Whether a file is another one than when it was read last, be it without success. Any thread, as above. */
bool eio_tls_server_changed(const struct eio_tls_server *s);

/* From when to when certificate i is valid, in seconds since 1970. Any thread, as above. */
void eio_tls_server_dates(const struct eio_tls_server *s, size_t i, int64_t *from, int64_t *to);

/* A connection that was accepted, with a reference to the server; the descriptor is borrowed. NULL when out of
 * memory. */
struct eio_tls *eio_tls_new(struct eio_tls_server *s, int fd);

/* NULL is fine. The descriptor stays open. */
void eio_tls_free(struct eio_tls *t);

enum eio_tls_step {
	EIO_TLS_DONE,
	EIO_TLS_MORE, /* when more has arrived */
	EIO_TLS_FAILED, /* the peer was told why, if it could be; close the connection */
	EIO_TLS_PLAIN, /* the same: what came is HTTP without TLS, and nothing was said yet */
};

/* Goes on with the handshake; one step costs as much as a signature at most. */
enum eio_tls_step eio_tls_handshake(struct eio_tls *t);

/* Whether the session was taken up again by a ticket. */
bool eio_tls_resumed(const struct eio_tls *t);

/* Appends the subject of the client's certificate, as RFC 4514 writes it, in UTF-8: CN=Ann,O=Example. False when it
 * has shown none, or one whose subject is no text; then nothing is appended. Whether out ran out of memory is for the
 * caller to check. */
bool eio_tls_subject(const struct eio_tls *t, struct eio_buf *out);

/* As recv(): bytes, of one record at most; 0 at the end; -1 with errno, EAGAIN when there is nothing now. With room
 * for EIO_TLS_RECORD nothing that has arrived is kept back, so that whoever polls the descriptor learns of all. */
ssize_t eio_tls_recv(struct eio_tls *t, char *p, size_t n);

/* As sendmsg(): how much of it was taken, 0 when there is no room, -1 when the connection is broken. */
ssize_t eio_tls_send(struct eio_tls *t, const struct iovec *parts, unsigned n);

/* The same of bytes that lie in one place. */
ssize_t eio_tls_send_bytes(struct eio_tls *t, const char *p, size_t n);

/* Whether something was taken that has not left. */
bool eio_tls_waits(const struct eio_tls *t);

/* Lets it leave. 1 when all has left, 0 when not, -1 when the connection is broken. */
int eio_tls_flush(struct eio_tls *t);

/* Says close_notify behind all that was sent, once: nothing is sent afterwards. */
void eio_tls_end(struct eio_tls *t);

/* As eio_tls_send, but the records go behind what is in `out`, for the caller to send: all of the parts, for which
 * eio_tls_seal_room(their bytes) must be there. Nothing may wait. Returns their bytes on the wire, or -1 when the
 * connection is broken. */
ssize_t eio_tls_seal(struct eio_tls *t, const struct iovec *parts, unsigned n, char *out, size_t room);
size_t eio_tls_seal_room(size_t bytes);

/* Sealed bytes that the kernel did not take: they wait from now on. */
void eio_tls_left(struct eio_tls *t, const char *p, size_t n);

#endif

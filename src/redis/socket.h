/* SPDX-License-Identifier: MIT */
/*
 * A stream to one server over libuv, TCP or a unix socket, with TLS where that is wanted: bytes in, bytes out. It
 * belongs to one attempt to connect; a new attempt makes a new one and never waits
 * for the old one's handle to be closed.
 *
 * Threads: the loop's only.
 */
#ifndef SRC_REDIS_SOCKET_H
#define SRC_REDIS_SOCKET_H

#include "eio/buf.h"
#include "src/redis/tls.h"

#include <uv.h>

#define REDIS_SOCKET_READ_BYTES 65536 /* the most that one read brings */

struct redis_socket;

/* What happens to a socket. Each may close it. Nothing is called after redis_socket_close. */
struct redis_socket_events {
	void (*connected)(void *user, const char *why); /* NULL: it is; else why it never will be */
	void (*read)(void *user, struct eio_bytes bytes); /* at least one; they are valid until the next read */
	void (*broken)(void *user, const char *why); /* nothing more comes, or goes */
};

/* A socket that is not connected. NULL when out of memory. events is borrowed as long as it lives. */
struct redis_socket *redis_socket_new(uv_loop_t *loop, const struct redis_socket_events *events, void *user);

/* From now on it is somebody else's. */
void redis_socket_hand_over(struct redis_socket *s, const struct redis_socket_events *events, void *user);

/* What comes and goes will be encrypted: `connected` then comes when hands are shaken. Before it connects. NULL, or why
 * not. */
const char *redis_socket_encrypt(struct redis_socket *s, struct redis_tls_context *context);

/* Whether it is connected but for that. */
bool redis_socket_shakes_hands(const struct redis_socket *s);

/* Begins to connect. NULL, or why it cannot be, and then `connected` is not called. */
const char *redis_socket_connect(struct redis_socket *s, const struct sockaddr *address);
const char *redis_socket_connect_unix(struct redis_socket *s, const char *path);

/* Makes it one that is connected already, and owned by it from then on. NULL, or why not: then it is closed. */
const char *redis_socket_adopt(struct redis_socket *s, int fd);

/* A copy of its descriptor, for who goes on with it elsewhere; -1 where that cannot be: with TLS, and while something
 * waits to be written. */
int redis_socket_copy(const struct redis_socket *s);

/* Closes it, also while it connects; the memory goes when the loop has run, and with it the reasons it gave. */
void redis_socket_close(struct redis_socket *s);

/* Begins to read, or goes on, for which a look has to have found nothing. NULL, or why not. */
const char *redis_socket_read_start(struct redis_socket *s);
void redis_socket_read_stop(struct redis_socket *s);

/* Why TLS has ended, or NULL: it has not. For whoever finds the socket broken, and looks for the reason. */
const char *redis_socket_failure(const struct redis_socket *s);

/* The version of TLS, a constant; NULL: none. */
const char *redis_socket_encryption(const struct redis_socket *s);

/* What is there now, without waiting, for whoever has stopped reading: at most REDIS_SOCKET_READ_BYTES, valid until
 * the next read. None also when the stream is at its end; the next read tells. */
struct eio_bytes redis_socket_look(struct redis_socket *s);

/* Writes a buffer, which it takes over and leaves empty. NULL, or why not. */
const char *redis_socket_write(struct redis_socket *s, struct eio_buf *buf);

/* How many bytes wait to be read, as they came. */
size_t redis_socket_unread(const struct redis_socket *s);

/* How many bytes have to leave for what was given to redis_socket_write. */
size_t redis_socket_unwritten(const struct redis_socket *s);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * A connection of the HTTP server as bytes: a stream of libuv, or TLS on a descriptor
 * that libuv polls. The functions are those of libuv for streams, and do the same;
 * what is plain goes straight to them.
 *
 * Threads: the loop's only.
 */
#ifndef EIO_NET_STREAM_H
#define EIO_NET_STREAM_H

#include "eio/net/tls.h"

#include <uv.h>

struct eio__secure; /* TLS, and what waits to be sent by it */

/* Part of whatever it is the stream of. h.handle.data is the owner's. */
struct eio__stream {
	union {
		uv_handle_t handle;
		uv_stream_t stream;
		uv_tcp_t tcp;
		uv_pipe_t pipe;
		uv_poll_t poll;
	} h;
	int fd;
	struct eio__secure *secure; /* NULL: it is plain */
};

enum { EIO__STREAM_PARTS = 2 };

/* A write that is on its way; part of whatever has its bytes. */
struct eio__stream_write {
	uv_write_t req; /* what the callback gets */
	struct eio__stream_write *next;
	struct iovec parts[EIO__STREAM_PARTS];
	unsigned n;
	uv_write_cb done;
};

/* Takes a descriptor, which it owns from now on, also when that fails: the handle is there to be closed in any case.
 * is_unix: it is a Unix socket. tls: NULL for one that is plain; else the handshake has to be gone through first:
 * wants_turn(s) is called whenever more of it has arrived. 0, or a libuv error. */
int eio__stream_open(struct eio__stream *s, uv_loop_t *loop, int fd, bool is_unix, struct eio_tls_server *tls,
	void (*wants_turn)(struct eio__stream *s));

/* Goes on with the handshake. Nothing may be read or written before EIO_TLS_DONE. Close the stream when it fails. */
enum eio_tls_step eio__stream_handshake(struct eio__stream *s);

/* Whether it still has to; and whether, with TLS to come, none of it has been read. */
bool eio__stream_shaking(const struct eio__stream *s);
bool eio__stream_fresh(const struct eio__stream *s);

/* Its TLS, which stays the stream's; NULL before the first step of the handshake. */
struct eio_tls *eio__stream_tls(const struct eio__stream *s);

/* Duplicates the descriptor, and gives its TLS, if any, to the caller. The stream can only be closed after that. The
 * descriptor, or -1. */
int eio__stream_leave(struct eio__stream *s, struct eio_tls **tls);

/* As uv_read_start, uv_read_stop, uv_try_write, uv_write and uv_stream_get_write_queue_size. */
int eio__stream_read_start(struct eio__stream *s, uv_alloc_cb alloc, uv_read_cb read);
void eio__stream_read_stop(struct eio__stream *s);
int eio__stream_try_write(struct eio__stream *s, const uv_buf_t *bufs, unsigned n);
int eio__stream_write(
	struct eio__stream_write *w, struct eio__stream *s, const uv_buf_t *bufs, unsigned n, uv_write_cb done);
size_t eio__stream_queue_size(const struct eio__stream *s);

/* Ends our side behind all that was written. 0, or a libuv error. */
int eio__stream_shutdown(struct eio__stream *s);

/* As uv_close; closed gets the handle. */
void eio__stream_close(struct eio__stream *s, uv_close_cb closed);

#endif

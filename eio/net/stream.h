/* SPDX-License-Identifier: MIT */
/*
 * A connection of the HTTP server as bytes: a descriptor in an epoll set (watch.h), with
 * TLS before it or not. It reads, writes what there is room for, and keeps the rest in
 * its order.
 *
 * Threads: the loop's only.
 */
#ifndef EIO_NET_STREAM_H
#define EIO_NET_STREAM_H

#include "eio/net/tls.h"
#include "eio/net/watch.h"

enum {
	EIO__STREAM_PARTS = 2,
	EIO__STREAM_READ_BYTES = 65536, /* of one stream in a turn of the loop */
};

struct eio__secure; /* TLS, and how far its handshake is */
struct eio__stream;

/* What streams of one loop share. */
struct eio__streams {
	struct eio__watch watch;
	/* n bytes have come, which are valid during the call; 0: nothing more comes; -1: the connection is broken. */
	void (*read)(struct eio__stream *s, const char *p, ssize_t n);
	/* More of a handshake has come: it waits for eio__stream_handshake. */
	void (*wants_turn)(struct eio__stream *s);
	bool busy; /* somebody is told of what is in the buffer */
	char buffer[EIO__STREAM_READ_BYTES]; /* one for all: what is in it is used up before the next read */
};

/* A write that is on its way; part of whatever has its bytes. */
struct eio__stream_write {
	struct eio__stream_write *next;
	struct iovec parts[EIO__STREAM_PARTS];
	unsigned n;
	void (*done)(struct eio__stream_write *w, bool failed);
};

/* Part of whatever it is the stream of. Private, but for fd: -1 when it was left or is closed. */
struct eio__stream {
	struct eio__streams *all;
	int fd;
	uint32_t watched; /* events it is in the set with; 0: it is not */
	bool reading;
	bool more; /* what was read last filled the buffer: it has to be told of once more */
	bool ends; /* our side does, when all is out */
	struct eio__stream_write *first, **end; /* in their order */
	size_t queued; /* bytes */
	struct eio__secure *secure; /* owned; NULL: it is plain */
};

/* Sets the watch up; read and wants_turn are for the caller to set. 0, or -1 with errno. */
int eio__streams_open(struct eio__streams *all, uv_loop_t *loop);

/* Takes a descriptor, which it owns from now on, also when that fails: it has to be closed in any case. tls: NULL for
 * one that is plain; else the handshake has to be gone through first: wants_turn is called whenever more of it has
 * arrived. 0, or -1 when out of memory. */
int eio__stream_open(struct eio__stream *s, struct eio__streams *all, int fd, struct eio_tls_server *tls);

/* Goes on with the handshake. Nothing may be read or written before EIO_TLS_DONE. Close the stream when it fails. */
enum eio_tls_step eio__stream_handshake(struct eio__stream *s);

/* Whether it still has to; and whether, with TLS to come, none of it has been read. */
bool eio__stream_shaking(const struct eio__stream *s);
bool eio__stream_fresh(const struct eio__stream *s);

/* Its TLS, which stays the stream's; NULL before the first step of the handshake. */
struct eio_tls *eio__stream_tls(const struct eio__stream *s);

/* Gives the descriptor, and its TLS, if any, to the caller. The stream can only be closed after that. */
int eio__stream_leave(struct eio__stream *s, struct eio_tls **tls);

/* Has the streams' read called for what comes; no more. */
void eio__stream_read_start(struct eio__stream *s);
void eio__stream_read_stop(struct eio__stream *s);

/* The same as the first of them, and what is there already is read before this returns: who connects speaks at once,
 * as a rule, and often is gone again from here before his descriptor was watched. */
void eio__stream_read_now(struct eio__stream *s);

/* Writes what there is room for, if nothing waits. Returns how many bytes were taken, or -1 when the connection is
 * broken. */
ssize_t eio__stream_try_write(struct eio__stream *s, const struct iovec *parts, unsigned n);

/* Writes as soon as there is room, behind all that waits. w->done is called from the loop when it is out, or when the
 * connection is broken; or by eio__stream_free. */
void eio__stream_write(struct eio__stream_write *w, struct eio__stream *s, const struct iovec *parts, unsigned n,
	void (*done)(struct eio__stream_write *w, bool failed));

/* Bytes that wait. */
size_t eio__stream_queue_size(const struct eio__stream *s);

/* Ends our side behind all that was written. */
void eio__stream_shutdown(struct eio__stream *s);

/* Closes the descriptor. The stream has to stay where it is until the loop's next turn: it may still be told of. */
void eio__stream_close(struct eio__stream *s);

/* Ends the writes that waited, as failed, and frees what is the stream's. */
void eio__stream_free(struct eio__stream *s);

#endif

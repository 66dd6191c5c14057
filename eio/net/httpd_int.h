/* SPDX-License-Identifier: MIT */
/*
 * What the files of the HTTP server share: httpd.c (listeners and the server
 * itself), conn.c (a connection: requests in, answers out, its states) and
 * conn_write.c (bytes out).
 */
#ifndef EIO_NET_HTTPD_INT_H
#define EIO_NET_HTTPD_INT_H

#include "eio/net/httpd.h"
#include "eio/net/uring.h"

#include <time.h>

enum {
	EIO__READ_BUFFER = 65536,
	EIO__DATE_LEN = 29,
	EIO__WHOLE_MAX = 16384, /* answers with larger bodies are not copied into a block of their own */
};

struct listener;

/* An answer in one block, and what it was made of. */
struct eio__whole {
	struct eio_block *all; /* head and body, or NULL: there is none */
	struct eio_response of; /* with references */
	bool minor0;
	time_t date_at;
};

struct eio_httpd {
	uv_loop_t *loop;
	struct eio_clock *clock;
	struct eio_httpd_handler handler;
	struct eio_httpd_stats stats;
	struct listener *listeners;
	struct eio_list conns;
	struct eio_timer accept_retry;
	struct eio_httpd_options options;
	unsigned handles; /* listeners and connections whose libuv handle is not closed yet */
	bool closing, paused;
	time_t date_at;
	char date[EIO__DATE_LEN + 1];
	struct eio_buf head; /* of the answer being written; its memory is kept for the next */
	struct eio__whole whole; /* the last gathered answer */
	struct eio_uring *ring; /* or NULL */
	bool gathers;
	char read_buffer[EIO__READ_BUFFER];
};

struct eio__conn {
	struct eio_list link;
	union {
		uv_handle_t handle;
		uv_stream_t stream;
		uv_tcp_t tcp;
		uv_pipe_t pipe;
	} h;
	struct eio_httpd *httpd;
	struct eio_http *http;
	struct eio_exchange *ex; /* being received or answered; a reference */
	struct eio_buf pending; /* bytes that came while an exchange was being answered */
	struct eio_timer timer;
	int fd; /* the handle's */
	struct eio_block *gathered; /* what the server's ring is to send to it, or NULL */
	bool told; /* the handler knows the exchange */
	bool complete; /* the request of ex is complete */
	bool feeding, lingering, closing, stopped, eof;
};

/* Frees a closed server whose last handle is gone. */
void eio__httpd_free_if_done(struct eio_httpd *h);

/* conn.c */

/* Serves an accepted descriptor, which it owns. */
void eio__conn_new(struct eio_httpd *h, int fd);

/* Ends the connection at once; whoever answers its exchange is told, and the answer will go nowhere. */
void eio__conn_close(struct eio__conn *c);

/* Closes the connection after so many milliseconds, unless armed again; 0: never. */
void eio__conn_arm(struct eio__conn *c, uint64_t ms);

/* conn_write.c */

/* Writes bytes and a block; what the socket does not take is kept. close: end the connection behind them. */
void eio__conn_write(struct eio__conn *c, struct eio_bytes head, struct eio_block *body, bool close);

/* Forgets the last gathered answer. */
void eio__whole_deinit(struct eio__whole *w);

/* Writes an answer. */
void eio__conn_respond(struct eio__conn *c, const struct eio_response *r, bool head_only, bool minor0, bool close);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * What the files of the HTTP server share: httpd.c (listeners and the server
 * itself), conn_open.c (the beginning of a connection), conn_read.c (requests in, and
 * their answers), conn.c (its end, its clock) and conn_write.c (bytes out). They call
 * only those named behind them.
 */
#ifndef EIO_NET_HTTPD_INT_H
#define EIO_NET_HTTPD_INT_H

#include "eio/net/httpd.h"
#include "eio/net/pending.h"
#include "eio/net/response.h"
#include "eio/net/splice.h"
#include "eio/net/stream.h"
#include "eio/net/uring.h"

enum {
	EIO__CONN_MAGIC = 0x636f6e6e,
	EIO__REST_COST = 320, /* what is kept of an answer costs beside its bytes */
	EIO__SHARED_MAX = 16384, /* answers with larger bodies are not copied into a block of their own */
};

struct eio__conn;

/* How a write went. Whoever is told goes on with eio__conn_written. */
enum eio__wrote {
	EIO__WROTE, /* it is out */
	EIO__WROTE_KEPT, /* what the socket did not take is kept and follows by itself */
	EIO__WROTE_REST, /* something that was kept is out */
	EIO__WROTE_LAST, /* all is out, and the connection ends behind it */
	EIO__WROTE_FAILED, /* the connection is broken, or memory is short: it has to be closed */
};

/* How far it is with connections that are for another process. */
enum eio__parting {
	EIO__STAYS,
	EIO__HOLDS, /* no request begins any more */
	EIO__LEAVES, /* who has nothing to wait for leaves */
};

struct eio_httpd {
	uv_loop_t *loop;
	struct eio_clock *clock;
	struct eio_httpd_handler handler;
	struct eio_httpd_stats stats;
	struct eio_list listeners;
	struct eio_list conns;
	struct eio__behind behind;
	struct eio_timer accept_retry;
	struct eio_httpd_options options;
	unsigned handles; /* listeners, arrivals and connections that are not freed yet */
	unsigned last; /* of turn and streams.watch, those that are being closed: nothing else is there any more */
	bool closing, paused;
	uint64_t short_ms; /* when descriptors ran out last */
	struct eio__responses responses;
	/* Is told what became of a write that did not end at once: eio__conn_written. */
	void (*written)(struct eio__conn *c, enum eio__wrote how);
	void (*go_on)(struct eio__conn *c); /* eio__conn_go_on */
	void (*shake)(struct eio__conn *c); /* eio__conn_shake */
	void (*hold)(struct eio__conn *c); /* eio__conn_hold */
	/* eio__conn_new */
	void (*arrived)(struct eio_httpd *h, int fd, const struct eio_peer *peer, struct eio_httpd_door *door,
		bool has_options);
	struct eio_list arrivals; /* that have not said yet whose they are (arrival.h) */
	enum eio__parting parting;
	struct eio_splices *splices; /* of connections that have left without their TLS; NULL until there is one */
	struct eio_uring *ring; /* or NULL */
	bool gathers;
	struct eio_list ready; /* connections with something to do that is not for the turn they did the last in */
	struct eio_list shaking; /* the same for those with a step of a handshake to do */
	struct eio_list silent; /* connections that wait for a request, who has for the longest first */
	struct eio_list gone; /* connections that were closed in this turn */
	uv_idle_t turn; /* runs while there are some in these lists */
	struct eio__streams streams;
};

struct eio__conn {
	struct eio_list link;
	struct eio__stream io;
	struct eio_httpd *httpd;
	struct eio_httpd_door *door; /* a reference, or NULL */
	struct eio_http *http;
	struct eio_exchange *ex; /* being received or answered; a reference */
	struct eio_exchange *last; /* that of the request before, if it may come again (repeat.h); a reference */
	/* Bytes that came while an exchange was being answered, or too many for one turn; or a head that is not
	 * complete. */
	struct eio__pending pending;
	struct eio_list ready; /* in httpd->ready, ->shaking or ->gone */
	struct eio_list silent; /* in httpd->silent, while no request head is complete and nothing is to be written */
	uint64_t silent_since; /* on the server's clock */
	struct eio_timer timer;
	uint64_t allowance_ms; /* what the timer is set to unless something is unsent; 0: it is not */
	uint64_t request_until; /* when the request being read must be complete */
	unsigned rests; /* parts of answers that are kept */
	size_t kept, gone; /* bytes that were kept to be written, and how many had left when the clock last looked */
	unsigned magic; /* EIO__CONN_MAGIC; here, beside what many answers in a row look at */
	struct eio_block *gathered; /* what the server's ring is to send to it, or NULL */
	bool notified; /* the handler knows the exchange */
	bool complete; /* the request of ex is complete */
	bool feeding, lingering, closing, eof;
	bool stopped; /* it is not read */
	bool ending; /* the last answer was given */
	bool discarding; /* the body of a request that was answered is still arriving */
	bool unsent; /* bytes that were kept are still there, and the clock watches that they leave */
	struct eio__laggard laggard; /* in httpd->behind meanwhile */
	struct eio_peer peer; /* zero unless the options ask for it */
	void *pass; /* see eio_httpd_pass; owned */
	/* Its TLS is in another process, as eio_leaver.relayed says: the subject of the client's certificate. NULL: no.
	 * Owned. */
	struct eio_buf *relayed;
};

/* conn_open.c */

/* What a connection's socket has to have: that of a listener too, whose connections have it then from the moment in
 * which they are accepted by the kernel. Whether it is one of TCP; a Unix socket stays as it is. */
bool eio__conn_set_options(int fd);

/* Serves an accepted descriptor, which it owns. peer: NULL when nobody asks whose it is. door: NULL for a plain one.
 * has_options: it is of TCP, and has its options. */
void eio__conn_new(
	struct eio_httpd *h, int fd, const struct eio_peer *peer, struct eio_httpd_door *door, bool has_options);

/* Does the next step of its handshake. */
void eio__conn_shake(struct eio__conn *c);

/* Its stream has more of a handshake, see struct eio__streams. */
void eio__conn_wants_turn(struct eio__stream *io);

/* conn_read.c */

/* Something has come, see struct eio__streams. */
void eio__conn_read(struct eio__stream *io, const char *p, ssize_t n);

/* Begins to read, now, if something is there. Its clock is that of a request's head from here on. */
void eio__conn_begin(struct eio__conn *c);

/* The same, when something was read of it already; what has come since is left for later. */
void eio__conn_begin_with(struct eio__conn *c, struct eio_bytes begun);

/* The server holds: so does it, or it leaves, if it has nothing to wait for. */
void eio__conn_hold(struct eio__conn *c);

/* Does what waited for a turn. */
void eio__conn_go_on(struct eio__conn *c);

/* conn_leave.c */

/* Notes where a request comes from, and by what certificate if the listener asks for those. tls: of the connection. */
void eio__conn_say_whose(const struct eio__conn *c, const struct eio_tls *tls, struct eio_request *req);

/* Leaves to become a WebSocket, with what came behind the request for it. 0, or the status to refuse that with. */
int eio__conn_upgrade(struct eio__conn *c, struct eio_bytes rest);

/* Has a connection of which no request is being read or answered leave, unless something is still to be done. */
void eio__conn_leave(struct eio__conn *c);

/* conn.c */

/* Ends the connection at once; whoever answers its exchange is told, and the answer will go nowhere. */
void eio__conn_close(struct eio__conn *c);

/* Half-closes and waits a while for the peer, so that it can read an answer before a reset. What is still to be
 * written leaves first. */
void eio__conn_linger(struct eio__conn *c);

/* Does what follows from a write: nothing, ends the connection behind it, or closes it. */
void eio__conn_written(struct eio__conn *c, enum eio__wrote how);

/* While a body arrives parser and exchange share the request; when the exchange ends early the parser lets go of it. */
void eio__conn_release_request(struct eio__conn *c);

/* Has it go on in one of the next turns, when those that came before it have. */
void eio__conn_ready(struct eio__conn *c);

/* The same for the next step of its handshake. */
void eio__conn_ready_to_shake(struct eio__conn *c);

/* It waits for a request from now on, unless it does already. */
void eio__conn_silent(struct eio__conn *c);

/* Closes the connection after so many milliseconds, unless armed again; 0: never. While something is unsent that is
 * put off, and what counts is that it goes on leaving. */
void eio__conn_arm(struct eio__conn *c, uint64_t ms);
/* What its client has not read costs, in bytes. */
size_t eio__conn_unsent(const struct eio__conn *c);

void eio__conn_clock_init(struct eio__conn *c);

/* Frees a closed server whose last handle is gone. */
void eio__httpd_free_if_done(struct eio_httpd *h);

/* conn_write.c: it closes nothing. What becomes of a write later is told to httpd->written. */

/* Writes bytes and a block, which may be NULL; what the socket does not take is kept. close: end the connection behind
 * them. */
enum eio__wrote eio__conn_write(struct eio__conn *c, struct eio_bytes head, struct eio_block *body, bool close);

/* Writes an answer; what counts it goes with what is kept of it. head_only: without its body. minor0 and close: see
 * eio__response_head. */
enum eio__wrote eio__conn_respond(struct eio__conn *c, struct eio_response *r, bool head_only, bool minor0, bool close);

#endif

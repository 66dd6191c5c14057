/* SPDX-License-Identifier: MIT */
/*
 * An HTTP/1.1 server on one libuv loop: listeners, connections, keep-alive and
 * pipelining, time-outs. It knows nothing of Engine.IO: complete requests go to a
 * handler as exchanges, and sockets that become WebSockets are handed over.
 *
 * Threads: a server belongs to its loop's thread.
 */
#ifndef EIO_NET_HTTPD_H
#define EIO_NET_HTTPD_H

#include "eio/net/behind.h"
#include "eio/net/clock.h"
#include "eio/net/exchange.h"
#include "eio/net/tls.h"

enum {
	EIO_HTTPD_LINGER_MS = 2000, /* how long a closing connection may still send what nobody reads */
	EIO_HTTPD_PIPELINE_BYTES = 65536, /* of requests waiting behind one that is being answered */
	EIO_HTTPD_SILENT_MS = 1000, /* who has said nothing for so long may have to make room */
	EIO_HTTPD_UNSENT_BYTES = 65536, /* with more that the client has not read, nothing of it is read */
	/* What a connection does in one turn of the loop, and how many of those that do so much every turn go on in the
	 * next: others wait for them no longer than a few milliseconds. */
	EIO_HTTPD_TURN_REQUESTS = 16,
	EIO_HTTPD_TURN_BYTES = 2048, /* a request counts once more for each so many */
	EIO_HTTPD_TURN_CONNECTIONS = 4,
	EIO_HTTPD_TURN_HANDSHAKES = 1, /* of TLS, each of which may be a signature */
};

struct eio_httpd_options {
	unsigned home; /* this thread's index, stored in every exchange */
	size_t max_head; /* bytes of request line and headers; more is answered 431 */
	size_t max_body; /* bytes */
	uint64_t header_timeout_ms; /* for a request head, and between the parts of a body */
	uint64_t request_timeout_ms; /* for a whole request, from its first byte to its last; 0: none */
	/* For the next request on a connection; and for the next bytes of an answer to leave. */
	uint64_t keep_alive_timeout_ms;
	bool peers; /* requests say whose they are */
	struct eio_networks proxies; /* who may say whose its connections are, at doors that want it; borrowed */
};

/* What is particular to a listener, and to the connections that came by it: immutable, and counted. */
struct eio_httpd_door;

/* All zero: nothing. */
struct eio_httpd_door_options {
	const char *name; /* for whoever has to find its like in another process, or NULL: "" */
	struct eio_tls_server *tls; /* NULL: its connections are plain */
	const char *headers; /* lines for every answer, each ending in CRLF, or NULL */
	/* All requests are sent there: "https://example.com", or "https:" for the host that they name. NULL: none is. */
	const char *redirect;
	/* Each connection is of one of the options' proxies, and begins with a PROXY header (proxy_header.h) that says
	 * whose it is. Others are refused. */
	bool proxied;
};

/* A connection that left HTTP: its descriptor, the request that asked for it and the bytes that came behind it. */
struct eio_upgrade {
	int fd; /* owned */
	struct eio_tls *tls; /* owned; NULL: it is plain */
	struct eio_request *req; /* owned */
	struct eio_buf rest;
	void *pass; /* see eio_httpd_pass; owned */
};

/* Closes the descriptor (unless it is -1) and frees the rest. */
void eio_upgrade_free(struct eio_upgrade *up);

/* A connection that leaves, for another server to go on with, maybe in another process. */
enum eio_leaver_stage {
	EIO_LEAVER_ARRIVES, /* it has to say by a PROXY header whose it is; begun is what it has said of that */
	EIO_LEAVER_FRESH, /* nothing of it was read: at a door with TLS it begins with a handshake */
	EIO_LEAVER_SPEAKS, /* HTTP without TLS; begun is what it has said that nobody has answered */
};

struct eio_leaver {
	enum eio_leaver_stage stage;
	/* Its descriptor is one end of a pair, by which the server that it leaves passes on what it decrypts and what
	 * it is to encrypt: TLS goes on there. It gets one answer, and ends. */
	bool relayed;
	int fd; /* owned by whoever has the leaver; what follows is borrowed */
	struct eio_peer peer; /* zero: nobody knows */
	struct eio_httpd_door *door;
	struct eio_bytes begun;
	struct eio_bytes subject; /* of the client's certificate, where it is relayed */
};

struct eio_httpd_handler {
	/* A request arrived or went away, see enum eio_stage. Answer now or later. */
	void (*exchange)(void *user, struct eio_exchange *ex, enum eio_stage stage);
	/* A request to become a WebSocket; the callee owns it. NULL: such requests are answered 404. */
	void (*upgrade)(void *user, struct eio_upgrade *up);
	/* Accepting is paused (err is -errno, such as -EMFILE), or has gone on without a pause for some seconds (0).
	 * May be NULL. */
	void (*accept_paused)(void *user, int err);
	/* Whether one more connection is welcome; else it is closed at once. NULL: always. */
	bool (*admit)(void *user);
	/* Around the connections that are accepted in a turn, some of which may be WebSockets at its end. May be
	 * NULL. */
	void (*burst)(void *user, bool begins);
	/* A connection leaves, see eio_httpd_leave; its descriptor is the callee's. May be NULL if none does. */
	void (*leave)(void *user, const struct eio_leaver *l);
	void *user;
};

/* Counters, for whoever wants to show them. */
struct eio_httpd_stats {
	uint64_t accepted, open, requests, malformed, bytes_out;
	uint64_t proxy_bad; /* that had to say whose they are, and were refused */
	uint64_t tls_handshakes, tls_resumed, tls_failed; /* done; of them by tickets; not done */
	uint64_t displaced; /* closed to make room, see eio_httpd_make_room */
	struct eio_behind_stats behind;
};

struct eio_httpd;
struct eio_httpd_listener;

/* The options are copied, with a reference to the TLS. The caller has a reference. NULL when out of memory. Any thread,
 * as those below. */
struct eio_httpd_door *eio_httpd_door_new(const struct eio_httpd_door_options *options);
struct eio_httpd_door *eio_httpd_door_ref(struct eio_httpd_door *door); /* NULL is fine */
void eio_httpd_door_unref(struct eio_httpd_door *door); /* the same */
const char *eio_httpd_door_name(const struct eio_httpd_door *door); /* "" of NULL */

/* The options are copied. The clock is shared with the other users of the loop and outlives the
 * server. NULL when out of memory or of descriptors, errno says which. */
struct eio_httpd *eio_httpd_new(uv_loop_t *loop, struct eio_clock *clock, const struct eio_httpd_options *options,
	const struct eio_httpd_handler *handler);

/* Other options from now on; home and max_body stay as they were. A head that is arriving keeps the bound of its
 * connection, and of connections that there are peers are looked for if nobody asked before. */
void eio_httpd_change(struct eio_httpd *h, const struct eio_httpd_options *options);

/* A bound, listening socket for "host:port", "[v6]:port" or "unix:/path", with SO_REUSEPORT for TCP so that every
 * worker can have its own. Returns the descriptor, or -errno (-EINVAL for an address that is none). */
int eio_listen(const char *address);

/* Whether nobody else listens on a TCP address: sockets with SO_REUSEPORT would share its connections without a word.
 * 0, or -errno. A Unix socket tells by itself when it is bound. */
int eio_listen_check(const char *address);

/* Whether a descriptor is a listening socket that connections can be accepted from; and whether it is one that is bound
 * to that address: the same host and port, or path. */
bool eio_listen_is_open(int fd);
bool eio_listen_is_at(int fd, const char *address);

/* Whether a TCP socket that is bound to that address would share connections with this one, or be in its way. */
bool eio_listen_overlaps(int fd, const char *address);

/* The port a listening descriptor is bound to; 0 for a Unix socket. */
unsigned eio_listen_port(int fd);

/* Accepts from a listening descriptor, which the server owns from now on. 0 or a libuv error. */
int eio_httpd_accept(struct eio_httpd *h, int fd);

/* Makes all that it takes to accept by a door (NULL: nothing is particular), but accepts nobody yet. The server owns
 * the descriptor from now on, in any case. 0 or a libuv error; *out lives until it, or all, is closed. */
int eio_httpd_listener_new(struct eio_httpd *h, int fd, struct eio_httpd_door *door, struct eio_httpd_listener **out);

/* Closes the connection that has waited the longest for a whole request head, behind an answer or from the beginning,
 * if that is EIO_HTTPD_SILENT_MS or more. Returns whether there was one. For an admit() that has no room left: who
 * opens connections and says nothing keeps nobody away. One whose answer or body is still on its way is none of
 * these. */
bool eio_httpd_make_room(struct eio_httpd *h);

/* Begins to accept. */
void eio_httpd_listener_begin(struct eio_httpd_listener *l);

/* Who comes from now on comes by another door, or by none (NULL). */
void eio_httpd_listener_set_door(struct eio_httpd_listener *l, struct eio_httpd_door *door);

/* Takes those who have connected already, if it had begun, and closes it; connections stay. */
void eio_httpd_listener_close(struct eio_httpd_listener *l);

/* Closes all listeners, at once; connections stay. */
void eio_httpd_stop_accepting(struct eio_httpd *h);

/* The same, and no request begins any more; those that have begun are answered. What clients send is left where it
 * is. */
void eio_httpd_hold(struct eio_httpd *h);

/* The same, and each connection leaves: now, or as soon as it has its answer. Those that someone has passes of are
 * closed instead. Handshakes of TLS that have begun go on before that. */
void eio_httpd_leave(struct eio_httpd *h);

/* How many connections are still here, and how many of those that have left have their TLS here. */
size_t eio_httpd_staying(const struct eio_httpd *h);
size_t eio_httpd_relaying(const struct eio_httpd *h);

/* Takes a connection that has left another server, by a door of this one. */
void eio_httpd_join(struct eio_httpd *h, const struct eio_leaver *l);

/* Closes everything, without waiting for answers, and frees the server once the loop has run the closing callbacks. */
void eio_httpd_close(struct eio_httpd *h);

/* Writes the answer in ex->response to the connection, if it is still there; at home only. For answers from other
 * threads: the usual ex->respond does it by itself. */
void eio_httpd_deliver(struct eio_exchange *ex);

/* Lets gathered answers be sent by io_uring. Call it in the loop's thread. Returns 0, or -errno where that does not
 * work: then each has a system call of its own. */
int eio_httpd_use_uring(struct eio_httpd *h);

/* From the one to the other, answers may be gathered: those that are the same share one block of head and body, and
 * many leave in one system call. The loop must not run in between. */
void eio_httpd_gather(struct eio_httpd *h);
void eio_httpd_send_gathered(struct eio_httpd *h);

/* Something that the application knows of the connection of an exchange, which is there: memory of malloc(), or NULL as
 * it is at first. It is freed with the connection, or goes on as that of the upgrade. At home only, and valid until the
 * exchange is answered or aborted. */
void **eio_httpd_pass(const struct eio_exchange *ex);

const struct eio_httpd_stats *eio_httpd_stats(const struct eio_httpd *h);

#endif

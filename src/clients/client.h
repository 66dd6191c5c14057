/* SPDX-License-Identifier: MIT */
/*
 * One client: an Engine.IO session with its Socket.IO state. What is sent to it alone
 * goes through here.
 *
 *     eio_socket ◀─▶ client ── sio_client ── sio_socket ─ user ─▶ client_socket ─▶ namespace
 *                                            one for each namespace it is in
 *
 * Threads: belongs to its worker's.
 */
#ifndef SRC_CLIENTS_CLIENT_H
#define SRC_CLIENTS_CLIENT_H

#include "eio/check.h"
#include "eio/net/server.h"
#include "sio/client.h"
#include "src/clients/namespace.h"

struct clients;

/* Why the server ends a client, when it is the server who does. The client's own faults are those of sio/error.h and
 * have their numbers; they are counted in packets_invalid_total. These are the other reasons.
 * X(name, counter, text, whether handlers of disconnect see the text, or else the session's reason). */
#define CLIENT_REASONS(X) \
	X(SLOW, ENDED_SLOW, "too slow", true) \
	X(NOMEM, ENDED_NOMEM, "out of memory", true) \
	X(CONNECT_TIMEOUT, ENDED_CONNECT_TIMEOUT, "no CONNECT in time", false) \
	X(DISCONNECT, ENDED_DISCONNECT, "disconnect by a handler", false) \
	X(MOVED, ENDED_MOVED, "it came back on another connection", false)

enum client_reason {
	CLIENT_REASON_NONE, /* not the server's doing */
#define X(name, label, text) CLIENT_FAULT_##name = SIO_ERROR_INDEX_##name,
	SIO_FAULT_TABLE(X)
#undef X
		CLIENT_REASON_OTHERS = SIO_ERROR_INDEX_LAST_FAULT,
#define X(name, counter, text, told) CLIENT_REASON_##name,
	CLIENT_REASONS(X)
#undef X
		CLIENT_REASON_COUNT
};

#define CLIENT_MAGIC 0xc11e2701u
#define CLIENT_SOCKET_MAGIC 0xc11e2702u

/* What is kept of a client's handshake, and of what it does, where somebody asks for it. The strings are owned and
 * NUL-terminated. */
struct client_kept {
	char *query; /* of the handshake URL; NULL when no handler wants it */
	char *headers; /* what handlers want of the handshake's; as above */
	char *address; /* a JSON string; NULL when nobody asks where it came from, or nobody knows */
	char *since; /* what the query says about the sockets that it comes back to: resume.c's; NULL: nothing */
	struct client_access *access; /* owned: access.c's; NULL where there is no access log */
};

struct client_joining;

/* There are many of these, and most are idle: what only some need, or all for a moment, is allocated for them. */
struct client {
	unsigned magic;
	unsigned corks; /* sockets that hold back what goes to it: stow.c's */
	struct sio_client sio;
	struct clients *clients;
	struct eio_socket *eio;
	struct client_joining *joining; /* owned: its time to join a namespace; NULL: it has joined, or has any time */
	struct client_kept *kept; /* owned; NULL: nothing */
	uint64_t opened_ms;
	uint64_t seen; /* the serial number of the last broadcast to several rooms that came by, see fanout.c */
	enum client_reason ended : 8; /* the first reason, once there is one; the session's close frees it */
	/* A handler put out the socket it runs for, or all: done after the run, which must not free its own socket. */
	bool leaves : 1, close_whole : 1;
	bool resumes : 1; /* of revision 3, and wants to come back to its sockets: resume.c's */
	bool lost : 1; /* a broadcast was dropped for it, because it was slow */
	struct eio_list behind; /* streams in which it is: behind.c's */
	struct eio_list lags; /* what it is to be told of that: lag.c's */
	struct eio_list waiting; /* CONNECTs that wait for an answer of the application: admission.c's */
};

_Static_assert(CLIENT_REASON_COUNT <= 256, "`ended` has 8 bits");
_Static_assert(sizeof(struct client) <= 168, "one for each client; the allocator takes 8 more, and rounds up to 16");

/* What our side knows of a socket. */
struct client_socket {
	unsigned magic;
	unsigned query_n;
	struct namespace *namespace;
	struct eio_list attendances; /* attendance.c's */
	struct hold *hold; /* owned: hold.c's; NULL while no handler waits */
	uint64_t *rates; /* owned: the namespace's `rates` numbers; NULL when there are none */
	struct client_past *past; /* owned: recovery.c's; NULL where clients are not recovered */
	struct identity *identity; /* owned: identity.c's; NULL where nobody asks who a client is */
	struct awaiting *awaiting; /* owned: snapshots.c's; NULL: it awaits nothing */
	struct acked_place *places; /* acked.c's: one of those that it has; NULL: it has none */
	char query[]; /* query_n bytes: what handlers know as {query}; empty when none of them wants it */
};

_Static_assert(sizeof(struct client_socket) <= 80, "one for each client at least");

/* Of a session; NULL when there was no memory for it. */
static inline struct client *
client_of_session(const struct eio_socket *s)
{
	struct client *c = eio_socket_user(s);

	if (c) CHECK_MAGIC(c, CLIENT_MAGIC);
	return c;
}

static inline struct client *
client_of(const struct sio_socket *s)
{
	return EIO_CONTAINER(s->client, struct client, sio);
}

static inline struct client_socket *
client_socket_of(const struct sio_socket *s)
{
	struct client_socket *own = s->user;

	CHECK_MAGIC(own, CLIENT_SOCKET_MAGIC);
	return own;
}

/* Counts for the namespace of a socket. */
static inline void
client_count(const struct sio_socket *s, enum namespace_metric m)
{
	metrics_inc(client_socket_of(s)->namespace->metrics, m);
}

/* What is kept of it: never NULL, its members may be. */
static inline const struct client_kept *
client_kept(const struct client *c)
{
	static const struct client_kept nothing;

	return c->kept ? c->kept : &nothing;
}

/* The same, to keep more in it; NULL when out of memory. */
struct client_kept *client_keep(struct client *c);

/* Gives a client until at_ms to join a namespace, or ends it; once it is in one, or gone, the time is over. False when
 * out of memory. */
bool client_await_joining(struct client *c, uint64_t at_ms);
void client_joined(struct client *c);

/* Sends a bundle that must arrive; takes over the reference. A client that asks for more than it reads is ended, and
 * NULL stands for out of memory and ends it too. */
void client_send(struct client *c, struct eio_bundle *b);

/* Sends bundles that must arrive and belong together: whether the client reads is asked once, before the first. The
 * references stay the caller's. */
void client_send_all(struct client *c, struct eio_bundle *const *all, size_t n);

/* Ends a client: counts why, and closes its session, which then frees it. What waits for a slow one is dropped, for
 * others it is sent first. Only the first reason counts. */
void client_end(struct client *c, enum client_reason why);

/* What the handlers of disconnect see when the session ended for a reason of its own. A constant string. */
const char *client_told_reason(const struct client *c, enum eio_reason reason);

/* Why the server ended it, a constant string; NULL when that was not the server's doing. c: NULL when there was no
 * memory for a client. */
const char *client_why(const struct client *c);

/* The debug line of a session's end. c: NULL when there was no memory for a client. */
void client_log_end(struct clients *cs, const struct client *c, const struct eio_socket *eio, enum eio_reason reason);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * The Socket.IO side of one Engine.IO connection (of revision 4 or 3) and its
 * memberships in namespaces. It takes Engine.IO messages and gives events; it
 * makes the answers as bundles and never sends them itself: the caller does,
 * in the order they are made.
 *
 *     struct sio_client ─┬─ struct sio_socket "/"       one per joined namespace
 *                        └─ struct sio_socket "/admin"
 *
 * Socket.IO counts its protocols apart from the revisions of Engine.IO. To clients
 * of protocol 5 (3.x and 4.x, over revision 4 of Engine.IO) this behaves as
 * socket.io 4.8 does, errors included; to those of protocol 4 (1.x and 2.x, over
 * revision 3) as 2.5 does, which ignores much of what is fatal to the others. In
 * sio/ a protocol is always Socket.IO's. Used by one thread only.
 */
#ifndef SIO_CLIENT_H
#define SIO_CLIENT_H

#include "eio/bundle.h"
#include "eio/bytes.h"
#include "eio/list.h"
#include "sio/error.h"
#include "sio/packet.h"
#include "sio/room.h"

#include <stdint.h>

/* Length of a socket's id, and how many random bytes make one: 15 bytes are exactly 20 base64 characters. */
#define SIO_ID_LEN 20
#define SIO_ID_RANDOM 15

struct sio_client_config {
	uint64_t connect_timeout_ms; /* a client must join a namespace within this time; 0: no limit */
	size_t max_attachment_bytes; /* all attachments of one packet together */
};

struct sio_client_pending;

struct sio_client {
	const struct sio_client_config *config; /* borrowed, shared by all clients */
	struct eio_list sockets; /* of struct sio_socket, by its link */
	uint64_t deadline_ms; /* 0: none */
	struct sio_client_pending *pending; /* owned: a binary packet, incomplete or just delivered; or NULL */
	const char *engine_sid; /* protocol 4: borrowed, what the ids of its sockets are made of; NULL: protocol 5 */
	void *user; /* the owner's, set before the first accept: its sockets stand for it in their rooms */
};

_Static_assert(sizeof(struct sio_client) <= 56, "one for each client");

/* A client's membership in one namespace. Owned by its client. There is one for each client at least: what it is called
 * and what it has said is one allocation with it. */
struct sio_socket {
	struct eio_list link; /* in client->sockets */
	struct sio_client *client;
	struct sio_member member; /* for sio/room.h; in no room at first */
	void *user; /* the owner's, NULL at first */
	unsigned nsp_n, id_n, auth_n; /* how long these are, which stand in this order in */
	char texts[];
};

_Static_assert(offsetof(struct sio_socket, texts) <= 76,
	"one for each client; the allocator takes 8 more, the texts 21 and more");

/* Socket.IO's: 5, or 4 (which stands for 3 as well). */
static inline int
sio_client_protocol(const struct sio_client *c)
{
	return c->engine_sid ? 4 : 5;
}

/* The name of its namespace. As what the next two give, it is valid as long as the socket. */
static inline struct eio_bytes
sio_socket_nsp(const struct sio_socket *s)
{
	return eio_bytes(s->texts, s->nsp_n);
}

/* Protocol 5: SIO_ID_LEN random characters; protocol 4: the engine's sid, in namespaces other than "/" behind the name
 * and a '#', as the client makes it for itself. */
static inline struct eio_bytes
sio_socket_id(const struct sio_socket *s)
{
	return eio_bytes(s->texts + s->nsp_n, s->id_n);
}

/* The raw JSON object of the CONNECT; p is NULL when there was none. */
static inline struct eio_bytes
sio_socket_auth(const struct sio_socket *s)
{
	return s->auth_n ? eio_bytes(s->texts + s->nsp_n + s->id_n, s->auth_n) : eio_bytes(NULL, 0);
}

enum sio_event_type {
	SIO_EVENT_NONE,
	/* nsp, auth, query: answer with sio_client_accept() or sio_client_refuse(). With socket set (protocol 4 only)
	 * the client is in already: answer with sio_client_connected(). */
	SIO_EVENT_CONNECT,
	SIO_EVENT_MESSAGE, /* socket, data = [name, args…], id, attachments */
	SIO_EVENT_ACK, /* socket, data = [args…], id, attachments */
	SIO_EVENT_DISCONNECT /* socket: the client left; call sio_socket_free() when done with it */
};

/* What one message meant. The spans point into the message or into the client: valid until the message's bytes go or
 * the next call of sio_client_recv(), _release() or _deinit() for this client, whichever is first. */
struct sio_event {
	enum sio_event_type type;
	struct sio_socket *socket;
	struct eio_bytes nsp;
	struct eio_bytes auth; /* raw JSON object, or p is NULL */
	struct eio_bytes query; /* of a CONNECT of protocol 4: what followed the '?' in the namespace */
	/* Raw JSON array. With n_attachments > 0, objects whose _placeholder is true stand for an attachment, and all
	 * of them have been checked; without, such objects are plain data. */
	struct eio_bytes data;
	bool has_id;
	struct eio_bytes id; /* decimal digits */
	const struct eio_bytes *attachments;
	size_t n_attachments;
};

/* Starts a client whose engine connection opened at now_ms (monotonic). */
void sio_client_init(struct sio_client *c, const struct sio_client_config *config, uint64_t now_ms);

/* The same for a client of protocol 4, which is in "/" without asking: accept or refuse that first. engine_sid is
 * borrowed. */
void sio_client_init_protocol_4(struct sio_client *c, const struct sio_client_config *config, const char *engine_sid);

/* Frees everything, the sockets still there included: those must have left their rooms. */
void sio_client_deinit(struct sio_client *c);

/* Takes one Engine.IO message. 1: *ev is an event; 0: nothing to do (*ev is SIO_EVENT_NONE); negative: the client
 * broke the protocol (one of SIO_FAULT_TABLE) or memory is out (SIO_ERR_NOMEM), and its engine must be closed. */
int sio_client_recv(struct sio_client *c, bool binary, struct eio_bytes data, struct sio_event *ev);

/* Frees what the last event's data lay in, ahead of the next call: an idle client should not keep its last upload. */
void sio_client_release(struct sio_client *c);

/* Lets the client into a namespace. random: SIO_ID_RANDOM bytes the socket's id is made of. auth: raw JSON object or
 * p NULL. nsp and auth are copied. On success (0) *socket is the new socket, owned by the client, and *answer a bundle
 * with one reference to send. SIO_ERR_ALREADY_JOINED or SIO_ERR_NOMEM otherwise, and nothing has changed. */
int sio_client_accept(struct sio_client *c, struct eio_bytes nsp, struct eio_bytes auth,
	const unsigned char random[SIO_ID_RANDOM], struct sio_socket **socket, struct eio_bundle **answer);

/* The text of an id of protocol 5. */
void sio_id_write(char text[SIO_ID_LEN], const unsigned char random[SIO_ID_RANDOM]);

/* Appends the id that a socket accepted with these random bytes will have. */
void sio_client_socket_id(const struct sio_client *c, struct eio_bytes nsp, const unsigned char random[SIO_ID_RANDOM],
	struct eio_buf *out);

/* The answer to a CONNECT of a namespace the client is in already. A bundle with one reference, or NULL when out of
 * memory. */
struct eio_bundle *sio_client_connected(const struct sio_socket *s);

/* The answer to a CONNECT that lets the client come back to the same socket: with pid, characters that need no escapes,
 * by which it names what it was. Protocol 5 only. As above. */
struct eio_bundle *sio_client_connected_as(const struct sio_socket *s, struct eio_bytes pid);

/* The answer that refuses a namespace: message is plain text, data raw JSON or p NULL. As above. */
struct eio_bundle *sio_client_refuse(
	const struct sio_client *c, struct eio_bytes nsp, struct eio_bytes message, struct eio_bytes data);

/* The packet that tells a client it was put out of a namespace. As above. */
struct eio_bundle *sio_client_disconnect(struct eio_bytes nsp);

/* Ends a membership: the socket must have left its rooms. The namespace can be joined again afterwards. */
void sio_socket_free(struct sio_socket *s);

/* The client's socket in a namespace, or NULL. */
struct sio_socket *sio_client_find(const struct sio_client *c, struct eio_bytes nsp);

/* When the engine must be closed because no namespace was joined, in ms of the same clock; 0: never. The first
 * successful join ends it, a refused one does not. */
static inline uint64_t
sio_client_deadline(const struct sio_client *c)
{
	return c->deadline_ms;
}

#endif

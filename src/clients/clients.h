/* SPDX-License-Identifier: MIT */
/*
 * The Socket.IO clients of one worker: what their messages mean, which rooms
 * they are in, and the fan-out of broadcasts to them.
 *
 * Threads: belongs to the worker's thread.
 */
#ifndef SRC_CLIENTS_CLIENTS_H
#define SRC_CLIENTS_CLIENTS_H

#include "eio/net/forwarded.h"
#include "eio/net/random.h"
#include "eio/net/server.h"
#include "src/adapter/adapter.h"
#include "src/auth/login.h"
#include "src/clients/metrics.h"
#include "src/clients/namespace.h"
#include "src/clients/ui.h"
#include "src/feed/delivery.h"
#include "src/feed/feed.h"
#include "src/feed/interest.h"
#include "src/feed/sending.h"
#include "src/feed/stow.h"
#include "src/hook/hook.h"
#include "src/presence/presence.h"

struct clients;

/* What one client may hold. */
struct clients_limits {
	size_t queue_bytes; /* broadcasts that wait for it; above it their feeds' `slow` applies */
	size_t reply_bytes; /* acks, emitted events and the like that wait for it; above it the client ends */
	unsigned queue_seconds; /* over half of queue_bytes for so long counts too; 0: never */
	unsigned namespaces_per_client; /* further CONNECTs are refused */
	size_t auth_bytes; /* a CONNECT with more is refused */
	unsigned rooms_per_socket; /* a join beyond it is refused */
	unsigned room_name_length; /* bytes; a join of a longer name is refused */
	unsigned held_events; /* of a socket, while a handler waits for an answer; those beyond are dropped */
	size_t held_bytes; /* of these */
};

struct clients_options {
	struct clients_limits limits;
	unsigned connect_timeout_ms; /* for the first CONNECT of a client of Engine.IO revision 4 */
	size_t max_attachment_bytes; /* all attachments of one packet together */
	bool own_rooms; /* each socket is in the room of its id, too: something may be sent there */
	bool survive; /* sessions outlive the process: who was there when it ended may come back to the next */
	bool access_log; /* a line for each session that ends */
	bool compresses; /* some clients may want their messages compressed */
	const struct feed_recovery *elsewhere; /* clients may go to other siocasts; NULL: they may not. Borrowed */
	struct eio_forwarding forwarding; /* which proxies say whose requests are; borrowed, as everything below */
	struct namespace_specs *namespaces;
	struct interest_table *interest;
	struct feed *feed; /* takes what handlers publish, and retains; NULL: neither is wanted */
	struct presence *presence; /* NULL: no namespace has any, nor counts */
	struct adapter *adapter; /* tells other servers what handlers broadcast; NULL: there is none */
	struct hook *hook; /* asks the application; NULL when no namespace has a hook */
	struct auth_login *login; /* who may use the Admin UI; NULL: it has no namespace */
	struct ui_line *ui; /* to the Admin UI; there where login is */
	const struct mail_port *logins; /* for what that answers, which is for clients_take_login() */
	struct metrics_set *metrics; /* to count in */
	struct eio_clock *clock;
	struct eio_random *random;
	unsigned worker; /* which one */
	unsigned takers; /* of broadcasts: how many workers there are, and the hub, where there is one */
};

/* NULL when out of memory, or when a key file cannot be read, which was logged. */
struct clients *clients_new(const struct clients_options *options);

/* Limits, the timeout and trusted proxies of other options are in force from now on; the list of proxies is
 * borrowed. */
void clients_set_limits(struct clients *c, const struct clients_options *options);

/* Namespaces for them, see namespaces_new(). */
struct namespaces *clients_namespaces(const struct clients *c, struct namespace_specs *specs);

/* Goes over to other namespaces, whose reference it takes over: who connects from now on finds those. Then
 * clients_renew() is to be called for each session, before the loop goes on. */
void clients_set_namespaces(struct clients *c, struct namespaces *now);

/* Has the sockets of a session go over, each to the namespace that a client who asks for its name gets now. Where there
 * is none, or one with presence in the place of one without, it stays in the one it is in. user: the clients. */
void clients_renew(void *user, struct eio_socket *s);

/* Before its thread starts, when it is known what the feed begins with. */
void clients_begin(struct clients *c);

/* Frees it; every Engine.IO session must be closed. NULL is fine. */
void clients_free(struct clients *c);

/* Whether somebody asks where clients come from: then requests must say whose they are. */
bool clients_want_peers(const struct clients *c);

/* The callbacks of the Engine.IO server; user is the struct clients. */
void clients_open(void *user, struct eio_socket *s);
void clients_message(void *user, struct eio_socket *s, bool binary, struct eio_bytes data);
void clients_close(void *user, struct eio_socket *s, enum eio_reason reason);
bool clients_room(void *user, struct eio_socket *s, bool empty);
void clients_upgraded(void *user, struct eio_socket *s);
void clients_refused(void *user, const struct eio_request *req, const char *why);

/* How many of them are in a room, or in a namespace. */
size_t clients_in(const struct clients *c, struct sio_room_key key);

/* Every client goes now: what handlers broadcast is for nobody any more. survive: they
 * may come back to the next process, whatever the options say. */
void clients_stop(struct clients *c, bool survive);

/* Sends the broadcasts of a delivery to their members here. The delivery stays the caller's. */
void clients_deliver(struct clients *c, const struct delivery *d);

/* It was taken at that moment of uv_hrtime() and has been sent: counts how long it waited, and how long its first send
 * took to come, and its last. */
void clients_time_delivery(struct clients *c, const struct delivery *d, uint64_t taken_ns);

/* Does what an order says with the sockets here that it is for. It stays the caller's. */
void clients_take_move(struct clients *c, const struct feed_move *m);

/* The same for what presence has to tell. */
void clients_take_presence(struct clients *c, const struct presence_delivery *d);

/* Takes a question or an answer about a client that comes back, which is its from then on. */
void clients_take_recall(struct clients *c, struct feed_recall *r);

/* Takes an answer about what Redis was to keep, which is its from then on. */
void clients_take_stow(struct clients *c, struct feed_stow *s);

/* Takes a password that was checked, which is its from then on. */
void clients_take_login(struct clients *c, struct auth_check *check);

/* A turn of the loop ends: what Redis is to keep is handed over. */
void clients_turn(struct clients *c);

#endif

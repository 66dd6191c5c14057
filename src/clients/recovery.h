/* SPDX-License-Identifier: MIT */
/*
 * Sockets whose clients may come back: what is noted of them while they live, and what is left of them. In namespaces
 * without recovery nothing of this is there.
 *
 *     socket ends ── recovery_keep() ──▶ feed: session
 *     CONNECT with a pid ── waiting ── struct feed_recall ──▶ feed ──▶ clients_take_recall(): as before, or anew
 */
#ifndef SRC_CLIENTS_RECOVERY_H
#define SRC_CLIENTS_RECOVERY_H

#include "src/clients/clients_int.h"
#include "src/feed/returns.h"
#include "src/feed/signed.h"

/* What is noted of a socket. */
struct client_past {
	struct eio_hash_node node; /* in clients->pasts, by pid */
	struct sio_socket *socket;
	char pid[FEED_PID_LEN];
	unsigned char id[SIO_ID_RANDOM]; /* what its id is made of */
	struct feed_since since, before; /* as in its session, as the next */
	bool returned;
	struct feed_offset last;
	uint64_t own; /* how many went to it alone */
	uint64_t lost; /* what the worker had lost when it began */
	/* Rooms that it came to later on, by the hashes of their keys; owned. Maybe it left some again. */
	struct client_late {
		uint64_t room, after;
	} * late;
	size_t n_late, late_cap;
	bool kept; /* its session is the feed's already */
	struct client_stow *stow; /* owned: stow.c's; NULL where nobody goes elsewhere */
};

/* Notes a socket, which is in no room yet, as a new one or, where the answer has a session, as what it was. random:
 * what its id is made of. recall: NULL where nothing was asked. False when out of memory. */
bool recovery_begin(struct sio_socket *s, const unsigned char *random, const struct feed_recall *recall);

/* The socket of a session; NULL when there is none. */
struct client_past *recovery_find(const struct clients *c, struct eio_bytes pid);

/* What clients know a session by, in out; longer where they may take it elsewhere. n 0 when out of memory. */
struct eio_bytes recovery_pid(const struct client_past *p, char out[FEED_SIGNED_LEN]);

/* Whether a client has, or will get, all that was for its socket: then it may come back to it. */
bool recovery_has_all(const struct sio_socket *s);

/* Whether a socket of this worker may be in all rooms of a session. */
bool recovery_fits(const struct clients *c, const struct feed_session *session);

/* It is in one more room; again: it was before it came back, so what is known of that room stands. False when out of
 * memory. */
bool recovery_joined(struct sio_socket *s, struct sio_room_key key, bool again);

/* The same for all that it is in, when it was begun late. */
void recovery_joined_all(struct sio_socket *s);

/* It left one. */
void recovery_left(struct sio_socket *s);

/* What recovery_has_all() says of a client's sockets, or of one, may be another thing now. */
void recovery_touch_all(const struct client *c);
void recovery_touch(const struct sio_socket *s);

/* Gives its session to the feed, when its client may come back. */
void recovery_keep(struct sio_socket *s);

/* It ends. */
void recovery_end(struct sio_socket *s);

/* Sends an event to a socket alone, with an offset where it needs one; takes over the reference. What is no event, as
 * an ack, is sent as it is. */
void recovery_send(struct sio_socket *s, struct eio_bundle *b);

/* The same, and Redis need not know of it before. */
void recovery_send_untouched(struct sio_socket *s, struct eio_bundle *b);

/* Something without an offset went to a socket alone, behind the broadcast with that number, and is not remembered: its
 * client may come back only if it has something that came later. */
void recovery_sent_unnumbered(struct sio_socket *s, uint64_t serial);

/* What was held back for a client is sent behind what it got meanwhile: offsets up to now do not say that it has it. */
void recovery_sent_late(const struct client *c);

/* Sends what was missed, in its order: the same blocks that were sent to others. */
void recovery_send_missed(struct client *c, const struct history_missed *missed);

/* How much a client may have missed: it waits for it among what must arrive, and there must be room for more. */
size_t recovery_max_bytes(const struct clients *c);

/* What stands for a user in sessions: the subject of his claims, where there is one and rooms have no rules, which look
 * at the others, too. */
uint64_t recovery_who(const struct clients *c, const struct namespace *n, struct eio_bytes claims);

/* What a client says that it was, and has. */
struct recovery_question {
	char pid[FEED_PID_LEN];
	bool is_signed; /* it may be elsewhere */
	bool gives_offset; /* one, of whomever, */
	struct feed_offset_text has; /* as it came; n 0: it is none that there could be */
	bool has_offset; /* of this process, or one that nobody can have */
	struct feed_offset offset; /* one that is none of ours becomes one that nobody can have */
};

/* The pid and the offset of a CONNECT's auth. False when there is no pid. */
bool recovery_asked(const struct clients *c, struct eio_bytes auth, struct recovery_question *q);

/* The same one by one. */
bool recovery_name(const struct clients *c, struct recovery_question *q, struct eio_bytes pid);
void recovery_place(const struct clients *c, struct recovery_question *q, struct eio_bytes offset);

/* Ends the socket of a session that its client has left for another connection. */
void recovery_release(struct clients *c, struct eio_bytes pid);

#endif

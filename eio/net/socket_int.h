/* SPDX-License-Identifier: MIT */
/*
 * A socket of the Engine.IO server from the inside. socket.c has its life and the
 * pump that moves it, socket_send.c what leaves by WebSocket, socket_poll.c what
 * leaves as the answer to a poll.
 */
#ifndef EIO_NET_SOCKET_INT_H
#define EIO_NET_SOCKET_INT_H

#include "eio/net/link.h"
#include "eio/net/server_int.h"
#include "eio/net/terms.h"

enum { EIO__SOCKET_MAGIC = 0x736f636b };

/* There are many of these, and most are idle. */
struct eio_socket {
	unsigned magic; /* EIO__SOCKET_MAGIC */
	bool deflate : 1; /* main takes compressed messages */
	bool held : 1; /* see eio_socket_hold */
	bool extras : 1; /* see eio_socket_want_extras */
	bool counts : 1; /* there is a struct eio_traffic behind it */
	bool notified_open : 1, handshaken : 1;
	bool post_taken : 1; /* the session has the body of post, which is answered once that is read */
	bool late : 1; /* its timer came late, and once more soon after */
	unsigned char coding; /* enum eio_coding: what the client of the held GET takes */
	struct eio_server *server;
	struct eio_ws *ws; /* of main; NULL without */
	/* Begins with what a broadcast looks at, as this does. Its settings are part of a struct eio_terms, see
	 * eio__socket_terms(). */
	struct eio_session session;
	struct eio_hash_node node; /* in server->sids */
	struct eio_list dirty; /* in server->dirty while the pump is due */
	struct eio_list turn; /* in server->readers while its POST has more events than were for one turn */
	struct eio_list forming; /* waits in server->forms for the form of what leaves next */
	struct eio_list stranger; /* in server->strangers until it is kept */
	struct eio_timer timer;
	char *jsonp; /* the handshake's j, NUL-terminated; NULL: not JSONP */
	struct eio_exchange *get, *post; /* held GET, and the POST being received; references */
	struct eio_unsent *unsent; /* its large answers that are not written yet; NULL: there was none */
	struct eio_link *main, *probe; /* WebSockets; a link frees itself when its WebSocket is gone */
	void *user;
};

_Static_assert(
	sizeof(struct eio_socket) <= 344, "one for each client; the allocator takes 8 more, and rounds up to 16");

/* What a send looks at ends here. The allocator aligns to 16 bytes: so it lies in two cache lines, wherever it is. */
enum {
	EIO__SOCKET_HOT_BYTES = offsetof(struct eio_socket, session.state),
	EIO__CACHE_LINE = 64,
	EIO__ALIGNMENT = 16,
};
_Static_assert(EIO__SOCKET_HOT_BYTES < EIO__CACHE_LINE + EIO__ALIGNMENT, "eio_socket_prefetch fetches two lines");

/* socket.c */

/* A new session, in the table and pumped at the end of this turn; tells nobody yet. NULL when out of memory. */
struct eio_socket *eio__socket_new(struct eio_server *s, const struct eio_session_kind *kind);

/* Whether there is room for one more session, maybe after another went for it. */
bool eio__socket_room(struct eio_server *s);

/* The socket of a session that lives here and whose time is not over, or NULL. What was due before this moment is done
 * first. */
struct eio_socket *eio__socket_find(struct eio_server *s, struct eio_bytes sid);

/* Tells the application of it, for which req is valid during the call. */
void eio__socket_notify_open(struct eio_socket *s, const struct eio_request *req);

/* Takes the session's events now, and its outputs at the end of this turn. */
void eio__socket_pump(struct eio_socket *s);
void eio__socket_prepare(uv_prepare_t *prepare);

/* The POST is no longer on its way: the caller answers it and drops the reference. */
struct eio_exchange *eio__socket_end_post(struct eio_socket *s);

/* The WebSocket of a new session is open: its open packet leaves a moment after the 101, by itself. */
void eio__socket_opened(struct eio_socket *s);

/* That moment is over for the sockets that were opened before the last call. */
void eio__server_next_opened(struct eio_server *s);

/* The terms with which it began, of which its session has the settings: a reference. */
static inline struct eio_terms *
eio__socket_terms(const struct eio_socket *s)
{
	return EIO_CONTAINER(s->session.settings, struct eio_terms, settings);
}

/* Makes a link the one that the session's messages take; NULL: none any more. */
static inline void
eio__socket_set_main(struct eio_socket *s, struct eio_link *link)
{
	s->main = link;
	s->ws = link ? link->ws : NULL;
	s->deflate = link && link->deflate;
	eio_session_set_deflate(&s->session, s->deflate);
}

/* Of one that counts. */
static inline struct eio_traffic *
eio__socket_traffic(struct eio_socket *s)
{
	return (struct eio_traffic *)(s + 1);
}

/* Counts what leaves for its client. */
static inline void
eio__socket_count_sent(struct eio_socket *s, enum eio_transport by, size_t n)
{
	struct eio_sent_stats *sent = &s->server->stats.sent[by][s->session.kind.revision == 3];

	sent->sends++;
	sent->bytes += n;
	if (!s->counts) return;
	eio__socket_traffic(s)->sends++;
	eio__socket_traffic(s)->bytes_out += n;
}

/* Has its outputs taken at the end of this turn. */
static inline void
eio__socket_mark_dirty(struct eio_socket *s)
{
	if (eio_list_empty(&s->dirty)) eio_list_add_tail(&s->server->dirty, &s->dirty);
}

/* Whether the session's WebSocket takes another write; asks to be told when it does not. */
static inline bool
eio__socket_writable(struct eio_socket *s)
{
	return s->ws && eio_ws_writable(s->ws);
}

/* socket_send.c: writes a bundle, whose reference is taken over, to the session's WebSocket. false when there is no
 * memory for that: then the session has been told to end, and its events want to be looked at. */
bool eio__socket_write(struct eio_socket *s, struct eio_bundle *b);

/* socket_send.c: has the form of an output made; the reference to its bundle is taken over. false when there is no
 * memory for that, as above. */
bool eio__socket_form(struct eio_socket *s, const struct eio_output *out);

/* socket_send.c: tells the socket of a link `forming` that it is made, or could not be. */
void eio__socket_formed(struct eio_list *forming, bool made);

/* socket_send.c: the application holds something back; tells it when the client takes more. */
void eio__socket_tell_room(struct eio_socket *s);

/* socket_poll.c: answers the held GET; the reference to out's body is taken over. */
void eio__socket_answer(struct eio_socket *s, struct eio_output *out);

/* socket_poll.c: cuts the connections of those that wait for an answer which another thread is making. */
void eio__server_drop_scripts(struct eio_server *s);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * The Engine.IO server of one loop: sessions over long-polling (XHR and JSONP)
 * and WebSocket, revisions 4 and 3 of the protocol. It is given exchanges and upgrades by an HTTP
 * server (eio/net/httpd.h) and tells its handler of sessions and messages.
 *
 * With several loops each has a server of its own. A session lives on the one
 * where it began; its sid says which. A request that reaches another one is
 * passed on by the forward callbacks, and handed to the right server with the
 * same two functions that take local ones.
 *
 * Threads: a server and its sockets belong to its loop's thread.
 */
#ifndef EIO_NET_SERVER_H
#define EIO_NET_SERVER_H

#include "eio/net/clock.h"
#include "eio/net/cors.h"
#include "eio/net/httpd.h"
#include "eio/session.h"

enum {
	EIO_MAX_SERVERS = 64, /* as many as the first character of a sid can name */
	EIO_NODE_MAX = 6, /* characters of a node's name: what is left of a sid must stay beyond guessing */
};

/* Immutable while servers use it; strings are borrowed. */
struct eio_server_options {
	const char *path; /* such as "/socket.io/"; a slash at the end is added unless no_trailing_slash */
	bool no_trailing_slash;
	uint64_t ping_interval, ping_timeout, upgrade_timeout; /* ms */
	size_t max_payload; /* maxHttpBufferSize, bytes */
	/* Sessions. At so many one goes that nobody keeps, see eio_socket_keep, or the next is refused; 0: any
	 * number. */
	size_t max_sessions;
	/* A client that polls again while it has not read so many bytes of what earlier polls got ends; 0: never. */
	size_t max_unsent;
	/* What may wait for a client that pings by itself; 0: anything. What the application sends, it watches
	 * itself. */
	size_t max_replies;
	bool polling, websocket, allow_upgrades;
	bool allow_eio3; /* serve revision 3 too: EIO=3, EIO=2, and who says nothing */
	/* Revision 3 without b64 is polled in the binary form whoever asks, as by servers of 1.x; else who does not
	 * look like a browser or an official client is answered in the string form. */
	bool binary_form;
	bool open_with_messages; /* see struct eio_settings: so do servers of 2.x */
	struct eio_deflate ws_deflate; /* perMessageDeflate */
	struct eio_deflate http_deflate; /* httpCompression; of its window_bits the largest */
	struct eio_cors cors; /* also says whose WebSockets and JSONP are refused, see eio_cors_admits */
	bool no_jsonp; /* refuse it, whoever asks */
	bool count_traffic; /* of each session, see eio_socket_traffic */
	const char *cookie_name; /* NULL: no cookie */
	const char *cookie_attributes; /* what follows name=sid, such as "; Path=/; HttpOnly; SameSite=Lax" */
	bool cookie_always; /* with every polling answer of the session, not with the handshake's alone */
	unsigned index, count; /* this server's number, and how many share the address */
	/* The name of all servers that share the address, beside others on other machines: it stands in each sid, so
	 * that whoever passes requests on knows where that lives. NULL: none. */
	const char *node;
};

struct eio_socket;
struct eio_server;
struct eio_terms;

struct eio_server_handler {
	/* A session began. eio_socket_request() is valid during this call only. */
	void (*open)(void *user, struct eio_socket *s);
	/* A message; valid during the call, and may be changed. */
	void (*message)(void *user, struct eio_socket *s, bool binary, struct eio_bytes data);
	/* The session ended; the socket is freed afterwards. Told exactly once for each open. */
	void (*close)(void *user, struct eio_socket *s, enum eio_reason reason);
	/* A session has gone over to WebSocket. It may not end it. NULL when nobody wants to know. */
	void (*upgraded)(void *user, struct eio_socket *s);
	/* After eio_socket_hold: the client takes more. empty: nothing waits for it, or all of that leaves now.
	 * Returns whether something is still held back. NULL when nothing ever is. */
	bool (*room)(void *user, struct eio_socket *s, bool empty);
	/* A request of Engine.IO, or the handshake of a WebSocket, was refused: counted, and answered with why, a text
	 * that stays. NULL when nobody wants to hear it. */
	void (*refused)(void *user, const struct eio_request *req, const char *why);
	/* A request outside the Engine.IO path, to be answered now; its body may be missing. */
	void (*request)(void *user, struct eio_exchange *ex);
	/* An exchange or an upgrade for server number owner. The upgrade's ownership goes along; of the exchange the
	 * callee takes its own reference. NULL when there is one server only. */
	void (*forward)(void *user, unsigned owner, struct eio_exchange *ex, enum eio_stage stage);
	void (*forward_upgrade)(void *user, unsigned owner, struct eio_upgrade *up);
	/* The same for a session of another node, whose name is valid during the call: not told of what was relayed
	 * before. NULL: nobody knows such sessions. */
	void (*elsewhere)(void *user, struct eio_bytes node, struct eio_exchange *ex, enum eio_stage stage);
	void (*elsewhere_upgrade)(void *user, struct eio_bytes node, struct eio_upgrade *up);
	void *user; /* for open, message, close, upgraded, room and refused */
	void *http_user; /* for request, the forwards and elsewhere */
};

/* Why a request, or the handshake of a WebSocket, is refused: what it is answered, see eio/error.h; or the handshake is
 * no WebSocket's, or not of this path. */
enum eio_refusal {
#define X(id, code, text) EIO_REFUSAL_##id = (code),
	EIO_ERROR_TABLE(X)
#undef X
		EIO_REFUSAL_WEBSOCKET,
	EIO_REFUSAL_PATH,
	EIO_REFUSAL_ROOM, /* max_sessions, or the end has begun */
	EIO_REFUSAL_COUNT
};

/* What left: sends are writes to WebSockets and answers to polls. */
struct eio_sent_stats {
	uint64_t sends, bytes;
};

/* Counters, for whoever wants to show them. open… are sessions (_3: of revision 3), websockets are connections. */
struct eio_server_stats {
	uint64_t opened, opened_3, open, open_3, open_websocket, websockets, upgraded, polls, posts, messages_in,
		bytes_in;
	uint64_t refused[EIO_REFUSAL_COUNT];
	struct eio_sent_stats sent[2][2]; /* by transport, and then 0: revision 4, 1: revision 3 */
	uint64_t repeated; /* polls that came a second time, see eio_session_repeats */
	uint64_t full, evicted; /* sessions that were refused, and that had to go, because of max_sessions */
	uint64_t deflate_websockets; /* opened with permessage-deflate */
	uint64_t deflate_plain, deflate_sent; /* bytes to clients that take them compressed: before, and as they left */
	uint64_t closed[EIO_REASON_COUNT];
	struct eio_behind_stats behind; /* WebSockets that take no more */
};

/* Whether this may be the name of a node: 1 to EIO_NODE_MAX characters of A-Z a-z 0-9 - _. */
bool eio_node_valid(struct eio_bytes name);

/* What stands before a valid name in a sid, behind one character of any kind. */
char eio_node_mark(struct eio_bytes name);

/* NULL when out of memory or of descriptors: start-up only. Options are copied; their strings and lists are borrowed as
 * long as they are in force. */
struct eio_server *eio_server_new(uv_loop_t *loop, struct eio_clock *clock, const struct eio_server_options *options,
	const struct eio_server_handler *handler);

/* Other options for a server that runs, made before they are needed: copied, as above. NULL when out of memory. Any
 * thread, as long as the server is there. */
struct eio_terms *eio_terms_new(const struct eio_server *s, const struct eio_server_options *options);
void eio_terms_free(struct eio_terms *t); /* that no server has taken over; NULL is fine */

/* Takes them over; they are in force from now on, whatever a session has agreed on with its client excepted: those that
 * there are keep their intervals, timeouts and transports. Path, slash, max_payload, compression, index, count and node
 * stay as they were. When it returns nothing of the options before is borrowed any more. */
void eio_server_change(struct eio_server *s, struct eio_terms *t);

/* Lets broadcasts be sent by io_uring, see eio_server_gather. Call it in the loop's thread. Returns 0, or -errno where
 * that does not work, for want of a build with it, of a new kernel or of leave to use it: then nothing changes. */
int eio_server_use_uring(struct eio_server *s);

/* Ends all sessions, telling their clients as far as that needs no waiting (protocol section "Closing"). No other
 * begins: who comes later is answered 503, so that after this the handler's open and message are not called any
 * more. */
void eio_server_shutdown(struct eio_server *s);

/* Ends up to n sessions in that way, in an order that is nobody's, and lets none begin either: a server whose clients
 * are to go one after the other calls it again and again. Returns how many sessions are left. */
size_t eio_server_shut(struct eio_server *s, size_t n);

/* Closes the server, which has no session any more. Nothing but eio_server_free may be called afterwards. */
void eio_server_close(struct eio_server *s);

/* Frees a closed server, after the loop has run out. */
void eio_server_free(struct eio_server *s);

/* Takes an exchange in any stage: from the HTTP server, or from another server's forward. */
void eio_server_exchange(struct eio_server *s, struct eio_exchange *ex, enum eio_stage stage);

/* Takes a connection that wants to become a WebSocket; owns it. */
void eio_server_upgrade(struct eio_server *s, struct eio_upgrade *up);

/* Answers that the session is unknown, which it is where it should be, too; owns the upgrade. */
void eio_server_answer_unknown(struct eio_server *s, struct eio_exchange *ex);
void eio_server_refuse_unknown(struct eio_server *s, struct eio_upgrade *up);

/* Does now what would be done at the end of this turn of the loop. */
void eio_server_flush(struct eio_server *s);

const struct eio_server_stats *eio_server_stats(const struct eio_server *s);

/* Whether a path belongs to Engine.IO. */
bool eio_server_owns_path(const struct eio_server *s, struct eio_bytes path);

/* Calls each for every session, in an order that is nobody's. It may neither begin nor end one. */
void eio_server_each(struct eio_server *s, void (*each)(void *user, struct eio_socket *s), void *user);

/* Sockets */

/* How a send went. */
enum eio_sent {
	EIO_SENT, /* written, or queued and on its way with the end of this turn of the loop */
	EIO_SENT_QUEUED, /* the client is slower: it waits in the queue, see eio_socket_queued */
	EIO_SENT_CLOSED, /* not: nobody is there any more */
	EIO_SENT_NOMEM, /* not: out of memory. The session has been told to end: what comes next would follow a gap */
};

/* From now on this session gets the extras of messages. Sessions of revision 4 always do, those of revision 3 do not
 * without this; what waits for it already stays as it is. */
void eio_socket_want_extras(struct eio_socket *s);

/* Sends a bundle (its own reference is taken). tag: NULL for what must arrive; else what may be dropped, see
 * eio_socket_drop. */
enum eio_sent eio_socket_send(struct eio_socket *s, struct eio_bundle *b, const void *tag);

/* Holds back what is sent to it until it is called with false: it waits in the queue, in its order. */
void eio_socket_cork(struct eio_socket *s, bool corked);

/* Whether what is sent now leaves with this turn of the loop at the latest, or is for nobody any more. */
bool eio_socket_takes(struct eio_socket *s);

/*
 * Pace: who wants few writes, as phones do, gets what may wait together. It waits in the queue until the next multiple
 * of so many milliseconds, or until something that may not wait goes: so the order of what is sent stays as it was. See
 * eio_session_submit_paced().
 */

/* The socket's own pace in milliseconds, for all that is sent with a tag; 0: none. */
void eio_socket_pace(struct eio_socket *s, unsigned ms);

/* As eio_socket_send(), for something that may wait so long, or for the socket's own pace where that is longer. */
enum eio_sent eio_socket_send_paced(struct eio_socket *s, struct eio_bundle *b, const void *tag, unsigned ms);

/* Whether it waits for nothing but its time. */
bool eio_socket_rests(const struct eio_socket *s);

/* Has it wait no longer, as far as its client takes it. */
void eio_socket_go(struct eio_socket *s);

/* Whether a socket that does not take more is slow: it would not without a pace, as far as is known. */
bool eio_socket_lags(struct eio_socket *s);

/* The application holds something back: it is told when the client takes more (room). With a number: not before
 * that time, or its own pace, is over, unless something goes earlier. */
void eio_socket_hold(struct eio_socket *s);
void eio_socket_hold_for(struct eio_socket *s, unsigned ms);
bool eio_socket_held(const struct eio_socket *s);

/* Around a loop that sends to many: what goes to one idle WebSocket leaves in one send, and many of these in one system
 * call where there is io_uring. wide: a socket may be sent several bundles; else none has to wait for the end of the
 * loop. The loop of libuv must not run in between. */
void eio_server_gather(struct eio_server *s, bool wide);
void eio_server_send_gathered(struct eio_server *s);

/* The server a socket belongs to. */
struct eio_server *eio_socket_server(const struct eio_socket *s);

/* For a loop that sends to many: their memory is cold, and fetching that of several at once hides how long it takes.
 * Call the first for each of the next sockets, then the second for each of them, then send. Both change nothing. */
void eio_socket_prefetch(const struct eio_socket *s);
void eio_socket_prefetch_rest(const struct eio_socket *s);

/* A number that is the caller's while something waits in the queue; 0 again whenever the queue is empty. */
uint64_t *eio_socket_queue_mark(struct eio_socket *s);

/* How many bytes of polls' answers are on their way that the client has not read, those above 16 KB: they wait as the
 * queue does. */
size_t eio_socket_unsent(const struct eio_socket *s);

/* What waits in the queue, in bytes, with EIO_QUEUED_COST for each bundle; how much of that was sent without a tag; and
 * dropping of what may be dropped (see eio_session_drop). */
size_t eio_socket_queued(const struct eio_socket *s);
size_t eio_socket_replies(const struct eio_socket *s);
size_t eio_socket_drop(struct eio_socket *s, const void *tag, size_t max_bytes);

/* Writes what waits only for the end of this turn, because another thread was compressing it, as far as the WebSocket
 * takes it. */
void eio_socket_drain(struct eio_socket *s);

/* Closes the session after what is queued; the close callback comes at the end of this turn of the loop. */
void eio_socket_close(struct eio_socket *s);

/* As close, but nothing queued is sent first and nothing is waited for. */
void eio_socket_discard(struct eio_socket *s);

/* Says that the session is in use: it does not go to make room for another. One that is not, and whose client does not
 * even poll, is the first to go. */
void eio_socket_keep(struct eio_socket *s);

const char *eio_socket_sid(const struct eio_socket *s);
int eio_socket_revision(const struct eio_socket *s); /* 4 or 3 */
const char *eio_socket_transport(const struct eio_socket *s); /* "polling" or "websocket" */

/* What a session has sent and was sent; with count_traffic only. */
struct eio_traffic {
	uint64_t bytes_in; /* of messages */
	uint64_t sends, bytes_out; /* writes to WebSockets and answers to polls, and what was in them */
};
struct eio_traffic eio_socket_traffic(const struct eio_socket *s);

/* What waits for its client, in bytes: in the queue, of answers to polls that are not read, of what was written to a
 * WebSocket that takes no more. It looks at no socket. */
size_t eio_socket_backlog(const struct eio_socket *s);

/* What the kernel knows of a WebSocket's connection. */
struct eio_connection {
	uint64_t rtt_us; /* of round trips, as TCP measures them; 0: it is none of TCP */
	uint64_t kernel_bytes; /* sent by us and not acknowledged by the peer */
};
/* false for a session without a WebSocket. Two system calls. */
bool eio_socket_connection(const struct eio_socket *s, struct eio_connection *out);

/* Visits the sessions of a server in pieces, see eio_hash_walk. The visitor begins and ends none. */
typedef void (*eio_socket_visit_fn)(void *user, struct eio_socket *s);
bool eio_server_walk(struct eio_server *s, size_t *at, size_t n, eio_socket_visit_fn visit, void *user);

/* The handshake request, during the open callback. */
const struct eio_request *eio_socket_request(const struct eio_socket *s);

void eio_socket_set_user(struct eio_socket *s, void *user);
void *eio_socket_user(const struct eio_socket *s);

#endif

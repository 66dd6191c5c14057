/* SPDX-License-Identifier: MIT */
/*
 * One Engine.IO session, revision 4 or 3: the state machine between a client's
 * transports and the application. No I/O: the edge tells it what arrived and
 * what time it is, then asks what happened (events) and what to do (outputs).
 *
 *              GET/POST                      5 on the probe
 *     polling ───────────▶ polling + probe ─────────────────▶ websocket
 *        │                  │ ▲ any other packet, close,          │
 *        │                  └─┘ upgradeTimeout: back to polling   │
 *        ▼                                                        ▼
 *     CLOSING (the application is told, the queue drains, the client is told) ─▶ CLOSED
 *
 * After every call that takes something in, the edge calls eio_session_event()
 * until there is none, then eio_session_output() until there is none, then
 * looks at eio_session_deadline().
 *
 * Threads: a session belongs to one thread. The fields are private to
 * eio/session*.c; the struct is here so that it can be embedded.
 */
#ifndef EIO_SESSION_H
#define EIO_SESSION_H

#include "eio/bundle.h"
#include "eio/deflate.h"
#include "eio/error.h"
#include "eio/packet.h"
#include "eio/queue.h"

#include <stdint.h>

enum {
	EIO_SID_LEN = 20, /* as long as official servers make them */
	EIO_CLOSE_TIMEOUT_MS = 30000, /* how long a closed polling session waits for a last GET; engine.io's number */
	EIO_LATE_MS = 100, /* who is called later than that was held up by something: see eio_session_catch_up */
	/* How long the third poll is held while a probe runs; each that follows twice as long, up to engine.io's
	 * number. */
	EIO_NOOP_FIRST_MS = 1,
	EIO_NOOP_DELAY_MS = 100,
};

enum eio_transport { EIO_TRANSPORT_POLLING, EIO_TRANSPORT_WEBSOCKET };

/* What all sessions of a server share; immutable while they live. Times in milliseconds, sizes in bytes. */
struct eio_settings {
	uint64_t ping_interval, ping_timeout, upgrade_timeout;
	size_t max_payload; /* maxHttpBufferSize */
	/* with more in the queue that has no tag, a client that pings is not answered but ended; 0: none */
	size_t max_replies;
	bool polling, websocket; /* the enabled transports */
	bool allow_upgrades;
	/* The answer of a handshake carries what was sent at once, too, not the open packet alone. */
	bool open_with_messages;
	const struct eio_deflate *http_deflate; /* how answers of polls are compressed; NULL: not at all */
	const struct eio_deflate *ws_deflate; /* how WebSockets are that take it, see eio_session_set_deflate */
	struct eio_bundle *ping, *pong; /* the packets "2" and "3", made once */
};

/* What the handshake says about a session. */
struct eio_session_kind {
	unsigned char transport; /* enum eio_transport; changes with the upgrade */
	unsigned char revision; /* 4, or 3 (for EIO=2 as well) */
	bool b64; /* binary goes out as base64 text; revision 3 also takes the payload's string form then */
	/* Of revision 3 by polling: payloads are in the string form without b64, too, because nothing says that the
	 * client reads the other. One with something binary in it is in the binary form once the client has sent such a
	 * one. */
	bool strings;
	unsigned char text; /* enum eio_text, of revision 3 by polling */
	unsigned char ws_text; /* the same, of revision 3 by WebSocket */
};

/* What the parts of a session are up to. Private, as the fields below. */
enum eio__state { EIO__STATE_OPEN, EIO__STATE_CLOSING, EIO__STATE_CLOSED, EIO__STATE_ENDED };
enum eio__get {
	EIO__GET_NONE,
	EIO__GET_HELD, /* until there is something to answer */
	EIO__GET_LEFT, /* still held when the upgrade made the WebSocket the transport */
};
enum eio__post { EIO__POST_NONE, EIO__POST_OPEN };
enum eio__probe {
	EIO__PROBE_NONE,
	EIO__PROBE_OPEN, /* a WebSocket is there */
	EIO__PROBE_PONGED, /* and was answered */
	EIO__PROBE_NOOPED, /* and a GET was released, or is about to be, for the client to go on */
	EIO__PROBE_UPGRADED, /* it is the transport; there is no other probe any more */
};
enum eio__ping {
	EIO__PING_NONE,
	EIO__PING_OUT, /* of revision 4: a pong is awaited */
	EIO__PING_EXTENDED, /* and another packet has earned the client more time */
};
enum eio__reading { EIO__READING_NONE, EIO__READING_PAYLOAD, EIO__READING_TEXT, EIO__READING_BINARY };

/* There are many of these, and most are idle: bits and small numbers stand together. */
struct eio_session {
	/* What a broadcast looks at comes first, so that it lies together. */
	struct eio_queue queue;
	struct eio_session_kind kind;
	enum eio__get get : 2;
	enum eio__post post : 1;
	enum eio__probe probe : 3;
	enum eio__ping ping : 2;
	enum eio__reading reading : 2; /* what `in` is */
	enum eio_payload_form form : 2; /* of a payload that is being read */
	/* What kind.b64 is to the transport, of the other one: the probe, and after the upgrade polling. */
	bool other_b64 : 1;
	bool sent_binary_form : 1; /* its client did, in a POST */
	bool begun : 1; /* the open packet has left by polling */
	bool corked : 1; /* see eio_session_cork */
	bool forming : 1; /* a FORM was put out, and eio_session_formed has not come */
	bool deflates : 1; /* the WebSocket takes compressed messages */
	bool stamps_differ : 1; /* those of its GETs have */
	unsigned char pace; /* bits of eio/session_int.h; 0: nothing is held back */
	unsigned char state; /* enum eio__state; eio__session_enter() alone assigns it */
	unsigned char due; /* bits of eio/session_int.h */
	unsigned char reason; /* enum eio_reason: why it closed, or closes */
	unsigned char coding; /* enum eio_coding: what the client of the held GET takes */
	unsigned char noop_ms; /* how long the next poll is held while the probe runs */
	char sid[EIO_SID_LEN + 1];
	uint32_t ping_early; /* by how much the first ping is early */
	unsigned pace_ms; /* the session's own pace; 0: none */
	uint32_t stamp; /* of its last GET; 0: it had none */
	const struct eio_settings *settings;
	/* 0: not armed. alive_at: while it is open, the next ping or the end of the patience with the client; while it
	 * closes, how long its client may come for what is left. */
	uint64_t alive_at, upgrade_at, noop_at;
	uint64_t pace_at; /* until when the queue rests; 0: it does not */
	struct {
		char *p;
		size_t n;
	} in; /* what is left of the payload or message being read, borrowed from the edge */
};

_Static_assert(sizeof(struct eio_session) <= 144, "one for each client");

enum eio_event_type {
	EIO_EVENT_NONE,
	EIO_EVENT_MESSAGE,
	EIO_EVENT_CLOSE,
	EIO_EVENT_LATER, /* many packets were taken and none was an event: ask again, after others maybe */
};

struct eio_event {
	enum eio_event_type type;
	bool binary; /* of a MESSAGE */
	struct eio_bytes data; /* of a MESSAGE; part of what was passed in, valid as long as that is */
	enum eio_reason reason; /* of a CLOSE */
};

enum eio_output_type {
	EIO_OUTPUT_NONE,
	EIO_OUTPUT_ANSWER, /* answer the held GET with 200 and body (a reference for the edge) */
	/* Make the form (wire, deflated) of bundle (a reference), which is large, then call eio_session_formed: until
	 * that nothing more is sent. */
	EIO_OUTPUT_FORM,
	EIO_OUTPUT_SEND, /* write bundle (a reference for the edge) to the session's WebSocket */
	EIO_OUTPUT_WS_CLOSE, /* close the session's WebSocket */
	EIO_OUTPUT_PROBE_PONG, /* write "3probe" to the probing WebSocket */
	EIO_OUTPUT_PROBE_CLOSE, /* close the probing WebSocket; the session goes on */
	EIO_OUTPUT_POST_DESTROY, /* cut the connection of the POST being received */
	EIO_OUTPUT_END, /* nothing more will happen: free the session */
};

struct eio_output {
	enum eio_output_type type;
	struct eio_block *body; /* of an ANSWER */
	enum eio_payload_form form; /* of the body */
	enum eio_coding coding; /* what the body is in */
	/* The server goes away, and the client shall come back: not all do when they are only told "close". */
	bool away;
	size_t plain_n; /* how long the body is without the coding */
	struct eio_bundle *bundle; /* of a SEND, or a FORM */
	enum eio_wire wire; /* of a FORM */
	const struct eio_deflate *deflate; /* of a FORM: its variant, too, or NULL */
};

/* How a request meets the session. */
enum eio_accept {
	EIO_ACCEPT_OK,
	EIO_ACCEPT_BAD_REQUEST, /* answer error 3: the session uses the other transport */
	EIO_ACCEPT_OVERLAP, /* answer 400 with an empty body: two at once, the session is closed */
	EIO_ACCEPT_REFUSE, /* of a WebSocket: complete the handshake, then close it; the session is unharmed */
};

/*
 * Starts a session. sid: EIO_SID_LEN characters of A-Z a-z 0-9 - _, copied. A polling session starts with its handshake
 * GET held; the open packet is queued either way. settings must outlive the session. Returns 0, or -1 when out of
 * memory.
 */
int eio_session_init(struct eio_session *s, const struct eio_settings *settings, const char *sid,
	const struct eio_session_kind *kind, uint64_t now_ms);

/* Has the first ping of a session that just began leave so many milliseconds early, at most pingInterval, for those
 * that begin together not to be pinged together for ever. When the client must have answered it is as without. In
 * revision 3 it is the client that pings, and nothing changes. */
void eio_session_ping_early(struct eio_session *s, uint32_t ms);

/* Holds back what is sent from now on, and what waits already, until it is called again with false: it waits in the
 * queue, in its order. What is no message is not held back, nor the end of a session that is discarded. */
void eio_session_cork(struct eio_session *s, bool corked);

/* Frees what the session holds, in any state. */
void eio_session_deinit(struct eio_session *s);

/*
 * A GET for this session arrived with a stamp, which clients give to each of theirs; 0: it has none. Call it before
 * eio_session_get. True: it is the last one once more. Somebody between sends it again who did not get the answer, so
 * what was in that is lost, and the session has been closed: answer EIO_ERROR_UNKNOWN_SID. Stamps mean nothing before
 * two in a row were different: some clients always send the same.
 */
bool eio_session_repeats(struct eio_session *s, uint32_t stamp);

/* A GET for this session arrived: on EIO_ACCEPT_OK it is held until an ANSWER (protocol section "Polling
 * mechanics"). */
enum eio_accept eio_session_get(struct eio_session *s, uint64_t now_ms);

/* The client gave up its held GET: the session closes. */
void eio_session_get_abort(struct eio_session *s);

/* A POST began to arrive (its headers are there). Follow with eio_session_post or eio_session_post_abort. */
enum eio_accept eio_session_post_begin(struct eio_session *s);
void eio_session_post_abort(struct eio_session *s);

/* A POST was refused for its size: it is over, and the session goes on. */
void eio_session_post_refused(struct eio_session *s);

/* The body of the begun POST is complete; the bytes are changed in place and must stay until eio_session_reading() is
 * false. Until then the POST is open. binary: the payload's binary form, which only revision 3 has. Answer "ok"
 * afterwards, whatever was in it. */
void eio_session_post(struct eio_session *s, char *body, size_t n, bool binary);

/* The POST's content type says that it is not text: the session closes; answer 400 with an empty body. */
void eio_session_post_bad_type(struct eio_session *s);

/* A WebSocket with this sid finished its handshake: EIO_ACCEPT_OK makes it the probe. b64: its URL asks for binary as
 * text, as the polling requests did or not. */
enum eio_accept eio_session_probe_open(struct eio_session *s, bool b64, uint64_t now_ms);

/* One complete message came on the probing WebSocket. When it was the upgrade, eio_session_upgraded() is true
 * afterwards and that WebSocket is the session's transport. */
void eio_session_probe_recv(struct eio_session *s, bool binary, struct eio_bytes data);
void eio_session_probe_closed(struct eio_session *s);

/* One complete message came on the session's WebSocket; text must be valid UTF-8. The bytes are changed in place and
 * must stay until eio_session_event returned EIO_EVENT_NONE. */
void eio_session_ws_recv(struct eio_session *s, bool binary, char *data, size_t n);

/* The session's WebSocket is gone. error: not by a close frame of the client. */
void eio_session_ws_closed(struct eio_session *s, bool error);

/* Whether a bundle was queued; nothing is kept of it otherwise. */
enum eio_submitted { EIO_SUBMITTED = 0, EIO_SUBMIT_CLOSED = -1, EIO_SUBMIT_NOMEM = -2 };

/* Queues a bundle (its own reference is taken). tag: see eio/queue.h. */
enum eio_submitted eio_session_submit(struct eio_session *s, struct eio_bundle *b, const void *tag);

/*
 * Pace: what need not go at once may wait for others to go along with it, in the queue or with the application. Then
 * the session rests: nothing that is queued is put out, until
 *
 *     - its time has come: the next multiple of so many milliseconds, so that all who have the same pace go together;
 *     - something that may not wait is queued, or the application says so;
 *     - it closes.
 *
 * So the order is that of the queue, whatever may wait. Once it goes, all of it does, and what is queued until that has
 * left goes along: who is slow as well is not held up twice.
 */

/* A pace of the session's own, in milliseconds: all that carries a tag may wait so long, also without
 * eio_session_submit_paced. 0 ends it. Nothing rests any more after the call. */
void eio_session_pace(struct eio_session *s, unsigned ms);

/* Queues a bundle that may wait for so many milliseconds, or for the session's own pace where that is longer. */
enum eio_submitted eio_session_submit_paced(
	struct eio_session *s, struct eio_bundle *b, const void *tag, unsigned ms, uint64_t now_ms);

/* The application has something that may wait for so long, or longer, as above. */
void eio_session_rest(struct eio_session *s, unsigned ms, uint64_t now_ms);

/* What rests goes now. */
void eio_session_go(struct eio_session *s);

/* Before outputs are taken: what does not rest goes now. After them, when all of that has gone, the application's, too:
 * what comes next may wait again. */
void eio_session_going(struct eio_session *s);
void eio_session_went(struct eio_session *s);

/* Drops queued bundles that carry a tag, oldest first, until those with one cost at most max_bytes (tag NULL), or all
 * bundles with that very tag. Returns how many were dropped. */
size_t eio_session_drop(struct eio_session *s, const void *tag, size_t max_bytes);

/* Closes: what is queued is sent first, then the client is told. The CLOSE event comes at once. A polling client
 * with no GET held has EIO_CLOSE_TIMEOUT_MS to come for it. */
void eio_session_close(struct eio_session *s, enum eio_reason reason, uint64_t now_ms);

/* As close, but what is queued is thrown away, without waiting for a client that has no GET held: for a server that
 * goes away. */
void eio_session_discard(struct eio_session *s, enum eio_reason reason);

/* Takes the next event or output. writable: the session's WebSocket can take another write now; SEND is withheld while
 * it can't. */
enum eio_event_type eio_session_event(struct eio_session *s, struct eio_event *ev, uint64_t now_ms);
enum eio_output_type eio_session_output(struct eio_session *s, bool writable, struct eio_output *out);

/* The form of an output FORM is there, so that outputs go on. Without it, it is made when it is taken; a session that
 * cannot have it for want of memory is one for eio_session_discard. */
void eio_session_formed(struct eio_session *s);

/* When eio_session_tick wants to be called, in milliseconds, or UINT64_MAX for never. */
uint64_t eio_session_deadline(const struct eio_session *s);
void eio_session_tick(struct eio_session *s, uint64_t now_ms);

/* Before something that came from the client is taken in: does what was due before it. For who calls eio_session_tick a
 * little late, as timers are: a client that is a millisecond too late is too late. When the deadline passed longer ago
 * than timers are late, EIO_LATE_MS, then so may what came have waited to be read, and nothing is done. Returns whether
 * something was. */
bool eio_session_catch_up(struct eio_session *s, uint64_t now_ms);

/* Whether what came in has more events: whoever does not take all of them at once comes back for them, before anything
 * else is given to the session but requests and the probe's messages. */
static inline bool
eio_session_reading(const struct eio_session *s)
{
	return s->reading != EIO__READING_NONE && s->state == EIO__STATE_OPEN;
}

static inline bool
eio_session_upgraded(const struct eio_session *s)
{
	return s->probe == EIO__PROBE_UPGRADED;
}

/* Whether it rests. */
static inline bool
eio_session_rests(const struct eio_session *s)
{
	return s->pace_at != 0;
}

/* Whether something is held back, or may be: until eio_session_going() after its time. */
static inline bool
eio_session_is_paced(const struct eio_session *s)
{
	return s->pace != 0;
}

/* Whether all that carries a tag may wait now. */
bool eio_session_has_pace(const struct eio_session *s);

static inline enum eio_transport
eio_session_transport(const struct eio_session *s)
{
	return s->kind.transport;
}

/* Says what coding the client of a GET takes, whose answers are plain otherwise. Before or right after
 * eio_session_get. */
static inline void
eio_session_set_coding(struct eio_session *s, enum eio_coding coding)
{
	s->coding = (unsigned char)coding;
}

/* Says whether the session's WebSocket takes messages compressed. */
static inline void
eio_session_set_deflate(struct eio_session *s, bool deflates)
{
	s->deflates = deflates;
}

/* Whether a bundle may be written to the WebSocket right now, past the queue: the fast path of a broadcast. */
bool eio_session_direct(const struct eio_session *s);

/* What waits longest for a WebSocket that takes a write now, instead of an output SEND. The reference goes to the
 * caller; NULL when nothing waits, or what waits is for something else, or its form is still to be made. */
struct eio_bundle *eio_session_take(struct eio_session *s);

/* The wire form that this session's transport takes now. */
enum eio_wire eio_session_wire(const struct eio_session *s);

/* What waits in the queue, in bytes, with what each of it costs beside its data; and that part of it which has no
 * tag. What waits for its form is not in it: that is on its way. */
static inline size_t
eio_session_queued(const struct eio_session *s)
{
	return eio_queue_cost(&s->queue);
}

static inline size_t
eio_session_replies(const struct eio_session *s)
{
	return s->queue.untagged;
}

#endif

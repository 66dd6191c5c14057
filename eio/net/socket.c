/* SPDX-License-Identifier: MIT */
/*
 * A socket: one session and the connections it uses at the moment. Events of
 * the session are told as soon as something came in. Outputs wait for the end
 * of the loop's turn, so that everything a turn produced leaves together; only
 * a broadcast to an idle WebSocket goes straight to the kernel.
 */
#include "eio/net/server_int.h"

#include "eio/jsonp.h"

#include <stdlib.h>

enum {
	EARLIEST_PING = 16, /* the first ping may come early by 1 / 16 of pingInterval */
	HOT_BYTES = offsetof(struct eio_socket, session.state), /* what a send looks at ends here */
};

enum { LATE_MS = 100 }; /* timers come within two ticks of the wheel, 32 ms */

static void on_timer(struct eio_timer *t);

static void
mark_dirty(struct eio_socket *s)
{
	if (eio_list_empty(&s->dirty)) eio_list_add_tail(&s->server->dirty, &s->dirty);
}

/* Making and finding */

static void
make_sid(struct eio_server *s, char *sid)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

	if (s->random_used + EIO_SID_LEN > sizeof(s->random)) {
		/* Without randomness there is no safe sid, and the kernel always has some. */
		if (uv_random(NULL, NULL, s->random, sizeof(s->random), 0, NULL)) abort();
		s->random_used = 0;
	}
	/* The first character tells the server; 19 others of 6 random bits each are 114 bits. */
	sid[0] = alphabet[s->options->index];
	for (int i = 1; i < EIO_SID_LEN; i++) sid[i] = alphabet[s->random[s->random_used++] & 63];
	sid[EIO_SID_LEN] = '\0';
}

/* When a session is taken to have begun. Those that begin at once, as after a restart, would be pinged at once for ever, each time all
 * in one turn of the loop: their first pings are spread over the end of the first interval. */
static uint64_t
begin_ms(const struct eio_server *server, const struct eio_session_kind *kind, uint64_t random)
{
	uint64_t now = eio_clock_now(server->clock);

	/* Revision 3: the client pings. */
	return kind->revision == 3 ? now : now - random % (server->settings.ping_interval / EARLIEST_PING + 1);
}

struct eio_socket *
eio__socket_new(struct eio_server *server, const struct eio_session_kind *kind)
{
	struct eio_socket *s = calloc(1, sizeof(*s));
	char sid[EIO_SID_LEN + 1];
	uint64_t hash;

	if (!s) return NULL;
	make_sid(server, sid);
	hash = eio_hash_bytes(server->sid_key, eio_bytes(sid, EIO_SID_LEN));
	s->server = server;
	eio_list_init(&s->dirty);
	eio_timer_init(&s->timer, on_timer);
	if (eio_session_init(&s->session, &server->settings, sid, kind, begin_ms(server, kind, hash))) {
		eio_session_deinit(&s->session);
		free(s);
		return NULL;
	}
	eio_hash_add(&server->sids, &s->node, hash);
	server->stats.opened++;
	server->stats.open++;
	if (kind->transport == EIO_TRANSPORT_WEBSOCKET) server->stats.open_websocket++;
	if (kind->revision == 3) {
		server->stats.opened_3++;
		server->stats.open_3++;
	}
	mark_dirty(s);
	return s;
}

struct eio_socket *
eio__socket_find(struct eio_server *server, struct eio_bytes sid)
{
	uint64_t hash = eio_hash_bytes(server->sid_key, sid);

	for (struct eio_hash_node *n = eio_hash_find(&server->sids, hash); n; n = eio_hash_next(n)) {
		struct eio_socket *s = EIO_CONTAINER(n, struct eio_socket, node);

		if (eio_bytes_eq(eio_bytes(s->session.sid, EIO_SID_LEN), sid)) return s;
	}
	return NULL;
}

void
eio__socket_tell_open(struct eio_socket *s, const struct eio_request *req)
{
	s->told_open = true;
	s->request = req;
	s->server->handler.open(s->server->handler.user, s);
	s->request = NULL;
}

static void
drop_link(struct eio_link *link)
{
	if (!link) return;
	link->socket = NULL;
	if (link->ws) eio_ws_close(link->ws, EIO_WS_CLOSE_NO_CODE);
}

static void
drop_main(struct eio_socket *s)
{
	drop_link(s->main);
	eio__socket_set_main(s, NULL);
}

static void
drop_probe(struct eio_socket *s)
{
	drop_link(s->probe);
	s->probe = NULL;
}

static void
drop_exchange(struct eio_exchange **ex)
{
	struct eio_exchange *x = *ex;

	if (!x) return;
	*ex = NULL;
	eio_exchange_respond(x, (struct eio_response){ .destroy = true });
	eio_exchange_unref(x);
}

static void
socket_free(struct eio_socket *s)
{
	drop_main(s);
	drop_probe(s);
	drop_exchange(&s->get);
	drop_exchange(&s->post);
	eio_clock_set(s->server->clock, &s->timer, UINT64_MAX);
	eio_list_remove(&s->dirty);
	eio_hash_remove(&s->server->sids, &s->node);
	s->server->stats.open--;
	if (s->session.kind.revision == 3) s->server->stats.open_3--;
	if (eio_session_transport(&s->session) == EIO_TRANSPORT_WEBSOCKET) s->server->stats.open_websocket--;
	eio_session_deinit(&s->session);
	free(s->jsonp);
	free(s);
}

/* The pump */

static void
pump_events(struct eio_socket *s)
{
	const struct eio_server_handler *h = &s->server->handler;
	uint64_t now = eio_clock_now(s->server->clock);
	struct eio_event ev;

	for (;;) {
		switch (eio_session_event(&s->session, &ev, now)) {
		case EIO_EVENT_NONE: return;
		case EIO_EVENT_MESSAGE:
			s->server->stats.messages_in++;
			s->server->stats.bytes_in += ev.data.n;
			h->message(h->user, s, ev.binary, ev.data);
			break;
		case EIO_EVENT_CLOSE:
			s->server->stats.closed[ev.reason]++;
			if (s->told_open) h->close(h->user, s, ev.reason);
			break;
		}
	}
}

void
eio__socket_pump(struct eio_socket *s)
{
	pump_events(s);
	mark_dirty(s);
}

static const char *
payload_type(const struct eio_socket *s, enum eio_payload_form form)
{
	if (s->jsonp) return "text/javascript; charset=UTF-8";
	/* Exactly this value: old browser clients compare it, and cannot read anything else. */
	if (form == EIO_PAYLOAD_3_BINARY) return "application/octet-stream";
	return "text/plain; charset=UTF-8";
}

/* The payload as JavaScript, compressed when it is long enough and the client takes that; the reference to it is given back. */
static void
wrap_jsonp(const struct eio_socket *s, struct eio_output *out)
{
	const struct eio_deflate *o = &s->server->options->http_deflate;
	struct eio_block *payload = out->body;
	struct eio_buf js;

	eio_buf_init(&js);
	if (payload) eio_jsonp_append(&js, eio_cstr(s->jsonp), eio_bytes(payload->data, payload->n));
	eio_block_unref(payload);
	out->plain_n = js.n;
	if (o->on && s->coding != EIO_CODING_IDENTITY && js.n > 0 && js.n >= o->threshold && !eio_buf_failed(&js)) {
		struct eio_zip z;

		out->coding = (enum eio_coding)s->coding;
		eio_zip_begin(&z, out->coding);
		eio_zip_add(&z, eio_buf_bytes(&js), o);
		out->body = eio_zip_end(&z);
		eio_buf_deinit(&js);
	} else {
		out->body = js.n > 0 ? eio_block_of_buf(&js) : NULL;
	}
}

static void
count_deflated(struct eio_server *server, size_t plain, size_t sent)
{
	server->stats.deflate_plain += plain;
	server->stats.deflate_sent += sent;
}

/* The header lines of the answer to a poll. They are the same for most: one block serves all that follow each other. NULL when out
 * of memory. */
static struct eio_block *
poll_headers(struct eio_socket *s, const struct eio_exchange *ex, const struct eio_output *out)
{
	struct eio_server *server = s->server;
	struct eio_buf *head = &server->scratch;
	struct eio_block *last = server->poll_headers;

	eio_buf_clear(head);
	EIO_BUF_ADD_LIT(head, "Content-Type: ");
	eio_buf_add(head, eio_cstr(payload_type(s, out->form)));
	EIO_BUF_ADD_LIT(head, "\r\n");
	if (out->body && out->coding == EIO_CODING_GZIP) EIO_BUF_ADD_LIT(head, "Content-Encoding: gzip\r\n");
	if (out->body && out->coding == EIO_CODING_DEFLATE) EIO_BUF_ADD_LIT(head, "Content-Encoding: deflate\r\n");
	eio__server_headers(server, ex->req, s, head);
	if (eio_buf_failed(head)) return NULL;
	if (last && eio_bytes_eq(eio_bytes(last->data, last->n), eio_buf_bytes(head))) return eio_block_ref(last);
	last = eio_block_of(eio_buf_bytes(head));
	if (!last) return NULL;
	eio_block_unref(server->poll_headers);
	server->poll_headers = eio_block_ref(last);
	return last;
}

static void
answer_get(struct eio_socket *s, struct eio_output *out)
{
	struct eio_exchange *ex = s->get;
	struct eio_response r = { .status = 200 };

	s->get = NULL;
	if (!ex) {
		eio_block_unref(out->body);
		return;
	}
	if (s->jsonp) wrap_jsonp(s, out);
	if (!out->body) r.status = 500;
	r.body = out->body;
	r.length = out->body ? out->body->n : 0;
	if (out->body && out->coding != EIO_CODING_IDENTITY) count_deflated(s->server, out->plain_n, r.length);
	r.headers = poll_headers(s, ex, out);
	s->handshaken = true;
	s->server->stats.bytes_out += r.length;
	eio_exchange_respond(ex, r);
	eio_exchange_unref(ex);
}

/* Writes to the session's WebSocket. A failure is not told here: the WebSocket's own end follows. */
static void
write_main(struct eio_socket *s, struct eio_block *b)
{
	s->server->stats.writes++;
	s->server->stats.bytes_out += b->n;
	if (s->ws) eio_ws_write(s->ws, b);
}

/* The bundle as the session's WebSocket takes it. NULL when out of memory, and, with busy given, when another thread is
 * compressing it, see eio_bundle_deflated. */
static struct eio_block *
frames_of(struct eio_socket *s, struct eio_bundle *b, bool *busy)
{
	enum eio_wire wire = eio_session_wire(&s->session);
	struct eio_block *block, *plain;

	if (!s->deflate) return eio_bundle_wire(b, wire);
	block = eio_bundle_deflated(b, wire, &s->server->options->ws_deflate, busy);
	plain = block ? eio_bundle_wire(b, wire) : NULL;
	if (plain) count_deflated(s->server, plain->n, block->n);
	return block;
}

static void
send_bundle(struct eio_socket *s, struct eio_bundle *b)
{
	struct eio_block *block = frames_of(s, b, NULL);

	if (block) write_main(s, block);
	eio_bundle_unref(b);
}

/* Whether the session's WebSocket takes another write; asks to be told when it does not. */
static bool
writable(struct eio_socket *s)
{
	return s->ws && eio_ws_writable(s->ws);
}

/* Does one output. Returns false when the socket is gone. */
static bool
do_output(struct eio_socket *s, struct eio_output *out)
{
	switch (out->type) {
	case EIO_OUTPUT_ANSWER: answer_get(s, out); break;
	case EIO_OUTPUT_SEND: send_bundle(s, out->bundle); break;
	case EIO_OUTPUT_WS_CLOSE: drop_main(s); break;
	case EIO_OUTPUT_PROBE_PONG:
		if (s->probe) eio_ws_write(s->probe->ws, s->server->probe_pong);
		break;
	case EIO_OUTPUT_PROBE_CLOSE: drop_probe(s); break;
	case EIO_OUTPUT_POST_DESTROY: drop_exchange(&s->post); break;
	case EIO_OUTPUT_END: socket_free(s); return false;
	case EIO_OUTPUT_NONE: break;
	}
	return true;
}

static void
pump_outputs(struct eio_socket *s)
{
	struct eio_output out;

	pump_events(s);
	while (eio_session_output(&s->session, writable(s), &out) != EIO_OUTPUT_NONE)
		if (!do_output(s, &out)) return;
	eio_clock_set(s->server->clock, &s->timer, eio_session_deadline(&s->session));
}

void
eio_server_flush(struct eio_server *server)
{
	while (!eio_list_empty(&server->dirty)) {
		struct eio_socket *s = EIO_CONTAINER(server->dirty.next, struct eio_socket, dirty);

		eio_list_remove(&s->dirty);
		pump_outputs(s);
	}
}

void
eio__socket_prepare(uv_prepare_t *prepare)
{
	eio_server_flush(prepare->data);
}

static void
on_timer(struct eio_timer *t)
{
	struct eio_socket *s = EIO_CONTAINER(t, struct eio_socket, timer);
	uint64_t now = eio_clock_now(s->server->clock);

	/* The loop was held up. What the client sent in time lies in its socket then, and libuv looks at timers first. */
	if (!s->late && eio_session_deadline(&s->session) + LATE_MS < now) {
		s->late = true;
		eio_clock_set(s->server->clock, &s->timer, now + 1);
		return;
	}
	s->late = false;
	eio_session_tick(&s->session, now);
	eio__socket_pump(s);
}

/* For the application */

/* The fast path: an idle WebSocket gets the block from the broadcast pass itself. While another thread compresses it, it is
 * queued, and leaves at the end of this turn: then it is there. */
static bool
send_direct(struct eio_socket *s, struct eio_bundle *b)
{
	struct eio_block *block;
	bool busy = false;

	if (!eio_session_direct(&s->session) || !writable(s)) return false;
	block = frames_of(s, b, &busy);
	if (!block) return false;
	write_main(s, block);
	return true;
}

void
eio_socket_drain(struct eio_socket *s)
{
	struct eio_bundle *b;

	if (!s->deflate) return;
	while (writable(s) && (b = eio_session_take(&s->session))) send_bundle(s, b);
}

void
eio_server_gather(struct eio_server *s)
{
	eio_ws_server_gather(s->ws);
}

void
eio_server_send_gathered(struct eio_server *s)
{
	eio_ws_server_send_gathered(s->ws);
}

enum eio_sent
eio_socket_send(struct eio_socket *s, struct eio_bundle *b, const void *tag)
{
	if (send_direct(s, b)) return EIO_SENT;
	if (eio_session_submit(&s->session, b, tag)) return EIO_SENT_CLOSED;
	mark_dirty(s);
	if (s->get || writable(s)) return EIO_SENT;
	return EIO_SENT_QUEUED;
}

void
eio_socket_prefetch(const struct eio_socket *s)
{
	/* Two lines hold what a send looks at, wherever the allocator put it. */
	__builtin_prefetch(s);
	__builtin_prefetch((const char *)s + HOT_BYTES);
}

void
eio_socket_prefetch_rest(const struct eio_socket *s)
{
	if (s->ws) eio_ws_prefetch(s->ws);
}

uint64_t *
eio_socket_queue_mark(struct eio_socket *s)
{
	return &s->session.queue.mark;
}

size_t
eio_socket_queued(const struct eio_socket *s)
{
	return eio_session_queued(&s->session);
}

size_t
eio_socket_drop(struct eio_socket *s, const void *tag, size_t max_bytes)
{
	return eio_session_drop(&s->session, tag, max_bytes);
}

void
eio_socket_close(struct eio_socket *s)
{
	eio_session_close(&s->session, EIO_REASON_FORCED_CLOSE, eio_clock_now(s->server->clock));
	mark_dirty(s);
}

void
eio_socket_discard(struct eio_socket *s)
{
	eio_session_discard(&s->session, EIO_REASON_FORCED_CLOSE);
	mark_dirty(s);
}

const char *
eio_socket_sid(const struct eio_socket *s)
{
	return s->session.sid;
}

int
eio_socket_revision(const struct eio_socket *s)
{
	return s->session.kind.revision;
}

const char *
eio_socket_transport(const struct eio_socket *s)
{
	return eio_session_transport(&s->session) == EIO_TRANSPORT_POLLING ? "polling" : "websocket";
}

const struct eio_request *
eio_socket_request(const struct eio_socket *s)
{
	return s->request;
}

void
eio_socket_set_user(struct eio_socket *s, void *user)
{
	s->user = user;
}

void *
eio_socket_user(const struct eio_socket *s)
{
	return s->user;
}

/* SPDX-License-Identifier: MIT */
/*
 * A socket: one session and the connections it uses at the moment. Events of
 * the session are told as soon as something came in. Outputs wait for the end
 * of the loop's turn, so that everything a turn produced leaves together; only
 * a broadcast to an idle WebSocket goes straight to the kernel.
 */
#include "eio/check.h"
#include "eio/net/answer.h"
#include "eio/net/sid.h"
#include "eio/net/socket_int.h"

#include <stdlib.h>

enum {
	EARLIEST_PING = 16, /* the first ping may come early by 1 / 16 of pingInterval */
	/* Events of a POST that are taken in one turn of the loop, and how many sockets that have more go on in the
	 * next. */
	STRANGERS_ASKED = 64, /* that are looked at for one to go */
	TURN_EVENTS = 32,
	TURN_SOCKETS = 4,
	OPEN_MS = 1, /* at least so long after a 101 the open packet leaves; twice that at most */
};

_Static_assert(EIO_LATE_MS > 2 * EIO_WHEEL_TICK_MS, "timers come within two ticks of the wheel");

static void on_session_timer(struct eio_timer *t);

/* Making and finding */

struct eio_socket *
eio__socket_new(struct eio_server *server, const struct eio_session_kind *kind)
{
	bool counts = server->options->count_traffic;
	struct eio_socket *s = calloc(1, sizeof *s + (counts ? sizeof(struct eio_traffic) : 0));
	char sid[EIO_SID_LEN + 1];
	uint64_t hash;

	if (!s) return NULL;
	eio__sid_make(&server->random, server->options->index, eio__server_node(server), sid);
	hash = eio_hash_bytes(server->sid_key, eio_bytes(sid, EIO_SID_LEN));
	s->magic = EIO__SOCKET_MAGIC;
	s->server = server;
	s->counts = counts;
	eio_list_init(&s->dirty);
	eio_list_init(&s->turn);
	eio_list_init(&s->forming);
	eio_list_init(&s->stranger);
	eio_timer_init(&s->timer, on_session_timer);
	if (eio_session_init(&s->session, &server->terms->settings, sid, kind, eio_clock_now(server->clock))) {
		eio_session_deinit(&s->session);
		free(s);
		return NULL;
	}
	server->terms->refs++;
	/* Those that begin at once, as after a restart, would be pinged at once for ever, each time all in one turn of
	 * the loop: their first pings are spread over the end of the first interval. */
	eio_session_ping_early(&s->session, (uint32_t)(hash % (server->options->ping_interval / EARLIEST_PING + 1)));
	eio_hash_add(&server->sids, &s->node, hash);
	eio_list_add_tail(&server->strangers, &s->stranger);
	server->stats.opened++;
	server->stats.open++;
	if (kind->transport == EIO_TRANSPORT_WEBSOCKET) server->stats.open_websocket++;
	if (kind->revision == 3) {
		server->stats.opened_3++;
		server->stats.open_3++;
	}
	eio__socket_mark_dirty(s);
	return s;
}

static struct eio_socket *
find_socket(struct eio_server *server, struct eio_bytes sid)
{
	uint64_t hash = eio_hash_bytes(server->sid_key, sid);

	for (struct eio_hash_node *n = eio_hash_find(&server->sids, hash); n; n = eio_hash_next(n)) {
		struct eio_socket *s = EIO_CONTAINER(n, struct eio_socket, node);

		if (eio_bytes_eq(eio_bytes(s->session.sid, EIO_SID_LEN), sid)) return s;
	}
	return NULL;
}

void
eio__socket_notify_open(struct eio_socket *s, const struct eio_request *req)
{
	s->notified_open = true;
	CHECK(!s->server->greeted);
	s->server->greeted = s;
	s->server->greeting = req;
	s->server->handler.open(s->server->handler.user, s);
	s->server->greeted = NULL;
	s->server->greeting = NULL;
}

/* away: see struct eio_output. Without a code some clients take the close for what their user wanted, and stay away. */
static void
forget_link(struct eio_link *link, bool away)
{
	if (!link) return;
	link->socket = NULL;
	if (link->ws) eio_ws_close(link->ws, away ? EIO_WS_CLOSE_GOING_AWAY : EIO_WS_CLOSE_NO_CODE);
}

static void
drop_main(struct eio_socket *s, bool away)
{
	forget_link(s->main, away);
	eio__socket_set_main(s, NULL);
}

static void
drop_probe(struct eio_socket *s, bool away)
{
	forget_link(s->probe, away);
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
	drop_main(s, false);
	drop_probe(s, false);
	drop_exchange(&s->get);
	drop_exchange(&s->post);
	eio_clock_set(s->server->clock, &s->timer, UINT64_MAX);
	eio_list_remove(&s->dirty);
	eio_list_remove(&s->turn);
	eio_list_remove(&s->forming);
	eio_list_remove(&s->stranger);
	eio_hash_remove(&s->server->sids, &s->node);
	s->server->stats.open--;
	if (s->session.kind.revision == 3) s->server->stats.open_3--;
	if (eio_session_transport(&s->session) == EIO_TRANSPORT_WEBSOCKET) s->server->stats.open_websocket--;
	eio_session_deinit(&s->session);
	eio__terms_unref(eio__socket_terms(s));
	eio_unsent_unref(s->unsent);
	free(s->jsonp);
	s->magic = 0;
	free(s);
}

/* The pump */

struct eio_exchange *
eio__socket_end_post(struct eio_socket *s)
{
	struct eio_exchange *ex = s->post;

	CHECK(ex != NULL);
	s->post = NULL;
	s->post_taken = false;
	ex->owner = NULL;
	ex->on_abort = NULL;
	return ex;
}

static void
on_server_turn(uv_idle_t *turn)
{
	struct eio_server *server = turn->data;

	CHECK_MAGIC(server, EIO__SERVER_MAGIC);
	for (unsigned i = 0; i < TURN_SOCKETS && !eio_list_empty(&server->readers); i++) {
		struct eio_socket *s = EIO_CONTAINER(server->readers.next, struct eio_socket, turn);

		eio_list_remove(&s->turn);
		eio__socket_pump(s);
	}
	if (eio_list_empty(&server->readers)) uv_idle_stop(turn);
}

/* A POST may bring a hundred thousand events: others have their turn in between, and the client its answer when all are
 * taken. */
static void
go_on_reading(struct eio_socket *s)
{
	struct eio_exchange *ex;

	if (eio_session_reading(&s->session)) {
		if (eio_list_empty(&s->turn)) eio_list_add_tail(&s->server->readers, &s->turn);
		uv_idle_start(&s->server->turn, on_server_turn);
	} else if (s->post) {
		ex = eio__socket_end_post(s);
		eio__answer_text(s->server, ex, s, 200, "text/html", EIO_LIT("ok"));
		eio_exchange_unref(ex);
	}
}

static void
pump_events(struct eio_socket *s)
{
	unsigned left = TURN_EVENTS;
	const struct eio_server_handler *h = &s->server->handler;
	uint64_t now = eio_clock_now(s->server->clock);
	struct eio_event ev;

	do {
		switch (eio_session_event(&s->session, &ev, now)) {
		case EIO_EVENT_NONE: break;
		case EIO_EVENT_MESSAGE:
			left--;
			s->server->stats.messages_in++;
			s->server->stats.bytes_in += ev.data.n;
			if (s->counts) eio__socket_traffic(s)->bytes_in += ev.data.n;
			h->message(h->user, s, ev.binary, ev.data);
			break;
		case EIO_EVENT_CLOSE:
			s->server->stats.closed[ev.reason]++;
			if (s->notified_open) h->close(h->user, s, ev.reason);
			break;
		case EIO_EVENT_LATER: left = 0; break;
		}
	} while (ev.type != EIO_EVENT_NONE && (left > 0 || !eio_session_reading(&s->session)));
	if (s->post_taken) go_on_reading(s);
}

void
eio__socket_pump(struct eio_socket *s)
{
	pump_events(s);
	eio__socket_mark_dirty(s);
}

/* Does one output. Returns false when the socket is gone. */
static bool
do_output(struct eio_socket *s, struct eio_output *out)
{
	switch (out->type) {
	case EIO_OUTPUT_ANSWER: eio__socket_answer(s, out); break;
	/* Of those that fail the application hears before the socket goes. */
	case EIO_OUTPUT_FORM:
		if (!eio__socket_form(s, out)) pump_events(s);
		break;
	case EIO_OUTPUT_SEND:
		if (!eio__socket_write(s, out->bundle)) pump_events(s);
		break;
	case EIO_OUTPUT_WS_CLOSE: drop_main(s, out->away); break;
	case EIO_OUTPUT_PROBE_PONG:
		if (s->probe) eio_ws_write(s->probe->ws, s->server->probe_pong);
		break;
	case EIO_OUTPUT_PROBE_CLOSE: drop_probe(s, out->away); break;
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
	/* An answer may lead to the next request on its connection, which must not end this session by asking for room.
	 * */
	s->server->pumping = s;
	eio_session_going(&s->session);
	if (s->held) eio__socket_tell_room(s);
	while (eio_session_output(&s->session, eio__socket_writable(s), &out) != EIO_OUTPUT_NONE)
		if (!do_output(s, &out)) return;
	if (s->held) eio__socket_tell_room(s);
	if (!s->held) eio_session_went(&s->session);
	eio_clock_set(s->server->clock, &s->timer, eio_session_deadline(&s->session));
}

static void
move_all(struct eio_list *from, struct eio_list *to)
{
	while (!eio_list_empty(from)) {
		struct eio_list *l = from->next;

		eio_list_remove(l);
		eio_list_add_tail(to, l);
	}
}

void
eio__server_next_opened(struct eio_server *s)
{
	move_all(&s->opened, &s->dirty);
	move_all(&s->opening, &s->opened);
}

static void
on_opened_timer(uv_timer_t *timer)
{
	struct eio_server *s = timer->data;

	CHECK_MAGIC(s, EIO__SERVER_MAGIC);
	eio__server_next_opened(s);
	if (!eio_list_empty(&s->opened)) uv_timer_start(timer, on_opened_timer, OPEN_MS, 0);
}

/* Programs await "open" and then the first message, and lose the one that comes in the same read as the 101, because
 * both are told in one turn of their loop. Two writes alone do not help: who is woken by the first finds both. */
void
eio__socket_opened(struct eio_socket *s)
{
	eio_list_remove(&s->dirty);
	eio_list_add_tail(&s->server->opening, &s->dirty);
	if (!uv_is_active((uv_handle_t *)&s->server->opened_timer))
		uv_timer_start(&s->server->opened_timer, on_opened_timer, OPEN_MS, 0);
}

struct eio_socket *
eio__socket_find(struct eio_server *server, struct eio_bytes sid)
{
	struct eio_socket *s = find_socket(server, sid);

	if (!s || !eio_session_catch_up(&s->session, eio_clock_now(server->clock))) return s;
	eio_list_remove(&s->dirty);
	pump_outputs(s);
	return find_socket(server, sid); /* unless that was its end */
}

/* Whether there are so many that to send to all of them in one system call pays. */
static bool
are_several(const struct eio_list *l)
{
	return l->next != l && l->next->next != l && l->next->next->next != l;
}

void
eio_server_flush(struct eio_server *server)
{
	bool gather = server->together || are_several(&server->dirty);

	if (gather) eio_server_gather(server, server->together);
	while (!eio_list_empty(&server->dirty)) {
		struct eio_socket *s = EIO_CONTAINER(server->dirty.next, struct eio_socket, dirty);

		eio_list_remove(&s->dirty);
		pump_outputs(s);
	}
	if (gather) eio_server_send_gathered(server);
	server->together = false;
	server->stats.behind = eio_ws_server_behind(server->ws, eio_clock_now(server->clock));
}

void
eio__socket_prepare(uv_prepare_t *prepare)
{
	struct eio_server *s = prepare->data;

	CHECK_MAGIC(s, EIO__SERVER_MAGIC);
	eio_server_flush(s);
}

static void
on_session_timer(struct eio_timer *t)
{
	struct eio_socket *s = EIO_CONTAINER(t, struct eio_socket, timer);
	uint64_t now = eio_clock_now(s->server->clock);

	/* The loop was held up. What the client sent in time lies in its socket then, and libuv looks at timers
	 * first. */
	if (!s->late && eio_session_deadline(&s->session) + EIO_LATE_MS < now) {
		s->late = true;
		eio_clock_set(s->server->clock, &s->timer, now + 1);
		return;
	}
	s->late = false;
	if (eio_session_rests(&s->session)) s->server->together = true;
	eio_session_tick(&s->session, now);
	eio__socket_pump(s);
}

/* Room for others */

/* The session that has gone longest without being used for anything, and has no connection; NULL when there is none
 * among those that were asked. Who has one is asked again later. */
static struct eio_socket *
idle_stranger(struct eio_server *server)
{
	for (unsigned i = 0; i < STRANGERS_ASKED && !eio_list_empty(&server->strangers); i++) {
		struct eio_socket *s = EIO_CONTAINER(server->strangers.next, struct eio_socket, stranger);

		if (!s->get && !s->post && !s->main && !s->probe && s != server->pumping) return s;
		eio_list_remove(&s->stranger);
		eio_list_add_tail(&server->strangers, &s->stranger);
	}
	return NULL;
}

bool
eio__socket_room(struct eio_server *server)
{
	size_t max = server->options->max_sessions;
	struct eio_socket *s;

	if (max == 0 || server->stats.open < max) return true;
	s = idle_stranger(server);
	if (!s) {
		server->stats.full++;
		return false;
	}
	server->stats.evicted++;
	eio_list_remove(&s->stranger);
	eio_session_discard(&s->session, EIO_REASON_FORCED_CLOSE);
	eio__socket_mark_dirty(s);
	return true;
}

void
eio_socket_keep(struct eio_socket *s)
{
	eio_list_remove(&s->stranger);
}

/* For the application */

void
eio_socket_close(struct eio_socket *s)
{
	eio_session_close(&s->session, EIO_REASON_FORCED_CLOSE, eio_clock_now(s->server->clock));
	eio__socket_mark_dirty(s);
}

void
eio_socket_discard(struct eio_socket *s)
{
	eio_session_discard(&s->session, EIO_REASON_FORCED_CLOSE);
	eio__socket_mark_dirty(s);
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
	return s->server->greeted == s ? s->server->greeting : NULL;
}

void
eio_socket_set_user(struct eio_socket *s, void *user)
{
	s->user = user;
}

struct eio_server *
eio_socket_server(const struct eio_socket *s)
{
	return s->server;
}

void *
eio_socket_user(const struct eio_socket *s)
{
	return s->user;
}

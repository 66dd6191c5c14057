/* SPDX-License-Identifier: MIT */
/* One connection of an edge: who it is, and what it says. */
#include "src/relay/hub_int.h"

#include <stdlib.h>
#include <sys/socket.h>

enum { LINK_SPARE_BYTES = 262144 }; /* what a frame has beside a message: a channel, or a namespace and a room */

static struct hub_link *
hub_link_of(void *user)
{
	struct hub_link *l = user;

	CHECK_MAGIC(l, RELAY_LINK_MAGIC);
	return l;
}

/* The end */

/* The edge may come back to its session. */
static void
detach_session(struct hub_link *l)
{
	struct hub_session *s = l->session;
	struct relay_hub *h = l->hub;

	if (!s) return;
	l->session = NULL;
	s->ws = NULL;
	s->away_ms = hub_now(h);
	metrics_sub(h->metrics, RELAY_HUB_METRIC_EDGES, 1);
	metrics_add(h->metrics, RELAY_HUB_METRIC_AWAY, 1);
}

static void
end_hub_link(struct hub_link *l)
{
	if (l->state == HUB_LINK_OVER) return;
	if (l->state != HUB_LINK_OPEN) l->hub->n_strangers--;
	l->state = HUB_LINK_OVER;
	detach_session(l);
	if (l->ws) eio_ws_close(l->ws, EIO_WS_CLOSE_GOING_AWAY);
}

static void
refuse_edge(struct hub_link *l, enum relay_hub_metric why, const char *text)
{
	metrics_inc(l->hub->metrics, why);
	log_limited(LOG_LEVEL_WARN, &l->hub->refused, hub_now(l->hub),
		"event=relay-edge-refused node=%s address=%s reason=\"%s\"", *l->edge.node ? l->edge.node : "-",
		l->peer, text);
	hub_write(l->ws, RELAY_REFUSED, eio_cstr(text));
	end_hub_link(l);
}

void
hub_link_forget_session(struct hub_session *s)
{
	struct relay_hub *h = s->hub;

	if (!s->ws) metrics_sub(h->metrics, RELAY_HUB_METRIC_AWAY, 1);
	hub_rooms_leave_all(s);
	hub_ask_forget(s);
	hub_session_free(s);
}

void
hub_link_cut_session(struct hub_session *s, enum relay_hub_metric why)
{
	struct relay_hub *h = s->hub;
	const char *reason = why == RELAY_HUB_METRIC_SLOW     ? "it does not read"
			     : why == RELAY_HUB_METRIC_MEMORY ? "out of memory"
							      : "against the protocol";

	metrics_inc(h->metrics, why);
	log_limited(LOG_LEVEL_WARN, &h->slow, hub_now(h),
		"event=relay-edge-cut node=%s reason=\"%s\" waiting=%zu rooms=%zu", *s->node ? s->node : "-", reason,
		s->bytes, s->n_joins);
	for (struct eio_list *at = h->links.next; at != &h->links; at = at->next) {
		struct hub_link *l = EIO_CONTAINER(at, struct hub_link, link);

		if (l->session == s) end_hub_link(l);
	}
	hub_link_forget_session(s);
}

/* An edge that breaks the rules has nothing to go on with. */
static void
cut_link(struct hub_link *l, enum relay_hub_metric why)
{
	if (l->session)
		hub_link_cut_session(l->session, why);
	else if (l->state != HUB_LINK_OVER)
		refuse_edge(l, RELAY_HUB_METRIC_GREETING, "what it said is no greeting");
}

void
hub_link_tick(struct hub_link *l, uint64_t now_ms)
{
	if (l->state == HUB_LINK_OVER) return;
	if (l->state != HUB_LINK_OPEN) {
		if (now_ms - l->begun_ms >= RELAY_GREETING_MS)
			refuse_edge(l, RELAY_HUB_METRIC_GREETING, "its greeting did not come in time");
		return;
	}
	if (now_ms - l->heard_ms >= RELAY_SILENCE_MS) {
		metrics_inc(l->hub->metrics, RELAY_HUB_METRIC_SILENT);
		log_warn("event=relay-edge-lost node=%s address=%s reason=\"it is silent\"",
			*l->edge.node ? l->edge.node : "-", l->peer);
		end_hub_link(l);
	} else if (now_ms - l->pinged_ms >= RELAY_PING_MS) {
		hub_ping(l);
	}
}

/* Greeting */

static void
take_hello(struct hub_link *l, struct eio_bytes s)
{
	const struct relay_spec *spec = l->hub->options.spec;
	unsigned char proof[AUTH_MAC];
	struct eio_buf out = { 0 };

	if (!relay_hello_take(&s, &l->edge)) {
		refuse_edge(l, RELAY_HUB_METRIC_GREETING, "what it said is no greeting");
		return;
	}
	if (l->edge.version != RELAY_VERSION) {
		refuse_edge(l, RELAY_HUB_METRIC_VERSION, "another version of siocast, which speaks another protocol");
		return;
	}
	l->own.version = RELAY_VERSION;
	memcpy(l->own.nonce, eio_random_take(&l->hub->options.thread->random, RELAY_NONCE), RELAY_NONCE);
	if (spec->node) memcpy(l->own.node, spec->node, strlen(spec->node) + 1);
	relay_hello_write(&l->own, &out);
	if (relay_prove_hub(spec->secret, &l->edge, &l->own, proof)) eio_buf_append(&out, proof, sizeof proof);
	l->state = HUB_LINK_PROOF;
	/* Without memory the other side hears nothing, and that it ends. */
	if (eio_buf_failed(&out) || !hub_write(l->ws, RELAY_HELLO, eio_buf_bytes(&out))) end_hub_link(l);
	eio_buf_deinit(&out);
}

/* Whoever had it has it no more. */
static void
take_over_session(struct hub_session *s)
{
	struct relay_hub *h = s->hub;

	for (struct eio_list *at = h->links.next; at != &h->links; at = at->next) {
		struct hub_link *other = EIO_CONTAINER(at, struct hub_link, link);

		if (other->session == s) end_hub_link(other);
	}
	metrics_sub(h->metrics, RELAY_HUB_METRIC_AWAY, 1);
}

/* Without memory the other side hears nothing, and that it ends. */
static void
write_welcome(struct hub_link *l, bool resumed)
{
	struct relay_hub *h = l->hub;
	struct relay_place here = { .session = l->session->number, .received = l->session->acked };
	struct eio_buf out = { 0 };

	memcpy(here.epoch, h->epoch, sizeof here.epoch);
	eio_buf_addc(&out, resumed);
	relay_place_write(&here, &out);
	eio_buf_add(&out, eio_buf_bytes(&h->feeds));
	if (eio_buf_failed(&out) || !hub_write(l->ws, RELAY_WELCOME, eio_buf_bytes(&out)))
		end_hub_link(l);
	else
		hub_ping(l);
	eio_buf_deinit(&out);
}

/* One that is away gives way: of an edge that begins anew again and again, which leaves a session each time, the one
 * that has been for the longest; and when there are too many, that of all. */
static void
make_room_for_edge(struct relay_hub *h, const char *node)
{
	struct hub_session *oldest = NULL, *same = NULL;
	unsigned n = 0;

	for (struct eio_list *at = h->sessions.next; at != &h->sessions; at = at->next) {
		struct hub_session *s = EIO_CONTAINER(at, struct hub_session, link);

		if (s->ws) continue;
		if (!oldest || s->away_ms < oldest->away_ms) oldest = s;
		if (!*node || strcmp(s->node, node) != 0) continue;
		if (!same || s->away_ms < same->away_ms) same = s;
		n++;
	}
	if (n >= RELAY_AWAY_OF_NAME)
		oldest = same;
	else if (h->n_sessions < RELAY_EDGES)
		oldest = NULL;
	if (oldest) hub_link_forget_session(oldest);
}

static void
welcome_edge(struct hub_link *l, const struct relay_place *place)
{
	struct relay_hub *h = l->hub;
	struct hub_session *s = hub_session_find(h, place);
	bool resumed = s != NULL;

	if (s)
		take_over_session(s);
	else
		make_room_for_edge(h, l->edge.node);
	if (!s && !(s = hub_session_new(h, l->edge.node))) {
		refuse_edge(l, RELAY_HUB_METRIC_FULL, "there are too many edges, or memory is out");
		return;
	}
	/* It asks again for all that it has no answer to. */
	if (resumed) hub_ask_forget(s);
	if (resumed) hub_session_ack(s, place->received);
	hub_session_attach(s, l->ws);
	s->sync = HUB_SYNC_NONE;
	l->session = s;
	l->state = HUB_LINK_OPEN;
	l->published_told = s->published;
	h->n_strangers--;
	l->reader.most = h->options.message_bytes + LINK_SPARE_BYTES;
	metrics_add(h->metrics, RELAY_HUB_METRIC_EDGES, 1);
	metrics_inc(h->metrics, resumed ? RELAY_HUB_METRIC_RESUMED : RELAY_HUB_METRIC_GREETED);
	log_info("event=relay-edge-connected node=%s address=%s how=%s edges=%zu", *s->node ? s->node : "-", l->peer,
		resumed ? "resumed" : "new", h->n_sessions);
	write_welcome(l, resumed);
}

static void
take_proof(struct hub_link *l, struct eio_bytes s)
{
	unsigned char proof[AUTH_MAC], right[AUTH_MAC];
	struct relay_place place;

	if (!relay_take_fixed(&s, proof, sizeof proof) || !relay_place_take(&s, &place) || s.n)
		refuse_edge(l, RELAY_HUB_METRIC_GREETING, "what it said is no greeting");
	else if (!relay_prove_edge(l->hub->options.spec->secret, &l->edge, &l->own, &place, right) ||
		 !auth_same(proof, right, sizeof right))
		refuse_edge(l, RELAY_HUB_METRIC_KEY, "its key is another one");
	else
		welcome_edge(l, &place);
}

/* What it says from then on */

static void
take_open_frame(struct hub_link *l, const struct relay_frame *f)
{
	enum relay_hub_metric why;

	if (!hub_said_take(l->session, f, &why)) cut_link(l, why);
}

static void
take_edge_frame(struct hub_link *l, const struct relay_frame *f)
{
	if (l->state == HUB_LINK_HELLO && f->type == RELAY_HELLO)
		take_hello(l, f->body);
	else if (l->state == HUB_LINK_PROOF && f->type == RELAY_PROOF)
		take_proof(l, f->body);
	else if (l->state == HUB_LINK_OPEN)
		take_open_frame(l, f);
	else
		cut_link(l, RELAY_HUB_METRIC_PROTOCOL);
}

/* What its WebSocket tells */

static void
on_hub_link_open(void *user, struct eio_ws *ws)
{
	hub_link_of(user)->ws = ws;
}

static void
on_hub_link_message(void *user, struct eio_ws *ws, bool binary, char *data, size_t n)
{
	struct hub_link *l = hub_link_of(user);
	enum relay_read what = RELAY_READ_FRAME;
	struct relay_frame f;

	(void)ws;
	(void)binary;
	l->heard_ms = hub_now(l->hub);
	relay_reader_feed(&l->reader, eio_bytes(data, n));
	while (l->state != HUB_LINK_OVER && (what = relay_reader_next(&l->reader, &f)) != RELAY_READ_MORE) {
		if (what == RELAY_READ_FRAME)
			take_edge_frame(l, &f);
		else if (what == RELAY_READ_BAD || l->state != HUB_LINK_OPEN)
			cut_link(l, RELAY_HUB_METRIC_PROTOCOL);
		else
			hub_said_too_long(l->session, &f);
	}
	if (!l->session) return;
	/* Before what fills the connection: the edge keeps what it is not told of. */
	hub_ping_published(l);
	hub_session_pump(l->session);
	if (l->session->cut) hub_link_cut_session(l->session, RELAY_HUB_METRIC_SLOW);
}

static void
on_hub_link_writable(void *user, struct eio_ws *ws)
{
	struct hub_link *l = hub_link_of(user);

	(void)ws;
	if (!l->session) return;
	hub_ping_published(l);
	hub_session_pump(l->session);
}

static void
on_hub_link_closed(void *user, struct eio_ws *ws, bool error)
{
	struct hub_link *l = hub_link_of(user);

	(void)ws;
	(void)error;
	if (l->state == HUB_LINK_OPEN)
		log_info("event=relay-edge-lost node=%s address=%s", *l->edge.node ? l->edge.node : "-", l->peer);
	l->ws = NULL; /* it is closed */
	end_hub_link(l);
	eio_list_remove(&l->link);
	l->hub->n_links--;
	relay_reader_deinit(&l->reader);
	l->magic = 0;
	free(l);
}

const struct eio_ws_handler hub_link_handler = {
	.open = on_hub_link_open,
	.message = on_hub_link_message,
	.writable = on_hub_link_writable,
	.closed = on_hub_link_closed,
};

/* For lines. The request says it only where somebody else wants to know. */
static void
note_address(struct hub_link *l, int fd)
{
	struct sockaddr_storage ss = { .ss_family = AF_UNSPEC };
	socklen_t n = sizeof ss;
	struct eio_peer peer = { .kind = EIO_PEER_NONE };

	if (getpeername(fd, (struct sockaddr *)&ss, &n) == 0) peer = eio_peer_of((struct sockaddr *)&ss);
	if (!eio_peer_text(&peer, l->peer)) memcpy(l->peer, "-", 2);
}

/* Whoever has said nothing for the longest makes room: a crowd of them must not keep an edge away. */
static void
make_room_for_stranger(struct relay_hub *h)
{
	struct eio_list *at, *next;

	EIO_LIST_FOREACH_SAFE(at, next, &h->links)
	{
		struct hub_link *l = EIO_CONTAINER(at, struct hub_link, link);

		if (h->n_strangers < RELAY_STRANGERS) return;
		if (l->ws && l->state < HUB_LINK_OPEN)
			refuse_edge(l, RELAY_HUB_METRIC_FULL, "there are too many that have not greeted");
	}
}

void
hub_link_begin(struct relay_hub *h, struct eio_upgrade *up)
{
	struct eio_bytes key = eio_request_header(up->req, EIO_LIT("sec-websocket-key"));
	struct hub_link *l = NULL;

	make_room_for_stranger(h);
	if (h->n_links < RELAY_LINKS && key.n == RELAY_KEY_BYTES) l = calloc(1, sizeof *l);
	if (!l) {
		metrics_inc(h->metrics, RELAY_HUB_METRIC_FULL);
		eio_upgrade_free(up);
		return;
	}
	*l = (struct hub_link){ .magic = RELAY_LINK_MAGIC, .hub = h, .reader.most = RELAY_GREETING_MAX };
	l->begun_ms = l->heard_ms = l->pinged_ms = hub_now(h);
	note_address(l, up->fd);
	eio_list_add_tail(&h->links, &l->link);
	h->n_links++;
	h->n_strangers++;
	const struct eio_ws_adoption adoption = { .fd = up->fd,
		.tls = up->tls,
		.key = key,
		.headers = EIO_LIT("Sec-WebSocket-Protocol: " RELAY_PROTOCOL "\r\n"),
		.rest = eio_buf_bytes(&up->rest),
		.user = l };

	up->fd = -1;
	up->tls = NULL;
	eio_ws_adopt(h->server, &adoption);
	eio_upgrade_free(up);
}

/* Feeds */

void
hub_link_tell_feeds(struct relay_hub *h)
{
	struct eio_block *b = relay_frame_block(RELAY_FEEDS, eio_buf_bytes(&h->feeds));
	struct eio_list *at, *next;

	EIO_LIST_FOREACH_SAFE(at, next, &h->links)
	{
		struct hub_link *l = EIO_CONTAINER(at, struct hub_link, link);

		if (l->state != HUB_LINK_OPEN) continue;
		/* Without memory they come back, and their welcome says it. */
		if (b)
			eio_ws_write(l->ws, b);
		else
			end_hub_link(l);
	}
	eio_block_unref(b);
}

void
hub_link_tell_gap(struct relay_hub *h)
{
	struct eio_list *at, *next;

	EIO_LIST_FOREACH_SAFE(at, next, &h->sessions)
	{
		struct hub_session *s = EIO_CONTAINER(at, struct hub_session, link);

		hub_session_lose(s);
		hub_session_pump(s);
		if (s->cut) hub_link_cut_session(s, RELAY_HUB_METRIC_SLOW);
	}
}

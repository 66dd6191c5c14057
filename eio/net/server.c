/* SPDX-License-Identifier: MIT */
/*
 * The Engine.IO server: what a request is for and what it is answered. Whether it
 * is in order is told by verify.c.
 */
#include "eio/net/server_int.h"

#include "eio/check.h"
#include "eio/jsonp.h"
#include "eio/negotiate.h"
#include "eio/net/answer.h"
#include "eio/net/stamp.h"
#include "eio/net/terms.h"
#include "eio/net/verify.h"
#include "eio/query.h"
#include "eio/utf8.h"

#include <stdlib.h>

/* Set-up */

static char *
prefix_of(const struct eio_server_options *o)
{
	size_t n = strlen(o->path);
	char *p = malloc(n + 2);

	if (!p) return NULL;
	memcpy(p, o->path, n + 1);
	while (n > 1 && p[n - 1] == '/') p[--n] = '\0';
	if (!o->no_trailing_slash && (n == 0 || p[n - 1] != '/')) {
		p[n] = '/';
		p[n + 1] = '\0';
	}
	return p;
}

void
eio_server_change(struct eio_server *s, struct eio_terms *t)
{
	struct eio_terms *before = s->terms;

	CHECK_MAGIC(s, EIO__SERVER_MAGIC);
	CHECK(t->options.index == s->options->index && t->options.count == s->options->count);
	t->options.path = s->options->path;
	t->options.no_trailing_slash = s->options->no_trailing_slash;
	t->options.node = s->options->node;
	t->options.max_payload = t->settings.max_payload = s->options->max_payload;
	t->options.ws_deflate = s->ws_deflate;
	t->options.http_deflate = s->http_deflate;
	s->terms = t;
	s->options = &t->options;
	eio__terms_unref(before);
}

static bool
make_server_parts(struct eio_server *s)
{
	static const char pong_frame[] = "\x81\x06"
					 "3probe";
	struct eio_ws_handler link_handler = eio__link_handler;

	s->prefix = prefix_of(s->options);
	s->probe_pong = eio_block_of(eio_bytes(pong_frame, sizeof pong_frame - 1));
	link_handler.server_user = s;
	s->ws = eio_ws_server_new(s->loop, s->options->max_payload, &link_handler);
	return s->prefix && s->probe_pong && s->ws && !eio_hash_init(&s->sids);
}

struct eio_server *
eio_server_new(uv_loop_t *loop, struct eio_clock *clock, const struct eio_server_options *options,
	const struct eio_server_handler *handler)
{
	struct eio_server *s = calloc(1, sizeof *s);

	if (!s) return NULL;
	CHECK(options->index < options->count && options->count <= EIO_MAX_SERVERS);
	CHECK(!options->node || eio_node_valid(eio_cstr(options->node)));
	s->magic = EIO__SERVER_MAGIC;
	s->loop = loop;
	s->clock = clock;
	s->ws_deflate = options->ws_deflate;
	s->http_deflate = options->http_deflate;
	s->terms = eio_terms_new(s, options);
	if (!s->terms) return NULL;
	s->options = &s->terms->options;
	s->handler = *handler;
	eio_list_init(&s->dirty);
	eio_list_init(&s->opening);
	eio_list_init(&s->opened);
	eio_list_init(&s->readers);
	eio_list_init(&s->strangers);
	eio_list_init(&s->scripts);
	if (uv_random(NULL, NULL, s->sid_key, sizeof s->sid_key, 0, NULL) || !make_server_parts(s)) return NULL;
	uv_prepare_init(loop, &s->prepare);
	s->prepare.data = s;
	uv_prepare_start(&s->prepare, eio__socket_prepare);
	uv_idle_init(loop, &s->turn);
	s->turn.data = s;
	uv_timer_init(loop, &s->opened_timer);
	s->opened_timer.data = s;
	return eio__forms_open(&s->forms, loop, eio__socket_formed) ? NULL : s;
}

int
eio_server_use_uring(struct eio_server *s)
{
	return eio_ws_server_use_uring(s->ws);
}

void
eio_server_shutdown(struct eio_server *s)
{
	s->shut = true;
	EIO_HASH_FOREACH(n, &s->sids)
		eio_session_discard(&EIO_CONTAINER(n, struct eio_socket, node)->session, EIO_REASON_SHUTDOWN);
	EIO_HASH_FOREACH(n, &s->sids) eio__socket_pump(EIO_CONTAINER(n, struct eio_socket, node));
	for (int i = 0; i < 2; i++) eio__server_next_opened(s);
	eio_server_flush(s);
	eio__server_drop_scripts(s);
}

size_t
eio_server_shut(struct eio_server *s, size_t n)
{
	s->shut = true;
	EIO_HASH_FOREACH(it, &s->sids) {
		struct eio_socket *socket = EIO_CONTAINER(it, struct eio_socket, node);

		if (n-- == 0) break;
		eio_session_discard(&socket->session, EIO_REASON_SHUTDOWN);
		eio__socket_pump(socket);
	}
	eio_server_flush(s);
	return s->sids.count;
}

void
eio_server_each(struct eio_server *s, void (*each)(void *user, struct eio_socket *s), void *user)
{
	EIO_HASH_FOREACH(n, &s->sids) each(user, EIO_CONTAINER(n, struct eio_socket, node));
}

void
eio_server_close(struct eio_server *s)
{
	eio_ws_server_close(s->ws);
	eio__forms_close(&s->forms);
	uv_close((uv_handle_t *)&s->prepare, NULL);
	uv_close((uv_handle_t *)&s->turn, NULL);
	uv_close((uv_handle_t *)&s->opened_timer, NULL);
}

void
eio_server_free(struct eio_server *s)
{
	CHECK_MAGIC(s, EIO__SERVER_MAGIC);
	CHECK(s->sids.count == 0);
	eio_ws_server_free(s->ws);
	eio__terms_unref(s->terms);
	eio_block_unref(s->probe_pong);
	eio_block_unref(s->poll_headers);
	eio_buf_deinit(&s->scratch);
	eio_hash_deinit(&s->sids);
	free(s->prefix);
	s->magic = 0;
	free(s);
}

const struct eio_server_stats *
eio_server_stats(const struct eio_server *s)
{
	return &s->stats;
}

/* GET */

static void
on_get_abort(struct eio_exchange *ex)
{
	struct eio_socket *s = ex->owner;

	CHECK_MAGIC(s, EIO__SOCKET_MAGIC);
	s->get = NULL;
	eio_session_get_abort(&s->session);
	eio__socket_pump(s);
	eio_exchange_respond(ex, (struct eio_response){ .destroy = true });
	eio_exchange_unref(ex);
}

static void
hold_get(struct eio_socket *s, struct eio_exchange *ex)
{
	if (s->server->http_deflate.on) {
		enum eio_coding coding = eio_negotiate_coding(eio_request_header(ex->req, EIO_LIT("accept-encoding")));

		s->coding = (unsigned char)coding;
		/* JavaScript around the payload has to be compressed with it. */
		eio_session_set_coding(&s->session, s->jsonp ? EIO_CODING_IDENTITY : coding);
	}
	s->get = eio_exchange_ref(ex);
	ex->owner = s;
	ex->on_abort = on_get_abort;
}

/* The number of a script's callback is kept as long as the session: its digits, and no more than a client can mean. */
static void
keep_callback_number(struct eio_buf *j)
{
	enum { DIGITS_MAX = 20 };
	size_t n = 0;

	for (size_t i = 0; i < j->n && n < DIGITS_MAX; i++)
		if (j->p[i] >= '0' && j->p[i] <= '9') j->p[n++] = j->p[i];
	j->n = n;
	eio_buf_addc(j, '\0');
}

static void
polling_handshake(struct eio_server *s, struct eio_exchange *ex)
{
	struct eio_session_kind kind = eio__server_kind(s->options, ex->req, EIO_TRANSPORT_POLLING);
	struct eio_socket *socket;
	struct eio_buf j;

	if (s->shut || !eio__socket_room(s)) {
		eio__answer_empty(s, ex, 503);
		return;
	}
	eio_buf_init(&j);
	if (eio_query_get(ex->req->query, EIO_LIT("j"), &j)) {
		keep_callback_number(&j);
		kind.b64 = true; /* a script can hold nothing but text */
	}
	socket = j.failed ? NULL : eio__socket_new(s, &kind);
	if (!socket) {
		eio_buf_deinit(&j);
		eio__answer_empty(s, ex, 503);
		return;
	}
	socket->jsonp = j.p;
	hold_get(socket, ex);
	eio__socket_notify_open(socket, ex->req);
}

/* Who polls again has read what the poll before brought. One who has not, and so by many connections, would let pile up
 * in them what his queue may not hold. */
static bool
has_read(const struct eio_server *s, const struct eio_socket *socket)
{
	size_t max = s->options->max_unsent;

	return max == 0 || !socket->unsent || eio_unsent_bytes(socket->unsent) <= max;
}

static void
take_poll(struct eio_server *s, struct eio_socket *socket, struct eio_exchange *ex, struct eio_bytes t)
{
	s->stats.polls++;
	if (eio_session_repeats(&socket->session, eio__stamp(s->sid_key, t))) {
		s->stats.repeated++;
		eio__answer_error(s, ex, EIO_ERROR_UNKNOWN_SID);
		eio__socket_pump(socket);
		return;
	}
	if (!has_read(s, socket)) {
		eio_session_discard(&socket->session, EIO_REASON_TRANSPORT_ERROR);
		eio__answer_empty(s, ex, 400);
		eio__socket_pump(socket);
		return;
	}
	switch (eio_session_get(&socket->session, eio_clock_now(s->clock))) {
	case EIO_ACCEPT_OK: hold_get(socket, ex); break;
	case EIO_ACCEPT_OVERLAP: eio__answer_empty(s, ex, 400); break;
	case EIO_ACCEPT_BAD_REQUEST:
	case EIO_ACCEPT_REFUSE: eio__answer_error(s, ex, EIO_ERROR_BAD_REQUEST); break;
	}
	eio__socket_pump(socket);
}

/* POST */

static void
on_post_abort(struct eio_exchange *ex)
{
	struct eio_socket *s = ex->owner;

	CHECK_MAGIC(s, EIO__SOCKET_MAGIC);
	s->post = NULL;
	s->post_taken = false;
	eio_session_post_abort(&s->session);
	eio__socket_pump(s);
	eio_exchange_respond(ex, (struct eio_response){ .destroy = true });
	eio_exchange_unref(ex);
}

/* Lets the POST begin at the session, unless it has. Returns false when it was answered. */
static bool
post_begin(struct eio_server *s, struct eio_socket *socket, struct eio_exchange *ex)
{
	if (socket->post == ex) return true;
	s->stats.posts++;
	switch (eio_session_post_begin(&socket->session)) {
	case EIO_ACCEPT_OK:
		socket->post = eio_exchange_ref(ex);
		ex->owner = socket;
		ex->on_abort = on_post_abort;
		return true;
	case EIO_ACCEPT_OVERLAP:
		eio__answer_empty(s, ex, 400);
		eio__socket_pump(socket);
		break;
	case EIO_ACCEPT_BAD_REQUEST:
	case EIO_ACCEPT_REFUSE: eio__answer_error(s, ex, EIO_ERROR_BAD_REQUEST); break;
	}
	return false;
}

/* Replaces what is not UTF-8 in the text of a POST, as Node does. */
static void
repair_text(struct eio_buf *body)
{
	struct eio_buf text;

	if (eio_utf8_valid(eio_buf_bytes(body))) return;
	eio_buf_init(&text);
	eio_utf8_repair(&text, eio_buf_bytes(body));
	eio_buf_deinit(body);
	*body = text;
}

/* A form: what it holds is its text. Without that it means nothing, and is answered "ok" as in the reference. */
static void
take_form(struct eio_socket *socket, struct eio_buf *body)
{
	ssize_t n = eio_jsonp_decode(body->p, body->n);

	if (n < 0) {
		eio_session_post_refused(&socket->session);
		return;
	}
	body->n = (size_t)n;
	repair_text(body);
	if (eio_buf_failed(body))
		eio_session_post_bad_type(&socket->session);
	else
		eio_session_post(&socket->session, body->p, body->n, false);
}

/* Gives the session the body of its POST. Returns false when revision 4 is sent what only revision 3 has, or when out
 * of memory. */
static bool
take_body(struct eio_socket *socket, const struct eio_request *req, struct eio_buf *body)
{
	/* Exactly this value means the binary form: with parameters the reference takes it for text as well. */
	bool binary = eio_bytes_eq(
		eio_request_header(req, EIO_LIT("content-type")), EIO_LIT("application/octet-stream"));

	if (socket->jsonp) {
		take_form(socket, body);
		return true;
	}
	if (binary && socket->session.kind.revision == 4) return false;
	if (!binary) repair_text(body);
	if (eio_buf_failed(body)) return false;
	eio_session_post(&socket->session, body->p, body->n, binary);
	return true;
}

static void
post_complete(struct eio_server *s, struct eio_socket *socket, struct eio_exchange *ex)
{
	struct eio_buf *body = &ex->req->body;

	eio_buf_addc(body, '\0'); /* so that an empty one is a pointer too */
	body->n--;
	if (eio_buf_failed(body) || !take_body(socket, ex->req, body)) {
		eio_session_post_bad_type(&socket->session);
		eio__answer_empty(s, ex, 400);
		eio_exchange_unref(eio__socket_end_post(socket));
	} else {
		socket->post_taken = true;
	}
	eio__socket_pump(socket);
}

static void
take_post(struct eio_server *s, struct eio_socket *socket, struct eio_exchange *ex, enum eio_stage stage)
{
	if (!post_begin(s, socket, ex)) return;
	if (stage == EIO_STAGE_COMPLETE) {
		post_complete(s, socket, ex);
	} else if (stage == EIO_STAGE_TOO_LARGE) {
		eio_session_post_refused(&socket->session);
		eio__answer_empty(s, ex, 413);
		eio_exchange_unref(eio__socket_end_post(socket));
	}
}

/* Routing */

static void
session_request(struct eio_server *s, struct eio_socket *socket, struct eio_exchange *ex, enum eio_stage stage,
	struct eio_bytes t)
{
	switch (ex->req->method) {
	case EIO_HTTP_GET: take_poll(s, socket, ex, t); break;
	case EIO_HTTP_POST: take_post(s, socket, ex, stage); break;
	case EIO_HTTP_OPTIONS: eio__answer_options(s, socket, ex); break;
	case EIO_HTTP_HEAD:
	case EIO_HTTP_OTHER: eio__answer_empty(s, ex, 500); break;
	}
}

/* Whether OPTIONS is answered before it is looked at, as the cross-origin rules of today want it. */
static bool
answers_preflights(const struct eio_server *s)
{
	return s->options->cors.origin != EIO_CORS_OFF && s->options->cors.origin != EIO_CORS_LEGACY;
}

static void
engine_request(struct eio_server *s, struct eio_exchange *ex, enum eio_stage stage)
{
	struct eio_socket *socket;
	struct eio__owner owner;
	enum eio_error err;

	if (ex->req->method == EIO_HTTP_OPTIONS && answers_preflights(s)) {
		eio__answer_preflight(s, ex);
		return;
	}
	err = eio__server_verify(s, ex->req, false, &socket, &owner);
	if (err == EIO_OK && !eio__server_admits(s, ex->req, false)) err = EIO_ERROR_FORBIDDEN;
	/* Of a session that a shutdown has just ended: python-socketio stays away for ever after an error, but comes
	 * back after a lost connection. */
	if (err == EIO_ERROR_UNKNOWN_SID && s->shut && ex->req->method == EIO_HTTP_POST)
		eio_exchange_respond(ex, (struct eio_response){ .destroy = true });
	else if (owner.index != s->options->index)
		s->handler.forward(s->handler.http_user, owner.index, ex, stage);
	else if (ex->answered)
		return; /* refused while its body was arriving elsewhere, or its session has just ended */
	else if (err != EIO_OK)
		eio__answer_error(s, ex, err);
	else if (*owner.node)
		s->handler.elsewhere(s->handler.http_user, eio_cstr(owner.node), ex, stage);
	else if (socket)
		session_request(s, socket, ex, stage, owner.t);
	else
		polling_handshake(s, ex);
}

void
eio_server_answer_unknown(struct eio_server *s, struct eio_exchange *ex)
{
	eio__answer_error(s, ex, EIO_ERROR_UNKNOWN_SID);
}

void
eio_server_exchange(struct eio_server *s, struct eio_exchange *ex, enum eio_stage stage)
{
	if (stage == EIO_STAGE_ABORT) {
		if (ex->on_abort) ex->on_abort(ex);
	} else if (eio_server_owns_path(s, ex->req->path)) {
		/* Only a POST is served before it is complete. */
		if (stage != EIO_STAGE_BEGIN || ex->req->method == EIO_HTTP_POST) engine_request(s, ex, stage);
	} else if (!ex->answered) {
		/* At once, also when its body is still to come: nobody reads that, so it is not waited for. */
		s->handler.request(s->handler.http_user, ex);
	}
}

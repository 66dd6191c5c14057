/* SPDX-License-Identifier: MIT */
/* Questions of running handlers, and what the answer about a room means. */
#include "src/clients/asking.h"

#include "sio/event.h"
#include "sio/json.h"
#include "src/auth/verdict.h"
#include "src/clients/clients_int.h"
#include "src/clients/emits.h"
#include "src/clients/guards.h"
#include "src/clients/hold.h"
#include "src/clients/identity.h"
#include "src/clients/question.h"
#include "src/clients/recovery.h"
#include "src/clients/rooms.h"
#include "src/handlers/answer.h"

static bool
worker_is_full(const struct sio_socket *s)
{
	return client_of(s)->clients->held_bytes > HOLD_WORKER_BYTES;
}

/* Calls */

static void
on_call_answer(void *user, const struct hook_answer *answer)
{
	struct hold *h = user;

	metrics_observe(
		client_socket_of(h->socket)->namespace->metrics, NAMESPACE_METRIC_CALL, &hook_buckets, answer->took_ms);
	h->question = NULL;
	h->answer = answer;
	/* The hold may be gone afterwards. */
	client_of(h->socket)->clients->go_on(h->socket);
}

bool
asking_call(struct sio_socket *s, size_t i, struct eio_buf *json)
{
	struct hold *h = worker_is_full(s) ? NULL : hold_need(s);

	if (!h) {
		eio_buf_deinit(json);
		return false;
	}
	h->question = hook_ask(client_socket_of(s)->namespace->lines[i], json, on_call_answer, h);
	return h->question;
}

static void
count_told(struct namespace *n, const struct hook_answer *answer)
{
	unsigned kind = answer ? answer->status / 100 : 0;

	if (answer) metrics_observe(n->metrics, NAMESPACE_METRIC_CALL, &hook_buckets, answer->took_ms);
	metrics_inc(n->metrics, kind == 2   ? NAMESPACE_METRIC_CALLS_OK
				: kind == 4 ? NAMESPACE_METRIC_CALLS_REFUSED
					    : NAMESPACE_METRIC_CALLS_FAILED);
}

static void
on_told_answer(void *user, const struct hook_answer *answer)
{
	count_told(user, answer);
}

void
asking_tell(struct sio_socket *s, size_t i, struct eio_buf *json)
{
	struct namespace *n = client_socket_of(s)->namespace;

	if (!hook_ask(n->lines[i], json, on_told_answer, n)) count_told(n, NULL);
}

/* What the answer about a room means */

static void
refuse_join(struct hold *h, const char *error)
{
	h->joined = HANDLERS_OUT;
	h->refusal.error = error;
}

static void
refuse_join_for_now(struct hold *h, unsigned retry_after_s)
{
	refuse_join(h, "unavailable");
	eio_buf_printf(&h->more, ",\"retryAfter\":%u", retry_after_s ? retry_after_s : AUTH_RETRY_S);
}

static void
refuse_join_by(struct hold *h, const struct hook_answer *answer)
{
	struct eio_bytes message, data;

	rooms_forbid(h->socket, eio_buf_bytes(&h->room));
	refuse_join(h, "forbidden");
	handlers_answer_refusal(answer->body, &message, &data);
	if (message.n) EIO_BUF_ADD_LIT(&h->more, ",\"message\":");
	eio_buf_add(&h->more, message);
	if (data.n) EIO_BUF_ADD_LIT(&h->more, ",\"data\":");
	eio_buf_add(&h->more, data);
}

/* Who it is stands before the room knows it. */
static bool
learn_claims(struct sio_socket *s, struct eio_bytes claims)
{
	const struct identity *old = client_socket_of(s)->identity;
	struct identity_claims known = { claims, UINT64_MAX, NULL };

	if (eio_bytes_eq(claims, identity_claims_of(s))) return true;
	if (old) {
		known.expires_s = old->expires_s;
		known.expired = old->expired;
	}
	return identity_set(s, &known);
}

static void
let_in(struct hold *h, const struct auth_verdict *v)
{
	struct sio_socket *s = h->socket;

	if (!learn_claims(s, eio_buf_bytes(&v->claims))) {
		client_end(client_of(s), CLIENT_REASON_NOMEM);
		return;
	}
	h->refusal.error = rooms_admit(s, eio_buf_bytes(&h->room));
	h->joined = h->refusal.error ? HANDLERS_OUT : HANDLERS_IN;
	if (h->joined == HANDLERS_IN && v->emit.n) emits_send(s, v->emit);
}

static void
log_odd(const struct hold *h, const char *odd, unsigned status)
{
	struct clients *c = client_of(h->socket)->clients;

	log_limited(LOG_LEVEL_WARN, &c->odd_answers, eio_clock_now(c->options.clock),
		"event=hook-answer-unusable nsp=\"%s\" status=%u error=\"%s\"", LOG_ESCAPE(sio_socket_nsp(h->socket)),
		status, LOG_ESCAPE(eio_cstr(odd)));
}

static void
judge_join(struct hold *h, const struct hook_answer *answer, bool laravel)
{
	struct eio_bytes claims = identity_claims_of(h->socket);
	struct auth_verdict v = { .in = false };
	bool read = laravel ? auth_verdict_read_laravel(&v, answer, claims) : auth_verdict_read(&v, answer, claims);

	if (v.odd && answer->status / 100 == 2) log_odd(h, v.odd, answer->status);
	if (!read)
		client_end(client_of(h->socket), CLIENT_REASON_NOMEM);
	else if (v.in)
		let_in(h, &v);
	else if (answer->status / 100 == 4)
		refuse_join_by(h, answer);
	else
		refuse_join_for_now(h, answer->retry_after_s);
	auth_verdict_deinit(&v);
}

/* As laravel-echo-server tells its clients: the event with the channel and the status, which is 0 without an answer. */
static void
tell_subscription_error(const struct hold *h, unsigned status)
{
	struct eio_buf text = { 0 };
	struct sio_piece piece = { .refs = false };
	struct eio_bundle *b = NULL;

	EIO_BUF_ADD_LIT(&text, "[\"subscription_error\",");
	sio_json_escape(&text, eio_buf_bytes(&h->room));
	eio_buf_printf(&text, ",%u]", status);
	piece.json = eio_buf_bytes(&text);
	if (!eio_buf_failed(&text))
		sio_emit_bundle(
			&(struct sio_emit){ .nsp = sio_socket_nsp(h->socket), .pieces = &piece, .n_pieces = 1 }, &b);
	eio_buf_deinit(&text);
	recovery_send(h->socket, b);
}

static void
conclude_join(struct hold *h, const struct hook_answer *answer)
{
	const struct auth_spec *spec = client_socket_of(h->socket)->namespace->auth;

	h->joined = HANDLERS_IN;
	h->refusal = (struct handlers_refusal){ .error = NULL };
	eio_buf_clear(&h->more);
	judge_join(h, answer, spec->hook.format == AUTH_ASKS_LARAVEL);
	if (eio_buf_failed(&h->more)) client_end(client_of(h->socket), CLIENT_REASON_NOMEM);
	h->refusal.more = eio_buf_failed(&h->more) ? eio_bytes("", 0) : eio_buf_bytes(&h->more);
	if (h->joined == HANDLERS_OUT && spec->hook.format == AUTH_ASKS_LARAVEL)
		tell_subscription_error(h, answer->status);
}

/* Asking about a room */

static void
on_join_told(struct auth_ask *ask, const struct hook_answer *answer)
{
	struct hold *h = EIO_CONTAINER(ask, struct hold, ask);

	h->join_waits = false;
	if (!client_of(h->socket)->ended) conclude_join(h, answer);
	/* A run that is still asking goes on by itself; any other may free the hold. */
	if (!h->asking) client_of(h->socket)->clients->go_on(h->socket);
}

bool
asking_is_about(const struct sio_socket *s, struct eio_bytes room)
{
	const struct auth_spec *spec = client_socket_of(s)->namespace->auth;

	return spec && spec->has_hook && spec->hook.on_join && question_covers(&spec->hook, room) &&
	       room.n <= client_of(s)->clients->options.limits.room_name_length && !rooms_have(s, room);
}

static enum auth_asking
ask_about(struct hold *h, const struct handlers_join *join)
{
	struct sio_socket *s = h->socket;
	const struct client_socket *own = client_socket_of(s);
	struct guard *g = own->namespace->guard;
	const struct question_of_join q = {
		.of = { client_of(s), sio_socket_nsp(s), sio_socket_auth(s), eio_bytes(own->query, own->query_n) },
		.room = join->room,
		.args = join->args,
		.claims = identity_claims_of(s),
		.sid = sio_socket_id(s),
	};
	struct eio_buf text = { 0 };
	struct auth_question question;
	enum auth_asking asking = AUTH_ASKING_REFUSED;

	eio_buf_clear(&h->room);
	eio_buf_add(&h->room, join->room);
	question_join(&q, &g->spec->hook, &text, &question);
	if (!eio_buf_failed(&text) && !eio_buf_failed(&h->room)) asking = auth_ask(g->asks, &h->ask, &question);
	eio_buf_deinit(&text);
	return asking;
}

enum handlers_joined
asking_join(struct sio_socket *s, const struct handlers_join *join, struct handlers_refusal *why)
{
	struct hold *h = hold_need(s);
	enum auth_asking asking = AUTH_ASKING_REFUSED;

	if (!h) {
		client_end(client_of(s), CLIENT_REASON_NOMEM);
		return HANDLERS_IN;
	}
	h->ask.told = on_join_told;
	h->answer = NULL;
	h->asking = true;
	if (!worker_is_full(s)) asking = ask_about(h, join);
	h->asking = false;
	h->join_waits = asking == AUTH_ASKING_WAITS;
	if (h->join_waits) return HANDLERS_ASKED;
	if (asking == AUTH_ASKING_REFUSED) conclude_join(h, &(struct hook_answer){ .why = "too many wait already" });
	*why = h->refusal;
	return h->joined;
}

struct handlers_outcome
asking_outcome(const struct sio_socket *s)
{
	const struct hold *h = hold_of(s);

	if (h->answer) return (struct handlers_outcome){ .answer = h->answer };
	return (struct handlers_outcome){ .refusal = h->joined == HANDLERS_OUT ? &h->refusal : NULL };
}

void
asking_forget(struct sio_socket *s)
{
	struct hold *h = hold_of(s);

	if (!h) return;
	if (h->question) hook_cancel(h->question);
	if (h->join_waits) auth_ask_forget(&h->ask);
	h->question = NULL;
	h->join_waits = false;
	hold_free(s);
}

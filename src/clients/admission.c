/* SPDX-License-Identifier: MIT */
/* Who is let in. */
#include "src/clients/admission.h"

#include "src/auth/verdict.h"
#include "src/clients/actions.h"
#include "src/clients/clients_int.h"
#include "src/clients/emits.h"
#include "src/clients/guards.h"
#include "src/clients/question.h"
#include "src/clients/refusal.h"
#include "src/clients/sockets.h"

#include <stdlib.h>

/* The two ends */

static void
admission_refuse(const struct admission *a, struct eio_bytes message, struct eio_bytes data)
{
	struct client *c = a->client;

	clients__count(c->clients, CLIENTS_METRIC_CONNECT_REFUSED);
	CLIENTS_DEBUG(c, CLIENTS_LINE_CONNECT_REFUSED, "connect-refused", a->nsp, "why=\"%s\"", LOG_ESCAPE(message));
	client_send(c, sio_client_refuse(&c->sio, a->nsp, message, data));
}

static void
refuse_plainly(const struct admission *a, const char *message)
{
	admission_refuse(a, eio_cstr(message), eio_bytes(NULL, 0));
}

static void
admission_grant(const struct admission *a, const struct sockets_birth *birth, struct eio_bytes events)
{
	struct sio_socket *s = sockets_open(a->client, birth);

	if (!s) return;
	if (events.n) emits_send(s, events);
	actions_run_connection(s);
	sockets_after_run(s);
}

static void
on_token_expired(struct sio_socket *s)
{
	client_count(s, NAMESPACE_METRIC_EXPIRED);
	refusal_tell_expired(s);
	sockets_put_out(s);
}

/* The application's answer */

#define WAITING_MAGIC 0xc11e2703u

/* A CONNECT that waits for it. */
struct waiting {
	unsigned magic;
	struct eio_list link; /* in the client's */
	struct client *client;
	struct namespace *namespace;
	struct auth_ask ask;
	unsigned char random[SIO_ID_RANDOM];
	uint64_t expires_s;
	size_t nsp_n, auth_n, query_n, claims_n;
	bool has_auth;
	char bytes[]; /* nsp, auth, query, claims */
};

static void
free_waiting(struct waiting *w)
{
	metrics_sub(w->namespace->metrics, NAMESPACE_METRIC_WAITING, 1);
	eio_list_remove(&w->link);
	w->magic = 0;
	free(w);
}

static void
carry_out_verdict(const struct waiting *w, const struct admission *a, const struct auth_verdict *v)
{
	const struct identity_claims claims = { eio_buf_bytes(&v->claims), w->expires_s, on_token_expired };
	const struct sockets_birth birth = {
		.namespace = w->namespace,
		.nsp = a->nsp,
		.auth = a->auth,
		.query = a->query,
		.random = w->random,
		.claims = &claims,
		.rooms = v->rooms,
	};

	if (v->in)
		admission_grant(a, &birth, v->emit);
	else
		admission_refuse(
			a, eio_buf_bytes(&v->message), v->data.n ? eio_buf_bytes(&v->data) : eio_bytes(NULL, 0));
}

static struct eio_bytes
next_bytes(const char **p, size_t n)
{
	struct eio_bytes s = { *p, n };

	*p += n;
	return s;
}

/* What the client asked for. The bytes are those of w. */
static struct admission
admission_of(const struct waiting *w, struct eio_bytes *claims)
{
	struct admission a = { .client = w->client };
	const char *p = w->bytes;

	a.nsp = next_bytes(&p, w->nsp_n);
	a.auth = next_bytes(&p, w->auth_n);
	if (!w->has_auth) a.auth.p = NULL;
	a.query = next_bytes(&p, w->query_n);
	*claims = next_bytes(&p, w->claims_n);
	return a;
}

static void
on_waiting_told(struct auth_ask *ask, const struct hook_answer *answer)
{
	struct waiting *w = EIO_CONTAINER(ask, struct waiting, ask);
	struct eio_bytes claims;
	struct admission a;
	struct auth_verdict v;
	bool read;

	CHECK_MAGIC(w, WAITING_MAGIC);
	a = admission_of(w, &claims);
	read = auth_verdict_read(&v, answer, claims);
	if (v.odd)
		log_limited(LOG_LEVEL_WARN, &w->client->clients->odd_answers,
			eio_clock_now(w->client->clients->options.clock),
			"event=hook-answer-unusable nsp=\"%s\" status=%u error=\"%s\"", LOG_ESCAPE(a.nsp),
			answer->status, LOG_ESCAPE(eio_cstr(v.odd)));
	eio_list_remove(&w->link); /* it counts among the sockets from now on */
	if (!read)
		client_end(a.client, CLIENT_REASON_NOMEM);
	else if (!a.client->ended)
		carry_out_verdict(w, &a, &v);
	auth_verdict_deinit(&v);
	free_waiting(w);
}

static void
keep_waiting(char **p, size_t *n, struct eio_bytes s)
{
	if (s.n) memcpy(*p, s.p, s.n);
	*p += s.n;
	*n = s.n;
}

static struct waiting *
waiting_new(const struct admission *a, struct namespace *n, struct eio_bytes claims, uint64_t expires_s)
{
	struct waiting *w = calloc(1, sizeof *w + a->nsp.n + a->auth.n + a->query.n + claims.n);
	char *p;

	if (!w) return NULL;
	w->magic = WAITING_MAGIC;
	w->client = a->client;
	w->namespace = n;
	w->expires_s = expires_s;
	w->ask.told = on_waiting_told;
	memcpy(w->random, eio_random_take(a->client->clients->options.random, SIO_ID_RANDOM), SIO_ID_RANDOM);
	w->has_auth = a->auth.p != NULL;
	p = w->bytes;
	keep_waiting(&p, &w->nsp_n, a->nsp);
	keep_waiting(&p, &w->auth_n, a->auth);
	keep_waiting(&p, &w->query_n, a->query);
	keep_waiting(&p, &w->claims_n, claims);
	eio_list_add_tail(&a->client->waiting, &w->link);
	metrics_inc(n->metrics, NAMESPACE_METRIC_WAITING);
	return w;
}

/* Too many wait already. */
static void
refuse_for_now(const struct admission *a)
{
	struct auth_verdict v = { 0 };

	if (auth_verdict_unavailable(&v))
		admission_refuse(a, eio_buf_bytes(&v.message), eio_buf_bytes(&v.data));
	else
		client_end(a->client, CLIENT_REASON_NOMEM);
	auth_verdict_deinit(&v);
}

static void
ask_application(
	const struct admission *a, struct namespace *n, struct guard *g, struct eio_bytes claims, uint64_t expires_s)
{
	const struct question_of q = { a->client, a->nsp, a->auth, a->query };
	struct waiting *w = waiting_new(a, n, claims, expires_s);
	struct auth_question question = { .heads = { "", 0 } };
	struct eio_buf text = { 0 };
	size_t same = 0;

	if (w) {
		question_connect(&q, &g->spec->hook, &text);
		same = text.n;
		EIO_BUF_ADD_LIT(&text, ",\"sid\":\"");
		sio_client_socket_id(&a->client->sio, a->nsp, w->random, &text);
		EIO_BUF_ADD_LIT(&text, "\"}");
	}
	question.same = eio_bytes(text.p, same);
	question.body = eio_buf_bytes(&text);
	if (!w || eio_buf_failed(&text)) {
		if (w) free_waiting(w);
		client_end(a->client, CLIENT_REASON_NOMEM);
	} else if (auth_ask(g->asks, &w->ask, &question) == AUTH_ASKING_REFUSED) {
		free_waiting(w);
		refuse_for_now(a);
	}
	eio_buf_deinit(&text);
}

void
admission_forget(struct client *c)
{
	while (!eio_list_empty(&c->waiting)) {
		struct waiting *w = EIO_CONTAINER(c->waiting.next, struct waiting, link);

		CHECK_MAGIC(w, WAITING_MAGIC);
		auth_ask_forget(&w->ask);
		free_waiting(w);
	}
}

/* Tokens */

static enum auth_result
check_token(const struct admission *a, struct guard *g, struct eio_buf *claims, uint64_t *expires_s)
{
	const struct question_of q = { a->client, a->nsp, a->auth, a->query };
	struct eio_buf token = { 0 };
	enum auth_result r = AUTH_NOMEM;

	auth_keys_look(g->keys, eio_clock_now(a->client->clients->options.clock));
	question_token(&q, &g->spec->jwt, &token);
	if (!eio_buf_failed(&token))
		r = auth_jwt_verify(&g->spec->jwt, g->keys, eio_buf_bytes(&token), identity_now_s(), claims, expires_s);
	if (r == AUTH_GOOD && *expires_s != UINT64_MAX) *expires_s += g->spec->jwt.leeway_s;
	eio_buf_deinit(&token);
	return r;
}

static void
refuse_token(const struct admission *a, enum auth_result r)
{
	struct eio_buf data = { 0 };

	refusal_data(r, &data);
	if (eio_buf_failed(&data))
		client_end(a->client, CLIENT_REASON_NOMEM);
	else
		admission_refuse(a, eio_cstr(auth_result_message(r)), eio_buf_bytes(&data));
	eio_buf_deinit(&data);
}

/* A namespace that asks who a client is. */
static void
ask_who(const struct admission *a, struct namespace *n)
{
	struct guard *g = guard_of(&a->client->clients->guards, n->auth);
	struct eio_buf claims = { 0 };
	uint64_t expires_s = UINT64_MAX;
	enum auth_result r = g->keys ? check_token(a, g, &claims, &expires_s) : AUTH_GOOD;

	if (r != AUTH_GOOD) {
		refuse_token(a, r);
	} else if (g->asks && g->spec->hook.on_connect) {
		ask_application(a, n, g, eio_buf_bytes(&claims), expires_s);
	} else {
		const struct identity_claims known = { eio_buf_bytes(&claims), expires_s, on_token_expired };

		admission_grant(a,
			&(struct sockets_birth){
				.namespace = n, .nsp = a->nsp, .auth = a->auth, .query = a->query, .claims = &known },
			eio_bytes("", 0));
	}
	eio_buf_deinit(&claims);
}

/* The question */

static bool
in_too_many(const struct client *c)
{
	unsigned n = 0;

	for (const struct eio_list *l = c->sio.sockets.next; l != &c->sio.sockets; l = l->next) n++;
	for (const struct eio_list *l = c->waiting.next; l != &c->waiting; l = l->next) n++;
	return n >= c->clients->options.limits.namespaces_per_client;
}

static bool
waits_for(const struct client *c, struct eio_bytes nsp)
{
	for (const struct eio_list *l = c->waiting.next; l != &c->waiting; l = l->next) {
		const struct waiting *w = EIO_CONTAINER((struct eio_list *)l, struct waiting, link);

		if (eio_bytes_eq(eio_bytes(w->bytes, w->nsp_n), nsp)) return true;
	}
	return false;
}

/* Asking again while the answer is awaited. Revision 4 has it that a client asks once. */
static void
asked_twice(struct client *c)
{
	if (c->sio.protocol == 5) client_end(c, CLIENT_FAULT_ALREADY_JOINED);
}

void
admission_ask(const struct admission *a)
{
	struct clients *cs = a->client->clients;
	struct namespace *n = namespaces_find(cs->namespaces, a->nsp);

	if (!n)
		refuse_plainly(a, "Invalid namespace");
	else if (a->auth.n > cs->options.limits.auth_bytes)
		refuse_plainly(a, "Authentication data too large");
	else if (waits_for(a->client, a->nsp))
		asked_twice(a->client);
	else if (in_too_many(a->client))
		refuse_plainly(a, "Too many namespaces");
	else if (n->auth)
		ask_who(a, n);
	else
		admission_grant(a,
			&(struct sockets_birth){ .namespace = n, .nsp = a->nsp, .auth = a->auth, .query = a->query },
			eio_bytes("", 0));
}

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
#include "src/clients/resume.h"
#include "src/clients/waiting.h"

#include <stdlib.h>

/* The two ends */

static void
admission_refuse(const struct admission *a, enum clients_metric why, struct eio_bytes message, struct eio_bytes data)
{
	struct client *c = a->client;

	clients__count(c->clients, why);
	CLIENTS_DEBUG(c, CLIENTS_LINE_CONNECT_REFUSED, "connect-refused", a->nsp, "why=\"%s\"", LOG_ESCAPE(message));
	client_send(c, sio_client_refuse(&c->sio, a->nsp, message, data));
}

static void
refuse_plainly(const struct admission *a, enum clients_metric why, const char *message)
{
	admission_refuse(a, why, eio_cstr(message), eio_bytes(NULL, 0));
}

static void
on_token_expired(struct sio_socket *s)
{
	client_count(s, NAMESPACE_METRIC_EXPIRED);
	refusal_tell_expired(s);
	sockets_put_out(s);
}

/* Lets a client in, as a new one or with the session that it had. What it missed stands before the answer. */
static void
grant_with(const struct admission *a, struct sockets_birth *birth, struct eio_bytes events)
{
	struct sio_socket *s = sockets_open(a->client, birth);

	if (!s) return;
	if (events.n) emits_send(s, events);
	if (birth->namespace->is_ui) ui_came(s);
	actions_run_connection(s);
	sockets_after_run(s);
}

/* Asks the feed for the session that the client names. False: it names none, or there is no recovery. */
static bool
ask_feed(const struct admission *a, const struct waiting_parts *p)
{
	struct client *c = a->client;
	struct recovery_question q = { 0 };
	struct feed_recall *r;
	struct waiting *w;

	if (!resume_is_possible(c, p->namespace)) return false;
	if (sio_client_protocol(&c->sio) == 5 ? !recovery_asked(c->clients, a->auth, &q) : !resume_asked(c, a->nsp, &q))
		return false;
	r = feed_recall_new(a->nsp);
	w = r ? waiting_new(a, p) : NULL;
	if (!w) {
		free(r);
		client_end(c, CLIENT_REASON_NOMEM);
		return true;
	}
	r->worker = c->clients->options.worker;
	r->asker = w;
	memcpy(r->pid, q.pid, sizeof q.pid);
	r->is_signed = q.is_signed;
	r->gives_offset = q.gives_offset;
	r->has = q.has;
	r->has_offset = q.has_offset;
	r->offset = q.offset;
	r->who = recovery_who(c->clients, p->namespace, p->claims);
	r->max_bytes = recovery_max_bytes(c->clients);
	w->recall = r;
	feed_recall(feed_returning_of(c->clients->options.feed), r);
	return true;
}

static struct sockets_birth
birth_of(const struct admission *a, const struct waiting_parts *p, const struct identity_claims *claims)
{
	return (struct sockets_birth){
		.namespace = p->namespace,
		.nsp = a->nsp,
		.auth = a->auth,
		.query = a->query,
		.random = p->random,
		.claims = p->namespace->auth ? claims : NULL,
		.rooms = p->rooms,
	};
}

static void
admission_grant(const struct admission *a, const struct waiting_parts *p)
{
	const struct identity_claims claims = { p->claims, p->expires_s, on_token_expired };
	struct sockets_birth birth = birth_of(a, p, &claims);

	if (!ask_feed(a, p)) grant_with(a, &birth, p->events);
}

/* The feed's answer */

/* It is not for anybody any more, or was used: the feed shall know. */
static void
give_back(struct clients *c, struct feed_recall *r)
{
	if (!r->held) {
		feed_recall_free(r);
		return;
	}
	r->step = FEED_RECALL_DONE;
	feed_recall(feed_returning_of(c->options.feed), r);
}

/* It cannot be as it was: it begins anew. */
static void
forget_session(struct feed_recall *r)
{
	feed_session_free(r->session);
	r->session = NULL;
}

static void
take_recall_answer(struct clients *c, struct feed_recall *r)
{
	struct waiting *w = r->asker;
	struct identity_claims claims;
	struct waiting_parts parts;
	struct sockets_birth birth;
	struct admission a;

	if (c->reached < r->serial) c->reached = r->serial;
	if (r->reached.n) c->reached_text = r->reached;
	if (w && !w->client->ended) {
		CHECK_MAGIC(w, WAITING_MAGIC);
		a = waiting_read(w, &parts);
		claims = (struct identity_claims){ parts.claims, parts.expires_s, on_token_expired };
		birth = birth_of(&a, &parts, &claims);
		if (r->session && !recovery_fits(c, r->session)) forget_session(r);
		birth.recall = r;
		eio_list_remove(&w->link); /* it counts among the sockets from now on */
		grant_with(&a, &birth, parts.events);
		feed_session_free(r->session);
		r->session = NULL;
	}
	if (w) waiting_free(w);
	give_back(c, r);
}

void
admission_take_recall(struct clients *c, struct feed_recall *r)
{
	if (r->step == FEED_RECALL_ANSWER) {
		take_recall_answer(c, r);
		return;
	}
	CHECK(r->step == FEED_RECALL_RELEASE);
	recovery_release(c, eio_bytes(r->pid, sizeof r->pid));
	r->step = FEED_RECALL_RELEASED;
	feed_recall(feed_returning_of(c->options.feed), r);
}

/* The application's answer */

static void
carry_out_verdict(const struct admission *a, struct waiting_parts *p, const struct auth_verdict *v, unsigned status)
{
	bool refused = status / 100 == 4;

	p->claims = eio_buf_bytes(&v->claims);
	p->rooms = v->rooms;
	p->events = v->emit;
	if (v->in)
		admission_grant(a, p);
	else
		admission_refuse(a, refused ? CLIENTS_METRIC_CONNECT_APPLICATION : CLIENTS_METRIC_CONNECT_UNAVAILABLE,
			eio_buf_bytes(&v->message), v->data.n ? eio_buf_bytes(&v->data) : eio_bytes(NULL, 0));
}

static void
on_waiting_told(struct auth_ask *ask, const struct hook_answer *answer)
{
	struct waiting *w = EIO_CONTAINER(ask, struct waiting, ask);
	struct waiting_parts parts;
	struct admission a;
	struct auth_verdict v;
	bool read;

	CHECK_MAGIC(w, WAITING_MAGIC);
	a = waiting_read(w, &parts);
	read = auth_verdict_read(&v, answer, parts.claims);
	if (v.odd)
		log_limited(LOG_LEVEL_WARN, &w->client->clients->odd_answers,
			eio_clock_now(w->client->clients->options.clock),
			"event=hook-answer-unusable nsp=\"%s\" status=%u error=\"%s\"", LOG_ESCAPE(a.nsp),
			answer->status, LOG_ESCAPE(eio_cstr(v.odd)));
	eio_list_remove(&w->link); /* it counts among the sockets from now on */
	if (!read)
		client_end(a.client, CLIENT_REASON_NOMEM);
	else if (!a.client->ended)
		carry_out_verdict(&a, &parts, &v, answer->status);
	auth_verdict_deinit(&v);
	waiting_free(w);
}

/* Too many wait already. */
static void
refuse_for_now(const struct admission *a)
{
	struct auth_verdict v = { 0 };

	if (auth_verdict_unavailable(&v))
		admission_refuse(
			a, CLIENTS_METRIC_CONNECT_UNAVAILABLE, eio_buf_bytes(&v.message), eio_buf_bytes(&v.data));
	else
		client_end(a->client, CLIENT_REASON_NOMEM);
	auth_verdict_deinit(&v);
}

static void
ask_application(
	const struct admission *a, struct namespace *n, struct guard *g, struct eio_bytes claims, uint64_t expires_s)
{
	const struct question_of q = { a->client, a->nsp, a->auth, a->query };
	struct waiting *w = waiting_new(
		a, &(struct waiting_parts){ .namespace = n, .claims = claims, .expires_s = expires_s });
	struct auth_question question = { .heads = { "", 0 } };
	struct eio_buf text = { 0 };
	size_t same = 0;

	if (w) {
		w->ask.told = on_waiting_told;
		question_connect(&q, &g->spec->hook, &text);
		same = text.n;
		EIO_BUF_ADD_LIT(&text, ",\"sid\":\"");
		sio_client_socket_id(&a->client->sio, a->nsp, w->random, &text);
		EIO_BUF_ADD_LIT(&text, "\"}");
	}
	question.same = eio_bytes(text.p, same);
	question.body = eio_buf_bytes(&text);
	if (!w || eio_buf_failed(&text)) {
		if (w) waiting_free(w);
		client_end(a->client, CLIENT_REASON_NOMEM);
	} else if (auth_ask(g->asks, &w->ask, &question) == AUTH_ASKING_REFUSED) {
		waiting_free(w);
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
		if (w->recall)
			w->recall->asker = NULL;
		else if (w->check)
			auth_check_forget(c->clients->options.login, w->check);
		else
			auth_ask_forget(&w->ask);
		waiting_free(w);
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
		admission_refuse(
			a, CLIENTS_METRIC_CONNECT_TOKEN, eio_cstr(auth_result_message(r)), eio_buf_bytes(&data));
	eio_buf_deinit(&data);
}

/* A namespace that asks who a client is. */
static void
ask_who(const struct admission *a, struct namespace *n)
{
	struct guard *g = n->guard;
	struct eio_buf claims = { 0 };
	uint64_t expires_s = UINT64_MAX;
	enum auth_result r = g->keys ? check_token(a, g, &claims, &expires_s) : AUTH_GOOD;

	if (r != AUTH_GOOD) {
		refuse_token(a, r);
	} else if (g->asks && g->spec->hook.on_connect) {
		ask_application(a, n, g, eio_buf_bytes(&claims), expires_s);
	} else {
		admission_grant(a, &(struct waiting_parts){
					   .namespace = n, .claims = eio_buf_bytes(&claims), .expires_s = expires_s });
	}
	eio_buf_deinit(&claims);
}

/* The Admin UI */

/* What it is told first: by what it can come back without the password, and what there is to be seen here. */
static void
let_into_ui(const struct admission *a, struct namespace *n, bool with_session)
{
	struct eio_buf events = { 0 };

	eio_buf_addc(&events, '[');
	if (with_session) {
		EIO_BUF_ADD_LIT(&events, "[\"session\",\"");
		auth_login_session(a->client->clients->options.login, identity_now_s(), &events);
		EIO_BUF_ADD_LIT(&events, "\"],");
	}
	ui_config(a->client->clients, &events);
	eio_buf_addc(&events, ']');
	if (eio_buf_failed(&events))
		client_end(a->client, CLIENT_REASON_NOMEM);
	else
		admission_grant(a, &(struct waiting_parts){ .namespace = n, .events = eio_buf_bytes(&events) });
	eio_buf_deinit(&events);
}

static void
refuse_credentials(const struct admission *a)
{
	refuse_plainly(a, CLIENTS_METRIC_CONNECT_CREDENTIALS, "invalid credentials");
}

/* Nothing of the password is kept but what the check has. */
static void
check_password(const struct admission *a, struct namespace *n)
{
	const struct clients_options *o = &a->client->clients->options;
	struct admission silent = *a;
	struct waiting *w;

	silent.auth = eio_bytes(NULL, 0);
	w = waiting_new(&silent, &(struct waiting_parts){ .namespace = n });
	if (!w) {
		client_end(a->client, CLIENT_REASON_NOMEM);
		return;
	}
	w->check = auth_login_check(o->login, a->auth, o->logins, w);
	if (w->check) return;
	waiting_free(w);
	refuse_for_now(a);
}

static void
ask_to_log_in(const struct admission *a, struct namespace *n)
{
	struct auth_login *login = a->client->clients->options.login;

	CHECK(login);
	switch (auth_login_look(login, a->auth, identity_now_s())) {
	case AUTH_LOGIN_OPEN:
	case AUTH_LOGIN_KNOWN: let_into_ui(a, n, false); break;
	case AUTH_LOGIN_WRONG: refuse_credentials(a); break;
	case AUTH_LOGIN_PASSWORD_SAID: check_password(a, n); break;
	}
}

void
admission_take_login(struct auth_check *check)
{
	struct waiting *w = check->asker;
	struct waiting_parts parts;
	struct admission a;

	if (w) {
		CHECK_MAGIC(w, WAITING_MAGIC);
		a = waiting_read(w, &parts);
		eio_list_remove(&w->link); /* it counts among the sockets from now on */
		if (check->good && !a.client->ended)
			let_into_ui(&a, parts.namespace, true);
		else if (!a.client->ended)
			refuse_credentials(&a);
		waiting_free(w);
	}
	auth_check_free(check);
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

/* Asking again while the answer is awaited. Revision 4 has it that a client asks once. */
static void
asked_twice(struct client *c)
{
	if (sio_client_protocol(&c->sio) == 5) client_end(c, CLIENT_FAULT_ALREADY_JOINED);
}

void
admission_ask(const struct admission *a)
{
	struct clients *cs = a->client->clients;
	struct namespace *n = namespaces_find(cs->namespaces, a->nsp);

	if (!n)
		refuse_plainly(a, CLIENTS_METRIC_CONNECT_NAMESPACE, "Invalid namespace");
	else if (a->auth.n > cs->options.limits.auth_bytes)
		refuse_plainly(a, CLIENTS_METRIC_CONNECT_AUTH_BYTES, "Authentication data too large");
	else if (waiting_for(a->client, a->nsp))
		asked_twice(a->client);
	else if (in_too_many(a->client))
		refuse_plainly(a, CLIENTS_METRIC_CONNECT_NAMESPACES, "Too many namespaces");
	else if (n->is_ui)
		ask_to_log_in(a, n);
	else if (n->auth)
		ask_who(a, n);
	else
		admission_grant(a, &(struct waiting_parts){ .namespace = n });
}

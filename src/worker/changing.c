/* SPDX-License-Identifier: MIT */
/*
 * Another configuration. What it takes is made before, by the main thread, so that a worker's part cannot fail: it only
 * puts the new in the place of the old, between two turns.
 */
#include "src/worker/changing.h"

#include "src/clients/clients.h"

int
workers_prepare(struct workers *ws, const struct config *now)
{
	for (unsigned i = 0; i < ws->n; i++) {
		struct worker *w = ws->all[i];

		w->change.config = now;
		w->change.options.index = w->index;
		config_fill_server(now, &w->change.options);
		w->change.terms = eio_terms_new(w->server, &w->change.options);
		if (w->change.terms) continue;
		workers_forget(ws);
		return -1;
	}
	return 0;
}

void
workers_forget(struct workers *ws)
{
	for (unsigned i = 0; i < ws->n; i++) {
		eio_terms_free(ws->all[i]->change.terms);
		ws->all[i]->change.terms = NULL;
	}
}

struct eio_httpd_options
changing_httpd_options(const struct worker *w, const struct config *c)
{
	return (struct eio_httpd_options){
		.home = w->index,
		.max_body = w->options.max_payload,
		.max_head = c->limits.header_bytes,
		.header_timeout_ms = (uint64_t)c->limits.header_seconds * 1000,
		.request_timeout_ms = (uint64_t)c->limits.request_seconds * 1000,
		.keep_alive_timeout_ms = (uint64_t)c->limits.keep_alive_seconds * 1000,
		.peers = clients_want_peers(w->clients),
	};
}

static void
take_worker_change(void *user, struct mail *run)
{
	struct worker *w = user;
	struct worker_change *c = &w->change;
	struct clients_options clients = { .limits = { 0 } };
	struct eio_httpd_options http;

	CHECK_MAGIC(w, WORKER_MAGIC);
	CHECK(run == &c->mail && !run->next);
	config_fill_clients(c->config, &clients);
	clients_set_limits(w->clients, &clients);
	http = changing_httpd_options(w, c->config);
	eio_httpd_change(w->httpd, &http);
	eio_server_change(w->server, c->terms);
	w->options = c->options;
	c->terms = NULL;
	uv_sem_post(&w->stepped);
}

void
changing_open(struct worker *w)
{
	w->change.port = worker__port(w, take_worker_change);
}

void
workers_change(struct workers *ws)
{
	for (unsigned i = 0; i < ws->n; i++) mail_post(&ws->all[i]->change.port, &ws->all[i]->change.mail);
	for (unsigned i = 0; i < ws->n; i++) uv_sem_wait(&ws->all[i]->stepped);
}

/* SPDX-License-Identifier: MIT */
/*
 * Another configuration. What it takes is made before, by the main thread, so that a worker's part cannot fail: it only
 * puts the new in the place of the old, between two turns.
 */
#include "src/worker/changing.h"

#include "src/clients/clients.h"

static int
prepare_worker(struct worker *w, const struct config *now, bool namespaces)
{
	struct clients_options clients = { .limits = { 0 } };
	struct worker_change *c = &w->change;

	config_fill_clients(now, &clients);
	c->config = now;
	c->options.index = w->index;
	config_fill_server(now, &c->options);
	c->terms = eio_terms_new(w->server, &c->options);
	if (namespaces) c->namespaces = clients_namespaces(w->clients, clients.namespaces);
	return c->terms && (!namespaces || c->namespaces) ? 0 : -1;
}

int
workers_prepare(struct workers *ws, const struct config *now, bool namespaces)
{
	for (unsigned i = 0; i < ws->n; i++) {
		if (prepare_worker(ws->all[i], now, namespaces) == 0) continue;
		workers_forget(ws);
		return -1;
	}
	return 0;
}

void
workers_forget(struct workers *ws)
{
	for (unsigned i = 0; i < ws->n; i++) {
		struct worker_change *c = &ws->all[i]->change;

		eio_terms_free(c->terms);
		namespaces_unref(c->namespaces);
		c->terms = NULL;
		c->namespaces = NULL;
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
		.proxies = config_proxies(c),
	};
}

static void
take_worker_change(void *user, struct mail *run)
{
	struct worker *w = user;
	struct worker_change *c = &w->change;
	struct clients_options clients = { .limits = { 0 } };
	struct peers_options peers;
	struct eio_httpd_options http;

	CHECK_MAGIC(w, WORKER_MAGIC);
	CHECK(run == &c->mail && !run->next);
	config_fill_clients(c->config, &clients);
	clients_set_limits(w->clients, &clients);
	if (c->namespaces) {
		clients_set_namespaces(w->clients, c->namespaces);
		eio_server_each(w->server, clients_renew, w->clients);
		c->namespaces = NULL;
	}
	http = changing_httpd_options(w, c->config);
	eio_httpd_change(w->httpd, &http);
	eio_server_change(w->server, c->terms);
	if (w->peers && config_fill_peers(c->config, &peers)) peers_change(w->peers, &peers);
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

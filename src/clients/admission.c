/* SPDX-License-Identifier: MIT */
/* Who is let in. */
#include "src/clients/admission.h"

#include "src/clients/actions.h"
#include "src/clients/clients_int.h"
#include "src/clients/sockets.h"

/* message: what the client is told. */
static void
admission_refuse(const struct admission *a, const char *message)
{
	struct client *c = a->client;

	clients__count(c->clients, CLIENTS_METRIC_CONNECT_REFUSED);
	CLIENTS_DEBUG(c, CLIENTS_LINE_CONNECT_REFUSED, "connect-refused", a->nsp, "why=\"%s\"", message);
	client_send(c, sio_client_refuse(&c->sio, a->nsp, eio_cstr(message), eio_bytes(NULL, 0)));
}

static void
admission_grant(const struct admission *a, struct namespace *n)
{
	struct sio_socket *s = sockets_open(a->client, n, a->nsp, a->auth, a->query);

	if (!s) return;
	actions_run_connection(s);
	sockets_after_run(s);
}

static bool
in_too_many(const struct client *c)
{
	unsigned n = 0;

	for (const struct eio_list *l = c->sio.sockets.next; l != &c->sio.sockets; l = l->next) n++;
	return n >= c->clients->options.limits.namespaces_per_client;
}

void
admission_ask(const struct admission *a)
{
	struct clients *cs = a->client->clients;
	struct namespace *n = namespaces_find(cs->namespaces, a->nsp);

	if (!n)
		admission_refuse(a, "Invalid namespace");
	else if (a->auth.n > cs->options.limits.auth_bytes)
		admission_refuse(a, "Authentication data too large");
	else if (in_too_many(a->client))
		admission_refuse(a, "Too many namespaces");
	else
		admission_grant(a, n);
}

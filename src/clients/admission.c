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
	struct sio_socket *s = sockets_open(a->client, n, a->auth, a->query);

	if (!s) return;
	actions_run_connection(s);
	sockets_after_run(s);
}

void
admission_ask(const struct admission *a)
{
	struct namespace *n = namespaces_find(a->client->clients->namespaces, a->nsp);

	if (n)
		admission_grant(a, n);
	else
		admission_refuse(a, "Invalid namespace");
}

/* SPDX-License-Identifier: MIT */
/* Claims and their end. */
#include "src/clients/identity.h"

#include "src/clients/clients_int.h"

#include <stdlib.h>
#include <time.h>

/* A clock that is set, and a deadline far away, are looked at again after so long. */
#define LOOK_AGAIN_S 3600

uint64_t
identity_now_s(void)
{
	return (uint64_t)time(NULL);
}

static void
arm_identity(struct identity *i)
{
	const struct eio_clock *clock = client_of(i->socket)->clients->options.clock;
	uint64_t now_s = identity_now_s(), in_s;

	if (i->expires_s == UINT64_MAX) return;
	in_s = i->expires_s > now_s ? i->expires_s - now_s : 0;
	if (in_s > LOOK_AGAIN_S) in_s = LOOK_AGAIN_S;
	eio_clock_set(client_of(i->socket)->clients->options.clock, &i->timer, eio_clock_now(clock) + in_s * 1000);
}

static void
on_identity_timer(struct eio_timer *t)
{
	struct identity *i = EIO_CONTAINER(t, struct identity, timer);

	if (identity_now_s() < i->expires_s)
		arm_identity(i);
	else
		i->expired(i->socket);
}

void
identity_clear(struct sio_socket *s)
{
	struct client_socket *own = client_socket_of(s);

	if (!own->identity) return;
	eio_clock_set(client_of(s)->clients->options.clock, &own->identity->timer, UINT64_MAX);
	free(own->identity);
	own->identity = NULL;
}

bool
identity_set(struct sio_socket *s, const struct identity_claims *claims)
{
	struct identity *i = malloc(sizeof *i + claims->json.n);

	if (!i) return false;
	identity_clear(s);
	eio_timer_init(&i->timer, on_identity_timer);
	i->socket = s;
	i->expires_s = claims->expires_s;
	i->expired = claims->expired;
	i->n = claims->json.n;
	if (i->n) memcpy(i->claims, claims->json.p, i->n);
	client_socket_of(s)->identity = i;
	arm_identity(i);
	return true;
}

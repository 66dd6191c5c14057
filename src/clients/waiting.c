/* SPDX-License-Identifier: MIT */
/* CONNECTs that wait: what there is of them. */
#include "src/clients/waiting.h"

#include "src/clients/clients_int.h"

#include <stdlib.h>

static void
copy_part(char **p, size_t *n, struct eio_bytes s)
{
	if (s.n) memcpy(*p, s.p, s.n);
	*p += s.n;
	*n = s.n;
}

static struct eio_bytes
next_part(const char **p, size_t n)
{
	struct eio_bytes s = { *p, n };

	*p += n;
	return s;
}

struct waiting *
waiting_new(const struct admission *a, const struct waiting_parts *parts)
{
	size_t n = a->nsp.n + a->auth.n + a->query.n + parts->claims.n + parts->rooms.n + parts->events.n;
	struct waiting *w = calloc(1, sizeof *w + n);
	const unsigned char *random = parts->random;
	char *p;

	if (!w) return NULL;
	if (!random) random = eio_random_take(a->client->clients->options.random, SIO_ID_RANDOM);
	w->magic = WAITING_MAGIC;
	w->client = a->client;
	w->namespace = parts->namespace;
	w->expires_s = parts->expires_s;
	memcpy(w->random, random, SIO_ID_RANDOM);
	w->has_auth = a->auth.p != NULL;
	p = w->bytes;
	copy_part(&p, &w->nsp_n, a->nsp);
	copy_part(&p, &w->auth_n, a->auth);
	copy_part(&p, &w->query_n, a->query);
	copy_part(&p, &w->claims_n, parts->claims);
	copy_part(&p, &w->rooms_n, parts->rooms);
	copy_part(&p, &w->events_n, parts->events);
	eio_list_add_tail(&a->client->waiting, &w->link);
	namespaces_ref(w->namespace->all);
	metrics_inc(w->namespace->metrics, NAMESPACE_METRIC_WAITING);
	return w;
}

struct admission
waiting_read(const struct waiting *w, struct waiting_parts *parts)
{
	struct admission a = { .client = w->client };
	const char *p = w->bytes;

	a.nsp = next_part(&p, w->nsp_n);
	a.auth = next_part(&p, w->auth_n);
	if (!w->has_auth) a.auth.p = NULL;
	a.query = next_part(&p, w->query_n);
	*parts = (struct waiting_parts){ .namespace = w->namespace, .random = w->random, .expires_s = w->expires_s };
	parts->claims = next_part(&p, w->claims_n);
	parts->rooms = next_part(&p, w->rooms_n);
	parts->events = next_part(&p, w->events_n);
	return a;
}

void
waiting_free(struct waiting *w)
{
	metrics_sub(w->namespace->metrics, NAMESPACE_METRIC_WAITING, 1);
	namespaces_unref(w->namespace->all);
	eio_list_remove(&w->link);
	w->magic = 0;
	free(w);
}

bool
waiting_for(const struct client *c, struct eio_bytes nsp)
{
	for (const struct eio_list *l = c->waiting.next; l != &c->waiting; l = l->next) {
		const struct waiting *w = EIO_CONTAINER((struct eio_list *)(uintptr_t)l, struct waiting, link);

		if (eio_bytes_eq(eio_bytes(w->bytes, w->nsp_n), nsp)) return true;
	}
	return false;
}

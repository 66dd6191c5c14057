/* SPDX-License-Identifier: MIT */
/*
 * Looking for the other nodes: names are looked up again and again, and who is behind an address that a name without a
 * node stands for is asked by saying hello.
 */
#include "eio/check.h"
#include "src/peers/peers_int.h"

#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>

/* One name that is being looked up. */
struct peers_lookup {
	uv_getaddrinfo_t req;
	struct peers *peers;
	const struct peers_spec_node *spec;
};

void
peers__unref(struct peers *p)
{
	if (--p->refs) return;
	p->magic = 0;
	free(p);
}

struct peers_link *
peers__link_new(struct peers *p, struct peers_node *n)
{
	struct peers_link *l = peers_link_new(&p->link_options, n, eio_random_take(p->o.random, PEERS_NONCE));

	if (!l) return NULL;
	p->n_links++;
	eio_list_add_tail(&p->busy, peers_link_list(l));
	return l;
}

void
peers__link_close(struct peers *p, struct peers_link *l)
{
	p->n_links--;
	peers_link_close(l);
}

/* Whether a name of the configuration is an address; then where that is. */
static bool
is_numeric(const struct peers_spec_node *spec, union peers_address *out)
{
	return uv_ip4_addr(spec->host, (int)spec->port, &out->v4) == 0 ||
	       uv_ip6_addr(spec->host, (int)spec->port, &out->v6) == 0;
}

static bool
look_is_over(const struct peers *p)
{
	return p->looking == 0 && p->greeting == 0;
}

static void
end_look_if_over(struct peers *p)
{
	if (!look_is_over(p)) return;
	p->hurried = false;
	p->looked(p);
}

void
peers__look_greeted(struct peers *p)
{
	CHECK(p->greeting > 0);
	p->greeting--;
	end_look_if_over(p);
}

/* Asks who is there, unless that is known. */
static void
greet_node(struct peers *p, struct peers_node *n)
{
	if (n->self || peers_node_is_down(n, eio_clock_now(p->o.clock)) || !eio_list_empty(&n->idle)) return;
	if (n->greeted && !p->hurried) return;
	if (peers__link_new(p, n)) p->greeting++;
}

static void
forget_links(void *user, struct peers_node *n)
{
	struct peers *p = user;

	while (!eio_list_empty(&n->idle)) peers__link_close(p, peers_link_of_list(n->idle.next));
}

static void
take_found(struct peers *p, const struct peers_spec_node *spec, const struct sockaddr *address)
{
	struct peers_node *n = peers_nodes_found(&p->nodes, spec, address);

	if (n && !spec->name) greet_node(p, n);
}

static void
on_peers_found(uv_getaddrinfo_t *req, int status, struct addrinfo *addresses)
{
	struct peers_lookup *lookup = EIO_CONTAINER(req, struct peers_lookup, req);
	struct peers *p = lookup->peers;

	CHECK_MAGIC(p, PEERS_MAGIC);
	p->looking--;
	if (status == 0 && !p->drained) {
		for (struct addrinfo *a = addresses; a; a = a->ai_next) take_found(p, lookup->spec, a->ai_addr);
		peers_nodes_end(&p->nodes, lookup->spec, forget_links, p);
	}
	if (addresses) uv_freeaddrinfo(addresses);
	free(lookup);
	if (!p->drained) end_look_if_over(p);
	peers__unref(p);
}

static void
look_up_name(struct peers *p, const struct peers_spec_node *spec)
{
	struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM };
	struct peers_lookup *lookup = calloc(1, sizeof *lookup);
	char port[16];

	snprintf(port, sizeof port, "%u", spec->port);
	if (!lookup) return;
	lookup->peers = p;
	lookup->spec = spec;
	if (uv_getaddrinfo(p->o.loop, &lookup->req, on_peers_found, spec->host, port, &hints)) {
		free(lookup);
		return;
	}
	p->looking++;
	p->refs++;
}

/* Whether looks are needed at all. */
static bool
has_names(const struct peers *p)
{
	union peers_address address;

	for (size_t i = 0; i < p->o.spec->n; i++)
		if (!p->o.spec->v[i].name || !is_numeric(&p->o.spec->v[i], &address)) return true;
	return false;
}

bool
peers__look_helps(const struct peers *p)
{
	if (!look_is_over(p)) return true;
	return has_names(p) && eio_clock_now(p->o.clock) - p->looked_ms >= PEERS_HURRY_MS;
}

void
peers__look(struct peers *p, bool hurried)
{
	union peers_address address;

	p->hurried |= hurried;
	if (!look_is_over(p)) return;
	p->looked_ms = eio_clock_now(p->o.clock);
	eio_clock_set(p->o.clock, &p->look_timer, p->looked_ms + PEERS_LOOK_MS);
	peers_nodes_begin(&p->nodes);
	/* Held, so that it does not end before all have begun. */
	p->looking++;
	for (size_t i = 0; i < p->o.spec->n; i++) {
		const struct peers_spec_node *spec = &p->o.spec->v[i];

		if (!is_numeric(spec, &address))
			look_up_name(p, spec);
		else if (!spec->name)
			take_found(p, spec, &address.any);
	}
	p->looking--;
	end_look_if_over(p);
}

static void
on_look_timer(struct eio_timer *t)
{
	struct peers *p = EIO_CONTAINER(t, struct peers, look_timer);

	CHECK_MAGIC(p, PEERS_MAGIC);
	peers__look(p, false);
}

void
peers__look_init(struct peers *p)
{
	eio_timer_init(&p->look_timer, on_look_timer);
}

void
peers__look_begin(struct peers *p)
{
	union peers_address address;

	for (size_t i = 0; i < p->o.spec->n; i++)
		if (p->o.spec->v[i].name && is_numeric(&p->o.spec->v[i], &address))
			peers_nodes_found(&p->nodes, &p->o.spec->v[i], &address.any);
	if (has_names(p)) peers__look(p, false);
}

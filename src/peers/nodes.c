/* SPDX-License-Identifier: MIT */
/* The table of other nodes. There are few of them, so it is a list. */
#include "src/peers/nodes.h"

#include "eio/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct peers_node *
node_new(struct peers_nodes *t, const struct peers_spec_node *spec)
{
	struct peers_node *n = calloc(1, sizeof *n);

	if (!n) return NULL;
	n->spec = spec;
	n->refs = 1;
	n->address.any.sa_family = AF_UNSPEC;
	eio_list_init(&n->idle);
	eio_list_add_tail(&t->all, &n->link);
	t->n++;
	return n;
}

static void
node_forget(struct peers_nodes *t, struct peers_node *n)
{
	eio_list_remove(&n->link);
	t->n--;
	peers_node_unref(n);
}

struct peers_node *
peers_node_ref(struct peers_node *n)
{
	n->refs++;
	return n;
}

void
peers_node_unref(struct peers_node *n)
{
	if (--n->refs) return;
	CHECK(eio_list_empty(&n->idle));
	free(n);
}

int
peers_nodes_init(struct peers_nodes *t, const struct peers_spec *spec, const char *own)
{
	*t = (struct peers_nodes){ .own = own };
	eio_list_init(&t->all);
	for (size_t i = 0; i < spec->n; i++) {
		struct peers_node *n;

		if (!spec->v[i].name || strcmp(spec->v[i].name, own) == 0) continue;
		n = node_new(t, &spec->v[i]);
		if (!n) {
			peers_nodes_deinit(t);
			return -1;
		}
		snprintf(n->name, sizeof n->name, "%s", spec->v[i].name);
	}
	return 0;
}

void
peers_nodes_deinit(struct peers_nodes *t)
{
	while (!eio_list_empty(&t->all)) node_forget(t, EIO_CONTAINER(t->all.next, struct peers_node, link));
}

struct peers_node *
peers_nodes_find(const struct peers_nodes *t, struct eio_bytes name)
{
	for (struct eio_list *l = t->all.next; l != &t->all; l = l->next) {
		struct peers_node *n = EIO_CONTAINER(l, struct peers_node, link);

		if (!n->self && eio_bytes_eq(eio_cstr(n->name), name)) return n;
	}
	return NULL;
}

/* Rounds */

void
peers_nodes_begin(struct peers_nodes *t)
{
	for (struct eio_list *l = t->all.next; l != &t->all; l = l->next)
		EIO_CONTAINER(l, struct peers_node, link)->found = false;
}

static bool
is_same_place(const union peers_address *a, const union peers_address *b)
{
	if (a->any.sa_family != b->any.sa_family) return false;
	if (a->any.sa_family == AF_INET)
		return a->v4.sin_port == b->v4.sin_port && a->v4.sin_addr.s_addr == b->v4.sin_addr.s_addr;
	return a->v6.sin6_port == b->v6.sin6_port && a->v6.sin6_scope_id == b->v6.sin6_scope_id &&
	       memcmp(&a->v6.sin6_addr, &b->v6.sin6_addr, sizeof a->v6.sin6_addr) == 0;
}

static bool
take_address(const struct sockaddr *sa, union peers_address *out)
{
	memset(out, 0, sizeof *out);
	if (sa->sa_family == AF_INET)
		memcpy(&out->v4, sa, sizeof out->v4);
	else if (sa->sa_family == AF_INET6)
		memcpy(&out->v6, sa, sizeof out->v6);
	else
		return false;
	return true;
}

/* The node of a spec at that address, or, of one with a name, anywhere. */
static struct peers_node *
node_at(const struct peers_nodes *t, const struct peers_spec_node *spec, const union peers_address *address)
{
	for (struct eio_list *l = t->all.next; l != &t->all; l = l->next) {
		struct peers_node *n = EIO_CONTAINER(l, struct peers_node, link);

		if (n->spec == spec && (spec->name || is_same_place(&n->address, address))) return n;
	}
	return NULL;
}

struct peers_node *
peers_nodes_found(struct peers_nodes *t, const struct peers_spec_node *spec, const struct sockaddr *address)
{
	union peers_address at;
	struct peers_node *n;

	if (!take_address(address, &at)) return NULL;
	n = node_at(t, spec, &at);
	if (!n && (spec->name || t->n >= PEERS_FOUND_MAX)) return NULL;
	if (!n) n = node_new(t, spec);
	if (!n) return NULL;
	/* Of several addresses the first counts. */
	if (!n->found) n->address = at;
	n->found = true;
	return n;
}

void
peers_nodes_end(struct peers_nodes *t, const struct peers_spec_node *spec,
	void (*gone)(void *user, struct peers_node *n), void *user)
{
	struct eio_list *l, *next;

	EIO_LIST_FOREACH_SAFE(l, next, &t->all)
	{
		struct peers_node *n = EIO_CONTAINER(l, struct peers_node, link);

		if (n->spec != spec || spec->name || n->found) continue;
		gone(user, n);
		node_forget(t, n);
	}
}

bool
peers_node_greeted(struct peers_nodes *t, struct peers_node *n, const char *name)
{
	n->self = !n->spec->name && strcmp(name, t->own) == 0;
	n->greeted = !n->self && (!n->spec->name || strcmp(n->spec->name, name) == 0);
	/* Behind an address that a name stands for there may be another node than the last time. */
	if (!n->spec->name) snprintf(n->name, sizeof n->name, "%s", name);
	return n->greeted;
}

void
peers_node_failed(struct peers_node *n, uint64_t now_ms)
{
	n->down_until_ms = now_ms + PEERS_DOWN_MS;
	n->greeted = false;
}

/* SPDX-License-Identifier: MIT */
/* Reading CLUSTER SLOTS. */
#include "src/redis/topology.h"

#include "src/redis/host.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_PORT = 65535 };

int
redis_topology_init(struct redis_topology *t)
{
	*t = (struct redis_topology){ .owners = calloc(REDIS_SLOTS, sizeof *t->owners) };
	return t->owners ? 0 : -1;
}

static void
clear_topology(struct redis_topology *t)
{
	for (size_t i = 0; i < t->n; i++) free(t->nodes[i].host);
	t->n = 0;
	memset(t->owners, 0, REDIS_SLOTS * sizeof *t->owners);
}

void
redis_topology_deinit(struct redis_topology *t)
{
	if (t->owners) clear_topology(t);
	free(t->nodes);
	free(t->owners);
	*t = (struct redis_topology){ .n = 0 };
}

/* Nodes */

static bool
append_node(struct redis_topology *t, struct eio_bytes host, unsigned port)
{
	size_t cap = t->cap ? 2 * t->cap : 16;
	struct redis_node *nodes;
	char *copy;

	if (t->n == REDIS_TOPOLOGY_NODES) return false;
	if (t->n == t->cap) {
		nodes = realloc(t->nodes, cap * sizeof *nodes);
		if (!nodes) return false;
		t->nodes = nodes;
		t->cap = cap;
	}
	copy = strndup(host.p, host.n);
	if (!copy) return false;
	t->nodes[t->n++] = (struct redis_node){ copy, port };
	return true;
}

/* The number of a node from 1, which is one more where it was not known; 0: there is no room. */
static size_t
number_of_node(struct redis_topology *t, struct eio_bytes host, unsigned port)
{
	for (size_t i = t->n; i > 0; i--)
		if (t->nodes[i - 1].port == port && eio_bytes_eq(eio_cstr(t->nodes[i - 1].host), host)) return i;
	return append_node(t, host, port) ? t->n : 0;
}

/* Answers */

struct answer_reader {
	struct redis_topology *t;
	const struct redis_values *values;
	size_t at;
	const char *asked_host, *why;
	size_t ranges, known; /* slots in what was read, and those whose master is known */
};

static bool
say_wrong(struct answer_reader *r, const char *why)
{
	r->why = why;
	return false;
}

static bool
next_item(struct answer_reader *r, enum redis_item_kind kind, struct redis_item *out)
{
	if (redis_values_next(r->values, &r->at, out) && out->kind == kind) return true;
	return say_wrong(r, "what it says of slots is not understood");
}

/* Passes over some items with all that is in them. */
static bool
pass_items(struct answer_reader *r, size_t n)
{
	struct redis_item item;

	for (; n > 0; n--) {
		if (!redis_values_next(r->values, &r->at, &item)) return say_wrong(r, "what it says of slots is cut");
		if (item.kind == REDIS_ITEM_ARRAY) n += item.n;
	}
	return true;
}

/* Looks for the address of a node whose name nobody knows among what else is said of it: names and values in turn. */
static bool
read_metadata(struct answer_reader *r, size_t n, struct eio_bytes *host)
{
	struct redis_item key, value;

	for (; n >= 2; n -= 2) {
		if (!next_item(r, REDIS_ITEM_STRING, &key)) return false;
		if (!redis_values_next(r->values, &r->at, &value)) return say_wrong(r, "what it says of slots is cut");
		if (value.kind == REDIS_ITEM_ARRAY && !pass_items(r, value.n)) return false;
		if (value.kind == REDIS_ITEM_STRING && !redis_is_host(*host) && redis_is_host(value.bytes) &&
			(eio_bytes_eq(key.bytes, EIO_LIT("ip")) || eio_bytes_eq(key.bytes, EIO_LIT("hostname"))))
			*host = value.bytes;
	}
	return pass_items(r, n);
}

/* *number: 0 where nobody knows where it is. */
static bool
read_node(struct answer_reader *r, size_t *number)
{
	struct redis_item node, host, port, more;
	struct eio_bytes name;

	*number = 0;
	if (!next_item(r, REDIS_ITEM_ARRAY, &node)) return false;
	if (node.n < 2 || !redis_values_next(r->values, &r->at, &host))
		return say_wrong(r, "what it says of a node is not understood");
	if (!next_item(r, REDIS_ITEM_INTEGER, &port)) return false;
	if (host.kind != REDIS_ITEM_STRING && host.kind != REDIS_ITEM_NIL)
		return say_wrong(r, "what it says of a node is not understood");
	name = host.kind == REDIS_ITEM_STRING && host.bytes.n ? host.bytes : eio_cstr(r->asked_host);
	if (node.n > 2 && !pass_items(r, 1)) return false; /* its id */
	if (node.n > 3) {
		if (!next_item(r, REDIS_ITEM_ARRAY, &more) || !read_metadata(r, more.n, &name)) return false;
		if (!pass_items(r, node.n - 4)) return false;
	}
	if (!redis_is_host(name) || port.n == 0 || port.n > MAX_PORT) return true;
	*number = number_of_node(r->t, name, (unsigned)port.n);
	return *number || say_wrong(r, "it knows too many nodes");
}

static bool
read_range(struct answer_reader *r)
{
	struct redis_item range, first, last;
	size_t master = 0, replica;

	if (!next_item(r, REDIS_ITEM_ARRAY, &range)) return false;
	if (range.n < 3) return say_wrong(r, "what it says of slots is not understood");
	if (!next_item(r, REDIS_ITEM_INTEGER, &first) || !next_item(r, REDIS_ITEM_INTEGER, &last)) return false;
	if (first.n > last.n || last.n >= REDIS_SLOTS) return say_wrong(r, "it speaks of slots that do not exist");
	r->ranges += last.n - first.n + 1;
	if (r->ranges > REDIS_SLOTS) return say_wrong(r, "it speaks of a slot twice");
	if (!read_node(r, &master)) return false;
	for (size_t i = 3; i < range.n; i++)
		if (!read_node(r, &replica)) return false;
	for (size_t i = first.n; i <= last.n; i++) r->t->owners[i] = (uint16_t)master;
	r->known += master ? last.n - first.n + 1 : 0;
	return true;
}

const char *
redis_topology_read(struct redis_topology *t, const struct redis_values *answer, const char *asked_host)
{
	struct answer_reader r = { .t = t, .values = answer, .asked_host = asked_host };
	struct redis_item all;

	clear_topology(t);
	if (answer->overflowed)
		r.why = "what it says of slots is too long";
	else if (next_item(&r, REDIS_ITEM_ARRAY, &all))
		for (size_t i = 0; i < all.n && read_range(&r);) i++;
	if (!r.why && !r.known) r.why = "it knows of no slots: it is in no Cluster that works";
	if (r.why) clear_topology(t);
	return r.why;
}

int
redis_topology_move(struct redis_topology *t, unsigned slot, struct eio_bytes host, unsigned port)
{
	size_t number = number_of_node(t, host, port);

	if (!number) return -1;
	t->owners[slot] = (uint16_t)number;
	return 0;
}

const struct redis_node *
redis_topology_owner(const struct redis_topology *t, unsigned slot)
{
	return t->owners[slot] ? &t->nodes[t->owners[slot] - 1] : NULL;
}

static bool
is_same_node(const struct redis_node *a, const struct redis_node *b)
{
	return a && b ? a->port == b->port && strcmp(a->host, b->host) == 0 : a == b;
}

/* Slots come in long ranges: what was compared last mostly holds. */
bool
redis_topology_is_same(const struct redis_topology *a, const struct redis_topology *b)
{
	unsigned one = 0, other = 0;

	for (unsigned i = 0; i < REDIS_SLOTS; i++) {
		if (a->owners[i] == one && b->owners[i] == other) continue;
		one = a->owners[i];
		other = b->owners[i];
		if (!is_same_node(redis_topology_owner(a, i), redis_topology_owner(b, i))) return false;
	}
	return true;
}

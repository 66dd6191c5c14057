/* SPDX-License-Identifier: MIT */
/* Messages that are the newest of their keys; see the header. */
#include "src/clients/stock.h"

#include "eio/check.h"

#include <stdlib.h>
#include <string.h>

enum { MESSAGE_COST = 48 }; /* of one beside its struct and bytes: its share of the table, and the allocator's */

/* A batch that is held. */
struct stock_hold {
	struct eio_list link; /* in stock->thin, or on no list */
	struct eio_list messages; /* whose bytes are in it */
	struct eio_block *block; /* a reference: the bundle's bytes; NULL where they are the keys' array */
	struct feed_keys *keys; /* a reference to those with the array; or NULL */
	size_t size, left; /* of its bytes; of those that are some message's */
	bool taking; /* its messages are being taken: it stays whatever is left */
};

int
stock_init(struct stock *s)
{
	*s = (struct stock){ 0 };
	eio_list_init(&s->order);
	eio_list_init(&s->thin);
	return eio_hash_init(&s->keys);
}

/* Holds */

static size_t
hold_cost(const struct stock_hold *h)
{
	return sizeof *h + h->size;
}

static struct stock_hold *
new_hold(struct stock *s, struct eio_bundle *bundle, struct feed_keys *keys)
{
	struct stock_hold *h = malloc(sizeof *h);

	if (!h) return NULL;
	*h = (struct stock_hold){ .taking = true };
	eio_list_init(&h->link);
	eio_list_init(&h->messages);
	if (keys->array) {
		h->keys = feed_keys_ref(keys);
		h->size = feed_keys_size(keys);
	} else {
		h->block = eio_block_ref(eio_bundle_wire(bundle, EIO_WIRE_WS));
		h->size = h->block->n;
	}
	s->bytes += hold_cost(h);
	return h;
}

static void
free_hold(struct stock *s, struct stock_hold *h)
{
	s->bytes -= hold_cost(h);
	eio_list_remove(&h->link);
	eio_block_unref(h->block);
	feed_keys_unref(h->keys);
	free(h);
}

/* Notes it when so little is left that it is not worth its bytes. */
static void
weigh_hold(struct stock *s, struct stock_hold *h)
{
	if (h->taking || h->left > h->size / 2) return;
	eio_list_remove(&h->link);
	eio_list_add_tail(&s->thin, &h->link);
}

/* Messages */

static size_t
message_cost(const struct stock_message *m)
{
	return sizeof *m + m->cap + MESSAGE_COST;
}

static void
leave_hold(struct stock *s, struct stock_message *m)
{
	struct stock_hold *h = m->hold;

	m->hold = NULL;
	if (!h) return;
	eio_list_remove(&m->held);
	h->left -= m->bytes.n;
	weigh_hold(s, h);
}

static void
forget_message(struct stock *s, struct stock_message *m)
{
	leave_hold(s, m);
	s->bytes -= message_cost(m);
	s->count--;
	if (m->keyed) eio_hash_remove(&s->keys, &m->node);
	eio_list_remove(&m->link);
	free(m);
}

/* One on no list, with room for so many bytes of its own. */
static struct stock_message *
store_message(struct stock *s, uint64_t key, size_t cap)
{
	struct stock_message *m = malloc(sizeof *m + cap);

	if (!m) return NULL;
	*m = (struct stock_message){ .cap = cap, .keyed = key != FEED_KEY_NONE };
	if (m->keyed) eio_hash_add(&s->keys, &m->node, key);
	eio_list_init(&m->link);
	eio_list_init(&m->held);
	s->count++;
	s->bytes += message_cost(m);
	return m;
}

static void
fill_own(struct stock_message *m, struct eio_bytes bytes)
{
	CHECK(bytes.n <= m->cap);
	if (bytes.n) memcpy(m->own, bytes.p, bytes.n);
	m->bytes = eio_bytes(m->own, bytes.n);
}

/* A message of a hold gets bytes of its own, in its place. False when out of memory: then nothing has changed. */
static bool
copy_out(struct stock *s, struct stock_message *m)
{
	struct stock_message *own = store_message(s, m->keyed ? m->node.hash : FEED_KEY_NONE, m->bytes.n);

	if (!own) return false;
	fill_own(own, m->bytes);
	own->number = m->number;
	own->extra = m->extra;
	eio_list_add_tail(&m->link, &own->link); /* before it: a list is a circle */
	forget_message(s, m);
	return true;
}

/* What is left of thin holds is copied. What there is no memory for stays in its hold until that loses another one. */
static void
empty_thin(struct stock *s)
{
	while (!eio_list_empty(&s->thin)) {
		struct stock_hold *h = EIO_CONTAINER(s->thin.next, struct stock_hold, link);

		h->taking = true;
		while (!eio_list_empty(&h->messages) &&
			copy_out(s, EIO_CONTAINER(h->messages.next, struct stock_message, held))) {
		}
		h->taking = false;
		eio_list_remove(&h->link);
		if (eio_list_empty(&h->messages)) free_hold(s, h);
	}
}

static struct stock_message *
oldest_message(const struct stock *s)
{
	return EIO_CONTAINER(s->order.next, struct stock_message, link);
}

void
stock_give_up(struct stock *s)
{
	CHECK(s->count > 0);
	forget_message(s, oldest_message(s));
	empty_thin(s);
}

void
stock_deinit(struct stock *s)
{
	while (s->count) stock_give_up(s);
	eio_hash_deinit(&s->keys);
}

/* Taking a batch */

static struct stock_message *
find_message(const struct stock *s, uint64_t key)
{
	struct eio_hash_node *node = key == FEED_KEY_NONE ? NULL : eio_hash_find(&s->keys, key);

	return node ? EIO_CONTAINER(node, struct stock_message, node) : NULL;
}

/* The message of that key is to be replaced: it, or a new one, with room for so many bytes of its own. Memory is used
 * again where it fits, and not kept when it is much too large. NULL when out of memory. */
static struct stock_message *
vacate_key(struct stock *s, uint64_t key, size_t n)
{
	struct stock_message *m = find_message(s, key);

	if (m && m->cap >= n && m->cap / 4 <= n) {
		leave_hold(s, m);
		return m;
	}
	if (m) forget_message(s, m);
	return store_message(s, key, n);
}

/* A message of that key becomes the newest; h: what holds its bytes, or NULL. */
static void
replace_message(struct stock *s, struct stock_hold *h, uint64_t key, uint64_t number, const struct eio_message *as)
{
	struct stock_message *m = vacate_key(s, key, h ? 0 : as->data.n);

	if (!m) {
		s->failed = true;
		return;
	}
	if (h) {
		m->hold = h;
		m->bytes = as->data;
		h->left += m->bytes.n;
		eio_list_add_tail(&h->messages, &m->held);
	} else {
		fill_own(m, as->data);
	}
	eio_list_remove(&m->link);
	eio_list_add_tail(&s->order, &m->link);
	m->number = number;
	m->extra = as->extra;
}

/* The i-th message of a batch. */
static struct eio_message
marked_message(const struct eio_bundle *bundle, const struct feed_keys *keys, size_t i)
{
	struct eio_message m;
	size_t from = keys->v[i].at, to;

	CHECK(eio_bundle_message(bundle, keys->packet, &m));
	if (keys->whole) return m;
	if (keys->array) m.data = eio_bytes(keys->array, keys->array_n);
	to = i + 1 < keys->n ? keys->v[i + 1].at - keys->list : keys->last;
	CHECK(from <= to && to <= m.data.n);
	return (struct eio_message){ .data = eio_bytes(m.data.p + from, to - from) };
}

size_t
stock_add(struct stock *s, struct eio_bundle *bundle, struct feed_keys *keys, uint64_t last)
{
	bool large = eio_bundle_size(bundle) + keys->array_n >= STOCK_HOLD_BYTES;
	struct stock_hold *h = large ? new_hold(s, bundle, keys) : NULL;
	uint64_t number = last - keys->n;
	size_t given_up = 0;

	/* Without memory for a hold they are copied. */
	for (size_t i = 0; i < keys->n; i++) {
		const struct eio_message m = marked_message(bundle, keys, i);

		replace_message(s, h, keys->v[i].key, ++number, &m);
		if (s->count <= keys->max) continue;
		forget_message(s, oldest_message(s));
		given_up++;
	}
	if (h) {
		h->taking = false;
		weigh_hold(s, h);
	}
	empty_thin(s);
	return given_up;
}

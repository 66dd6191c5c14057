/* SPDX-License-Identifier: MIT */
/* The newest message of each key; see the header. */
#include "src/clients/newest.h"

#include "eio/check.h"
#include "src/columns/columns.h"

#include <stdlib.h>
#include <string.h>

enum {
	RECENT_BYTES = 1 << 18, /* with more than this, batches are taken apart */
	PACKETS_MAX = 1 + 10, /* of a bundle: the event and as many attachments as clients take */
};

int
newest_init(struct newest *n)
{
	*n = (struct newest){ 0 };
	return stock_init(&n->stock);
}

static void
drop_batch(struct newest_batch *b)
{
	eio_bundle_unref(b->bundle);
	feed_keys_unref(b->keys);
	*b = (struct newest_batch){ 0 };
}

static void
drop_oldest_batch(struct newest *n)
{
	drop_batch(&n->recent[0]);
	memmove(n->recent, n->recent + 1, --n->n_recent * sizeof n->recent[0]);
}

static void
forget_taken(struct newest *n)
{
	eio_bundle_unref(n->taken);
	n->taken = NULL;
}

void
newest_deinit(struct newest *n)
{
	forget_taken(n);
	while (n->n_recent) drop_oldest_batch(n);
	drop_batch(&n->like);
	stock_deinit(&n->stock);
}

/* Taking batches apart */

/* A bundle as that of a batch, with these bytes for its messages. */
static struct eio_bundle *
bundle_like(const struct newest_batch *like, struct eio_bytes messages)
{
	const struct feed_keys *k = like->keys;
	struct eio_message all[PACKETS_MAX], *m = &all[k->packet];
	struct eio_bytes data;
	size_t n = 0;

	while (n < PACKETS_MAX && eio_bundle_message(like->bundle, n, &all[n])) n++;
	CHECK(n > k->packet);
	data = m->data;
	m->data = eio_bytes(data.p, k->begin);
	m->more[0] = messages;
	m->more[1] = eio_bytes(data.p + k->end, data.n - k->end);
	return eio_bundle_new(all, n);
}

/* Keeps of a batch what its broadcasts look like, which takes little. */
static void
keep_likeness(struct newest *n, const struct newest_batch *b)
{
	struct feed_keys *k = malloc(sizeof *k);

	drop_batch(&n->like);
	if (k) {
		*k = (struct feed_keys){ .max = b->keys->max,
			.whole = b->keys->whole,
			.list = b->keys->list,
			.columns = b->keys->columns,
			.packet = b->keys->packet,
			.begin = b->keys->begin,
			.end = b->keys->begin };
		atomic_init(&k->refs, 1);
		n->like = (struct newest_batch){ .bundle = bundle_like(b, eio_bytes(NULL, 0)), .keys = k };
	}
	if (!n->like.bundle) n->stock.failed = true;
}

/* Takes the oldest batch apart and lets go of it. */
static void
retire_oldest_batch(struct newest *n)
{
	const struct newest_batch *b = &n->recent[0];

	n->given_up += stock_add(&n->stock, b->bundle, b->keys, b->last);
	if (n->n_recent == 1) keep_likeness(n, b);
	drop_oldest_batch(n);
}

static size_t
recent_bytes(const struct newest *n)
{
	size_t bytes = 0;

	for (unsigned i = 0; i < n->n_recent; i++)
		bytes += eio_bundle_size(n->recent[i].bundle) + n->recent[i].keys->array_n;
	return bytes;
}

void
newest_add(struct newest *n, struct eio_bundle *bundle, struct feed_keys *keys)
{
	forget_taken(n);
	while (n->n_recent == NEWEST_RECENT || (n->n_recent > 1 && recent_bytes(n) > RECENT_BYTES))
		retire_oldest_batch(n);
	n->head += keys->n;
	n->recent[n->n_recent++] = (struct newest_batch){ eio_bundle_ref(bundle), feed_keys_ref(keys), n->head };
}

/* Putting together */

/* The batch that is all of what is asked for, or NULL. */
static const struct newest_batch *
exact_batch(const struct newest *n, uint64_t from, uint64_t to)
{
	for (unsigned i = 0; i < n->n_recent; i++) {
		const struct newest_batch *b = &n->recent[i];

		if (b->last == to && b->last - b->keys->n == from) return b;
	}
	return NULL;
}

/* What is put together, first to measure it. */
struct found {
	const struct eio_list *first; /* of newest->stock.order: the oldest that is asked for */
	size_t messages, bytes;
};

static struct found
find_newer(const struct newest *n, uint64_t from, uint64_t to)
{
	struct found f = { .first = &n->stock.order };

	for (const struct eio_list *l = n->stock.order.prev; l != &n->stock.order; l = l->prev) {
		const struct stock_message *m = EIO_CONTAINER(l, struct stock_message, link);

		if (m->number <= from) break;
		f.first = l;
		if (m->number > to) continue;
		f.messages++;
		f.bytes += m->bytes.n;
	}
	return f;
}

/* The next message from l on that is asked for; *l is left behind it. */
static const struct stock_message *
next_found(const struct eio_list **l, uint64_t to)
{
	const struct stock_message *m;

	do {
		m = EIO_CONTAINER(*l, struct stock_message, link);
		*l = (*l)->next;
	} while (m->number > to);
	return m;
}

/* A bundle of as many packets as there are messages: each is a text that ends in JSON. */
static struct eio_bundle *
bundle_of_packets(const struct found *f, uint64_t to)
{
	struct eio_message *all = malloc(f->messages * sizeof *all);
	struct eio_bundle *bundle = NULL;
	const struct eio_list *l = f->first;

	if (!all) return NULL;
	for (size_t i = 0; i < f->messages; i++) {
		const struct stock_message *m = next_found(&l, to);

		all[i] = (struct eio_message){ .json = true, .data = m->bytes, .extra = m->extra };
	}
	bundle = eio_bundle_new(all, f->messages);
	free(all);
	return bundle;
}

/* The messages one behind the other, in mem. */
static struct eio_bytes
string_together(char *mem, const struct feed_keys *k, const struct found *f, uint64_t to)
{
	const struct eio_list *l = f->first;
	char *p = mem;

	if (k->columns) *p++ = '[';
	for (size_t i = 0; i < f->messages; i++) {
		const struct stock_message *m = next_found(&l, to);

		if (k->list && i) *p++ = ',';
		if (m->bytes.n) memcpy(p, m->bytes.p, m->bytes.n);
		p += m->bytes.n;
	}
	if (k->columns) *p++ = ']';
	return eio_bytes(mem, (size_t)(p - mem));
}

/* One batch of all that was found. */
static struct eio_bundle *
bundle_of_batch(const struct newest *n, const struct found *f, uint64_t to)
{
	const struct feed_keys *k = n->like.keys;
	char *mem = malloc(f->bytes + f->messages + 2);
	struct columns *c = mem && k->columns ? columns_new() : NULL;
	struct eio_bytes messages, batch;
	struct eio_bundle *bundle;

	if (!mem) return NULL;
	messages = string_together(mem, k, f, to);
	/* Without memory for columns it goes out as the array. */
	if (c && columns_encode(c, messages, &batch)) messages = batch;
	bundle = bundle_like(&n->like, messages);
	columns_free(c);
	free(mem);
	return bundle;
}

void
newest_settle(struct newest *n)
{
	while (n->n_recent) retire_oldest_batch(n);
}

int
newest_take(struct newest *n, uint64_t from, uint64_t to, struct newest_news *news)
{
	const struct newest_batch *exact = exact_batch(n, from, to);
	struct found f;

	*news = (struct newest_news){ 0 };
	if (exact) {
		*news = (struct newest_news){ eio_bundle_ref(exact->bundle), exact->keys->n };
		return 0;
	}
	if (n->taken && n->taken_from == from && n->taken_to == to) {
		*news = (struct newest_news){ eio_bundle_ref(n->taken), n->taken_messages };
		return 0;
	}
	newest_settle(n);
	if (n->stock.failed) return -1;
	f = find_newer(n, from, to);
	if (!f.messages) return 0;
	news->bundle = n->like.keys->whole ? bundle_of_packets(&f, to) : bundle_of_batch(n, &f, to);
	news->messages = f.messages;
	if (!news->bundle) return -1;
	forget_taken(n);
	n->taken = eio_bundle_ref(news->bundle);
	n->taken_from = from;
	n->taken_to = to;
	n->taken_messages = f.messages;
	return 0;
}

size_t
newest_cost(const struct newest *n)
{
	return n->stock.bytes + recent_bytes(n) + (n->taken ? eio_bundle_size(n->taken) : 0);
}

void
newest_trim(struct newest *n, size_t bytes, bool last_stays)
{
	if (newest_cost(n) > bytes) forget_taken(n);
	while (n->n_recent > last_stays && newest_cost(n) > bytes) retire_oldest_batch(n);
	while (n->stock.count && newest_cost(n) > bytes) {
		stock_give_up(&n->stock);
		n->given_up++;
	}
}

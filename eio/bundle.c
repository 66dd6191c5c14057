/* SPDX-License-Identifier: MIT */
/*
 * Bundles. The WebSocket form is made at once and is where the data lives: the
 * other forms are built from it when a client first needs one. Frames carry
 * their RFC 6455 header inside the block, so a fan-out is one write of one
 * block, whatever the number of packets.
 */
#include "eio/bundle.h"

#include "eio/base64.h"
#include "eio/bundle_int.h"
#include "eio/check.h"
#include "eio/frame.h"

#include <stdlib.h>

static struct eio_bundle *
bundle_alloc(size_t count)
{
	struct eio_bundle *b = malloc(sizeof *b + count * sizeof(struct eio__part));

	if (!b) return NULL;
	atomic_init(&b->refs, 1);
	b->count = (unsigned)count;
	b->size = 0;
	b->tally = NULL;
	for (int i = 0; i < EIO_WIRE_COUNT; i++) atomic_init(&b->wire[i], NULL);
	atomic_init(&b->variants, NULL);
	atomic_init(&b->bare, b);
	return b;
}

enum { MORE = sizeof(((struct eio_message *)NULL)->more) / sizeof(struct eio_bytes) };

static size_t
message_length(const struct eio_message *m)
{
	size_t n = m->data.n;

	for (size_t i = 0; i < MORE; i++) n += m->more[i].n;
	return n;
}

static char *
put_bytes(char *at, struct eio_bytes s)
{
	if (s.n) memcpy(at, s.p, s.n);
	return at + s.n;
}

/* Writes one frame at `at` and notes where its data lies. Returns how long the frame is. */
static size_t
put_frame(struct eio_bundle *b, struct eio__part *part, struct eio_block *block, size_t at, int type,
	const struct eio_message *m)
{
	size_t n = message_length(m) + !m->binary;
	size_t header = eio__frame_header(block->data + at, m->binary ? EIO__FRAME_BINARY : EIO__FRAME_TEXT, n);
	char *p = block->data + at + header;

	part->binary = m->binary;
	part->json = m->json;
	part->off = at + header;
	part->n = n;
	part->extra = m->extra;
	if (m->extra) atomic_init(&b->bare, NULL);
	b->size += n;
	if (!m->binary) *p++ = (char)('0' + type);
	p = put_bytes(p, m->data);
	for (size_t i = 0; i < MORE; i++) p = put_bytes(p, m->more[i]);
	return header + n;
}

static struct eio_bundle *
bundle_make(int type, const struct eio_message *m, size_t count)
{
	size_t max = 0, at = 0;
	struct eio_bundle *b = bundle_alloc(count);
	struct eio_block *block;

	CHECK(count > 0);
	if (!b) return NULL;
	for (size_t i = 0; i < count; i++) max += message_length(&m[i]) + 1 + EIO__FRAME_HEADER_MAX;
	block = eio_block_new(max);
	if (!block) {
		free(b);
		return NULL;
	}
	for (size_t i = 0; i < count; i++) at += put_frame(b, &b->parts[i], block, at, type, &m[i]);
	CHECK(at <= max);
	block->n = at;
	atomic_store_explicit(&b->wire[EIO_WIRE_WS], block, memory_order_release);
	return b;
}

struct eio_bundle *
eio_bundle_new(const struct eio_message *messages, size_t n)
{
	return bundle_make(EIO_PACKET_MESSAGE, messages, n);
}

struct eio_bundle *
eio_bundle_packet(enum eio_packet_type type, struct eio_bytes data)
{
	struct eio_message m = { .data = data, .json = true };

	return bundle_make((int)type, &m, 1);
}

/* Appends the parts of b, whose frames are copied to `at` in block. */
static void
join_one(struct eio_bundle *all, struct eio_block *block, size_t at, const struct eio_bundle *b)
{
	const struct eio_block *ws = atomic_load_explicit(&b->wire[EIO_WIRE_WS], memory_order_acquire);

	memcpy(block->data + at, ws->data, ws->n);
	for (unsigned i = 0; i < b->count; i++) {
		all->parts[all->count] = b->parts[i];
		all->parts[all->count++].off += at;
	}
	all->size += b->size;
	if (atomic_load_explicit(&b->bare, memory_order_relaxed) != b) atomic_init(&all->bare, NULL);
}

struct eio_bundle *
eio_bundle_join(struct eio_bundle *const *bundles, size_t n)
{
	size_t count = 0, bytes = 0, at = 0;
	struct eio_bundle *all;
	struct eio_block *block;

	CHECK(n > 0);
	for (size_t i = 0; i < n; i++) {
		count += bundles[i]->count;
		bytes += eio_bundle_wire(bundles[i], EIO_WIRE_WS)->n;
	}
	all = bundle_alloc(count);
	block = all ? eio_block_new(bytes) : NULL;
	if (!block) {
		free(all);
		return NULL;
	}
	all->count = 0;
	for (size_t i = 0; i < n; i++) {
		join_one(all, block, at, bundles[i]);
		at += eio_bundle_wire(bundles[i], EIO_WIRE_WS)->n;
	}
	CHECK(all->count == count && at == bytes);
	if (bundles[0]->tally) eio_bundle_count_in(all, bundles[0]->tally);
	atomic_store_explicit(&all->wire[EIO_WIRE_WS], block, memory_order_release);
	return all;
}

void
eio_bundle_count_in(struct eio_bundle *b, struct eio_bundle_tally *tally)
{
	b->tally = tally;
	eio__tally(&tally->plain[EIO_WIRE_WS]);
}

struct eio_bundle *
eio_bundle_ref(struct eio_bundle *b)
{
	atomic_fetch_add_explicit(&b->refs, 1, memory_order_relaxed);
	return b;
}

/* Frees what bundle_deflate.c made. */
static void
variants_free(struct eio__variants *t)
{
	if (!t) return;
	for (int i = 0; i < EIO_WIRE_COUNT; i++)
		eio_block_unref(atomic_load_explicit(&t->block[i], memory_order_relaxed));
	for (unsigned i = 0; i < t->count; i++) eio_bundle_unref(t->sources[i]);
	free(t);
}

void
eio_bundle_unref(struct eio_bundle *b)
{
	struct eio_bundle *bare;

	if (!b || atomic_fetch_sub_explicit(&b->refs, 1, memory_order_acq_rel) != 1) return;
	for (int i = 0; i < EIO_WIRE_COUNT; i++)
		eio_block_unref(atomic_load_explicit(&b->wire[i], memory_order_relaxed));
	variants_free(atomic_load_explicit(&b->variants, memory_order_relaxed));
	bare = atomic_load_explicit(&b->bare, memory_order_relaxed);
	if (bare != b) eio_bundle_unref(bare);
	free(b);
}

/* How long a packet is as text: itself, or "b" and base64. */
static size_t
text_len(const struct eio__part *p)
{
	return p->binary ? 1 + eio_base64_encoded_len(p->n) : p->n;
}

static size_t
put_text(char *out, const struct eio__part *p, const char *data)
{
	if (!p->binary) {
		memcpy(out, data + p->off, p->n);
		return p->n;
	}
	out[0] = 'b';
	return 1 + eio_base64_encode(out + 1, eio_bytes(data + p->off, p->n));
}

/* Revision 4: the packets as text, each after a frame header or, but for the first, after a record separator. */
static struct eio_block *
build_text(const struct eio__part *parts, unsigned count, const char *data, bool framed)
{
	size_t max = 0, at = 0;
	struct eio_block *block;

	for (unsigned i = 0; i < count; i++) max += EIO__FRAME_HEADER_MAX + text_len(&parts[i]);
	block = eio_block_new(max);
	if (!block) return NULL;
	for (unsigned i = 0; i < count; i++) {
		if (framed)
			at += eio__frame_header(block->data + at, EIO__FRAME_TEXT, text_len(&parts[i]));
		else if (i > 0)
			block->data[at++] = 0x1e;
		at += put_text(block->data + at, &parts[i], data);
	}
	CHECK(at <= max);
	block->n = at;
	return block;
}

static struct eio_block *
build_wire(const struct eio_bundle *b, const char *data, enum eio_wire wire)
{
	switch (wire) {
	case EIO_WIRE_POLLING: return build_text(b->parts, b->count, data, false);
	case EIO_WIRE_WS_B64: return build_text(b->parts, b->count, data, true);
	default: return eio__bundle_build_3(b->parts, b->count, data, wire);
	}
}

struct eio_block *
eio_bundle_wire(struct eio_bundle *b, enum eio_wire wire)
{
	struct eio_block *block = atomic_load_explicit(&b->wire[wire], memory_order_acquire);
	struct eio_block *ws, *raced = NULL;

	if (block) return block;
	ws = atomic_load_explicit(&b->wire[EIO_WIRE_WS], memory_order_acquire);
	block = build_wire(b, ws->data, wire);
	if (!block) return NULL;
	if (b->tally) eio__tally(&b->tally->plain[wire]);
	/* Two threads may build the same form at once; the first one stays, the other is thrown away. */
	if (atomic_compare_exchange_strong_explicit(
		    &b->wire[wire], &raced, block, memory_order_acq_rel, memory_order_acquire))
		return block;
	eio_block_unref(block);
	return raced;
}

struct eio_block *
eio_bundle_wire_soon(struct eio_bundle *b, enum eio_wire wire)
{
	struct eio_block *block = atomic_load_explicit(&b->wire[wire], memory_order_acquire);

	return block || b->size >= EIO_BUNDLE_LARGE ? block : eio_bundle_wire(b, wire);
}

bool
eio_bundle_message(const struct eio_bundle *b, size_t i, struct eio_message *out)
{
	const struct eio_block *ws = atomic_load_explicit(&b->wire[EIO_WIRE_WS], memory_order_acquire);
	const struct eio__part *part;
	size_t type; /* the digit that text begins with */

	if (i >= b->count) return false;
	part = &b->parts[i];
	type = part->binary ? 0 : 1;
	*out = (struct eio_message){
		.binary = part->binary,
		.json = part->json,
		.data = eio_bytes(ws->data + part->off + type, part->n - type),
		.extra = part->extra,
	};
	return true;
}

/* The same messages without their extras. NULL when out of memory. */
static struct eio_bundle *
make_bare(const struct eio_bundle *b)
{
	struct eio_message *messages = calloc(b->count, sizeof *messages);
	struct eio_bundle *bare;

	if (!messages) return NULL;
	for (size_t i = 0; eio_bundle_message(b, i, &messages[i]); i++) {
		struct eio_message *m = &messages[i];

		CHECK(!m->extra || m->extra < m->data.n);
		if (m->extra) m->more[0] = eio_bytes(m->data.p + m->data.n - 1, 1);
		if (m->extra) m->data.n -= m->extra + 1u;
		m->extra = 0;
	}
	bare = eio_bundle_new(messages, b->count);
	if (bare && b->tally) eio_bundle_count_in(bare, b->tally);
	free(messages);
	return bare;
}

struct eio_bundle *
eio_bundle_bare(struct eio_bundle *b)
{
	struct eio_bundle *bare = atomic_load_explicit(&b->bare, memory_order_acquire), *raced = NULL;

	if (bare) return bare;
	bare = make_bare(b);
	if (!bare || atomic_compare_exchange_strong_explicit(
			     &b->bare, &raced, bare, memory_order_acq_rel, memory_order_acquire))
		return bare;
	eio_bundle_unref(bare);
	return raced;
}

bool
eio_bundle_has_binary(const struct eio_bundle *b)
{
	for (unsigned i = 0; i < b->count; i++)
		if (b->parts[i].binary) return true;
	return false;
}

size_t
eio_bundle_size(const struct eio_bundle *b)
{
	return b->size;
}

/* SPDX-License-Identifier: MIT */
/*
 * The compressed variants of a bundle's wire forms. Each message is compressed with
 * a window of its own, so one variant serves all clients and variants can be put
 * together by putting their bytes together.
 *
 * All threads want a broadcast at the same moment. The first one claims the
 * work; the others may come back later, see the busy of eio_bundle_deflated().
 */
#include "eio/bundle_int.h"
#include "eio/check.h"
#include "eio/deflate.h"
#include "eio/frame.h"

#include <stdlib.h>

static struct eio__variants *
variants_alloc(size_t sources)
{
	struct eio__variants *t = malloc(sizeof *t + sources * sizeof(struct eio_bundle *));

	if (!t) return NULL;
	for (int i = 0; i < EIO_WIRE_COUNT; i++) {
		atomic_init(&t->block[i], NULL);
		atomic_init(&t->claimed[i], false);
	}
	t->count = (unsigned)sources;
	return t;
}

static struct eio__variants *
variants_of(struct eio_bundle *b)
{
	struct eio__variants *t = atomic_load_explicit(&b->variants, memory_order_acquire), *raced = NULL;

	if (t) return t;
	t = variants_alloc(0);
	if (!t) return NULL;
	if (atomic_compare_exchange_strong_explicit(
		    &b->variants, &raced, t, memory_order_acq_rel, memory_order_acquire))
		return t;
	free(t);
	return raced;
}

int
eio_bundle_remember(struct eio_bundle *joined, struct eio_bundle *const *bundles, size_t n)
{
	struct eio__variants *t = variants_alloc(n);

	if (!t) return -1;
	CHECK(!atomic_load_explicit(&joined->variants, memory_order_relaxed));
	for (size_t i = 0; i < n; i++) t->sources[i] = eio_bundle_ref(bundles[i]);
	atomic_store_explicit(&joined->variants, t, memory_order_release);
	return 0;
}

static bool
is_polling_wire(enum eio_wire wire)
{
	switch (wire) {
	case EIO_WIRE_POLLING:
	case EIO_WIRE_POLLING_3:
	case EIO_WIRE_POLLING_B64_3:
	case EIO_WIRE_POLLING_B64_3_TWICE: return true;
	default: return false;
	}
}

/* WebSocket frames */

/* Whether n bytes of data are compressed at all. */
static bool
is_compressed(size_t n, const struct eio_deflate *o)
{
	return n >= o->threshold && n > 0 && n <= EIO_DEFLATE_MOST;
}

/* Whether one of the frames is: to copy a large one for nothing would hold up others, too. */
static bool
any_compressed(const struct eio_block *plain, const struct eio_deflate *o)
{
	size_t header, n;

	for (size_t from = 0; from < plain->n; from += header + n) {
		n = eio__frame_data(plain->data + from, &header);
		if (is_compressed(n, o)) return true;
	}
	return false;
}

/* Writes the frame with its data compressed, when that makes it shorter. Returns how long it is, or 0. */
static size_t
put_deflated(char *out, const char *frame, size_t header, size_t n, const struct eio_deflate *o)
{
	size_t k = is_compressed(n, o) ? eio_deflate(out + header, n - 1, eio_bytes(frame + header, n), o) : 0;
	char head[EIO__FRAME_HEADER_MAX];
	size_t head_n;

	if (k == 0) return 0;
	/* The header of the shorter frame may be shorter too. */
	head_n = eio__frame_header(head, frame[0] & 0x0f, k);
	head[0] = (char)(head[0] | EIO__FRAME_RSV1);
	memmove(out + head_n, out + header, k);
	memcpy(out, head, head_n);
	return head_n + k;
}

static struct eio_block *
deflate_frames(struct eio_block *plain, const struct eio_deflate *o)
{
	size_t header, n, k;
	struct eio_buf all;
	bool any = false;
	char *to;

	if (!any_compressed(plain, o)) return eio_block_ref(plain);
	eio_buf_init(&all);
	to = eio_buf_reserve(&all, plain->n + EIO_DEFLATE_SLACK);
	for (size_t from = 0; to && from < plain->n; from += header + n) {
		n = eio__frame_data(plain->data + from, &header);
		k = put_deflated(to + all.n, plain->data + from, header, n, o);
		if (!k) memcpy(to + all.n, plain->data + from, header + n);
		any = any || k;
		all.n += k ? k : header + n;
		CHECK(all.n <= from + header + n);
	}
	if (any || !to) return eio_block_of_buf(&all);
	eio_buf_deinit(&all);
	return eio_block_ref(plain);
}

static struct eio_block *
join_frames(const struct eio__variants *t, enum eio_wire wire, const struct eio_deflate *o, bool *busy)
{
	struct eio_buf all;

	eio_buf_init(&all);
	for (unsigned i = 0; i < t->count; i++) {
		const struct eio_block *one = eio_bundle_deflated(t->sources[i], wire, o, busy);

		if (one)
			eio_buf_append(&all, one->data, one->n);
		else
			all.failed = true;
	}
	return eio_block_of_buf(&all);
}

/* Payloads */

static struct eio_block *
deflate_payload(const struct eio_block *plain, const struct eio_deflate *o)
{
	struct eio_zip z;

	eio_zip_begin(&z, EIO_CODING_PART);
	eio_zip_add(&z, eio_bytes(plain->data, plain->n), o);
	return eio_zip_end(&z);
}

static struct eio_block *
join_payloads(const struct eio__variants *t, enum eio_wire wire, const struct eio_deflate *o)
{
	struct eio_zip z;

	eio_zip_begin(&z, EIO_CODING_PART);
	for (unsigned i = 0; i < t->count; i++) {
		const struct eio_block *plain = eio_bundle_wire(t->sources[i], wire);
		const struct eio_block *one = eio_bundle_deflated(t->sources[i], wire, o, NULL);

		if (i > 0 && wire == EIO_WIRE_POLLING) eio_zip_add(&z, EIO_LIT("\x1e"), o);
		if (plain && one)
			eio_zip_add_part(&z, one, plain->n);
		else
			z.out.failed = true;
	}
	return eio_zip_end(&z);
}

static struct eio_block *
make_variant(const struct eio__variants *t, struct eio_block *plain, enum eio_wire wire, const struct eio_deflate *o,
	bool *busy)
{
	if (is_polling_wire(wire)) return t->count ? join_payloads(t, wire, o) : deflate_payload(plain, o);
	return t->count ? join_frames(t, wire, o, busy) : deflate_frames(plain, o);
}

/* Whether no message of it can reach the threshold. In base64 one may, and is sent plain all the same. */
static bool
never_compressed(const struct eio_bundle *b, enum eio_wire wire, const struct eio_deflate *o)
{
	return !is_polling_wire(wire) && b->size < o->threshold;
}

bool
eio_bundle_has(const struct eio_bundle *b, enum eio_wire wire, const struct eio_deflate *options)
{
	const struct eio__variants *t;

	if (b->size < EIO_BUNDLE_LARGE) return true;
	if (!atomic_load_explicit(&b->wire[wire], memory_order_acquire)) return false;
	if (!options || never_compressed(b, wire, options)) return true;
	t = atomic_load_explicit(&b->variants, memory_order_acquire);
	return t && atomic_load_explicit(&t->block[wire], memory_order_acquire);
}

struct eio_block *
eio_bundle_deflated(struct eio_bundle *b, enum eio_wire wire, const struct eio_deflate *options, bool *busy)
{
	struct eio_block *plain, *block, *raced = NULL;
	struct eio__variants *t;

	if (busy && !eio_bundle_has(b, wire, options)) {
		*busy = true;
		return NULL;
	}
	if (never_compressed(b, wire, options)) return eio_bundle_wire(b, wire);
	t = variants_of(b);
	if (!t) return NULL;
	block = atomic_load_explicit(&t->block[wire], memory_order_acquire);
	if (block) return block;
	if (atomic_exchange_explicit(&t->claimed[wire], true, memory_order_relaxed) && busy) {
		*busy = true;
		return NULL;
	}
	plain = eio_bundle_wire(b, wire);
	block = plain ? make_variant(t, plain, wire, options, busy) : NULL;
	if (!block) {
		atomic_store_explicit(&t->claimed[wire], false, memory_order_relaxed);
		return NULL;
	}
	if (b->tally) eio__tally(&b->tally->compressed[wire]);
	if (atomic_compare_exchange_strong_explicit(
		    &t->block[wire], &raced, block, memory_order_acq_rel, memory_order_acquire))
		return block;
	eio_block_unref(block);
	return raced;
}

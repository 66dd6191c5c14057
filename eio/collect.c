/* SPDX-License-Identifier: MIT */
/* Payloads out of the cached forms of bundles, plain or compressed. */
#include "eio/collect.h"

#include "eio/check.h"

/* Whether a payload of n bytes takes no more. */
static bool
payload_is_full(enum eio_wire wire, size_t n)
{
	return wire == EIO_WIRE_POLLING_3 && n >= EIO_BINARY_FORM_BYTES;
}

static struct eio_block *
collect_plain(struct eio_queue *q, enum eio_wire wire)
{
	bool alone = q->count == 1;
	struct eio_block *one = NULL;
	struct eio_buf all;

	eio_buf_init(&all);
	for (size_t i = 0; q->count > 0 && !payload_is_full(wire, all.n); i++) {
		struct eio_bundle *b = eio_queue_take(q);
		struct eio_block *w = eio_bundle_wire(b, wire);

		if (w && alone) one = eio_block_ref(w);
		if (!w) all.failed = true;
		if (w && !alone) {
			if (i > 0 && wire == EIO_WIRE_POLLING) eio_buf_addc(&all, 0x1e);
			eio_buf_append(&all, w->data, w->n);
		}
		eio_bundle_unref(b);
	}
	return one ? one : eio_block_of_buf(&all);
}

static struct eio_block *
collect_coded(
	struct eio_queue *q, enum eio_wire wire, const struct eio_deflate *o, enum eio_coding coding, size_t *plain_n)
{
	struct eio_zip z;

	eio_zip_begin(&z, coding);
	for (size_t i = 0; q->count > 0 && !payload_is_full(wire, z.n); i++) {
		struct eio_bundle *b = eio_queue_take(q);
		const struct eio_block *plain = eio_bundle_wire(b, wire);
		const struct eio_block *part = eio_bundle_deflated(b, wire, o, NULL);

		if (i > 0 && wire == EIO_WIRE_POLLING) eio_zip_add(&z, EIO_LIT("\x1e"), o);
		if (plain && part)
			eio_zip_add_part(&z, part, plain->n);
		else
			z.out.failed = true;
		eio_bundle_unref(b);
	}
	*plain_n = z.n;
	return eio_zip_end(&z);
}

struct eio_block *
eio_collect(struct eio_queue *q, enum eio_wire wire, const struct eio_deflate *options, enum eio_coding *coding,
	size_t *plain_n)
{
	struct eio_block *b;

	CHECK(q->count > 0);
	if (options && *coding != EIO_CODING_IDENTITY && q->bytes >= options->threshold && q->bytes <= EIO_DEFLATE_MOST)
		return collect_coded(q, wire, options, *coding, plain_n);
	*coding = EIO_CODING_IDENTITY;
	b = collect_plain(q, wire);
	*plain_n = b ? b->n : 0;
	return b;
}

/* SPDX-License-Identifier: MIT */
/* Payloads out of the cached forms of bundles, plain or compressed. */
#include "eio/collect.h"

#include "eio/check.h"

/* Whether a payload of n bytes takes no more. */
static bool
payload_is_full(enum eio_wire wire, size_t n)
{
	return n >= (wire == EIO_WIRE_POLLING_3 ? EIO_BINARY_FORM_BYTES : EIO_PAYLOAD_BYTES);
}

/* How many bundles become one payload. *bytes: how long it is before compression. 0 when out of memory. */
static unsigned
payload_count(const struct eio_queue *q, enum eio_wire wire, const struct eio_deflate *o, size_t *bytes)
{
	unsigned i;

	*bytes = 0;
	for (i = 0; i < q->count && !payload_is_full(wire, *bytes); i++) {
		struct eio_bundle *b = eio_queue_at(q, i)->bundle;
		const struct eio_block *w;

		/* A large one travels alone, unless that costs a round trip for little. */
		if (i > 0 && (!eio_bundle_has(b, wire, o) || *bytes + eio_bundle_size(b) > EIO_PAYLOAD_BYTES)) break;
		w = eio_bundle_wire(b, wire);
		if (!w) return 0;
		*bytes += w->n + (i > 0 && wire == EIO_WIRE_POLLING);
	}
	return i;
}

/* The wire forms of n bundles, one behind the other. */
static struct eio_block *
put_together(struct eio_queue *q, enum eio_wire wire, unsigned n, size_t bytes)
{
	struct eio_block *all = eio_block_new(bytes);
	size_t at = 0;

	for (unsigned i = 0; i < n; i++) {
		struct eio_bundle *b = eio_queue_take(q);
		const struct eio_block *w = eio_bundle_wire(b, wire);

		if (all && i > 0 && wire == EIO_WIRE_POLLING) all->data[at++] = 0x1e;
		if (all) memcpy(all->data + at, w->data, w->n);
		at += w->n;
		eio_bundle_unref(b);
	}
	CHECK(!all || at == bytes);
	return all;
}

static struct eio_block *
collect_plain(struct eio_queue *q, enum eio_wire wire, size_t *plain_n)
{
	unsigned n = payload_count(q, wire, NULL, plain_n);
	struct eio_block *one = NULL;
	struct eio_bundle *b;

	if (n > 1) return put_together(q, wire, n, *plain_n);
	b = eio_queue_take(q);
	if (n == 1) one = eio_block_ref(eio_bundle_wire(b, wire));
	eio_bundle_unref(b);
	return one;
}

static struct eio_block *
collect_coded(
	struct eio_queue *q, enum eio_wire wire, const struct eio_deflate *o, enum eio_coding coding, size_t *plain_n)
{
	unsigned n = payload_count(q, wire, o, plain_n);
	struct eio_zip z;

	eio_zip_begin(&z, coding);
	if (n == 0) z.out.failed = true;
	for (unsigned i = 0; i < (n ? n : 1); i++) {
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
	CHECK(z.out.failed || z.n == *plain_n);
	return eio_zip_end(&z);
}

bool
eio_collect_codes(const struct eio_queue *q, const struct eio_deflate *options, enum eio_coding coding)
{
	return options && coding != EIO_CODING_IDENTITY && q->bytes >= options->threshold &&
	       q->bytes <= EIO_DEFLATE_MOST;
}

struct eio_block *
eio_collect(struct eio_queue *q, enum eio_wire wire, const struct eio_deflate *options, enum eio_coding *coding,
	size_t *plain_n)
{
	CHECK(q->count > 0);
	if (eio_collect_codes(q, options, *coding)) return collect_coded(q, wire, options, *coding, plain_n);
	*coding = EIO_CODING_IDENTITY;
	return collect_plain(q, wire, plain_n);
}

/* SPDX-License-Identifier: MIT */
/* Items lie one behind the other: a head of fixed size, then the bytes that it counts. */
#include "src/feed/posting.h"

#include "eio/check.h"
#include "src/feed/targets.h"

#include <stdlib.h>
#include <string.h>

/* In front of the bytes of name, payload, namespace, rooms and exceptions. Copied in and out, so it need not be
 * aligned. */
struct posting_head {
	bool is_event, everyone;
	size_t name_n, payload_n, nsp_n, rooms_n, except_n;
};

/* Names: each with its length in front. */

size_t
feed_names_begin(struct eio_buf *out)
{
	static const size_t later = 0;
	size_t at = out->n;

	eio_buf_append(out, &later, sizeof later);
	return at;
}

void
feed_names_end(struct eio_buf *out, size_t begun)
{
	size_t n;

	if (eio_buf_failed(out)) return;
	n = out->n - begun - sizeof n;
	memcpy(out->p + begun, &n, sizeof n);
}

bool
feed_names_next(struct eio_bytes *packed, struct eio_bytes *name)
{
	size_t n;

	if (packed->n == 0) return false;
	CHECK(packed->n >= sizeof n);
	memcpy(&n, packed->p, sizeof n);
	CHECK(packed->n - sizeof n >= n);
	*name = eio_bytes(packed->p + sizeof n, n);
	*packed = eio_bytes(name->p + n, packed->n - sizeof n - n);
	return true;
}

size_t
feed_names_list(struct eio_bytes packed, struct eio_bytes *v)
{
	size_t n = 0;

	while (n < FEED_MAX_ROOMS && feed_names_next(&packed, &v[n])) n++;
	return n;
}

/* Items */

struct feed_posting *
feed_posting_new(void)
{
	struct feed_posting *p = calloc(1, sizeof *p);

	if (p) eio_buf_init(&p->bytes);
	return p;
}

void
feed_posting_free(struct feed_posting *p)
{
	if (!p) return;
	eio_buf_deinit(&p->bytes);
	free(p);
}

int
feed_posting_add(struct feed_posting *p, const struct feed_posted *item)
{
	const struct posting_head head = {
		.is_event = item->is_event,
		.everyone = item->everyone,
		.name_n = item->name.n,
		.payload_n = item->payload.n,
		.nsp_n = item->nsp.n,
		.rooms_n = item->rooms.n,
		.except_n = item->except.n,
	};

	eio_buf_append(&p->bytes, &head, sizeof head);
	eio_buf_add(&p->bytes, item->name);
	eio_buf_add(&p->bytes, item->payload);
	eio_buf_add(&p->bytes, item->nsp);
	eio_buf_add(&p->bytes, item->rooms);
	eio_buf_add(&p->bytes, item->except);
	p->n++;
	return eio_buf_failed(&p->bytes) ? -1 : 0;
}

static struct eio_bytes
take_posted(const struct feed_posting *p, size_t *at, size_t n)
{
	struct eio_bytes bytes = { p->bytes.p + *at, n };

	*at += n;
	return bytes;
}

bool
feed_posting_next(const struct feed_posting *p, size_t *at, struct feed_posted *out)
{
	struct posting_head head;

	if (*at >= p->bytes.n) return false;
	memcpy(&head, take_posted(p, at, sizeof head).p, sizeof head);
	*out = (struct feed_posted){ .is_event = head.is_event, .everyone = head.everyone };
	out->name = take_posted(p, at, head.name_n);
	out->payload = take_posted(p, at, head.payload_n);
	out->nsp = take_posted(p, at, head.nsp_n);
	out->rooms = take_posted(p, at, head.rooms_n);
	out->except = take_posted(p, at, head.except_n);
	return true;
}

/* SPDX-License-Identifier: MIT */
/* Items lie one behind the other: a head of fixed size, then the bytes that it counts. */
#include "src/feed/posting.h"

#include <stdlib.h>
#include <string.h>

/* In front of the bytes of name, payload, namespace and room. Copied in and out, so it need not be aligned. */
struct posting_head {
	bool is_event;
	size_t name_n, payload_n, nsp_n, room_n;
};

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
		.name_n = item->name.n,
		.payload_n = item->payload.n,
		.nsp_n = item->nsp.n,
		.room_n = item->room.n,
	};

	eio_buf_append(&p->bytes, &head, sizeof head);
	eio_buf_add(&p->bytes, item->name);
	eio_buf_add(&p->bytes, item->payload);
	eio_buf_add(&p->bytes, item->nsp);
	eio_buf_add(&p->bytes, item->room);
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
	out->is_event = head.is_event;
	out->name = take_posted(p, at, head.name_n);
	out->payload = take_posted(p, at, head.payload_n);
	out->nsp = take_posted(p, at, head.nsp_n);
	out->room = take_posted(p, at, head.room_n);
	return true;
}

/* SPDX-License-Identifier: MIT */
/* Replies in one buffer. */
#include "src/redis/values.h"

#include <string.h>

/* A buffer that was needed for a long reply is not kept. */
enum { KEEP_BYTES = 1 << 20 };

/* Lies in front of each item's bytes. */
struct item_head {
	enum redis_item_kind kind;
	size_t n, bytes_n;
};

void
redis_values_deinit(struct redis_values *vs)
{
	eio_buf_deinit(&vs->items);
}

void
redis_values_begin(struct redis_values *vs)
{
	if (vs->items.cap > KEEP_BYTES) eio_buf_deinit(&vs->items);
	eio_buf_clear(&vs->items);
	vs->overflowed = false;
}

void
redis_values_add(struct redis_values *vs, enum redis_item_kind kind, size_t n, struct eio_bytes bytes)
{
	struct item_head head = { .kind = kind, .n = n, .bytes_n = bytes.n };

	if (vs->overflowed || sizeof head + bytes.n > vs->max || vs->items.n > vs->max - sizeof head - bytes.n) {
		vs->overflowed = true;
		return;
	}
	eio_buf_append(&vs->items, &head, sizeof head);
	eio_buf_add(&vs->items, bytes);
}

bool
redis_values_next(const struct redis_values *vs, size_t *at, struct redis_item *out)
{
	struct item_head head;

	if (*at >= vs->items.n) return false;
	memcpy(&head, vs->items.p + *at, sizeof head);
	*at += sizeof head;
	*out = (struct redis_item){ head.kind, head.n, eio_bytes(vs->items.p + *at, head.bytes_n) };
	*at += head.bytes_n;
	return true;
}

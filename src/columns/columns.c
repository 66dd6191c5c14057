/* SPDX-License-Identifier: MIT */
/* A batch: its texts, and its tables. */
#include "src/columns/columns.h"

#include "src/columns/columns_int.h"

#include <stdlib.h>

enum {
	KEPT_BYTES = 1 << 20, /* what one large batch took is not kept for small ones */
	PACKED_MIN = 64, /* texts that are shorter than this stay as they are */
};

struct columns *
columns_new(void)
{
	struct columns *c = malloc(sizeof *c);

	if (!c) return NULL;
	memset(c, 0, offsetof(struct columns, slots));
	c->ints = c->rest = c->index = (struct eio_buf){ 0 };
	c->failed = false;
	return c;
}

static void
each_buffer(struct columns *c, bool end)
{
	struct eio_buf *const all[] = { &c->heap, &c->body, &c->out, &c->skeleton, &c->ints, &c->rest, &c->index };

	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
		if (end || all[i]->cap > KEPT_BYTES)
			eio_buf_deinit(all[i]);
		else
			eio_buf_clear(all[i]);
	}
}

void
columns_free(struct columns *c)
{
	if (!c) return;
	columns__arena_deinit(&c->arena);
	each_buffer(c, true);
	free(c);
}

/* Texts as they are, or packed where that is shorter. */
static void
write_heap(struct columns *c)
{
	struct eio_bytes heap = eio_buf_bytes(&c->heap);

	eio_buf_clear(&c->rest);
	if (heap.n >= PACKED_MIN) columns__pack(c, heap, &c->rest);
	columns__write_varint(&c->out, heap.n);
	if (c->rest.n && c->rest.n < heap.n && !eio_buf_failed(&c->rest)) {
		columns__write_varint(&c->out, c->rest.n);
		eio_buf_add(&c->out, eio_buf_bytes(&c->rest));
	} else {
		columns__write_varint(&c->out, 0);
		eio_buf_add(&c->out, heap);
	}
}

static bool
encode_array(struct columns *c, struct eio_bytes array)
{
	struct columns_table t = { .lag = 1 };

	columns__add_rows(c, &t, array.p + 1, array.p + array.n - 1);
	if (c->failed) return false;
	columns__write_table(c, &t);
	if (c->failed || eio_buf_failed(&c->heap) || eio_buf_failed(&c->body)) return false;
	eio_buf_addc(&c->out, COLUMNS_FIRST);
	columns__write_varint(&c->out, array.n);
	write_heap(c);
	columns__write_varint(&c->out, t.rows);
	eio_buf_add(&c->out, eio_buf_bytes(&c->body));
	eio_buf_addc(&c->out, COLUMNS_LAST);
	return !eio_buf_failed(&c->out);
}

static bool
is_empty(struct eio_bytes array)
{
	for (size_t i = 1; i + 1 < array.n; i++)
		if (array.p[i] != ' ' && array.p[i] != '\t' && array.p[i] != '\n' && array.p[i] != '\r') return false;
	return true;
}

bool
columns__encode(struct columns *c, struct eio_bytes array, struct eio_bytes *batch)
{
	bool good;

	if (array.n > COLUMNS_BYTES_MAX || is_empty(array)) return false;
	each_buffer(c, false);
	c->failed = false;
	good = encode_array(c, array);
	columns__arena_clear(&c->arena);
	*batch = eio_buf_bytes(&c->out);
	return good;
}

bool
columns_encode(struct columns *c, struct eio_bytes array, struct eio_bytes *batch)
{
	return columns__encode(c, array, batch) && batch->n < array.n && array.n / batch->n < COLUMNS_GROWTH_MAX;
}

/* SPDX-License-Identifier: MIT */
/* Any bytes from Redis, whole, in small pieces, and through hiredis alone: the same messages and replies must come
 * out. */
#include "eio/buf.h"
#include "src/redis/reader.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t fed; /* nothing that comes out can be longer */

static void
note(struct eio_buf *to, struct eio_bytes b)
{
	if (b.n > fed + 4) abort(); /* "PONG" is the reader's own word */
	eio_buf_append_u64(to, b.n);
	eio_buf_addc(to, ':');
	eio_buf_add(to, b);
}

static void
note_message(struct eio_buf *to, const struct redis_message *m)
{
	eio_buf_addc(to, m->is_pattern ? 'P' : 'M');
	note(to, m->name);
	note(to, m->channel);
	note(to, m->payload);
}

/* All that is complete. Whether it goes on. */
static bool
pull(struct redis_reader *r, struct eio_buf *to)
{
	struct redis_event e;

	for (;;) {
		switch (redis_reader_next(r, &e)) {
		case REDIS_READ_NONE: return true;
		case REDIS_READ_MESSAGE: note_message(to, &e.message); break;
		case REDIS_READ_REPLY:
			eio_buf_addc(to, (char)('0' + e.reply));
			note(to, e.text);
			break;
		case REDIS_READ_ERROR:
			if (!e.why) abort();
			return false;
		}
	}
}

typedef void (*feed_fn)(struct redis_reader *r, struct eio_bytes bytes);

static void
run(struct eio_buf *out, feed_fn feed, const uint8_t *data, size_t size, size_t piece)
{
	struct redis_reader *r = redis_reader_new();
	bool goes_on = true;
	size_t n;

	if (!r) return;
	for (size_t at = 0; at < size && goes_on; at += n) {
		n = size - at < piece ? size - at : piece;
		feed(r, eio_bytes(data + at, n));
		goes_on = pull(r, out);
	}
	eio_buf_addc(out, goes_on ? '.' : '!');
	redis_reader_free(r);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct eio_buf whole, pieces, hiredis;

	fed = size;
	eio_buf_init(&whole);
	eio_buf_init(&pieces);
	eio_buf_init(&hiredis);
	run(&whole, redis_reader_feed, data, size, size);
	run(&pieces, redis_reader_feed, data, size, 1);
	run(&hiredis, redis_reader_feed_hiredis, data, size, size);
	if (!eio_bytes_eq(eio_buf_bytes(&whole), eio_buf_bytes(&pieces))) abort();
	if (!eio_bytes_eq(eio_buf_bytes(&whole), eio_buf_bytes(&hiredis))) abort();
	eio_buf_deinit(&whole);
	eio_buf_deinit(&pieces);
	eio_buf_deinit(&hiredis);
	return 0;
}

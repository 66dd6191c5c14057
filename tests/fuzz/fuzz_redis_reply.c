/* SPDX-License-Identifier: MIT */
/* Any bytes from Redis, whole, in small pieces, and through hiredis alone: the same messages and replies must come out. */
#include "eio/buf.h"
#include "src/redis/reply.h"

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
on_message(void *user, const struct redis_message *m)
{
	eio_buf_addc(user, m->is_pattern ? 'P' : 'M');
	note(user, m->name);
	note(user, m->channel);
	note(user, m->payload);
}

static void
on_reply(void *user, enum redis_reply_kind kind, struct eio_bytes text)
{
	eio_buf_addc(user, (char)('0' + kind));
	note(user, text);
}

typedef int (*feed_fn)(struct redis_parser *p, struct eio_bytes bytes, const char **why);

static void
run(struct eio_buf *out, feed_fn feed, const uint8_t *data, size_t size, size_t piece)
{
	struct redis_reply_handlers h = { .message = on_message, .reply = on_reply, .user = out };
	struct redis_parser *p = redis_parser_new(&h);
	const char *why = NULL;
	size_t at, n;
	int rc = 0;

	if (!p) return;
	for (at = 0; at < size && rc == 0; at += n) {
		n = size - at < piece ? size - at : piece;
		rc = feed(p, eio_bytes(data + at, n), &why);
	}
	if (rc && !why) abort();
	eio_buf_addc(out, rc ? '!' : '.');
	redis_parser_free(p);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct eio_buf whole, pieces, reader;

	fed = size;
	eio_buf_init(&whole);
	eio_buf_init(&pieces);
	eio_buf_init(&reader);
	run(&whole, redis_parser_feed, data, size, size);
	run(&pieces, redis_parser_feed, data, size, 1);
	run(&reader, redis_parser_feed_reader, data, size, size);
	if (!eio_bytes_eq(eio_buf_bytes(&whole), eio_buf_bytes(&pieces))) abort();
	if (!eio_bytes_eq(eio_buf_bytes(&whole), eio_buf_bytes(&reader))) abort();
	eio_buf_deinit(&whole);
	eio_buf_deinit(&pieces);
	eio_buf_deinit(&reader);
	return 0;
}

/* SPDX-License-Identifier: MIT */
/* Any bytes between a hub and an edge, whole and in pieces: the same frames must be found, and no more is kept than one
 * may have. What is in them is read, and what was read and is written again must be read as the same. */
#include "src/relay/ask.h"
#include "src/relay/batch.h"
#include "src/relay/greet.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MOST = 200 };

static void
batch_again(const struct relay_batch *b)
{
	struct delivery_item item = { .bundle = b->bundle,
		.audience = b->audience,
		.slow = b->slow,
		.lag_event = b->lag_event,
		.retained = b->retained,
		.fleeting = b->fleeting,
		.keys = b->keys,
		.stream = b->stream };
	struct eio_buf out = { 0 };
	struct relay_batch again;
	bool nomem;

	if (!relay_batch_write(&out, &item, b->number)) abort();
	if (!relay_batch_read(b->number ? RELAY_BATCH : RELAY_AUDIENCE, eio_buf_bytes(&out), &again, &nomem)) abort();
	if (again.number != b->number || again.stream != b->stream || again.slow != b->slow) abort();
	relay_batch_deinit(&again);
	eio_buf_deinit(&out);
}

static void
read_question(struct eio_bytes s)
{
	struct feed_ask a = { .magic = 0 };
	struct eio_bytes *names;
	struct eio_buf out = { 0 };
	bool nomem;

	if (!relay_question_read(s, &a, &names, &nomem)) return;
	relay_question_write(&out, &a, true);
	if (!eio_bytes_eq(eio_buf_bytes(&out), s)) abort();
	eio_buf_deinit(&out);
	free(names);
}

static void
read_answer(struct eio_bytes s)
{
	struct feed_ask a = { .n_rooms = 3 };

	if (relay_answer_read(s, &a) && !a.failed && (a.done < 1 || a.done > 3)) abort();
	for (size_t i = 0; i < a.n; i++) eio_bundle_unref(a.bundles[i]);
	free(a.bundles);
}

static void
read_body(const struct relay_frame *f)
{
	struct relay_batch b;
	struct relay_hello hello;
	struct relay_place place;
	struct sio_room_key key;
	struct eio_bytes s = f->body;
	bool nomem;

	if ((f->type == RELAY_BATCH || f->type == RELAY_AUDIENCE) && relay_batch_read(f->type, s, &b, &nomem)) {
		batch_again(&b);
		relay_batch_deinit(&b);
	}
	if (f->type == RELAY_HELLO && relay_hello_take(&s, &hello) && hello.node[EIO_NODE_MAX]) abort();
	if (f->type == RELAY_WELCOME) relay_place_take(&s, &place);
	if (f->type == RELAY_JOIN && relay_take_key(&s, &key) && *key.nsp.p != '/') abort();
	if (f->type == RELAY_ASK) read_question(s);
	if (f->type == RELAY_ANSWER) read_answer(s);
}

static void
read_all(struct eio_bytes in, size_t piece, struct eio_buf *to)
{
	struct relay_reader r = { .most = MOST };
	enum relay_read what = RELAY_READ_MORE;
	struct relay_frame f;

	while (in.n && what != RELAY_READ_BAD) {
		size_t n = in.n < piece ? in.n : piece;
		char *copy = malloc(n); /* so that nothing is read beyond it */

		if (!copy) abort();
		memcpy(copy, in.p, n);
		relay_reader_feed(&r, eio_bytes(copy, n));
		while ((what = relay_reader_next(&r, &f)) == RELAY_READ_FRAME || what == RELAY_READ_LONG) {
			eio_buf_printf(to, "%d %u ", what, f.type);
			eio_buf_add(to, f.body);
			if (what == RELAY_READ_FRAME) read_body(&f);
			if (r.held.n > MOST + RELAY_LENGTH_MAX) abort();
		}
		free(copy);
		in = eio_bytes(in.p + n, in.n - n);
	}
	if (what == RELAY_READ_BAD) EIO_BUF_ADD_LIT(to, "bad");
	relay_reader_deinit(&r);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct eio_bytes in = eio_bytes(data, size);
	struct eio_buf whole = { 0 }, pieces = { 0 };

	if (size < 1) return 0;
	read_all(in, size, &whole);
	for (size_t piece = 1; piece < 8; piece += 3) {
		eio_buf_clear(&pieces);
		read_all(in, piece, &pieces);
		if (!eio_bytes_eq(eio_buf_bytes(&whole), eio_buf_bytes(&pieces))) abort();
	}
	eio_buf_deinit(&whole);
	eio_buf_deinit(&pieces);
	return 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * Any bytes on a WebSocket. The first byte of the input says how they are cut: what is
 * found must be the same as without cuts. What comes out is a message within the limit, UTF-8
 * unless it is binary, and no control frame is longer than one may be.
 */
#include "eio/inbound.h"
#include "eio/utf8.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MAX = 200 };

static void
check_found(enum eio_inbound_result what, const struct eio_inbound_message *m)
{
	if (what == EIO_INBOUND_MESSAGE) {
		if (m->n > MAX) abort();
		if (!m->binary && !eio_utf8_valid(eio_bytes(m->data, m->n))) abort();
	} else if (m->n > EIO__FRAME_CONTROL_MAX) {
		abort();
	}
	if (m->owned.p && m->owned.p != m->data) abort();
}

/* Adds what is found in bytes that arrive in pieces of this size. */
static void
find_all(struct eio_buf *found, const uint8_t *data, size_t size, size_t step, bool deflate)
{
	struct eio_inbound in = { .deflate = deflate };
	enum eio_inbound_result what = EIO_INBOUND_MORE;

	for (size_t at = 0; at < size && what < EIO_INBOUND_CLOSE; at += step) {
		size_t n = size - at < step ? size - at : step;
		char *copy = malloc(n);
		struct eio_arrived arrived = { copy, n };

		if (!copy) abort();
		memcpy(copy, data + at, n);
		do {
			struct eio_inbound_message m;

			what = eio_inbound_take(&in, &arrived, MAX, &m);
			eio_buf_addc(found, (char)what);
			if (what == EIO_INBOUND_MORE) found->n--;
			if (what == EIO_INBOUND_MORE || what > EIO_INBOUND_CLOSE) continue;
			check_found(what, &m);
			eio_buf_append(found, m.data, m.n);
			eio_buf_deinit(&m.owned);
		} while (what != EIO_INBOUND_MORE && what < EIO_INBOUND_CLOSE);
		free(copy);
	}
	eio_inbound_deinit(&in);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct eio_buf whole, cut;
	size_t step;
	bool deflate;

	if (size < 2) return 0;
	deflate = data[0] & 1;
	step = 1 + (data[0] >> 1) % 40;
	eio_buf_init(&whole);
	eio_buf_init(&cut);
	find_all(&whole, data + 1, size - 1, size - 1, deflate);
	find_all(&cut, data + 1, size - 1, step, deflate);
	if (!eio_bytes_eq(eio_buf_bytes(&whole), eio_buf_bytes(&cut))) abort();
	eio_buf_deinit(&whole);
	eio_buf_deinit(&cut);
	return 0;
}

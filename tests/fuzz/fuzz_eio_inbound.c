/* SPDX-License-Identifier: MIT */
/*
 * Any frames, cut in any way: each piece of data is preceded by two bytes that say
 * what the frame says and how the piece lies in it. What comes out is a message
 * within the limit, UTF-8 unless it is binary.
 */
#include "eio/inbound.h"
#include "eio/utf8.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MAX = 200 };

/* Takes the next piece off the front of the data, as a copy of its own. false at the end. */
static bool
next_piece(const uint8_t **data, size_t *size, struct eio_piece *piece)
{
	uint8_t flags, n;

	if (*size < 2) return false;
	flags = (*data)[0];
	n = (*data)[1];
	*data += 2;
	*size -= 2;
	*piece = (struct eio_piece){
		.n = n < *size ? n : *size,
		.left = flags & 3 ? 0 : flags >> 2 & 31,
		.first = flags & 4,
		.final = flags & 8,
		.binary = flags & 16,
		.rsv = flags & 0x70,
	};
	piece->data = malloc(piece->n ? piece->n : 1);
	if (!piece->data) return false;
	if (piece->n) memcpy(piece->data, *data, piece->n);
	*data += piece->n;
	*size -= piece->n;
	return true;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum eio_inbound_result rc = EIO_INBOUND_MORE;
	struct eio_inbound in = { 0 };
	struct eio_inbound_message m;
	struct eio_piece piece;

	while (rc <= EIO_INBOUND_MESSAGE && next_piece(&data, &size, &piece)) {
		rc = eio_inbound_take(&in, &piece, MAX, &m);
		if (rc == EIO_INBOUND_MESSAGE) {
			if (m.n > MAX) abort();
			if (!piece.binary && !eio_utf8_valid(eio_bytes(m.data, m.n))) abort();
			if (m.owned.p && m.owned.p != m.data) abort();
			eio_buf_deinit(&m.owned);
		}
		free(piece.data);
	}
	eio_inbound_deinit(&in);
	return 0;
}

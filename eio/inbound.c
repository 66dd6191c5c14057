/* SPDX-License-Identifier: MIT */
/* Messages out of pieces. One that comes in one piece and uncompressed is not copied. */
#include "eio/inbound.h"

#include "eio/check.h"
#include "eio/deflate.h"
#include "eio/utf8.h"

enum { RSV1 = 0x40, RSV2_3 = 0x30 };

/* Looks at the bit that says "compressed" when a frame begins. false: it stands where it must not (RFC 7692 section 6),
 * or another of the reserved ones is set. */
static bool
begin_frame(struct eio_inbound *in, const struct eio_piece *piece)
{
	bool rsv1 = (piece->rsv & RSV1) != 0;

	if (in->in_frame) return true;
	if (piece->rsv & RSV2_3) return false;
	if (!piece->first) return !rsv1;
	in->compressed = rsv1;
	return true;
}

/* Puts the plain bytes of a complete message in place of the compressed ones. */
static enum eio_inbound_result
inflate_message(struct eio_inbound_message *m, size_t max)
{
	struct eio_buf plain;
	enum eio_inflated rc;

	eio_buf_init(&plain);
	rc = eio_inflate(&plain, eio_bytes(m->data, m->n), max);
	eio_buf_deinit(&m->owned);
	*m = (struct eio_inbound_message){ plain.p, plain.n, plain };
	if (rc == EIO_INFLATE_OK) return EIO_INBOUND_MESSAGE;
	return rc == EIO_INFLATE_BAD ? EIO_INBOUND_BAD_DATA : EIO_INBOUND_TOO_BIG;
}

/* All of the message is there. */
static enum eio_inbound_result
finish_message(struct eio_inbound_message *m, bool compressed, bool binary, size_t max)
{
	enum eio_inbound_result rc = compressed ? inflate_message(m, max) : EIO_INBOUND_MESSAGE;

	if (rc == EIO_INBOUND_MESSAGE && !binary && !eio_utf8_valid(eio_bytes(m->data, m->n)))
		rc = EIO_INBOUND_BAD_DATA;
	if (rc != EIO_INBOUND_MESSAGE) eio_buf_deinit(&m->owned);
	return rc;
}

enum eio_inbound_result
eio_inbound_take(struct eio_inbound *in, const struct eio_piece *piece, size_t max, struct eio_inbound_message *message)
{
	bool last = piece->left == 0 && piece->final;

	CHECK(!in->pieces.failed);
	if (!begin_frame(in, piece)) return EIO_INBOUND_BAD_FRAME;
	in->in_frame = piece->left != 0;
	if (in->pieces.n + piece->n + piece->left > max) return EIO_INBOUND_TOO_BIG;
	*message = (struct eio_inbound_message){ .data = piece->data, .n = piece->n };
	if (!last || in->pieces.n > 0) {
		eio_buf_append(&in->pieces, piece->data, piece->n);
		if (eio_buf_failed(&in->pieces)) return EIO_INBOUND_TOO_BIG;
		if (!last) return EIO_INBOUND_MORE;
		*message = (struct eio_inbound_message){ in->pieces.p, in->pieces.n, in->pieces };
		eio_buf_init(&in->pieces);
	}
	return finish_message(message, in->compressed, piece->binary, max);
}

void
eio_inbound_deinit(struct eio_inbound *in)
{
	eio_buf_deinit(&in->pieces);
}

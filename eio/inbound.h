/* SPDX-License-Identifier: MIT */
/*
 * WebSocket messages out of the pieces of frames that they arrive in: fragments
 * (RFC 6455 section 5.4), permessage-deflate (RFC 7692 section 6), the limit on how
 * long they may be, and whether text is UTF-8. Not thread-safe.
 */
#ifndef EIO_INBOUND_H
#define EIO_INBOUND_H

#include "eio/buf.h"

/* A message that is arriving. All zero is none. The fields are private. */
struct eio_inbound {
	struct eio_buf pieces; /* what came of a message in several pieces */
	bool in_frame; /* more of this frame will come */
	bool compressed; /* the message */
};

/* A piece of a data frame. */
struct eio_piece {
	char *data; /* n bytes, unmasked; they may be changed */
	size_t n, left; /* left: how many more bytes of this frame will come */
	bool first, final; /* the frame is the first, or the last, of its message */
	bool binary; /* the message */
	unsigned rsv; /* the reserved bits of the frame, as in its first byte */
};

struct eio_inbound_message {
	char *data; /* n bytes, which may be changed: those of the piece, or in `owned` */
	size_t n;
	struct eio_buf owned; /* the caller's to free */
};

enum eio_inbound_result {
	EIO_INBOUND_MORE, /* the message is not complete */
	EIO_INBOUND_MESSAGE, /* it is, and was stored */
	EIO_INBOUND_BAD_FRAME, /* a reserved bit stands where it must not */
	EIO_INBOUND_BAD_DATA, /* not UTF-8, or not DEFLATE */
	EIO_INBOUND_TOO_BIG, /* more than max bytes, compressed or not; or memory is short */
};

/* Takes the next piece. max: how many bytes a message may have. After one of the last three nothing more may be
 * given. */
enum eio_inbound_result eio_inbound_take(
	struct eio_inbound *in, const struct eio_piece *piece, size_t max, struct eio_inbound_message *message);

void eio_inbound_deinit(struct eio_inbound *in);

#endif

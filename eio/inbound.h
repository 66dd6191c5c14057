/* SPDX-License-Identifier: MIT */
/*
 * What a client says on a WebSocket, out of the bytes that arrive: frames and their
 * masks (RFC 6455 section 5), fragments, permessage-deflate (RFC 7692 section 6),
 * the limit on how long a message may be, whether text is UTF-8, and what a close
 * frame may say. Not thread-safe.
 */
#ifndef EIO_INBOUND_H
#define EIO_INBOUND_H

#include "eio/buf.h"
#include "eio/frame.h"

/* A client's side of a WebSocket. All zero is its beginning, but for the two that the owner may set. */
struct eio_inbound {
	/* The owner's. */
	bool deflate; /* permessage-deflate was negotiated: messages may be compressed */
	bool skip; /* messages are of no interest any more: they are passed over, unread */
	/* Private. */
	bool in_frame; /* more of this frame may come */
	bool in_message, compressed, binary; /* a message has begun; what it is */
	unsigned char head_n;
	char head[EIO__FRAME_MASKED_MAX]; /* head_n bytes of a header that is cut */
	struct eio__frame frame; /* that is arriving; its n is what is still to come */
	struct eio_buf pieces; /* what came of a message in several pieces */
	size_t checked; /* how many bytes of them are known to be UTF-8, when they have to be */
	struct eio_buf control; /* the same of a control frame */
};

/* Bytes that arrived and may be changed. */
struct eio_arrived {
	char *p;
	size_t n;
};

struct eio_inbound_message {
	char *data; /* n bytes, which may be changed: some of those that arrived, or in `owned` */
	size_t n;
	bool binary;
	struct eio_buf owned; /* the caller's to free */
};

enum eio_inbound_result {
	EIO_INBOUND_MORE, /* all that arrived was taken */
	EIO_INBOUND_MESSAGE, /* a message is complete, and was stored */
	EIO_INBOUND_PING, /* its data was stored */
	EIO_INBOUND_CLOSE, /* its data was stored, and says what it may */
	EIO_INBOUND_BAD_FRAME, /* against the protocol */
	EIO_INBOUND_BAD_DATA, /* not UTF-8, or not DEFLATE */
	EIO_INBOUND_TOO_BIG, /* more than max bytes, compressed or not; or memory is short */
};

/* Takes bytes off the front of those that arrived, until there are none or something is to be told. max: how many bytes
 * a message may have. After one of the last four nothing more may be given. */
enum eio_inbound_result eio_inbound_take(
	struct eio_inbound *in, struct eio_arrived *bytes, size_t max, struct eio_inbound_message *message);

void eio_inbound_deinit(struct eio_inbound *in);

/* Whether it is as at its beginning: nothing has arrived of a frame or a message that is not complete. Then it owns
 * nothing, and need not be kept until more arrives. */
static inline bool
eio_inbound_at_rest(const struct eio_inbound *in)
{
	return !in->in_frame && !in->in_message && in->head_n == 0 && !in->pieces.p && !in->control.p;
}

#endif

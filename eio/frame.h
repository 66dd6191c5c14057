/* SPDX-License-Identifier: MIT */
/* The headers of WebSocket frames (RFC 6455 section 5.2): of those that we make, which are unmasked and
 * unfragmented, and of those that clients send. Pure functions, any thread. */
#ifndef EIO_FRAME_H
#define EIO_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	EIO__FRAME_RSV1 = 0x40, /* in the first byte of a frame: the message is compressed */
	EIO__FRAME_CONTINUATION = 0,
	EIO__FRAME_TEXT = 1,
	EIO__FRAME_BINARY = 2,
	EIO__FRAME_CLOSE = 8,
	EIO__FRAME_PING = 9,
	EIO__FRAME_PONG = 10,
	EIO__FRAME_HEADER_MAX = 10, /* bytes */
	EIO__FRAME_MASKED_MAX = EIO__FRAME_HEADER_MAX + 4, /* of a frame from a client */
	EIO__FRAME_CONTROL_MAX = 125, /* bytes of data in a control frame */
};

/* Writes the header of one frame with n bytes of data, which is at most EIO__FRAME_HEADER_MAX long. opcode:
 * EIO__FRAME_TEXT or EIO__FRAME_BINARY. Returns its length. */
size_t eio__frame_header(char *out, int opcode, uint64_t n);

/* Reads what eio__frame_header wrote. Returns how long the data of the frame is; *header is set to the length of what
 * stands before it. */
size_t eio__frame_data(const char *frame, size_t *header);

/* What the header of a client's frame says. */
struct eio__frame {
	uint64_t n; /* how many bytes of data follow */
	unsigned char mask[4]; /* for the next byte of data and those behind it */
	unsigned char opcode; /* one of the six */
	unsigned char rsv; /* the reserved bits, as in the first byte; of a control frame 0 */
	bool final;
};

/* Whether a frame is a control frame: a close, a ping or a pong. */
static inline bool
eio__frame_is_control(const struct eio__frame *f)
{
	return f->opcode >= EIO__FRAME_CLOSE;
}

/* Reads the header of a client's frame from the first n bytes of it. Returns how long it is; 0 when it may be right
 * and more bytes are needed; -1 as soon as it is wrong: without a mask, an opcode that does not exist, or a control
 * frame that is cut, too long or has a reserved bit. */
int eio__frame_parse(struct eio__frame *f, const char *p, size_t n);

/* Undoes the mask on the next n bytes of the frame's data, in place. */
void eio__frame_unmask(struct eio__frame *f, char *p, size_t n);

#endif

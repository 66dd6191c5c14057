/* SPDX-License-Identifier: MIT */
/* The headers of the WebSocket frames that we make: unmasked, unfragmented (RFC 6455 section 5.2). Pure functions, any
 * thread. */
#ifndef EIO_FRAME_H
#define EIO_FRAME_H

#include <stddef.h>
#include <stdint.h>

enum {
	EIO__FRAME_RSV1 = 0x40, /* in the first byte of a frame: the message is compressed */
	EIO__FRAME_TEXT = 1,
	EIO__FRAME_BINARY = 2,
	EIO__FRAME_HEADER_MAX = 10, /* bytes */
};

/* Writes the header of one frame with n bytes of data, which is at most EIO__FRAME_HEADER_MAX long. opcode:
 * EIO__FRAME_TEXT or EIO__FRAME_BINARY. Returns its length. */
size_t eio__frame_header(char *out, int opcode, uint64_t n);

/* Reads what eio__frame_header wrote. Returns how long the data of the frame is; *header is set to the length of what
 * stands before it. */
size_t eio__frame_data(const char *frame, size_t *header);

#endif

/* SPDX-License-Identifier: MIT */
/* Frame headers out and in again. */
#include "eio/frame.h"

enum {
	FRAME_FIN = 0x80,
	LENGTH_16 = 126, /* in the place of the length: it follows in 2 bytes */
	LENGTH_64 = 127, /* it follows in 8 */
};

size_t
eio__frame_header(char *out, int opcode, uint64_t n)
{
	unsigned char *h = (unsigned char *)out;

	h[0] = (unsigned char)(FRAME_FIN | opcode);
	if (n < LENGTH_16) {
		h[1] = (unsigned char)n;
		return 2;
	}
	if (n <= UINT16_MAX) {
		h[1] = LENGTH_16;
		h[2] = (unsigned char)(n >> 8);
		h[3] = (unsigned char)n;
		return 4;
	}
	h[1] = LENGTH_64;
	for (int i = 0; i < 8; i++) h[2 + i] = (unsigned char)(n >> (56 - 8 * i));
	return EIO__FRAME_HEADER_MAX;
}

size_t
eio__frame_data(const char *frame, size_t *header)
{
	const unsigned char *h = (const unsigned char *)frame;
	uint64_t n = h[1];

	*header = 2;
	if (n == LENGTH_16) {
		*header = 4;
		n = (uint64_t)h[2] << 8 | h[3];
	} else if (n == LENGTH_64) {
		*header = EIO__FRAME_HEADER_MAX;
		n = 0;
		for (int i = 2; i < EIO__FRAME_HEADER_MAX; i++) n = n << 8 | h[i];
	}
	return (size_t)n;
}

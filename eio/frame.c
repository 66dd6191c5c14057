/* SPDX-License-Identifier: MIT */
/* Frame headers out and in again. */
#include "eio/frame.h"

#include <string.h>

enum {
	FRAME_FIN = 0x80,
	FRAME_MASKED = 0x80, /* in the second byte */
	FRAME_RSV = 0x70,
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

/* Whether the first two bytes of a client's frame may be such. */
static bool
is_frame_start(const struct eio__frame *f, unsigned second)
{
	if (!(second & FRAME_MASKED)) return false;
	switch (f->opcode) {
	case EIO__FRAME_CONTINUATION:
	case EIO__FRAME_TEXT:
	case EIO__FRAME_BINARY: return true;
	case EIO__FRAME_CLOSE:
	case EIO__FRAME_PING:
	case EIO__FRAME_PONG: return f->final && !f->rsv && (second & ~FRAME_MASKED) <= EIO__FRAME_CONTROL_MAX;
	default: return false;
	}
}

int
eio__frame_parse(struct eio__frame *f, const char *p, size_t n)
{
	const unsigned char *h = (const unsigned char *)p;
	size_t length, data = 2;

	if (n < 2) return 0;
	*f = (struct eio__frame){ .opcode = h[0] & 0x0f, .rsv = h[0] & FRAME_RSV, .final = h[0] & FRAME_FIN };
	if (!is_frame_start(f, h[1])) return -1;
	length = h[1] & ~FRAME_MASKED;
	if (length == LENGTH_16) data = 4;
	if (length == LENGTH_64) data = EIO__FRAME_HEADER_MAX;
	if (n < data + sizeof f->mask) return 0;
	f->n = length;
	if (data > 2) f->n = 0;
	for (size_t i = 2; i < data; i++) f->n = f->n << 8 | h[i];
	memcpy(f->mask, p + data, sizeof f->mask);
	return (int)(data + sizeof f->mask);
}

void
eio__frame_unmask(struct eio__frame *f, char *p, size_t n)
{
	unsigned char mask[4];
	uint32_t half;
	uint64_t word, whole;
	size_t i = 0;

	memcpy(mask, f->mask, sizeof mask);
	memcpy(&half, mask, sizeof half);
	whole = (uint64_t)half << 32 | half;
	for (; n - i >= sizeof word; i += sizeof word) {
		memcpy(&word, p + i, sizeof word);
		word ^= whole;
		memcpy(p + i, &word, sizeof word);
	}
	for (; i < n; i++) p[i] = (char)((unsigned char)p[i] ^ mask[i % 4]);
	for (size_t k = 0; k < sizeof mask; k++) f->mask[k] = mask[(n + k) % 4];
}

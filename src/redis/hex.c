/* SPDX-License-Identifier: MIT */
/* Hexadecimal digits. */
#include "src/redis/hex.h"

#include <string.h>

static const char hex_digits[] = "0123456789abcdef";

void
redis_hex_write(struct eio_bytes bytes, struct eio_buf *out)
{
	for (size_t i = 0; i < bytes.n; i++) {
		unsigned char c = (unsigned char)bytes.p[i];

		eio_buf_addc(out, hex_digits[c >> 4]);
		eio_buf_addc(out, hex_digits[c & 15]);
	}
}

static int
hex_value(char c)
{
	const char *found = c ? strchr(hex_digits, c) : NULL;

	return found ? (int)(found - hex_digits) : -1;
}

bool
redis_hex_read(struct eio_bytes digits, struct eio_buf *out)
{
	if (digits.n % 2) return false;
	for (size_t i = 0; i < digits.n; i += 2) {
		int high = hex_value(digits.p[i]), low = hex_value(digits.p[i + 1]);

		if (high < 0 || low < 0) return false;
		eio_buf_addc(out, (char)(high << 4 | low));
	}
	return true;
}

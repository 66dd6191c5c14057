/* SPDX-License-Identifier: MIT */
/* Escaping for terminals. */
#include "src/tools/visible.h"

#include "eio/utf8.h"

void
write_visible(struct eio_buf *out, struct eio_bytes bytes)
{
	uint32_t cp;
	size_t n;

	for (; bytes.n; bytes = eio_bytes(bytes.p + n, bytes.n - n)) {
		n = eio_utf8_next(bytes, &cp);
		if (!n) {
			n = 1;
			EIO_BUF_ADD_LIT(out, "\xef\xbf\xbd");
		} else if (cp < 0x20 || (cp >= 0x7f && cp < 0xa0) || (cp >= 0x202a && cp <= 0x202e) ||
			   (cp >= 0x2066 && cp <= 0x2069)) {
			eio_buf_printf(out, "\\u%04x", (unsigned)cp);
		} else {
			eio_buf_append(out, bytes.p, n);
		}
	}
}

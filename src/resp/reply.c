/* SPDX-License-Identifier: MIT */
/* Answers in RESP2 and RESP3. */
#include "src/resp/reply.h"

#include <stdarg.h>
#include <stdio.h>

static void
end_reply_line(struct eio_buf *out)
{
	EIO_BUF_ADD_LIT(out, "\r\n");
}

static void
add_number_line(struct eio_buf *out, char mark, uint64_t n)
{
	eio_buf_addc(out, mark);
	eio_buf_append_u64(out, n);
	end_reply_line(out);
}

void
resp_reply_status(struct eio_buf *out, struct eio_bytes text)
{
	eio_buf_addc(out, '+');
	eio_buf_add(out, text);
	end_reply_line(out);
}

void
resp_reply_error(struct eio_buf *out, struct eio_bytes text)
{
	eio_buf_addc(out, '-');
	for (size_t i = 0; i < text.n; i++) eio_buf_addc(out, text.p[i] == '\r' || text.p[i] == '\n' ? ' ' : text.p[i]);
	end_reply_line(out);
}

void
resp_reply_errorf(struct eio_buf *out, const char *fmt, ...)
{
	char text[512];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	resp_reply_error(out, eio_bytes(text, n < (int)sizeof text ? (size_t)n : sizeof text - 1));
}

void
resp_reply_integer(struct eio_buf *out, uint64_t n)
{
	add_number_line(out, ':', n);
}

void
resp_reply_bulk(struct eio_buf *out, struct eio_bytes bytes)
{
	add_number_line(out, '$', bytes.n);
	eio_buf_add(out, bytes);
	end_reply_line(out);
}

void
resp_reply_nil(struct eio_buf *out, unsigned protocol)
{
	eio_buf_add(out, protocol == 3 ? EIO_LIT("_\r\n") : EIO_LIT("$-1\r\n"));
}

void
resp_reply_nil_list(struct eio_buf *out, unsigned protocol)
{
	eio_buf_add(out, protocol == 3 ? EIO_LIT("_\r\n") : EIO_LIT("*-1\r\n"));
}

void
resp_reply_list(struct eio_buf *out, size_t n)
{
	add_number_line(out, '*', n);
}

void
resp_reply_map(struct eio_buf *out, unsigned protocol, size_t n)
{
	add_number_line(out, protocol == 3 ? '%' : '*', protocol == 3 ? n : 2 * n);
}

/* SPDX-License-Identifier: MIT */
/* JSONP. The client writes the form into an iframe, where browsers may turn newlines into CR LF; so it escapes them
 * first. */
#include "eio/jsonp.h"

#include "eio/query.h"

static void
append_char(struct eio_buf *out, struct eio_bytes s, size_t *i)
{
	unsigned char c = (unsigned char)s.p[*i];

	if (c == '"' || c == '\\') {
		eio_buf_addc(out, '\\');
		eio_buf_addc(out, (char)c);
	} else if (c < 0x20) {
		eio_buf_printf(out, "\\u%04x", c);
	} else if (c == 0xe2 && *i + 2 < s.n && (unsigned char)s.p[*i + 1] == 0x80 &&
		   ((unsigned char)s.p[*i + 2] & 0xfe) == 0xa8) {
		/* U+2028 and U+2029 end a line in JavaScript, though not in JSON. */
		eio_buf_printf(out, "\\u202%c", (s.p[*i + 2] & 1) ? '9' : '8');
		*i += 2;
	} else {
		eio_buf_addc(out, (char)c);
	}
}

void
eio_jsonp_append(struct eio_buf *out, struct eio_bytes j, struct eio_bytes payload)
{
	EIO_BUF_ADD_LIT(out, "___eio[");
	for (size_t i = 0; i < j.n; i++)
		if (j.p[i] >= '0' && j.p[i] <= '9') eio_buf_addc(out, j.p[i]);
	EIO_BUF_ADD_LIT(out, "](\"");
	for (size_t i = 0; i < payload.n; i++) append_char(out, payload, &i);
	EIO_BUF_ADD_LIT(out, "\");");
}

/* A backslash and an n stand for a newline, unless another backslash stands before them. */
static size_t
undo_newlines(char *p, size_t n)
{
	size_t to = 0;

	for (size_t i = 0; i < n;) {
		if (n - i >= 3 && memcmp(p + i, "\\\\n", 3) == 0) {
			memmove(p + to, p + i, 3);
			to += 3;
			i += 3;
		} else if (n - i >= 2 && memcmp(p + i, "\\n", 2) == 0) {
			p[to++] = '\n';
			i += 2;
		} else {
			p[to++] = p[i++];
		}
	}
	return to;
}

/* Then two backslashes and an n stand for one and an n. */
static size_t
undo_backslashes(char *p, size_t n)
{
	size_t to = 0;

	for (size_t i = 0; i < n; i++) {
		if (n - i >= 3 && memcmp(p + i, "\\\\n", 3) == 0) i++;
		p[to++] = p[i];
	}
	return to;
}

ssize_t
eio_jsonp_decode(char *body, size_t n)
{
	ssize_t len = eio_query_take(body, n, EIO_LIT("d"));

	if (len < 0) return -1;
	return (ssize_t)undo_backslashes(body, undo_newlines(body, (size_t)len));
}

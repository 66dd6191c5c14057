/* SPDX-License-Identifier: MIT */
/*
 * How a request is framed, to the letter of RFC 9112, whichever llhttp there is: its
 * versions differ in what they let pass, and proxies in front of us read that
 * otherwise. http_lines.c says which bytes of a head are in order, and only those
 * reach llhttp; bodies are read by http_body.c and not shown to llhttp at all, so that
 * nothing has two readers who might disagree about where it ends. Private to http.c.
 */
#ifndef EIO_NET_HTTP_INT_H
#define EIO_NET_HTTP_INT_H

#include "eio/net/request.h"

/* The lines of a head, or of trailers, and how far they were read. */
struct eio__http_lines {
	enum eio__line_state {
		EIO__LINE_BLANK, /* before the request line */
		EIO__LINE_BLANK_CR,
		EIO__LINE_METHOD,
		EIO__LINE_TARGET_START,
		EIO__LINE_TARGET,
		EIO__LINE_VERSION,
		EIO__LINE_FIELD, /* at the beginning of a line */
		EIO__LINE_NAME,
		EIO__LINE_VALUE,
		EIO__LINE_CR,
		EIO__LINE_LAST_CR,
		EIO__LINE_OVER,
	} state;
	unsigned char at; /* in the version */
	int status; /* to answer with once a byte was out of order, else 0 */
};

void eio__http_lines_begin_head(struct eio__http_lines *l);
void eio__http_lines_begin_trailers(struct eio__http_lines *l);

/* How many of the bytes are in order, up to the end of the lines: fewer than n when they are over or l->status was
 * set. */
size_t eio__http_lines_check(struct eio__http_lines *l, const char *p, size_t n);

/* A body, and how far it was read. */
struct eio__http_body {
	enum eio__body_state {
		EIO__BODY_CONTENT,
		EIO__BODY_CONTENT_CR, /* behind a chunk */
		EIO__BODY_CONTENT_LF,
		EIO__BODY_SIZE, /* of a chunk */
		EIO__BODY_NAME_START, /* of a chunk extension */
		EIO__BODY_NAME,
		EIO__BODY_VALUE_START,
		EIO__BODY_VALUE,
		EIO__BODY_QUOTED,
		EIO__BODY_QUOTED_PAIR,
		EIO__BODY_QUOTED_END,
		EIO__BODY_SIZE_LF,
		EIO__BODY_TRAILERS,
		EIO__BODY_OVER,
	} state;
	bool chunked;
	uint64_t left; /* bytes of content, of a body or of the chunk whose size is known */
	uint64_t size; /* of the next chunk, while it is read */
	unsigned digits; /* of that */
	size_t extra, max_extra; /* bytes of extensions, trailers and needless zeros */
	struct eio__http_lines trailers;
	int status; /* to answer with once a byte was out of order, else 0 */
};

/* A body of so many bytes. */
void eio__http_body_begin(struct eio__http_body *b, uint64_t length);

/* A body in chunks, with up to max_extra bytes of extensions and trailers together. */
void eio__http_body_begin_chunked(struct eio__http_body *b, size_t max_extra);

/* Reads on, up to the next piece of content, to the end of a chunk's size, to that of the body or to a mistake.
 * Returns how many bytes it took; *content becomes the piece, a part of them, or empty. n > 0, and the body is
 * neither over nor wrong. */
size_t eio__http_body_read(struct eio__http_body *b, const char *p, size_t n, struct eio_bytes *content);

/* Makes of a target as it was sent what struct eio_request says of it, with path and query; looks at the Host, too,
 * which a target may replace. Returns 0, the status to answer with, or -1 when out of memory. */
int eio__request_resolve(struct eio_request *r);

/* How the body is framed: in chunks, or by its length, which is 0 when there is none. Returns 0 or the status to
 * answer with. */
int eio__request_body(const struct eio_request *r, bool *chunked, uint64_t *length);

/* Whether the first header of that name has this value, which is in lower case; the header's case does not count. */
bool eio__request_header_is(const struct eio_request *r, struct eio_bytes name, struct eio_bytes lower);

/* Whether this may be in the name of a header, of a method, of a chunk extension (RFC 9110 section 5.6.2: tchar). */
bool eio__http_is_token(char c);

/* Whether this may be in the value of a header: no control character but the tab. */
bool eio__http_is_text(char c);

#endif

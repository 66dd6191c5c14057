/* SPDX-License-Identifier: MIT */
/* The request parser: the only file that includes llhttp, which reads heads once http_lines.c found them in order. */
#include "eio/net/http.h"

#include "eio/check.h"
#include "eio/net/http_int.h"

#include <llhttp.h>
#include <stdint.h>
#include <stdlib.h>

enum {
	FIRST_HEADERS = 16, /* room for as many at first, and for so many bytes: what browsers send with a poll */
	FIRST_HEAD = 512,
};

enum { HTTP_MAGIC = 0x70617273 };

struct eio_http {
	unsigned magic; /* HTTP_MAGIC */
	enum {
		STAGE_IDLE, /* before the first byte of a request */
		STAGE_HEAD,
		STAGE_BODY,
		STAGE_CLOSED, /* behind a request that closes the connection; what follows is nobody's */
	} stage;
	llhttp_t parser; /* of a head; begun anew for each */
	struct eio_request *req; /* owned; being read */
	size_t max_head, max_body;
	size_t head_n; /* bytes of the head so far */
	struct eio__http_lines lines; /* of the head */
	struct eio__http_body body;
	int status; /* see eio_http_status; 0 until then */
	bool headers_done, keep_alive, discard, nomem, in_value, target_done;
	const char *stood_for; /* what `substitute` stands for while the parser has it, or NULL */
};

/* Old browsers write bytes beyond ASCII into a query as they are. llhttp 9 refuses those: it sees letters in their
 * place. */
static const char substitute[] = "xxxxxxxxxxxxxxxx";

static int
append_head(struct eio_http *h, const char *p, size_t n)
{
	eio_buf_append(&h->req->head, p, n);
	h->nomem = h->req->head.failed;
	return h->nomem ? -1 : 0;
}

static int
on_begin(llhttp_t *p)
{
	struct eio_http *h = p->data;

	CHECK_MAGIC(h, HTTP_MAGIC);
	h->req = malloc(sizeof *h->req + FIRST_HEADERS * sizeof h->req->headers[0]);
	h->nomem = !h->req;
	if (!h->req) return -1;
	*h->req = (struct eio_request){ .cap = FIRST_HEADERS };
	eio_buf_reserve(&h->req->head, FIRST_HEAD < h->max_head ? FIRST_HEAD : h->max_head);
	return 0;
}

static int
on_url(llhttp_t *p, const char *at, size_t n)
{
	struct eio_http *h = p->data;
	int err = append_head(h, h->stood_for ? h->stood_for + (at - substitute) : at, n);

	if (!err) h->req->target.n = h->req->head.n;
	return err;
}

static int
on_url_complete(llhttp_t *p)
{
	struct eio_http *h = p->data;

	h->target_done = true;
	return 0;
}

/* Begins a header, whose name stands at that place of the head. Returns false when memory is out. */
static bool
add_header(struct eio_http *h, size_t name)
{
	struct eio_request *r = h->req;

	if (r->count == r->cap) {
		r = realloc(r, sizeof *r + 2 * r->cap * sizeof r->headers[0]);
		if (!r) {
			h->nomem = true;
			return false;
		}
		r->cap *= 2;
		h->req = r;
	}
	r->headers[r->count++] = (struct eio_http_header){ .name = (unsigned)name };
	return true;
}

static int
on_field(llhttp_t *p, const char *at, size_t n)
{
	struct eio_http *h = p->data;
	struct eio_request *r = h->req;
	size_t start = r->head.n;

	if (r->count == 0 || h->in_value) {
		if (!add_header(h, start)) return -1;
		r = h->req;
		h->in_value = false;
	}
	if (append_head(h, at, n)) return -1;
	for (size_t i = start; i < r->head.n; i++)
		if (r->head.p[i] >= 'A' && r->head.p[i] <= 'Z') r->head.p[i] = (char)(r->head.p[i] | 0x20);
	r->headers[r->count - 1].name_n = (unsigned)(r->head.n - r->headers[r->count - 1].name);
	return 0;
}

static int
on_value(llhttp_t *p, const char *at, size_t n)
{
	struct eio_http *h = p->data;
	struct eio_request *r = h->req;

	if (r->count == 0) return -1;
	if (!h->in_value) r->headers[r->count - 1].value = (unsigned)r->head.n;
	h->in_value = true;
	if (append_head(h, at, n)) return -1;
	r->headers[r->count - 1].value_n = (unsigned)(r->head.n - r->headers[r->count - 1].value);
	return 0;
}

static enum eio_http_method
method_of(int m)
{
	switch (m) {
	case HTTP_GET: return EIO_HTTP_GET;
	case HTTP_HEAD: return EIO_HTTP_HEAD;
	case HTTP_POST: return EIO_HTTP_POST;
	case HTTP_OPTIONS: return EIO_HTTP_OPTIONS;
	default: return EIO_HTTP_OTHER;
	}
}

/* Works out where the target points and how the body is framed. Returns 0, the status to refuse it with, or -1. */
static int
understand_head(struct eio_http *h)
{
	struct eio_request *r = h->req;
	uint64_t length;
	bool chunked;
	int err;

	r->target.p = r->head.p;
	err = eio__request_resolve(r);
	if (!err) err = eio__request_body(r, &chunked, &length);
	if (err) return err;
	if (chunked)
		eio__http_body_begin_chunked(&h->body, h->max_head);
	else
		eio__http_body_begin(&h->body, length);
	return 0;
}

static int
on_headers(llhttp_t *p)
{
	struct eio_http *h = p->data;
	struct eio_request *r = h->req;
	int err;

	r->method = method_of(llhttp_get_method(p));
	r->minor0 = p->http_minor == 0;
	err = llhttp_get_method(p) == HTTP_CONNECT ? 501 : understand_head(h);
	if (err) {
		h->nomem = err < 0;
		h->status = err;
		return -1;
	}
	h->keep_alive = r->keep_alive = llhttp_should_keep_alive(p) == 1;
	r->expect_continue = !r->minor0 && eio__request_header_is(r, EIO_LIT("expect"), EIO_LIT("100-continue"));
	/* HTTP/1.0 knows no upgrade. Other protocols, such as h2c, and requests with a body are declined by answering
	 * in HTTP/1.1 (RFC 9110 section 7.8). */
	r->websocket = p->upgrade && !r->minor0 && r->method != EIO_HTTP_OTHER && h->body.state == EIO__BODY_OVER &&
		       eio__request_header_is(r, EIO_LIT("upgrade"), EIO_LIT("websocket"));
	h->headers_done = true;
	return HPE_PAUSED;
}

static const llhttp_settings_t settings = {
	.on_message_begin = on_begin,
	.on_url = on_url,
	.on_url_complete = on_url_complete,
	.on_header_field = on_field,
	.on_header_value = on_value,
	.on_headers_complete = on_headers,
};

struct eio_http *
eio_http_new(size_t max_head, size_t max_body)
{
	struct eio_http *h = calloc(1, sizeof *h);

	if (!h) return NULL;
	h->magic = HTTP_MAGIC;
	h->max_head = max_head;
	h->max_body = max_body;
	return h;
}

void
eio_http_free(struct eio_http *h)
{
	if (!h) return;
	eio_request_free(h->req);
	h->magic = 0;
	free(h);
}

/* How many bytes p begins with that are on one side of 0x80. */
static size_t
length_of_run(const char *p, size_t n, bool ascii)
{
	const uint64_t high = 0x8080808080808080u;
	size_t i = 0;

	for (uint64_t w; i + sizeof w <= n; i += sizeof w) {
		memcpy(&w, p + i, sizeof w);
		if ((w & high) != (ascii ? 0 : high)) break;
	}
	while (i < n && ((unsigned char)p[i] < 0x80) == ascii) i++;
	return i;
}

/*
 * How much the parser may have at once, of a piece in which the target is not over. A line without such bytes, as
 * nearly all are, goes in together with all that follows; before that of the request there may be empty ones.
 */
static size_t
next_http_part(struct eio_http *h, const char *p, size_t n)
{
	bool ascii = (unsigned char)*p < 0x80;
	const char *end = memchr(p, '\n', n);
	size_t line = end ? (size_t)(end - p) + 1 : n;
	size_t run = length_of_run(p, line, ascii);

	if (ascii) return run == line && line > 2 ? n : run;
	h->stood_for = p;
	return run < sizeof substitute - 1 ? run : sizeof substitute - 1;
}

/* Has the parser read bytes that are in order. */
static llhttp_errno_t
parse_head_piece(struct eio_http *h, const char *p, size_t n)
{
	llhttp_errno_t err = HPE_OK;

	for (size_t at = 0, part; at < n && err == HPE_OK; at += part) {
		h->stood_for = NULL;
		part = h->target_done ? n - at : next_http_part(h, p + at, n - at);
		err = llhttp_execute(&h->parser, h->stood_for ? substitute : p + at, part);
	}
	return err;
}

static enum eio_http_result
refuse_http(struct eio_http *h, int status)
{
	if (h->nomem) return EIO_HTTP_NOMEM;
	if (!h->status) h->status = status;
	return EIO_HTTP_BAD;
}

/* Nobody reads the rest of a body that is too large, nor anything of it. */
static enum eio_http_result
drop_large_body(struct eio_http *h)
{
	h->discard = true;
	eio_buf_deinit(&h->req->body);
	return EIO_HTTP_TOO_LARGE;
}

/* Only a POST has a body that anybody reads. */
static bool
body_is_read(const struct eio_http *h)
{
	return !h->discard && h->req->method == EIO_HTTP_POST;
}

/* Where reading a request stands when something of it was read; called again and again until it is over. */
static enum eio_http_result
judge_progress(struct eio_http *h)
{
	if (h->body.status) return refuse_http(h, h->body.status);
	if (body_is_read(h) && h->body.left > h->max_body - h->req->body.n) return drop_large_body(h);
	if (h->body.state != EIO__BODY_OVER) return EIO_HTTP_MORE;
	h->stage = h->keep_alive ? STAGE_IDLE : STAGE_CLOSED;
	/* A request whose body was thrown away has been answered before its end. */
	if (h->discard) return EIO_HTTP_MORE;
	return h->req->websocket ? EIO_HTTP_UPGRADE : EIO_HTTP_COMPLETE;
}

static void
begin_request(struct eio_http *h)
{
	eio_request_free(h->req);
	h->req = NULL;
	llhttp_init(&h->parser, HTTP_REQUEST, &settings);
	h->parser.data = h;
	eio__http_lines_begin_head(&h->lines);
	h->stage = STAGE_HEAD;
	h->head_n = 0;
	h->headers_done = h->discard = h->in_value = h->target_done = false;
}

/* Both readers of a head must see its end at the same place; if ever they do not, what follows is not to be trusted. */
static enum eio_http_result
feed_head(struct eio_http *h, const char *p, size_t n, size_t *used)
{
	size_t room = h->max_head - h->head_n;
	bool over;
	llhttp_errno_t err;

	*used = eio__http_lines_check(&h->lines, p, n < room ? n : room);
	h->head_n += *used;
	over = h->lines.state == EIO__LINE_OVER;
	err = parse_head_piece(h, p, *used);
	if (err != (over ? HPE_PAUSED : HPE_OK) || h->headers_done != over) return refuse_http(h, 400);
	if (over) {
		h->stage = STAGE_BODY;
		return judge_progress(h);
	}
	if (h->lines.status) return refuse_http(h, h->lines.status);
	return h->head_n == h->max_head ? refuse_http(h, 431) : EIO_HTTP_MORE;
}

static enum eio_http_result
feed_body(struct eio_http *h, const char *p, size_t n, size_t *used)
{
	struct eio_bytes content;

	*used = eio__http_body_read(&h->body, p, n, &content);
	if (content.n > 0 && body_is_read(h)) {
		eio_buf_add(&h->req->body, content);
		if (h->req->body.failed) return EIO_HTTP_NOMEM;
	}
	return judge_progress(h);
}

enum eio_http_result
eio_http_feed(struct eio_http *h, const char *data, size_t n, size_t *used)
{
	enum eio_http_result r = EIO_HTTP_MORE;
	size_t took;

	*used = 0;
	while (*used < n && r == EIO_HTTP_MORE) {
		if (h->stage == STAGE_IDLE) begin_request(h);
		took = n - *used;
		if (h->stage == STAGE_HEAD)
			r = feed_head(h, data + *used, n - *used, &took);
		else if (h->stage == STAGE_BODY)
			r = feed_body(h, data + *used, n - *used, &took);
		*used += took;
	}
	return r;
}

int
eio_http_status(const struct eio_http *h)
{
	return h->status;
}

struct eio_request *
eio_http_request(struct eio_http *h)
{
	return h->headers_done ? h->req : NULL;
}

struct eio_request *
eio_http_take(struct eio_http *h)
{
	struct eio_request *r = h->req;

	h->req = NULL;
	h->headers_done = false;
	/* What is left of its body is nobody's. */
	h->discard = h->stage == STAGE_BODY;
	return r;
}

bool
eio_http_in_body(const struct eio_http *h)
{
	return h->headers_done && h->stage == STAGE_BODY;
}

bool
eio_http_idle(const struct eio_http *h)
{
	return h->stage == STAGE_IDLE || h->stage == STAGE_CLOSED;
}

const char *
eio_http_status_text(int status)
{
	/* What siocast answers; a client does not look at the words (RFC 9112 section 4). */
	switch (status) {
	case 200: return "OK";
	case 204: return "No Content";
	case 301: return "Moved Permanently";
	case 308: return "Permanent Redirect";
	case 304: return "Not Modified";
	case 400: return "Bad Request";
	case 403: return "Forbidden";
	case 404: return "Not Found";
	case 405: return "Method Not Allowed";
	case 413: return "Payload Too Large";
	case 431: return "Request Header Fields Too Large";
	case 500: return "Internal Server Error";
	case 501: return "Not Implemented";
	case 503: return "Service Unavailable";
	case 505: return "HTTP Version Not Supported";
	default: return "Unknown";
	}
}

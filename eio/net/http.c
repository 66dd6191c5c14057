/* SPDX-License-Identifier: MIT */
/* The request parser: the only file that includes llhttp. */
#include "eio/net/http.h"

#include "eio/check.h"
#include "eio/query.h"

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
	llhttp_t parser;
	struct eio_request *req; /* owned; being read */
	size_t max_head, max_body;
	bool headers_done, complete, discard, too_large, notified_large, idle, nomem, head_full, in_value;
	bool target_done;
	const char *stood_for; /* what `substitute` stands for while the parser has it, or NULL */
	/* Of the lines of the head: whether the first has been there and whether the last, and how far the present one
	 * got. */
	bool head_begun, head_ended;
	char last;
	size_t line_n;
};

/* Old browsers write bytes beyond ASCII into a query as they are. llhttp 9 refuses those: it sees letters in their
 * place. */
static const char substitute[] = "xxxxxxxxxxxxxxxx";

void
eio_request_free(struct eio_request *r)
{
	if (!r) return;
	eio_buf_deinit(&r->head);
	eio_buf_deinit(&r->body);
	free(r);
}

bool
eio_request_header_at(const struct eio_request *r, unsigned i, struct eio_bytes *name, struct eio_bytes *value)
{
	if (i >= r->count) return false;
	*name = eio_bytes(r->head.p + r->headers[i].name, r->headers[i].name_n);
	*value = eio_bytes(r->head.p + r->headers[i].value, r->headers[i].value_n);
	while (value->n > 0 && (value->p[value->n - 1] == ' ' || value->p[value->n - 1] == '\t')) value->n--;
	return true;
}

/* The value of header i when it has that name. */
static bool
named_value(const struct eio_request *r, unsigned i, struct eio_bytes name, struct eio_bytes *v)
{
	if (!eio_bytes_eq(eio_bytes(r->head.p + r->headers[i].name, r->headers[i].name_n), name)) return false;
	return eio_request_header_at(r, i, &name, v);
}

struct eio_bytes
eio_request_header(const struct eio_request *r, struct eio_bytes name)
{
	struct eio_bytes v;

	for (unsigned i = 0; i < r->count; i++)
		if (named_value(r, i, name, &v)) return v;
	return eio_bytes(NULL, 0);
}

void
eio_request_header_list(const struct eio_request *r, struct eio_bytes name, struct eio_buf *out)
{
	size_t before = out->n;
	struct eio_bytes v;

	for (unsigned i = 0; i < r->count; i++) {
		if (!named_value(r, i, name, &v)) continue;
		if (out->n > before) eio_buf_addc(out, ',');
		eio_buf_add(out, v);
	}
}

static int
append_head(struct eio_http *h, const char *p, size_t n)
{
	if (!h->req) return -1;
	if (h->req->head.n + n > h->max_head) {
		h->head_full = true;
		return -1;
	}
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
	if (h->req) {
		*h->req = (struct eio_request){ .cap = FIRST_HEADERS };
		eio_buf_reserve(&h->req->head, FIRST_HEAD < h->max_head ? FIRST_HEAD : h->max_head);
	}
	h->headers_done = h->complete = h->discard = h->too_large = h->notified_large = h->in_value = false;
	return h->req ? 0 : -1;
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

/* Begins a header, whose name stands at that place of the head. Returns false when there are too many, or memory is
 * out. */
static bool
add_header(struct eio_http *h, size_t name)
{
	struct eio_request *r = h->req;

	if (r->count == EIO_HTTP_MAX_HEADERS) {
		h->head_full = true;
		return false;
	}
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
	size_t start;

	/* Trailers come when the head is in use, and nobody reads them. */
	if (h->headers_done || !r) return 0;
	start = r->head.n;
	if (r->count == 0 || h->in_value) {
		if (!add_header(h, start)) return -1;
		r = h->req;
		h->in_value = false;
	}
	if (append_head(h, at, n)) return -1;
	for (size_t i = start; i < r->head.n; i++) {
		if (r->head.p[i] >= 'A' && r->head.p[i] <= 'Z') r->head.p[i] = (char)(r->head.p[i] | 0x20);
		/* llhttp lets blanks in names pass, through which requests can be smuggled past a proxy (RFC 9112
		 * section 5.1). */
		if (r->head.p[i] == ' ') return -1;
	}
	r->headers[r->count - 1].name_n = (unsigned)(r->head.n - r->headers[r->count - 1].name);
	return 0;
}

static int
on_value(llhttp_t *p, const char *at, size_t n)
{
	struct eio_http *h = p->data;
	struct eio_request *r = h->req;

	if (h->headers_done || !r) return 0;
	if (r->count == 0) return -1;
	if (!h->in_value) r->headers[r->count - 1].value = (unsigned)r->head.n;
	h->in_value = true;
	if (append_head(h, at, n)) return -1;
	r->headers[r->count - 1].value_n = (unsigned)(r->head.n - r->headers[r->count - 1].value);
	return 0;
}

static bool
equals_ignore_case(struct eio_bytes s, struct eio_bytes lower)
{
	if (s.n != lower.n) return false;
	for (size_t i = 0; i < s.n; i++)
		if ((s.p[i] | ((s.p[i] >= 'A' && s.p[i] <= 'Z') << 5)) != lower.p[i]) return false;
	return true;
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

static int
on_headers(llhttp_t *p)
{
	struct eio_http *h = p->data;
	struct eio_request *r = h->req;

	r->method = method_of(llhttp_get_method(p));
	r->target.p = r->head.p;
	eio_query_split(r->target, &r->path, &r->query);
	r->minor0 = p->http_major < 1 || (p->http_major == 1 && p->http_minor == 0);
	r->keep_alive = llhttp_should_keep_alive(p) == 1;
	r->expect_continue = equals_ignore_case(eio_request_header(r, EIO_LIT("expect")), EIO_LIT("100-continue"));
	r->websocket = p->upgrade && r->method != EIO_HTTP_OTHER &&
		       equals_ignore_case(eio_request_header(r, EIO_LIT("upgrade")), EIO_LIT("websocket"));
	/* As Node has it, a WebSocket needs none. */
	if (!r->websocket && p->http_major == 1 && p->http_minor == 1 && !eio_request_header(r, EIO_LIT("host")).p)
		return -1;
	h->headers_done = true;
	/* Another protocol offered, such as h2c, is declined by answering in HTTP/1.1 (RFC 9110 section 7.8). */
	if (!r->websocket && llhttp_get_method(p) != HTTP_CONNECT) p->upgrade = 0;
	if (r->method == EIO_HTTP_POST && (p->flags & F_CONTENT_LENGTH) && p->content_length > h->max_body)
		h->too_large = h->discard = true;
	return 0;
}

static int
on_body(llhttp_t *p, const char *at, size_t n)
{
	struct eio_http *h = p->data;

	/* Only a POST has a body that anybody reads. */
	if (h->discard || h->req->method != EIO_HTTP_POST) return 0;
	if (h->req->body.n + n > h->max_body) {
		h->too_large = h->discard = true;
		eio_buf_deinit(&h->req->body);
		return 0;
	}
	eio_buf_append(&h->req->body, at, n);
	h->nomem = h->req->body.failed;
	return h->nomem ? -1 : 0;
}

static int
on_complete(llhttp_t *p)
{
	struct eio_http *h = p->data;

	h->complete = true;
	/* After a request for a WebSocket llhttp pauses by itself, behind the last byte of HTTP. */
	return h->req && h->req->websocket ? 0 : HPE_PAUSED;
}

static const llhttp_settings_t settings = {
	.on_message_begin = on_begin,
	.on_url = on_url,
	.on_url_complete = on_url_complete,
	.on_header_field = on_field,
	.on_header_value = on_value,
	.on_headers_complete = on_headers,
	.on_body = on_body,
	.on_message_complete = on_complete,
};

struct eio_http *
eio_http_new(size_t max_head, size_t max_body)
{
	struct eio_http *h = calloc(1, sizeof *h);

	if (!h) return NULL;
	h->magic = HTTP_MAGIC;
	llhttp_init(&h->parser, HTTP_REQUEST, &settings);
	h->parser.data = h;
	h->max_head = max_head;
	h->max_body = max_body;
	h->idle = true;
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

/*
 * How many of the bytes are before the first that is out of order in a line of the head. llhttp 8 takes what its
 * successors and many proxies do not, or read otherwise: lines that end without CR, folded ones (RFC 9112 section 5.2)
 * and names without a character.
 */
static size_t
check_lines(struct eio_http *h, const char *data, size_t n)
{
	for (size_t at = 0, part; at < n && !h->head_ended; at += part) {
		const char *p = data + at, *end = memchr(p, '\n', n - at);

		part = end ? (size_t)(end - p) + 1 : n - at;
		if (h->line_n == 0 && (*p == ' ' || *p == '\t' || *p == ':')) return at;
		if (end && (part > 1 ? end[-1] : h->last) != '\r') {
			/* What is before it is fed first. */
			if (part == 1) return at;
			part--;
			n = at + part;
			end = NULL;
		}
		h->line_n += part;
		h->last = p[part - 1];
		if (!end) continue;
		/* Empty lines before the first are no end. */
		h->head_ended = h->head_begun && h->line_n == 2;
		h->head_begun = h->head_begun || h->line_n > 2;
		h->line_n = 0;
	}
	return n;
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
 * How much the parser may have at once, of a piece in which the target is not over. A line without such bytes, as nearly
 * all are, goes in together with all that follows; before that of the request there may be empty ones.
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

/* Has the parser read. Says in *used how far it came. */
static llhttp_errno_t
parse_http_piece(struct eio_http *h, const char *p, size_t n, size_t *used)
{
	llhttp_errno_t err = HPE_OK;

	*used = 0;
	while (*used < n && err == HPE_OK) {
		const char *from = p + *used, *stop;
		size_t part;

		h->stood_for = NULL;
		part = h->target_done ? n - *used : next_http_part(h, from, n - *used);
		err = llhttp_execute(&h->parser, h->stood_for ? substitute : from, part);
		/* What follows a request that closes is nobody's. llhttp 8 reads it over by itself. */
		if (err == HPE_CLOSED_CONNECTION) {
			*used = n;
			return HPE_OK;
		}
		stop = err == HPE_OK || h->stood_for ? NULL : llhttp_get_error_pos(&h->parser);
		*used += stop && stop >= from ? (size_t)(stop - from) : part;
	}
	return err;
}

/* What a stop of the parser means. */
static enum eio_http_result
result_of(struct eio_http *h, llhttp_errno_t err)
{
	bool complete = h->complete;

	h->complete = false;
	if (complete) h->idle = true;
	if (err == HPE_PAUSED_UPGRADE && h->req && h->req->websocket) return EIO_HTTP_UPGRADE;
	if (h->too_large && !h->notified_large) {
		h->notified_large = true;
		return EIO_HTTP_TOO_LARGE;
	}
	/* A request whose body was thrown away has been answered before its end. */
	if (complete) return h->discard ? EIO_HTTP_MORE : EIO_HTTP_COMPLETE;
	if (err == HPE_OK || err == HPE_PAUSED) return EIO_HTTP_MORE;
	if (h->head_full) return EIO_HTTP_HEAD_TOO_LARGE;
	return h->nomem ? EIO_HTTP_NOMEM : EIO_HTTP_BAD;
}

static void
begin_head(struct eio_http *h)
{
	h->head_begun = h->head_ended = h->target_done = false;
	h->last = '\0';
	h->line_n = 0;
}

enum eio_http_result
eio_http_feed(struct eio_http *h, const char *data, size_t n, size_t *used)
{
	enum eio_http_result r = EIO_HTTP_MORE;
	llhttp_errno_t err;
	size_t good, took;

	*used = 0;
	while (*used < n && r == EIO_HTTP_MORE) {
		if (h->idle) begin_head(h);
		h->idle = false;
		good = check_lines(h, data + *used, n - *used);
		if (good == 0) return EIO_HTTP_BAD;
		err = parse_http_piece(h, data + *used, good, &took);
		*used += took;
		if (err == HPE_PAUSED) llhttp_resume(&h->parser);
		r = result_of(h, err);
	}
	return r;
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
	h->discard = !h->idle;
	return r;
}

bool
eio_http_in_body(const struct eio_http *h)
{
	return h->headers_done && !h->idle;
}

bool
eio_http_idle(const struct eio_http *h)
{
	return h->idle;
}

const char *
eio_http_status_text(int status)
{
	/* What siocast answers; a client does not look at the words (RFC 9112 section 4). */
	switch (status) {
	case 200: return "OK";
	case 204: return "No Content";
	case 301: return "Moved Permanently";
	case 304: return "Not Modified";
	case 400: return "Bad Request";
	case 403: return "Forbidden";
	case 404: return "Not Found";
	case 405: return "Method Not Allowed";
	case 413: return "Payload Too Large";
	case 431: return "Request Header Fields Too Large";
	case 500: return "Internal Server Error";
	case 503: return "Service Unavailable";
	default: return "Unknown";
	}
}

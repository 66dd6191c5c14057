/* SPDX-License-Identifier: MIT */
/*
 * Any bytes on an HTTP connection, and who sees which requests in them. Ours gets
 * them whole and in pieces; llhttp alone gets the same bytes and must see each
 * request that ours takes, to the byte; and what ours took must read as the grammar
 * of RFC 9112 has it, which is written down here once more, in the simplest way.
 */
#include "eio/net/http.h"

#include <llhttp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { LIMIT = 1 << 20, MAX_REQUESTS = 64 };

/* The requests that somebody saw, described one behind the other, and where in the input each ended. */
struct seen {
	struct eio_buf text;
	size_t n, text_end[MAX_REQUESTS], input_end[MAX_REQUESTS];
	int end; /* the result that was the last, EIO_HTTP_MORE, or EIO_HTTP_COMPLETE when the connection closes */
};

static void
fail(const char *why, struct eio_bytes input)
{
	fprintf(stderr, "%s: %.*s\n", why, (int)input.n, input.p);
	abort();
}

/* Ours */

static void
describe(struct eio_buf *out, const struct eio_request *r)
{
	struct eio_bytes name, value;

	eio_buf_add(out, r->target);
	for (unsigned i = 0; eio_request_header_at(r, i, &name, &value); i++) {
		/* An authority in the target takes its place. */
		if (eio_bytes_eq(name, EIO_LIT("host"))) value = eio_bytes("", 0);
		eio_buf_printf(out, "|%.*s=%.*s", (int)name.n, name.p, (int)value.n, value.p);
	}
	EIO_BUF_ADD_LIT(out, "||");
	if (r->method == EIO_HTTP_POST) eio_buf_add(out, eio_buf_bytes(&r->body));
	eio_buf_addc(out, '\n');
}

/* One result; whether the connection goes on. */
static bool
note(struct seen *s, struct eio_http *h, enum eio_http_result r, size_t at)
{
	struct eio_request *req;
	bool keep_alive;

	if (r == EIO_HTTP_MORE) return true;
	if (r == EIO_HTTP_NOMEM) abort();
	s->end = (int)r;
	if (r == EIO_HTTP_BAD || r == EIO_HTTP_TOO_LARGE || s->n == MAX_REQUESTS) return false;
	req = eio_http_take(h);
	describe(&s->text, req);
	keep_alive = req->keep_alive;
	eio_request_free(req);
	s->text_end[s->n] = s->text.n;
	s->input_end[s->n++] = at;
	if (r == EIO_HTTP_UPGRADE || !keep_alive) return false;
	s->end = EIO_HTTP_MORE;
	return true;
}

static void
read_ours(struct seen *s, struct eio_bytes input, size_t piece)
{
	struct eio_http *h = eio_http_new(LIMIT, LIMIT);
	bool open = true;
	size_t used;

	*s = (struct seen){ .end = EIO_HTTP_MORE };
	for (size_t at = 0, n; open && at < input.n; at += used) {
		n = input.n - at < piece ? input.n - at : piece;
		enum eio_http_result r = eio_http_feed(h, input.p + at, n, &used);

		open = note(s, h, r, at + used);
	}
	eio_http_free(h);
}

/* llhttp */

struct plain {
	struct eio_buf text; /* the request described, as ours are */
	bool in_body, complete;
	struct eio_buf target, headers, name, value, body;
};

/* A header is over when the next begins, or the head. */
static void
end_header(struct plain *p)
{
	if (p->name.n == 0) return;
	while (p->value.n && (p->value.p[p->value.n - 1] == ' ' || p->value.p[p->value.n - 1] == '\t')) p->value.n--;
	for (size_t i = 0; i < p->name.n; i++)
		if (p->name.p[i] >= 'A' && p->name.p[i] <= 'Z') p->name.p[i] = (char)(p->name.p[i] | 0x20);
	if (eio_bytes_eq(eio_buf_bytes(&p->name), EIO_LIT("host"))) p->value.n = 0;
	eio_buf_printf(&p->headers, "|%.*s=%.*s", (int)p->name.n, p->name.p, (int)p->value.n, p->value.p);
	eio_buf_clear(&p->name);
	eio_buf_clear(&p->value);
}

static int
on_url(llhttp_t *l, const char *at, size_t n)
{
	struct plain *p = l->data;

	eio_buf_append(&p->target, at, n);
	return 0;
}

static int
on_field(llhttp_t *l, const char *at, size_t n)
{
	struct plain *p = l->data;

	eio_buf_append(&p->name, at, n);
	return 0;
}

static int
on_value(llhttp_t *l, const char *at, size_t n)
{
	struct plain *p = l->data;

	eio_buf_append(&p->value, at, n);
	return 0;
}

static int
on_value_complete(llhttp_t *l)
{
	struct plain *p = l->data;

	end_header(p);
	return 0;
}

/* What is left of a target without scheme, authority and fragment. A NUL is behind it. */
static struct eio_bytes
origin_form(struct eio_bytes target)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
	const char *mark = strchr(target.p, '#'), *scheme = target.p + strspn(target.p, letters);
	struct eio_bytes t = mark ? eio_bytes(target.p, (size_t)(mark - target.p)) : target;

	if (scheme == target.p || strncmp(scheme, "://", 3) != 0 || scheme > t.p + t.n) return t;
	t = eio_bytes(scheme + 3, t.n - (size_t)(scheme + 3 - t.p));
	while (t.n > 0 && t.p[0] != '/' && t.p[0] != '?') t.p++, t.n--;
	return t;
}

/* An upgrade that is none for us is none here. What comes as headers behind this are trailers, which nobody reads. */
static int
on_headers(llhttp_t *l)
{
	struct plain *p = l->data;
	struct eio_bytes target;

	eio_buf_addc(&p->target, '\0');
	target = origin_form(eio_bytes(p->target.p, p->target.n - 1));
	if (target.n == 0 || (target.p[0] != '/' && target.p[0] != '*')) eio_buf_addc(&p->text, '/');
	eio_buf_add(&p->text, target);
	eio_buf_add(&p->text, eio_buf_bytes(&p->headers));
	EIO_BUF_ADD_LIT(&p->text, "||");
	if (l->flags & F_CHUNKED || l->content_length > 0 || l->http_minor == 0) l->upgrade = 0;
	p->in_body = true;
	return 0;
}

static int
on_body(llhttp_t *l, const char *at, size_t n)
{
	struct plain *p = l->data;

	eio_buf_append(&p->body, at, n);
	return 0;
}

static int
on_complete(llhttp_t *l)
{
	struct plain *p = l->data;

	if (l->method == HTTP_POST) eio_buf_add(&p->text, eio_buf_bytes(&p->body));
	eio_buf_addc(&p->text, '\n');
	p->complete = true;
	return 0;
}

static const llhttp_settings_t callbacks = {
	.on_url = on_url,
	.on_header_field = on_field,
	.on_header_value = on_value,
	.on_header_value_complete = on_value_complete,
	.on_headers_complete = on_headers,
	.on_body = on_body,
	.on_message_complete = on_complete,
};

static void
plain_deinit(struct plain *p)
{
	eio_buf_deinit(&p->text);
	eio_buf_deinit(&p->target);
	eio_buf_deinit(&p->headers);
	eio_buf_deinit(&p->name);
	eio_buf_deinit(&p->value);
	eio_buf_deinit(&p->body);
}

/* llhttp may refuse what we read over: several chunk extensions or a backslash in one, which some versions of it get
 * wrong, and among trailers headers that would say how a body is framed, which mean nothing there. */
static bool
is_read_over(llhttp_errno_t err, struct eio_bytes request)
{
	if (err == HPE_STRICT || err == HPE_INVALID_CHUNK_SIZE) return memchr(request.p, ';', request.n);
	return err == HPE_INVALID_TRANSFER_ENCODING || err == HPE_UNEXPECTED_CONTENT_LENGTH ||
	       err == HPE_INVALID_CONTENT_LENGTH;
}

/* llhttp must see one request in these bytes, ending with them, and described so. */
static void
compare_with_llhttp(struct eio_bytes request, struct eio_bytes described)
{
	struct plain p = { .complete = false };
	llhttp_errno_t err = HPE_OK;
	llhttp_t l;

	llhttp_init(&l, HTTP_REQUEST, &callbacks);
	l.data = &p;
	for (size_t at = 0; at < request.n && err == HPE_OK; at++) {
		if (p.complete) fail("llhttp saw an end before", request);
		err = llhttp_execute(&l, request.p + at, 1);
	}
	if (!p.in_body || !is_read_over(err, request)) {
		if (err != HPE_OK && err != HPE_PAUSED_UPGRADE) fail(llhttp_get_error_reason(&l), request);
		if (!p.complete) fail("llhttp saw no end", request);
		if (!eio_bytes_eq(eio_buf_bytes(&p.text), described)) fail("llhttp saw another request", request);
	}
	plain_deinit(&p);
}

/* The grammar */

/* Cuts off what is before CRLF; false when there is none, or a CR or LF of another kind before it. */
static bool
cut_line(struct eio_bytes *rest, struct eio_bytes *line)
{
	size_t n = 0;

	while (n < rest->n && rest->p[n] != '\r' && rest->p[n] != '\n') n++;
	if (rest->n - n < 2 || rest->p[n] != '\r' || rest->p[n + 1] != '\n') return false;
	*line = eio_bytes(rest->p, n);
	*rest = eio_bytes(rest->p + n + 2, rest->n - n - 2);
	return true;
}

static bool
is_token(struct eio_bytes s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= ' ' || s.p[i] >= 0x7f || strchr("\"(),/:;<=>?@[\\]{}", s.p[i])) return false;
	return s.n > 0;
}

/* The value of a header in lower case, if the line is that. */
static bool
value_of(struct eio_bytes line, const char *name, struct eio_bytes *value)
{
	size_t n = strlen(name);

	if (line.n <= n || line.p[n] != ':' || strncasecmp(line.p, name, n) != 0) return false;
	*value = eio_bytes(line.p + n + 1, line.n - n - 1);
	while (value->n && strchr(" \t", value->p[0])) value->p++, value->n--;
	while (value->n && strchr(" \t", value->p[value->n - 1])) value->n--;
	return true;
}

/* Of the headers, those that say where a request ends. */
struct framing {
	unsigned hosts, lengths, codings;
	unsigned long length;
};

/* Up to the empty line. */
static bool
read_fields(struct eio_bytes *rest, struct framing *f)
{
	struct eio_bytes line, value;

	while (cut_line(rest, &line)) {
		const char *colon = memchr(line.p, ':', line.n);

		if (line.n == 0) return true;
		if (!colon || !is_token(eio_bytes(line.p, (size_t)(colon - line.p)))) return false;
		f->hosts += value_of(line, "host", &value);
		if (value_of(line, "transfer-encoding", &value)) {
			f->codings++;
			if (value.n != 7 || strncasecmp(value.p, "chunked", 7) != 0) f->codings++;
		}
		if (value_of(line, "content-length", &value)) {
			f->lengths++;
			f->length = strtoul(value.p, NULL, 10);
			if (value.n == 0 || strspn(value.p, "0123456789") != value.n) f->lengths++;
		}
	}
	return false;
}

static bool
read_chunks(struct eio_bytes *rest)
{
	struct framing ignored = { 0 };
	struct eio_bytes line;
	unsigned long n;
	size_t digits;

	while (cut_line(rest, &line)) {
		digits = strspn(line.p, "0123456789abcdefABCDEF");
		if (digits == 0 || (digits < line.n && line.p[digits] != ';')) return false;
		n = strtoul(line.p, NULL, 16);
		if (n == 0) return read_fields(rest, &ignored);
		if (n > rest->n) return false;
		*rest = eio_bytes(rest->p + n, rest->n - n);
		if (!cut_line(rest, &line) || line.n) return false;
	}
	return false;
}

/* `method target HTTP/1.x` */
static bool
is_request_line(struct eio_bytes line)
{
	const char *blank = memchr(line.p, ' ', line.n), *version = line.p + line.n - 9;

	if (!blank || line.n < 12 || !is_token(eio_bytes(line.p, (size_t)(blank - line.p)))) return false;
	for (const char *p = blank + 1; p < version; p++)
		if (*p <= ' ' || *p == 0x7f) return false;
	return blank + 1 < version && (memcmp(version, " HTTP/1.0", 9) == 0 || memcmp(version, " HTTP/1.1", 9) == 0);
}

/* Whether it is one request, and nothing but that. Behind the input is a NUL. */
static bool
is_request(struct eio_bytes rest)
{
	struct framing f = { 0 };
	struct eio_bytes line;

	do {
		if (!cut_line(&rest, &line)) return false;
	} while (line.n == 0);
	if (!is_request_line(line) || !read_fields(&rest, &f)) return false;
	if (f.hosts > 1 || f.lengths + f.codings > 1) return false;
	if (line.p[line.n - 1] == '0' ? f.codings > 0 : f.hosts == 0) return false;
	return f.codings ? read_chunks(&rest) && rest.n == 0 : rest.n == f.length;
}

static void
compare_pieces(const struct seen *whole, struct eio_bytes input, size_t piece)
{
	struct seen s;

	read_ours(&s, input, piece);
	if (s.n != whole->n || s.end != whole->end ||
		!eio_bytes_eq(eio_buf_bytes(&s.text), eio_buf_bytes(&whole->text)))
		fail("pieces say something else", input);
	for (size_t i = 0; i < s.n; i++)
		if (s.input_end[i] != whole->input_end[i]) fail("pieces end elsewhere", input);
	eio_buf_deinit(&s.text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct eio_bytes input;
	struct seen ours;
	char *copy = malloc(size + 1);

	if (!copy) return 0;
	/* Targets beyond ASCII are taken by ours alone; fuzz_http has them. */
	for (size_t i = 0; i < size; i++) copy[i] = data[i] < 0x80 ? (char)data[i] : 'x';
	copy[size] = '\0';
	input = eio_bytes(copy, size);
	read_ours(&ours, input, size);
	for (size_t piece = 1; piece < 10; piece += 3) compare_pieces(&ours, input, piece);
	for (size_t i = 0; i < ours.n; i++) {
		size_t from = i ? ours.input_end[i - 1] : 0, text = i ? ours.text_end[i - 1] : 0;
		struct eio_bytes request = eio_bytes(copy + from, ours.input_end[i] - from);

		compare_with_llhttp(request, eio_bytes(ours.text.p + text, ours.text_end[i] - text));
		if (!is_request(request)) fail("this is no request", request);
	}
	eio_buf_deinit(&ours.text);
	free(copy);
	return 0;
}

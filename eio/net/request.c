/* SPDX-License-Identifier: MIT */
/* What the head of a request says: its headers, where its target points, and how long its body is. */
#include "eio/net/http_int.h"
#include "eio/query.h"

#include <stdlib.h>

/* What an index of a header is when there is none. */
static const unsigned NO_HEADER = UINT32_MAX;

/* A length of that many digits fits into 64 bits. */
enum { LENGTH_DIGITS = 18 };

void
eio_request_free(struct eio_request *r)
{
	if (!r) return;
	eio_buf_deinit(&r->subject);
	eio_buf_deinit(&r->head);
	eio_buf_deinit(&r->body);
	eio_buf_deinit(&r->raw);
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

/* Finds the one header of that name; false when there are several. */
static bool
find_single_header(const struct eio_request *r, struct eio_bytes name, unsigned *found)
{
	struct eio_bytes v;

	*found = NO_HEADER;
	for (unsigned i = 0; i < r->count; i++) {
		if (!named_value(r, i, name, &v)) continue;
		if (*found != NO_HEADER) return false;
		*found = i;
	}
	return true;
}

/* Targets */

/* Whether this may be the name of a host and a port (RFC 3986 section 3.2); bytes beyond ASCII are taken as they
 * come. */
static bool
is_authority(struct eio_bytes s)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c >= 0x80) continue;
		if (c == '\0' || !strchr("-._~%!$&'()*+,;=:[]", c)) return false;
	}
	return true;
}

/* How long the scheme of a target in absolute form is (RFC 9112 section 3.2.2), with "://"; 0 when the target has
 * none. */
static size_t
scheme_length(struct eio_bytes t)
{
	size_t n = 0;

	while (n < t.n && ((t.p[n] >= 'a' && t.p[n] <= 'z') || (t.p[n] >= 'A' && t.p[n] <= 'Z'))) n++;
	return n > 0 && t.n - n >= 3 && memcmp(t.p + n, "://", 3) == 0 ? n + 3 : 0;
}

/* Behind an authority a target may begin with its query. The slash before it gets a place where there is one. */
static int
add_root_path(struct eio_request *r)
{
	size_t at = r->head.n, from = (size_t)(r->target.p - r->head.p), n = r->target.n;

	if (!eio_buf_reserve(&r->head, n + 1)) return -1;
	eio_buf_addc(&r->head, '/');
	eio_buf_append(&r->head, r->head.p + from, n);
	r->target = eio_bytes(r->head.p + at, n + 1);
	return 0;
}

/* Cuts scheme and authority off. They count instead of a Host. */
static int
resolve_absolute(struct eio_request *r, size_t scheme, unsigned host)
{
	struct eio_bytes authority = eio_bytes(r->target.p + scheme, r->target.n - scheme);
	size_t n = 0;

	while (n < authority.n && authority.p[n] != '/' && authority.p[n] != '?') n++;
	authority.n = n;
	if (n == 0 || !is_authority(authority)) return 400;
	if (host != NO_HEADER) {
		r->headers[host].value = (unsigned)(authority.p - r->head.p);
		r->headers[host].value_n = (unsigned)n;
	}
	r->target.n -= scheme + n;
	r->target.p += scheme + n;
	if (r->target.n > 0 && r->target.p[0] == '/') return 0;
	return add_root_path(r);
}

int
eio__request_resolve(struct eio_request *r)
{
	struct eio_bytes host_value = { NULL, 0 }, name;
	const char *fragment = memchr(r->target.p, '#', r->target.n);
	size_t scheme;
	unsigned host;
	int err = 0;

	if (!find_single_header(r, EIO_LIT("host"), &host)) return 400;
	if (host == NO_HEADER && !r->minor0) return 400;
	if (eio_request_header_at(r, host, &name, &host_value) && !is_authority(host_value)) return 400;
	if (fragment) r->target.n = (size_t)(fragment - r->target.p);
	scheme = scheme_length(r->target);
	if (scheme) err = resolve_absolute(r, scheme, host);
	if (!err) eio_query_split(r->target, &r->path, &r->query);
	return err;
}

/* Bodies */

static bool
equals_ignore_case(struct eio_bytes s, struct eio_bytes lower)
{
	if (s.n != lower.n) return false;
	for (size_t i = 0; i < s.n; i++)
		if ((s.p[i] | ((s.p[i] >= 'A' && s.p[i] <= 'Z') << 5)) != lower.p[i]) return false;
	return true;
}

bool
eio__request_header_is(const struct eio_request *r, struct eio_bytes name, struct eio_bytes lower)
{
	return equals_ignore_case(eio_request_header(r, name), lower);
}

/* The next element of a list, without the blanks around it; false behind the last. */
static bool
next_list_element(struct eio_bytes *list, struct eio_bytes *element)
{
	const char *comma;

	if (!list->p) return false;
	comma = memchr(list->p, ',', list->n);
	*element = eio_bytes(list->p, comma ? (size_t)(comma - list->p) : list->n);
	*list = comma ? eio_bytes(comma + 1, list->n - element->n - 1) : eio_bytes(NULL, 0);
	while (element->n > 0 && (element->p[0] == ' ' || element->p[0] == '\t')) element->p++, element->n--;
	while (element->n > 0 && (element->p[element->n - 1] == ' ' || element->p[element->n - 1] == '\t'))
		element->n--;
	return true;
}

/*
 * Reads Transfer-Encoding (RFC 9112 section 6.1 and 6.3). Where "chunked" is not the last, or comes twice, the body has
 * no end, which is an error; other codings before it are well formed, but we have none.
 */
static int
read_codings(const struct eio_request *r, bool *chunked)
{
	struct eio_bytes list, coding;
	unsigned other = 0, n = 0;
	bool last = false;

	for (unsigned i = 0; i < r->count; i++) {
		if (!named_value(r, i, EIO_LIT("transfer-encoding"), &list)) continue;
		while (next_list_element(&list, &coding)) {
			if (last || coding.n == 0) return 400;
			last = equals_ignore_case(coding, EIO_LIT("chunked"));
			other += !last;
			n++;
		}
	}
	*chunked = last;
	if (n == 0) return 0;
	if (!last || r->minor0) return 400;
	return other ? 501 : 0;
}

/* Reads digits; false when there is anything else, nothing, or too much. */
static bool
parse_length(struct eio_bytes s, uint64_t *length)
{
	*length = 0;
	if (s.n == 0 || s.n > LENGTH_DIGITS) return false;
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9') return false;
		*length = *length * 10 + (uint64_t)(s.p[i] - '0');
	}
	return true;
}

int
eio__request_body(const struct eio_request *r, bool *chunked, uint64_t *length)
{
	struct eio_bytes name, value;
	unsigned i;
	int status = read_codings(r, chunked);

	*length = 0;
	if (status) return status;
	if (!find_single_header(r, EIO_LIT("content-length"), &i)) return 400;
	if (!eio_request_header_at(r, i, &name, &value)) return 0;
	/* Two ways to tell where the body ends are how requests are smuggled past a proxy. */
	if (*chunked) return 400;
	return parse_length(value, length) ? 0 : 400;
}

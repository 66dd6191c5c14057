/* SPDX-License-Identifier: MIT */
/* Cross-origin headers, and who is kept out. */
#include "eio/net/cors.h"

#include "eio/query.h"

#include <strings.h>

static void
append_cors_line(struct eio_buf *out, const char *name, struct eio_bytes value)
{
	eio_buf_add(out, eio_cstr(name));
	EIO_BUF_ADD_LIT(out, ": ");
	eio_buf_add(out, value);
	EIO_BUF_ADD_LIT(out, "\r\n");
}

static bool
origin_is_listed(const struct eio_cors *c, struct eio_bytes origin)
{
	for (size_t i = 0; i < c->origins_n; i++)
		if (eio_bytes_eq(eio_cstr(c->origins[i]), origin)) return true;
	return false;
}

static bool
is_revision_3(const struct eio_request *req)
{
	return eio_query_is(req->query, EIO_LIT("EIO"), EIO_LIT("3")) ||
	       eio_query_is(req->query, EIO_LIT("EIO"), EIO_LIT("2"));
}

/* Access-Control-Allow-Origin and -Credentials. Returns whether the answer depends on the request's origin. */
static bool
append_origin(const struct eio_cors *c, const struct eio_request *req, struct eio_buf *out)
{
	static const char name[] = "Access-Control-Allow-Origin";
	struct eio_bytes origin = eio_request_header(req, EIO_LIT("origin"));
	bool echo = c->origin == EIO_CORS_ANY && origin.n && is_revision_3(req);

	switch (echo ? EIO_CORS_REFLECT : c->origin) {
	case EIO_CORS_OFF:
	case EIO_CORS_LEGACY: return false;
	case EIO_CORS_ANY: append_cors_line(out, name, EIO_LIT("*")); break;
	case EIO_CORS_FIXED: append_cors_line(out, name, eio_cstr(c->origins[0])); break;
	case EIO_CORS_LIST:
	case EIO_CORS_REFLECT:
		if (origin.n && (c->origin != EIO_CORS_LIST || origin_is_listed(c, origin)))
			append_cors_line(out, name, origin);
		break;
	}
	if (c->credentials || echo) append_cors_line(out, "Access-Control-Allow-Credentials", EIO_LIT("true"));
	return c->origin != EIO_CORS_ANY || echo;
}

static void
append_exposed(const struct eio_cors *c, struct eio_buf *out)
{
	if (c->exposed_headers) append_cors_line(out, "Access-Control-Expose-Headers", eio_cstr(c->exposed_headers));
}

void
eio_cors_append(const struct eio_cors *c, const struct eio_request *req, struct eio_buf *out)
{
	if (c->origin == EIO_CORS_OFF || c->origin == EIO_CORS_LEGACY) return;
	if (append_origin(c, req, out)) append_cors_line(out, "Vary", EIO_LIT("Origin"));
	append_exposed(c, out);
}

void
eio_cors_append_legacy(const struct eio_cors *c, const struct eio_request *req, struct eio_buf *out)
{
	struct eio_bytes origin = eio_request_header(req, EIO_LIT("origin"));

	if (c->origin != EIO_CORS_LEGACY) return;
	if (origin.n) append_cors_line(out, "Access-Control-Allow-Credentials", EIO_LIT("true"));
	append_cors_line(out, "Access-Control-Allow-Origin", origin.n ? origin : EIO_LIT("*"));
}

void
eio_cors_append_preflight(const struct eio_cors *c, const struct eio_request *req, struct eio_buf *out)
{
	struct eio_bytes asked = eio_request_header(req, EIO_LIT("access-control-request-headers"));
	bool vary = append_origin(c, req, out);

	append_cors_line(out, "Access-Control-Allow-Methods",
		eio_cstr(c->methods ? c->methods : "GET,HEAD,PUT,PATCH,POST,DELETE"));
	if (c->allowed_headers) {
		if (vary) append_cors_line(out, "Vary", EIO_LIT("Origin"));
		append_cors_line(out, "Access-Control-Allow-Headers", eio_cstr(c->allowed_headers));
	} else {
		append_cors_line(out, "Vary",
			vary ? EIO_LIT("Origin, Access-Control-Request-Headers")
			     : EIO_LIT("Access-Control-Request-Headers"));
		if (asked.n) append_cors_line(out, "Access-Control-Allow-Headers", asked);
	}
	if (c->max_age >= 0) eio_buf_printf(out, "Access-Control-Max-Age: %lld\r\n", (long long)c->max_age);
	append_exposed(c, out);
}

bool
eio_cors_restricts(enum eio_cors_origin origin)
{
	return origin == EIO_CORS_OFF || origin == EIO_CORS_FIXED || origin == EIO_CORS_LIST;
}

static bool
starts_with_scheme(struct eio_bytes s, struct eio_bytes scheme)
{
	return s.n >= scheme.n && strncasecmp(s.p, scheme.p, scheme.n) == 0;
}

/* Cuts a port off that need not be named. */
static struct eio_bytes
without_port(struct eio_bytes host, struct eio_bytes port)
{
	if (host.n > port.n && memcmp(host.p + host.n - port.n, port.p, port.n) == 0) host.n -= port.n;
	return host;
}

/* Whether an origin, "https://example.org:8443", is that of pages at this host, as a Host line names it. Old clients in
 * Node name the host alone; no browser does. */
static bool
is_origin_of(struct eio_bytes origin, struct eio_bytes host)
{
	const struct eio_bytes http = EIO_LIT("http://"), https = EIO_LIT("https://");
	struct eio_bytes scheme = starts_with_scheme(origin, https) ? https : http;
	struct eio_bytes port = scheme.n == https.n ? EIO_LIT(":443") : EIO_LIT(":80");

	if (eio_bytes_eq(origin, host)) return host.n > 0;
	if (!starts_with_scheme(origin, scheme)) return false;
	origin = without_port(eio_bytes(origin.p + scheme.n, origin.n - scheme.n), port);
	host = without_port(host, port);
	return host.n && host.n == origin.n && strncasecmp(host.p, origin.p, host.n) == 0;
}

bool
eio_cors_admits(const struct eio_cors *c, const struct eio_request *req)
{
	struct eio_bytes origin = eio_request_header(req, EIO_LIT("origin"));

	if (!origin.n || !eio_cors_restricts(c->origin)) return true;
	if (c->origin != EIO_CORS_OFF && origin_is_listed(c, origin)) return true;
	return is_origin_of(origin, eio_request_header(req, EIO_LIT("host"))) ||
	       is_origin_of(origin, eio_request_header(req, EIO_LIT("x-forwarded-host")));
}

/* SPDX-License-Identifier: MIT */
/* Headers, cookies and the query of a client's request, for handlers. */
#include "src/handlers/request.h"

#include "eio/query.h"
#include "eio/utf8.h"
#include "sio/json.h"
#include "src/handlers/handlers_int.h"

#include <stdlib.h>

/* So many cookies, and parameters of a whole {query}, are looked at: each is compared with all others. Browsers keep
 * 180 cookies. */
enum { MAX_ITEMS = 256 };

/* Needs */

static bool
names_have(const struct handlers_names *names, struct eio_bytes name)
{
	for (size_t i = 0; i < names->n; i++)
		if (eio_bytes_eq(names->v[i], name)) return true;
	return names->all;
}

int
handlers_names_add(struct handlers_names *names, struct eio_bytes name)
{
	struct eio_bytes *v;

	if (name.n == 0) names->all = true;
	if (names_have(names, name)) return 0;
	v = realloc(names->v, (names->n + 1) * sizeof *v);
	if (!v) return -1;
	names->v = v;
	v[names->n++] = name;
	return 0;
}

static int
note_need(struct handlers_needs *needs, const struct template_placeholder *p)
{
	switch (p->what) {
	case TEMPLATE_AUTH: needs->auth = true; return 0;
	case TEMPLATE_ADDRESS: needs->address = true; return 0;
	case TEMPLATE_SUBJECT: needs->subject = true; return 0;
	case TEMPLATE_QUERY: return handlers_names_add(&needs->query, p->name);
	case TEMPLATE_HEADER: return handlers_names_add(&needs->headers, p->name);
	case TEMPLATE_COOKIE: return handlers_names_add(&needs->cookies, p->name);
	default: return 0;
	}
}

int
handlers_needs_add_template(struct handlers_needs *needs, const struct template *t)
{
	struct template_placeholder p;

	for (size_t at = 0; template_next_placeholder(t, &at, &p);)
		if (note_need(needs, &p) < 0) return -1;
	return 0;
}

static int
note_action(struct handlers_needs *needs, const struct handlers_action *a)
{
	for (size_t i = 0; i < a->n; i++)
		if (a->parts[i].template && handlers_needs_add_template(needs, a->parts[i].template) < 0) return -1;
	return 0;
}

int
handlers_needs_add(struct handlers_needs *needs, const struct handlers *h)
{
	for (size_t i = 0; i < h->n; i++)
		for (size_t k = 0; k < h->entries[i].n; k++)
			if (note_action(needs, &h->entries[i].actions[k]) < 0) return -1;
	return 0;
}

void
handlers_needs_deinit(struct handlers_needs *needs)
{
	free(needs->query.v);
	free(needs->headers.v);
	free(needs->cookies.v);
	*needs = (struct handlers_needs){ 0 };
}

bool
handlers_needs_query(const struct handlers_needs *needs)
{
	return needs->query.n || needs->query.all;
}

bool
handlers_needs_headers(const struct handlers_needs *needs)
{
	return needs->headers.n || needs->headers.all || needs->cookies.n || needs->cookies.all || needs->subject;
}

/* Headers */

/* Whether a line before number i has that name. */
static bool
header_before(const struct eio_request *req, unsigned i, struct eio_bytes name)
{
	struct eio_bytes n, v;

	for (unsigned k = 0; k < i; k++)
		if (eio_request_header_at(req, k, &n, &v) && eio_bytes_eq(n, name)) return true;
	return false;
}

/* Appends bytes of a header as characters: each is one, as in Node, whatever their sender meant. */
static void
add_header_text(struct eio_buf *out, struct eio_bytes s)
{
	char c[4];

	for (size_t i = 0; i < s.n; i++) eio_buf_append(out, c, eio_utf8_put(c, (unsigned char)s.p[i]));
}

/* Appends a member to an object that is being written. */
static void
add_member(struct eio_buf *out, struct eio_bytes name, const struct eio_buf *value)
{
	if (eio_buf_failed(value)) out->failed = true;
	if (out->n && out->p[out->n - 1] != '{') eio_buf_addc(out, ',');
	sio_json_escape(out, name);
	eio_buf_addc(out, ':');
	sio_json_escape(out, eio_buf_bytes(value));
}

static void
keep_headers(const struct handlers_names *names, const struct eio_request *req, struct eio_buf *out)
{
	struct eio_bytes name, value, other;
	struct eio_buf all = { 0 };

	for (unsigned i = 0; eio_request_header_at(req, i, &name, &value); i++) {
		if (!names_have(names, name) || header_before(req, i, name)) continue;
		eio_buf_clear(&all);
		add_header_text(&all, value);
		for (unsigned k = i + 1; eio_request_header_at(req, k, &other, &value); k++) {
			if (!eio_bytes_eq(other, name)) continue;
			eio_buf_add(&all, eio_bytes_eq(name, EIO_LIT("cookie")) ? EIO_LIT("; ") : EIO_LIT(", "));
			add_header_text(&all, value);
		}
		add_member(out, name, &all);
	}
	eio_buf_deinit(&all);
}

/* Cookies */

struct cookie_walk {
	const struct eio_request *req;
	unsigned line; /* the next to look at */
	unsigned count; /* of cookies so far */
	struct eio_bytes rest; /* of the line before it */
};

static struct eio_bytes
trim_cookie(struct eio_bytes s)
{
	while (s.n && (s.p[0] == ' ' || s.p[0] == '\t')) s = eio_bytes(s.p + 1, s.n - 1);
	while (s.n && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t')) s.n--;
	return s;
}

/* Goes on to the next line of cookies; false behind the last. */
static bool
next_cookie_line(struct cookie_walk *w)
{
	struct eio_bytes name;

	while (eio_request_header_at(w->req, w->line++, &name, &w->rest))
		if (eio_bytes_eq(name, EIO_LIT("cookie"))) return true;
	w->rest.n = 0;
	w->line--; /* to stay behind the last */
	return false;
}

/* The next cookie; false behind the last. What has no '=' is none. */
static bool
next_cookie(struct cookie_walk *w, struct eio_bytes *name, struct eio_bytes *value)
{
	while (w->count < MAX_ITEMS && (w->rest.n || next_cookie_line(w))) {
		const char *end = w->rest.n ? memchr(w->rest.p, ';', w->rest.n) : NULL, *eq;
		struct eio_bytes pair = eio_bytes(w->rest.p, end ? (size_t)(end - w->rest.p) : w->rest.n);

		w->rest = eio_bytes(w->rest.p + pair.n + (end != NULL), w->rest.n - pair.n - (end != NULL));
		eq = pair.n ? memchr(pair.p, '=', pair.n) : NULL;
		if (!eq) continue;
		*name = trim_cookie(eio_bytes(pair.p, (size_t)(eq - pair.p)));
		*value = trim_cookie(eio_bytes(eq + 1, pair.n - (size_t)(eq - pair.p) - 1));
		w->count++;
		return true;
	}
	return false;
}

/* Whether one of the first n cookies has that name. */
static bool
cookie_before(const struct eio_request *req, unsigned n, struct eio_bytes name)
{
	struct cookie_walk w = { .req = req };
	struct eio_bytes other, value;

	while (w.count < n && next_cookie(&w, &other, &value))
		if (eio_bytes_eq(other, name)) return true;
	return false;
}

/* Percent-decoded; unlike in a query a plus is a plus. */
static void
decode_cookie(struct eio_bytes v, struct eio_buf *out)
{
	if (v.n >= 2 && v.p[0] == '"' && v.p[v.n - 1] == '"') v = eio_bytes(v.p + 1, v.n - 2);
	for (;;) {
		const char *plus = v.n ? memchr(v.p, '+', v.n) : NULL;
		size_t n = plus ? (size_t)(plus - v.p) : v.n;

		eio_query_value_decode(eio_bytes(v.p, n), out);
		if (!plus) return;
		eio_buf_addc(out, '+');
		v = eio_bytes(plus + 1, v.n - n - 1);
	}
}

static void
keep_cookies(const struct handlers_names *names, const struct eio_request *req, struct eio_buf *out)
{
	struct cookie_walk w = { .req = req };
	struct eio_bytes name, value;
	struct eio_buf text[2] = { 0 }, decoded = { 0 };

	while (next_cookie(&w, &name, &value)) {
		if (!names_have(names, name) || cookie_before(req, w.count - 1, name)) continue;
		for (int i = 0; i < 2; i++) {
			eio_buf_clear(&text[i]);
			add_header_text(&text[i], i ? value : name);
			if (eio_buf_failed(&text[i])) out->failed = true;
		}
		eio_buf_clear(&decoded);
		decode_cookie(eio_buf_bytes(&text[1]), &decoded);
		add_member(out, eio_buf_bytes(&text[0]), &decoded);
	}
	for (int i = 0; i < 2; i++) eio_buf_deinit(&text[i]);
	eio_buf_deinit(&decoded);
}

void
handlers_keep(const struct handlers_needs *needs, const struct eio_request *req, struct eio_buf *out)
{
	EIO_BUF_ADD_LIT(out, "{\"header\":{");
	keep_headers(&needs->headers, req, out);
	EIO_BUF_ADD_LIT(out, "},\"cookie\":{");
	keep_cookies(&needs->cookies, req, out);
	eio_buf_addc(out, '}');
	if (eio_buf_failed(&req->subject)) out->failed = true;
	if (needs->subject && req->subject.n) {
		EIO_BUF_ADD_LIT(out, ",\"subject\":");
		sio_json_escape(out, eio_buf_bytes(&req->subject));
	}
	eio_buf_addc(out, '}');
}

/* The query */

/* A name as it may stand in a query. */
static void
add_query_name(struct eio_buf *out, struct eio_bytes name)
{
	static const char hex[] = "0123456789ABCDEF";

	for (size_t i = 0; i < name.n; i++) {
		unsigned char c = (unsigned char)name.p[i];

		if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_') {
			eio_buf_addc(out, (char)c);
		} else {
			eio_buf_addc(out, '%');
			eio_buf_addc(out, hex[c >> 4]);
			eio_buf_addc(out, hex[c & 15]);
		}
	}
}

void
handlers_keep_query(const struct handlers_needs *needs, struct eio_bytes query, struct eio_buf *out)
{
	struct eio_bytes value;

	if (needs->query.all) {
		eio_buf_add(out, query);
		return;
	}
	for (size_t i = 0; i < needs->query.n; i++) {
		eio_query_find(query, &needs->query.v[i], &value, 1);
		if (!value.p) continue;
		if (out->n) eio_buf_addc(out, '&');
		add_query_name(out, needs->query.v[i]);
		eio_buf_addc(out, '=');
		eio_buf_add(out, value);
	}
}

void
handlers_query_object(struct eio_bytes query, struct eio_buf *out)
{
	struct eio_buf decoded_name = { 0 }, decoded = { 0 };
	struct eio_bytes name, value, again;

	eio_buf_addc(out, '{');
	for (unsigned i = 0; i < MAX_ITEMS && eio_query_next(&query, &name, &value); i++) {
		if (name.n == 0 && value.n == 0) continue; /* "&&" */
		eio_buf_clear(&decoded_name);
		eio_query_value_decode(name, &decoded_name);
		name = eio_buf_bytes(&decoded_name);
		eio_query_find(query, &name, &again, 1);
		if (again.p) continue; /* the last one counts */
		eio_buf_clear(&decoded);
		eio_query_value_decode(value, &decoded);
		if (eio_buf_failed(&decoded_name)) out->failed = true;
		add_member(out, name, &decoded);
	}
	eio_buf_addc(out, '}');
	eio_buf_deinit(&decoded_name);
	eio_buf_deinit(&decoded);
}

/* SPDX-License-Identifier: MIT */
/* Tokens and questions from what was kept of a client's request. */
#include "src/clients/question.h"

#include "eio/query.h"
#include "sio/json.h"
#include "src/clients/clients_int.h"
#include "src/template/pattern.h"

#include <string.h>
#include <strings.h>

/* A longer header is not passed on: web servers take about as much for all of them. */
enum { HEADER_BYTES = 8192 };

/* Needs */

static int
need_token(struct handlers_needs *needs, const struct auth_jwt_spec *spec)
{
	for (size_t i = 0; i < spec->n_from; i++) {
		struct eio_bytes name = eio_cstr(spec->from[i].name);
		int rc = 0;

		switch (spec->from[i].where) {
		case AUTH_FROM_AUTH: break; /* it is there when it is wanted */
		case AUTH_FROM_QUERY: rc = handlers_names_add(&needs->query, name); break;
		case AUTH_FROM_HEADER: rc = handlers_names_add(&needs->headers, name); break;
		case AUTH_FROM_COOKIE: rc = handlers_names_add(&needs->cookies, name); break;
		}
		if (rc) return rc;
	}
	return 0;
}

int
question_needs(struct handlers_needs *needs, const struct auth_spec *spec)
{
	if (spec->has_jwt && need_token(needs, &spec->jwt)) return -1;
	if (!spec->has_hook) return 0;
	if (spec->hook.on_join) needs->auth = true;
	needs->address |= spec->hook.address;
	if (handlers_names_add(&needs->query, eio_bytes("", 0))) return -1;
	for (size_t i = 0; i < spec->hook.headers.n; i++)
		if (handlers_names_add(&needs->headers, eio_cstr(spec->hook.headers.v[i]))) return -1;
	return 0;
}

/* Tokens */

static void
add_json_string(struct eio_bytes json, struct eio_buf *out)
{
	if (sio_json_kind(json) == SIO_JSON_STRING) sio_json_unescape(out, json);
}

/* A member of what was kept of the request, "header" or "cookie". */
static bool
find_kept(const struct client *c, const char *kind, const char *name, struct eio_bytes *value)
{
	struct eio_buf pointer = { 0 };
	bool found;

	if (!client_kept(c)->headers) return false;
	eio_buf_printf(&pointer, "/%s/", kind);
	for (const char *p = name; *p; p++) {
		if (*p == '~')
			EIO_BUF_ADD_LIT(&pointer, "~0");
		else if (*p == '/')
			EIO_BUF_ADD_LIT(&pointer, "~1");
		else
			eio_buf_addc(&pointer, *p);
	}
	found = !eio_buf_failed(&pointer) &&
		sio_json_find(eio_cstr(client_kept(c)->headers), eio_buf_bytes(&pointer), value);
	eio_buf_deinit(&pointer);
	return found;
}

/* "Bearer token" becomes the token. */
static void
cut_scheme(struct eio_buf *b)
{
	static const char scheme[] = "Bearer ";
	size_t n = sizeof scheme - 1;

	if (b->n < n || strncasecmp(b->p, scheme, n) != 0) return;
	while (n < b->n && b->p[n] == ' ') n++;
	memmove(b->p, b->p + n, b->n - n);
	b->n -= n;
}

/* That of the handshake. */
static struct eio_bytes
query_of(const struct question_of *q)
{
	const char *query = client_kept(q->client)->query;

	return eio_cstr(query ? query : "");
}

static void
token_from(const struct question_of *q, const struct auth_source *from, struct eio_buf *out)
{
	struct eio_bytes value, name = eio_cstr(from->name);

	switch (from->where) {
	case AUTH_FROM_AUTH:
		if (q->auth.p && sio_json_find(q->auth, name, &value)) add_json_string(value, out);
		break;
	case AUTH_FROM_QUERY:
		if (eio_query_get(q->query, name, out)) break;
		eio_query_get(query_of(q), name, out);
		break;
	case AUTH_FROM_HEADER:
		if (find_kept(q->client, "header", from->name, &value)) add_json_string(value, out);
		cut_scheme(out);
		break;
	case AUTH_FROM_COOKIE:
		if (find_kept(q->client, "cookie", from->name, &value)) add_json_string(value, out);
		break;
	}
}

void
question_token(const struct question_of *q, const struct auth_jwt_spec *spec, struct eio_buf *out)
{
	for (size_t i = 0; i < spec->n_from && out->n == 0; i++) token_from(q, &spec->from[i], out);
}

/* Questions */

/* Of the transport: the application has no use for it, and some of it is never the same twice. */
static bool
is_of_engine(struct eio_bytes name)
{
	static const char *const names[] = { "EIO", "transport", "t", "sid", "j", "b64" };

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (eio_bytes_eq(name, eio_cstr(names[i]))) return true;
	return false;
}

static void
copy_parameters(struct eio_bytes query, struct eio_buf *out)
{
	struct eio_bytes name, value;

	while (eio_query_next(&query, &name, &value)) {
		if (is_of_engine(name)) continue;
		if (out->n) eio_buf_addc(out, '&');
		eio_buf_add(out, name);
		eio_buf_addc(out, '=');
		eio_buf_add(out, value);
	}
}

static void
add_query_of(const struct question_of *q, struct eio_buf *out)
{
	struct eio_buf query = { 0 };

	copy_parameters(query_of(q), &query);
	copy_parameters(q->query, &query); /* counts more, so it comes last */
	handlers_query_object(eio_buf_bytes(&query), out);
	if (eio_buf_failed(&query)) out->failed = true;
	eio_buf_deinit(&query);
}

static void
add_headers(const struct question_of *q, const struct auth_strings *names, struct eio_buf *out)
{
	struct eio_bytes value;
	bool first = true;

	eio_buf_addc(out, '{');
	for (size_t i = 0; i < names->n; i++) {
		if (!find_kept(q->client, "header", names->v[i], &value)) continue;
		if (!first) eio_buf_addc(out, ',');
		first = false;
		sio_json_escape(out, eio_cstr(names->v[i]));
		eio_buf_addc(out, ':');
		eio_buf_add(out, value);
	}
	eio_buf_addc(out, '}');
}

static void
add_of(const struct question_of *q, const struct auth_hook_spec *spec, struct eio_buf *out)
{
	const char *address = client_kept(q->client)->address;

	EIO_BUF_ADD_LIT(out, ",\"nsp\":");
	sio_json_escape(out, q->nsp);
	EIO_BUF_ADD_LIT(out, ",\"auth\":");
	eio_buf_add(out, q->auth.p ? q->auth : EIO_LIT("{}"));
	EIO_BUF_ADD_LIT(out, ",\"query\":");
	add_query_of(q, out);
	EIO_BUF_ADD_LIT(out, ",\"headers\":");
	add_headers(q, &spec->headers, out);
	if (!spec->address) return;
	EIO_BUF_ADD_LIT(out, ",\"address\":");
	eio_buf_add(out, eio_cstr(address ? address : "null"));
}

void
question_connect(const struct question_of *q, const struct auth_hook_spec *spec, struct eio_buf *out)
{
	EIO_BUF_ADD_LIT(out, "{\"type\":\"connect\"");
	add_of(q, spec, out);
}

bool
question_covers(const struct auth_hook_spec *spec, struct eio_bytes room)
{
	for (size_t i = 0; i < spec->rooms.n; i++)
		if (template_match(eio_cstr(spec->rooms.v[i]), room, &(struct template_captures){ .n = 0 }))
			return true;
	return spec->rooms.n == 0;
}

/* As laravel-echo-server puts it */

/* A header that a page gave along with its event, as {"auth":{"headers":{"Authorization":"…"}}}. */
static bool
find_given(struct eio_bytes args, const char *name, struct eio_buf *value)
{
	struct sio_json_iter it = { args.p, args.p + args.n, false };
	struct eio_bytes first, headers, key, v;
	struct eio_buf text = { 0 };
	bool found = false;

	if (!args.n || !sio_json_next(&it, NULL, &first) || !sio_json_find(first, EIO_LIT("/auth/headers"), &headers) ||
		sio_json_kind(headers) != SIO_JSON_OBJECT)
		return false;
	it = sio_json_iter(headers);
	while (sio_json_next(&it, &key, &v)) {
		eio_buf_clear(&text);
		sio_json_unescape(&text, key);
		eio_buf_addc(&text, 0);
		if (sio_json_kind(v) != SIO_JSON_STRING || eio_buf_failed(&text) || strcasecmp(text.p, name) != 0)
			continue;
		eio_buf_clear(value);
		sio_json_unescape(value, v);
		found = true;
	}
	eio_buf_deinit(&text);
	return found;
}

/* Whether a client's word may stand in a line of a header. */
static bool
is_header_value(const struct eio_buf *value)
{
	if (eio_buf_failed(value) || value->n == 0 || value->n > HEADER_BYTES) return false;
	for (size_t i = 0; i < value->n; i++)
		if ((unsigned char)value->p[i] < ' ' || value->p[i] == 0x7f) return false;
	return true;
}

static void
add_lines(const struct question_of_join *q, const struct auth_strings *names, struct eio_buf *out)
{
	struct eio_buf value = { 0 };
	struct eio_bytes kept;

	for (size_t i = 0; i < names->n; i++) {
		eio_buf_clear(&value);
		if (!find_given(q->args, names->v[i], &value) && find_kept(q->of.client, "header", names->v[i], &kept))
			add_json_string(kept, &value);
		if (!is_header_value(&value)) continue;
		eio_buf_printf(out, "%s: ", names->v[i]);
		eio_buf_add(out, eio_buf_bytes(&value));
		eio_buf_addc(out, 0);
	}
	if (eio_buf_failed(&value)) out->failed = true;
	eio_buf_deinit(&value);
}

static void
add_form_value(struct eio_bytes s, struct eio_buf *out)
{
	static const char plain[] = "-._~";

	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
			(c && strchr(plain, c)))
			eio_buf_addc(out, (char)c);
		else
			eio_buf_printf(out, "%%%02X", c);
	}
}

/* The form, and behind it the lines of headers; all of it makes it the same. */
static void
question_of_laravel(const struct question_of_join *q, const struct auth_hook_spec *spec, struct eio_buf *out,
	struct auth_question *question)
{
	size_t body;

	EIO_BUF_ADD_LIT(out, "channel_name=");
	add_form_value(q->room, out);
	body = out->n;
	add_lines(q, &spec->headers, out);
	if (eio_buf_failed(out)) return;
	question->same = eio_buf_bytes(out);
	question->body = eio_bytes(out->p, body);
	question->heads = eio_bytes(out->p + body, out->n - body);
}

void
question_join(const struct question_of_join *q, const struct auth_hook_spec *spec, struct eio_buf *out,
	struct auth_question *question)
{
	size_t same;

	if (spec->format == AUTH_ASKS_LARAVEL) {
		question_of_laravel(q, spec, out, question);
		return;
	}
	EIO_BUF_ADD_LIT(out, "{\"type\":\"join\",\"room\":");
	sio_json_escape(out, q->room);
	add_of(&q->of, spec, out);
	EIO_BUF_ADD_LIT(out, ",\"claims\":");
	eio_buf_add(out, q->claims.n ? q->claims : EIO_LIT("{}"));
	same = out->n;
	EIO_BUF_ADD_LIT(out, ",\"sid\":");
	sio_json_escape(out, q->sid);
	eio_buf_addc(out, '}');
	if (eio_buf_failed(out)) return;
	question->same = eio_bytes(out->p, same);
	question->body = eio_buf_bytes(out);
	question->heads = eio_bytes("", 0);
}

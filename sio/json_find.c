/* SPDX-License-Identifier: MIT */
/*
 * Finding things in JSON text that passed sio_json_check(). The text is known
 * to be well-formed, so the loops look only for what ends a value; they still
 * never leave the span they were given.
 */
#include "sio/json_int.h"

struct eio_bytes
sio_json_trim(struct eio_bytes s)
{
	const char *end, *p;

	if (s.n == 0) return s;
	end = s.p + s.n;
	p = sio__json_skip_space(s.p, end);
	while (end > p && (end[-1] == ' ' || end[-1] == '\t' || end[-1] == '\n' || end[-1] == '\r')) end--;
	return (struct eio_bytes){ p, (size_t)(end - p) };
}

enum sio_json_kind
sio_json_kind(struct eio_bytes json)
{
	json = sio_json_trim(json);
	switch (json.n ? json.p[0] : 'n') {
	case 'n': return SIO_JSON_NULL;
	case 'f': return SIO_JSON_FALSE;
	case 't': return SIO_JSON_TRUE;
	case '"': return SIO_JSON_STRING;
	case '[': return SIO_JSON_ARRAY;
	case '{': return SIO_JSON_OBJECT;
	default: return SIO_JSON_NUMBER;
	}
}

/* p stands at the opening bracket; returns what follows the matching one. */
static const char *
skip_container(const char *p, const char *end)
{
	size_t depth = 0;

	while (p < end) {
		switch (*p++) {
		case '"':
			p = sio__json_skip_string(p, end);
			if (!p) return end;
			break;
		case '{':
		case '[': depth++; break;
		case '}':
		case ']':
			if (--depth == 0) return p;
			break;
		}
	}
	return end;
}

/* p < end stands at a value; returns what follows it. */
static const char *
skip_value(const char *p, const char *end)
{
	const char *after;

	if (*p == '"') {
		after = sio__json_skip_string(p + 1, end);
		return after ? after : end;
	}
	if (*p == '{' || *p == '[') return skip_container(p, end);
	while (p < end && *p != ',' && *p != '}' && *p != ']' && (unsigned char)*p > ' ') p++;
	return p;
}

struct sio_json_iter
sio_json_iter(struct eio_bytes json)
{
	struct sio_json_iter it = { NULL, NULL, false };

	json = sio_json_trim(json);
	if (json.n < 2 || (json.p[0] != '[' && json.p[0] != '{')) return it;
	it.object = json.p[0] == '{';
	it.p = json.p + 1;
	it.end = json.p + json.n - 1; /* without the closing bracket */
	return it;
}

bool
sio_json_next(struct sio_json_iter *it, struct eio_bytes *key, struct eio_bytes *value)
{
	const char *p = sio__json_skip_space(it->p, it->end), *start;

	if (p == it->end) return false;
	if (it->object) {
		start = p;
		p = skip_value(p, it->end);
		if (key) *key = (struct eio_bytes){ start, (size_t)(p - start) };
		p = sio__json_skip_space(p, it->end);
		if (p < it->end) p++; /* the colon */
		p = sio__json_skip_space(p, it->end);
		if (p == it->end) return false;
	}
	start = p;
	p = skip_value(p, it->end);
	*value = (struct eio_bytes){ start, (size_t)(p - start) };
	p = sio__json_skip_space(p, it->end);
	it->p = p < it->end ? p + 1 : p; /* behind the comma */
	return true;
}

bool
sio_json_pointer_valid(struct eio_bytes pointer)
{
	if (pointer.n && pointer.p[0] != '/') return false;
	for (size_t i = 0; i < pointer.n; i++)
		if (pointer.p[i] == '~' && (i + 1 == pointer.n || (pointer.p[i + 1] != '0' && pointer.p[i + 1] != '1')))
			return false;
	return true;
}

/* Takes the next byte off a pointer's token, "~0" and "~1" undone. */
static char
token_byte(struct eio_bytes *token)
{
	char c = *token->p;
	size_t n = 1;

	if (c == '~' && token->n > 1) {
		c = token->p[1] == '1' ? '/' : '~';
		n = 2;
	}
	token->p += n;
	token->n -= n;
	return c;
}

bool
sio__json_key_is_token(struct eio_bytes key, struct eio_bytes token)
{
	struct sio__json_reader r;
	char bytes[4];
	unsigned n;

	if (!token.n || !memchr(token.p, '~', token.n)) return sio_json_string_eq(key, token);
	r = sio__json_reader(key);
	while ((n = sio__json_read(&r, bytes)) > 0)
		for (unsigned i = 0; i < n; i++)
			if (token.n == 0 || bytes[i] != token_byte(&token)) return false;
	return token.n == 0;
}

static bool
find_member(struct eio_bytes object, struct eio_bytes token, struct eio_bytes *value)
{
	struct sio_json_iter it = sio_json_iter(object);
	struct eio_bytes key, v;
	bool found = false;

	while (sio_json_next(&it, &key, &v)) {
		if (!sio__json_key_is_token(key, token)) continue;
		*value = v;
		found = true;
	}
	return found;
}

bool
sio__json_token_index(struct eio_bytes token, size_t *index)
{
	*index = 0;
	if (token.n == 0 || token.n > 9 || (token.p[0] == '0' && token.n > 1)) return false;
	for (size_t i = 0; i < token.n; i++) {
		if (token.p[i] < '0' || token.p[i] > '9') return false;
		*index = *index * 10 + (size_t)(token.p[i] - '0');
	}
	return true;
}

static bool
find_element(struct eio_bytes array, struct eio_bytes token, struct eio_bytes *value)
{
	struct sio_json_iter it = sio_json_iter(array);
	size_t index;

	if (!sio__json_token_index(token, &index)) return false;
	while (sio_json_next(&it, NULL, value))
		if (index-- == 0) return true;
	return false;
}

bool
sio_json_find(struct eio_bytes json, struct eio_bytes pointer, struct eio_bytes *value)
{
	struct eio_bytes at = sio_json_trim(json), token;
	const char *slash;

	while (pointer.n > 0) {
		CHECK(pointer.p[0] == '/');
		pointer.p++;
		pointer.n--;
		slash = pointer.n ? memchr(pointer.p, '/', pointer.n) : NULL;
		token = (struct eio_bytes){ pointer.p, slash ? (size_t)(slash - pointer.p) : pointer.n };
		switch (sio_json_kind(at)) {
		case SIO_JSON_OBJECT:
			if (!find_member(at, token, &at)) return false;
			break;
		case SIO_JSON_ARRAY:
			if (!find_element(at, token, &at)) return false;
			break;
		default: return false;
		}
		pointer.p += token.n;
		pointer.n -= token.n;
	}
	*value = at;
	return true;
}

/* SPDX-License-Identifier: MIT */
/* The filter of a feed: values at JSON pointers, compared without building a tree. */
#include "src/feed/feed_int.h"

#include "sio/json.h"
#include "src/feed/number.h"

#include <stdlib.h>

static bool
value_equals(struct eio_bytes raw, const struct feed_scalar *wanted)
{
	switch (sio_json_kind(raw)) {
	case SIO_JSON_STRING: return wanted->kind == FEED_SCALAR_STRING && sio_json_string_eq(raw, wanted->text);
	case SIO_JSON_NUMBER:
		return wanted->kind == FEED_SCALAR_NUMBER &&
		       (eio_bytes_eq(raw, wanted->text) || feed_number_compare(raw, wanted->text) == 0);
	case SIO_JSON_TRUE: return wanted->kind == FEED_SCALAR_TRUE;
	case SIO_JSON_FALSE: return wanted->kind == FEED_SCALAR_FALSE;
	case SIO_JSON_NULL: return wanted->kind == FEED_SCALAR_NULL;
	case SIO_JSON_ARRAY:
	case SIO_JSON_OBJECT: break;
	}
	return false;
}

static int
compare_bytes(struct eio_bytes a, struct eio_bytes b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int order = n ? memcmp(a.p, b.p, n) : 0;

	return order ? order : (a.n > b.n) - (a.n < b.n);
}

/* Orders a raw string and text by their bytes. false when out of memory. */
static bool
string_order(struct eio_bytes raw, struct eio_bytes text, int *order)
{
	struct eio_buf b;
	bool whole = true;

	if (!memchr(raw.p, '\\', raw.n)) {
		*order = compare_bytes(eio_bytes(raw.p + 1, raw.n - 2), text);
		return true;
	}
	eio_buf_init(&b);
	sio_json_unescape(&b, raw);
	whole = !eio_buf_failed(&b);
	if (whole) *order = compare_bytes(eio_buf_bytes(&b), text);
	eio_buf_deinit(&b);
	return whole;
}

/* Whether a value lies on the operator's side of its bound: only numbers and strings have an order, each among
 * themselves. */
static bool
value_in_order(struct eio_bytes raw, const struct feed_operator *o)
{
	enum sio_json_kind kind = sio_json_kind(raw);
	int order;

	if (kind == SIO_JSON_NUMBER && o->bound.kind == FEED_SCALAR_NUMBER)
		order = feed_number_compare(raw, o->bound.text);
	else if (kind != SIO_JSON_STRING || o->bound.kind != FEED_SCALAR_STRING ||
		 !string_order(raw, o->bound.text, &order))
		return false;
	switch (o->kind) {
	case FEED_LESS: return order < 0;
	case FEED_AT_MOST: return order <= 0;
	case FEED_GREATER: return order > 0;
	case FEED_AT_LEAST: return order >= 0;
	case FEED_EXISTS:
	case FEED_NOT: break;
	}
	return false;
}

static bool match_fulfilled(const struct feed_match *m, const struct eio_bytes *value);

static bool
operator_fulfilled(const struct feed_operator *o, const struct eio_bytes *value)
{
	switch (o->kind) {
	case FEED_EXISTS: return (value != NULL) == o->exists;
	case FEED_NOT: return !match_fulfilled(o->not, value);
	case FEED_LESS:
	case FEED_AT_MOST:
	case FEED_GREATER:
	case FEED_AT_LEAST: break;
	}
	return value && value_in_order(*value, o);
}

/* value: NULL when there is none. Calls itself for "not", which is nested no deeper than the configuration. */
static bool
match_fulfilled(const struct feed_match *m, const struct eio_bytes *value)
{
	for (size_t i = 0; i < m->n_operators; i++)
		if (!operator_fulfilled(&m->operators[i], value)) return false;
	if (m->n_operators) return true;
	for (size_t i = 0; value && i < m->n; i++)
		if (value_equals(*value, &m->values[i])) return true;
	return false;
}

bool
feed_where_matches(const struct feed_spec *feed, struct eio_bytes message)
{
	struct eio_bytes value;

	for (size_t i = 0; i < feed->n_where; i++) {
		const struct feed_where *w = &feed->where[i];
		bool there = sio_json_find(message, eio_cstr(w->pointer), &value);

		if (!match_fulfilled(&w->match, there ? &value : NULL)) return false;
	}
	return true;
}

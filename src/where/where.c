/* SPDX-License-Identifier: MIT */
/* Conditions, fulfilled or not, and their end. */
#include "src/where/where.h"

#include "eio/buf.h"
#include "sio/json.h"
#include "src/where/number.h"

#include <stdlib.h>

static bool
value_equals(struct eio_bytes raw, const struct where_scalar *wanted)
{
	switch (sio_json_kind(raw)) {
	case SIO_JSON_STRING: return wanted->kind == WHERE_SCALAR_STRING && sio_json_string_eq(raw, wanted->text);
	case SIO_JSON_NUMBER:
		return wanted->kind == WHERE_SCALAR_NUMBER &&
		       (eio_bytes_eq(raw, wanted->text) || where_number_compare(raw, wanted->text) == 0);
	case SIO_JSON_TRUE: return wanted->kind == WHERE_SCALAR_TRUE;
	case SIO_JSON_FALSE: return wanted->kind == WHERE_SCALAR_FALSE;
	case SIO_JSON_NULL: return wanted->kind == WHERE_SCALAR_NULL;
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
value_in_order(struct eio_bytes raw, const struct where_operator *o)
{
	enum sio_json_kind kind = sio_json_kind(raw);
	int order;

	if (kind == SIO_JSON_NUMBER && o->bound.kind == WHERE_SCALAR_NUMBER)
		order = where_number_compare(raw, o->bound.text);
	else if (kind != SIO_JSON_STRING || o->bound.kind != WHERE_SCALAR_STRING ||
		 !string_order(raw, o->bound.text, &order))
		return false;
	switch (o->kind) {
	case WHERE_LESS: return order < 0;
	case WHERE_AT_MOST: return order <= 0;
	case WHERE_GREATER: return order > 0;
	case WHERE_AT_LEAST: return order >= 0;
	case WHERE_EXISTS:
	case WHERE_NOT: break;
	}
	return false;
}

static bool
operator_fulfilled(const struct where_operator *o, const struct eio_bytes *value)
{
	switch (o->kind) {
	case WHERE_EXISTS: return (value != NULL) == o->exists;
	case WHERE_NOT: return !where_match_fulfilled(o->not, value);
	case WHERE_LESS:
	case WHERE_AT_MOST:
	case WHERE_GREATER:
	case WHERE_AT_LEAST: break;
	}
	return value && value_in_order(*value, o);
}

/* Calls itself for "not", which is nested no deeper than the configuration. */
bool
where_match_fulfilled(const struct where_match *m, const struct eio_bytes *value)
{
	for (size_t i = 0; i < m->n_operators; i++)
		if (!operator_fulfilled(&m->operators[i], value)) return false;
	if (m->n_operators) return true;
	for (size_t i = 0; value && i < m->n; i++)
		if (value_equals(*value, &m->values[i])) return true;
	return false;
}

bool
where_fulfilled(const struct where *w, struct eio_bytes message)
{
	struct eio_bytes value;

	for (size_t i = 0; i < w->n; i++) {
		const struct where_pair *p = &w->v[i];
		bool there = sio_json_find(message, eio_cstr(p->pointer), &value);

		if (!where_match_fulfilled(&p->match, there ? &value : NULL)) return false;
	}
	return true;
}

/* The end */

static void
scalar_free(struct where_scalar *s)
{
	free((char *)(uintptr_t)s->text.p);
}

/* Calls itself for what stands under "not", which is nested no deeper than the configuration. */
static void
match_free(struct where_match *m)
{
	for (size_t i = 0; i < m->n; i++) scalar_free(&m->values[i]);
	free(m->values);
	for (size_t i = 0; i < m->n_operators; i++) {
		scalar_free(&m->operators[i].bound);
		if (m->operators[i].not ) match_free(m->operators[i].not );
		free(m->operators[i].not );
	}
	free(m->operators);
}

void
where_deinit(struct where *w)
{
	for (size_t i = 0; i < w->n; i++) {
		match_free(&w->v[i].match);
		free(w->v[i].pointer);
	}
	free(w->v);
	*w = (struct where){ 0 };
}

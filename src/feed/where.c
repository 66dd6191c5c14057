/* SPDX-License-Identifier: MIT */
/* The filter of a feed: values at JSON pointers, compared without building a tree. */
#include "src/feed/feed_int.h"

#include "sio/json.h"

#include <stdlib.h>

/* Longer numbers than this are not equal to anything a configuration can hold exactly. */
enum { NUMBER_MAX = 350 };

/* By value, so that 1, 1.0 and 1e0 are one; the configuration's side is below 2^53 and so exact. */
static bool
number_equals(struct eio_bytes raw, double wanted)
{
	char text[NUMBER_MAX + 1];

	if (raw.n > NUMBER_MAX) return false;
	memcpy(text, raw.p, raw.n);
	text[raw.n] = '\0';
	return strtod(text, NULL) == wanted;
}

static bool
value_equals(struct eio_bytes raw, const struct feed_scalar *wanted)
{
	switch (sio_json_kind(raw)) {
	case SIO_JSON_STRING: return wanted->kind == FEED_SCALAR_STRING && sio_json_string_eq(raw, wanted->text);
	case SIO_JSON_NUMBER: return wanted->kind == FEED_SCALAR_NUMBER && number_equals(raw, wanted->number);
	case SIO_JSON_TRUE: return wanted->kind == FEED_SCALAR_TRUE;
	case SIO_JSON_FALSE: return wanted->kind == FEED_SCALAR_FALSE;
	case SIO_JSON_NULL: return wanted->kind == FEED_SCALAR_NULL;
	case SIO_JSON_ARRAY:
	case SIO_JSON_OBJECT: break;
	}
	return false;
}

static bool
pair_matches(const struct feed_where *w, struct eio_bytes message)
{
	struct eio_bytes value;

	if (!sio_json_find(message, eio_cstr(w->pointer), &value)) return false;
	for (size_t i = 0; i < w->n; i++)
		if (value_equals(value, &w->values[i])) return true;
	return false;
}

bool
feed_where_matches(const struct feed_spec *feed, struct eio_bytes message)
{
	for (size_t i = 0; i < feed->n_where; i++)
		if (!pair_matches(&feed->where[i], message)) return false;
	return true;
}

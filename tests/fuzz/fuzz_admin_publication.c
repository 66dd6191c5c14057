/* SPDX-License-Identifier: MIT */
/*
 * Any body of POST /publish. What is taken can be walked to its end, has names in it that
 * lie within it and are not too many, and arguments that are a list of JSON.
 */
#include "sio/json.h"
#include "src/admin/publication.h"
#include "src/feed/posting.h"
#include "src/feed/targets.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_names(struct eio_bytes packed)
{
	const char *end = packed.p + packed.n;
	struct eio_bytes name;
	size_t n = 0;

	for (; feed_names_next(&packed, &name); n++)
		if (name.n == 0 || name.p + name.n > end) abort();
	if (n > FEED_MAX_ROOMS) abort();
}

static void
check_event(const struct feed_posted *p)
{
	if (sio_json_check(p->payload) != 0 || sio_json_kind(p->payload) != SIO_JSON_ARRAY) abort();
	if (p->nsp.n == 0 || p->nsp.p[0] != '/' || (p->everyone && p->rooms.n)) abort();
	check_names(p->rooms);
	check_names(p->except);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct admin_publication_error err;
	struct feed_posting *p = admin_publication_read(eio_bytes((const char *)data, size), &err);
	struct feed_posted item;
	size_t n = 0;

	if (!p) {
		if (!err.nomem && !err.text) abort();
		return 0;
	}
	for (size_t at = 0; feed_posting_next(p, &at, &item); n++)
		if (item.is_event) check_event(&item);
	if (n != p->n) abort();
	feed_posting_free(p);
	return 0;
}

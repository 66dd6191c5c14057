/* SPDX-License-Identifier: MIT */
/* What records are made of, and what is wrong with them. */
#include "src/feed/restoring_int.h"

#include <stdlib.h>

static const char no_memory[] = "out of memory", damaged[] = "a record makes no sense";

bool
restoring_holds(struct restoring *r, bool what_must_be)
{
	if (!r->why && (r->in->bad || !what_must_be)) r->why = damaged;
	return !r->why;
}

bool
restoring_got(struct restoring *r, bool memory)
{
	if (!r->why && !memory) r->why = no_memory;
	return !r->why;
}

uint64_t
restoring_age(struct restoring *r)
{
	uint64_t age = restoring_number(r);

	return age + r->elapsed_ms < age ? UINT64_MAX : age + r->elapsed_ms;
}

uint64_t
restoring_time_of(const struct restoring *r, uint64_t age)
{
	return r->p->now_ms > age ? r->p->now_ms - age : 0;
}

bool
restoring_is_key(const struct sio_room_key *key)
{
	return key->nsp.n > 0 && key->nsp.p[0] == '/';
}

struct sio_room_key
restoring_key(struct restoring *r)
{
	struct eio_bytes nsp = restoring_text(r);
	bool everyone = restoring_number(r);
	struct eio_bytes name = restoring_text(r);

	return everyone ? sio_room_everyone(nsp) : sio_room_named(nsp, name);
}

void *
restoring_room(void *list, size_t n, size_t *max)
{
	size_t more = *max ? 2 * *max : 64;

	if (n < *max) return list;
	list = realloc(list, more * sizeof(void *));
	if (list) *max = more;
	return list;
}

void
restoring_skip(struct restoring *r, uint64_t n)
{
	for (; n > 0 && !r->in->bad; n--) restoring_number(r);
}

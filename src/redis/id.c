/* SPDX-License-Identifier: MIT */
/* Ids of entries. */
#include "src/redis/id.h"

#include <inttypes.h>
#include <stdio.h>

/* Digits at *at, which goes behind them. Whether there is a number that fits. */
static bool
id_number(struct eio_bytes text, size_t *at, uint64_t *out)
{
	size_t begin = *at;

	*out = 0;
	for (; *at < text.n && text.p[*at] >= '0' && text.p[*at] <= '9'; ++*at) {
		unsigned digit = (unsigned)(text.p[*at] - '0');

		if (*out > (UINT64_MAX - digit) / 10) return false;
		*out = *out * 10 + digit;
	}
	return *at > begin;
}

bool
redis_id_parse(struct redis_id *id, struct eio_bytes text)
{
	size_t at = 0;

	if (!id_number(text, &at, &id->ms)) return false;
	id->seq = 0;
	if (at == text.n) return true;
	if (text.p[at++] != '-') return false;
	return id_number(text, &at, &id->seq) && at == text.n;
}

const char *
redis_id_text(struct redis_id id, char out[REDIS_ID_TEXT])
{
	snprintf(out, REDIS_ID_TEXT, "%" PRIu64 "-%" PRIu64, id.ms, id.seq);
	return out;
}

int
redis_id_compare(struct redis_id a, struct redis_id b)
{
	if (a.ms != b.ms) return a.ms < b.ms ? -1 : 1;
	return a.seq < b.seq ? -1 : a.seq > b.seq;
}

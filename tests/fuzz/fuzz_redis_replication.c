/* SPDX-License-Identifier: MIT */
/* Any bytes to a replica, whole and byte by byte: the same messages must come out, at the same places, and none that is
 * longer than allowed. */
#include "src/redis/replication.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
note(struct eio_buf *to, struct eio_bytes b, size_t max_string)
{
	if (b.n > max_string) abort();
	eio_buf_append_u64(to, b.n);
	eio_buf_addc(to, ':');
	eio_buf_add(to, b);
}

/* All that is complete. Whether it goes on. */
static bool
pull(struct redis_replication *r, struct eio_buf *to, size_t max_string)
{
	struct redis_replicated_event e;
	enum redis_replicated got;

	while ((got = redis_replication_next(r, &e)) != REDIS_REPLICATED_NONE) {
		eio_buf_addc(to, (char)('0' + got));
		if (got == REDIS_REPLICATED_ERROR) return false;
		if (got == REDIS_REPLICATED_REFUSED) note(to, e.text, SIZE_MAX);
		if (got != REDIS_REPLICATED_MESSAGE && got != REDIS_REPLICATED_TOO_LONG) continue;
		note(to, e.channel, max_string);
		if (got == REDIS_REPLICATED_MESSAGE)
			note(to, e.payload, max_string);
		else if (e.n <= max_string)
			abort();
		eio_buf_append_u64(to, r->offset);
	}
	return true;
}

static void
run(struct eio_buf *to, size_t max_string, const uint8_t *data, size_t size, size_t piece)
{
	struct redis_replication r;
	struct eio_buf ask = { 0 };
	bool goes_on = true;
	size_t n;

	redis_replication_init(&r, max_string);
	redis_replication_begin(&r, &ask);
	for (size_t at = 0; at < size && goes_on; at += n) {
		n = size - at < piece ? size - at : piece;
		redis_replication_feed(&r, eio_bytes(data + at, n));
		goes_on = pull(&r, to, max_string);
	}
	redis_replication_deinit(&r);
	eio_buf_deinit(&ask);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const size_t limits[] = { SIZE_MAX, 3 };

	for (size_t i = 0; i < 2; i++) {
		struct eio_buf whole = { 0 }, pieces = { 0 };

		run(&whole, limits[i], data, size, size);
		run(&pieces, limits[i], data, size, 1);
		if (!eio_bytes_eq(eio_buf_bytes(&whole), eio_buf_bytes(&pieces))) abort();
		eio_buf_deinit(&whole);
		eio_buf_deinit(&pieces);
	}
	return 0;
}

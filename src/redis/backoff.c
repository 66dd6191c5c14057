/* SPDX-License-Identifier: MIT */
/* Waits between attempts. */
#include "src/redis/backoff.h"

#include <uv.h>

void
redis_backoff_works(struct redis_backoff *b, uint64_t now_ms)
{
	b->works = true;
	b->works_ms = now_ms;
}

uint64_t
redis_backoff_failed(struct redis_backoff *b, uint64_t now_ms)
{
	uint64_t delay = REDIS_BACKOFF_MAX_MS, random = 0;

	if (b->works && now_ms - b->works_ms >= REDIS_STEADY_MS) b->failures = 0;
	b->works = false;
	if (b->failures < 6) delay = (uint64_t)REDIS_BACKOFF_MIN_MS << b->failures++;
	if (delay > REDIS_BACKOFF_MAX_MS) delay = REDIS_BACKOFF_MAX_MS;
	if (uv_random(NULL, NULL, &random, sizeof random, 0, NULL)) random = uv_hrtime();
	return delay - random % (delay / 2);
}

/* SPDX-License-Identifier: MIT */
/*
 * How long a link waits. Where sentinels know the address another server may be the master by now, and in a Cluster
 * another node: so one that is silent is given up sooner, and it is tried again more often.
 */
#include "src/redis/link_int.h"

static bool
may_be_replaced(const struct redis_url *url)
{
	return url->n_guides || url->is_cluster;
}

unsigned
redis_link__silent_ms(const struct redis_link *l)
{
	if (l->options.silent_ms) return l->options.silent_ms;
	return may_be_replaced(l->options.url) ? REDIS_SENTINEL_SILENT_MS : REDIS_SILENT_MS;
}

unsigned
redis_link_dead_ms(const struct redis_url *url, unsigned wanted)
{
	if (wanted) return wanted;
	return may_be_replaced(url) ? REDIS_SENTINEL_DEAD_MS : REDIS_DEAD_MS;
}

uint64_t
redis_link__retry_ms(struct redis_link *l)
{
	uint64_t delay = redis_backoff_failed(&l->backoff, uv_now(l->loop));

	return may_be_replaced(l->options.url) && delay > REDIS_SENTINEL_RETRY_MS ? REDIS_SENTINEL_RETRY_MS : delay;
}

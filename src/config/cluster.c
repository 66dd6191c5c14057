/* SPDX-License-Identifier: MIT */
/*
 * A Redis Cluster is subscribed to and published to. Keys lie at the nodes that have their slots, where nobody looks
 * for them: whatever needs some is refused, with what it is that does.
 */
#include "src/config/cluster.h"

#include "src/config/parts.h"
#include "src/presence/spec.h"

static const char in_keys[] = "that is in keys, which are not looked for in a Redis Cluster (redis.cluster)";

static const cJSON *
item_in(const cJSON *object, const char *key)
{
	return cJSON_GetObjectItemCaseSensitive(object, key);
}

static bool
has_cluster(const struct config_parts *p, size_t n)
{
	for (size_t i = 0; i < p->config.n_redis && i < n; i++)
		if (p->redis[i].is_cluster) return true;
	return false;
}

/* Every server is asked for the streams and the keys of every feed. */
static void
check_feeds_in_cluster(struct config_loader *l)
{
	const struct feed_specs *feeds = l->parts->feeds;

	for (size_t i = 0; i < feeds->n; i++) {
		const char *key = feeds->v[i].is_stream ? "stream" : feeds->v[i].n_primes ? "prime" : NULL;
		const cJSON *item = cJSON_GetArrayItem(item_in(l->root, "feeds"), (int)i);
		size_t mark;

		if (!key) continue;
		mark = config__push(l, "feeds");
		config__push_index(l, i);
		config__push(l, key);
		if (!item_in(item, key)) item = item_in(l->root, "feedDefaults");
		config__error(l, item_in(item, key), "%s", in_keys);
		config__pop(l, mark);
	}
}

static void
refuse_sharing(struct config_loader *l, const char *nsp, const char *key)
{
	size_t mark = config__push(l, "namespaces");

	config__push(l, nsp);
	config__push(l, key);
	config__error(l, item_in(item_in(item_in(l->root, "namespaces"), nsp), key),
		"%s; \"shared\": false has each node tell of its own clients", in_keys);
	config__pop(l, mark);
}

/* It is shared by the first server. */
static void
check_presence_in_cluster(struct config_loader *l)
{
	const struct presence_specs *all = l->parts->presence;

	for (size_t i = 0; i < all->n; i++)
		if (all->v[i].shared) refuse_sharing(l, all->v[i].where.nsp, "presence");
	for (size_t i = 0; i < all->n_counts; i++)
		if (all->counts[i].shared) refuse_sharing(l, all->counts[i].where.nsp, "count");
}

static void
refuse_option(struct config_loader *l, const char *section, const char *key, const char *why)
{
	size_t mark = config__push(l, section);

	config__push(l, key);
	config__error(l, item_in(item_in(l->root, section), key), "%s", why);
	config__pop(l, mark);
}

/* The adapter's server is the first, too. */
static void
check_adapter_in_cluster(struct config_loader *l)
{
	const struct adapter_spec *a = &l->parts->adapter;

	if (a->mode != ADAPTER_OFF && a->dialects.heard[ADAPTER_STREAMS])
		refuse_option(l, "adapter", "dialects",
			"\"streams\": those are keys, which are not looked for in a Redis Cluster (redis.cluster)");
}

void
config__cluster_check(struct config_loader *l)
{
	const struct config_parts *p = l->parts;

	if (p->recovery.elsewhere && has_cluster(p, 1))
		refuse_option(l, "connectionStateRecovery", "elsewhere", in_keys);
	else if (p->recovery.elsewhere && feed_specs_have_shards(p->feeds))
		refuse_option(l, "connectionStateRecovery", "elsewhere",
			"a feed has \"shard\" channels: those of several nodes have no order that all siocasts see alike");
	if (has_cluster(p, CONFIG_MAX_REDIS)) check_feeds_in_cluster(l);
	if (!has_cluster(p, 1)) return;
	check_presence_in_cluster(l);
	check_adapter_in_cluster(l);
}

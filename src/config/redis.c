/* SPDX-License-Identifier: MIT */
/* Where Redis is. */
#include "src/config/redis.h"

#include "src/config/file.h"
#include "src/config/nodes.h"
#include "src/config/parts.h"
#include "src/config/redis_tls.h"
#include "src/config/rows.h"
#include "src/config/secret.h"
#include "src/config/values.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

enum redis_source_kind { SOURCE_SUBSCRIBE, SOURCE_PSYNC, SOURCE_HUB };

struct redis_source {
	unsigned kind; /* enum redis_source_kind */
	const cJSON *item; /* of a hub */
};

struct redis_server_entry {
	const char *url;
	struct redis_source source;
	char password[CONFIG_SECRET_BYTES], sentinel_password[CONFIG_SECRET_BYTES];
	struct config_strings sentinels, cluster;
	struct config_redis_tls tls;
};

#define ROWS_OF struct redis_server_entry

static const char *const sources[] = { "subscribe", "psync", NULL };

static const struct config_option source_rows[] = { ENUM("source", source.kind, sources, NULL) };

static const struct config_table source_table = TABLE_OF(source_rows);

/* Of an entry. */
static void
read_source(struct config_loader *l, const cJSON *item, void *target)
{
	struct redis_server_entry *entry = target;
	bool hub = cJSON_IsString(item) && config__is_hub(item->valuestring);

	entry->source = (struct redis_source){ .kind = hub ? SOURCE_HUB : SOURCE_SUBSCRIBE, .item = hub ? item : NULL };
	if (!hub) config__value(l, &source_table, entry, "source", item);
}

static void
read_addresses(struct config_loader *l, const cJSON *item, void *target)
{
	if (!cJSON_IsNull(item)) config__strings(l, item, target);
}

static const struct config_option redis_rows[] = {
	STRING("url", url, "\"redis://127.0.0.1:6379/0\""),
	CUSTOM("passwordFile", password, config__secret, "null", SCHEMA_STRING_OR_NULL),
	CUSTOM("sentinels", sentinels, read_addresses, "null", SCHEMA_STRINGS_OR_NULL),
	CUSTOM("sentinelPasswordFile", sentinel_password, config__secret, "null", SCHEMA_STRING_OR_NULL),
	CUSTOM("cluster", cluster, read_addresses, "null", SCHEMA_STRINGS_OR_NULL),
	STRUCT_DEFAULT("source", read_source, "\"subscribe\"", SCHEMA_REDIS_SOURCE),
	SECTION("tls"),
	CUSTOM("tls.ca", tls.ca, config__path, "null", SCHEMA_STRING_OR_NULL),
	CUSTOM("tls.cert", tls.cert, config__path, "null", SCHEMA_STRING_OR_NULL),
	CUSTOM("tls.key", tls.key, config__path, "null", SCHEMA_STRING_OR_NULL),
	STRING("tls.serverName", tls.server_name, "null"),
};

const struct config_table config__redis_table = TABLE_OF(redis_rows);

static const char *
given_password(const char *password)
{
	return *password ? password : NULL;
}

/* Who knows where the master is. Whether that went well. */
static bool
add_sentinels(struct config_loader *l, const cJSON *item, const struct redis_server_entry *entry, struct redis_url *out)
{
	const struct config_redis_tls tls = { .ca = entry->tls.ca, .cert = entry->tls.cert, .key = entry->tls.key };
	const cJSON *list = cJSON_GetObjectItemCaseSensitive(item, "sentinels");
	size_t which, mark, n = entry->sentinels.n;
	char why[160];

	if (!n) return true;
	if (redis_url_add_sentinels(out, entry->sentinels.v, n, given_password(entry->sentinel_password), &which, why,
		    sizeof why) < 0) {
		mark = config__push(l, which < n ? "sentinels" : "url");
		if (which < n) config__push_index(l, which);
		config__error(l,
			which < n ? config__element(list, which) : cJSON_GetObjectItemCaseSensitive(item, "url"), "%s",
			why);
		config__pop(l, mark);
		return false;
	}
	for (size_t i = 0; i < n; i++)
		if (out->guides[i].is_tls) config__redis_tls(l, item, &tls, &out->guides[i]);
	return true;
}

static void
complain_of(struct config_loader *l, const cJSON *item, const char *key, const char *why)
{
	size_t mark = config__push(l, key);

	config__error(l, cJSON_GetObjectItemCaseSensitive(item, key), "%s", why);
	config__pop(l, mark);
}

/* What else is said of a server does not fit to a Cluster. Whether all does. */
static bool
fits_cluster(struct config_loader *l, const cJSON *item, const struct redis_server_entry *entry)
{
	if (cJSON_HasObjectItem(item, "url"))
		complain_of(l, item, "url", "\"cluster\" says where it is");
	else if (entry->sentinels.n)
		complain_of(l, item, "sentinels", "a Redis Cluster fails over by itself");
	else if (entry->source.kind == SOURCE_PSYNC)
		complain_of(
			l, item, "source", "what is published in a Redis Cluster is not in what its nodes replicate");
	else if (!entry->cluster.n)
		complain_of(l, item, "cluster", "at least one node is needed");
	else
		return true;
	return false;
}

/* Some nodes, by which the others are found. */
static void
read_cluster(struct config_loader *l, const cJSON *item, const struct redis_server_entry *entry, struct redis_url *out)
{
	const cJSON *list = cJSON_GetObjectItemCaseSensitive(item, "cluster");
	size_t which = 0, mark, n = entry->cluster.n;
	unsigned errors = l->notes.errors;
	char why[160];

	if (!fits_cluster(l, item, entry)) return;
	if (redis_url_cluster(out, entry->cluster.v, n, given_password(entry->password), &which, why, sizeof why) < 0) {
		mark = config__push(l, "cluster");
		if (cJSON_IsArray(list)) config__push_index(l, which);
		config__error(l, config__element(list, which), "%s", why);
		config__pop(l, mark);
		return;
	}
	if (cJSON_HasObjectItem(item, "tls") && !out->guides[0].is_tls)
		complain_of(l, item, "tls", "this is for addresses that begin with rediss://");
	for (size_t i = 0; i < n && l->notes.errors == errors; i++) {
		out->guides[i].is_named = entry->tls.server_name != NULL;
		if (out->guides[i].is_tls) config__redis_tls(l, item, &entry->tls, &out->guides[i]);
	}
}

/* An object whose rows have been read. */
static bool
is_cluster(const cJSON *item)
{
	const cJSON *list = cJSON_IsObject(item) ? cJSON_GetObjectItemCaseSensitive(item, "cluster") : NULL;

	return list && !cJSON_IsNull(list);
}

/* In the place of a server there is a hub, which has one. */
static void
read_hub(struct config_loader *l, const cJSON *item, const struct redis_server_entry *entry)
{
	size_t mark;

	for (const cJSON *m = item->child; m; m = m->next)
		if (m != entry->source.item && !cJSON_IsNull(m)) {
			complain_of(l, item, m->string, "\"source\" is a hub, which alone knows where its Redis is");
			return;
		}
	mark = config__push(l, "source");
	config__hub(l, entry->source.item);
	config__pop(l, mark);
}

/* A string, or an object with one. */
static void
read_server(struct config_loader *l, const cJSON *item, struct redis_url *out, bool *replicates)
{
	struct redis_server_entry entry = { .url = NULL };
	unsigned errors = l->notes.errors;
	char why[160];

	if (cJSON_IsObject(item)) {
		config__defaults(l, &config__redis_table, &entry);
		config__object(l, &config__redis_table, &entry, "", item);
	} else if (cJSON_IsString(item)) {
		entry.url = item->valuestring;
	}
	if (l->notes.errors == errors) {
		if (entry.source.kind == SOURCE_HUB)
			read_hub(l, item, &entry);
		else if (is_cluster(item))
			read_cluster(l, item, &entry, out);
		else if (!entry.url || !*entry.url)
			config__error(l, item, "expected an address, or an object with \"url\", not %s",
				cJSON_IsString(item) ? "an empty string" : config__type_name(item));
		else if (redis_url_parse_with(out, entry.url, given_password(entry.password), why, sizeof why))
			config__error(l, item, "%s", why);
		else if (add_sentinels(l, item, &entry, out))
			config__redis_tls(l, item, &entry.tls, out);
	}
	*replicates = entry.source.kind == SOURCE_PSYNC;
	explicit_bzero(entry.password, sizeof entry.password);
	explicit_bzero(entry.sentinel_password, sizeof entry.sentinel_password);
}

static void
set_redis(struct config_parts *p, struct redis_url *list, size_t n)
{
	for (size_t i = 0; i < p->config.n_redis; i++) redis_url_deinit(&p->redis[i]);
	free(p->redis);
	p->redis = list;
	p->config.n_redis = n;
}

void
config__redis_none(struct config_loader *l)
{
	set_redis(l->parts, NULL, 0);
}

void
config__redis(struct config_loader *l, const cJSON *item, void *target)
{
	size_t n = cJSON_IsArray(item) ? (size_t)cJSON_GetArraySize(item) : 1, mark;
	struct redis_url *list;

	(void)target; /* it is the parts' redis, but its length goes along */
	if (n < 1 || n > CONFIG_MAX_REDIS) {
		config__error(l, item, n ? "more than %d servers" : "an empty list", CONFIG_MAX_REDIS);
		return;
	}
	list = calloc(CONFIG_MAX_REDIS, sizeof *list); /* there may come to be more: config_add_redis() */
	if (!list) {
		config__error_memory(l);
		return;
	}
	l->parts->relay.host = NULL;
	for (size_t i = 0; i < n; i++) {
		mark = config__push_element(l, item, i);
		read_server(l, config__element(item, i), &list[i], &l->parts->replicates[i]);
		config__pop(l, mark);
	}
	set_redis(l->parts, list, n);
	if (l->parts->relay.host && n > 1)
		config__error(l, item, "a hub stands alone: what else there is to be heard, it has to hear");
	else if (l->parts->relay.host)
		config__redis_none(l);
}

/* The address of a server without its database, by one name for this machine. */
static void
put_server(const struct redis_url *u, char *out, size_t size)
{
	if (u->path)
		snprintf(out, size, "unix:%s", u->path);
	else
		snprintf(out, size, "%s:%u", strcmp(u->host, "localhost") == 0 ? "127.0.0.1" : u->host, u->port);
}

/* Names of masters mean the same where somebody knows both. */
static bool
have_sentinel_in_common(const struct redis_url *a, const struct redis_url *b)
{
	char one[512], other[512];

	for (size_t i = 0; i < a->n_guides; i++) {
		put_server(&a->guides[i], one, sizeof one);
		for (size_t k = 0; k < b->n_guides; k++) {
			put_server(&b->guides[k], other, sizeof other);
			if (strcmp(one, other) == 0) return true;
		}
	}
	return !a->n_guides && !b->n_guides;
}

bool
config__redis_is_same_server(const struct redis_url *a, const struct redis_url *b)
{
	char one[512], other[512];

	/* An address that could not be read. */
	if ((!a->host && !a->path) || (!b->host && !b->path)) return false;
	put_server(a, one, sizeof one);
	put_server(b, other, sizeof other);
	return strcmp(one, other) == 0 && have_sentinel_in_common(a, b);
}

void
config__redis_warn(struct config_loader *l)
{
	const struct config_parts *p = l->parts;
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(l->root, "redis");
	size_t mark, k;

	if (l->flags->redis.n) l->flag = "--redis";
	for (size_t i = 1; i < p->config.n_redis; i++) {
		for (k = 0; k < i && !config__redis_is_same_server(&p->redis[i], &p->redis[k]);) k++;
		if (k == i) continue;
		mark = config__push(l, "redis");
		config__push_index(l, i);
		config__warn(l, config__element(item, i),
			"the same server as redis[%zu], whatever the database: every message would come twice", k);
		config__pop(l, mark);
	}
	l->flag = NULL;
}

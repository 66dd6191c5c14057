/* SPDX-License-Identifier: MIT */
/* Two configurations compared, row by row of the main table. */
#include "src/config/changes.h"

#include "eio/check.h"
#include "src/config/options.h"
#include "src/config/parts.h"
#include "src/config/redis.h"
#include "src/config/targets.h"

#include <stdlib.h>
#include <string.h>

/* All options, but for other names of one. */
static const struct config_change groups[] = {
	{ "cors.allowedHeaders", CONFIG_GROUP_CLIENTS },
	{ "cors.credentials", CONFIG_GROUP_CLIENTS },
	{ "cors.exposedHeaders", CONFIG_GROUP_CLIENTS },
	{ "cors.maxAge", CONFIG_GROUP_CLIENTS },
	{ "cors.methods", CONFIG_GROUP_CLIENTS },
	{ "cors.origin", CONFIG_GROUP_CLIENTS },
	{ "engine.allowEIO3", CONFIG_GROUP_CLIENTS },
	{ "engine.allowUpgrades", CONFIG_GROUP_CLIENTS },
	{ "engine.connectTimeout", CONFIG_GROUP_CLIENTS },
	{ "engine.cookie", CONFIG_GROUP_CLIENTS },
	{ "engine.pingInterval", CONFIG_GROUP_CLIENTS },
	{ "engine.pingTimeout", CONFIG_GROUP_CLIENTS },
	{ "engine.transports", CONFIG_GROUP_CLIENTS },
	{ "engine.upgradeTimeout", CONFIG_GROUP_CLIENTS },
	{ "forwardedHeader", CONFIG_GROUP_CLIENTS },
	{ "jsonp", CONFIG_GROUP_CLIENTS },
	{ "limits.authBytes", CONFIG_GROUP_CLIENTS },
	{ "limits.clientQueueBytes", CONFIG_GROUP_CLIENTS },
	{ "limits.clientQueueSeconds", CONFIG_GROUP_CLIENTS },
	{ "limits.clientReplyBytes", CONFIG_GROUP_CLIENTS },
	{ "limits.headerBytes", CONFIG_GROUP_CLIENTS },
	{ "limits.headerSeconds", CONFIG_GROUP_CLIENTS },
	{ "limits.heldBytes", CONFIG_GROUP_CLIENTS },
	{ "limits.heldEvents", CONFIG_GROUP_CLIENTS },
	{ "limits.keepAliveSeconds", CONFIG_GROUP_CLIENTS },
	{ "limits.maxSessions", CONFIG_GROUP_CLIENTS },
	{ "limits.namespacesPerClient", CONFIG_GROUP_CLIENTS },
	{ "limits.requestSeconds", CONFIG_GROUP_CLIENTS },
	{ "limits.roomNameLength", CONFIG_GROUP_CLIENTS },
	{ "limits.roomsPerSocket", CONFIG_GROUP_CLIENTS },
	{ "trustedProxies", CONFIG_GROUP_CLIENTS },
	{ "listen", CONFIG_GROUP_LISTEN },
	{ "admin", CONFIG_GROUP_ADMIN },
	{ "adminHosts", CONFIG_GROUP_ADMIN },
	{ "adminUI.auth", CONFIG_GROUP_UI },
	{ "adminUI.passwordFile", CONFIG_GROUP_UI }, /* what is in it counts at each reload, whatever its name */
	{ "adminUI.username", CONFIG_GROUP_UI },
	{ "adminUI.mode", CONFIG_GROUP_NONE },
	{ "adminUI.namespaceName", CONFIG_GROUP_NONE },
	{ "adminUI.page", CONFIG_GROUP_NONE },
	{ "adminUI.readonly", CONFIG_GROUP_NONE },
	{ "adminUI.serverId", CONFIG_GROUP_NONE },
	{ "auth", CONFIG_GROUP_NAMESPACES },
	{ "namespaces", CONFIG_GROUP_NAMESPACES },
	{ "feedDefaults", CONFIG_GROUP_FEEDS },
	{ "feeds", CONFIG_GROUP_FEEDS },
	{ "drain.seconds", CONFIG_GROUP_END },
	{ "log.format", CONFIG_GROUP_LOG },
	{ "log.level", CONFIG_GROUP_LOG },
	{ "accessLog", CONFIG_GROUP_NONE },
	{ "adapter.dialects", CONFIG_GROUP_NONE },
	{ "adapter.key", CONFIG_GROUP_NONE },
	{ "adapter.mode", CONFIG_GROUP_NONE },
	{ "adapter.serverSideEmit", CONFIG_GROUP_NONE },
	{ "adapter.streamCount", CONFIG_GROUP_NONE },
	{ "adapter.streamMaxLen", CONFIG_GROUP_NONE },
	{ "adapter.subscriptionMode", CONFIG_GROUP_NONE },
	{ "client.dir", CONFIG_GROUP_NONE },
	{ "client.version", CONFIG_GROUP_NONE },
	{ "compat", CONFIG_GROUP_NONE }, /* a file with another one is not taken at all */
	{ "connectionStateRecovery", CONFIG_GROUP_NONE },
	{ "engine.addTrailingSlash", CONFIG_GROUP_NONE },
	{ "engine.httpCompression", CONFIG_GROUP_NONE },
	{ "engine.ioUring", CONFIG_GROUP_NONE },
	{ "engine.maxHttpBufferSize", CONFIG_GROUP_NONE },
	{ "engine.perMessageDeflate", CONFIG_GROUP_NONE },
	{ "group", CONFIG_GROUP_NONE },
	{ "intake", CONFIG_GROUP_NONE },
	{ "limits.maxConnections", CONFIG_GROUP_NONE },
	{ "limits.messageBytes", CONFIG_GROUP_NONE },
	{ "limits.publishQueueBytes", CONFIG_GROUP_NONE },
	{ "limits.workerQueueBytes", CONFIG_GROUP_NONE },
	{ "log.target", CONFIG_GROUP_NONE },
	{ "node", CONFIG_GROUP_NONE },
	{ "path", CONFIG_GROUP_NONE },
	{ "peerKeyFile", CONFIG_GROUP_NONE },
	{ "peers", CONFIG_GROUP_NONE },
	{ "presence.expiry", CONFIG_GROUP_NONE },
	{ "presence.prefix", CONFIG_GROUP_NONE },
	{ "publish.idempotencySeconds", CONFIG_GROUP_NONE },
	{ "publish.maxBytes", CONFIG_GROUP_NONE },
	{ "publish.tokenFile", CONFIG_GROUP_NONE },
	{ "redis", CONFIG_GROUP_REDIS },
	{ "relay.edges", CONFIG_GROUP_NONE },
	{ "relay.lingerSeconds", CONFIG_GROUP_NONE },
	{ "relay.queueBytes", CONFIG_GROUP_NONE },
	{ "relay.resumeSeconds", CONFIG_GROUP_NONE },
	{ "serveClient", CONFIG_GROUP_NONE },
	{ "stateFile", CONFIG_GROUP_NONE },
	{ "user", CONFIG_GROUP_NONE },
	{ "workers", CONFIG_GROUP_NONE },
	{ "www", CONFIG_GROUP_NONE },
};

int
config_group_of(const char *path)
{
	for (size_t i = 0; i < sizeof groups / sizeof groups[0]; i++)
		if (strcmp(groups[i].path, path) == 0) return (int)groups[i].group;
	return -1;
}

static bool
is_same_setting(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

/* Numbers, names and plain strings by what came of them; what a function read by its text. */
static bool
is_same_value(const struct config_parts *a, const struct config_parts *b, size_t row)
{
	const struct config_option *o = &config__main_table.rows[row];
	const char *x = (const char *)a + o->offset, *y = (const char *)b + o->offset;

	switch (o->type) {
	case CONFIG_TYPE_SECTION: return true;
	case CONFIG_TYPE_UINT:
	case CONFIG_TYPE_ENUM: return memcmp(x, y, sizeof(unsigned)) == 0;
	case CONFIG_TYPE_UINT64: return memcmp(x, y, sizeof(uint64_t)) == 0;
	case CONFIG_TYPE_SIZE: return memcmp(x, y, sizeof(size_t)) == 0;
	case CONFIG_TYPE_BOOL: return *(const bool *)x == *(const bool *)y;
	case CONFIG_TYPE_STRING:
		return is_same_setting(*(const char *const *)(const void *)x, *(const char *const *)(const void *)y);
	case CONFIG_TYPE_CUSTOM: return is_same_setting(a->said[row], b->said[row]);
	}
	return false;
}

static bool
have_same_hub(const struct config_parts *a, const struct config_parts *b)
{
	return a->relay.host && b->relay.host ? strcmp(a->relay.text, b->relay.text) == 0
					      : a->relay.host == b->relay.host;
}

/* Whether the servers are at the same places, and heard in the same way. */
static bool
are_same_places(const struct config_parts *a, const struct config_parts *b)
{
	if (a->config.n_redis != b->config.n_redis || !have_same_hub(a, b)) return false;
	for (size_t i = 0; i < a->config.n_redis; i++)
		if (!redis_url_is_same_place(&a->redis[i], &b->redis[i]) || a->replicates[i] != b->replicates[i])
			return false;
	return true;
}

/* By what came of them: passwords and certificates stand in files of their own, whose names are the same. */
static bool
are_same_servers(const struct config_parts *a, const struct config_parts *b)
{
	bool same = are_same_places(a, b);

	for (size_t i = 0; same && i < a->config.n_redis; i++)
		same = redis_url_has_same_secrets(&a->redis[i], &b->redis[i]);
	return same;
}

size_t
config_changes(const struct config *before, const struct config *now, struct config_change *out)
{
	const struct config_parts *a = config__parts_of(before), *b = config__parts_of(now);
	size_t n = 0;

	CHECK(config__main_table.n <= CONFIG_MAX_CHANGES);
	for (size_t i = 0; i < config__main_table.n; i++) {
		const struct config_option *o = &config__main_table.rows[i];
		bool servers = strcmp(o->path, "redis") == 0;

		if (o->alias || (servers ? are_same_servers(a, b) : is_same_value(a, b, i))) continue;
		out[n++] = (struct config_change){ o->path, (enum config_group)config_group_of(o->path) };
	}
	return n;
}

void
config_keep(struct config *now, const struct config *first)
{
	struct config_parts *p = config__parts_of(now);
	const struct config_parts *f = config__parts_of(first);

	now->workers = first->workers;
	now->feed_apart = first->feed_apart;
	p->server.count = first->workers;
	p->server.max_sessions = config__sessions_each(now);
	p->server.path = f->server.path;
	p->server.node = f->server.node;
	p->peers = f->peers;
	p->server.no_trailing_slash = f->server.no_trailing_slash;
	p->server.max_payload = f->server.max_payload;
	p->server.binary_form = f->server.binary_form;
	p->server.open_with_messages = f->server.open_with_messages;
	p->server.cookie_always = f->server.cookie_always;
	p->server.ws_deflate = f->server.ws_deflate;
	p->server.http_deflate = f->server.http_deflate;
}

/* Namespaces */

/* What stands in the file for the namespaces; for cJSON_Delete(). NULL when out of memory. */
static cJSON *
namespaces_said(const struct config *c)
{
	for (size_t i = 0; i < config__main_table.n; i++)
		if (strcmp(config__main_table.rows[i].path, "namespaces") == 0)
			return cJSON_Parse(config__parts_of(c)->said[i]);
	return NULL;
}

static bool
is_same_json(const cJSON *a, const cJSON *b)
{
	return a && b ? cJSON_Compare(a, b, true) : a == b;
}

/* Whether each namespace of one has the presence that it has in the other. */
static bool
has_same_presence(const cJSON *one, const cJSON *other)
{
	static const char *const keys[] = { "presence", "count" };

	for (const cJSON *n = one->child; n; n = n->next) {
		const cJSON *same = cJSON_GetObjectItemCaseSensitive(other, n->string);

		for (size_t k = 0; k < sizeof keys / sizeof keys[0]; k++)
			if (!is_same_json(cJSON_GetObjectItemCaseSensitive(n, keys[k]),
				    cJSON_GetObjectItemCaseSensitive(same, keys[k])))
				return false;
	}
	return true;
}

static bool
is_presence_same(const struct config *first, const struct config *now)
{
	cJSON *a = namespaces_said(first), *b = namespaces_said(now);
	bool same = a && b && has_same_presence(a, b) && has_same_presence(b, a);

	cJSON_Delete(a);
	cJSON_Delete(b);
	return same;
}

/* A namespace that was not there recovers nobody. */
static bool
is_recovery_same(const struct namespace_specs *first, const struct namespace_specs *now)
{
	for (size_t i = 0; i < now->n; i++) {
		const struct namespace_spec *before = namespace_specs_find(first, eio_cstr(now->v[i].name));

		if (now->v[i].recovers != (before && before->recovers)) return false;
	}
	return true;
}

/* Its namespace is one of them. */
static bool
is_ui_same(const struct config *first, const struct config *now)
{
	return first->has_ui == now->has_ui && (!first->has_ui || strcmp(first->ui.nsp, now->ui.nsp) == 0);
}

const char *
config_namespaces_stay(const struct config *first, const struct config *now)
{
	const struct config_parts *f = config__parts_of(first), *p = config__parts_of(now);

	if (first->hooks || now->hooks) return "the application is asked in some";
	if (!is_presence_same(first, now)) return "presence or count is another";
	if (!is_ui_same(first, now)) return "the Admin UI is another";
	if (!is_recovery_same(f->namespaces, p->namespaces)) return "connectionStateRecovery is another";
	if (config__targets_sockets(p) && !config__targets_sockets(f))
		return "single sockets are reached, which nothing did before";
	return NULL;
}

const char *
config_admin_stays(const struct config *first, const struct config *now)
{
	return !first->admin == !now->admin ? NULL
					    : "there was one at the start, and is none any more, or the other way";
}

const char *
config_ui_stays(const struct config *first, const struct config *now)
{
	return first->has_ui == now->has_ui ? NULL
					    : "it was served at the start, and is not any more, or the other way";
}

/* Redis */

/* Both would be heard for a moment, and each message come twice. */
static bool
change_places(const struct config *first, const struct config *now)
{
	for (size_t i = 0; i < now->n_redis; i++) {
		if (redis_url_is_same_place(config_redis(now, i), config_redis(first, i))) continue;
		for (size_t k = 0; k < first->n_redis; k++)
			if (k != i && config__redis_is_same_server(config_redis(now, i), config_redis(first, k)))
				return true;
	}
	return false;
}

/* Why servers cannot be added behind those that there are, or the last ones go. */
static const char *
number_stays(const struct config *first, const struct config *now, const struct feed_specs *feeds)
{
	const struct config_parts *f = config__parts_of(first), *p = config__parts_of(now);
	size_t n = first->n_redis < now->n_redis ? first->n_redis : now->n_redis;

	if (!n) return "there was none, or there is none any more";
	for (size_t i = 0; i < n; i++)
		if (!redis_url_is_same_place(&f->redis[i], &p->redis[i]) || f->replicates[i] != p->replicates[i])
			return "there are more or less servers, and those that stay are not the first ones as they were";
	for (size_t i = 0; i < now->n_redis; i++)
		if (p->redis[i].is_cluster) return "one of them is a Redis Cluster";
	if (f->recovery.elsewhere) return "clients are recovered across siocasts, which have to have the same servers";
	for (size_t i = 0; i < feeds->n; i++)
		if (feeds->v[i].n_primes)
			return "there are more or less servers, of all of which something retained is read";
	return NULL;
}

const char *
config_redis_stays(const struct config *first, const struct config *now, const struct feed_specs *feeds)
{
	const struct config_parts *f = config__parts_of(first), *p = config__parts_of(now);

	if (!have_same_hub(f, p)) return "the hub is another, or there was or is none";
	if (first->n_redis != now->n_redis) return number_stays(first, now, feeds);
	for (size_t i = 0; i < first->n_redis; i++)
		if (f->replicates[i] != p->replicates[i]) return "the source of one is another";
	if (are_same_places(f, p)) return NULL;
	for (size_t i = 0; i < first->n_redis; i++)
		if (f->redis[i].is_cluster || p->redis[i].is_cluster) return "one of them is a Redis Cluster";
	if (feed_specs_have_shards(feeds)) return "feeds have shard channels there";
	if (change_places(first, now)) return "a server is to be where another one of them was";
	return NULL;
}

void
config_swap_redis(const struct config *first, size_t i, struct redis_url *url)
{
	struct config_parts *p = config__parts_of(first);
	const struct redis_url before = p->redis[i];

	p->redis[i] = *url;
	*url = before;
}

int
config_add_redis(const struct config *first, const struct config *now)
{
	struct config_parts *p = config__parts_of(first);
	const struct config_parts *more = config__parts_of(now);
	size_t i = first->n_redis;

	CHECK(i < now->n_redis);
	p->redis[i] = (struct redis_url){ 0 };
	if (redis_url_copy(&more->redis[i], &p->redis[i]) < 0) return -1;
	p->replicates[i] = more->replicates[i];
	p->config.n_redis++;
	return 0;
}

void
config_drop_redis(const struct config *first)
{
	struct config_parts *p = config__parts_of(first);

	CHECK(p->config.n_redis > 1);
	redis_url_deinit(&p->redis[--p->config.n_redis]);
}

struct redis_url *
config_secrets(const struct config *c)
{
	const struct config_parts *p = config__parts_of(c);
	struct redis_url *all = calloc(CONFIG_MAX_REDIS + 1, sizeof *all);
	size_t n = 0;

	while (all && n < c->n_redis && redis_url_copy(&p->redis[n], &all[n]) == 0) n++;
	if (!all || n == c->n_redis) return all;
	config_secrets_free(all);
	return NULL;
}

void
config_secrets_free(struct redis_url *all)
{
	for (size_t i = 0; all && all[i].name; i++) redis_url_deinit(&all[i]);
	free(all);
}

bool
config_secrets_change(const struct config *first, const struct redis_url *all)
{
	const struct config_parts *p = config__parts_of(first);

	for (size_t i = 0; i < first->n_redis && all[i].name; i++)
		if (redis_url_is_same_place(&p->redis[i], &all[i]) &&
			!redis_url_has_same_secrets(&p->redis[i], &all[i]))
			return true;
	return false;
}

void
config_swap_secrets(const struct config *first, struct redis_url *all)
{
	struct config_parts *p = config__parts_of(first);

	for (size_t i = 0; i < first->n_redis && all[i].name; i++)
		if (redis_url_is_same_place(&p->redis[i], &all[i])) redis_url_swap_secrets(&p->redis[i], &all[i]);
}

/* Feeds */

const char *
config_feeds_stay(const struct config *first, const struct config *now)
{
	const struct config_parts *f = config__parts_of(first), *p = config__parts_of(now);

	if (f->recovery.elsewhere) return "clients are recovered across siocasts, which have to have the same feeds";
	if (f->relay.host) return "this is an edge, which has those of its hub";
	if (config__targets_sockets(p) && !config__targets_sockets(f))
		return "single sockets are reached, which nothing did before";
	return NULL;
}

/* SPDX-License-Identifier: MIT */
/* From the configuration to the options of the folders that it knows. */
#include "src/config/parts.h"

#include "sio/client.h"
#include "src/config/targets.h"

#include <string.h>

void
config_fill_server(const struct config *c, struct eio_server_options *out)
{
	const struct config_parts *p = config__parts_of(c);
	unsigned index = out->index;

	*out = p->server;
	out->max_unsent = p->client_limits.queue_bytes;
	out->max_replies = p->client_limits.reply_bytes;
	out->index = index;
	out->count_traffic = c->access_log != NULL;
}

void
config_fill_clients(const struct config *c, struct clients_options *out)
{
	const struct config_parts *p = config__parts_of(c);

	out->limits = p->client_limits;
	out->connect_timeout_ms = p->connect_timeout_ms;
	out->max_attachment_bytes = p->server.max_payload * SIO_MAX_ATTACHMENTS;
	out->compresses = p->server.ws_deflate.on || p->server.http_deflate.on;
	out->namespaces = p->namespaces;
	out->survive = c->state_file != NULL;
	out->elsewhere = p->recovery.elsewhere ? &p->recovery : NULL;
	out->access_log = c->access_log != NULL;
	out->forwarding = p->forwarding;
	out->own_rooms = config__targets_sockets(p);
}

struct eio_networks
config_proxies(const struct config *c)
{
	return config__parts_of(c)->forwarding.trusted;
}

void
config_fill_feed(const struct config *c, struct feed_options *out)
{
	const struct config_parts *p = config__parts_of(c);

	out->specs = p->feeds;
	out->redis = p->redis;
	out->n_redis = c->n_redis;
	out->max_redis = CONFIG_MAX_REDIS;
	out->replicates = p->replicates;
	out->message_bytes = p->message_bytes;
	out->publish_queue_bytes = p->publish_queue_bytes;
	out->recovery = p->recovery;
	out->workers = c->workers;
	out->hub = p->relay.edges;
	out->edge = p->relay.host != NULL;
	/* A worker that runs the feed is never behind it. */
	out->worker_queue_bytes = c->feed_apart ? p->worker_queue_bytes : SIZE_MAX;
	/* So an ack, or the answer to a ping, has its place beside it and a quarter that was there before. */
	out->snapshot_bytes = p->client_limits.reply_bytes / 2;
}

struct feed_specs *
config_feeds(const struct config *c)
{
	return config__parts_of(c)->feeds;
}

const struct peers_spec *
config_peers(const struct config *c)
{
	return &config__parts_of(c)->peers;
}

bool
config_fill_peers(const struct config *c, struct peers_options *out)
{
	enum { SPARE_MS = 5000, SPARE_BYTES = 16 << 20 };
	const struct config_parts *p = config__parts_of(c);

	out->spec = &p->peers;
	out->own = p->server.node;
	/* A poll is held until the ping at the latest, and then the client may be late. */
	out->answer_ms = p->server.ping_interval + p->server.ping_timeout + SPARE_MS;
	/* A full queue and one message more, escaped for JSONP. */
	out->max_answer = 2 * (p->client_limits.queue_bytes + p->message_bytes) + SPARE_BYTES;
	out->max_unread = p->client_limits.queue_bytes;
	out->idle_s = c->limits.keep_alive_seconds;
	return p->peers.n > 0;
}

bool
config_fill_hub(const struct config *c, struct relay_hub_options *out)
{
	const struct config_parts *p = config__parts_of(c);

	out->spec = &p->relay;
	out->feeds = p->relay.host ? NULL : p->feeds;
	out->taker = c->workers;
	out->message_bytes = p->message_bytes;
	return p->relay.edges;
}

bool
config_fill_edge(const struct config *c, struct relay_edge_options *out)
{
	enum { SPARE_BYTES = 16 << 20 };
	const struct config_parts *p = config__parts_of(c);

	out->spec = &p->relay;
	/* A message may be in a string, and others beside it. */
	out->frame_bytes = 2 * p->message_bytes + SPARE_BYTES;
	out->publish_queue_bytes = p->publish_queue_bytes;
	return p->relay.host != NULL;
}

const struct redis_url *
config_redis(const struct config *c, size_t i)
{
	return &config__parts_of(c)->redis[i];
}

const struct redis_url *
config_publish_to(const struct config *c)
{
	const struct config_parts *p = config__parts_of(c);

	return c->n_redis ? &p->redis[0] : &p->intake_url;
}

const struct redis_url *
config_intake_url(const struct config *c)
{
	return &config__parts_of(c)->intake_url;
}

bool
config_listens_here_only(const struct config_listen *l)
{
	return l->path || !l->host || strncmp(l->host, "127.", 4) == 0 || strcmp(l->host, "::1") == 0;
}

const struct resp_spec *
config_intake(const struct config *c)
{
	return &config__parts_of(c)->intake;
}

bool
config_fill_presence(const struct config *c, struct presence_options *out)
{
	const struct config_parts *p = config__parts_of(c);

	out->specs = p->presence;
	out->redis = c->n_redis ? p->redis : NULL;
	out->prefix = p->presence_prefix;
	out->expiry_ms = p->presence_expiry_ms;
	out->workers = c->workers;
	out->worker_queue_bytes = c->feed_apart ? p->worker_queue_bytes : SIZE_MAX;
	return p->presence->n || p->presence->n_counts;
}

bool
config_fill_login(const struct config *c, struct auth_login_spec *out)
{
	const struct config_parts *p = config__parts_of(c);

	*out = (struct auth_login_spec){ .username = c->ui.username, .hash = p->ui_hash, .secret = p->peers.secret };
	return c->has_ui;
}

const char *
config_node(const struct config *c)
{
	return config__parts_of(c)->server.node;
}

bool
config_fill_adapter(const struct config *c, struct adapter_options *out)
{
	const struct config_parts *p = config__parts_of(c);

	out->spec = &p->adapter;
	out->redis = c->n_redis ? p->redis : NULL;
	out->message_bytes = p->message_bytes;
	out->publish_queue_bytes = p->publish_queue_bytes;
	return p->adapter.mode != ADAPTER_OFF;
}

const char *
config_next_namespace(const struct config *c, size_t *i)
{
	const struct namespace_specs *all = config__parts_of(c)->namespaces;

	while (*i < all->n) {
		const struct namespace_spec *n = &all->v[(*i)++];

		if (!n->is_pattern) return n->name;
	}
	return NULL;
}

/* Number i of the files that listeners need, of which there are *n. */
static const char *
tls_file(const struct config *c, size_t i, size_t *n)
{
	const char *found = NULL;

	*n = 0;
	for (size_t k = 0; k < c->n_listen; k++) {
		const struct eio_tls_spec *tls = c->listen[k].tls;
		size_t all = tls ? 2 * tls->n + (tls->client_ca != NULL) : 0, at = i - *n;

		if (i >= *n && at < 2 * (tls ? tls->n : 0))
			found = at % 2 ? tls->certificates[at / 2].key : tls->certificates[at / 2].cert;
		else if (i >= *n && at < all)
			found = tls->client_ca;
		*n += all;
	}
	return found;
}

const char *
config_next_key_file(const struct config *c, size_t *i)
{
	const struct namespace_specs *all = config__parts_of(c)->namespaces;
	size_t before;
	const char *file = tls_file(c, *i, &before);

	if (file) {
		++*i;
		return file;
	}

	for (size_t k = 0; k < all->n; k++) {
		const struct auth_spec *auth = all->v[k].auth;
		size_t n = auth ? auth->jwt.n_files : 0;

		if (*i < before + n) return auth->jwt.files[(*i)++ - before].path;
		before += n;
	}
	return NULL;
}

/* SPDX-License-Identifier: MIT */
/*
 * All that is read, and what the tables of options are about: the configuration that
 * everybody sees, and what leaves this folder only as options of others.
 */
#ifndef SRC_CONFIG_PARTS_H
#define SRC_CONFIG_PARTS_H

#include "eio/net/forwarded.h"
#include "src/config/config.h"
#include "src/config/secret.h"
#include "src/redis/url.h"
#include "src/resp/spec.h"

struct config_memory;

struct config_parts {
	unsigned magic;
	struct config config;
	bool add_trailing_slash;
	bool jsonp; /* when it is given */
	/* But its index; no_trailing_slash, path, count, max_sessions, no_jsonp and cookie_always at the end;
	 * max_unsent is filled in. */
	struct eio_server_options server;
	struct eio_forwarding forwarding;
	unsigned connect_timeout_ms;
	struct clients_limits client_limits;
	size_t worker_queue_bytes; /* broadcasts a worker has not taken yet; beyond it they are dropped */
	size_t message_bytes; /* the longest message that is taken from Redis */
	size_t publish_queue_bytes; /* uplink waiting while Redis is away; beyond it dropped */
	struct redis_url *redis; /* n_redis, with room for CONFIG_MAX_REDIS; owned */
	bool replicates[CONFIG_MAX_REDIS]; /* for each: its messages come as to a replica */
	struct resp_spec intake; /* where there is one */
	char intake_password[CONFIG_SECRET_BYTES]; /* what that borrows */
	struct redis_url intake_url; /* how it is reached; owned */
	struct feed_specs *feeds; /* a reference */
	struct namespace_specs *namespaces; /* a reference */
	struct presence_specs *presence; /* a reference */
	struct peers_spec peers;
	struct relay_spec relay; /* its secret and node are set at the end */
	char peer_key[CONFIG_SECRET_BYTES]; /* what that borrows; empty: there is none */
	char ui_hash[CONFIG_SECRET_BYTES]; /* of the Admin UI's password; empty: there is none */
	const char *presence_prefix;
	unsigned presence_expiry_ms;
	struct adapter_spec adapter;
	struct feed_recovery recovery;
	bool recovers; /* what namespaces say that do not say it themselves */
	struct auth_spec *auth; /* the same: of the server, or NULL */
	/* For each row of the main table that a function reads: what it read last, as JSON; NULL: nothing. */
	const char **said;
	struct config_memory *memory; /* the strings, and the lists of addresses */
};

/* Empty parts, to be freed by config_free(&p->config). NULL when out of memory. */
struct config_parts *config__parts_new(void);

/* Those that a configuration is one of. */
struct config_parts *config__parts_of(const struct config *c);

/* How many sessions one worker may have. */
static inline size_t
config__sessions_each(const struct config *c)
{
	return (c->limits.max_sessions + c->workers - 1) / c->workers;
}

#endif

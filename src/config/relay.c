/* SPDX-License-Identifier: MIT */
/* What must be right about hubs and edges. */
#include "src/config/relay.h"

#include "src/config/intake.h"
#include "src/config/parts.h"
#include "src/config/values.h"

#include <string.h>

static const cJSON *
relay_item(const struct config_loader *l, const char *key)
{
	return cJSON_GetObjectItemCaseSensitive(l->root, key);
}

/* Complains of a key of an object of the root; below: its key, or NULL. */
static void
complain_of_relay(struct config_loader *l, const char *key, const char *below, const char *why)
{
	const cJSON *item = relay_item(l, key);
	size_t mark = config__push(l, key);

	if (below) config__push(l, below);
	if (below && cJSON_GetObjectItemCaseSensitive(item, below))
		item = cJSON_GetObjectItemCaseSensitive(item, below);
	config__error(l, item, "%s", why);
	config__pop(l, mark);
}

static void
check_relay_key(struct config_loader *l, const char *key, const char *below)
{
	if (*l->parts->peer_key || config__is_wrong(l, relay_item(l, "peerKeyFile"))) return;
	complain_of_relay(l, key, below, "\"peerKeyFile\" is missing: by which hub and edge know each other");
}

static void
check_hub(struct config_loader *l)
{
	check_relay_key(l, "relay", "edges");
	/* Each of them is a bit in who listens to a room, and the edges are one more. */
	if (l->parts->config.workers >= CONFIG_MAX_WORKERS)
		complain_of_relay(l, "workers", NULL, "a hub has at most 63 workers");
}

static void
check_edge(struct config_loader *l)
{
	const struct config_parts *p = l->parts;

	check_relay_key(l, "redis", "source");
	if (p->feeds->n) complain_of_relay(l, "feeds", NULL, "an edge has those of its hub, and none of its own");
	if (p->config.intake)
		complain_of_relay(l, "intake", NULL, "an edge has no feeds that could take it; its hub may have one");
	if (p->adapter.mode != ADAPTER_OFF)
		complain_of_relay(
			l, "adapter", "mode", "that is in Redis, which an edge does not know; its hub may have one");
	if (p->recovery.elsewhere)
		complain_of_relay(l, "connectionStateRecovery", "elsewhere",
			"that is in Redis, which an edge does not know; without it clients are recovered where they were");
	config__warn_of_presence(l);
}

void
config__relay_finish(struct config_loader *l)
{
	struct config_parts *p = l->parts;

	p->relay.secret = eio_bytes(p->peer_key, strlen(p->peer_key));
	p->relay.node = p->server.node;
	p->config.hub = p->relay.host ? p->relay.text : NULL;
	if (p->relay.edges) check_hub(l);
	if (p->relay.host) check_edge(l);
}

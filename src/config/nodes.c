/* SPDX-License-Identifier: MIT */
/* Several siocasts as one. */
#include "src/config/nodes.h"

#include "src/config/parts.h"
#include "src/config/values.h"
#include "src/peers/pass.h"

#include <stdlib.h>
#include <string.h>

void
config__node(struct config_loader *l, const cJSON *item, void *target)
{
	const char **out = target;

	*out = NULL;
	if (cJSON_IsNull(item)) return;
	if (!cJSON_IsString(item))
		config__error(l, item, "expected a name or null, not %s%s", config__type_name(item),
			cJSON_IsNumber(item) ? "; write it in quotes" : "");
	else if (!eio_node_valid(eio_cstr(item->valuestring)))
		config__error(l, item, "\"%s\": a node's name has 1 to %d of the characters A-Z a-z 0-9 - _",
			item->valuestring, EIO_NODE_MAX);
	else
		*out = config__strdup(l, item->valuestring);
}

/* Addresses */

static bool
read_peer_port(const char *text, unsigned *out)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	*out = (unsigned)n;
	return *text >= '0' && *text <= '9' && !*end && n > 0 && n <= 65535;
}

/* "10.0.0.1:3000", "[2001:db8::1]:3000", "name:3000" */
static bool
read_peer_address(struct config_loader *l, const char *text, struct peers_spec_node *out)
{
	static const char usable[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-_:%";
	const char *colon = strrchr(text, ':');
	bool brackets = *text == '[';
	size_t n = colon ? (size_t)(colon - text) : 0;
	char *host;

	if (!colon || !read_peer_port(colon + 1, &out->port) || n == 0) return false;
	if (brackets && (n < 3 || colon[-1] != ']')) return false;
	if (brackets) {
		text++;
		n -= 2;
	}
	if (strspn(text, usable) < n || (!brackets && memchr(text, ':', n))) return false;
	host = config__alloc(l, n + 1);
	if (!host) return true; /* which was told */
	memcpy(host, text, n);
	out->host = host;
	return true;
}

static void
read_peer(struct config_loader *l, const cJSON *item, struct peers_spec_node *out)
{
	bool named = strcmp(item->string, "dns") != 0;

	if (!eio_node_valid(eio_cstr(item->string))) {
		config__error_key(l, item, "a node's name has 1 to %d of the characters A-Z a-z 0-9 - _", EIO_NODE_MAX);
		return;
	}
	if (named) out->name = config__strdup(l, item->string);
	if (!cJSON_IsString(item) || !read_peer_address(l, item->valuestring, out))
		config__error(l, item, "expected an address such as \"10.0.0.2:3000\" or \"siocast-headless:3000\"");
	else
		out->text = config__strdup(l, item->valuestring);
}

void
config__peers(struct config_loader *l, const cJSON *item, void *target)
{
	struct peers_spec *out = target;
	struct peers_spec_node *v;
	size_t n = 0, mark;

	*out = (struct peers_spec){ .n = 0 };
	if (cJSON_IsNull(item)) return;
	if (!cJSON_IsObject(item) || !item->child || cJSON_GetArraySize(item) > PEERS_MAX) {
		config__error(
			l, item, "expected an object of 1 to %d nodes and their addresses, or with \"dns\"", PEERS_MAX);
		return;
	}
	v = config__alloc(l, (size_t)cJSON_GetArraySize(item) * sizeof *v);
	if (!v) return;
	for (const cJSON *m = item->child; m; m = m->next) {
		mark = config__push(l, m->string);
		for (const cJSON *before = item->child; before != m; before = before->next)
			if (strcmp(before->string, m->string) == 0) config__error_key(l, m, "the key stands twice");
		read_peer(l, m, &v[n++]);
		config__pop(l, mark);
	}
	*out = (struct peers_spec){ .v = v, .n = n };
}

/* A hub */

static const char hub_scheme[] = "siocast://";

bool
config__is_hub(const char *source)
{
	return strncmp(source, hub_scheme, sizeof hub_scheme - 1) == 0;
}

void
config__hub(struct config_loader *l, const cJSON *item)
{
	struct relay_spec *out = &l->parts->relay;
	struct peers_spec_node at = { .name = NULL };
	const char *address = item->valuestring + sizeof hub_scheme - 1;

	if (read_peer_address(l, address, &at)) {
		out->host = at.host;
		out->port = at.port;
		out->text = config__strdup(l, address);
		return;
	}
	config__error(l, item, "\"%s\": expected the address of a hub, such as \"siocast://10.0.0.1:3000\"",
		item->valuestring);
}

/* The whole */

/* Nobody has to know the name of a node that says it itself. */
static const char *
any_name(struct config_loader *l)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	unsigned char bytes[EIO_NODE_MAX];
	char *name = config__alloc(l, EIO_NODE_MAX + 1);

	if (!name || uv_random(NULL, NULL, bytes, sizeof bytes, 0, NULL)) return NULL;
	for (size_t i = 0; i < sizeof bytes; i++) name[i] = alphabet[bytes[i] & 63];
	return name;
}

static bool
all_have_names(const struct peers_spec *peers)
{
	for (size_t i = 0; i < peers->n; i++)
		if (!peers->v[i].name) return false;
	return true;
}

/* Whether other nodes can connect to some address. */
static bool
has_plain_listener(const struct config *c)
{
	for (size_t i = 0; i < c->n_listen; i++) {
		const struct config_listen *listen = &c->listen[i];

		if (!listen->path && !listen->tls && !listen->redirect && !listen->proxied) return true;
	}
	return false;
}

/* Whose edges cannot come. */
static void
check_way_of_edges(struct config_loader *l)
{
	const struct config_parts *p = l->parts;
	size_t mark = config__push(l, "relay");

	if (p->relay.edges && !has_plain_listener(&p->config))
		config__warn(l, cJSON_GetObjectItemCaseSensitive(l->root, "relay"),
			"no address of \"listen\" is for edges: all have \"tls\", \"redirect\" or \"proxyProtocol\", or are Unix sockets");
	config__pop(l, mark);
}

static void
check_peer_key(struct config_loader *l)
{
	struct config_parts *p = l->parts;
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(l->root, "peerKeyFile");
	size_t n = strlen(p->peer_key), mark = config__push(l, "peerKeyFile");

	if (n && n < PEERS_SECRET_LEAST)
		config__error(l, item, "a key of fewer than %d characters could be guessed", PEERS_SECRET_LEAST);
	if (n && !p->peers.n && !p->relay.edges && !p->relay.host)
		config__warn(l, item, "it has no effect: there are no \"peers\", and no \"relay\"");
	config__pop(l, mark);
	p->peers.secret = eio_bytes(p->peer_key, n);
}

void
config__nodes_finish(struct config_loader *l)
{
	struct config_parts *p = l->parts;
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(l->root, "peers");
	size_t mark;

	check_peer_key(l);
	check_way_of_edges(l);
	if (!p->peers.n) return;
	mark = config__push(l, "peers");
	if (!*p->peer_key && !config__is_wrong(l, cJSON_GetObjectItemCaseSensitive(l->root, "peerKeyFile")))
		config__error(l, item, "\"peerKeyFile\" is missing: by which the nodes know each other");
	if (!p->server.node && all_have_names(&p->peers) &&
		!config__is_wrong(l, cJSON_GetObjectItemCaseSensitive(l->root, "node")))
		config__error(l, item, "\"node\" is missing: which of them this one is");
	if (!has_plain_listener(&p->config))
		config__warn(l, item,
			"no address of \"listen\" is for other nodes: all have \"tls\", \"redirect\" or \"proxyProtocol\", or are Unix sockets");
	config__pop(l, mark);
	if (!p->server.node) p->server.node = any_name(l);
	if (!p->server.node) config__error_memory(l);
}

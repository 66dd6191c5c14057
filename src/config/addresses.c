/* SPDX-License-Identifier: MIT */
/* Where siocast listens. */
#include "src/config/addresses.h"

#include "src/config/parts.h"
#include "src/config/rows.h"
#include "src/config/schema.h"
#include "src/config/tls.h"
#include "src/config/values.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

enum {
	MAX_LISTEN = 64,
	MAX_PROXIES = 256, /* each is compared with whoever connects */
};

static const char usage[] = "expected \"127.0.0.1:3000\", \"[::]:3000\" or \"unix:/path\"";

/* The first n bytes of text are "127.0.0.1", "[::]" or "localhost". Returns a sentence for what is wrong, or NULL. */
static const char *
parse_listen_host(struct config_loader *l, const char *text, size_t n, struct config_listen *out)
{
	bool v6 = *text == '[';
	unsigned char address[sizeof(struct in6_addr)];
	char *host;

	if (v6) {
		if (n < 2 || text[n - 1] != ']') return usage;
		text++;
		n -= 2;
	}
	host = config__alloc(l, n + 1 > sizeof "127.0.0.1" ? n + 1 : sizeof "127.0.0.1");
	if (!host) return "out of memory";
	memcpy(host, text, n);
	if (strcmp(host, "localhost") == 0) strcpy(host, "127.0.0.1");
	out->host = host;
	return inet_pton(v6 ? AF_INET6 : AF_INET, host, address) == 1 ? NULL : usage;
}

/* "unix:/path"; text is what follows the colon. Returns a sentence for what is wrong, or NULL. */
static const char *
parse_listen_path(struct config_loader *l, const cJSON *item, const char *text, struct config_listen *out)
{
	char *whole;
	size_t n;

	out->path = *text ? config__resolve(l, item, text) : "";
	if (!out->path) return "out of memory";
	n = strlen(out->path);
	if (!n || n >= sizeof(((struct sockaddr_un *)NULL)->sun_path))
		return "the path of a unix socket is empty or too long";
	out->text = whole = config__alloc(l, n + sizeof "unix:");
	if (whole) snprintf(whole, n + sizeof "unix:", "unix:%s", out->path);
	return whole ? NULL : "out of memory";
}

/* "unix:/path", "127.0.0.1:3000", "[::]:3000", "localhost:3000". Returns a sentence for what is wrong, or NULL. */
static const char *
parse_listen(struct config_loader *l, const cJSON *item, const char *text, struct config_listen *out)
{
	const char *colon = strrchr(text, ':');
	char *end;
	long port;

	*out = (struct config_listen){ .text = config__strdup(l, text) };
	if (strncmp(text, "unix:", 5) == 0) return parse_listen_path(l, item, text + 5, out);
	if (!colon || colon == text || colon[1] < '0' || colon[1] > '9') return usage;
	port = strtol(colon + 1, &end, 10);
	if (*end || port > 65535) return "the port is not a number from 0 to 65535";
	out->port = (unsigned)port;
	return parse_listen_host(l, text, (size_t)(colon - text), out);
}

void
config__address(struct config_loader *l, const cJSON *item, void *target)
{
	const char *text = cJSON_IsString(item) ? item->valuestring : "", *why;
	struct config_listen *out = target, read = { 0 };

	if (!*text) {
		config__error(l, item, "expected a string that is not empty");
		return;
	}
	why = parse_listen(l, item, text, &read);
	if (why) config__error(l, item, "\"%s\": %s", text, why);
	out->text = read.text;
	out->path = read.path;
	out->host = read.host;
	out->port = read.port;
}

#define ROWS_OF struct config_listen

static const struct config_option listen_rows[] = {
	STRUCT("address", config__address, SCHEMA_STRING),
	STRUCT("tls", config__tls, SCHEMA_REF("tlsOrNone")),
	STRUCT("redirect", config__redirect, SCHEMA_STRING_OR_FALSE),
	BOOL("proxyProtocol", proxied, "false"),
};

const struct config_table config__listen_table = TABLE_OF(listen_rows);

/* One of the list, which may have more to it than where it is. */
static void
read_listener(struct config_loader *l, const cJSON *item, struct config_listen *out)
{
	if (!cJSON_IsObject(item)) {
		config__address(l, item, out);
		return;
	}
	config__object(l, &config__listen_table, out, "", item);
	if (!out->text && !config__is_wrong(l, item)) config__error(l, item, "it needs an \"address\"");
	if (out->tls && out->redirect)
		config__error(l, item, "\"redirect\" is for addresses without \"tls\": it sends to those with it");
}

void
config__listen(struct config_loader *l, const cJSON *item, void *target)
{
	size_t n = cJSON_IsArray(item) ? (size_t)cJSON_GetArraySize(item) : 1, mark;
	struct config_listen *list;

	(void)target; /* it is the configuration's listen, but its length goes along */
	if (!cJSON_IsArray(item) && !cJSON_IsString(item) && !cJSON_IsObject(item)) {
		config__error(
			l, item, "expected a string, an object or a list of them, not %s", config__type_name(item));
		return;
	}
	if (n == 0 || n > MAX_LISTEN) {
		if (n)
			config__error(l, item, "more than %d addresses", MAX_LISTEN);
		else
			config__error(l, item, "an empty list");
		return;
	}
	list = config__alloc(l, n * sizeof *list);
	for (size_t i = 0; list && i < n; i++) {
		mark = config__push_element(l, item, i);
		read_listener(l, config__element(item, i), &list[i]);
		config__pop(l, mark);
	}
	if (!list) return;
	l->parts->config.listen = list;
	l->parts->config.n_listen = n;
}

/* Reads a network. The path stands at it. */
static void
read_network(struct config_loader *l, const cJSON *item, const char *text, struct eio_network *out)
{
	bool loose;
	const char *why = eio_network_parse(eio_cstr(text), out, &loose);

	if (why)
		config__error(l, item, "\"%s\": %s", text, why);
	else if (loose)
		config__warn(l, item, "\"%s\": only the first %u bits count", text, out->bits);
}

void
config__trusted_proxies(struct config_loader *l, const cJSON *item, void *target)
{
	struct eio_networks *out = target;
	struct config_strings texts = { 0 };
	struct eio_network *v;
	size_t mark;

	*out = (struct eio_networks){ 0 };
	if (cJSON_IsNull(item) || (cJSON_IsArray(item) && !item->child)) return;
	if (!config__strings(l, item, &texts)) return;
	if (texts.n > MAX_PROXIES) {
		config__error(l, item, "more than %d networks", MAX_PROXIES);
		return;
	}
	v = config__alloc(l, texts.n * sizeof *v);
	if (!v) return;
	for (size_t i = 0; i < texts.n; i++) {
		mark = config__push_element(l, item, i);
		read_network(l, config__element(item, i), texts.v[i], &v[i]);
		config__pop(l, mark);
	}
	*out = (struct eio_networks){ v, texts.n };
}

void
config__admin(struct config_loader *l, const cJSON *item, void *target)
{
	const struct config_listen **admin = target;
	struct config_listen *read;

	*admin = NULL;
	if (cJSON_IsNull(item) || cJSON_IsFalse(item)) return;
	if (!cJSON_IsString(item)) {
		config__error(l, item, "expected an address or false, not %s", config__type_name(item));
		return;
	}
	read = config__alloc(l, sizeof *read);
	if (read) config__address(l, item, read);
	*admin = read;
}

void
config__admin_hosts(struct config_loader *l, const cJSON *item, void *target)
{
	struct config *c = target;
	struct config_strings names = { 0 };
	size_t mark;

	c->admin_hosts = NULL;
	c->n_admin_hosts = 0;
	if (cJSON_IsArray(item) && !item->child) return;
	if (!config__strings(l, item, &names)) return;
	for (size_t i = 0; i < names.n; i++) {
		if (!strpbrk(names.v[i], ":/ ")) continue;
		mark = config__push_element(l, item, i);
		config__error(
			l, config__element(item, i), "\"%s\": expected a name without scheme and port", names.v[i]);
		config__pop(l, mark);
	}
	c->admin_hosts = names.v;
	c->n_admin_hosts = names.n;
}

/* Whether it is every address of the machine; for IPv6 that is IPv4, too. */
static bool
is_any(const struct eio_peer *p)
{
	static const unsigned char zero[sizeof p->bytes];

	return memcmp(p->bytes, zero, sizeof zero) == 0;
}

/* However they are written. */
static bool
is_same_host(const char *a, const char *b)
{
	struct eio_peer x, y;

	if (!eio_peer_parse(eio_cstr(a), &x) || !eio_peer_parse(eio_cstr(b), &y)) return false;
	return is_any(&x) || is_any(&y) || memcmp(&x, &y, sizeof x) == 0;
}

/* Takes the next name off the front of a path: without those that lead nowhere else, "." and empty ones. */
static struct eio_bytes
next_path_name(const char **path)
{
	struct eio_bytes name;

	do {
		*path += strspn(*path, "/");
		name = eio_bytes(*path, strcspn(*path, "/"));
		*path += name.n;
	} while (eio_bytes_eq(name, EIO_LIT(".")));
	return name;
}

static bool
is_same_path(const char *a, const char *b)
{
	struct eio_bytes x, y;

	do {
		x = next_path_name(&a);
		y = next_path_name(&b);
		if (!eio_bytes_eq(x, y)) return false;
	} while (x.n);
	return true;
}

/* Whether what connects to the one may come to the other. */
static bool
is_same_address(const struct config_listen *a, const struct config_listen *b)
{
	if (a->path || b->path) return a->path && b->path && is_same_path(a->path, b->path);
	return a->port && a->port == b->port && a->host && b->host && is_same_host(a->host, b->host);
}

/* Somebody has to be believed. */
static void
check_proxied(struct config_loader *l, const cJSON *item, size_t i)
{
	size_t mark;

	if (!l->parts->config.listen[i].proxied || l->parts->forwarding.trusted.n) return;
	mark = config__push(l, "listen");
	config__push_index(l, i);
	config__push(l, "proxyProtocol");
	config__error(l, cJSON_GetObjectItemCaseSensitive(item, "proxyProtocol"),
		"\"trustedProxies\" names nobody, so nobody could connect");
	config__pop(l, mark);
}

/* Whether another port is none of clients'. */
static void
check_apart(struct config_loader *l, const char *key, const struct config_listen *port, size_t i)
{
	size_t mark;

	if (!port || !is_same_address(&l->parts->config.listen[i], port)) return;
	mark = config__push(l, key);
	config__error(l, cJSON_GetObjectItemCaseSensitive(l->root, key),
		"\"%s\": clients connect there, by listen[%zu]", port->text, i);
	config__pop(l, mark);
}

void
config__addresses_check(struct config_loader *l)
{
	const struct config *c = &l->parts->config;
	const cJSON *listen = cJSON_GetObjectItemCaseSensitive(l->root, "listen");
	size_t mark;

	for (size_t i = 0; i < c->n_listen; i++) {
		check_proxied(l, config__element(listen, i), i);
		for (size_t k = 0; k < i; k++) {
			if (!is_same_address(&c->listen[i], &c->listen[k])) continue;
			mark = config__push(l, "listen");
			config__push_index(l, i);
			config__error(l, config__element(listen, i), "\"%s\": the same address as listen[%zu]",
				c->listen[i].text, k);
			config__pop(l, mark);
			break;
		}
		check_apart(l, "admin", c->admin, i);
		check_apart(l, "intake", c->intake, i);
	}
	if (!c->admin || !c->intake || !is_same_address(c->admin, c->intake)) return;
	mark = config__push(l, "intake");
	config__error(l, cJSON_GetObjectItemCaseSensitive(l->root, "intake"), "\"%s\": that is the admin port",
		c->intake->text);
	config__pop(l, mark);
}

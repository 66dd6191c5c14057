/* SPDX-License-Identifier: MIT */
/* Where siocast listens, and where Redis is. */
#include "src/config/addresses.h"

#include "src/config/parts.h"
#include "src/config/table.h"
#include "src/config/values.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

enum { MAX_LISTEN = 64, MAX_REDIS = 16 };

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

/* "unix:/path", "127.0.0.1:3000", "[::]:3000", "localhost:3000". Returns a sentence for what is wrong, or NULL. */
static const char *
parse_listen(struct config_loader *l, const char *text, struct config_listen *out)
{
	const char *colon = strrchr(text, ':');
	char *end;
	long port;

	*out = (struct config_listen){ .text = config__strdup(l, text) };
	if (strncmp(text, "unix:", 5) == 0) {
		if (!text[5] || strlen(text + 5) >= sizeof(((struct sockaddr_un *)NULL)->sun_path))
			return "the path of a unix socket is empty or too long";
		out->path = config__strdup(l, text + 5);
		return NULL;
	}
	if (!colon || colon == text || colon[1] < '0' || colon[1] > '9') return usage;
	port = strtol(colon + 1, &end, 10);
	if (*end || port > 65535) return "the port is not a number from 0 to 65535";
	out->port = (unsigned)port;
	return parse_listen_host(l, text, (size_t)(colon - text), out);
}

static struct config_listen *
read_listen(struct config_loader *l, const cJSON *item, size_t *n)
{
	struct config_strings texts = { 0 };
	struct config_listen *list;
	const char *why;
	size_t mark;

	if (!config__strings(l, item, &texts)) return NULL;
	if (texts.n > MAX_LISTEN) {
		config__error(l, item, "more than %d addresses", MAX_LISTEN);
		return NULL;
	}
	list = config__alloc(l, texts.n * sizeof *list);
	for (size_t i = 0; list && i < texts.n; i++) {
		why = parse_listen(l, texts.v[i], &list[i]);
		if (!why) continue;
		mark = config__push_element(l, item, i);
		config__error(l, config__element(item, i), "\"%s\": %s", texts.v[i], why);
		config__pop(l, mark);
	}
	*n = texts.n;
	return list;
}

void
config__listen(struct config_loader *l, const cJSON *item, void *target)
{
	size_t n = 0;
	struct config_listen *list = read_listen(l, item, &n);

	(void)target; /* it is the configuration's listen, but its length goes along */
	if (!list) return;
	l->parts->config.listen = list;
	l->parts->config.n_listen = n;
}

void
config__admin(struct config_loader *l, const cJSON *item, void *target)
{
	const struct config_listen **admin = target;
	size_t n;

	*admin = NULL;
	if (cJSON_IsNull(item) || cJSON_IsFalse(item)) return;
	if (!cJSON_IsString(item))
		config__error(l, item, "expected an address or false, not %s", config__type_name(item));
	else
		*admin = read_listen(l, item, &n);
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
config__redis(struct config_loader *l, const cJSON *item, void *target)
{
	struct config_strings texts = { 0 };
	struct redis_url *list;
	char why[160];
	size_t mark;

	(void)target; /* it is the parts' redis, but its length goes along */
	if (!config__strings(l, item, &texts)) return;
	if (texts.n > MAX_REDIS) {
		config__error(l, item, "more than %d servers", MAX_REDIS);
		return;
	}
	list = calloc(texts.n, sizeof *list);
	if (!list) {
		config__error_memory(l);
		return;
	}
	for (size_t i = 0; i < texts.n; i++) {
		if (redis_url_parse(&list[i], texts.v[i], why, sizeof why) == 0) continue;
		mark = config__push_element(l, item, i);
		config__error(l, config__element(item, i), "%s", why);
		config__pop(l, mark);
	}
	set_redis(l->parts, list, texts.n);
}

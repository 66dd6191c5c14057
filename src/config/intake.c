/* SPDX-License-Identifier: MIT */
/* The intake, and what there is without Redis. */
#include "src/config/intake.h"

#include "src/config/addresses.h"
#include "src/config/parts.h"
#include "src/config/redis.h"
#include "src/config/rows.h"
#include "src/config/values.h"

#include <stdio.h>
#include <string.h>

#define DAY_S 86400.0

/* What is read of an object. */
struct intake_draft {
	struct config_listen listen;
	const char *user;
	char *password; /* of CONFIG_SECRET_BYTES */
	unsigned max_clients, timeout_s, keep_alive_s;
	bool is_protected;
};

static void
read_intake_password(struct config_loader *l, const cJSON *item, void *target)
{
	struct intake_draft *d = target;

	config__secret(l, item, d->password);
}

static void
read_intake_address(struct config_loader *l, const cJSON *item, void *target)
{
	struct intake_draft *d = target;

	config__address(l, item, &d->listen);
}

#define ROWS_OF struct intake_draft

static const struct config_option intake_rows[] = {
	STRUCT("address", read_intake_address, SCHEMA_STRING),
	STRING("username", user, "\"default\""),
	STRUCT_DEFAULT("passwordFile", read_intake_password, "null", SCHEMA_STRING_OR_NULL),
	BOOL("protectedMode", is_protected, "true"),
	UINT("maxClients", max_clients, 1, 1000000, "1000"),
	UINT("timeout", timeout_s, 0, DAY_S, "0"),
	UINT("tcpKeepAlive", keep_alive_s, 0, DAY_S, "300"),
};

const struct config_table config__intake_table = TABLE_OF(intake_rows);

/* As Redis refuses strangers from elsewhere while nobody needs a password. */
static void
check_protection(struct config_loader *l, const cJSON *item, const struct intake_draft *d)
{
	if (!d->is_protected || *d->password || config_listens_here_only(&d->listen)) return;
	config__error(l, item,
		"\"%s\": whoever reaches that could publish; give a \"passwordFile\", listen on 127.0.0.1, or say "
		"\"protectedMode\": false",
		d->listen.text);
}

/* Takes over what was read, without mistakes. */
static void
set_intake(struct config_loader *l, const struct intake_draft *d)
{
	struct config_parts *p = l->parts;
	struct config_listen *listen = config__alloc(l, sizeof *listen);

	if (!listen) return;
	*listen = d->listen;
	p->config.intake = listen;
	p->intake = (struct resp_spec){
		.user = d->user ? d->user : "default",
		.password = *d->password ? d->password : NULL,
		.max_clients = d->max_clients,
		.timeout_s = d->timeout_s,
		.keep_alive_s = d->keep_alive_s,
	};
	p->config.intake_clients = d->max_clients;
}

void
config__intake(struct config_loader *l, const cJSON *item, void *target)
{
	struct intake_draft d = { .user = NULL };
	unsigned errors = l->notes.errors;

	(void)target; /* more than one thing comes of it */
	l->parts->config.intake = NULL;
	l->parts->config.intake_clients = 0;
	if (cJSON_IsNull(item) || cJSON_IsFalse(item)) return;
	d.password = l->parts->intake_password;
	*d.password = '\0';
	config__defaults(l, &config__intake_table, &d);
	if (cJSON_IsObject(item)) {
		config__object(l, &config__intake_table, &d, "", item);
		if (!d.listen.text && l->notes.errors == errors) config__error(l, item, "it needs an \"address\"");
	} else if (cJSON_IsString(item)) {
		config__address(l, item, &d.listen);
	} else {
		config__error(l, item, "expected an address, an object or false, not %s", config__type_name(item));
	}
	if (l->notes.errors == errors && !d.listen.path && !d.listen.port)
		config__error(l, item, "\"%s\": it needs a port that clients can know", d.listen.text);
	if (l->notes.errors == errors) check_protection(l, item, &d);
	if (l->notes.errors == errors) set_intake(l, &d);
}

/* Without Redis */

static const cJSON *
root_item(const struct config_loader *l, const char *key)
{
	return cJSON_GetObjectItemCaseSensitive(l->root, key);
}

static const char needs_redis[] = "that is in Redis, and \"redis\" is not given beside \"intake\"";

static void
check_feeds_without(struct config_loader *l)
{
	const struct feed_specs *feeds = l->parts->feeds;
	const cJSON *list = root_item(l, "feeds"), *item;
	size_t mark;

	for (size_t i = 0; i < feeds->n; i++) {
		const char *key = feeds->v[i].is_stream ? "stream" : feeds->v[i].n_primes ? "prime" : NULL;

		if (!key) continue;
		item = cJSON_GetArrayItem(list, (int)i);
		mark = config__push(l, "feeds");
		config__push_index(l, i);
		config__push(l, key);
		config__error(l, cJSON_GetObjectItemCaseSensitive(item, key), "%s", needs_redis);
		config__pop(l, mark);
	}
}

/* Whether somebody wrote that it is to be shared; it is by default. */
static bool
says_shared(const cJSON *item)
{
	if (cJSON_IsObject(item)) return cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(item, "shared"));
	for (const cJSON *e = cJSON_IsArray(item) ? item->child : NULL; e; e = e->next)
		if (cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(e, "shared"))) return true;
	return false;
}

void
config__warn_of_presence(struct config_loader *l)
{
	static const char *const keys[] = { "presence", "count" };
	const cJSON *all = root_item(l, "namespaces");

	for (const cJSON *n = cJSON_IsObject(all) ? all->child : NULL; n; n = n->next) {
		for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
			const cJSON *item = cJSON_GetObjectItemCaseSensitive(n, keys[i]);
			size_t mark;

			if (!says_shared(item)) continue;
			mark = config__push(l, "namespaces");
			config__push(l, n->string);
			config__push(l, keys[i]);
			config__warn(l, item, "without \"redis\" no other node learns of it, whatever \"shared\" says");
			config__pop(l, mark);
		}
	}
}

static void
check_without_redis(struct config_loader *l)
{
	size_t mark;

	check_feeds_without(l);
	config__warn_of_presence(l);
	if (l->parts->adapter.mode != ADAPTER_OFF) {
		mark = config__push(l, "adapter");
		config__push(l, "mode");
		config__error(l, cJSON_GetObjectItemCaseSensitive(root_item(l, "adapter"), "mode"), "%s", needs_redis);
		config__pop(l, mark);
	}
	if (!l->parts->recovery.elsewhere) return;
	mark = config__push(l, "connectionStateRecovery");
	config__push(l, "elsewhere");
	config__error(l, cJSON_GetObjectItemCaseSensitive(root_item(l, "connectionStateRecovery"), "elsewhere"), "%s",
		needs_redis);
	config__pop(l, mark);
}

/* Where whoever listens to every address is reached from here. */
static const char *
own_host(const char *host)
{
	if (host && strcmp(host, "0.0.0.0") == 0) return "127.0.0.1";
	return host && strcmp(host, "::") == 0 ? "::1" : host;
}

static char *
copy_or_null(struct config_loader *l, const char *s)
{
	return s ? config__copy(l, s) : NULL;
}

/* How tools reach it: as clients do. */
static void
make_intake_url(struct config_loader *l)
{
	struct config_parts *p = l->parts;
	const struct config_listen *at = p->config.intake;

	p->intake_url = (struct redis_url){
		.host = copy_or_null(l, own_host(at->host)),
		.path = copy_or_null(l, at->path),
		.user = copy_or_null(l, p->intake.password ? p->intake.user : NULL),
		.password = copy_or_null(l, p->intake.password),
		.port = at->port,
		.name = config__copy(l, at->text),
	};
}

void
config__intake_finish(struct config_loader *l)
{
	const struct config *c = &l->parts->config;

	if (!c->intake) return;
	l->parts->intake.message_bytes = l->parts->message_bytes;
	make_intake_url(l);
	if (root_item(l, "redis") || l->flags->redis.n) return;
	config__redis_none(l);
	check_without_redis(l);
}

/* SPDX-License-Identifier: MIT */
/* The values of the configuration that are more than a number or a word: addresses, cookie, CORS, namespaces. */
#include "src/config/config_int.h"

#include "src/handlers/handlers.h"
#include "src/web/files_versions.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/un.h>

enum { MAX_LISTEN = 64, MAX_REDIS = 16 };

/* A string counts as a list of one. Returns the first element and sets *n, or NULL after an error. */
static const cJSON *
as_list(struct config_loader *l, const cJSON *item, size_t *n)
{
	if (cJSON_IsString(item)) {
		*n = 1;
		return item;
	}
	if (!cJSON_IsArray(item)) {
		config__error(l, item, "expected a string or a list of strings, not %s", config__type_name(item));
		return NULL;
	}
	*n = (size_t)cJSON_GetArraySize(item);
	if (!*n) config__error(l, item, "an empty list");
	return item->child;
}

/* The i-th element of what as_list() takes, and its path. */
static const cJSON *
element(const cJSON *item, size_t i)
{
	return cJSON_IsArray(item) ? cJSON_GetArrayItem(item, (int)i) : item;
}

static size_t
push_element(struct config_loader *l, const cJSON *item, size_t i)
{
	return cJSON_IsArray(item) ? config__push_index(l, i) : config__push(l, "");
}

bool
config__strings(struct config_loader *l, const cJSON *item, struct config_strings *out)
{
	size_t n;
	const cJSON *first = as_list(l, item, &n), *s = first;
	bool good = true;

	if (!first) return false;
	out->v = config__alloc(l, n * sizeof *out->v);
	if (!out->v) return false;
	for (size_t i = 0; i < n; i++, s = s->next) {
		size_t mark = push_element(l, item, i);

		if (!cJSON_IsString(s) || !*s->valuestring) {
			config__error(l, s, "expected a string that is not empty");
			good = false;
		} else if (!(out->v[i] = config__strdup(l, s->valuestring))) {
			good = false;
		}
		config__pop(l, mark);
	}
	out->n = n;
	return good;
}

bool
config__header_safe(const char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s < 0x20 || *s == 0x7f) return false;
	return true;
}

/* "unix:/path", "127.0.0.1:3000", "[::]:3000", "localhost:3000". Returns a sentence for what is wrong, or NULL. */
static const char *
parse_listen(struct config_loader *l, const char *text, struct config_listen *out)
{
	static const char usage[] = "expected \"127.0.0.1:3000\", \"[::]:3000\" or \"unix:/path\"";
	const char *colon = strrchr(text, ':'), *host = text;
	unsigned char address[sizeof(struct in6_addr)];
	size_t host_n;
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
	host_n = (size_t)(colon - text);
	if (*text == '[') {
		if (host_n < 2 || text[host_n - 1] != ']') return usage;
		host++;
		host_n -= 2;
	}
	out->host = config__alloc(l, host_n + 1 > sizeof "127.0.0.1" ? host_n + 1 : sizeof "127.0.0.1");
	if (!out->host) return "out of memory";
	memcpy(out->host, host, host_n);
	if (strcmp(out->host, "localhost") == 0) strcpy(out->host, "127.0.0.1");
	if (inet_pton(*text == '[' ? AF_INET6 : AF_INET, out->host, address) != 1) return usage;
	return NULL;
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
		mark = push_element(l, item, i);
		config__error(l, element(item, i), "\"%s\": %s", texts.v[i], why);
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

	(void)target; /* it is c->listen, but its length goes along */
	if (!list) return;
	l->c->listen = list;
	l->c->n_listen = n;
}

void
config__admin(struct config_loader *l, const cJSON *item, void *target)
{
	struct config_listen **admin = target;
	size_t n;

	*admin = NULL;
	if (cJSON_IsNull(item) || cJSON_IsFalse(item)) return;
	if (!cJSON_IsString(item))
		config__error(l, item, "expected an address or false, not %s", config__type_name(item));
	else
		*admin = read_listen(l, item, &n);
}

void
config__redis(struct config_loader *l, const cJSON *item, void *target)
{
	struct config_strings texts = { 0 };
	struct redis_url *list;
	char why[160];
	size_t mark;

	(void)target; /* it is c->redis, but its length goes along */
	if (!config__strings(l, item, &texts)) return;
	if (texts.n > MAX_REDIS) {
		config__error(l, item, "more than %d servers", MAX_REDIS);
		return;
	}
	list = calloc(texts.n, sizeof *list);
	if (!list) {
		config__error(l, item, "out of memory");
		return;
	}
	for (size_t i = 0; i < texts.n; i++) {
		if (redis_url_parse(&list[i], texts.v[i], why, sizeof why) == 0) continue;
		mark = push_element(l, item, i);
		config__error(l, element(item, i), "%s", why);
		config__pop(l, mark);
	}
	for (size_t i = 0; i < l->c->n_redis; i++) redis_url_deinit(&l->c->redis[i]);
	free(l->c->redis);
	l->c->redis = list;
	l->c->n_redis = texts.n;
}

void
config__transports(struct config_loader *l, const cJSON *item, void *target)
{
	struct config_strings names = { 0 };
	unsigned *set = target, bit;

	if (!config__strings(l, item, &names)) return;
	*set = 0;
	for (size_t i = 0; i < names.n; i++) {
		bit = 0;
		if (strcmp(names.v[i], "polling") == 0) bit = CONFIG_TRANSPORT_POLLING;
		if (strcmp(names.v[i], "websocket") == 0) bit = CONFIG_TRANSPORT_WEBSOCKET;
		if (!bit || (*set & bit))
			config__error(l, item,
				bit ? "\"%s\" stands twice" : "\"%s\" is none of \"polling\", \"websocket\"",
				names.v[i]);
		*set |= bit;
	}
}

/* cookie: what Socket.IO's `cookie` option holds. */

static void
read_same_site(struct config_loader *l, const cJSON *item, void *target)
{
	static const char *const names[] = { "none", "lax", "strict" };
	enum config_same_site *out = target;

	if (cJSON_IsFalse(item)) {
		*out = CONFIG_SAME_SITE_ABSENT;
		return;
	}
	for (unsigned i = 0; cJSON_IsString(item) && i < 3; i++) {
		if (strcasecmp(item->valuestring, names[i]) != 0) continue;
		*out = (enum config_same_site)i;
		return;
	}
	config__error(l, item, "expected \"strict\", \"lax\", \"none\" or false");
}

/* A cookie attribute ends at ';'. */
static void
read_attribute(struct config_loader *l, const cJSON *item, void *target)
{
	char **out = target;

	*out = NULL;
	if (cJSON_IsFalse(item) || cJSON_IsNull(item)) return;
	if (!cJSON_IsString(item) || !*item->valuestring || !config__header_safe(item->valuestring) ||
		strchr(item->valuestring, ';'))
		config__error(l, item, "expected a string without ';' and control characters, or false");
	else
		*out = config__strdup(l, item->valuestring);
}

/* A cookie's name is a token (RFC 6265). */
static void
read_cookie_name(struct config_loader *l, const cJSON *item, void *target)
{
	char **out = target;
	const char *s = cJSON_IsString(item) ? item->valuestring : "";

	for (const char *p = s; *p; p++)
		if (*p <= ' ' || *p >= 0x7f || strchr("()<>@,;:\\\"/[]?={}", *p)) s = "";
	if (!*s)
		config__error(l, item, "expected a cookie name: letters, digits and -_.!#$%%&'*+^`|~");
	else
		*out = config__strdup(l, s);
}

#define COOKIE_AT(field) offsetof(struct config_cookie, field)
#define COOKIE(p, kind, field, fn, def) \
	{ \
		.path = p, .type = kind, .offset = COOKIE_AT(field), .custom = fn, .fallback = def \
	}

static const struct config_option cookie_rows[] = {
	COOKIE("name", CONFIG_TYPE_CUSTOM, name, read_cookie_name, "\"io\""),
	COOKIE("path", CONFIG_TYPE_CUSTOM, path, read_attribute, "\"/\""),
	COOKIE("domain", CONFIG_TYPE_CUSTOM, domain, read_attribute, "null"),
	COOKIE("httpOnly", CONFIG_TYPE_BOOL, http_only, NULL, "true"),
	COOKIE("secure", CONFIG_TYPE_BOOL, secure, NULL, "false"),
	COOKIE("sameSite", CONFIG_TYPE_CUSTOM, same_site, read_same_site, "\"lax\""),
	COOKIE("maxAge", CONFIG_TYPE_CUSTOM, max_age_s, config__max_age, "null"),
};

void
config__cookie(struct config_loader *l, const cJSON *item, void *target)
{
	static const struct config_table table = { cookie_rows, sizeof cookie_rows / sizeof cookie_rows[0] };
	struct config_cookie *cookie = target;

	*cookie = (struct config_cookie){ .max_age_s = -1 };
	if (cJSON_IsFalse(item) || cJSON_IsNull(item)) return;
	config__defaults(l, &table, cookie);
	if (l->c->compat == CONFIG_COMPAT_1) cookie->same_site = CONFIG_SAME_SITE_ABSENT;
	if (l->c->compat == CONFIG_COMPAT_2) cookie->same_site = CONFIG_SAME_SITE_STRICT;
	if (cJSON_IsString(item))
		read_cookie_name(l, item, &cookie->name);
	else if (cJSON_IsObject(item))
		config__object(l, &table, cookie, "", item);
	else if (!cJSON_IsTrue(item))
		config__error(l, item, "expected true, false, a name or an object, not %s", config__type_name(item));
	if (cookie->same_site == CONFIG_SAME_SITE_NONE && !cookie->secure)
		config__error(l, item, "browsers refuse \"sameSite\": \"none\" without \"secure\": true");
}

/* cors */

void
config__origin(struct config_loader *l, const cJSON *item, void *target)
{
	struct config_cors *cors = target;

	cors->origins = (struct config_strings){ 0 };
	if (cJSON_IsBool(item)) {
		cors->origin = cJSON_IsTrue(item) ? CONFIG_ORIGIN_REFLECT : CONFIG_ORIGIN_NONE;
		return;
	}
	if (!config__strings(l, item, &cors->origins)) return;
	if (cJSON_IsString(item))
		cors->origin = strcmp(item->valuestring, "*") == 0 ? CONFIG_ORIGIN_ANY : CONFIG_ORIGIN_FIXED;
	else
		cors->origin = CONFIG_ORIGIN_LIST;
	for (size_t i = 0; i < cors->origins.n; i++) {
		const char *s = cors->origins.v[i];

		if (!config__header_safe(s))
			config__error(l, item, "an origin with control characters");
		else if (cors->origin == CONFIG_ORIGIN_LIST && strchr(s, '*'))
			config__error(l, item, "\"%s\": no wildcards in a list; \"*\" alone allows every origin", s);
	}
}

/* Header values are kept as they are sent: joined by commas. */
void
config__header_list(struct config_loader *l, const cJSON *item, void *target)
{
	struct config_strings list = { 0 };
	char **out = target;
	size_t n = 1;

	*out = NULL;
	if (cJSON_IsNull(item) || !config__strings(l, item, &list)) return;
	for (size_t i = 0; i < list.n; i++) n += strlen(list.v[i]) + 1;
	*out = config__alloc(l, n);
	for (size_t i = 0; *out && i < list.n; i++) {
		if (i) strcat(*out, ",");
		strcat(*out, list.v[i]);
	}
	if (*out && !config__header_safe(*out)) config__error(l, item, "control characters cannot stand in a header");
}

void
config__max_age(struct config_loader *l, const cJSON *item, void *target)
{
	int64_t *out = target;

	*out = -1;
	if (cJSON_IsNull(item)) return;
	if (!cJSON_IsNumber(item) || item->valuedouble < 0 || item->valuedouble > 4e9 ||
		item->valuedouble != (double)(int64_t)item->valuedouble)
		config__error(l, item, "expected a whole number of seconds");
	else
		*out = (int64_t)item->valuedouble;
}

/* client */

void
config__client_version(struct config_loader *l, const cJSON *item, void *target)
{
	struct config_client *client = target;

	if (!cJSON_IsString(item) || !files_version_valid(item->valuestring)) {
		config__error(l, item, "expected a version such as \"4.8.4\", or the beginning of one");
		return;
	}
	client->version = config__strdup(l, item->valuestring);
}

/* namespaces */

/* Handlers know where in "on" a mistake is as a JSON pointer; the message keeps it. */
static struct handlers *
compile_handlers(struct config_loader *l, const cJSON *on)
{
	struct handlers *h = NULL;
	struct handlers_error e = { 0 };
	size_t mark = config__push(l, "on");

	if (!cJSON_IsObject(on)) {
		config__error(l, on, "expected an object of events, not %s", config__type_name(on));
	} else {
		h = handlers_compile(on, &e);
		if (!h) config__error(l, e.item ? e.item : on, "%s%s%s", e.path, *e.path ? ": " : "", e.text);
	}
	config__pop(l, mark);
	return h;
}

/* The members of a namespace; only "on" so far. */
static void
read_members(struct config_loader *l, struct namespace_spec *ns, const cJSON *item)
{
	bool on = false;
	size_t mark;

	for (const cJSON *m = item->child; m; m = m->next) {
		if (strcmp(m->string, "on") == 0) {
			if (on)
				config__error(l, m, "the key stands twice");
			else
				ns->handlers = compile_handlers(l, m);
			on = true;
			continue;
		}
		mark = config__push(l, m->string);
		config__error(l, m, "unknown key; did you mean \"on\"?");
		config__pop(l, mark);
	}
}

static void
read_namespace(struct config_loader *l, const cJSON *item)
{
	struct namespace_spec ns = { 0 };

	if (item->string[0] != '/' || strpbrk(item->string, ",?")) {
		config__error(l, item, "a namespace starts with \"/\" and holds no ',' and no '?'");
		return;
	}
	if (namespace_specs_find(l->c->namespaces, eio_cstr(item->string)))
		config__error(l, item, "the key stands twice");
	if (!cJSON_IsObject(item)) {
		config__error(l, item, "expected an object, not %s", config__type_name(item));
		return;
	}
	ns.name = config__copy(l, item->string);
	if (!ns.name) return;
	read_members(l, &ns, item);
	if (namespace_specs_add(l->c->namespaces, &ns) == 0) return;
	config__error(l, NULL, "out of memory");
	handlers_free(ns.handlers);
	free(ns.name);
}

void
config__namespaces(struct config_loader *l, const cJSON *item, void *target)
{
	size_t mark;

	(void)target; /* it is c->namespaces, which is there already */
	if (!cJSON_IsObject(item)) {
		config__error(l, item, "expected an object, not %s", config__type_name(item));
		return;
	}
	namespace_specs_unref(l->c->namespaces); /* the default */
	l->c->namespaces = namespace_specs_new();
	if (!l->c->namespaces) config__error(l, NULL, "out of memory");
	for (const cJSON *m = item->child; l->c->namespaces && m; m = m->next) {
		mark = config__push(l, m->string);
		read_namespace(l, m);
		config__pop(l, mark);
	}
	if (!item->child) config__error(l, item, "no namespace: every client would be refused");
}

/* SPDX-License-Identifier: MIT */
/* Tokens, their keys, and the application that is asked. */
#include "src/config/auth.h"

#include "sio/json.h"
#include "src/auth/keys.h"
#include "src/config/parts.h"
#include "src/config/rows.h"
#include "src/config/values.h"
#include "src/handlers/handlers.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* What the application says at most; 16 KB of it are claims. */
#define ANSWER_BYTES 65536

/* Keys */

struct key_options {
	const char *alg, *secret_file, *public_key_file, *jwks_file;
};

#define ROWS_OF struct key_options

static const struct config_option key_rows[] = {
	STRING("alg", alg, "null"),
	CUSTOM("secretFile", secret_file, config__path, "null", SCHEMA_STRING_OR_NULL),
	CUSTOM("publicKeyFile", public_key_file, config__path, "null", SCHEMA_STRING_OR_NULL),
	CUSTOM("jwksFile", jwks_file, config__path, "null", SCHEMA_STRING_OR_NULL),
};

const struct config_table config__key_table = TABLE_OF(key_rows);

/* The type and the algorithm that a key's options make; false after an error. */
static bool
fill_key_file(struct config_loader *l, const cJSON *item, const struct key_options *o, struct auth_key_file *out)
{
	bool secret;

	if (!!o->secret_file + !!o->public_key_file + !!o->jwks_file != 1) {
		config__error(l, item, "a key has one of \"secretFile\", \"publicKeyFile\" and \"jwksFile\"");
		return false;
	}
	if (o->jwks_file) {
		out->type = AUTH_FILE_JWKS;
		if (o->alg)
			config__error(
				l, item, "a set of keys says by itself which algorithms they are for: no \"alg\"");
		return !o->alg;
	}
	out->alg = o->alg ? auth_algorithm_named(eio_cstr(o->alg)) : AUTH_ALGORITHM_COUNT;
	if (out->alg == AUTH_ALGORITHM_COUNT) {
		config__error(l, item, "\"alg\" is one of HS256, HS384, HS512, RS256, ES256 and EdDSA");
		return false;
	}
	secret = auth_algorithm_is_secret(out->alg);
	out->type = o->secret_file ? AUTH_FILE_SECRET : AUTH_FILE_PUBLIC;
	if (secret != !!o->secret_file)
		config__error(l, item, "%s wants a \"%s\"", o->alg, secret ? "secretFile" : "publicKeyFile");
	return secret == !!o->secret_file;
}

static void
add_key_file(struct config_loader *l, const cJSON *item, struct auth_jwt_spec *jwt)
{
	struct key_options o = { 0 };
	struct auth_key_file f = { 0 }, *v;

	if (!cJSON_IsObject(item)) {
		config__error(l, item, "expected an object, not %s", config__type_name(item));
		return;
	}
	config__object(l, &config__key_table, &o, "", item);
	if (!fill_key_file(l, item, &o, &f)) return;
	f.path = config__copy(l, o.secret_file ? o.secret_file : o.public_key_file ? o.public_key_file : o.jwks_file);
	v = f.path ? realloc(jwt->files, (jwt->n_files + 1) * sizeof *v) : NULL;
	if (!v) {
		config__error_memory(l);
		free(f.path);
		return;
	}
	jwt->files = v;
	v[jwt->n_files++] = f;
}

static void
read_jwt_keys(struct config_loader *l, const cJSON *item, void *target)
{
	size_t i = 0;

	if (!cJSON_IsArray(item) || !item->child) {
		config__error(
			l, item, "expected a list of keys, such as [{\"alg\": \"HS256\", \"secretFile\": \"…\"}]");
		return;
	}
	for (const cJSON *key = item->child; key; key = key->next) {
		size_t mark = config__push_index(l, i++);

		add_key_file(l, key, target);
		config__pop(l, mark);
	}
}

/* Where tokens are */

static const struct {
	const char *prefix;
	unsigned where;
} sources[] = {
	{ "auth.", AUTH_FROM_AUTH },
	{ "query.", AUTH_FROM_QUERY },
	{ "header.", AUTH_FROM_HEADER },
	{ "cookie.", AUTH_FROM_COOKIE },
};

/* ".a.b" as the pointer "/a/b"; header names in lower case. In place. */
static void
adapt_name(struct auth_source *s)
{
	for (char *p = s->name; *p; p++) {
		if (s->where == AUTH_FROM_AUTH && *p == '.') *p = '/';
		if (s->where == AUTH_FROM_HEADER) *p = (char)tolower((unsigned char)*p);
	}
}

static void
add_source(struct config_loader *l, const cJSON *item, const char *text, struct auth_jwt_spec *jwt)
{
	struct auth_source *v, s = { 0 };

	for (size_t i = 0; i < sizeof sources / sizeof sources[0]; i++) {
		size_t n = strlen(sources[i].prefix);

		if (strncmp(text, sources[i].prefix, n) != 0 || !text[n]) continue;
		if (sources[i].where == AUTH_FROM_AUTH) n--; /* its dot begins the pointer */
		s.name = config__copy(l, text + n);
		if (sources[i].where == AUTH_FROM_QUERY) s.where = AUTH_FROM_QUERY;
		if (sources[i].where == AUTH_FROM_HEADER) s.where = AUTH_FROM_HEADER;
		if (sources[i].where == AUTH_FROM_COOKIE) s.where = AUTH_FROM_COOKIE;
		if (!s.name) return;
		adapt_name(&s);
		v = realloc(jwt->from, (jwt->n_from + 1) * sizeof *v);
		if (!v) {
			config__error_memory(l);
			free(s.name);
			return;
		}
		jwt->from = v;
		v[jwt->n_from++] = s;
		return;
	}
	config__error(l, item, "a token is in \"auth.name\", \"query.name\", \"header.name\" or \"cookie.name\"");
}

static void
read_from(struct config_loader *l, const cJSON *item, void *target)
{
	struct config_strings list;

	if (!config__strings(l, item, &list)) return;
	for (size_t i = 0; i < list.n; i++) {
		size_t mark = config__push_element(l, item, i);

		add_source(l, config__element(item, i), list.v[i], target);
		config__pop(l, mark);
	}
}

static void
read_auth_strings(struct config_loader *l, const cJSON *item, void *target)
{
	struct config_strings list;

	if (!config__strings(l, item, &list)) return;
	for (size_t i = 0; i < list.n; i++)
		if (auth_strings_add(target, list.v[i])) config__error_memory(l);
}

static void
read_renew(struct config_loader *l, const cJSON *item, void *target)
{
	char **out = target;

	if (cJSON_IsNull(item)) return;
	if (!cJSON_IsString(item) || !*item->valuestring || !strcmp(item->valuestring, "connection") ||
		!strcmp(item->valuestring, "disconnect"))
		config__error(l, item, "expected the name of an event, or null");
	else
		*out = config__copy(l, item->valuestring);
}

#undef ROWS_OF
#define ROWS_OF struct auth_jwt_spec

static const struct config_option jwt_rows[] = {
	STRUCT("keys", read_jwt_keys, SCHEMA_LIST(SCHEMA_REF("key"))),
	STRUCT("from", read_from, SCHEMA_STRINGS),
	CUSTOM("audience", audience, read_auth_strings, NULL, SCHEMA_STRINGS),
	CUSTOM("issuer", issuer, read_auth_strings, NULL, SCHEMA_STRINGS),
	UINT("leeway", leeway_s, 0, 3600, "0"),
	CUSTOM("renew", renew, read_renew, NULL, SCHEMA_STRING_OR_NULL),
};

const struct config_table config__jwt_table = TABLE_OF(jwt_rows);

/* The files are read as the workers will, to say now what is wrong with them. */
static void
look_at_keys(struct config_loader *l, const cJSON *keys, const struct auth_jwt_spec *jwt)
{
	const char *why = NULL;
	size_t i = 0, mark;
	struct auth_keys *k;

	if (!l->flags->look || l->notes.errors) return;
	k = auth_keys_new(jwt, &i, &why);
	if (!k && !why) config__error_memory(l);
	if (!k && why) {
		mark = config__push(l, "keys");
		config__push_index(l, i);
		config__error(l, cJSON_GetArrayItem(keys, (int)i), "%s: %s", jwt->files[i].path, why);
		config__pop(l, mark);
	}
	auth_keys_free(k);
}

static void
read_jwt(struct config_loader *l, const cJSON *item, void *target)
{
	struct auth_spec *spec = target;
	const cJSON *keys;

	if (!cJSON_IsObject(item)) {
		config__error(l, item, "expected an object with \"keys\", not %s", config__type_name(item));
		return;
	}
	spec->has_jwt = true;
	config__object(l, &config__jwt_table, &spec->jwt, "", item);
	keys = cJSON_GetObjectItemCaseSensitive(item, "keys");
	if (!keys) {
		config__error(l, item, "\"keys\" is missing");
		return;
	}
	if (!cJSON_GetObjectItemCaseSensitive(item, "from")) add_source(l, item, "auth.token", &spec->jwt);
	look_at_keys(l, keys, &spec->jwt);
}

/* The application */

static void
read_hook_url(struct config_loader *l, const cJSON *item, void *target)
{
	const char *why = "expected a URL";

	if (cJSON_IsString(item) && hook_spec_set_url(target, item->valuestring, &why) == 0) return;
	if (why)
		config__error(l, item, "%s", why);
	else
		config__error_memory(l);
}

static void
read_header_names(struct config_loader *l, const cJSON *item, void *target)
{
	struct auth_strings *out = target;
	size_t from = out->n;

	if (cJSON_IsArray(item) && !item->child) return; /* none */
	read_auth_strings(l, item, target);
	for (; from < out->n; from++)
		for (char *p = out->v[from]; *p; p++) *p = (char)tolower((unsigned char)*p);
}

static void
read_hook_on(struct config_loader *l, const cJSON *item, void *target)
{
	struct auth_hook_spec *hook = target;
	struct config_strings list;

	if (!config__strings(l, item, &list)) return;
	hook->on_connect = hook->on_join = false;
	for (size_t i = 0; i < list.n; i++) {
		size_t mark = config__push_element(l, item, i);

		if (strcmp(list.v[i], "connect") == 0)
			hook->on_connect = true;
		else if (strcmp(list.v[i], "join") == 0)
			hook->on_join = true;
		else
			config__error(
				l, config__element(item, i), "the application is asked at \"connect\" and \"join\"");
		config__pop(l, mark);
	}
}

/* In the words of a page, whose headers go along: those that belong to the connection are not its to say. */
static void
check_laravel(struct config_loader *l, const cJSON *item, struct auth_hook_spec *hook)
{
	static const char *const ours[] = { "host", "connection", "content-length", "content-type", "transfer-encoding",
		"expect", "upgrade", "x-requested-with" };

	hook->to.form = hook->format == AUTH_ASKS_LARAVEL;
	if (!hook->to.form) return;
	if (hook->on_connect || !hook->on_join)
		config__error(l, item, "Laravel is asked about channels only: \"on\": [\"join\"]");
	for (size_t i = 0; i < hook->headers.n; i++)
		for (size_t k = 0; k < sizeof ours / sizeof ours[0]; k++)
			if (strcmp(hook->headers.v[i], ours[k]) == 0)
				config__error(l, item, "\"%s\" in \"headers\" is not a page's to say", ours[k]);
}

static void
check_hook_rooms(struct config_loader *l, const cJSON *item, const struct auth_hook_spec *hook)
{
	if (hook->rooms.n && !hook->on_join)
		config__error(l, item,
			"\"rooms\" says which joins the application is asked about: \"on\": [\"join\"] is missing");
}

#undef ROWS_OF
#define ROWS_OF struct auth_hook_spec

static const char *const hook_formats[] = { "json", "laravel", NULL };

static const struct config_option hook_rows[] = {
	CUSTOM("url", to, read_hook_url, NULL, SCHEMA_STRING),
	STRUCT("on", read_hook_on, SCHEMA_ONE_OR_MORE("{\"enum\":[\"connect\",\"join\"]}")),
	CUSTOM("headers", headers, read_header_names, NULL, SCHEMA_STRINGS_OR_NONE),
	CUSTOM("rooms", rooms, read_auth_strings, NULL, SCHEMA_STRINGS),
	ENUM("format", format, hook_formats, "\"json\""),
	BOOL("address", address, "true"),
	UINT("timeout", to.timeout_ms, 10, 600000, "5000"),
	UINT("cache", cache_s, 0, 3600, "0"),
	UINT("concurrent", to.concurrent, 1, 1000, "32"),
	UINT("queue", to.queue, 0, 100000, "1000"),
};

const struct config_table config__hook_table = TABLE_OF(hook_rows);

static void
read_hook(struct config_loader *l, const cJSON *item, void *target)
{
	struct auth_spec *spec = target;

	if (!cJSON_IsObject(item)) {
		config__error(l, item, "expected an object with \"url\", not %s", config__type_name(item));
		return;
	}
	spec->has_hook = true;
	config__defaults(l, &config__hook_table, &spec->hook);
	spec->hook.to.answer_bytes = ANSWER_BYTES;
	spec->hook.on_connect = true;
	config__object(l, &config__hook_table, &spec->hook, "", item);
	check_laravel(l, item, &spec->hook);
	check_hook_rooms(l, item, &spec->hook);
	if (!cJSON_GetObjectItemCaseSensitive(item, "url")) config__error(l, item, "\"url\" is missing");
	if (cJSON_GetObjectItemCaseSensitive(item, "headers")) return;
	if (auth_strings_add(&spec->hook.headers, "cookie") || auth_strings_add(&spec->hook.headers, "authorization"))
		config__error_memory(l);
}

#undef ROWS_OF
#define ROWS_OF struct auth_spec

static const struct config_option auth_rows[] = {
	STRUCT("jwt", read_jwt, SCHEMA_REF("jwt")),
	STRUCT("hook", read_hook, SCHEMA_REF("hook")),
};

const struct config_table config__auth_table = TABLE_OF(auth_rows);

/* Both together */

void
config__auth(struct config_loader *l, const cJSON *item, void *target)
{
	struct auth_spec **out = target;

	auth_spec_unref(*out);
	*out = NULL;
	if (cJSON_IsNull(item) || cJSON_IsFalse(item)) return;
	if (!cJSON_IsObject(item)) {
		config__error(l, item, "expected an object with \"jwt\" or \"hook\", or false, not %s",
			config__type_name(item));
		return;
	}
	*out = auth_spec_new();
	if (!*out) {
		config__error_memory(l);
		return;
	}
	config__object(l, &config__auth_table, *out, "", item);
	if (!(*out)->has_jwt && !(*out)->has_hook) config__error(l, item, "neither \"jwt\" nor \"hook\"");
}

void
config__auth_finish(struct config_loader *l)
{
	struct config_parts *p = l->parts;

	for (size_t i = 0; p->namespaces && i < p->namespaces->n; i++) {
		struct namespace_spec *ns = &p->namespaces->v[i];

		if (!ns->auth_given && p->auth) ns->auth = auth_spec_ref(p->auth);
		if (ns->auth && ns->auth->has_hook) p->config.hooks = true;
		if (ns->handlers && handlers_calls(ns->handlers)) p->config.hooks = true;
	}
}

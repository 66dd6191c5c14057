/* SPDX-License-Identifier: MIT */
/* SIOCAST_<KEY_PATH>: a variable for each option. */
#include "sio/json.h"
#include "src/config/compression.h"
#include "src/config/cookie.h"
#include "src/config/environment.h"
#include "src/config/feeds.h"
#include "src/config/hints.h"
#include "src/config/options.h"
#include "src/config/variables.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PREFIX "SIOCAST_"

/* All tables, with where they stand; what is above others comes before them. */
static const struct {
	const char *path;
	const struct config_table *table;
} tables[] = {
	{ "", &config__main_table },
	{ "engine.cookie", &config__cookie_table },
	{ "engine.perMessageDeflate", &config__websocket_table },
	{ "engine.httpCompression", &config__http_table },
	{ "feedDefaults", &config__feed_table },
};

void
config__variable_name(const char *path, char *out, size_t size)
{
	char before = 0;
	size_t n = (size_t)snprintf(out, size, PREFIX);

	for (; *path && n + 3 < size; before = *path++) {
		bool begins = isupper((unsigned char)*path) &&
			      (islower((unsigned char)before) || isdigit((unsigned char)before));

		if (begins) out[n++] = '_';
		out[n++] = *path == '.' ? '_' : (char)toupper((unsigned char)*path);
	}
	out[n] = '\0';
}

/* Calls each(l, path, row) for every option there is. */
static void
each_option(struct config_loader *l,
	void (*each)(struct config_loader *, const char *, const struct config_option *, void *), void *user)
{
	char path[CONFIG_VARIABLE_MAX];

	for (size_t t = 0; t < sizeof tables / sizeof tables[0]; t++)
		for (size_t i = 0; i < tables[t].table->n; i++) {
			const struct config_option *o = &tables[t].table->rows[i];

			if (o->alias || o->type == CONFIG_TYPE_SECTION) continue;
			snprintf(path, sizeof path, "%s%s%s", tables[t].path, *tables[t].path ? "." : "", o->path);
			each(l, path, o, user);
		}
}

/* What stands behind "NAME=" in the environment; NULL when nothing does. An empty variable is as good as none: those
 * who start programs cannot always leave one out. */
static const char *
variable_value(const struct config_loader *l, const char *name)
{
	size_t n = strlen(name);

	for (char *const *e = l->flags->environment; *e; e++)
		if (strncmp(*e, name, n) == 0 && (*e)[n] == '=' && (*e)[n + 1]) return *e + n + 1;
	return NULL;
}

/* A list, an object, true, false and null are taken as JSON where the option may be one; all else is text. NULL when
 * out of memory. */
static cJSON *
item_of_value(const struct config_option *o, const char *value)
{
	bool json = o->type == CONFIG_TYPE_CUSTOM ? strchr("[{tfn", *value) && sio_json_check(eio_cstr(value)) == 0
						  : o->type == CONFIG_TYPE_STRING && strcmp(value, "null") == 0;
	cJSON *item;

	if (json) return cJSON_Parse(value);
	item = cJSON_CreateString(value);
	if (item) config__mark_variable(item);
	return item;
}

/* Puts item into object, and gives what stood there before. 0, or -1 when out of memory. */
static int
put_member(cJSON *object, const char *key, cJSON *item, cJSON **replaced)
{
	*replaced = cJSON_DetachItemFromObjectCaseSensitive(object, key);
	return cJSON_AddItemToObject(object, key, item) ? 0 : -1;
}

/* The object that a key of `parent` is, made where there is none; a cookie's name goes into it. NULL when out of
 * memory. */
static cJSON *
object_of(struct config_loader *l, cJSON *parent, const char *key, const char *name)
{
	cJSON *object = cJSON_GetObjectItemCaseSensitive(parent, key), *made;
	struct config_variable *v;

	if (cJSON_IsObject(object)) return object;
	made = cJSON_CreateObject();
	v = made ? config__variable_add(l, name, made) : NULL;
	if (v && cJSON_IsString(object)) cJSON_AddStringToObject(made, "name", object->valuestring);
	if (v && put_member(parent, key, made, &v->replaced) == 0) return made;
	if (v) v->item = NULL;
	cJSON_Delete(made);
	return NULL;
}

/* The object that the last key of a path belongs to; *key: that key. */
static cJSON *
parent_of(struct config_loader *l, const char *path, const char *name, const char **key)
{
	cJSON *object = l->root;
	const char *dot;
	char part[64];

	while (object && (dot = strchr(path, '.'))) {
		snprintf(part, sizeof part, "%.*s", (int)(dot - path), path);
		object = object_of(l, object, part, name);
		path = dot + 1;
	}
	*key = path;
	return object;
}

static void
apply_variable(struct config_loader *l, const char *path, const struct config_option *o, void *user)
{
	char name[CONFIG_VARIABLE_MAX];
	struct config_variable *v = NULL;
	const char *value, *key;
	cJSON *item, *parent;

	(void)user;
	config__variable_name(path, name, sizeof name);
	value = variable_value(l, name);
	if (!value) return;
	item = item_of_value(o, value);
	parent = parent_of(l, path, name, &key);
	if (item && parent) v = config__variable_add(l, name, item);
	if (v && put_member(parent, key, item, &v->replaced) == 0) return;
	if (v) v->item = NULL;
	cJSON_Delete(item);
	config__error_memory(l);
}

/* A name that comes near one of an option. */
struct near {
	const char *given;
	char best[CONFIG_VARIABLE_MAX];
	unsigned distance; /* 0: it is one */
};

static void
compare_name(struct config_loader *l, const char *path, const struct config_option *o, void *user)
{
	struct near *near = user;
	char name[CONFIG_VARIABLE_MAX];
	unsigned d;

	(void)l;
	(void)o;
	config__variable_name(path, name, sizeof name);
	d = strcmp(name, near->given) == 0 ? 0 : 1 + config__distance(name, near->given);
	if (d >= near->distance) return;
	near->distance = d;
	strcpy(near->best, name);
}

/* Kubernetes sets variables of such names where a service is called "siocast". */
static bool
is_service(const char *name)
{
	return strncmp(name, PREFIX "SERVICE_", sizeof PREFIX - 1 + 8) == 0 || strcmp(name, PREFIX "PORT") == 0 ||
	       strncmp(name, PREFIX "PORT_", sizeof PREFIX - 1 + 5) == 0;
}

static void
warn_of_unknown(struct config_loader *l, const char *variable)
{
	struct near near = { .distance = 4 };
	size_t n = strcspn(variable, "=");
	char name[CONFIG_VARIABLE_MAX];

	if (n >= sizeof name) return;
	snprintf(name, sizeof name, "%.*s", (int)n, variable);
	if (is_service(name)) return;
	near.given = name;
	each_option(l, compare_name, &near);
	if (!near.distance) return;
	l->flag = name;
	if (*near.best)
		config__warn(l, NULL, "no option is called so; did you mean %s?", near.best);
	else
		config__warn(l, NULL, "no option is called so");
	l->flag = NULL;
}

void
config__overlay(struct config_loader *l)
{
	if (!l->flags->environment || !cJSON_IsObject(l->root)) return;
	each_option(l, apply_variable, NULL);
	for (char *const *e = l->flags->environment; *e; e++)
		if (strncmp(*e, PREFIX, sizeof PREFIX - 1) == 0) warn_of_unknown(l, *e);
}

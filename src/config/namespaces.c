/* SPDX-License-Identifier: MIT */
/* The namespaces of the configuration. */
#include "src/config/namespaces.h"

#include "src/clients/pace.h"
#include "src/clients/rules.h"
#include "src/config/auth.h"
#include "src/config/parts.h"
#include "src/config/presence.h"
#include "src/config/recovery.h"
#include "src/config/rooms.h"
#include "src/config/rows.h"
#include "src/config/values.h"
#include "src/config/where.h"
#include "src/handlers/handlers.h"
#include "src/template/pattern.h"

#include <stdlib.h>
#include <string.h>

static bool
read_condition(void *user, const cJSON *item, struct where *out)
{
	struct config_loader *l = user;
	unsigned errors = l->notes.errors;

	config__where(l, item, out);
	return l->notes.errors == errors;
}

static struct handlers *
compile_handlers(struct config_loader *l, const cJSON *on, unsigned nsp_stars)
{
	if (cJSON_IsObject(on)) return handlers_compile(on, nsp_stars, config__handlers_error, read_condition, l);
	config__error(l, on, "expected an object of events, not %s", config__type_name(on));
	return NULL;
}

static void
read_handlers(struct config_loader *l, const cJSON *item, void *target)
{
	struct namespace_spec *ns = target;

	ns->handlers = compile_handlers(l, item, ns->is_pattern ? template_count_stars(eio_cstr(ns->name)) : 0);
}

static void
read_rate(struct config_loader *l, const cJSON *item, void *target)
{
	handlers_compile_rate(item, target, config__handlers_error, l);
}

static void
read_namespace_auth(struct config_loader *l, const cJSON *item, void *target)
{
	struct namespace_spec *ns = target;

	ns->auth_given = true;
	config__auth(l, item, &ns->auth);
}

#define ROWS_OF struct namespace_spec

static const struct config_option namespace_rows[] = {
	STRUCT("on", read_handlers, SCHEMA_OBJECT),
	STRUCT("presence", config__presence, SCHEMA_ONE_OR_MORE(SCHEMA_REF("presence"))),
	STRUCT("count", config__count, SCHEMA_ONE_OR_MORE(SCHEMA_REF("count"))),
	CUSTOM("rate", rate, read_rate, NULL, SCHEMA_OBJECT),
	STRUCT("auth", read_namespace_auth, SCHEMA_REF("authOrNone")),
	STRUCT("connectionStateRecovery", config__recovery_of_namespace, SCHEMA_BOOL),
	STRUCT("rooms", config__rooms, SCHEMA_REF("roomRules")),
};

const struct config_table config__namespace_table = TABLE_OF(namespace_rows);

/* Takes over what ns points to. */
static void
add_namespace(struct config_loader *l, struct namespace_spec *ns)
{
	if (ns->name && namespace_specs_add(l->parts->namespaces, ns) == 0) return;
	config__error_memory(l);
	handlers_free(ns->handlers);
	auth_spec_unref(ns->auth);
	room_rules_free(ns->rules);
	room_paces_free(ns->paces);
	free(ns->name);
}

static void
read_namespace(struct config_loader *l, const cJSON *item)
{
	struct namespace_spec ns = { 0 };

	if (!config__namespace_valid(item->string)) {
		config__error_key(l, item, CONFIG_NAMESPACE_WANTED);
		return;
	}
	if (namespace_specs_find(l->parts->namespaces, eio_cstr(item->string)))
		config__error_key(l, item, "the key stands twice");
	ns.is_pattern = strchr(item->string, '*');
	if (ns.is_pattern && strpbrk(item->string, "[]\\"))
		config__error_key(l, item,
			"in the pattern of a namespace only '*' has a meaning; \"%c\" cannot stand there",
			*strpbrk(item->string, "[]\\"));
	ns.name = config__copy(l, item->string);
	if (ns.name) config__object(l, &config__namespace_table, &ns, "", item);
	add_namespace(l, &ns);
}

/* For presence, which hears of namespaces of other nodes. */
static const char *
namespace_key(const void *ctx, struct eio_bytes nsp)
{
	const struct namespace_spec *spec = namespace_specs_match(ctx, nsp);

	return spec ? spec->name : NULL;
}

void
config__namespaces(struct config_loader *l, const cJSON *item, void *target)
{
	struct namespace_spec main_one = { 0 };
	size_t mark;

	(void)target; /* it is the parts' namespaces, which is there already */
	if (!cJSON_IsObject(item)) {
		config__error(l, item, "expected an object, not %s", config__type_name(item));
		return;
	}
	namespace_specs_unref(l->parts->namespaces); /* the default */
	presence_specs_unref(l->parts->presence);
	l->parts->namespaces = namespace_specs_new();
	l->parts->presence = presence_specs_new();
	if (!l->parts->namespaces || !l->parts->presence) {
		config__error_memory(l);
		return;
	}
	l->parts->presence->key_of = namespace_key;
	l->parts->presence->ctx = l->parts->namespaces;
	for (const cJSON *m = item->child; m; m = m->next) {
		mark = config__push(l, m->string);
		read_namespace(l, m);
		config__pop(l, mark);
	}
	if (namespace_specs_find(l->parts->namespaces, EIO_LIT("/"))) return;
	main_one.name = config__copy(l, "/"); /* it is always there, as in Node */
	if (main_one.name) add_namespace(l, &main_one);
}

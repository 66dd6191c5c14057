/* SPDX-License-Identifier: MIT */
/* Presence and counts: an object, or a list of them for different rooms. */
#include "src/config/presence.h"

#include "sio/packet.h"
#include "src/clients/namespace.h"
#include "src/config/parts.h"
#include "src/config/rows.h"
#include "src/config/values.h"
#include "src/handlers/handlers.h"

#include <stdlib.h>
#include <string.h>

#define HOUR_MS 3600000.0

/* What is read of one object. */
struct presence_draft {
	struct presence_spec spec;
	unsigned nsp_stars; /* of the namespace's pattern */
};

static void
read_rooms(struct config_loader *l, const cJSON *item, void *target)
{
	struct presence_where *w = target;
	struct config_strings names = { 0 };

	if (!config__strings(l, item, &names)) return;
	w->rooms = calloc(names.n, sizeof *w->rooms);
	if (!w->rooms) config__error_memory(l);
	for (size_t i = 0; w->rooms && i < names.n; i++) {
		w->rooms[i] = config__copy(l, names.v[i]);
		if (!w->rooms[i]) return;
		w->n_rooms++;
	}
}

/* Who it is */

static struct template *
compile_json(struct config_loader *l, const cJSON *v, struct template_context where)
{
	return handlers_compile_json(v, &where, config__handlers_error, l);
}

static struct template_context
client_place(const struct presence_draft *d)
{
	return (struct template_context){ .place = TEMPLATE_IN_CONNECTION, .nsp_stars = d->nsp_stars };
}

static void
read_who(struct config_loader *l, const cJSON *item, void *target)
{
	struct presence_draft *d = target;
	const struct template_context where = client_place(d);
	struct template_error err;

	if (!cJSON_IsString(item) || !*item->valuestring) {
		config__error(l, item, "expected a string with a placeholder, such as \"{auth.user}\"");
		return;
	}
	d->spec.identity = template_new(eio_cstr(item->valuestring), TEMPLATE_AS_NAME, &where, &err);
	if (!d->spec.identity && err.nomem)
		config__error_memory(l);
	else if (!d->spec.identity)
		config__error(l, item, "%s", err.text);
	else
		d->spec.member = compile_json(l, item, where);
}

static void
read_info(struct config_loader *l, const cJSON *item, void *target)
{
	struct presence_draft *d = target;

	d->spec.info = compile_json(l, item, client_place(d));
}

/* Events */

/* The name that a list begins with: clients refuse some. */
static bool
check_event_name(struct config_loader *l, const cJSON *name, enum template_place place)
{
	const struct template_context where = { .place = place };
	struct template_error err;
	struct template *t;

	if (!cJSON_IsString(name) || !*name->valuestring)
		config__error(l, name, "an event's name must be a string that is not empty");
	else if (sio_packet_event_reserved(eio_cstr(name->valuestring)))
		config__error(l, name, "clients refuse events called \"%s\"", name->valuestring);
	else if ((t = template_new(eio_cstr(name->valuestring), TEMPLATE_AS_NAME, &where, &err))) {
		template_free(t);
		return true;
	} else if (err.nomem)
		config__error_memory(l);
	else
		config__error(l, name, "%s", err.text);
	return false;
}

/* An event that is a name alone has this argument. */
static struct template *
compile_named(struct config_loader *l, const cJSON *item, enum template_place place, const char *argument)
{
	cJSON *list = cJSON_CreateArray(), *arg = cJSON_CreateString(argument);
	cJSON *name = cJSON_CreateString(item->valuestring);
	struct template *t = NULL;

	if (list && name && arg) {
		cJSON_AddItemToArray(list, name);
		cJSON_AddItemToArray(list, arg);
		t = compile_json(l, list, (struct template_context){ .place = place });
	} else {
		cJSON_Delete(name);
		cJSON_Delete(arg);
		config__error_memory(l);
	}
	cJSON_Delete(list);
	return t;
}

static struct template *
compile_told(struct config_loader *l, const cJSON *item, enum template_place place, const char *argument)
{
	if (cJSON_IsString(item))
		return check_event_name(l, item, place) ? compile_named(l, item, place, argument) : NULL;
	if (cJSON_IsArray(item) && item->child)
		return check_event_name(l, item->child, place)
			       ? compile_json(l, item, (struct template_context){ .place = place })
			       : NULL;
	config__error(l, item, "expected the name of an event, or a list of name and arguments");
	return NULL;
}

static void
read_here(struct config_loader *l, const cJSON *item, void *target)
{
	struct template **out = target;

	*out = compile_told(l, item, TEMPLATE_IN_HERE, "{members}");
}

static void
read_change(struct config_loader *l, const cJSON *item, void *target)
{
	struct template **out = target;

	*out = compile_told(l, item, TEMPLATE_IN_MEMBER, "{info}");
}

static void
read_count_event(struct config_loader *l, const cJSON *item, void *target)
{
	struct template **out = target;

	*out = compile_told(l, item, TEMPLATE_IN_COUNT, "{count}");
}

/* Objects */

#define ROWS_OF struct presence_draft

static const struct config_option presence_rows[] = {
	CUSTOM("rooms", spec.where, read_rooms, NULL, SCHEMA_STRINGS),
	STRUCT("member", read_who, SCHEMA_STRING),
	STRUCT("info", read_info, SCHEMA_ANYTHING),
	SECTION("events"),
	CUSTOM("events.here", spec.here, read_here, NULL, SCHEMA_TOLD),
	CUSTOM("events.joining", spec.joining, read_change, NULL, SCHEMA_TOLD),
	CUSTOM("events.leaving", spec.leaving, read_change, NULL, SCHEMA_TOLD),
	UINT("linger", spec.linger_ms, 0, HOUR_MS, "3000"),
	BOOL("shared", spec.shared, "true"),
	SIZE("maxMembers", spec.max_members, 1, 1000000, "10000"),
	SIZE("maxBytes", spec.max_bytes, 16, 65536, "4096"),
};

const struct config_table config__presence_table = TABLE_OF(presence_rows);

#undef ROWS_OF
#define ROWS_OF struct presence_count_spec

static const struct config_option count_rows[] = {
	CUSTOM("rooms", where, read_rooms, NULL, SCHEMA_STRINGS),
	CUSTOM("event", event, read_count_event, NULL, SCHEMA_TOLD),
	UINT("interval", interval_ms, 10, HOUR_MS, "1000"),
	BOOL("shared", shared, "true"),
};

const struct config_table config__count_table = TABLE_OF(count_rows);

static bool
has(const cJSON *item, const char *key)
{
	return cJSON_GetObjectItemCaseSensitive(item, key);
}

static bool
is_object(struct config_loader *l, const cJSON *item)
{
	if (cJSON_IsObject(item)) return true;
	config__error(l, item, "expected an object, not %s", config__type_name(item));
	return false;
}

static void
read_presence(struct config_loader *l, const cJSON *item, const struct namespace_spec *ns)
{
	const cJSON *events = cJSON_GetObjectItemCaseSensitive(item, "events");
	struct presence_draft d = { .nsp_stars = ns->is_pattern ? template_count_stars(eio_cstr(ns->name)) : 0 };

	if (!is_object(l, item)) return;
	config__defaults(l, &config__presence_table, &d);
	config__object(l, &config__presence_table, &d, "", item);
	if (!has(item, "member")) config__error(l, item, "\"member\" is missing: who somebody is");
	if (!events || (cJSON_IsObject(events) && !events->child))
		config__error(l, events ? events : item,
			"\"events\" has none: there are \"here\", \"joining\" and \"leaving\"");
	d.spec.where.nsp = config__copy(l, ns->name);
	if (d.spec.where.nsp && presence_specs_add(l->parts->presence, &d.spec) == 0) return;
	config__error_memory(l);
	presence_spec_deinit(&d.spec);
}

static void
read_count(struct config_loader *l, const cJSON *item, const struct namespace_spec *ns)
{
	struct presence_count_spec spec = { 0 };

	if (!is_object(l, item)) return;
	config__defaults(l, &config__count_table, &spec);
	config__object(l, &config__count_table, &spec, "", item);
	if (!has(item, "event")) config__error(l, item, "\"event\" is missing: by which it is told");
	spec.where.nsp = config__copy(l, ns->name);
	if (spec.where.nsp && presence_specs_add_count(l->parts->presence, &spec) == 0) return;
	config__error_memory(l);
	presence_count_spec_deinit(&spec);
}

static void
read_each(struct config_loader *l, const cJSON *item, const struct namespace_spec *ns,
	void (*read)(struct config_loader *l, const cJSON *item, const struct namespace_spec *ns))
{
	size_t i = 0;

	if (!ns->name) return; /* there was no memory for it */
	if (!cJSON_IsArray(item)) {
		read(l, item, ns);
		return;
	}
	for (const cJSON *e = item->child; e; e = e->next) {
		size_t mark = config__push_index(l, i++);

		read(l, e, ns);
		config__pop(l, mark);
	}
}

void
config__presence(struct config_loader *l, const cJSON *item, void *target)
{
	read_each(l, item, target, read_presence);
}

void
config__count(struct config_loader *l, const cJSON *item, void *target)
{
	read_each(l, item, target, read_count);
}

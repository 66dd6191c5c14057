/* SPDX-License-Identifier: MIT */
/* Rules of rooms, and their rates. */
#include "src/config/rooms.h"

#include "src/clients/namespace.h"
#include "src/clients/pace.h"
#include "src/clients/rules.h"
#include "src/config/rows.h"
#include "src/config/values.h"

static void
read_room_rules(struct config_loader *l, const cJSON *item, struct room_rules *rules, enum room_rule kind)
{
	struct config_strings list;
	struct template_error err;

	if (cJSON_IsArray(item) && !item->child) return; /* none */
	if (!config__strings(l, item, &list)) return;
	for (size_t i = 0; i < list.n; i++) {
		size_t mark = config__push_element(l, item, i);
		bool added = room_rules_add(rules, kind, eio_cstr(list.v[i]), &err) == 0;

		if (!added && err.nomem) config__error_memory(l);
		if (!added && !err.nomem) config__error(l, config__element(item, i), "%s", err.text);
		config__pop(l, mark);
	}
}

/* NULL when out of memory, which is told. */
static struct room_rules *
rules_of(struct config_loader *l, struct namespace_spec *ns)
{
	if (!ns->rules) ns->rules = room_rules_new();
	if (!ns->rules) config__error_memory(l);
	return ns->rules;
}

static void
read_allow(struct config_loader *l, const cJSON *item, void *target)
{
	struct room_rules *rules = rules_of(l, target);

	if (!rules) return;
	room_rules_restrict(rules);
	read_room_rules(l, item, rules, ROOM_RULE_ALLOW);
}

static void
read_deny(struct config_loader *l, const cJSON *item, void *target)
{
	struct room_rules *rules = rules_of(l, target);

	if (rules) read_room_rules(l, item, rules, ROOM_RULE_DENY);
}

/* Rates */

struct rate_draft {
	unsigned per_second; /* 0: not given */
};

#define ROWS_OF struct rate_draft

static const struct config_option rate_rows[] = {
	UINT("perSecond", per_second, 1, HANDLERS_PACE_MAX, NULL),
};

const struct config_table config__room_rate_table = TABLE_OF(rate_rows);

static void
read_room_rate(struct config_loader *l, const cJSON *item, struct namespace_spec *ns)
{
	struct rate_draft d = { 0 };
	unsigned errors = l->notes.errors;

	if (!*item->string) config__error_key(l, item, "an empty name");
	config__object(l, &config__room_rate_table, &d, "", item);
	if (l->notes.errors > errors) return;
	if (!d.per_second)
		config__error(l, item, "needs \"perSecond\", how often in a second");
	else if (room_paces_add(&ns->paces, item->string, d.per_second))
		config__error_memory(l);
}

static void
read_rates(struct config_loader *l, const cJSON *item, void *target)
{
	if (!cJSON_IsObject(item)) {
		config__error(l, item, "expected an object such as {\"slow.*\": {\"perSecond\": 2}}, not %s",
			config__type_name(item));
		return;
	}
	for (const cJSON *m = item->child; m; m = m->next) {
		size_t mark = config__push(l, m->string);

		read_room_rate(l, m, target);
		config__pop(l, mark);
	}
}

static const struct config_option room_rows[] = {
	STRUCT("allow", read_allow, SCHEMA_STRINGS_OR_NONE),
	STRUCT("deny", read_deny, SCHEMA_STRINGS_OR_NONE),
	STRUCT("rate", read_rates, SCHEMA_REF("roomRates")),
};

const struct config_table config__room_table = TABLE_OF(room_rows);

void
config__rooms(struct config_loader *l, const cJSON *item, void *target)
{
	if (cJSON_IsNull(item)) return;
	if (cJSON_IsObject(item))
		config__object(l, &config__room_table, target, "", item);
	else
		config__error(l, item, "expected an object with \"allow\", \"deny\" or \"rate\", not %s",
			config__type_name(item));
}

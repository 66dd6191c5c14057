/* SPDX-License-Identifier: MIT */
/* Rules of rooms. */
#include "src/config/rooms.h"

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

static void
read_allow(struct config_loader *l, const cJSON *item, void *target)
{
	struct room_rules **rules = target;

	room_rules_restrict(*rules);
	read_room_rules(l, item, *rules, ROOM_RULE_ALLOW);
}

static void
read_deny(struct config_loader *l, const cJSON *item, void *target)
{
	struct room_rules **rules = target;

	read_room_rules(l, item, *rules, ROOM_RULE_DENY);
}

static const struct config_option room_rows[] = {
	STRUCT("allow", read_allow, SCHEMA_STRINGS_OR_NONE),
	STRUCT("deny", read_deny, SCHEMA_STRINGS_OR_NONE),
};

const struct config_table config__room_table = TABLE_OF(room_rows);

void
config__rooms(struct config_loader *l, const cJSON *item, void *target)
{
	struct room_rules **out = target;

	if (cJSON_IsNull(item)) return;
	if (!cJSON_IsObject(item)) {
		config__error(
			l, item, "expected an object with \"allow\" or \"deny\", not %s", config__type_name(item));
		return;
	}
	*out = room_rules_new();
	if (*out)
		config__object(l, &config__room_table, out, "", item);
	else
		config__error_memory(l);
}

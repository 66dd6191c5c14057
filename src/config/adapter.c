/* SPDX-License-Identifier: MIT */
/* The words in which other servers speak, and where. */
#include "src/config/adapter.h"

#include "src/adapter/spec.h"
#include "src/config/values.h"

#include <string.h>

const char *const config__adapter_modes[] = { "off", "emit-only", "member", NULL };
const char *const config__adapter_rooms[] = { "dynamic", "dynamic-private", "static", NULL };

/* What one is called; ADAPTER_DIALECTS: none is. */
static size_t
find_dialect(const char *name)
{
	size_t i = 0;

	while (i < ADAPTER_DIALECTS && strcmp(adapter_dialect_name(i), name) != 0) i++;
	return i;
}

static void
no_such_dialect(struct config_loader *l, const cJSON *item, size_t i, const char *name)
{
	size_t mark = config__push_element(l, item, i);

	config__error(l, config__element(item, i),
		"there is no dialect \"%s\"; there are \"classic\", \"sharded\" and \"streams\"", name);
	config__pop(l, mark);
}

void
config__adapter_dialects(struct config_loader *l, const cJSON *item, void *target)
{
	struct config_strings names = { 0 };
	struct adapter_dialects *dialects = target;

	if (!config__strings(l, item, &names)) return;
	*dialects = (struct adapter_dialects){ .first = ADAPTER_CLASSIC };
	if (!names.n) config__error(l, item, "at least one dialect is needed");
	for (size_t i = 0; i < names.n; i++) {
		size_t found = find_dialect(names.v[i]);

		if (found == ADAPTER_DIALECTS) {
			no_such_dialect(l, item, i, names.v[i]);
			continue;
		}
		if (i == 0) dialects->first = (enum adapter_dialect)found;
		dialects->heard[found] = true;
	}
}

void
config__adapter_events(struct config_loader *l, const cJSON *item, void *target)
{
	const char **prefix = target;

	if (cJSON_IsString(item) && !*item->valuestring)
		*prefix = "";
	else
		config__prefix(l, item, target);
}

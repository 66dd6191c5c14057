/* SPDX-License-Identifier: MIT */
/* The words in which other servers speak, and where. */
#include "src/config/adapter.h"

#include "src/adapter/spec.h"
#include "src/config/values.h"

#include <string.h>

const char *const config__adapter_modes[] = { "off", "emit-only", NULL };

/* What one is called; ADAPTER_DIALECTS: none is. */
static size_t
find_dialect(const char *name)
{
	size_t i = 0;

	while (i < ADAPTER_DIALECTS && strcmp(adapter_dialect_name(i), name) != 0) i++;
	return i;
}

void
config__adapter_dialects(struct config_loader *l, const cJSON *item, void *target)
{
	struct config_strings names = { 0 };
	bool *dialects = target;

	if (!config__strings(l, item, &names)) return;
	memset(dialects, 0, ADAPTER_DIALECTS * sizeof *dialects);
	for (size_t i = 0; i < names.n; i++) {
		size_t found = find_dialect(names.v[i]), mark;

		if (found < ADAPTER_DIALECTS) {
			dialects[found] = true;
			continue;
		}
		mark = config__push_element(l, item, i);
		config__error(
			l, config__element(item, i), "there is no dialect \"%s\"; there is \"classic\"", names.v[i]);
		config__pop(l, mark);
	}
}

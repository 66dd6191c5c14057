/* SPDX-License-Identifier: MIT */
/* cors.origin. */
#include "src/config/cors.h"

#include "src/config/values.h"

#include <string.h>

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

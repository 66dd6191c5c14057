/* SPDX-License-Identifier: MIT */
/* cors.origin. */
#include "src/config/cors.h"

#include "eio/net/cors.h"
#include "src/config/values.h"

#include <string.h>

void
config__origin(struct config_loader *l, const cJSON *item, void *target)
{
	struct eio_cors *cors = target;
	struct config_strings origins = { 0 };

	cors->origins = NULL;
	cors->origins_n = 0;
	if (cJSON_IsBool(item)) {
		cors->origin = cJSON_IsTrue(item) ? EIO_CORS_REFLECT : EIO_CORS_OFF;
		return;
	}
	if (!config__strings(l, item, &origins)) return;
	if (cJSON_IsString(item))
		cors->origin = strcmp(item->valuestring, "*") == 0 ? EIO_CORS_ANY : EIO_CORS_FIXED;
	else
		cors->origin = EIO_CORS_LIST;
	cors->origins = origins.v;
	cors->origins_n = origins.n;
	for (size_t i = 0; i < origins.n; i++) {
		const char *s = origins.v[i];

		if (!config__header_safe(s))
			config__error(l, item, "an origin with control characters");
		else if (cors->origin == EIO_CORS_LIST && strchr(s, '*'))
			config__error(l, item, "\"%s\": no wildcards in a list; \"*\" alone allows every origin", s);
	}
}

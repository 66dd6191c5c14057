/* SPDX-License-Identifier: MIT */
/* What of `engine` is no plain value and no subject of its own. */
#include "src/config/engine.h"

#include "src/config/values.h"

#include <string.h>

void
config__transports(struct config_loader *l, const cJSON *item, void *target)
{
	struct config_strings names = { 0 };
	unsigned *set = target, bit;

	if (!config__strings(l, item, &names)) return;
	*set = 0;
	for (size_t i = 0; i < names.n; i++) {
		bit = 0;
		if (strcmp(names.v[i], "polling") == 0) bit = CONFIG_TRANSPORT_POLLING;
		if (strcmp(names.v[i], "websocket") == 0) bit = CONFIG_TRANSPORT_WEBSOCKET;
		if (!bit || (*set & bit))
			config__error(l, item,
				bit ? "\"%s\" stands twice" : "\"%s\" is none of \"polling\", \"websocket\"",
				names.v[i]);
		*set |= bit;
	}
}

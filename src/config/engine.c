/* SPDX-License-Identifier: MIT */
/* What of `engine` is no plain value and no subject of its own. */
#include "src/config/engine.h"

#include "eio/net/server.h"
#include "src/config/values.h"

#include <string.h>

void
config__transports(struct config_loader *l, const cJSON *item, void *target)
{
	struct eio_server_options *server = target;
	struct config_strings names = { 0 };

	if (!config__strings(l, item, &names)) return;
	server->polling = server->websocket = false;
	for (size_t i = 0; i < names.n; i++) {
		bool *one = NULL;

		if (strcmp(names.v[i], "polling") == 0) one = &server->polling;
		if (strcmp(names.v[i], "websocket") == 0) one = &server->websocket;
		if (!one)
			config__error(l, item, "\"%s\" is none of \"polling\", \"websocket\"", names.v[i]);
		else if (*one)
			config__error(l, item, "\"%s\" stands twice", names.v[i]);
		if (one) *one = true;
	}
}

/* SPDX-License-Identifier: MIT */
/* What of `engine` is no plain value and no subject of its own. */
#include "src/config/engine.h"

#include "eio/net/server.h"
#include "src/config/parts.h"
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
		const cJSON *e = config__element(item, i);
		bool *one = NULL;

		if (strcmp(names.v[i], "polling") == 0) one = &server->polling;
		if (strcmp(names.v[i], "websocket") == 0) one = &server->websocket;
		if (!one)
			config__error(l, e, "\"%s\" is none of \"polling\", \"websocket\"", names.v[i]);
		else if (*one)
			config__error(l, e, "\"%s\" stands twice", names.v[i]);
		if (one) *one = true;
	}
}

static void
warn_of_time(struct config_loader *l, const char *key, uint64_t ms)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItemCaseSensitive(l->root, "engine"), key);
	size_t mark;

	if (ms >= 1000) return;
	mark = config__push(l, "engine");
	config__push(l, key);
	config__warn(l, item, "less than a second; where %u seconds are meant write %u000", (unsigned)ms, (unsigned)ms);
	config__pop(l, mark);
}

void
config__engine_warn(struct config_loader *l)
{
	const struct config_parts *p = l->parts;

	warn_of_time(l, "pingInterval", p->server.ping_interval);
	warn_of_time(l, "pingTimeout", p->server.ping_timeout);
	warn_of_time(l, "upgradeTimeout", p->server.upgrade_timeout);
	warn_of_time(l, "connectTimeout", p->connect_timeout_ms);
}

/* SPDX-License-Identifier: MIT */
/* `compat`: what is not as today, and what it excludes. */
#include "src/config/compat.h"

#include "src/config/parts.h"

#include <string.h>

const char *const config__compat_names[] = { "1.x", "2.x", "4.x", NULL };

/* What is not as today, as values of the file, by enum config_compat: those of socket.io 1.7.4 and 2.5.1. What
 * cannot be said so is decided elsewhere: SameSite of cookies in cookie.c, and that the cookie comes with every
 * answer in load.c. */
static const struct {
	const char *path, *values[CONFIG_COMPAT_4];
} compat_defaults[] = {
	{ "engine.pingTimeout", { "60000", "20000" } },
	{ "engine.maxHttpBufferSize", { "100000000", "1000000" } },
	{ "engine.cookie", { "true", "true" } },
	{ "client.version", { "\"1\"", "\"2\"" } },
};

const char *
config__compat_default(enum config_compat compat, const char *path)
{
	if (compat >= CONFIG_COMPAT_4) return NULL;
	for (size_t d = 0; d < sizeof compat_defaults / sizeof compat_defaults[0]; d++)
		if (strcmp(compat_defaults[d].path, path) == 0) return compat_defaults[d].values[compat];
	return NULL;
}

static void
compat_set(struct config_loader *l, const struct config_table *main_table, const char *path, const char *value)
{
	cJSON *item = cJSON_Parse(value);

	if (item)
		config__value(l, main_table, l->parts, path, item);
	else
		config__error_memory(l);
	cJSON_Delete(item);
}

void
config__compat(struct config_loader *l, const struct config_table *main_table, const cJSON *document)
{
	const char *name = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(document, "compat"));
	unsigned i = 0;

	/* A value that is wrong is complained about when its turn comes. */
	while (name && config__compat_names[i] && strcmp(name, config__compat_names[i]) != 0) i++;
	if (!name || i >= CONFIG_COMPAT_4) return;
	l->parts->config.compat = i;
	l->parts->server.cors.origin = EIO_CORS_LEGACY;
	l->parts->server.binary_form = i == CONFIG_COMPAT_1;
	l->parts->server.open_with_messages = i == CONFIG_COMPAT_2;
	for (size_t d = 0; d < sizeof compat_defaults / sizeof compat_defaults[0]; d++)
		compat_set(l, main_table, compat_defaults[d].path, compat_defaults[d].values[i]);
}

void
config__compat_check(struct config_loader *l, const cJSON *document)
{
	const cJSON *cors = cJSON_GetObjectItemCaseSensitive(document, "cors");
	const cJSON *client = cJSON_GetObjectItemCaseSensitive(document, "client");
	const cJSON *version = cJSON_GetObjectItemCaseSensitive(client, "version");
	size_t mark;

	l->parts->config.client.version_given = version != NULL;
	if (version && l->parts->config.client.dir) {
		mark = config__push(l, "client");
		config__error(l, client, "\"version\" and \"dir\" exclude each other");
		config__pop(l, mark);
	}
	/* Those servers had no such options, so what would become of them cannot be meant. */
	if (cors && cors->child && l->parts->server.cors.origin == EIO_CORS_LEGACY) {
		mark = config__push(l, "cors");
		config__error(l, cors, "with \"compat\": \"%s\" this needs \"origin\" too",
			config__compat_names[l->parts->config.compat]);
		config__pop(l, mark);
	}
}

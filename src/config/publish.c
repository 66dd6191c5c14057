/* SPDX-License-Identifier: MIT */
/* Who may publish over HTTP. */
#include "src/config/publish.h"

#include "src/config/parts.h"
#include "src/config/values.h"

#include <errno.h>
#include <unistd.h>
#include <uv.h>

void
config__token_file(struct config_loader *l, const cJSON *item, void *target)
{
	const char **out = target;

	*out = NULL;
	if (cJSON_IsNull(item)) return;
	if (cJSON_IsString(item) && *item->valuestring)
		*out = config__resolve(l, item, item->valuestring);
	else
		config__error(l, item, "expected the path of a file or null, not %s",
			cJSON_IsString(item) ? "an empty string" : config__type_name(item));
}

void
config__publish_check(struct config_loader *l)
{
	const struct config *c = &l->parts->config;
	const cJSON *publish = cJSON_GetObjectItemCaseSensitive(l->root, "publish");
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(publish, "tokenFile");
	const char *file = c->publish.token_file;
	size_t mark;

	if (!file) return;
	mark = config__push(l, "publish");
	config__push(l, "tokenFile");
	if (!c->admin)
		config__error(l, item, "\"admin\" is not set, and that is the port that takes what is published");
	if (l->flags->look && access(file, R_OK)) config__error(l, item, "%s: %s", file, uv_strerror(-errno));
	config__pop(l, mark);
}

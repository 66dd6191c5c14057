/* SPDX-License-Identifier: MIT */
/* Where the log goes and how. */
#include "src/config/log.h"

#include "src/config/parts.h"
#include "src/config/values.h"
#include "src/config/variables.h"

#include <string.h>

void
config__log_target(struct config_loader *l, const cJSON *item, void *target)
{
	const char **out = target;

	*out = NULL;
	if (!cJSON_IsString(item) || !*item->valuestring)
		config__error(l, item, "expected \"stderr\" or the path of a file, not %s",
			cJSON_IsString(item) ? "an empty string" : config__type_name(item));
	else if (strcmp(item->valuestring, "stderr") != 0)
		*out = config__resolve(l, item, item->valuestring);
}

void
config__access_log(struct config_loader *l, const cJSON *item, void *target)
{
	const char **out = target;

	*out = NULL;
	if (!cJSON_IsString(item) || !*item->valuestring)
		config__error(l, item, "expected \"off\", \"log\" or the path of a file, not %s",
			cJSON_IsString(item) ? "an empty string" : config__type_name(item));
	else if (strcmp(item->valuestring, "log") == 0)
		*out = "";
	else if (strcmp(item->valuestring, "off") != 0)
		*out = config__resolve(l, item, item->valuestring);
}

void
config__log_check(struct config_loader *l)
{
	const cJSON *log = cJSON_GetObjectItemCaseSensitive(l->root, "log");
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(l->root, "logLevel");
	const cJSON *level = cJSON_GetObjectItemCaseSensitive(log, "level");
	size_t mark;

	/* A variable stands over the file, whichever of both that says. */
	if (!item || !level || config__variable_of(l, level)) return;
	mark = config__push(l, "logLevel");
	config__error(l, item, "\"log.level\" says the same; keep one of them");
	config__pop(l, mark);
}

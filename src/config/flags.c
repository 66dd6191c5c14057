/* SPDX-License-Identifier: MIT */
/* From flags to rows of the main table. */
#include "src/config/flags.h"

#include "src/config/feeds.h"
#include "src/config/options.h"

#include <stdlib.h>
#include <string.h>

/* Those that say one option. A field is a list of strings or a string. */
static const struct {
	const char *flag, *path;
	bool list, number;
	size_t offset;
} flag_rows[] = {
	{ "--listen", "listen", true, false, offsetof(struct config_flags, listen) },
	{ "--redis", "redis", true, false, offsetof(struct config_flags, redis) },
	{ "--intake", "intake", false, false, offsetof(struct config_flags, intake) },
	{ "--admin", "admin", false, false, offsetof(struct config_flags, admin) },
	{ "--path", "path", false, false, offsetof(struct config_flags, path) },
	{ "--www", "www", false, false, offsetof(struct config_flags, www) },
	{ "--log-level", "log.level", false, false, offsetof(struct config_flags, log_level) },
	{ "--workers", "workers", false, true, offsetof(struct config_flags, workers) },
};

enum { FLAG_ROWS = sizeof flag_rows / sizeof flag_rows[0] };

static bool
is_number(const char *s)
{
	char *end;

	strtod(s, &end);
	return *s >= '0' && *s <= '9' && !*end;
}

static const struct config_strings *
flag_list(const struct config_flags *flags, size_t i)
{
	return (const struct config_strings *)(const void *)((const char *)flags + flag_rows[i].offset);
}

static const char *
flag_text(const struct config_flags *flags, size_t i)
{
	return *(const char *const *)(const void *)((const char *)flags + flag_rows[i].offset);
}

static bool
is_flag_given(const struct config_flags *flags, size_t i)
{
	return flag_rows[i].list ? flag_list(flags, i)->n > 0 : flag_text(flags, i) != NULL;
}

/* Of one that is given. NULL when out of memory. */
static cJSON *
item_of_flag(const struct config_flags *flags, size_t i)
{
	const struct config_strings *list = flag_list(flags, i);

	if (flag_rows[i].list) return cJSON_CreateStringArray(list->v, (int)list->n);
	if (flag_rows[i].number) return cJSON_CreateNumber(strtod(flag_text(flags, i), NULL));
	return cJSON_CreateString(flag_text(flags, i));
}

static void
apply_flag(struct config_loader *l, size_t i)
{
	cJSON *item;

	l->flag = flag_rows[i].flag;
	if (flag_rows[i].number && !is_number(flag_text(l->flags, i))) {
		config__error(l, NULL, "\"%s\" is not a number", flag_text(l->flags, i));
		return;
	}
	item = item_of_flag(l->flags, i);
	if (item)
		config__value(l, &config__main_table, l->parts, flag_rows[i].path, item);
	else
		config__error_memory(l);
	cJSON_Delete(item);
}

/* See struct config_loader. The path may be of an element. */
static const char *
flag_of(const struct config_flags *flags, const char *path)
{
	for (size_t i = 0; i < FLAG_ROWS; i++) {
		size_t n = strlen(flag_rows[i].path);

		if (strncmp(flag_rows[i].path, path, n) != 0 || (path[n] && path[n] != '[')) continue;
		if (is_flag_given(flags, i)) return flag_rows[i].flag;
	}
	return NULL;
}

void
config__flags_apply(struct config_loader *l)
{
	for (size_t i = 0; i < FLAG_ROWS; i++)
		if (is_flag_given(l->flags, i)) apply_flag(l, i);
	l->flag = "--feed";
	for (size_t i = 0; i < l->flags->feeds.n; i++) config__feed_flag(l, l->flags->feeds.v[i]);
	l->flag = NULL;
	l->flag_of = flag_of;
}

cJSON *
config__flag_item(const struct config_flags *flags, const char *path, const char **flag, bool *failed)
{
	cJSON *item;

	for (size_t i = 0; i < FLAG_ROWS; i++) {
		if (strcmp(flag_rows[i].path, path) != 0 || !is_flag_given(flags, i)) continue;
		item = item_of_flag(flags, i);
		*flag = flag_rows[i].flag;
		*failed |= !item;
		return item;
	}
	return NULL;
}

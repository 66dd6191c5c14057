/* SPDX-License-Identifier: MIT */
/* Kinds of values that several subjects have. */
#include "src/config/values.h"

#include "src/config/table.h"

#include <string.h>

/* A string counts as a list of one. Returns the first element and sets *n, or NULL after an error. */
static const cJSON *
values_as_list(struct config_loader *l, const cJSON *item, size_t *n)
{
	if (cJSON_IsString(item)) {
		*n = 1;
		return item;
	}
	if (!cJSON_IsArray(item)) {
		config__error(l, item, "expected a string or a list of strings, not %s", config__type_name(item));
		return NULL;
	}
	*n = (size_t)cJSON_GetArraySize(item);
	if (!*n) config__error(l, item, "an empty list");
	return item->child;
}

const cJSON *
config__element(const cJSON *item, size_t i)
{
	return cJSON_IsArray(item) ? cJSON_GetArrayItem(item, (int)i) : item;
}

size_t
config__push_element(struct config_loader *l, const cJSON *item, size_t i)
{
	return cJSON_IsArray(item) ? config__push_index(l, i) : config__push(l, "");
}

bool
config__strings(struct config_loader *l, const cJSON *item, struct config_strings *out)
{
	size_t n;
	const cJSON *first = values_as_list(l, item, &n), *s = first;
	bool good = true;

	if (!first) return false;
	out->v = config__alloc(l, n * sizeof *out->v);
	if (!out->v) return false;
	for (size_t i = 0; i < n; i++, s = s->next) {
		size_t mark = config__push_element(l, item, i);

		if (!cJSON_IsString(s) || !*s->valuestring) {
			config__error(l, s, "expected a string that is not empty");
			good = false;
		} else if (!(out->v[i] = config__strdup(l, s->valuestring))) {
			good = false;
		}
		config__pop(l, mark);
	}
	out->n = n;
	return good;
}

bool
config__namespace_name(struct config_loader *l, const cJSON *item, const char *s)
{
	if (s[0] == '/' && !strpbrk(s, ",?")) return true;
	config__error(l, item, "a namespace starts with \"/\" and holds no ',' and no '?'");
	return false;
}

bool
config__header_safe(const char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s < 0x20 || *s == 0x7f) return false;
	return true;
}

void
config__header_list(struct config_loader *l, const cJSON *item, void *target)
{
	struct config_strings list = { 0 };
	const char **out = target;
	size_t n = 1;
	char *text;

	*out = NULL;
	if (cJSON_IsNull(item) || !config__strings(l, item, &list)) return;
	for (size_t i = 0; i < list.n; i++) n += strlen(list.v[i]) + 1;
	text = config__alloc(l, n);
	if (!text) return;
	for (size_t i = 0; i < list.n; i++) {
		if (i) strcat(text, ",");
		strcat(text, list.v[i]);
	}
	if (!config__header_safe(text)) config__error(l, item, "control characters cannot stand in a header");
	*out = text;
}

void
config__max_age(struct config_loader *l, const cJSON *item, void *target)
{
	int64_t *out = target;

	*out = -1;
	if (cJSON_IsNull(item)) return;
	if (!cJSON_IsNumber(item) || item->valuedouble < 0 || item->valuedouble > 4e9 ||
		item->valuedouble != (double)(int64_t)item->valuedouble)
		config__error(l, item, "expected a whole number of seconds");
	else
		*out = (int64_t)item->valuedouble;
}

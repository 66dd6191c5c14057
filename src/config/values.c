/* SPDX-License-Identifier: MIT */
/* Kinds of values that several subjects have. */
#include "src/config/values.h"

#include "src/config/hints.h"
#include "src/config/variables.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *
config__type_name(const cJSON *item)
{
	if (cJSON_IsString(item)) return "a string";
	if (cJSON_IsNumber(item)) return "a number";
	if (cJSON_IsBool(item)) return "a boolean";
	if (cJSON_IsArray(item)) return "a list";
	if (cJSON_IsObject(item)) return "an object";
	return "null";
}

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
config__number(struct config_loader *l, const cJSON *item, const char *key, double *out)
{
	const char *text = cJSON_IsString(item) ? item->valuestring : "";
	char hint[48], *end;

	if (cJSON_IsNumber(item)) {
		*out = item->valuedouble;
		return true;
	}
	if (config__is_variable(item)) {
		*out = strtod(text, &end);
		if (((*text >= '0' && *text <= '9') || *text == '-') && !*end) return true;
	}
	config__number_hint(key, text, hint, sizeof hint);
	config__error(l, item, "expected a number, not %s%s", config__type_name(item), hint);
	return false;
}

void
config__warn_unquoted(struct config_loader *l, const cJSON *item, const char *s)
{
	if (config__looks_unquoted(s) && !config__is_variable(item))
		config__warn(l, item, "\"%s\" in quotes is a text like any other", s);
}

/* The folder of the file, absolute and with a slash at its end. */
static bool
folder_of_file(const struct config_loader *l, char out[PATH_MAX])
{
	const char *slash = strrchr(l->name, '/');
	char folder[PATH_MAX] = ".";
	size_t n;

	if (slash && slash - l->name + 2 > PATH_MAX) return false;
	if (slash) snprintf(folder, sizeof folder, "%.*s", (int)(slash - l->name + 1), l->name);
	if (!realpath(folder, out)) return false;
	n = strlen(out);
	if (out[n - 1] == '/') return true;
	if (n + 2 > PATH_MAX) return false;
	strcpy(out + n, "/");
	return true;
}

const char *
config__resolve(struct config_loader *l, const cJSON *item, const char *path)
{
	char folder[PATH_MAX], *whole;
	size_t n;

	if (*path == '/' || !config__source(l, item).n || l->flag || l->variable || !folder_of_file(l, folder))
		return config__strdup(l, path);
	n = strlen(folder) + strlen(path) + 1;
	whole = config__alloc(l, n);
	if (!whole) return NULL;
	snprintf(whole, n, "%s%s", folder, path);
	config__warn(l, item, "\"%s\" is relative to the folder of this file: %s", path, whole);
	return whole;
}

/* what: with its article. */
static void
read_path(struct config_loader *l, const cJSON *item, const char *what, const char **out)
{
	*out = NULL;
	if (cJSON_IsNull(item)) return;
	if (!cJSON_IsString(item) || !*item->valuestring) {
		config__error(l, item, "expected the path of %s or null, not %s", what,
			cJSON_IsString(item) ? "an empty string" : config__type_name(item));
		return;
	}
	config__warn_unquoted(l, item, item->valuestring);
	*out = config__resolve(l, item, item->valuestring);
}

void
config__folder(struct config_loader *l, const cJSON *item, void *target)
{
	read_path(l, item, "a folder", target);
}

void
config__path(struct config_loader *l, const cJSON *item, void *target)
{
	read_path(l, item, "a file", target);
}

bool
config__namespace_valid(const char *s)
{
	return s[0] == '/' && !strpbrk(s, ",?");
}

void
config__prefix(struct config_loader *l, const cJSON *item, void *target)
{
	const char **out = target;

	if (cJSON_IsString(item) && *item->valuestring)
		*out = config__strdup(l, item->valuestring);
	else
		config__error(l, item, "expected a string that is not empty");
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

	double seconds;

	*out = -1;
	if (cJSON_IsNull(item) || !config__number(l, item, "maxAge", &seconds)) return;
	if (seconds < 0 || seconds > 4e9 || seconds != (double)(int64_t)seconds)
		config__error(l, item, "expected a whole number of seconds");
	else
		*out = (int64_t)seconds;
}

void
config__handlers_error(void *user, const struct handlers_error *e)
{
	struct config_loader *l = user;

	if (e->item)
		config__error(l, e->item, "%s%s%s", e->path, *e->path ? ": " : "", e->text);
	else
		config__error_memory(l);
}

/* SPDX-License-Identifier: MIT */
/* Reading objects by tables of rows. */
#include "src/config/table.h"

#include "eio/check.h"
#include "src/config/hints.h"
#include "src/config/parts.h"
#include "src/config/values.h"
#include "src/config/variables.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* The row of a path, or NULL. */
static const struct config_option *
find_row(const struct config_table *t, const char *path)
{
	for (size_t i = 0; i < t->n; i++)
		if (strcmp(t->rows[i].path, path) == 0) return &t->rows[i];
	return NULL;
}

static const char *
last_part(const char *path)
{
	const char *dot = strrchr(path, '.');

	return dot ? dot + 1 : path;
}

/* Whether a row's path is prefix plus one more part. */
static bool
is_member(const char *path, const char *prefix)
{
	size_t n = strlen(prefix);

	if (n && (strncmp(path, prefix, n) != 0 || path[n] != '.')) return false;
	return !strchr(path + n + (n > 0), '.');
}

/* The nearest key at the same level; else the full path of the same key elsewhere; else NULL. */
static const char *
nearest(const struct config_table *t, const char *prefix, const char *key)
{
	unsigned best = 2 + (unsigned)strlen(key) / 4, d;
	const char *found = NULL;

	for (size_t i = 0; i < t->n; i++) {
		if (!is_member(t->rows[i].path, prefix)) continue;
		d = config__distance(last_part(t->rows[i].path), key);
		if (d >= best) continue;
		best = d;
		found = last_part(t->rows[i].path);
	}
	for (size_t i = 0; !found && i < t->n; i++)
		if (strcasecmp(last_part(t->rows[i].path), key) == 0) found = t->rows[i].path;
	return found;
}

static void
wrong_type(struct config_loader *l, const cJSON *item, const char *wanted)
{
	config__error(l, item, "expected %s, not %s", wanted, config__type_name(item));
}

/* A whole number in the row's range. */
static bool
read_whole_number(struct config_loader *l, const struct config_option *o, const cJSON *item, double *out)
{
	if (!config__number(l, item, last_part(o->path), out)) return false;
	if (*out >= o->min && *out <= o->max && floor(*out) == *out) return true;
	config__error(l, item, "expected a whole number from %.0f to %.0f", o->min, o->max);
	return false;
}

static void
read_bool(struct config_loader *l, const cJSON *item, bool *target)
{
	const char *text = cJSON_IsString(item) ? item->valuestring : "";
	int meant = cJSON_IsNumber(item) && (item->valuedouble == 0 || item->valuedouble == 1)
			    ? item->valuedouble == 1
			    : config__boolean_of(text);

	if (cJSON_IsBool(item))
		*target = cJSON_IsTrue(item);
	else if (config__is_variable(item) && (strcmp(text, "true") == 0 || strcmp(text, "false") == 0))
		*target = *text == 't';
	else if (meant >= 0)
		config__error(l, item, "expected true or false, not %s; write %s", config__type_name(item),
			meant ? "true" : "false");
	else
		wrong_type(l, item, "true or false");
}

/* Of names in a list, the one that is nearest to a text; or NULL. */
static const char *
nearest_name(const char *const *names, const char *text)
{
	unsigned best = 1 + (unsigned)strlen(text) / 4, d;
	const char *found = NULL;

	for (; *names; names++) {
		d = config__distance(*names, text);
		if (d >= best) continue;
		best = d;
		found = *names;
	}
	return found;
}

static void
read_enum(struct config_loader *l, const struct config_option *o, const cJSON *item, void *target)
{
	char list[128] = "";
	const char *hint;
	size_t n = 0;

	if (!cJSON_IsString(item)) {
		wrong_type(l, item, "a string");
		return;
	}
	for (unsigned i = 0; o->names[i]; i++) {
		if (strcmp(o->names[i], item->valuestring) == 0) {
			*(unsigned *)target = i;
			return;
		}
		n += (size_t)snprintf(list + n, sizeof list - n, "%s\"%s\"", i ? ", " : "", o->names[i]);
		if (n >= sizeof list) n = sizeof list - 1;
	}
	hint = nearest_name(o->names, item->valuestring);
	config__error(l, item, "\"%s\" is none of %s%s%s%s", item->valuestring, list, hint ? "; did you mean \"" : "",
		hint ? hint : "", hint ? "\"?" : "");
}

static void
read_string(struct config_loader *l, const cJSON *item, const char **target)
{
	if (cJSON_IsNull(item)) {
		*target = NULL;
	} else if (!cJSON_IsString(item)) {
		wrong_type(l, item, "a string");
	} else if (!*item->valuestring) {
		config__error(l, item, "an empty string");
	} else {
		config__warn_unquoted(l, item, item->valuestring);
		*target = config__strdup(l, item->valuestring);
	}
}

/* Keeps a value as text, for who will ask whether it is another one. */
static void
note_value(struct config_loader *l, size_t row, const cJSON *item)
{
	char *text = cJSON_PrintUnformatted(item);

	if (text)
		l->parts->said[row] = config__strdup(l, text);
	else
		config__error_memory(l);
	cJSON_free(text);
}

static void
read_row(struct config_loader *l, const struct config_table *t, const struct config_option *o, void *base,
	const cJSON *item)
{
	char *target = (char *)base + o->offset;
	double number;

	CHECK((o->type == CONFIG_TYPE_CUSTOM) == (o->custom != NULL) &&
		(o->type == CONFIG_TYPE_ENUM) == (o->names != NULL));
	if (t == l->noted && o->custom) note_value(l, (size_t)(o - t->rows), item);
	switch (o->type) {
	case CONFIG_TYPE_SECTION: config__object(l, t, base, o->path, item); break;
	case CONFIG_TYPE_UINT:
		if (read_whole_number(l, o, item, &number)) *(unsigned *)(void *)target = (unsigned)number;
		break;
	case CONFIG_TYPE_UINT64:
		if (read_whole_number(l, o, item, &number)) *(uint64_t *)(void *)target = (uint64_t)number;
		break;
	case CONFIG_TYPE_SIZE:
		if (read_whole_number(l, o, item, &number)) *(size_t *)(void *)target = (size_t)number;
		break;
	case CONFIG_TYPE_BOOL: read_bool(l, item, (bool *)(void *)target); break;
	case CONFIG_TYPE_STRING: read_string(l, item, (const char **)(void *)target); break;
	case CONFIG_TYPE_ENUM: read_enum(l, o, item, target); break;
	case CONFIG_TYPE_CUSTOM: o->custom(l, item, target); break;
	}
}

void
config__value(struct config_loader *l, const struct config_table *t, void *base, const char *path, const cJSON *item)
{
	const struct config_option *o = find_row(t, path);

	CHECK(o);
	read_row(l, t, o, base, item);
}

void
config__defaults(struct config_loader *l, const struct config_table *t, void *base)
{
	for (size_t i = 0; i < t->n; i++) {
		const struct config_option *o = &t->rows[i];
		cJSON *item;
		size_t mark;

		if (!o->fallback) continue;
		item = cJSON_Parse(o->fallback);
		mark = config__push(l, o->path);
		if (item)
			read_row(l, t, o, base, item);
		else
			config__error_memory(l);
		config__pop(l, mark);
		cJSON_Delete(item);
	}
}

static bool
is_doubled(const cJSON *object, const cJSON *member)
{
	for (const cJSON *m = object->child; m != member; m = m->next)
		if (strcmp(m->string, member->string) == 0) return true;
	return false;
}

/* prefix: the object's own path inside the table, "" for the whole table. */
static void
read_member(struct config_loader *l, const struct config_table *t, void *base, const char *prefix, const cJSON *object,
	const cJSON *member)
{
	char path[128];
	const struct config_option *o;
	const char *hint;

	snprintf(path, sizeof path, "%s%s%s", prefix, *prefix ? "." : "", member->string);
	o = strchr(member->string, '.') ? NULL : find_row(t, path);
	if (is_doubled(object, member)) {
		config__error_key(l, member, "the key stands twice");
	} else if (o) {
		read_row(l, t, o, base, member);
	} else {
		hint = nearest(t, prefix, member->string);
		if (hint)
			config__error_key(l, member, "unknown key; did you mean \"%s\"?", hint);
		else
			config__error_key(l, member, "unknown key");
	}
}

void
config__object(
	struct config_loader *l, const struct config_table *t, void *base, const char *prefix, const cJSON *object)
{
	const char *outer = l->variable;
	size_t mark;

	if (!cJSON_IsObject(object)) {
		wrong_type(l, object, "an object");
		return;
	}
	for (const cJSON *m = object->child; m; m = m->next) {
		mark = config__push(l, m->string);
		if (!outer) l->variable = config__variable_of(l, m);
		read_member(l, t, base, prefix, object, m);
		l->variable = outer;
		config__pop(l, mark);
	}
}

/* SPDX-License-Identifier: MIT */
/* What of the configuration comes from variables of the environment. */
#include "src/config/variables.h"

#include <stdio.h>
#include <stdlib.h>

/* A cJSON string has no use for its number: here it tells that all of the text comes from a variable. */
enum { FROM_VARIABLE = 1 };

struct config_variable *
config__variable_add(struct config_loader *l, const char *name, const cJSON *item)
{
	struct config_variable *v = calloc(1, sizeof *v);

	if (!v) return NULL;
	v->item = item;
	snprintf(v->name, sizeof v->name, "%s", name);
	v->next = l->variables;
	l->variables = v;
	return v;
}

void
config__variables_free(struct config_loader *l)
{
	struct config_variable *next;

	for (struct config_variable *v = l->variables; v; v = next) {
		next = v->next;
		cJSON_Delete(v->replaced);
		free(v);
	}
	l->variables = NULL;
}

const char *
config__variable_of(const struct config_loader *l, const cJSON *item)
{
	for (const struct config_variable *v = l->variables; v; v = v->next)
		if (v->item == item) return v->name;
	return NULL;
}

static bool
is_within(const cJSON *item, const cJSON *whole)
{
	if (item == whole) return true;
	for (const cJSON *m = whole->child; m; m = m->next)
		if (is_within(item, m)) return true;
	return false;
}

const char *
config__variable_around(const struct config_loader *l, const cJSON *item)
{
	for (const struct config_variable *v = l->variables; item && v; v = v->next)
		if (v->item && is_within(item, v->item)) return v->name;
	return NULL;
}

bool
config__is_variable(const cJSON *item)
{
	return cJSON_IsString(item) && item->valueint == FROM_VARIABLE;
}

void
config__mark_variable(cJSON *item)
{
	item->valueint = FROM_VARIABLE;
}

/* SPDX-License-Identifier: MIT */
/* What of the configuration comes from variables of the environment. */
#ifndef SRC_CONFIG_VARIABLES_H
#define SRC_CONFIG_VARIABLES_H

#include "src/config/loader.h"

#define CONFIG_VARIABLE_MAX 128 /* bytes of a name, with its NUL */

/* An item that a variable has said. What it replaced is put aside and lives as long: the document knows its place. */
struct config_variable {
	struct config_variable *next;
	const cJSON *item;
	cJSON *replaced; /* owned, or NULL */
	char name[CONFIG_VARIABLE_MAX];
};

/* Notes one; it belongs to the loader. NULL when out of memory. */
struct config_variable *config__variable_add(struct config_loader *l, const char *name, const cJSON *item);
void config__variables_free(struct config_loader *l);

/* The variable that has said a member of an object, or NULL. */
const char *config__variable_of(const struct config_loader *l, const cJSON *item);

/* The variable that has said an item, or what it is in; NULL when the file has. For what is told. */
const char *config__variable_around(const struct config_loader *l, const cJSON *item);

/* Whether a string is what a variable says and nothing else, and how it becomes one. */
bool config__is_variable(const cJSON *item);
void config__mark_variable(cJSON *item);

#endif

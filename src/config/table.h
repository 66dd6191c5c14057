/* SPDX-License-Identifier: MIT */
/*
 * Tables of options: a row for each key of one kind of object, and what reads
 * objects by them. It knows no key: what a row cannot say is a function in the row.
 */
#ifndef SRC_CONFIG_TABLE_H
#define SRC_CONFIG_TABLE_H

#include "src/config/loader.h"

enum config_type {
	CONFIG_TYPE_SECTION, /* an object whose members are rows of the same table, "path.member" */
	CONFIG_TYPE_UINT, /* unsigned, or int */
	CONFIG_TYPE_UINT64, /* uint64_t */
	CONFIG_TYPE_SIZE, /* size_t */
	CONFIG_TYPE_BOOL, /* bool */
	CONFIG_TYPE_STRING, /* const char *; null in the file means NULL */
	CONFIG_TYPE_ENUM, /* an enum whose names are listed in order */
	CONFIG_TYPE_CUSTOM, /* a function */
};

/* Reads one value into *target. Reports what is wrong with it by config__error. */
typedef void (*config_custom_fn)(struct config_loader *l, const cJSON *item, void *target);

struct config_option {
	const char *path;
	enum config_type type;
	size_t offset; /* of the target in the table's struct */
	const char *fallback; /* JSON: the value when it is not configured; NULL: the target stays as it is */
	double min, max; /* of numbers */
	const char *const *names; /* of an enum, ended by NULL */
	config_custom_fn custom;
	const char *schema; /* of what the function takes: see schema.h */
	bool alias; /* another name of an option: it has no variable of its own */
};

/* A table of options for one kind of struct. */
struct config_table {
	const struct config_option *rows;
	size_t n;
};

/* Sets every row of a table to its fallback. */
void config__defaults(struct config_loader *l, const struct config_table *t, void *base);

/* Reads the members of an object by the rows "prefix.member" of a table ("" for the rows without a dot): unknown,
 * doubled and badly typed ones are errors. */
void config__object(
	struct config_loader *l, const struct config_table *t, void *base, const char *prefix, const cJSON *object);

/* Reads one value by the row of that path, which must be there. */
void config__value(
	struct config_loader *l, const struct config_table *t, void *base, const char *path, const cJSON *item);

#endif

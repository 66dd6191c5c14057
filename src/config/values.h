/* SPDX-License-Identifier: MIT */
/* Kinds of values that several subjects have. */
#ifndef SRC_CONFIG_VALUES_H
#define SRC_CONFIG_VALUES_H

#include "src/config/loader.h"
#include "src/handlers/handlers.h"

/* The name of an item's type, with an article: "a string". */
const char *config__type_name(const cJSON *item);

/* Reads a string, which counts as a list of one, or a list of strings; none is empty. false after an error. */
bool config__strings(struct config_loader *l, const cJSON *item, struct config_strings *out);

/* The i-th element of what config__strings() takes, and its path: for errors that are found later. */
const cJSON *config__element(const cJSON *item, size_t i);
size_t config__push_element(struct config_loader *l, const cJSON *item, size_t i);

/* Reads a number, or the text of one that comes from the environment; key: for what would be right. false after an
 * error. */
bool config__number(struct config_loader *l, const cJSON *item, const char *key, double *out);

/* Warns of a string such as "false", which is a name or a text where it stands. */
void config__warn_unquoted(struct config_loader *l, const cJSON *item, const char *s);

/* A path of the file that is relative belongs to the file's folder: what it means then, with a warning that says so.
 * One from elsewhere is what it is. NULL when out of memory. */
const char *config__resolve(struct config_loader *l, const cJSON *item, const char *path);

/* Rows: the path of a folder, of a file, or null, into a const char *. */
void config__folder(struct config_loader *l, const cJSON *item, void *target);
void config__path(struct config_loader *l, const cJSON *item, void *target);

/* A row: what names of keys and channels in Redis begin with, into a const char *. */
void config__prefix(struct config_loader *l, const cJSON *item, void *target);

/* Whether a string can stand in the value of an HTTP header. */
bool config__header_safe(const char *s);

/* Whether a string can name a namespace, and what to say when not. */
bool config__namespace_valid(const char *s);
#define CONFIG_NAMESPACE_WANTED "a namespace starts with \"/\" and holds no ',' and no '?'"

/* Rows: strings as the value of a header, joined by commas, into a const char *; seconds, or null for -1, into an
 * int64_t. */
void config__header_list(struct config_loader *l, const cJSON *item, void *target);
void config__max_age(struct config_loader *l, const cJSON *item, void *target);

/* Reports a mistake in what src/handlers compiles: a handlers_error_fn, whose user is the loader. The message keeps the
 * JSON pointer that says where it is. */
void config__handlers_error(void *user, const struct handlers_error *e);

#endif

/* SPDX-License-Identifier: MIT */
/* Kinds of values that several subjects have. */
#ifndef SRC_CONFIG_VALUES_H
#define SRC_CONFIG_VALUES_H

#include "src/config/loader.h"

/* Reads a string, which counts as a list of one, or a list of strings; none is empty. false after an error. */
bool config__strings(struct config_loader *l, const cJSON *item, struct config_strings *out);

/* The i-th element of what config__strings() takes, and its path: for errors that are found later. */
const cJSON *config__element(const cJSON *item, size_t i);
size_t config__push_element(struct config_loader *l, const cJSON *item, size_t i);

/* Whether a string can stand in the value of an HTTP header. */
bool config__header_safe(const char *s);

/* Whether a string can name a namespace; an error is reported at item when not. */
bool config__namespace_name(struct config_loader *l, const cJSON *item, const char *s);

/* Rows: strings as the value of a header, joined by commas, into a const char *; seconds, or null for -1, into an
 * int64_t. */
void config__header_list(struct config_loader *l, const cJSON *item, void *target);
void config__max_age(struct config_loader *l, const cJSON *item, void *target);

#endif

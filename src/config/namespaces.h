/* SPDX-License-Identifier: MIT */
/* `namespaces`. */
#ifndef SRC_CONFIG_NAMESPACES_H
#define SRC_CONFIG_NAMESPACES_H

#include "src/config/table.h"

/* A row; the target is the struct namespace_specs *, which is replaced. */
void config__namespaces(struct config_loader *l, const cJSON *item, void *target);

/* What may stand in an object. */
extern const struct config_table config__namespace_table;

#endif

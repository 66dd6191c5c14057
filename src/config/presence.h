/* SPDX-License-Identifier: MIT */
/* `presence` and `count` of a namespace. */
#ifndef SRC_CONFIG_PRESENCE_H
#define SRC_CONFIG_PRESENCE_H

#include "src/config/table.h"

/* Rows; the target is the struct namespace_spec, which has its name. They add to the parts' presence. */
void config__presence(struct config_loader *l, const cJSON *item, void *target);
void config__count(struct config_loader *l, const cJSON *item, void *target);

/* What may stand in the objects. */
extern const struct config_table config__presence_table, config__count_table;

#endif

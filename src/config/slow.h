/* SPDX-License-Identifier: MIT */
/* The rule of a feed for clients that are too slow. */
#ifndef SRC_CONFIG_SLOW_H
#define SRC_CONFIG_SLOW_H

#include "src/config/table.h"

/* Reads the rule into a struct feed_spec. */
void config__slow(struct config_loader *l, const cJSON *item, void *target);

/* What may stand in an object. */
extern const struct config_table config__latest_table;

#endif

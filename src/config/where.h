/* SPDX-License-Identifier: MIT */
/* `where` of a feed. */
#ifndef SRC_CONFIG_WHERE_H
#define SRC_CONFIG_WHERE_H

#include "src/config/loader.h"

/* A row of a struct feed_spec. What its `where` was is replaced. */
void config__where(struct config_loader *l, const cJSON *item, void *target);

#endif

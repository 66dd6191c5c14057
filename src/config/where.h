/* SPDX-License-Identifier: MIT */
/* Conditions, such as `where` of a feed. */
#ifndef SRC_CONFIG_WHERE_H
#define SRC_CONFIG_WHERE_H

#include "src/config/loader.h"

/* A row whose target is a struct where. What it was is replaced. */
void config__where(struct config_loader *l, const cJSON *item, void *target);

#endif

/* SPDX-License-Identifier: MIT */
/* `namespaces`. */
#ifndef SRC_CONFIG_NAMESPACES_H
#define SRC_CONFIG_NAMESPACES_H

#include "src/config/loader.h"

/* A row; the target is the struct namespace_specs *, which is replaced. */
void config__namespaces(struct config_loader *l, const cJSON *item, void *target);

#endif

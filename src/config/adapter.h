/* SPDX-License-Identifier: MIT */
/* With which servers of Node events are shared. */
#ifndef SRC_CONFIG_ADAPTER_H
#define SRC_CONFIG_ADAPTER_H

#include "src/config/loader.h"

/* The names of enum adapter_mode. */
extern const char *const config__adapter_modes[];

/* A row: names of dialects, into the bools of a struct adapter_spec. */
void config__adapter_dialects(struct config_loader *l, const cJSON *item, void *target);

#endif

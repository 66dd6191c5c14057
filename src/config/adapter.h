/* SPDX-License-Identifier: MIT */
/* With which servers of Node events are shared. */
#ifndef SRC_CONFIG_ADAPTER_H
#define SRC_CONFIG_ADAPTER_H

#include "src/config/loader.h"

/* The names of enum adapter_mode, and of enum adapter_rooms_mode. */
extern const char *const config__adapter_modes[], *const config__adapter_rooms[];

/* A row: names of dialects, into a struct adapter_dialects. */
void config__adapter_dialects(struct config_loader *l, const cJSON *item, void *target);

/* The same: what channels begin with, or "". */
void config__adapter_events(struct config_loader *l, const cJSON *item, void *target);

#endif

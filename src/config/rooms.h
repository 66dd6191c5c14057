/* SPDX-License-Identifier: MIT */
/* "rooms" of a namespace: which its clients may ask for, and how often they are written to for them. */
#ifndef SRC_CONFIG_ROOMS_H
#define SRC_CONFIG_ROOMS_H

#include "src/config/table.h"

/* A row: into a struct namespace_spec. */
void config__rooms(struct config_loader *l, const cJSON *item, void *target);

/* What may stand in an object, and in the rate of a room. */
extern const struct config_table config__room_table, config__room_rate_table;

#endif

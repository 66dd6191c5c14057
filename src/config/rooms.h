/* SPDX-License-Identifier: MIT */
/* "rooms" of a namespace: which its clients may ask for. */
#ifndef SRC_CONFIG_ROOMS_H
#define SRC_CONFIG_ROOMS_H

#include "src/config/table.h"

/* A row: into a struct room_rules *, owned by whoever owns the target. */
void config__rooms(struct config_loader *l, const cJSON *item, void *target);

/* What may stand in an object. */
extern const struct config_table config__room_table;

#endif

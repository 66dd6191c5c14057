/* SPDX-License-Identifier: MIT */
/* `intake`: where clients of Redis publish to siocast itself; and what there is without Redis. */
#ifndef SRC_CONFIG_INTAKE_H
#define SRC_CONFIG_INTAKE_H

#include "src/config/table.h"

/* A row about struct config's intake: an address, an object, or none. */
void config__intake(struct config_loader *l, const cJSON *item, void *target);

/* What may stand in an object. */
extern const struct config_table config__intake_table;

/* Where there is an intake and nobody has named a Redis, there is none: complains of all that needs one. */
void config__intake_finish(struct config_loader *l);

/* Warns of presence that is to be shared, where there is no Redis. */
void config__warn_of_presence(struct config_loader *l);

#endif

/* SPDX-License-Identifier: MIT */
/* The relay: whether edges come here, and whether this one is an edge itself. */
#ifndef SRC_CONFIG_RELAY_H
#define SRC_CONFIG_RELAY_H

#include "src/config/table.h"

/* Whether a source is the address of a hub; and reads one. */
bool config__relay_is_hub(const char *source);
void config__relay_hub(struct config_loader *l, const cJSON *item);

/* What the whole tells: behind all that is about feeds and nodes. */
void config__relay_finish(struct config_loader *l);

#endif

/* SPDX-License-Identifier: MIT */
/* The relay: what must be right where edges come, and of an edge. */
#ifndef SRC_CONFIG_RELAY_H
#define SRC_CONFIG_RELAY_H

#include "src/config/table.h"

/* What the whole tells: behind all that is about feeds and nodes. */
void config__relay_finish(struct config_loader *l);

#endif

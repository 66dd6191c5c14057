/* SPDX-License-Identifier: MIT */
/* Several siocasts as one: what this one is called, and where the others are. */
#ifndef SRC_CONFIG_NODES_H
#define SRC_CONFIG_NODES_H

#include "src/config/loader.h"

/* A row: the name of this node, a const char *. */
void config__node(struct config_loader *l, const cJSON *item, void *target);

/* A row: the others, a struct peers_spec. */
void config__peers(struct config_loader *l, const cJSON *item, void *target);

/* Whether the source of a server is the address of a hub; and reads one, a string. */
bool config__is_hub(const char *source);
void config__hub(struct config_loader *l, const cJSON *item);

/* What the whole tells of them. */
void config__nodes_finish(struct config_loader *l);

#endif

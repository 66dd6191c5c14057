/* SPDX-License-Identifier: MIT */
/* Several siocasts as one: what this one is called, and where the others are. */
#ifndef SRC_CONFIG_NODES_H
#define SRC_CONFIG_NODES_H

#include "src/config/loader.h"

/* A row: the name of this node, a const char *. */
void config__node(struct config_loader *l, const cJSON *item, void *target);

/* A row: the others, a struct peers_spec. */
void config__peers(struct config_loader *l, const cJSON *item, void *target);

/* "10.0.0.1:3000", "[2001:db8::1]:3000" or "name:3000". False when it is none of these. */
bool config__host_and_port(struct config_loader *l, const char *text, const char **host, unsigned *port);

/* What the whole tells of them. */
void config__nodes_finish(struct config_loader *l);

#endif

/* SPDX-License-Identifier: MIT */
/* What cannot be together with a Redis Cluster, or with shard channels. */
#ifndef SRC_CONFIG_CLUSTER_H
#define SRC_CONFIG_CLUSTER_H

#include "src/config/loader.h"

/* Complains of all that needs keys where a server is a Cluster. When all else is read. */
void config__cluster_check(struct config_loader *l);

#endif

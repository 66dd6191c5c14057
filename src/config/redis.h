/* SPDX-License-Identifier: MIT */
/* `redis`: the servers, and the files their passwords are in. */
#ifndef SRC_CONFIG_REDIS_H
#define SRC_CONFIG_REDIS_H

#include "src/config/table.h"
#include "src/redis/url.h"

/* A row. The length of the list stands beside it, so the target is not used. */
void config__redis(struct config_loader *l, const cJSON *item, void *target);

/* There is no server. */
void config__redis_none(struct config_loader *l);

/* Whether both are the same server, whatever the database, as far as addresses tell. */
bool config__redis_is_same_server(const struct redis_url *a, const struct redis_url *b);

/* Warns of a server that is named twice. */
void config__redis_warn(struct config_loader *l);

/* What may stand in an object. */
extern const struct config_table config__redis_table;

#endif

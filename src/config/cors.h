/* SPDX-License-Identifier: MIT */
/* `cors`: the origins. */
#ifndef SRC_CONFIG_CORS_H
#define SRC_CONFIG_CORS_H

#include "src/config/loader.h"

/* A row; the target is a struct eio_cors, of which the origins are set. */
void config__origin(struct config_loader *l, const cJSON *item, void *target);

/* Warns of credentials for every origin. */
void config__cors_warn(struct config_loader *l);

#endif

/* SPDX-License-Identifier: MIT */
/* `cors`: the origins. */
#ifndef SRC_CONFIG_CORS_H
#define SRC_CONFIG_CORS_H

#include "src/config/loader.h"

/* A row; the target is a struct eio_cors, of which the origins are set. */
void config__origin(struct config_loader *l, const cJSON *item, void *target);

/* Whether JSONP is served: as configured, else unless pages of some origins are kept out. */
bool config__jsonp(const struct config_loader *l);

/* Warns of credentials for every origin. */
void config__cors_warn(struct config_loader *l);

#endif

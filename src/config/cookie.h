/* SPDX-License-Identifier: MIT */
/* `engine.cookie`. */
#ifndef SRC_CONFIG_COOKIE_H
#define SRC_CONFIG_COOKIE_H

#include "src/config/loader.h"

/* A row; the target is a struct eio_server_options, of which the cookie is set. */
void config__cookie(struct config_loader *l, const cJSON *item, void *target);

#endif

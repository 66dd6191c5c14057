/* SPDX-License-Identifier: MIT */
/* `engine.cookie`. */
#ifndef SRC_CONFIG_COOKIE_H
#define SRC_CONFIG_COOKIE_H

#include "src/config/table.h"

/* A row; the target is a struct eio_server_options, of which the cookie is set. */
void config__cookie(struct config_loader *l, const cJSON *item, void *target);

extern const struct config_table config__cookie_table; /* of the object's keys */

#endif

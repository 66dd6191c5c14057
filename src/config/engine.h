/* SPDX-License-Identifier: MIT */
/* `engine`: its transports. */
#ifndef SRC_CONFIG_ENGINE_H
#define SRC_CONFIG_ENGINE_H

#include "src/config/loader.h"

/* A row; the target is a struct eio_server_options, of which polling and websocket are set. */
void config__transports(struct config_loader *l, const cJSON *item, void *target);

/* Warns of times that look like seconds. */
void config__engine_warn(struct config_loader *l);

#endif

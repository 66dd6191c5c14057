/* SPDX-License-Identifier: MIT */
/* `engine.perMessageDeflate` and `engine.httpCompression`. */
#ifndef SRC_CONFIG_COMPRESSION_H
#define SRC_CONFIG_COMPRESSION_H

#include "src/config/table.h"

/* Rows; the target is a struct eio_deflate. */
void config__per_message_deflate(struct config_loader *l, const cJSON *item, void *target);
void config__http_compression(struct config_loader *l, const cJSON *item, void *target);

/* Of the keys of their objects: struct eio_deflate. */
extern const struct config_table config__websocket_table, config__http_table;

#endif

/* SPDX-License-Identifier: MIT */
/* `engine.perMessageDeflate` and `engine.httpCompression`. */
#ifndef SRC_CONFIG_COMPRESSION_H
#define SRC_CONFIG_COMPRESSION_H

#include "src/config/loader.h"

/* Rows; the target is a struct eio_deflate. */
void config__per_message_deflate(struct config_loader *l, const cJSON *item, void *target);
void config__http_compression(struct config_loader *l, const cJSON *item, void *target);

#endif

/* SPDX-License-Identifier: MIT */
/* Secrets in files: a password, or what several servers share. */
#ifndef SRC_CONFIG_SECRET_H
#define SRC_CONFIG_SECRET_H

#include "src/config/loader.h"

enum { CONFIG_SECRET_BYTES = 4096 + 3 }; /* and a line's end, or one too many */

/* A row: the one line of a file into a buffer of CONFIG_SECRET_BYTES, with a NUL behind it. */
void config__secret(struct config_loader *l, const cJSON *item, void *target);

#endif

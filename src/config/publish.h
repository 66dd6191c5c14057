/* SPDX-License-Identifier: MIT */
/* Who may publish over HTTP. */
#ifndef SRC_CONFIG_PUBLISH_H
#define SRC_CONFIG_PUBLISH_H

#include "src/config/loader.h"

/* A row: the path of a file with tokens, or null, into a const char *. */
void config__token_file(struct config_loader *l, const cJSON *item, void *target);

/* Reports tokens for a port that there is not, and, where such is looked for, a file that is not there. */
void config__publish_check(struct config_loader *l);

#endif

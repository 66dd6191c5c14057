/* SPDX-License-Identifier: MIT */
/* Where the log goes and how. For src/config/ only. */
#ifndef SRC_CONFIG_LOG_H
#define SRC_CONFIG_LOG_H

#include "src/config/loader.h"

/* "log.target": "stderr", or the path of a file; target is the const char * of the latter. */
void config__log_target(struct config_loader *l, const cJSON *item, void *target);

/* "accessLog": target is a const char *, see struct config. */
void config__access_log(struct config_loader *l, const cJSON *item, void *target);

/* "logLevel" and "log.level" are the same. */
void config__log_check(struct config_loader *l);

#endif

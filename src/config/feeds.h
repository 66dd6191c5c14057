/* SPDX-License-Identifier: MIT */
/* `feeds`, and --feed. */
#ifndef SRC_CONFIG_FEEDS_H
#define SRC_CONFIG_FEEDS_H

#include "src/config/loader.h"

/* A row; feeds are added to those that the configuration has. */
void config__feeds(struct config_loader *l, const cJSON *item, void *target);

/* Adds the feed of "--feed CHANNEL=EVENT". */
void config__feed_flag(struct config_loader *l, const char *text);

/* What must be right about them together with the namespaces. After both. */
void config__feeds_check(struct config_loader *l);

#endif

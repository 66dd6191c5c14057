/* SPDX-License-Identifier: MIT */
/* `feeds`, `feedDefaults`, and --feed. */
#ifndef SRC_CONFIG_FEEDS_H
#define SRC_CONFIG_FEEDS_H

#include "src/config/table.h"

/* A row; feeds are added to those that the configuration has. */
void config__feeds(struct config_loader *l, const cJSON *item, void *target);

/* A row: only looks for mistakes. What each feed has if it does not say otherwise is read along with it. */
void config__feed_defaults(struct config_loader *l, const cJSON *item, void *target);

extern const struct config_table config__feed_table; /* of the keys of a feed */

/* Adds the feed of "--feed CHANNEL=EVENT". */
void config__feed_flag(struct config_loader *l, const char *text);

/* What the i-th feed of the file, or feedDefaults, says for a key; NULL when neither does. */
const cJSON *config__feeds_item(const struct config_loader *l, size_t i, const char *key);

/* What must be right about them together with the namespaces. After both. */
void config__feeds_check(struct config_loader *l);

/* Warns of feeds that send the same as one before them. */
void config__feeds_warn_twins(struct config_loader *l);

/* Warns of feeds that nobody can hear, and of none at all. */
void config__feeds_warn(struct config_loader *l);

#endif

/* SPDX-License-Identifier: MIT */
/* Where in Redis stands what a feed retains: `prime`. */
#ifndef SRC_CONFIG_PRIME_H
#define SRC_CONFIG_PRIME_H

#include "src/config/table.h"
#include "src/feed/spec.h"

/* Fills the feed, of which all else is there already, from the item; NULL: not given. */
void config__prime(struct config_loader *l, struct feed_spec *f, const cJSON *item);

/* What may stand in an object. */
extern const struct config_table config__prime_table;

#endif

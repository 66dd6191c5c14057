/* SPDX-License-Identifier: MIT */
/* When a feed is subscribed to: `subscribe`. */
#ifndef SRC_CONFIG_SUBSCRIBE_H
#define SRC_CONFIG_SUBSCRIBE_H

#include "src/config/table.h"
#include "src/feed/spec.h"

/* Fills the feed from the item, when all else of it has been; NULL: not given. is_default: it is that of feedDefaults,
 * which is nothing to a feed of a stream. */
void config__subscribe(struct config_loader *l, struct feed_spec *f, const cJSON *item, bool is_default);

/* What must be right about that together with all else; behind config__recovery_finish(). */
void config__subscribe_check(struct config_loader *l);

/* What may stand in an object. */
extern const struct config_table config__subscribe_table;

#endif

/* SPDX-License-Identifier: MIT */
/* What a client gets of a feed when it joins: `retain`, `remove`, `snapshotEvent`. */
#ifndef SRC_CONFIG_RETAIN_H
#define SRC_CONFIG_RETAIN_H

#include "src/config/table.h"
#include "src/feed/spec.h"

/* Where they stand; NULL: not given. */
struct config_retain {
	const cJSON *retain, *remove, *event;
};

/* Fills the feed from the items. */
void config__retain(struct config_loader *l, struct feed_spec *f, const struct config_retain *items);

/* What may stand in the objects. */
extern const struct config_table config__retain_table, config__remove_table;

#endif

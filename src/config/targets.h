/* SPDX-License-Identifier: MIT */
/* Where a feed's messages go: `namespace`, `room`, `except`. */
#ifndef SRC_CONFIG_TARGETS_H
#define SRC_CONFIG_TARGETS_H

#include "src/config/loader.h"
#include "src/feed/spec.h"

/* Where they stand; NULL: not given. */
struct config_targets {
	const cJSON *nsp, *room, *except;
};

/* A row: keeps a string, or a list of strings, in a field that is a const cJSON *. */
void config__keep_names(struct config_loader *l, const cJSON *item, void *target);

/* Fills the feed from the items. where: its templates stand. */
void config__targets(struct config_loader *l, struct feed_spec *f, const struct config_targets *items,
	const struct template_context *where);

/* Whether something may be sent to a socket by its id: then there is a room for each. */
bool config__targets_sockets(const struct config_parts *p);

#endif

/* SPDX-License-Identifier: MIT */
/* What leaves of a feed's messages: `payload`, `payloadDefault`, `omit`, `spread`. */
#ifndef SRC_CONFIG_SHAPE_H
#define SRC_CONFIG_SHAPE_H

#include "src/config/loader.h"
#include "src/feed/spec.h"

/* Where they stand; NULL: not given. */
struct config_shape {
	const cJSON *payload, *payload_default, *omit, *spread;
};

/* Rows: each keeps its item in a field of struct config_shape. */
void config__keep_json(struct config_loader *l, const cJSON *item, void *target);
void config__keep_bool(struct config_loader *l, const cJSON *item, void *target);

/* Fills the feed from the items. Its encode and interval are set; where: its templates stand. */
void config__shape(struct config_loader *l, struct feed_spec *f, const struct config_shape *items,
	const struct template_context *where);

#endif

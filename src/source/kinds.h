/* SPDX-License-Identifier: MIT */
/* All kinds of sources that there are. */
#ifndef SRC_SOURCE_KINDS_H
#define SRC_SOURCE_KINDS_H

#include "src/feed/feed.h"

/* Has a feed know them. */
void source_kinds(struct feed_options *options);

#endif

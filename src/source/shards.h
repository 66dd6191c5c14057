/* SPDX-License-Identifier: MIT */
/* What is published on shard channels, of one server or of a Redis Cluster, as a source of the feed. */
#ifndef SRC_SOURCE_SHARDS_H
#define SRC_SOURCE_SHARDS_H

#include "src/feed/source.h"

extern const struct source_ops source_shards;

#endif

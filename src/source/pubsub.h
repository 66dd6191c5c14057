/* SPDX-License-Identifier: MIT */
/* Messages published to channels of a Redis server: SUBSCRIBE and PSUBSCRIBE. */
#ifndef SRC_SOURCE_PUBSUB_H
#define SRC_SOURCE_PUBSUB_H

#include "src/feed/source.h"

extern const struct source_ops source_pubsub;

#endif

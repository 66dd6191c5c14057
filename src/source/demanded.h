/* SPDX-License-Identifier: MIT */
/* Messages published to single channels of a Redis server, which come and go: SUBSCRIBE. */
#ifndef SRC_SOURCE_DEMANDED_H
#define SRC_SOURCE_DEMANDED_H

#include "src/feed/source.h"

extern const struct source_ops source_demanded;

#endif

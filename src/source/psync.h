/* SPDX-License-Identifier: MIT */
/* Messages published to channels of a Redis server, as its replicas get them: PSYNC. */
#ifndef SRC_SOURCE_PSYNC_H
#define SRC_SOURCE_PSYNC_H

#include "src/feed/source.h"

extern const struct source_ops source_psync;

#endif

/* SPDX-License-Identifier: MIT */
/* Entries of streams of a Redis server: XREAD. */
#ifndef SRC_SOURCE_STREAMS_H
#define SRC_SOURCE_STREAMS_H

#include "src/feed/source.h"

extern const struct source_ops source_streams;

#endif

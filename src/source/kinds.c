/* SPDX-License-Identifier: MIT */
/* All kinds of sources that there are. */
#include "src/source/kinds.h"

#include "src/source/demanded.h"
#include "src/source/psync.h"
#include "src/source/pubsub.h"
#include "src/source/shards.h"
#include "src/source/streams.h"

void
source_kinds(struct feed_options *options)
{
	options->published = &source_pubsub;
	options->replicated = &source_psync;
	options->streams = &source_streams;
	options->demanded = &source_demanded;
	options->shards = &source_shards;
}

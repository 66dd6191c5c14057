/* SPDX-License-Identifier: MIT */
/* The table of fates. */
#include "src/feed/fate.h"

const struct feed_fate_text feed_fate_texts[FEED_FATE_COUNT] = {
#define X(name, metric, mistake, part, reason) [FEED_FATE_##name] = { FEED_METRIC_##metric, mistake, part, reason },
	FEED_FATES(X)
#undef X
};

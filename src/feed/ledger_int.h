/* SPDX-License-Identifier: MIT */
/* What the files of the ledger share. */
#ifndef SRC_FEED_LEDGER_INT_H
#define SRC_FEED_LEDGER_INT_H

#include "src/feed/ledger.h"

/* How much is remembered of a feed: what it says goes before what is said for all. */
struct history_limits ledger__limits(const struct feed_recovery *options, const struct feed_history *own);

/* Of a feed, or with NULL of none; NULL when out of memory. */
struct history *ledger__new_history(const struct feed_recovery *options, const struct feed_spec *spec);
void ledger__free_history(struct history *h); /* NULL is fine */

#endif

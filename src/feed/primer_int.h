/* SPDX-License-Identifier: MIT */
/*
 * What feeds remember of what they hear while they are read: from its beginning to its end. For primer.c only.
 *
 * Threads: the feed's only.
 */
#ifndef SRC_FEED_PRIMER_INT_H
#define SRC_FEED_PRIMER_INT_H

#include "src/feed/primer.h"

/* From now on it is remembered what is heard. */
void feed_primer_hear(struct feed_primer *p, uint64_t now_ms);

/* And not any more. */
void feed_primer_end_hearing(struct feed_primer *p, uint64_t now_ms);

/* Before that, when all is read: one turn of dropping what is gone, and of forgetting what was heard. False: all is
 * done. p->at is the feed at hand. */
bool feed_primer_tidy(struct feed_primer *p, uint64_t now_ms);

#endif

/* SPDX-License-Identifier: MIT */
/* What comes out of a stream from Redis, as one text. */
#ifndef TESTS_UNIT_REDIS_SEEN_H
#define TESTS_UNIT_REDIS_SEEN_H

#include "src/redis/reader.h"

extern char seen[4096]; /* ends in NUL; emptied by whoever begins */

void see(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void see_message(const struct redis_message *m);
void see_entry(const struct redis_entry *e);
void see_reply(const struct redis_event *e);

/* Whatever it is but an error. */
void see_event(enum redis_read got, const struct redis_event *e);

#endif

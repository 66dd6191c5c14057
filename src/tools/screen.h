/* SPDX-License-Identifier: MIT */
/* What siocast top shows: two answers of /stats and the time between them, as lines. Pure. */
#ifndef SRC_TOOLS_SCREEN_H
#define SRC_TOOLS_SCREEN_H

#include "eio/buf.h"

/* Appends the lines; those of rooms and clients are screen_top.h's. before and now: checked JSON, as /stats has it;
 * before may be empty, then there are no rates yet.
 * rows: how many feeds at most, those that send most first. */
void screen_write(struct eio_bytes before, struct eio_bytes now, double seconds, unsigned rows, struct eio_buf *out);

#endif

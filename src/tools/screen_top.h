/* SPDX-License-Identifier: MIT */
/* The rooms and clients that stand out, as /stats?top= has them, as lines of siocast top. Pure. */
#ifndef SRC_TOOLS_SCREEN_TOP_H
#define SRC_TOOLS_SCREEN_TOP_H

#include "eio/buf.h"

/* Appends the lines. now: checked JSON; without "top" in it there are none. rows: how many of each kind at most. */
void screen_top_write(struct eio_bytes now, unsigned rows, struct eio_buf *out);

#endif

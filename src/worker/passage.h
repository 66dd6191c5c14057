/* SPDX-License-Identifier: MIT */
/*
 * A connection that goes to another process, as the message that goes beside its descriptor. No I/O.
 */
#ifndef SRC_WORKER_PASSAGE_H
#define SRC_WORKER_PASSAGE_H

#include "eio/net/httpd.h"

/* Of a message: a connection that would need more is not passed on. Less than what a Unix socket takes as one. */
enum { PASSAGE_MAX = 180000 };

/* Appends it. Its descriptor and its door stay behind: of the latter, address says which one it was. */
void passage_write(const struct eio_leaver *l, const char *address, struct eio_buf *out);

/* Whether a message is about a connection. */
bool passage_is(struct eio_bytes message);

/* Reads one: all but descriptor and door. What it says is borrowed from the message; so is the address, which is ended
 * by a zero. False when there is no sense in it. */
bool passage_read(struct eio_bytes message, struct eio_leaver *out, const char **address);

#endif

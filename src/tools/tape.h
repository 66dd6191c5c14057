/* SPDX-License-Identifier: MIT */
/*
 * What was heard, written down: a line of JSON for each message.
 *
 *     {"ms":1520.125,"channel":"news","message":"{\"title\":\"hello\"}"}
 *     {"ms":1520.5,"channel":"raw","base64":"AAEC"}
 *
 * ms is when it came, in milliseconds since the recording began, with three digits behind the point at most; base64
 * stands in place of message where that is not UTF-8. Other members are ignored, so that lines may be written by hand
 * and by others. Pure functions.
 */
#ifndef SRC_TOOLS_TAPE_H
#define SRC_TOOLS_TAPE_H

#include "eio/buf.h"

#include <stdbool.h>
#include <stdint.h>

struct tape_line {
	uint64_t us; /* microseconds since the beginning */
	struct eio_bytes channel, message;
};

/* Appends a line with its line feed. */
void tape_write(struct eio_buf *out, const struct tape_line *line);

/* Reads a line, with or without its line feed. What it points to lies in scratch, which is emptied first. NULL, or a
 * constant sentence about what is wrong. */
const char *tape_read(struct eio_bytes text, struct eio_buf *scratch, struct tape_line *out);

#endif

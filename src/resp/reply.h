/* SPDX-License-Identifier: MIT */
/*
 * Answers of a server in Redis's protocol, appended to a buffer, which remembers when memory is out. What differs
 * between RESP2 and RESP3 takes its number.
 *
 * Threads: one at a time.
 */
#ifndef SRC_RESP_REPLY_H
#define SRC_RESP_REPLY_H

#include "eio/buf.h"

void resp_reply_status(struct eio_buf *out, struct eio_bytes text);

/* An error: its code, a blank and a text, "ERR syntax error". What would end the line becomes a blank. */
void resp_reply_error(struct eio_buf *out, struct eio_bytes text);
void resp_reply_errorf(struct eio_buf *out, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

void resp_reply_integer(struct eio_buf *out, uint64_t n);
void resp_reply_bulk(struct eio_buf *out, struct eio_bytes bytes);
void resp_reply_nil(struct eio_buf *out, unsigned protocol);

/* Nothing where a list is wanted. */
void resp_reply_nil_list(struct eio_buf *out, unsigned protocol);

/* So many elements follow; so many pairs. */
void resp_reply_list(struct eio_buf *out, size_t n);
void resp_reply_map(struct eio_buf *out, unsigned protocol, size_t n);

#endif

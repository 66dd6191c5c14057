/* SPDX-License-Identifier: MIT */
/* Lists of names, as siocast explain tells them: a line for people, a member for programs. */
#ifndef SRC_TOOLS_LISTS_H
#define SRC_TOOLS_LISTS_H

#include "eio/buf.h"

/* Appends "  WHAT      a, b" and a newline, with what would disturb a terminal escaped. */
void write_visible_list(struct eio_buf *out, const char *what, const struct eio_bytes *v, size_t n);

/* Appends ,"KEY":["a","b"]. */
void write_json_list(struct eio_buf *out, const char *key, const struct eio_bytes *v, size_t n);

#endif

/* SPDX-License-Identifier: MIT */
/* A decoder of the compact format, written from doc/columns.md and from nothing else: it gives back the text of the
 * array, byte for byte. */
#ifndef TESTS_UNIT_REBUILD_H
#define TESTS_UNIT_REBUILD_H

#include "eio/buf.h"

/* Appends the array. False for bytes that are no batch: then what was appended means nothing. Any bytes. */
bool rebuild_columns(struct eio_bytes batch, struct eio_buf *array);

#endif

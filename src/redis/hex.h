/* SPDX-License-Identifier: MIT */
/* Bytes as hexadecimal digits, in texts that have no zeros and no spaces. Pure functions. */
#ifndef SRC_REDIS_HEX_H
#define SRC_REDIS_HEX_H

#include "eio/buf.h"

#include <stdbool.h>

/* Appends two digits for each byte. */
void redis_hex_write(struct eio_bytes bytes, struct eio_buf *out);

/* Appends the bytes. False when they are no such digits; then some may have been. */
bool redis_hex_read(struct eio_bytes digits, struct eio_buf *out);

#endif

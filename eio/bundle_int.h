/* SPDX-License-Identifier: MIT */
/* What bundle.c and bundle3.c share: where packets lie, and WebSocket frame headers. */
#ifndef EIO_BUNDLE_INT_H
#define EIO_BUNDLE_INT_H

#include "eio/bundle.h"

#include <stdint.h>

/* Where the data of one packet lies in the WebSocket form of revision 4; for text it starts with the type digit. */
struct eio__part {
	size_t off, n;
	bool binary, json;
};

enum {
	EIO__WS_TEXT = 1,
	EIO__WS_BINARY = 2,
	EIO__WS_HEADER_MAX = 10,
};

/* Writes the unmasked header of one unfragmented frame (RFC 6455 section 5.2). Returns its length. */
size_t eio__frame_header(char *out, int opcode, uint64_t n);

/* Builds one of the forms of revision 3. NULL when out of memory. */
struct eio_block *eio__bundle_build_3(
	const struct eio__part *parts, unsigned count, const char *data, enum eio_wire wire);

#endif

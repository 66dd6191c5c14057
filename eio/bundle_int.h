/* SPDX-License-Identifier: MIT */
/* What bundle.c, bundle3.c and bundle_deflate.c share: where packets lie, and WebSocket frame headers. */
#ifndef EIO_BUNDLE_INT_H
#define EIO_BUNDLE_INT_H

#include "eio/bundle.h"

#include <stdint.h>

/* Where the data of one packet lies in the WebSocket form of revision 4; for text it starts with the type digit. */
struct eio__part {
	size_t off, n;
	bool binary, json;
};

/* The compressed twins of the wire forms. Only a bundle that some client wants compressed has this. */
struct eio__twins {
	_Atomic(struct eio_block *) block[EIO_WIRE_COUNT];
	atomic_bool claimed[EIO_WIRE_COUNT]; /* a thread is making it */
	unsigned count; /* of the bundles this one was joined of, 0 when they are not known */
	struct eio_bundle *sources[]; /* references */
};

struct eio_bundle {
	atomic_uint refs;
	unsigned count;
	size_t size;
	_Atomic(struct eio_block *) wire[EIO_WIRE_COUNT];
	_Atomic(struct eio__twins *) twins;
	struct eio__part parts[];
};

enum {
	EIO__WS_RSV1 = 0x40, /* in the first byte of a frame: the message is compressed */
	EIO__WS_TEXT = 1,
	EIO__WS_BINARY = 2,
	EIO__WS_HEADER_MAX = 10,
};

/* Writes the unmasked header of one unfragmented frame (RFC 6455 section 5.2). Returns its length. */
size_t eio__frame_header(char *out, int opcode, uint64_t n);

/* Builds one of the forms of revision 3. NULL when out of memory. */
struct eio_block *eio__bundle_build_3(
	const struct eio__part *parts, unsigned count, const char *data, enum eio_wire wire);

/* Frees what bundle_deflate.c made, when the bundle goes. */
void eio__bundle_twins_free(struct eio_bundle *b);

#endif

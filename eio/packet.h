/* SPDX-License-Identifier: MIT */
/*
 * One Engine.IO packet from its bytes, and a long-polling payload cut into
 * packets (protocol sections "Packet types" and "Rev 4 polling"). Pure
 * functions; nothing is copied.
 */
#ifndef EIO_PACKET_H
#define EIO_PACKET_H

#include "eio/bundle.h"
#include "eio/bytes.h"

struct eio_packet {
	enum eio_packet_type type;
	bool binary; /* data are bytes, not UTF-8 text */
	struct eio_bytes data; /* without the type digit */
};

/* Reads one packet as text. Binary in base64 ("b…") is decoded in place, which is why the bytes are writable.
 * Returns 0, or -1 for a packet that is none: empty, an unknown type, text that is not UTF-8, bad base64. */
int eio_packet_decode(struct eio_packet *out, char *text, size_t n);

/* Cuts the next packet text off a payload: *text and *n are it, *rest and *rest_n what follows. Returns true while
 * something stood before the end, also an empty part, which eio_packet_decode refuses. *rest is NULL after the last. */
bool eio_payload_next(char **rest, size_t *rest_n, char **text, size_t *n);

#endif

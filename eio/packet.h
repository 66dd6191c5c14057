/* SPDX-License-Identifier: MIT */
/*
 * Engine.IO packets from their bytes, one by one or as a long-polling payload,
 * revisions 3 and 4 (protocol sections "Packet types" and "Encodings"). No
 * state but a cursor; nothing is copied: base64 and text that was encoded twice
 * are undone in place, which is why the bytes are writable.
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

/* How the text of a client of revision 3 is encoded; its generations differ. Who says that it encodes twice may not do
 * so: text that cannot be undone was encoded once, and then that is how its client encodes. */
enum eio_text {
	EIO_TEXT_ONCE, /* UTF-8: 2.x, and everything of revision 4 */
	EIO_TEXT_TWICE, /* UTF-8 of the bytes of UTF-8: 1.x */
	EIO_TEXT_UNKNOWN, /* nothing has shown it yet */
};

enum eio_payload_form {
	EIO_PAYLOAD_4, /* packets separated by 0x1e */
	EIO_PAYLOAD_3_STRING, /* <UTF-16 units>:<packet> … */
	EIO_PAYLOAD_3_BINARY, /* 00 or 01, digit bytes, ff, packet … */
};

/* A cursor over a payload. Set all fields to start. */
struct eio_payload {
	char *p; /* what is left; NULL at the end */
	size_t n;
	enum eio_payload_form form;
	enum eio_text text; /* of the string form */
};

/* Takes the next packet. Returns 1, 0 at the end, or -1 for what is none: a bad length, an empty or unknown packet,
 * text that is not UTF-8, bad base64. After -1 the payload is over. */
int eio_payload_next(struct eio_payload *payload, struct eio_packet *out);

/* Reads one packet of a WebSocket text message, which must be valid UTF-8. revision: 3 or 4. Returns 0 or -1 as
 * above. */
int eio_packet_decode(struct eio_packet *out, char *text, size_t n, int revision, enum eio_text *rule);

/* Reads one packet of revision 3 that came as bytes: the first byte is its type. Returns 0 or -1. */
int eio_packet_decode_binary_3(struct eio_packet *out, struct eio_bytes data);

#endif

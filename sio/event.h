/* SPDX-License-Identifier: MIT */
/*
 * Making the packets a server sends: events and acks for one client, and
 * broadcasts. Arguments are raw JSON spliced in byte for byte; the results are
 * bundles, so a broadcast is encoded once for everybody. Pure functions.
 */
#ifndef SIO_EVENT_H
#define SIO_EVENT_H

#include "eio/bundle.h"
#include "eio/bytes.h"
#include "sio/error.h"
#include "sio/packet.h"

/* A piece of the text of the data array. */
struct sio_piece {
	struct eio_bytes json;
	bool refs; /* the piece is one or more whole JSON values, separated by commas, whose placeholders refer to
		    * the attachments; else the bytes are copied as they are */
};

/* A packet for one client. The pieces one after the other are the JSON array of its data, such as `["news",` +
 * `{"a":1}` + `]`. Placeholders in pieces with refs are renumbered in the order they are met, unused attachments are
 * left out, and each occurrence gets a number of its own (when that would be more than SIO_MAX_ATTACHMENTS, occurrences
 * of the same attachment share one). A placeholder with a fraction as its number becomes null. */
struct sio_emit {
	struct eio_bytes nsp;
	bool ack; /* an ACK for id; else an EVENT */
	struct eio_bytes id; /* digits; for an EVENT with p NULL: none */
	const struct sio_piece *pieces;
	size_t n_pieces;
	const struct eio_bytes *attachments;
	size_t n_attachments;
	unsigned char extra; /* as in struct eio_message, of its text */
};

/* On success (0) *bundle has one reference. SIO_ERR_EVENT_NAME when an EVENT's name is not one official clients accept,
 * SIO_ERR_PLACEHOLDER when a placeholder refers to no attachment, SIO_ERR_TOO_MANY_ATTACHMENTS, SIO_ERR_NOMEM. */
int sio_emit_bundle(const struct sio_emit *emit, struct eio_bundle **bundle);

/* Bytes of an offset: what a client repeats to say up to where it has everything. */
#define SIO_OFFSET_MAX 144

/* How the payload of a broadcast becomes the one argument of the event, or all of them. */
enum sio_encode {
	SIO_ENCODE_BINARY, /* a binary attachment */
	SIO_ENCODE_JSON, /* spliced in: checked JSON */
	SIO_ENCODE_TEXT, /* one JSON string */
	SIO_ENCODE_ARGUMENTS /* checked JSON values with commas between them: all arguments there are, maybe none */
};

struct sio_broadcast {
	struct eio_bytes nsp;
	struct eio_bytes event; /* the name as UTF-8, not escaped */
	enum sio_encode encode;
	struct eio_bytes payload;
	struct eio_bytes before, after; /* the payload begins and ends with these, which are ASCII; mostly empty */
	struct eio_bytes offset; /* the last argument, behind the payload: a string of ASCII that needs no escapes, or
				  * empty where there is none */
	bool no_offset; /* there is none, and clients shall not take the last argument for one if it is a string: null
			 * stands behind it */
};

/* As sio_emit_bundle(). The payload is copied. SIO_ERR_EVENT_NAME for a reserved name, SIO_ERR_NOMEM. */
int sio_broadcast_bundle(const struct sio_broadcast *b, struct eio_bundle **bundle);

/* The same event with one more argument, a string that needs no escapes: another bundle with one reference, which
 * shares nothing with b. b: made by one of the functions above. 0, SIO_ERR_INVALID_ARGUMENT when it is no event but an
 * ack, or SIO_ERR_NOMEM. */
int sio_event_add_offset(const struct eio_bundle *b, struct eio_bytes offset, struct eio_bundle **bundle);

/* How many bytes of a packet an offset takes, behind the payload. */
static inline size_t
sio_offset_size(struct eio_bytes offset)
{
	return offset.n ? offset.n + 3 : 0; /* a comma and quotation marks */
}

/* Checks every placeholder of an incoming packet's data (checked JSON) against its n attachments: 0, or
 * SIO_ERR_PLACEHOLDER when one refers to none of them. */
int sio_placeholders_check(struct eio_bytes json, size_t n);

#endif

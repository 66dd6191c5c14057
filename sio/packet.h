/* SPDX-License-Identifier: MIT */
/*
 * One packet of Socket.IO's protocol 5, 4 or 3 between its text and a struct of
 * spans: the grammar of socket.io-parser 4.2.7 and 3.4.5 and their validity rules,
 * nothing of sessions. "Text" is the Engine.IO message without the leading '4'.
 *
 *     packet = type [ count "-" ] [ nsp "," ] [ id ] [ json ]
 */
#ifndef SIO_PACKET_H
#define SIO_PACKET_H

#include "eio/buf.h"
#include "eio/bytes.h"

enum sio_packet_type {
	SIO_PACKET_CONNECT = 0,
	SIO_PACKET_DISCONNECT = 1,
	SIO_PACKET_EVENT = 2,
	SIO_PACKET_ACK = 3,
	SIO_PACKET_CONNECT_ERROR = 4,
	SIO_PACKET_BINARY_EVENT = 5,
	SIO_PACKET_BINARY_ACK = 6
};

/* Official parsers, clients' included, refuse a packet with more attachments (CVE-2026-33151); never send more. */
#define SIO_MAX_ATTACHMENTS 10

struct sio_packet {
	enum sio_packet_type type;
	/* 0 … SIO_MAX_ATTACHMENTS for the binary types (and protocol 3's ACK), else 0. One without is complete:
	 * some clients call binary what holds nothing binary. */
	unsigned attachments;
	struct eio_bytes nsp; /* "/" when the text names none */
	bool has_id;
	struct eio_bytes id; /* digits without leading zeros, at least one, when has_id */
	struct eio_bytes data; /* checked JSON; p is NULL when the packet has no payload */
};

/* Decodes a text. The spans of *p point into the text or at constants. 0, or one of SIO_ERR_TYPE, _ATTACHMENTS,
 * _TOO_MANY_ATTACHMENTS, _PAYLOAD, _DEPTH, _NSP. An empty text is a CONNECT of "/", as in the reference parser. */
int sio_packet_decode(struct eio_bytes text, struct sio_packet *p);

/* The same for protocol 4 (clients 1.0.3 to 2.5), with the rules of socket.io-parser 3.4.5: reserved event names and
 * odd CONNECT payloads pass. And for protocol 3 (1.0.0 to 1.0.2), whose ACKs carry a count of attachments. */
int sio_packet_decode_protocol_4(struct eio_bytes text, struct sio_packet *p);

/* Appends the text of a packet: of one of the types, with as many attachments as go with it, and digits for an id where
 * it has one. Trusts the spans. */
void sio_packet_encode(struct eio_buf *out, const struct sio_packet *p);

/* Whether JSON text (checked) may be the data of an EVENT: a non-empty array that starts with a number or with a
 * string that is not reserved. */
bool sio_packet_event_data_valid(struct eio_bytes data);

/* Whether a value of JSON (checked) may be that first element. */
bool sio_packet_event_name_valid(struct eio_bytes name);

/* Whether these bytes are an event name that official parsers refuse: connect, connect_error, disconnect,
 * disconnecting, newListener, removeListener. */
bool sio_packet_event_reserved(struct eio_bytes name);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * What can go wrong in the Socket.IO core: one table, from which the enum, the
 * texts and a caller's counters are made. Functions return 0 or a count when
 * all is well and one of these negative values when not.
 *
 * Values up to SIO_ERR_LAST_FATAL from sio_client_recv() mean that the client
 * broke the protocol: its Engine.IO connection must be closed.
 */
#ifndef SIO_ERROR_H
#define SIO_ERROR_H

#include "eio/bytes.h"

/* X(NAME, "text") */
#define SIO_ERROR_TABLE(X) \
	X(EMPTY, "empty message") \
	X(TYPE, "unknown packet type") \
	X(ATTACHMENTS, "illegal attachment count") \
	X(TOO_MANY_ATTACHMENTS, "too many attachments") \
	X(PAYLOAD, "invalid payload") \
	X(DEPTH, "payload nested too deeply") \
	X(NSP, "namespace is not valid UTF-8") \
	X(TEXT_IN_BINARY, "text while attachments are outstanding") \
	X(STRAY_BINARY, "binary message when none is expected") \
	X(PLACEHOLDER, "placeholder without its attachment") \
	X(ATTACHMENT_BYTES, "attachments larger than allowed") \
	X(ALREADY_JOINED, "second CONNECT to a namespace") \
	X(NOT_JOINED, "packet for a namespace not joined") \
	X(CONNECT_ERROR, "CONNECT_ERROR from a client") \
	X(LAST_FATAL, "last of the client's own faults") \
	X(NOMEM, "out of memory") \
	X(EVENT_NAME, "event name missing or reserved") \
	X(TOO_MANY_ROOMS, "member of too many rooms") \
	X(ROOM_NAME, "room name too long") \
	X(INVALID_ARGUMENT, "invalid argument")

/* Positive twins, to have the negative values below count from -1. */
enum sio_error_index {
	SIO_ERROR_INDEX_NONE,
#define X(name, text) SIO_ERROR_INDEX_##name,
	SIO_ERROR_TABLE(X)
#undef X
		SIO_ERROR_COUNT /* array size for counters indexed by -error */
};

enum sio_error {
#define X(name, text) SIO_ERR_##name = -SIO_ERROR_INDEX_##name,
	SIO_ERROR_TABLE(X)
#undef X
};

/* The text of an error, a constant string; "no error" for 0, "unknown error" for what is none of these. */
const char *sio_strerror(int err);

#endif

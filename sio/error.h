/* SPDX-License-Identifier: MIT */
/*
 * What can go wrong in the Socket.IO core: two tables, from which the enum, the
 * texts and a caller's counters are made. Functions return 0 or a count when
 * all is well and one of these negative values when not.
 */
#ifndef SIO_ERROR_H
#define SIO_ERROR_H

/* The client's own faults: it broke the protocol, and its Engine.IO connection must be closed.
 * X(NAME, "label of a counter", "text") */
#define SIO_FAULT_TABLE(X) \
	X(EMPTY, "empty", "empty message") \
	X(TYPE, "type", "unknown packet type") \
	X(ATTACHMENTS, "attachments", "illegal attachment count") \
	X(TOO_MANY_ATTACHMENTS, "too many attachments", "too many attachments") \
	X(PAYLOAD, "payload", "invalid payload") \
	X(DEPTH, "depth", "payload nested too deeply") \
	X(NSP, "namespace", "namespace is not valid UTF-8") \
	X(TEXT_IN_BINARY, "text in binary", "text while attachments are outstanding") \
	X(STRAY_BINARY, "stray binary", "binary message when none is expected") \
	X(PLACEHOLDER, "placeholder", "placeholder without its attachment") \
	X(ATTACHMENT_BYTES, "attachment bytes", "attachments larger than allowed") \
	X(ALREADY_JOINED, "already joined", "second CONNECT to a namespace") \
	X(NOT_JOINED, "not joined", "packet for a namespace not joined") \
	X(CONNECT_ERROR, "connect error", "CONNECT_ERROR from a client")

/* The others. X(NAME, "text") */
#define SIO_ERROR_TABLE(X) \
	X(NOMEM, "out of memory") \
	X(EVENT_NAME, "event name missing or reserved") \
	X(TOO_MANY_ROOMS, "member of too many rooms") \
	X(ROOM_NAME, "room name too long") \
	X(INVALID_ARGUMENT, "invalid argument")

/* Positive twins, to have the negative values below count from -1. The faults come first. */
enum sio_error_index {
	SIO_ERROR_INDEX_NONE,
#define X(name, label, text) SIO_ERROR_INDEX_##name,
	SIO_FAULT_TABLE(X)
#undef X
		SIO_ERROR_INDEX_FAULTS_END,
	SIO_ERROR_INDEX_LAST_FAULT = SIO_ERROR_INDEX_FAULTS_END - 1,
#define X(name, text) SIO_ERROR_INDEX_##name,
	SIO_ERROR_TABLE(X)
#undef X
};

enum sio_error {
#define X(name, label, text) SIO_ERR_##name = -SIO_ERROR_INDEX_##name,
	SIO_FAULT_TABLE(X)
#undef X
#define X(name, text) SIO_ERR_##name = -SIO_ERROR_INDEX_##name,
		SIO_ERROR_TABLE(X)
#undef X
};

/* The text of an error, a constant string; "no error" for 0. err: 0 or one of the above. */
const char *sio_strerror(int err);

#endif

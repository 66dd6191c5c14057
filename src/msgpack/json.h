/* SPDX-License-Identifier: MIT */
/*
 * From MessagePack to JSON with attachments, as a server that decoded it would have its parser write it: binary becomes
 * a placeholder of Socket.IO, a date its text, undefined null, or in a map nothing.
 */
#ifndef SRC_MSGPACK_JSON_H
#define SRC_MSGPACK_JSON_H

#include "eio/buf.h"
#include "sio/packet.h"
#include "src/msgpack/reader.h"

/* Deeper nesting is refused. JSON may be deeper (sio/json.h), so what is put around it has room. */
#define MSGPACK_MAX_DEPTH 200

struct msgpack_json {
	struct eio_buf text; /* owned; freed by whoever has the struct */
	struct eio_bytes attachments[SIO_MAX_ATTACHMENTS]; /* they lie in what was read */
	size_t n_attachments;
};

enum msgpack_result {
	MSGPACK_OK,
	MSGPACK_BAD, /* no MessagePack of this dialect, or bytes behind it */
	MSGPACK_DEEP,
	MSGPACK_MANY, /* more binary than an event may have */
	MSGPACK_NOMEM,
};

/* Reads one value, which must be all there is. The text that is there goes first. */
enum msgpack_result msgpack_to_json(struct eio_bytes bytes, enum msgpack_dialect dialect, struct msgpack_json *out);

#endif

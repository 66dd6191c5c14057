/* SPDX-License-Identifier: MIT */
/*
 * From JSON with attachments to MessagePack, as every library of Socket.IO's adapters reads it: strings and binary with
 * the heads of today's standard, no ext. What json.h reads of it is the same value again.
 */
#ifndef SRC_MSGPACK_WRITER_H
#define SRC_MSGPACK_WRITER_H

#include "eio/buf.h"

/* Appends a value, which is checked JSON. Where there are attachments, of which there are at most
 * SIO_MAX_ATTACHMENTS, placeholders stand for them that are written as sio/event.h writes them; other objects are plain
 * data. Numbers are integers where they are written as such and fit. Of keys that come twice both are written, and
 * readers take the last one, as with JSON. What has failed out says. */
void msgpack_write_json(
	struct eio_buf *out, struct eio_bytes json, const struct eio_bytes *attachments, size_t n_attachments);

#endif

/* SPDX-License-Identifier: MIT */
/* siocast explain: what a message of an adapter or an emitter of Node means, and who would get it. */
#ifndef SRC_TOOLS_EXPLAIN_ADAPTER_H
#define SRC_TOOLS_EXPLAIN_ADAPTER_H

#include "eio/buf.h"
#include "src/config/config.h"

enum explained_adapter {
	EXPLAINED_NOT, /* it is no channel or stream that the adapter hears */
	EXPLAINED_REFUSED, /* it is, and the message is not understood, or there is none */
	EXPLAINED_ARRIVES,
};

/* Writes it; json: as an object, a line. message: JSON, or bytes as hexadecimal digits; p NULL: there is none. */
enum explained_adapter explain_adapter(
	const struct config *c, struct eio_bytes channel, struct eio_bytes message, bool json, struct eio_buf *out);

#endif

/* SPDX-License-Identifier: MIT */
/* What answers the key of a WebSocket's handshake (RFC 6455 section 4.2.2). */
#ifndef EIO_NET_HANDSHAKE_KEY_H
#define EIO_NET_HANDSHAKE_KEY_H

#include "eio/bytes.h"

enum { EIO__HANDSHAKE_KEY_BYTES = 24, EIO__HANDSHAKE_ANSWER_BYTES = 28 };

/* key: EIO__HANDSHAKE_KEY_BYTES of a Sec-WebSocket-Key. A NUL follows the answer. Any thread. */
void eio__handshake_answer(struct eio_bytes key, char answer[EIO__HANDSHAKE_ANSWER_BYTES + 1]);

#endif

/* SPDX-License-Identifier: MIT */
/* One of the two files that include libwebsockets (and so never llhttp: both define the same enumerators). */
#include "eio/net/handshake_key.h"

#include "eio/check.h"

#include <libwebsockets.h>

void
eio__handshake_answer(struct eio_bytes key, char answer[EIO__HANDSHAKE_ANSWER_BYTES + 1])
{
	/* What only servers of WebSockets know. */
	static const char name[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
	unsigned char text[EIO__HANDSHAKE_KEY_BYTES + sizeof name], hash[20];
	char base64[EIO__HANDSHAKE_ANSWER_BYTES + 4]; /* lws wants a little more room than it needs */

	CHECK(key.n == EIO__HANDSHAKE_KEY_BYTES);
	memcpy(text, key.p, key.n);
	memcpy(text + key.n, name, sizeof name);
	lws_SHA1(text, sizeof text - 1, hash);
	CHECK(lws_b64_encode_string((const char *)hash, sizeof hash, base64, sizeof base64) ==
		EIO__HANDSHAKE_ANSWER_BYTES);
	memcpy(answer, base64, EIO__HANDSHAKE_ANSWER_BYTES + 1);
}

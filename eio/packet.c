/* SPDX-License-Identifier: MIT */
/* Reading packets and payloads. */
#include "eio/packet.h"

#include "eio/base64.h"
#include "eio/utf8.h"

enum { RECORD_SEPARATOR = 0x1e };

int
eio_packet_decode(struct eio_packet *out, char *text, size_t n)
{
	ssize_t len;

	if (n == 0) return -1;
	if (text[0] == 'b') {
		len = eio_base64_decode(text + 1, eio_bytes(text + 1, n - 1));
		if (len < 0) return -1;
		*out = (struct eio_packet){ EIO_PACKET_MESSAGE, true, eio_bytes(text + 1, (size_t)len) };
		return 0;
	}
	if (text[0] < '0' || text[0] > '6') return -1;
	*out = (struct eio_packet){ (enum eio_packet_type)(text[0] - '0'), false, eio_bytes(text + 1, n - 1) };
	return eio_utf8_valid(out->data) ? 0 : -1;
}

bool
eio_payload_next(char **rest, size_t *rest_n, char **text, size_t *n)
{
	char *sep;

	if (!*rest) return false;
	sep = *rest_n ? memchr(*rest, RECORD_SEPARATOR, *rest_n) : NULL;
	*text = *rest;
	*n = sep ? (size_t)(sep - *rest) : *rest_n;
	*rest = sep ? sep + 1 : NULL;
	*rest_n = sep ? *rest_n - *n - 1 : 0;
	return true;
}

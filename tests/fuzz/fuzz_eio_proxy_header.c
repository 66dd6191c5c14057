/* SPDX-License-Identifier: MIT */
/*
 * Any beginning of a connection as a PROXY header. However it is cut, it is the same header, of which no byte too many
 * is taken; and the memory behind the piece is not looked at.
 */
#include "eio/net/proxy_header.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum eio_proxy_header
read_piece(const uint8_t *data, size_t n, size_t *used, struct eio_peer *peer)
{
	char *copy = malloc(n ? n : 1);
	enum eio_proxy_header got;

	if (!copy) abort();
	if (n) memcpy(copy, data, n);
	*used = 0;
	*peer = (struct eio_peer){ .kind = EIO_PEER_UNIX };
	got = eio_proxy_header_read(copy, n, used, peer);
	free(copy);
	return got;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct eio_peer whole_peer, peer;
	size_t whole_used, used;
	enum eio_proxy_header whole = read_piece(data, size, &whole_used, &whole_peer), got;

	if (whole == EIO_PROXY_HEADER_MORE && size >= EIO_PROXY_HEADER_BYTES) abort();
	for (size_t n = 0; n < size && n < 300; n++) {
		got = read_piece(data, n, &used, &peer);
		if (got == EIO_PROXY_HEADER_BAD && whole != EIO_PROXY_HEADER_BAD) abort();
		if (got != EIO_PROXY_HEADER_DONE) continue;
		if (whole != got || used != whole_used || used > n || memcmp(&peer, &whole_peer, sizeof peer) != 0)
			abort();
	}
	if (whole == EIO_PROXY_HEADER_DONE && whole_used > size) abort();
	return 0;
}

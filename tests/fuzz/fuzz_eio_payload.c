/* SPDX-License-Identifier: MIT */
/*
 * Any bytes as the body of a POST: cut into packets, each packet decoded. No
 * byte may get lost between the parts, and what a packet holds must lie within
 * its own text.
 */
#include "eio/packet.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *body = malloc(size + 1), *rest = body, *text;
	size_t rest_n = size, n, taken = 0, parts = 0;
	struct eio_packet p;

	if (!body) return 0;
	memcpy(body, data, size);
	while (eio_payload_next(&rest, &rest_n, &text, &n)) {
		if (text < body || text + n > body + size) abort();
		taken += n;
		parts++;
		if (eio_packet_decode(&p, text, n)) continue;
		if (p.data.n && (p.data.p < text || p.data.p + p.data.n > text + n)) abort();
	}
	if (parts && taken + parts - 1 != size) abort();
	free(body);
	return 0;
}

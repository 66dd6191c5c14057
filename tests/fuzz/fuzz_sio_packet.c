/* SPDX-License-Identifier: MIT */
/* Any bytes as the text of a Socket.IO packet. What is taken must come back the same after it was encoded again. */
#include "sio/json.h"
#include "sio/packet.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct eio_bytes text = { (const char *)data, size };
	struct sio_packet p, again;
	struct eio_buf out = { 0 };

	if (sio_packet_decode(text, &p)) return 0;
	if (p.attachments > SIO_MAX_ATTACHMENTS) abort();
	if (p.data.p && sio_json_check(p.data)) abort();
	sio_packet_encode(&out, &p);
	if (sio_packet_decode(eio_buf_bytes(&out), &again)) abort();
	if (again.type != p.type || again.attachments != p.attachments || again.has_id != p.has_id) abort();
	if (!eio_bytes_eq(again.nsp, p.nsp)) abort();
	if (!eio_bytes_eq(again.data, p.data)) abort();
	if (p.has_id && !eio_bytes_eq(again.id, p.id)) abort();
	eio_buf_deinit(&out);
	return 0;
}

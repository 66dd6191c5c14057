/* SPDX-License-Identifier: MIT */
/* Any bytes as the text of a Socket.IO packet. What is taken must come back the same after it was encoded again. */
#include "sio/json.h"
#include "sio/packet.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must_equal(struct eio_bytes a, struct eio_bytes b)
{
	if (a.n != b.n || (a.n && memcmp(a.p, b.p, a.n) != 0)) abort();
}

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
	must_equal(again.nsp, p.nsp);
	must_equal(again.data, p.data);
	if (p.has_id) must_equal(again.id, p.id);
	eio_buf_deinit(&out);
	return 0;
}

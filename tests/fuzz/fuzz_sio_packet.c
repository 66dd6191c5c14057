/* SPDX-License-Identifier: MIT */
/* Any bytes as the text of a Socket.IO packet of each revision. What is taken must come back the same after it was
 * encoded again. */
#include "sio/json.h"
#include "sio/packet.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef int (*decode_fn)(struct eio_bytes text, struct sio_packet *p);

static void
run(decode_fn decode, struct eio_bytes text)
{
	struct sio_packet p, again;
	struct eio_buf out = { 0 };

	if (decode(text, &p)) return;
	if (p.attachments > SIO_MAX_ATTACHMENTS) abort();
	if (p.data.p && sio_json_check(p.data)) abort();
	/* An ACK of revision 3 with attachments is written as what it is to everybody else. */
	if (p.type == SIO_PACKET_ACK && p.attachments > 0) p.type = SIO_PACKET_BINARY_ACK;
	/* A binary one without attachments is taken, but written as what it is. */
	if (p.type >= SIO_PACKET_BINARY_EVENT && p.attachments == 0)
		p.type = p.type == SIO_PACKET_BINARY_EVENT ? SIO_PACKET_EVENT : SIO_PACKET_ACK;
	sio_packet_encode(&out, &p);
	if (decode(eio_buf_bytes(&out), &again)) abort();
	if (again.type != p.type || again.attachments != p.attachments || again.has_id != p.has_id) abort();
	if (!eio_bytes_eq(again.nsp, p.nsp)) abort();
	if (!eio_bytes_eq(again.data, p.data)) abort();
	if (p.has_id && !eio_bytes_eq(again.id, p.id)) abort();
	eio_buf_deinit(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct eio_bytes text = eio_bytes(data, size);
	struct sio_packet a, b;

	run(sio_packet_decode, text);
	run(sio_packet_decode_protocol_4, text);
	/* Whatever revision 5 takes means the same in revision 4. */
	if (sio_packet_decode(text, &a) == 0 && (sio_packet_decode_protocol_4(text, &b) || a.type != b.type)) abort();
	return 0;
}

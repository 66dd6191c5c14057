/* SPDX-License-Identifier: MIT */
/*
 * Any bytes as the body of a POST, in all three forms and with every rule about
 * text; and as a WebSocket message. The first byte chooses. What a packet holds
 * must lie within the body, must be UTF-8 unless it is binary, and packets must
 * come in order without overlapping.
 */
#include "eio/packet.h"
#include "eio/utf8.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_packet(const struct eio_packet *p, const char *from, const char *end)
{
	if (p->type > EIO_PACKET_NOOP) abort();
	if (!p->binary && !eio_utf8_valid(p->data)) abort();
	if (p->data.n == 0) return;
	if (p->data.p < from || p->data.p + p->data.n > end) abort();
}

static void
run_payload(char *body, size_t n, enum eio_payload_form form, enum eio_text text)
{
	struct eio_payload y = { .p = body, .n = n, .form = form, .text = text };
	const char *from = body;
	struct eio_packet p;
	int rc;

	while ((rc = eio_payload_next(&y, &p)) > 0) {
		check_packet(&p, from, body + n);
		/* What is certain about the client stays so. */
		if (text == EIO_TEXT_ONCE && y.text != text) abort();
		if (p.data.n) from = p.data.p + p.data.n;
		if (y.p && y.p < from) abort();
	}
	if (y.p || eio_payload_next(&y, &p) != 0) abort();
	if (rc == 0 && n == 0) abort(); /* nothing at all is no payload */
}

static void
run_message(char *body, size_t n, int revision, enum eio_text text)
{
	enum eio_text rule = text;
	struct eio_packet p;

	if (eio_packet_decode(&p, body, n, revision, &rule) == 0) check_packet(&p, body, body + n);
	if (text == EIO_TEXT_ONCE && rule != text) abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned what = size ? data[0] : 0;
	enum eio_text text = (enum eio_text)(what % 3);
	size_t n = size ? size - 1 : 0;
	struct eio_packet p;
	char *body;

	body = malloc(n ? n : 1);
	if (!body) return 0;
	if (n) memcpy(body, data + 1, n);
	switch (what / 3 % 6) {
	case 0: run_payload(body, n, EIO_PAYLOAD_4, EIO_TEXT_ONCE); break;
	case 1: run_payload(body, n, EIO_PAYLOAD_3_STRING, text); break;
	case 2: run_payload(body, n, EIO_PAYLOAD_3_BINARY, text); break;
	case 3: run_message(body, n, 4, EIO_TEXT_ONCE); break;
	case 4: run_message(body, n, 3, text); break;
	case 5:
		if (eio_packet_decode_binary_3(&p, eio_bytes(body, n)) == 0 && p.data.n != n - 1) abort();
		break;
	}
	free(body);
	return 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * The bodies of long-polling: packets with a separator between them (revision 4), or each with its length before it, as
 * text or as bytes (revision 3). A binary packet in a text is base64 and goes on as the text packet that it is.
 */
#include "bench/load.h"

#include <stdlib.h>

enum { SEPARATOR = 0x1e, LENGTH_END = 0xff, DIGITS_MAX = 10 };

static void
payload_packet_input(struct client *c, const char *p, size_t n, bool binary)
{
	packet_begin(c, binary);
	packet_piece(c, p, n);
	packet_end(c);
}

static void
payload_by_separators(struct client *c, const char *p, size_t n)
{
	const char *end = p + n, *next;

	for (; p <= end && c->state != CLIENT_CLOSED; p = next + 1) {
		next = p < end ? memchr(p, SEPARATOR, (size_t)(end - p)) : NULL;
		if (!next) next = end;
		payload_packet_input(c, p, (size_t)(next - p), false);
	}
}

/* The number before a packet, of which each digit is a character or (base 0) a byte. Returns how long it is with its
 * end. */
static size_t
read_length(const char *p, size_t n, unsigned char zero, unsigned char end, size_t *length)
{
	*length = 0;
	for (size_t i = 0; i < n && i < DIGITS_MAX; i++) {
		unsigned char digit = (unsigned char)p[i];

		if (digit == end) return i > 0 ? i + 1 : 0;
		if (digit < zero || digit > zero + 9) return 0;
		*length = *length * 10 + digit - zero;
	}
	return 0;
}

/* Texts of the servers under test are ASCII, so that a length in UTF-16 units is one in bytes. */
static void
payload_by_lengths(struct client *c, const char *p, size_t n, bool bytes)
{
	size_t head, length, kind = bytes ? 1 : 0;

	while (n > 0 && c->state != CLIENT_CLOSED) {
		if (bytes && n > 0 && (unsigned char)*p > 1) break;
		head = read_length(p + kind, n - kind, bytes ? 0 : '0', bytes ? LENGTH_END : ':', &length);
		if (head == 0 || length > n - kind - head) break;
		head += kind;
		payload_packet_input(c, p + head, length, bytes && *p == 1);
		p += head + length;
		n -= head + length;
	}
	if (n > 0 && c->state != CLIENT_CLOSED) load_fail(c, "a poll answer of revision 3 cannot be read");
}

void
payload_input(struct client *c, const char *p, size_t n)
{
	if (load.eio == 4)
		payload_by_separators(c, p, n);
	else
		payload_by_lengths(c, p, n, n > 0 && (unsigned char)*p <= 1);
}

void
payload_append(struct eio_buf *body, struct eio_bytes packet)
{
	if (load.eio == 3)
		eio_buf_printf(body, "%zu:", packet.n);
	else if (body->n)
		eio_buf_addc(body, SEPARATOR);
	eio_buf_add(body, packet);
}

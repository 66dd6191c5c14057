/* SPDX-License-Identifier: MIT */
/* Reading packets and payloads. */
#include "eio/packet.h"

#include "eio/base64.h"
#include "eio/utf8.h"

enum {
	RECORD_SEPARATOR = 0x1e,
	MAX_LENGTH_DIGITS = 15, /* more than any length that fits memory; the reference gives up at 310 */
};

/* Packets */

static bool
type_of(char digit, enum eio_packet_type *type)
{
	if (digit < '0' || digit > '6') return false;
	*type = (enum eio_packet_type)(digit - '0');
	return true;
}

/* "b<base64>", in revision 3 with the type between. A type that does not exist is passed over there, as in the
 * reference. */
static int
decode_base64(struct eio_packet *out, char *text, size_t n, int revision)
{
	size_t head = revision == 3 ? 2 : 1;
	enum eio_packet_type type = EIO_PACKET_MESSAGE;
	ssize_t len;

	if (n < head) return -1;
	if (revision == 3 && !type_of(text[1], &type)) type = EIO_PACKET_NOOP;
	len = eio_base64_decode(text + head, eio_bytes(text + head, n - head));
	if (len < 0) return -1;
	*out = (struct eio_packet){ type, true, eio_bytes(text + head, (size_t)len) };
	return 0;
}

/* Undoes the second encoding of a client that does it, and finds out whether it does (doc/design.md section 5). */
static size_t
undo_twice(char *text, size_t n, enum eio_text *rule)
{
	struct eio_bytes s = eio_bytes(text, n);

	if (*rule == EIO_TEXT_ONCE || eio_utf8_units(s) == n) return n; /* plain ASCII says nothing */
	*rule = eio_utf8_twice(s) ? EIO_TEXT_TWICE : EIO_TEXT_ONCE;
	return *rule == EIO_TEXT_TWICE ? (size_t)eio_utf8_undo(text, n) : n;
}

int
eio_packet_decode(struct eio_packet *out, char *text, size_t n, int revision, enum eio_text *rule)
{
	enum eio_packet_type type;

	if (n == 0) return -1;
	if (text[0] == 'b') return decode_base64(out, text, n, revision);
	if (!type_of(text[0], &type)) return -1;
	if (revision == 3) n = 1 + undo_twice(text + 1, n - 1, rule);
	*out = (struct eio_packet){ type, false, eio_bytes(text + 1, n - 1) };
	if (eio_utf8_valid(out->data)) return 0;
	if (revision == 3) eio_utf8_replace_surrogates(text + 1, n - 1);
	return revision == 3 && eio_utf8_valid(out->data) ? 0 : -1;
}

int
eio_packet_decode_binary_3(struct eio_packet *out, struct eio_bytes data)
{
	enum eio_packet_type type;

	if (data.n == 0) return -1;
	if (!type_of((char)('0' + data.p[0]), &type)) type = EIO_PACKET_NOOP;
	*out = (struct eio_packet){ type, true, eio_bytes(data.p + 1, data.n - 1) };
	return 0;
}

/* Payloads */

/* Moves the cursor behind the next n bytes, which it returns. */
static char *
take_bytes(struct eio_payload *y, size_t n)
{
	char *p = y->p;

	y->p += n;
	y->n -= n;
	if (y->n == 0) y->p = NULL;
	return p;
}

static int
next_4(struct eio_payload *y, struct eio_packet *out)
{
	char *text = y->p, *sep = y->n ? memchr(y->p, RECORD_SEPARATOR, y->n) : NULL;
	size_t n = sep ? (size_t)(sep - text) : y->n;

	/* A separator at the end opens an empty packet, which is none. */
	y->p = sep ? sep + 1 : NULL;
	y->n -= sep ? n + 1 : n;
	return eio_packet_decode(out, text, n, 4, &y->text) ? -1 : 1;
}

/* Reads "<units>:". Blanks and leading zeros do no harm, as in the reference. Returns -1 for anything else. */
static int
read_units(struct eio_payload *y, size_t *units)
{
	size_t i = 0, digits = 0;

	*units = 0;
	while (i < y->n && y->p[i] == ' ') i++;
	for (; i < y->n && y->p[i] >= '0' && y->p[i] <= '9' && digits < MAX_LENGTH_DIGITS; i++, digits++)
		*units = *units * 10 + (size_t)(y->p[i] - '0');
	if (digits == 0 || i == y->n || y->p[i] != ':') return -1;
	take_bytes(y, i + 1);
	return 0;
}

static int
next_3_string(struct eio_payload *y, struct eio_packet *out)
{
	size_t units;
	ssize_t n;

	for (;;) {
		if (!y->p) return 0;
		if (read_units(y, &units)) return -1;
		if (units > 0) break; /* an empty packet is skipped */
	}
	n = y->p ? eio_utf8_units_len(eio_bytes(y->p, y->n), units) : -1;
	if (n < 0) return -1;
	return eio_packet_decode(out, take_bytes(y, (size_t)n), (size_t)n, 3, &y->text) ? -1 : 1;
}

static int
next_3_binary(struct eio_payload *y, struct eio_packet *out)
{
	enum eio_text once = EIO_TEXT_ONCE; /* text inside the binary form is encoded once by every generation */
	bool binary = y->p[0] != 0;
	size_t i, n = 0;
	char *p;

	for (i = 1; i < y->n && (unsigned char)y->p[i] != 0xff; i++) {
		if ((unsigned char)y->p[i] > 9 || i > MAX_LENGTH_DIGITS) return -1;
		n = n * 10 + (unsigned char)y->p[i];
	}
	if (i == y->n || i == 1) return -1;
	take_bytes(y, i + 1);
	if (n > y->n) n = y->n; /* as the reference does */
	p = y->p ? take_bytes(y, n) : (char[]){ 0 };
	if (binary) return eio_packet_decode_binary_3(out, eio_bytes(p, n)) ? -1 : 1;
	return eio_packet_decode(out, p, n, 3, &once) ? -1 : 1;
}

int
eio_payload_next(struct eio_payload *y, struct eio_packet *out)
{
	int rc = 0;

	if (!y->p) return 0;
	switch (y->form) {
	case EIO_PAYLOAD_4: rc = next_4(y, out); break;
	case EIO_PAYLOAD_3_STRING: rc = next_3_string(y, out); break;
	case EIO_PAYLOAD_3_BINARY: rc = y->n ? next_3_binary(y, out) : -1; break;
	}
	if (rc < 0) y->p = NULL;
	return rc;
}

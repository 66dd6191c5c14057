/* SPDX-License-Identifier: MIT */
/*
 * The text of one packet, read and written as socket.io-parser 4.2.7 (and 3.4.5) does,
 * oddities included (protocol section "Packet grammar"): it looks at single
 * characters through JavaScript's Number(), for which a blank is a digit.
 */
#include "sio/packet.h"

#include "eio/check.h"
#include "eio/utf8.h"
#include "sio/error.h"
#include "sio/json.h"
#include "sio/number_int.h"

static const char *const reserved[] = { "connect", "connect_error", "disconnect", "disconnecting", "newListener",
	"removeListener" };

bool
sio_packet_event_reserved(struct eio_bytes name)
{
	for (size_t i = 0; i < sizeof reserved / sizeof reserved[0]; i++)
		if (eio_bytes_eq(name, eio_cstr(reserved[i]))) return true;
	return false;
}

bool
sio_packet_event_name_valid(struct eio_bytes name)
{
	if (sio_json_kind(name) == SIO_JSON_NUMBER) return true;
	if (sio_json_kind(name) != SIO_JSON_STRING) return false;
	for (size_t i = 0; i < sizeof reserved / sizeof reserved[0]; i++)
		if (sio_json_string_eq(name, eio_cstr(reserved[i]))) return false;
	return true;
}

bool
sio_packet_event_data_valid(struct eio_bytes data)
{
	struct sio_json_iter it = sio_json_iter(data);
	struct eio_bytes name;

	return sio_json_kind(data) == SIO_JSON_ARRAY && sio_json_next(&it, NULL, &name) &&
	       sio_packet_event_name_valid(name);
}

static inline void
drop_front(struct eio_bytes *s, size_t n)
{
	if (n == 0) return; /* s->p may be NULL */
	s->p += n;
	s->n -= n;
}

/* Takes a digit or a blank off the front; its length, or 0 when there is none. */
static size_t
digit_len(struct eio_bytes s)
{
	if (s.n && s.p[0] >= '0' && s.p[0] <= '9') return 1;
	return sio__blank_len(s);
}

static int
decode_type(struct eio_bytes *s, struct sio_packet *p)
{
	size_t n = digit_len(*s);
	char c = n == 1 && s->p[0] >= '0' ? s->p[0] : '0'; /* nothing and blanks count as 0 */

	if (s->n && n == 0) return SIO_ERR_TYPE;
	if (c > '6') return SIO_ERR_TYPE;
	p->type = (enum sio_packet_type)(c - '0');
	drop_front(s, n);
	return 0;
}

static struct eio_bytes
trim_blanks(struct eio_bytes s)
{
	size_t n, keep = 0;

	while ((n = sio__blank_len(s)) > 0) drop_front(&s, n);
	for (size_t i = 0; i < s.n; i += n) {
		n = sio__blank_len((struct eio_bytes){ s.p + i, s.n - i });
		if (n == 0) {
			n = 1;
			keep = i + 1;
		}
	}
	s.n = keep;
	return s;
}

/* The count of a binary packet ends at the first '-', which must exist. */
static int
decode_count(struct eio_bytes *s, struct sio_packet *p)
{
	const char *dash = s->n ? memchr(s->p, '-', s->n) : NULL;
	struct eio_bytes text;

	if (!dash) return SIO_ERR_ATTACHMENTS;
	text = trim_blanks((struct eio_bytes){ s->p, (size_t)(dash - s->p) });
	switch (sio__number_read(text, &p->attachments)) {
	case SIO__NUMBER_SMALL: break;
	case SIO__NUMBER_LARGE: return SIO_ERR_TOO_MANY_ATTACHMENTS;
	default: return SIO_ERR_ATTACHMENTS;
	}
	if (p->attachments > SIO_MAX_ATTACHMENTS) return SIO_ERR_TOO_MANY_ATTACHMENTS;
	drop_front(s, (size_t)(dash - s->p) + 1);
	return 0;
}

static int
decode_nsp(struct eio_bytes *s, struct sio_packet *p)
{
	const char *comma;

	p->nsp = EIO_LIT("/");
	if (s->n == 0 || s->p[0] != '/') return 0;
	comma = memchr(s->p, ',', s->n);
	p->nsp = (struct eio_bytes){ s->p, comma ? (size_t)(comma - s->p) : s->n };
	/* It is echoed in answers, so it must not poison them. */
	if (!eio_utf8_valid(p->nsp)) return SIO_ERR_NSP;
	drop_front(s, p->nsp.n + (comma ? 1 : 0));
	return 0;
}

/* The id is a run of digits and blanks. Blanks around the digits vanish, only blanks mean 0, and blanks between digits
 * make NaN, for which the reference answers "NaN": no client understands that, so such a packet has no id here. */
static void
decode_id(struct eio_bytes *s, struct sio_packet *p)
{
	struct eio_bytes run = { s->p, 0 };
	size_t n;

	while ((n = digit_len(*s)) > 0) {
		run.n += n;
		drop_front(s, n);
	}
	if (run.n == 0) return;
	run = trim_blanks(run);
	for (size_t i = 0; i < run.n; i++)
		if (run.p[i] < '0' || run.p[i] > '9') return;
	while (run.n > 1 && run.p[0] == '0') drop_front(&run, 1);
	p->has_id = true;
	p->id = run.n ? run : EIO_LIT("0");
}

/* An array that begins with a string, reserved or not, or a number. */
static bool
event_data_valid_protocol_4(struct eio_bytes data)
{
	struct sio_json_iter it = sio_json_iter(data);
	struct eio_bytes name;

	if (sio_json_kind(data) != SIO_JSON_ARRAY || !sio_json_next(&it, NULL, &name)) return false;
	return sio_json_kind(name) == SIO_JSON_NUMBER || sio_json_kind(name) == SIO_JSON_STRING;
}

static bool
payload_valid_protocol_4(enum sio_packet_type type, struct eio_bytes data)
{
	enum sio_json_kind kind = sio_json_kind(data);
	/* What JavaScript's typeof calls an object. */
	bool object = kind == SIO_JSON_OBJECT || kind == SIO_JSON_ARRAY || kind == SIO_JSON_NULL;

	switch (type) {
	case SIO_PACKET_CONNECT: return object;
	case SIO_PACKET_CONNECT_ERROR: return object || kind == SIO_JSON_STRING;
	case SIO_PACKET_EVENT:
	case SIO_PACKET_BINARY_EVENT: return event_data_valid_protocol_4(data);
	case SIO_PACKET_ACK:
	case SIO_PACKET_BINARY_ACK: return kind == SIO_JSON_ARRAY;
	case SIO_PACKET_DISCONNECT: break;
	}
	return false;
}

static bool
payload_valid_protocol_5(enum sio_packet_type type, struct eio_bytes data)
{
	enum sio_json_kind kind = sio_json_kind(data);

	switch (type) {
	case SIO_PACKET_CONNECT: return kind == SIO_JSON_OBJECT;
	case SIO_PACKET_CONNECT_ERROR: return kind == SIO_JSON_OBJECT || kind == SIO_JSON_STRING;
	case SIO_PACKET_EVENT:
	case SIO_PACKET_BINARY_EVENT: return sio_packet_event_data_valid(data);
	case SIO_PACKET_ACK:
	case SIO_PACKET_BINARY_ACK: return kind == SIO_JSON_ARRAY;
	case SIO_PACKET_DISCONNECT: break;
	}
	return false;
}

/* Whether an ACK starts with a count, as those of protocol 3 do: "430-12[…]". */
static bool
ack_has_count(struct eio_bytes s)
{
	size_t i = 0;

	while (i < s.n && s.p[i] >= '0' && s.p[i] <= '9') i++;
	return i > 0 && i < s.n && s.p[i] == '-';
}

/* The count in front of a packet, where there is one: of protocol 3 also in front of an ACK. */
static int
decode_attachments(struct eio_bytes *s, int protocol, struct sio_packet *p)
{
	if (p->type == SIO_PACKET_BINARY_EVENT || p->type == SIO_PACKET_BINARY_ACK) return decode_count(s, p);
	if (protocol == 5 || p->type != SIO_PACKET_ACK || !ack_has_count(*s)) return 0;
	return decode_count(s, p);
}

static int
decode_packet(struct eio_bytes text, int protocol, struct sio_packet *p)
{
	struct eio_bytes s = text;
	int rc;

	*p = (struct sio_packet){ 0 };
	rc = decode_type(&s, p);
	if (rc) return rc;
	rc = decode_attachments(&s, protocol, p);
	if (rc) return rc;
	rc = decode_nsp(&s, p);
	if (rc) return rc;
	decode_id(&s, p);
	if (s.n == 0) return 0;
	rc = sio_json_check(s);
	if (rc) return rc;
	if (!(protocol == 5 ? payload_valid_protocol_5(p->type, s) : payload_valid_protocol_4(p->type, s)))
		return SIO_ERR_PAYLOAD;
	p->data = s;
	return 0;
}

int
sio_packet_decode(struct eio_bytes text, struct sio_packet *p)
{
	return decode_packet(text, 5, p);
}

int
sio_packet_decode_protocol_4(struct eio_bytes text, struct sio_packet *p)
{
	return decode_packet(text, 4, p);
}

void
sio_packet_encode(struct eio_buf *out, const struct sio_packet *p)
{
	bool binary = p->type == SIO_PACKET_BINARY_EVENT || p->type == SIO_PACKET_BINARY_ACK;

	CHECK(p->type <= SIO_PACKET_BINARY_ACK && p->attachments <= SIO_MAX_ATTACHMENTS);
	CHECK(binary == (p->attachments > 0) && (!p->has_id || p->id.n > 0));
	eio_buf_addc(out, (char)('0' + p->type));
	if (binary) {
		eio_buf_append_u64(out, p->attachments);
		eio_buf_addc(out, '-');
	}
	if (!eio_bytes_eq(p->nsp, EIO_LIT("/"))) {
		eio_buf_add(out, p->nsp);
		eio_buf_addc(out, ',');
	}
	if (p->has_id) eio_buf_add(out, p->id);
	if (p->data.p) eio_buf_add(out, p->data);
}

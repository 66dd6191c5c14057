/* SPDX-License-Identifier: MIT */
/*
 * The wire forms of Engine.IO revision 3. Three generations of clients speak it
 * and read text in three ways; what all of them read alike is ASCII, and for
 * polling without b64 the binary form of the payload. So that is what they get
 * (doc/design.md section 5).
 */
#include "eio/base64.h"
#include "eio/buf.h"
#include "eio/bundle_int.h"
#include "eio/frame.h"
#include "eio/utf8.h"

static void
append_escape(struct eio_buf *out, uint32_t unit)
{
	static const char hex[] = "0123456789abcdef";
	char e[6] = { '\\', 'u', hex[unit >> 12 & 15], hex[unit >> 8 & 15], hex[unit >> 4 & 15], hex[unit & 15] };

	eio_buf_append(out, e, sizeof e);
}

/* How many bytes at the beginning of s are below U+007F, eight at a time as long as there are so many: nearly all of a
 * large message is like that. */
static size_t
plain_len(struct eio_bytes s)
{
	static const uint64_t ones = 0x0101010101010101, highs = 0x8080808080808080;
	size_t n = 0;
	uint64_t w;

	for (; s.n - n >= sizeof w; n += sizeof w) {
		memcpy(&w, s.p + n, sizeof w);
		if ((w | (w + ones)) & highs) break;
	}
	while (n < s.n && (unsigned char)s.p[n] < 0x7f) n++;
	return n;
}

/* Appends JSON text with everything above U+007E escaped. */
static void
append_ascii(struct eio_buf *out, struct eio_bytes s)
{
	size_t n, k;
	uint32_t cp = 0;

	for (size_t i = 0; i < s.n; i += k) {
		n = plain_len(eio_bytes(s.p + i, s.n - i));
		eio_buf_append(out, s.p + i, n);
		i += n;
		if (i == s.n) return;
		k = eio_utf8_next(eio_bytes(s.p + i, s.n - i), &cp);
		if (k == 0) {
			/* Not UTF-8, which no caller means to send: what a decoder would make of it. */
			k = 1;
			cp = 0xfffd;
		}
		if (cp > 0xffff) append_escape(out, 0xd800 + ((cp - 0x10000) >> 10));
		append_escape(out, cp > 0xffff ? 0xdc00 + ((cp - 0x10000) & 0x3ff) : cp);
	}
}

/* How long what stands before the JSON is, such as the type of a packet and its namespace. */
static size_t
head_len(struct eio_bytes s)
{
	size_t n = 0;

	while (n < s.n && s.p[n] != '[' && s.p[n] != '{' && s.p[n] != '"') n++;
	return n;
}

/* Appends UTF-8, each byte of it encoded like a character. */
static void
append_twice(struct eio_buf *out, struct eio_bytes s)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c >= 0x80) eio_buf_addc(out, (char)(0xc0 | c >> 6));
		eio_buf_addc(out, (char)(c >= 0x80 ? 0x80 | (c & 0x3f) : c));
	}
}

/* Text that ends in JSON, which becomes ASCII. A namespace cannot be escaped: it must be what the client asked for. */
static void
append_json(struct eio_buf *out, struct eio_bytes s, bool twice)
{
	size_t n = head_len(s);

	if (twice)
		append_twice(out, eio_bytes(s.p, n));
	else
		eio_buf_append(out, s.p, n);
	append_ascii(out, eio_bytes(s.p + n, s.n - n));
}

/* The packet as text into tmp, or where it lies when it can stay as it is. */
static struct eio_bytes
text_of(const struct eio__part *p, const char *data, bool b64, bool twice, struct eio_buf *tmp)
{
	struct eio_bytes s = eio_bytes(data + p->off, p->n);
	char *to;

	eio_buf_clear(tmp);
	if (!p->binary) {
		if ((!p->json && !twice) || plain_len(s) == s.n) return s;
		if (p->json)
			append_json(tmp, s, twice);
		else
			append_twice(tmp, s);
	} else if (b64) {
		EIO_BUF_ADD_LIT(tmp, "b4");
		to = eio_buf_reserve(tmp, eio_base64_encoded_len(s.n) + 1);
		if (to) tmp->n += eio_base64_encode(to, s);
	} else {
		eio_buf_addc(tmp, EIO_PACKET_MESSAGE); /* the type as a byte */
		eio_buf_add(tmp, s);
	}
	return eio_buf_bytes(tmp);
}

static void
append_frame(struct eio_buf *out, struct eio_bytes packet, bool binary)
{
	char header[EIO__FRAME_HEADER_MAX];

	eio_buf_append(out, header, eio__frame_header(header, binary ? EIO__FRAME_BINARY : EIO__FRAME_TEXT, packet.n));
	eio_buf_add(out, packet);
}

static void
append_string_form(struct eio_buf *out, struct eio_bytes packet)
{
	eio_buf_append_u64(out, eio_utf8_units(packet));
	eio_buf_addc(out, ':');
	eio_buf_add(out, packet);
}

static void
append_binary_form(struct eio_buf *out, struct eio_bytes packet, bool binary)
{
	size_t start;

	eio_buf_addc(out, binary ? 1 : 0);
	start = out->n;
	eio_buf_append_u64(out, packet.n);
	for (size_t i = start; i < out->n; i++) out->p[i] = (char)(out->p[i] - '0');
	eio_buf_addc(out, (char)0xff);
	eio_buf_add(out, packet);
}

struct eio_block *
eio__bundle_build_3(const struct eio__part *parts, unsigned count, const char *data, enum eio_wire wire)
{
	bool strings = wire == EIO_WIRE_POLLING_B64_3 || wire == EIO_WIRE_POLLING_B64_3_TWICE;
	bool b64 = strings || wire == EIO_WIRE_WS_B64_3 || wire == EIO_WIRE_WS_B64_3_TWICE;
	bool twice = wire == EIO_WIRE_POLLING_B64_3_TWICE || wire == EIO_WIRE_WS_3_TWICE ||
		     wire == EIO_WIRE_WS_B64_3_TWICE;
	struct eio_buf out, tmp;

	eio_buf_init(&out);
	eio_buf_init(&tmp);
	for (unsigned i = 0; i < count; i++) {
		bool binary = parts[i].binary && !b64;
		struct eio_bytes packet = text_of(&parts[i], data, b64, twice, &tmp);

		if (tmp.failed) out.failed = true;
		if (wire == EIO_WIRE_POLLING_3)
			append_binary_form(&out, packet, binary);
		else if (strings)
			append_string_form(&out, packet);
		else
			append_frame(&out, packet, binary);
	}
	eio_buf_deinit(&tmp);
	return eio_block_of_buf(&out);
}

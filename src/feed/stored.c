/* SPDX-License-Identifier: MIT */
/* MessagePack, as far as sessions need it: strings, arrays, and maps whose keys are known. */
#include "src/feed/stored.h"

#include "eio/base64.h"
#include "src/feed/offset.h"

#include <stdlib.h>
#include <string.h>

enum {
	FIXMAP = 0x80,
	FIXARRAY = 0x90,
	FIXSTR = 0xa0,
	STR8 = 0xd9,
	STR16 = 0xda,
	STR32 = 0xdb,
	ARRAY16 = 0xdc,
	ARRAY32 = 0xdd,
	MEMBERS = 6,
	DETAILS = 8,
	FORM = 1,
};

/* Writing */

static void
pack_big_endian(struct eio_buf *b, size_t n, unsigned bytes)
{
	while (bytes-- > 0) eio_buf_addc(b, (char)(n >> 8 * bytes));
}

static void
pack_string(struct eio_buf *b, struct eio_bytes s)
{
	if (s.n < 32) {
		eio_buf_addc(b, (char)(FIXSTR | s.n));
	} else if (s.n <= 0xff) {
		eio_buf_addc(b, (char)STR8);
		pack_big_endian(b, s.n, 1);
	} else if (s.n <= 0xffff) {
		eio_buf_addc(b, (char)STR16);
		pack_big_endian(b, s.n, 2);
	} else {
		eio_buf_addc(b, (char)STR32);
		pack_big_endian(b, s.n, 4);
	}
	eio_buf_add(b, s);
}

static void
pack_array(struct eio_buf *b, size_t n)
{
	if (n < 16) {
		eio_buf_addc(b, (char)(FIXARRAY | n));
	} else if (n <= 0xffff) {
		eio_buf_addc(b, (char)ARRAY16);
		pack_big_endian(b, n, 2);
	} else {
		eio_buf_addc(b, (char)ARRAY32);
		pack_big_endian(b, n, 4);
	}
}

static void
pack_number(struct eio_buf *b, uint64_t v)
{
	char digits[FEED_DIGITS_MAX];

	pack_string(b, eio_bytes(digits, feed_digits_write(digits, v)));
}

static void
pack_token(struct eio_buf *b, unsigned members, struct eio_bytes token)
{
	eio_buf_addc(b, (char)(FIXMAP | members));
	pack_string(b, EIO_LIT("siocast"));
	pack_string(b, token);
}

static void
pack_details(struct eio_buf *b, const struct stored_session *s)
{
	pack_string(b, EIO_LIT("at"));
	pack_array(b, DETAILS);
	eio_buf_addc(b, FORM);
	pack_string(b, s->nsp);
	pack_number(b, s->shape);
	pack_number(b, s->who);
	pack_string(b, s->begun);
	pack_string(b, s->must);
	pack_string(b, s->joined);
	pack_array(b, s->n_rooms);
	for (size_t i = 0; i < s->n_rooms; i++) pack_string(b, s->rooms[i].joined);
}

/* As base64, and frees it. */
static void
pack_encoded(struct eio_buf *out, struct eio_buf *packed)
{
	size_t n = eio_base64_encoded_len(packed->n);
	char *text = eio_buf_failed(packed) ? NULL : malloc(n);

	if (text) {
		eio_base64_encode(text, eio_buf_bytes(packed));
		eio_buf_append(out, text, n);
		free(text);
	} else {
		out->failed = true;
	}
	eio_buf_deinit(packed);
}

void
stored_write(const struct stored_session *s, struct eio_buf *out)
{
	struct eio_buf b = { 0 };

	pack_token(&b, MEMBERS, s->token);
	pack_string(&b, EIO_LIT("sid"));
	pack_string(&b, s->sid);
	pack_string(&b, EIO_LIT("pid"));
	pack_string(&b, s->pid);
	pack_string(&b, EIO_LIT("rooms"));
	pack_array(&b, s->n_rooms);
	for (size_t i = 0; i < s->n_rooms; i++) pack_string(&b, s->rooms[i].name);
	pack_string(&b, EIO_LIT("data"));
	eio_buf_addc(&b, (char)FIXMAP);
	pack_details(&b, s);
	pack_encoded(out, &b);
}

void
stored_write_taken(struct eio_bytes token, struct eio_buf *out)
{
	struct eio_buf b = { 0 };

	pack_token(&b, 1, token);
	pack_encoded(out, &b);
}

void
stored_write_token(struct eio_bytes token, struct eio_buf *out)
{
	struct eio_buf b = { 0 };

	pack_string(&b, token);
	pack_encoded(out, &b);
}

/* Reading: what is not as it was written is refused, so each step says whether it was. */

static bool
unpack_byte(struct eio_bytes *rest, unsigned byte)
{
	if (!rest->n || (unsigned char)rest->p[0] != byte) return false;
	*rest = eio_bytes(rest->p + 1, rest->n - 1);
	return true;
}

static bool
unpack_big_endian(struct eio_bytes *rest, unsigned bytes, size_t *n)
{
	if (rest->n < bytes) return false;
	*n = 0;
	for (unsigned i = 0; i < bytes; i++) *n = *n << 8 | (unsigned char)rest->p[i];
	*rest = eio_bytes(rest->p + bytes, rest->n - bytes);
	return true;
}

static bool
unpack_string(struct eio_bytes *rest, struct eio_bytes *out)
{
	size_t n = rest->n ? (unsigned char)rest->p[0] : 0;

	if (n >= FIXSTR && n < FIXSTR + 32) {
		n -= FIXSTR;
		*rest = eio_bytes(rest->p + 1, rest->n - 1);
	} else if (!(unpack_byte(rest, STR8) && unpack_big_endian(rest, 1, &n)) &&
		   !(unpack_byte(rest, STR16) && unpack_big_endian(rest, 2, &n)) &&
		   !(unpack_byte(rest, STR32) && unpack_big_endian(rest, 4, &n))) {
		return false;
	}
	if (n > rest->n) return false;
	*out = eio_bytes(rest->p, n);
	*rest = eio_bytes(rest->p + n, rest->n - n);
	return true;
}

static bool
unpack_key(struct eio_bytes *rest, struct eio_bytes key)
{
	struct eio_bytes found;

	return unpack_string(rest, &found) && eio_bytes_eq(found, key);
}

static bool
unpack_array(struct eio_bytes *rest, size_t *n)
{
	*n = rest->n ? (unsigned char)rest->p[0] : 0;
	if (*n >= FIXARRAY && *n < FIXARRAY + 16) {
		*n -= FIXARRAY;
		*rest = eio_bytes(rest->p + 1, rest->n - 1);
		return true;
	}
	if (unpack_byte(rest, ARRAY16)) return unpack_big_endian(rest, 2, n);
	return unpack_byte(rest, ARRAY32) && unpack_big_endian(rest, 4, n);
}

static bool
unpack_number(struct eio_bytes *rest, uint64_t *v)
{
	struct eio_bytes digits;

	return unpack_string(rest, &digits) && feed_digits_read(digits, v);
}

static bool
unpack_rooms(struct eio_bytes *rest, struct stored_session *s)
{
	if (!unpack_key(rest, EIO_LIT("rooms")) || !unpack_array(rest, &s->n_rooms)) return false;
	if (s->n_rooms > STORED_ROOMS_MAX || s->n_rooms > rest->n) return false;
	s->rooms = calloc(s->n_rooms + 1, sizeof *s->rooms);
	for (size_t i = 0; s->rooms && i < s->n_rooms; i++)
		if (!unpack_string(rest, &s->rooms[i].name)) return false;
	return s->rooms != NULL;
}

static bool
unpack_details(struct eio_bytes *rest, struct stored_session *s)
{
	size_t n;

	if (!unpack_key(rest, EIO_LIT("at")) || !unpack_array(rest, &n) || n != DETAILS || !unpack_byte(rest, FORM))
		return false;
	if (!unpack_string(rest, &s->nsp) || !unpack_number(rest, &s->shape) || !unpack_number(rest, &s->who))
		return false;
	if (!unpack_string(rest, &s->begun) || !unpack_string(rest, &s->must) || !unpack_string(rest, &s->joined))
		return false;
	if (!unpack_array(rest, &n) || n != s->n_rooms) return false;
	for (size_t i = 0; i < n; i++)
		if (!unpack_string(rest, &s->rooms[i].joined)) return false;
	return true;
}

static bool
unpack_session(struct eio_bytes *rest, struct stored_session *s)
{
	if (!unpack_byte(rest, FIXMAP | MEMBERS) || !unpack_key(rest, EIO_LIT("siocast"))) return false;
	if (!unpack_string(rest, &s->token) || s->token.n != STORED_TOKEN) return false;
	if (!unpack_key(rest, EIO_LIT("sid")) || !unpack_string(rest, &s->sid)) return false;
	if (!unpack_key(rest, EIO_LIT("pid")) || !unpack_string(rest, &s->pid)) return false;
	if (!unpack_rooms(rest, s) || !unpack_key(rest, EIO_LIT("data")) || !unpack_byte(rest, FIXMAP)) return false;
	return unpack_details(rest, s) && rest->n == 0;
}

void
stored_free(struct stored_session *s)
{
	free(s->rooms);
	free(s->bytes);
	*s = (struct stored_session){ 0 };
}

bool
stored_read(struct stored_session *s, struct eio_bytes text)
{
	struct eio_bytes rest;
	ssize_t n;

	*s = (struct stored_session){ .bytes = malloc(text.n + 1) };
	if (!s->bytes) return false;
	n = eio_base64_decode(s->bytes, text);
	rest = eio_bytes(s->bytes, n > 0 ? (size_t)n : 0);
	if (unpack_session(&rest, s)) return true;
	stored_free(s);
	return false;
}

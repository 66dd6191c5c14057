/* SPDX-License-Identifier: MIT */
/* Offers of permessage-deflate, and Accept-Encoding. */
#include "eio/negotiate.h"

#include "eio/header.h"

enum { WINDOW_BITS_MIN = 8 }; /* of RFC 7692 */

/* Permessage-deflate */

/* What one offer says, by the names of RFC 7692. */
struct offer {
	bool server_no_context, client_no_context, client_bits;
	int server_bits; /* 0: not there */
};

/* The number of window bits in a value, which may be quoted, or 0 when it is none. */
static int
window_bits(struct eio_bytes v)
{
	int bits = 0;

	if (v.n >= 2 && v.p[0] == '"' && v.p[v.n - 1] == '"') v = eio_bytes(v.p + 1, v.n - 2);
	if (v.n == 0 || v.n > 2 || v.p[0] == '0') return 0;
	for (size_t i = 0; i < v.n; i++) {
		if (v.p[i] < '0' || v.p[i] > '9') return 0;
		bits = bits * 10 + (v.p[i] - '0');
	}
	return bits >= WINDOW_BITS_MIN && bits <= EIO_DEFLATE_WINDOW_MAX ? bits : 0;
}

/* Notes that a flag was given; twice, or with a value, is wrong. */
static bool
note_flag(bool *given, bool has_value)
{
	if (*given || has_value) return false;
	*given = true;
	return true;
}

/* One parameter of an offer. false when it is unknown, doubled or has a wrong value: then the offer cannot be met. */
static bool
read_parameter(struct offer *o, struct eio_bytes parameter)
{
	struct eio_bytes value = parameter, name = eio_header_take(&value, '=');
	bool has_value = memchr(parameter.p, '=', parameter.n) != NULL;

	value = eio_header_trim(value);
	if (eio_bytes_eq(name, EIO_LIT("server_no_context_takeover")))
		return note_flag(&o->server_no_context, has_value);
	if (eio_bytes_eq(name, EIO_LIT("client_no_context_takeover")))
		return note_flag(&o->client_no_context, has_value);
	if (eio_bytes_eq(name, EIO_LIT("client_max_window_bits")))
		return note_flag(&o->client_bits, has_value && window_bits(value) == 0);
	if (!eio_bytes_eq(name, EIO_LIT("server_max_window_bits")) || o->server_bits) return false;
	o->server_bits = window_bits(value);
	return o->server_bits != 0;
}

static bool
read_offer(struct offer *o, struct eio_bytes s)
{
	*o = (struct offer){ 0 };
	if (!eio_bytes_eq(eio_header_take(&s, ';'), EIO_LIT("permessage-deflate"))) return false;
	while (s.n) {
		struct eio_bytes parameter = eio_header_take(&s, ';');

		if (parameter.n == 0 || !read_parameter(o, parameter)) return false;
	}
	return true;
}

bool
eio_negotiate_deflate(struct eio_bytes offers, int window_bits, struct eio_buf *out)
{
	struct offer o;

	while (offers.n) {
		if (!read_offer(&o, eio_header_take(&offers, ',')) || (o.server_bits && o.server_bits < window_bits))
			continue;
		/* No window is kept for anybody, in neither direction. */
		EIO_BUF_ADD_LIT(out, "permessage-deflate; server_no_context_takeover; client_no_context_takeover");
		if (o.server_bits || window_bits < EIO_DEFLATE_WINDOW_MAX)
			eio_buf_printf(out, "; server_max_window_bits=%d", window_bits);
		return true;
	}
	return false;
}

/* Accept-Encoding */

/* How much a coding is wanted. */
struct preference {
	int quality; /* in thousandths; 0: not at all */
	size_t order; /* of its place in the list */
	bool named; /* by its own name, not by "*" */
};

static struct preference
preference_for(struct eio_bytes accept, struct eio_bytes coding)
{
	struct preference best = { 0 };
	struct eio_accepted a;

	for (size_t i = 0; eio_header_accepted(&accept, &a); i++) {
		struct preference p = { .quality = a.weight, .order = i, .named = eio_header_is(a.coding, coding) };

		if (!p.named && (best.named || !eio_bytes_eq(a.coding, EIO_LIT("*")))) continue;
		if (p.named > best.named || p.quality > best.quality) best = p;
	}
	return best;
}

enum eio_coding
eio_negotiate_coding(struct eio_bytes accept_encoding)
{
	struct preference gzip = preference_for(accept_encoding, EIO_LIT("gzip"));
	struct preference deflate = preference_for(accept_encoding, EIO_LIT("deflate"));
	bool first = gzip.quality > deflate.quality ||
		     (gzip.quality == deflate.quality &&
			     (gzip.named > deflate.named ||
				     (gzip.named == deflate.named && gzip.order <= deflate.order)));

	if (gzip.quality == 0 && deflate.quality == 0) return EIO_CODING_IDENTITY;
	return first ? EIO_CODING_GZIP : EIO_CODING_DEFLATE;
}

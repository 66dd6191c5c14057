/* SPDX-License-Identifier: MIT */
/* Slots, and errors about them. */
#include "src/redis/slot.h"

#include "src/redis/host.h"

#include <string.h>

enum { CRC_POLYNOMIAL = 0x1021, MAX_PORT = 65535 };

/* CRC16 of XMODEM. Names are short and asked for once, so there is no table. */
static unsigned
crc16(struct eio_bytes s)
{
	unsigned crc = 0;

	for (size_t i = 0; i < s.n; i++) {
		crc ^= (unsigned)(unsigned char)s.p[i] << 8;
		for (int bit = 0; bit < 8; bit++) crc = (crc << 1) ^ (crc & 0x8000 ? CRC_POLYNOMIAL : 0);
		crc &= 0xffff;
	}
	return crc;
}

/* Between the first { and the first } behind it, where something is there. */
static struct eio_bytes
hash_tag(struct eio_bytes name)
{
	const char *open = name.n ? memchr(name.p, '{', name.n) : NULL, *close;

	if (!open) return name;
	close = memchr(open + 1, '}', name.n - (size_t)(open + 1 - name.p));
	return close && close > open + 1 ? eio_bytes(open + 1, (size_t)(close - open - 1)) : name;
}

unsigned
redis_slot(struct eio_bytes name)
{
	return crc16(hash_tag(name)) % REDIS_SLOTS;
}

/* A number of 1 to 5 digits, the whole text, up to max. */
static bool
read_digits(struct eio_bytes s, unsigned max, unsigned *out)
{
	*out = 0;
	if (!s.n || s.n > 5) return false;
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9') return false;
		*out = *out * 10 + (unsigned)(s.p[i] - '0');
	}
	return *out <= max;
}

/* "3999 127.0.0.1:6381": of an address without brackets the last colon is that in front of the port. */
static bool
read_slot_and_address(struct eio_bytes s, struct redis_redirect *out)
{
	const char *space = s.n ? memchr(s.p, ' ', s.n) : NULL, *colon;
	struct eio_bytes address;

	if (!space || !read_digits(eio_bytes(s.p, (size_t)(space - s.p)), REDIS_SLOTS - 1, &out->slot)) return false;
	address = eio_bytes(space + 1, s.n - (size_t)(space + 1 - s.p));
	colon = address.n ? memrchr(address.p, ':', address.n) : NULL;
	if (!colon) return false;
	out->host = eio_bytes(address.p, (size_t)(colon - address.p));
	if (!read_digits(eio_bytes(colon + 1, address.n - out->host.n - 1), MAX_PORT, &out->port)) return false;
	if (eio_bytes_eq(out->host, EIO_LIT("?"))) out->port = 0;
	return !out->port || !out->host.n || redis_is_host(out->host);
}

static bool
takes_word(struct eio_bytes *s, struct eio_bytes word)
{
	if (!eio_bytes_starts(*s, word)) return false;
	*s = eio_bytes(s->p + word.n, s->n - word.n);
	return true;
}

struct redis_redirect
redis_redirect_read(struct eio_bytes error)
{
	struct redis_redirect r = { .kind = REDIS_REDIRECT_NONE };

	if (takes_word(&error, EIO_LIT("MOVED ")))
		r.kind = REDIS_REDIRECT_MOVED;
	else if (takes_word(&error, EIO_LIT("ASK ")))
		r.kind = REDIS_REDIRECT_ASK;
	else if (eio_bytes_starts(error, EIO_LIT("CLUSTERDOWN")) || eio_bytes_starts(error, EIO_LIT("TRYAGAIN")))
		return (struct redis_redirect){ .kind = REDIS_REDIRECT_LATER };
	if (r.kind == REDIS_REDIRECT_NONE || read_slot_and_address(error, &r)) return r;
	return (struct redis_redirect){ .kind = REDIS_REDIRECT_LATER }; /* it is elsewhere, and nobody says where */
}

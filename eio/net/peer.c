/* SPDX-License-Identifier: MIT */
/* Addresses of peers: from the system, from text, and as text. */
#include "eio/net/peer.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

_Static_assert(EIO_PEER_TEXT >= INET6_ADDRSTRLEN, "any address fits");

enum { IPV4_BITS = 32, IPV6_BITS = 128, MAPPED_BYTES = 12, MAPPED_BITS = 8 * MAPPED_BYTES };

static struct eio_peer
make_peer(enum eio_peer_kind kind, const void *bytes, size_t n)
{
	struct eio_peer p = { .kind = (unsigned char)kind };

	memcpy(p.bytes, bytes, n);
	return p;
}

static struct eio_peer
peer_of_ipv6(const struct in6_addr *a)
{
	/* ::ffff:192.0.2.1, which an IPv6 listener has for who comes by IPv4 (RFC 4291 section 2.5.5.2). */
	if (IN6_IS_ADDR_V4MAPPED(a)) return make_peer(EIO_PEER_IPV4, a->s6_addr + MAPPED_BYTES, 4);
	return make_peer(EIO_PEER_IPV6, a->s6_addr, 16);
}

struct eio_peer
eio_peer_of(const struct sockaddr *sa)
{
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;

	switch (sa->sa_family) {
	case AF_INET: memcpy(&v4, sa, sizeof v4); return make_peer(EIO_PEER_IPV4, &v4.sin_addr, 4);
	case AF_INET6: memcpy(&v6, sa, sizeof v6); return peer_of_ipv6(&v6.sin6_addr);
	case AF_UNIX: return (struct eio_peer){ .kind = EIO_PEER_UNIX };
	default: return (struct eio_peer){ .kind = EIO_PEER_NONE };
	}
}

/* An address without anything else. */
static bool
parse_plain(struct eio_bytes text, struct eio_peer *out)
{
	char s[EIO_PEER_TEXT];
	struct in_addr v4;
	struct in6_addr v6;

	if (text.n == 0 || text.n >= sizeof s || memchr(text.p, '\0', text.n)) return false;
	memcpy(s, text.p, text.n);
	s[text.n] = '\0';
	if (inet_pton(AF_INET, s, &v4) == 1)
		*out = make_peer(EIO_PEER_IPV4, &v4, 4);
	else if (inet_pton(AF_INET6, s, &v6) == 1)
		*out = peer_of_ipv6(&v6);
	else
		return false;
	return true;
}

static bool
is_port(struct eio_bytes s)
{
	if (s.n == 0 || s.n > 5) return false;
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < '0' || s.p[i] > '9') return false;
	return true;
}

bool
eio_peer_parse(struct eio_bytes text, struct eio_peer *out)
{
	bool bracket = text.n > 0 && text.p[0] == '[';
	const char *end = text.n ? memchr(text.p, bracket ? ']' : ':', text.n) : NULL;
	struct eio_bytes host, rest;

	if (bracket && !end) return false;
	if (bracket) {
		host = eio_bytes(text.p + 1, (size_t)(end - text.p) - 1);
		rest = eio_bytes(end + 1, text.n - host.n - 2);
		if (rest.n > 0 && (rest.p[0] != ':' || !is_port(eio_bytes(rest.p + 1, rest.n - 1)))) return false;
		return memchr(host.p, ':', host.n) && parse_plain(host, out);
	}
	/* One colon is that of a port, two are of IPv6. */
	if (!end || memchr(end + 1, ':', text.n - (size_t)(end - text.p) - 1)) return parse_plain(text, out);
	host = eio_bytes(text.p, (size_t)(end - text.p));
	return is_port(eio_bytes(end + 1, text.n - host.n - 1)) && parse_plain(host, out);
}

const char *
eio_peer_text(const struct eio_peer *p, char out[EIO_PEER_TEXT])
{
	if (p->kind != EIO_PEER_IPV4 && p->kind != EIO_PEER_IPV6) return NULL;
	return inet_ntop(p->kind == EIO_PEER_IPV4 ? AF_INET : AF_INET6, p->bytes, out, EIO_PEER_TEXT);
}

/* Networks */

/* Whether the first bits of two addresses are the same. */
static bool
same_bits(const unsigned char *a, const unsigned char *b, unsigned bits)
{
	unsigned rest = bits % 8;

	if (memcmp(a, b, bits / 8) != 0) return false;
	return rest == 0 || (a[bits / 8] ^ b[bits / 8]) >> (8 - rest) == 0;
}

static bool
parse_bits(struct eio_bytes s, unsigned *out)
{
	unsigned n = 0;

	if (s.n == 0 || s.n > 3) return false;
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9') return false;
		n = 10 * n + (unsigned)(s.p[i] - '0');
	}
	*out = n;
	return true;
}

/* Whether bits that do not count are set. */
static bool
is_loose(const struct eio_network *n)
{
	struct eio_peer p = n->address;

	for (unsigned i = n->bits; i < 8 * sizeof p.bytes; i++)
		if (p.bytes[i / 8] & 0x80u >> i % 8) return true;
	return false;
}

const char *
eio_network_parse(struct eio_bytes text, struct eio_network *out, bool *loose)
{
	static const char usage[] =
		"expected a network such as \"10.0.0.0/8\" or \"2001:db8::/32\", an address, or \"unix\"";
	const char *slash = text.n ? memchr(text.p, '/', text.n) : NULL;
	struct eio_bytes host = slash ? eio_bytes(text.p, (size_t)(slash - text.p)) : text;
	unsigned most, bits;
	bool v4;

	*loose = false;
	if (eio_bytes_eq(text, EIO_LIT("unix"))) {
		*out = (struct eio_network){ .address = { .kind = EIO_PEER_UNIX } };
		return NULL;
	}
	if (!parse_plain(host, &out->address)) return usage;
	v4 = out->address.kind == EIO_PEER_IPV4;
	most = v4 ? IPV4_BITS : IPV6_BITS;
	bits = most;
	if (slash) {
		if (!parse_bits(eio_bytes(slash + 1, text.n - host.n - 1), &bits)) return usage;
		/* "::ffff:10.0.0.0/104" */
		if (v4 && memchr(host.p, ':', host.n)) {
			if (bits < MAPPED_BITS) return "such a network of IPv4 in IPv6 has at least 96 bits";
			bits -= MAPPED_BITS;
		}
		if (bits > most) return "more bits than an address has";
	}
	out->bits = bits;
	*loose = is_loose(out);
	return NULL;
}

bool
eio_networks_have(const struct eio_networks *networks, const struct eio_peer *p)
{
	for (size_t i = 0; i < networks->n; i++) {
		const struct eio_network *n = &networks->v[i];

		if (n->address.kind == p->kind && same_bits(n->address.bytes, p->bytes, n->bits)) return true;
	}
	return false;
}

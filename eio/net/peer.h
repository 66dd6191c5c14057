/* SPDX-License-Identifier: MIT */
/* The address at the other end of a connection, and networks of such addresses. No I/O. */
#ifndef EIO_NET_PEER_H
#define EIO_NET_PEER_H

#include "eio/bytes.h"

#include <stdbool.h>

struct sockaddr;

enum { EIO_PEER_TEXT = 46 }; /* the longest text of an address, with the NUL behind it */

/* Without padding, so that it is compared and copied as bytes. All zero: nobody knows. */
struct eio_peer {
	unsigned char kind; /* enum eio_peer_kind */
	unsigned char bytes[16]; /* the address: 4 of IPv4, 16 of IPv6, the others zero */
};

enum eio_peer_kind { EIO_PEER_NONE, EIO_PEER_UNIX, EIO_PEER_IPV4, EIO_PEER_IPV6 };

/* Of what accept() tells. IPv6 that stands for IPv4 becomes that. */
struct eio_peer eio_peer_of(const struct sockaddr *sa);

/* Reads "192.0.2.1", "2001:db8::1", or either with a port: "192.0.2.1:80", "[2001:db8::1]:80", "[2001:db8::1]". False
 * when it is neither. */
bool eio_peer_parse(struct eio_bytes text, struct eio_peer *out);

/* Writes the address as text and returns out; NULL when it has none, as a Unix socket. */
const char *eio_peer_text(const struct eio_peer *p, char out[EIO_PEER_TEXT]);

struct eio_network {
	struct eio_peer address;
	unsigned bits; /* so many of the address count */
};

struct eio_networks {
	const struct eio_network *v;
	size_t n;
};

/* Reads "192.0.2.0/24", "2001:db8::/32", an address, which is a network of one, or "unix": whoever comes by a Unix
 * socket. NULL, or what is wrong: a constant sentence. *loose: bits of the address that do not count are set. */
const char *eio_network_parse(struct eio_bytes text, struct eio_network *out, bool *loose);

/* Whether an address belongs to one of them. */
bool eio_networks_have(const struct eio_networks *networks, const struct eio_peer *p);

#endif

/* SPDX-License-Identifier: MIT */
/* The address of a client that comes by way of proxies which say so in a header. */
#ifndef EIO_NET_FORWARDED_H
#define EIO_NET_FORWARDED_H

#include "eio/net/request.h"

/* What the proxies write. A client may send the other one, which they pass on as it is: so only one counts. */
enum eio_forwarded_header {
	EIO_FORWARDED_X, /* X-Forwarded-For: addresses */
	EIO_FORWARDED_RFC7239, /* Forwarded: elements with "for" */
};

/* Which proxies are believed, and by which header. */
struct eio_forwarding {
	struct eio_networks trusted; /* borrowed */
	enum eio_forwarded_header header;
};

/*
 * Who sent a request: its connection's peer, or when that is a trusted proxy, whom the header names. Each proxy adds
 * who came to it at the end, so the list is read from there; what stands left of an address that is not trusted is
 * what that client says, and does not count. That is what nginx does with real_ip_recursive on. Behind what is no
 * address ("unknown", "_hidden", an element without "for") nobody knows more, and the last address before it counts; a
 * Forwarded that is not as RFC 7239 section 4 has it does not count at all.
 */
struct eio_peer eio_forwarded_for(const struct eio_forwarding *f, const struct eio_request *req);

/* The same of a header's value, without a request: of several lines, joined by commas. */
struct eio_peer eio_forwarded_value(const struct eio_forwarding *f, struct eio_peer peer, struct eio_bytes value);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * The PROXY protocol, versions 1 and 2, as HAProxy's proxy-protocol.txt has it: a header in front of everything else on
 * a connection, by which a proxy says who came to it. No I/O.
 */
#ifndef EIO_NET_PROXY_HEADER_H
#define EIO_NET_PROXY_HEADER_H

#include "eio/net/peer.h"

/* The longest that is taken: what follows the addresses in version 2, such as the client's certificate, is skipped. */
enum { EIO_PROXY_HEADER_BYTES = 4096 };

enum eio_proxy_header {
	EIO_PROXY_HEADER_MORE, /* all of it belongs to the header, and more has to come */
	EIO_PROXY_HEADER_DONE,
	EIO_PROXY_HEADER_BAD, /* it is none, or too long */
};

/* Reads what a connection begins with. DONE: *used is where the header ends, and *peer whom it names; that stays as it
 * is when the proxy speaks for itself (LOCAL), or does not know, or names no address of IPv4 or IPv6. */
enum eio_proxy_header eio_proxy_header_read(const char *p, size_t n, size_t *used, struct eio_peer *peer);

#endif

/* SPDX-License-Identifier: MIT */
/* The address of a client that comes by way of proxies. */
#ifndef EIO_NET_FORWARDED_H
#define EIO_NET_FORWARDED_H

#include "eio/net/request.h"

/*
 * Who sent a request: its connection's peer, or when that is a trusted proxy, whom X-Forwarded-For names. Each proxy
 * adds who came to it at the end, so the list is read from there; what stands left of an address that is not trusted
 * is what that client says, and does not count. That is what nginx does with real_ip_recursive on.
 */
struct eio_peer eio_forwarded_for(const struct eio_networks *trusted, const struct eio_request *req);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * A connection that has to say by a PROXY header whose it is, before it is one of the
 * HTTP server. No more than the header is read: what is behind it, TLS maybe, is for
 * whoever serves the connection then.
 *
 * Threads: the loop's only.
 */
#ifndef EIO_NET_ARRIVAL_H
#define EIO_NET_ARRIVAL_H

#include "eio/net/httpd_int.h"

/* Takes an accepted descriptor, which it owns, of a trusted proxy, and what was read of its header already. Once the
 * header is there it calls h->arrived; without one, or when it does not come in time, the connection is closed and
 * counted. */
void eio__arrival_new(
	struct eio_httpd *h, int fd, struct eio_httpd_door *door, const struct eio_peer *proxy, struct eio_bytes begun);

/* The server holds or leaves: so do all there are. */
void eio__arrivals_part(struct eio_httpd *h);

/* Closes all there are. */
void eio__arrivals_close(struct eio_httpd *h);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * What is particular to a listener, and what it says to who came to the wrong one: plain
 * HTTP where TLS is spoken, and the other way round where all are sent to it. Inside of the HTTP server.
 */
#ifndef EIO_NET_DOOR_H
#define EIO_NET_DOOR_H

#include "eio/net/httpd.h"

#include <stdatomic.h>

struct eio_httpd_door {
	unsigned magic;
	atomic_uint refs; /* of listeners and connections, of several threads */
	struct eio_tls_server *tls; /* a reference, or NULL */
	char *name, *headers, *redirect; /* owned, or NULL */
	bool proxied;
};

/* Answers what is HTTP without TLS on the bare socket. */
void eio__refuse_plain(int fd);

/* The answer that sends a request to where the door says; 400 when it names no host. The headers are a reference of
 * the caller's. */
struct eio_response eio__redirect_response(const struct eio_httpd_door *door, const struct eio_request *req);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * What a listener says to who came to the wrong one: plain HTTP where TLS is spoken,
 * and the other way round where all are sent to it. Inside of the HTTP server.
 */
#ifndef EIO_NET_DOOR_H
#define EIO_NET_DOOR_H

#include "eio/net/httpd.h"

/* Answers what is HTTP without TLS on the bare socket. */
void eio__refuse_plain(int fd);

/* The answer that sends a request to where the door says; 400 when it names no host. The headers are a reference of
 * the caller's. */
struct eio_response eio__redirect_response(const struct eio_httpd_door *door, const struct eio_request *req);

#endif

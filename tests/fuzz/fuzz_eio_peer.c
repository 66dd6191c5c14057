/* SPDX-License-Identifier: MIT */
/*
 * Whom any X-Forwarded-For or Forwarded names, with any network trusted. The input is a
 * network, an address, each in a line, and lines of a head. What was understood as an address is
 * written as one that is the same, and belongs to its own network.
 */
#include "eio/net/forwarded.h"
#include "eio/net/http.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct eio_bytes
cut_line(struct eio_bytes *rest)
{
	const char *end = rest->n ? memchr(rest->p, '\n', rest->n) : NULL;
	struct eio_bytes line = end ? eio_bytes(rest->p, (size_t)(end - rest->p)) : *rest;

	*rest = end ? eio_bytes(end + 1, rest->n - line.n - 1) : eio_bytes("", 0);
	return line;
}

static void
check_peer(const struct eio_peer *p)
{
	char text[EIO_PEER_TEXT];
	struct eio_network own;
	struct eio_peer again;
	bool loose;

	if (!eio_peer_text(p, text)) return;
	if (!eio_peer_parse(eio_cstr(text), &again) || memcmp(p, &again, sizeof again) != 0) abort();
	if (eio_network_parse(eio_cstr(text), &own, &loose) || loose) abort();
	if (!eio_networks_have(&(struct eio_networks){ &own, 1 }, p)) abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct eio_bytes rest = eio_bytes((const char *)data, size), network = cut_line(&rest), peer = cut_line(&rest);
	struct eio_http *http = eio_http_new(100000, 1000);
	struct eio_peer p = { .kind = EIO_PEER_UNIX };
	struct eio_forwarding f = { 0 };
	struct eio_network n;
	struct eio_request *req;
	bool loose;
	size_t used;

	if (!http) return 0;
	if (!eio_network_parse(network, &n, &loose)) f.trusted = (struct eio_networks){ &n, 1 };
	if (eio_peer_parse(peer, &p)) check_peer(&p);
	eio_http_feed(http, "GET / HTTP/1.1\r\nHost: a\r\n", 25, &used);
	if (eio_http_feed(http, rest.p, rest.n, &used) == EIO_HTTP_COMPLETE) {
		req = eio_http_take(http);
		req->peer = p;
		for (int rfc7239 = 0; rfc7239 < 2; rfc7239++) {
			f.header = rfc7239 ? EIO_FORWARDED_RFC7239 : EIO_FORWARDED_X;
			p = eio_forwarded_for(&f, req);
			check_peer(&p);
			if (!eio_networks_have(&f.trusted, &req->peer) && memcmp(&p, &req->peer, sizeof p) != 0)
				abort();
		}
		eio_request_free(req);
	}
	eio_http_free(http);
	return 0;
}

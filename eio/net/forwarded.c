/* SPDX-License-Identifier: MIT */
/* X-Forwarded-For, from the right. */
#include "eio/net/forwarded.h"

#include <string.h>

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Cuts the last element off a list that is not empty. */
static struct eio_bytes
cut_last(struct eio_bytes *list)
{
	const char *comma = memrchr(list->p, ',', list->n);
	size_t at = comma ? (size_t)(comma - list->p) : 0;
	struct eio_bytes last = eio_bytes(list->p + at + (comma != NULL), list->n - at - (comma != NULL));

	list->n = at;
	while (last.n && is_blank(last.p[0])) last = eio_bytes(last.p + 1, last.n - 1);
	while (last.n && is_blank(last.p[last.n - 1])) last.n--;
	return last;
}

struct eio_peer
eio_forwarded_for(const struct eio_networks *trusted, const struct eio_request *req)
{
	struct eio_peer p = req->peer, before;
	struct eio_buf all;
	struct eio_bytes list, element;

	if (!eio_networks_have(trusted, &p)) return p;
	eio_buf_init(&all);
	eio_request_header_list(req, EIO_LIT("x-forwarded-for"), &all);
	list = eio_buf_failed(&all) ? eio_bytes("", 0) : eio_buf_bytes(&all);
	while (list.n > 0 && eio_networks_have(trusted, &p)) {
		element = cut_last(&list);
		if (element.n == 0) continue; /* an empty element of a list is none (RFC 9110 section 5.6.1) */
		if (!eio_peer_parse(element, &before)) break; /* "unknown": nobody knows more than this */
		p = before;
	}
	eio_buf_deinit(&all);
	return p;
}

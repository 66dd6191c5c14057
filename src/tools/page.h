/* SPDX-License-Identifier: MIT */
/*
 * A Socket.IO client over WebSocket, as a page is one: revision 4 of Engine.IO, one namespace, events only. It reads
 * what comes, one event at a time, and waits for it.
 */
#ifndef SRC_TOOLS_PAGE_H
#define SRC_TOOLS_PAGE_H

#include "eio/buf.h"

#include <stdint.h>

struct page;

struct page_options {
	const char *url; /* "https://example.org", or with the path of the endpoint */
	const char *path; /* of the endpoint, where the URL has none */
	const char *nsp; /* "/" */
	const char *auth; /* JSON, or NULL */
	const char *ca_file; /* certificates to trust instead of the system's; or NULL */
	unsigned timeout_ms; /* to connect, and to join the namespace */
};

/* An event. Its bytes are valid until the next call. */
struct page_event {
	struct eio_bytes name; /* its text */
	struct eio_bytes arguments; /* JSON behind the name, without brackets; attachments are placeholders */
	struct eio_bytes attachments; /* all of them, one behind the other */
	size_t n_attachments;
};

/* Connects, and joins the namespace. NULL, and why, when that fails. */
struct page *page_open(const struct page_options *options, char *why, size_t why_size);
void page_close(struct page *p); /* NULL is fine */

/* Sends an event: a JSON list of its name and arguments. 0 or -1. */
int page_emit(struct page *p, struct eio_bytes list);

/* The next event: 1; 0: none in that time; -1: the connection is over, page_why() says why. */
int page_next(struct page *p, unsigned timeout_ms, struct page_event *out);
const char *page_why(const struct page *p);

#endif

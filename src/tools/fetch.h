/* SPDX-License-Identifier: MIT */
/*
 * Requests of commands over HTTP, and connections for what follows an upgrade: what this folder knows of libcurl. They
 * wait, since a command has nothing else to do. Neither proxies of the environment nor .netrc are used, redirects are
 * not followed, certificates are checked.
 */
#ifndef SRC_TOOLS_FETCH_H
#define SRC_TOOLS_FETCH_H

#include "eio/buf.h"

#include <stdbool.h>
#include <stdint.h>

enum { FETCH_BYTES = 64 << 20 }; /* of an answer; more is a failure */

struct fetch {
	const char *url;
	const char *socket; /* the path of a Unix socket to go to instead of the URL's host; or NULL */
	const char *ca_file; /* certificates to trust instead of the system's; or NULL */
	const char *post; /* the body of a POST, or NULL for a GET */
	unsigned timeout_ms;
	/* Called with each piece of the body as it comes, instead of keeping it. Whether to go on. Or NULL. */
	bool (*piece)(void *user, struct eio_bytes piece);
	void *user;
};

struct fetched {
	unsigned status; /* of HTTP; 0: there is no answer */
	struct eio_buf head, body; /* lines with CRLF, and what follows them */
	int64_t expires_s; /* when the server's certificate does, since 1970; 0: it has none, or that is not known */
	char why[256]; /* without an answer */
};

/* Asks, and fills *out, which was empty; fetched_free() empties it again. 0, or -1 without a whole answer: then why
 * says it, and what came is there. A piece() that stops it is no failure. */
int fetch(const struct fetch *f, struct fetched *out);
void fetched_free(struct fetched *f);

/* The value of a header in its lines, without blanks around it; p is NULL when there is none. name: in any case. */
struct eio_bytes fetched_header(const struct fetched *f, const char *name);

/* A connection, over TLS where the URL's scheme says so, on which bytes go both ways. */
struct wire;

/* Connects. NULL, and why, when that fails; for wire_close(). */
struct wire *wire_open(const struct fetch *f, char *why, size_t why_size);
void wire_close(struct wire *w); /* NULL is fine */

/* Sends all of the bytes. 0, or -1. */
int wire_send(struct wire *w, struct eio_bytes bytes);

/* Appends what comes next to a buffer, or waits for it so many milliseconds. How many bytes, 0 when there were none in
 * time, -1 when the connection is at its end. */
int wire_receive(struct wire *w, struct eio_buf *out, unsigned timeout_ms);

#endif

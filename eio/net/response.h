/* SPDX-License-Identifier: MIT */
/*
 * An answer as bytes: its head, and for many connections that get the same one
 * after the other, head and body in one block. Belongs to the thread of its server.
 */
#ifndef EIO_NET_RESPONSE_H
#define EIO_NET_RESPONSE_H

#include "eio/net/exchange.h"

#include <time.h>

enum { EIO__DATE_LEN = 29 };

/* What a server keeps for the answers to come. All zero to start with. */
struct eio__responses {
	struct eio_buf head; /* of the answer being written; its memory is kept for the next */
	char date[EIO__DATE_LEN + 1]; /* of the second date_at */
	time_t date_at;
	/* The last answer in one block, and what it was made of, with references; or NULL. */
	struct eio_block *shared;
	struct eio_response shared_of;
	time_t shared_at;
	bool shared_minor0;
};

void eio__responses_deinit(struct eio__responses *a);

/* Appends the head of an answer, from "HTTP/1.1" to the empty line. also: more lines of it, or NULL. minor0: it goes to a
 * client of HTTP/1.0. close: the connection will be closed behind it. */
void eio__response_head(struct eio__responses *a, const struct eio_response *r, const char *also, bool minor0,
	bool close, struct eio_buf *out);

/* Head and body, which r must have, in one block: the same block as last time for the same answer, such as that of the
 * polls which one broadcast answers. It belongs to a, until the next call; take a reference to keep it longer. NULL
 * when out of memory. */
struct eio_block *eio__response_shared(struct eio__responses *a, const struct eio_response *r, bool minor0);

#endif

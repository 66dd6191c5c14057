/* SPDX-License-Identifier: MIT */
/*
 * The body of POST /publish: what is to be published, as JSON. A message of a channel,
 *
 *     {"channel": "news", "message": …}      a string means its text, anything else its JSON
 *
 * an event for clients,
 *
 *     {"namespace": "/", "room": "kitchen", "except": [], "event": "dinner", "args": […]}
 *
 * of which only the event must be there, and where room and exceptions may be lists, of rooms
 * and ids of sockets; or a list of these. Pure, any thread.
 */
#ifndef SRC_ADMIN_PUBLICATION_H
#define SRC_ADMIN_PUBLICATION_H

#include "eio/bytes.h"

struct feed_posting;

enum { ADMIN_PUBLICATION_MAX = 10000 }; /* elements of a list */

struct admin_publication_error {
	bool nomem; /* the body is not to blame */
	bool in_list; /* the place in the list that is wrong, from 0, is `at` */
	size_t at;
	const char *text; /* a sentence without a full stop; constant */
};

/* What the body says; NULL with *err when anything in it is wrong, however much of it is right. The caller frees it. */
struct feed_posting *admin_publication_read(struct eio_bytes body, struct admin_publication_error *err);

#endif

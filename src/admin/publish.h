/* SPDX-License-Identifier: MIT */
/*
 * POST /publish: whoever has a token publishes without Redis. A request is taken as a whole or not at all.
 *
 * Threads: its owner's.
 */
#ifndef SRC_ADMIN_PUBLISH_H
#define SRC_ADMIN_PUBLISH_H

#include "eio/net/request.h"
#include "src/feed/feed.h"

struct admin_publish_options {
	const char *token_file; /* see token.h; NULL: nobody publishes here */
	size_t max_bytes; /* of a body */
	uint64_t window_ms; /* how long an Idempotency-Key is remembered; 0: not at all */
};

struct admin_publish;

/* feed and metrics (of admin_metrics) are borrowed, as is the name of the file. NULL when out of memory, or when the
 * file cannot be used: both were logged. */
struct admin_publish *admin_publish_new(
	const struct admin_publish_options *options, struct feed *feed, struct metrics *metrics);
void admin_publish_free(struct admin_publish *p); /* NULL is fine */

struct admin_publish_answer {
	int status;
	struct eio_bytes headers; /* lines ending in CRLF; constant */
	struct eio_buf body; /* JSON; the caller's */
};

/* Whether a request names a token; if not it has its answer, and was counted. For what else only the holders of one may
 * do. out->body was initialized. */
bool admin_publish_allows(
	struct admin_publish *p, const struct eio_request *req, uint64_t now_ms, struct admin_publish_answer *out);

/* Takes a request to /publish. too_large: its body is larger than allowed, and was thrown away. out->body was
 * initialized. */
void admin_publish_request(struct admin_publish *p, const struct eio_request *req, bool too_large, uint64_t now_ms,
	struct admin_publish_answer *out);

#endif

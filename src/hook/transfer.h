/* SPDX-License-Identifier: MIT */
/*
 * POST requests on a loop: what the rest of this folder knows of libcurl. Many at a time, over connections that
 * are kept for the next; HTTP/1.1. Redirects are not followed, and neither proxies of the environment nor .netrc,
 * cookies or compression are used. Nothing blocks the loop: names are looked up on threads that libcurl makes for it,
 * and a transfer that is cancelled meanwhile does not wait for them.
 *
 * Threads: the loop's only, but for hook_transfers_init() and hook_transfer_refuses().
 */
#ifndef SRC_HOOK_TRANSFER_H
#define SRC_HOOK_TRANSFER_H

#include "eio/bytes.h"
#include "src/hook/spec.h"

#include <uv.h>

/* How it went. */
struct hook_transfer_end {
	unsigned status; /* of HTTP; 0: there is no answer */
	bool too_large; /* without an answer: it was longer than answer_bytes */
	const char *why; /* without an answer: a constant string, else NULL */
	struct eio_bytes body; /* valid during the call */
	unsigned retry_after_s; /* the header Retry-After; 0: none */
};

typedef void (*hook_transfer_fn)(void *user, const struct hook_transfer_end *end);

/* Before any thread makes transfers; more than once is fine. NULL, or why there cannot be any. */
const char *hook_transfers_init(void);

/* What is wrong with a URL, a constant string, or NULL. */
const char *hook_transfer_refuses(const char *url);

struct hook_transfers;
struct hook_transfer;

/* NULL when out of memory. */
struct hook_transfers *hook_transfers_new(uv_loop_t *loop);

/* Ends every transfer, without a word, and frees all when the loop has run. Not from within a callback. */
void hook_transfers_close(struct hook_transfers *t);

/* Begins to POST a body, with lines of headers as hook_ask_with() has them; spec and body are borrowed to the end. done
 * is called once, later, and then the transfer is gone. It has no timeout of its own: cancel it. NULL when out of
 * memory. */
struct hook_transfer *hook_transfer_start(struct hook_transfers *t, const struct hook_spec *spec, struct eio_bytes body,
	struct eio_bytes heads, hook_transfer_fn done, void *user);

/* Ends it before it is done, which is not called any more. */
void hook_transfer_cancel(struct hook_transfer *x);

#endif

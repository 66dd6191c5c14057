/* SPDX-License-Identifier: MIT */
/* Exchanges: reference counting, and answering once. */
#include "eio/net/exchange.h"

#include "eio/refs.h"

#include <stdlib.h>

struct eio_exchange *
eio_exchange_ref(struct eio_exchange *ex)
{
	eio_refs_take(&ex->refs);
	return ex;
}

static void
drop_response(struct eio_response *r)
{
	eio_block_unref(r->headers);
	eio_block_unref(r->body);
	eio_unsent_done(r->unsent, r->length);
	r->headers = r->body = NULL;
	r->unsent = NULL;
}

void
eio_exchange_unref(struct eio_exchange *ex)
{
	if (!ex || !eio_refs_drop(&ex->refs)) return;
	drop_response(&ex->response);
	eio_request_free(ex->req);
	free(ex);
}

void
eio_exchange_written(struct eio_exchange *ex)
{
	drop_response(&ex->response);
}

void
eio_exchange_respond(struct eio_exchange *ex, struct eio_response r)
{
	if (ex->answered) {
		drop_response(&r);
		return;
	}
	ex->answered = true;
	ex->owner = NULL;
	ex->on_abort = NULL;
	ex->response = r;
	ex->respond(ex);
}

void
eio_exchange_respond_text(struct eio_exchange *ex, int status, const char *content_type, struct eio_bytes body,
	struct eio_bytes extra_headers)
{
	struct eio_response r = { .status = status };
	struct eio_buf head;

	eio_buf_init(&head);
	if (content_type) eio_buf_printf(&head, "Content-Type: %s\r\n", content_type);
	eio_buf_add(&head, extra_headers);
	r.headers = eio_block_of_buf(&head);
	r.body = body.n ? eio_block_of(body) : NULL;
	r.length = r.body ? body.n : 0;
	eio_exchange_respond(ex, r);
}

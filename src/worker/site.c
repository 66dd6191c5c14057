/* SPDX-License-Identifier: MIT */
/* HTTP that is not Engine.IO. */
#include "src/worker/site.h"

static struct eio_bytes
method_name(enum eio_http_method m)
{
	switch (m) {
	case EIO_HTTP_GET: return EIO_LIT("GET");
	case EIO_HTTP_HEAD: return EIO_LIT("HEAD");
	case EIO_HTTP_POST: return EIO_LIT("POST");
	case EIO_HTTP_OPTIONS: return EIO_LIT("OPTIONS");
	case EIO_HTTP_OTHER: break;
	}
	return EIO_LIT("OTHER");
}

/* The header block of a file with the cross-origin lines the server's other answers have too. */
static struct eio_block *
file_headers(const struct worker *w, const struct eio_request *req, const struct eio_block *own)
{
	struct eio_buf all;

	eio_buf_init(&all);
	if (own) eio_buf_append(&all, own->data, own->n);
	eio_cors_append(&w->options.cors, req, &all);
	return eio_block_of_buf(&all);
}

void
site_file(void *user, struct eio_exchange *ex)
{
	struct worker *w = user;
	struct files_request req = {
		.method = method_name(ex->req->method),
		.path = ex->req->target,
		.if_none_match = eio_request_header(ex->req, EIO_LIT("if-none-match")),
		.accept_encoding = eio_request_header(ex->req, EIO_LIT("accept-encoding")),
	};
	struct files_answer a;

	CHECK_MAGIC(w, WORKER_MAGIC);
	if (files_get(w->shared->files, w->cache, &req, &a)) {
		eio_exchange_respond(ex, (struct eio_response){ .status = 503, .close = true });
		return;
	}
	eio_exchange_respond(ex, (struct eio_response){
					 .status = a.status,
					 .headers = file_headers(w, ex->req, a.headers),
					 .body = a.body ? eio_block_ref(a.body) : NULL,
					 .length = a.content_length < 0 ? 0 : (size_t)a.content_length,
					 .no_length = a.content_length < 0,
				 });
	files_answer_deinit(&a);
}

/* Client files lie below the Engine.IO path and are looked up first, as in the reference. */
void
site_exchange(void *user, struct eio_exchange *ex, enum eio_stage stage)
{
	struct worker *w = user;
	bool file;

	CHECK_MAGIC(w, WORKER_MAGIC);
	file = stage != EIO_STAGE_ABORT && files_has_client(w->shared->files, ex->req->target);
	if (!file)
		eio_server_exchange(w->server, ex, stage);
	else if (!ex->answered)
		site_file(w, ex);
}

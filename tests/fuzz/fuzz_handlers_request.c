/* SPDX-License-Identifier: MIT */
/*
 * What handlers keep of any request head, by name and as a whole, and the object that
 * any query becomes: always JSON.
 */
#include "sio/json.h"
#include "src/handlers/handlers_int.h"
#include "src/handlers/request.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
keep(const struct handlers_needs *needs, const struct eio_request *req)
{
	struct eio_buf out = { 0 };

	handlers_keep(needs, req, &out);
	if (sio_json_check(eio_buf_bytes(&out)) != 0) abort();
	eio_buf_deinit(&out);
}

static void
query(struct eio_bytes text)
{
	struct eio_buf out = { 0 };

	handlers_query_object(text, &out);
	if (sio_json_check(eio_buf_bytes(&out)) != 0) abort();
	eio_buf_deinit(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct eio_bytes headers[] = { EIO_LIT("a"), EIO_LIT("cookie") };
	static struct eio_bytes cookies[] = { EIO_LIT("a"), EIO_LIT("") };
	static const struct handlers_needs whole = { .headers = { .all = true }, .cookies = { .all = true } };
	static const struct handlers_needs named = { .headers = { headers, 2, false },
		.cookies = { cookies, 2, false } };
	struct eio_http *http = eio_http_new(100000, 1000);
	struct eio_request *req;
	size_t used;

	if (!http) return 0;
	query(eio_bytes(data, size));
	eio_http_feed(http, "GET /?a HTTP/1.1\r\nHost: a\r\n", 27, &used);
	if (eio_http_feed(http, (const char *)data, size, &used) == EIO_HTTP_COMPLETE) {
		req = eio_http_take(http);
		keep(&whole, req);
		keep(&named, req);
		eio_request_free(req);
	}
	eio_http_free(http);
	return 0;
}

/* SPDX-License-Identifier: MIT */
/* The admin port's answers. */
#include "src/admin/port.h"

#include "eio/net/httpd.h"
#include "sio/json.h"
#include "src/base/log.h"

#include <stdlib.h>

struct admin {
	struct eio_clock clock;
	struct eio_httpd *httpd;
	struct admin_options options;
};

static void
answer(struct eio_exchange *ex, int status, const char *type, struct eio_buf *body)
{
	struct eio_response r = { .status = status };
	struct eio_buf head;

	eio_buf_init(&head);
	eio_buf_printf(&head, "Content-Type: %s\r\nCache-Control: no-store\r\n", type);
	r.headers = eio_block_of_buf(&head);
	r.body = eio_block_of_buf(body);
	r.length = r.body ? r.body->n : 0;
	if (!r.headers || !r.body) r.status = 503;
	eio_exchange_respond(ex, r);
}

static void
answer_text(struct eio_exchange *ex, int status, const char *text)
{
	struct eio_buf body;

	eio_buf_init(&body);
	eio_buf_add(&body, eio_cstr(text));
	answer(ex, status, "text/plain; charset=utf-8", &body);
}

/* Ready: every Redis source is subscribed. Clients can connect before that, but would see nothing new. */
static void
readyz(struct admin *a, struct eio_exchange *ex)
{
	bool ready = feed_ready(a->options.feed);
	struct eio_buf body;

	eio_buf_init(&body);
	for (size_t i = 0; i < a->options.redis; i++) {
		struct feed_redis_status s = feed_redis_status(a->options.feed, i);

		eio_buf_printf(&body, "redis %s %s\n", s.name, s.subscribed ? "subscribed" : "away");
	}
	eio_buf_add(&body, ready ? EIO_LIT("ready\n") : EIO_LIT("not ready\n"));
	answer(ex, ready ? 200 : 503, "text/plain; charset=utf-8", &body);
}

static void
metrics(struct admin *a, struct eio_exchange *ex)
{
	struct eio_buf body;

	eio_buf_init(&body);
	metrics_write_prometheus(a->options.metrics, &body);
	answer(ex, 200, "text/plain; version=0.0.4; charset=utf-8", &body);
}

static void
stats(struct admin *a, struct eio_exchange *ex)
{
	struct eio_buf body;

	eio_buf_init(&body);
	EIO_BUF_ADD_LIT(&body, "{\"workers\":");
	eio_buf_append_u64(&body, a->options.workers);
	EIO_BUF_ADD_LIT(&body, ",\"redis\":[");
	for (size_t i = 0; i < a->options.redis; i++) {
		struct feed_redis_status s = feed_redis_status(a->options.feed, i);

		if (i > 0) eio_buf_addc(&body, ',');
		EIO_BUF_ADD_LIT(&body, "{\"name\":");
		sio_json_escape(&body, eio_cstr(s.name));
		eio_buf_printf(&body, ",\"subscribed\":%s}", s.subscribed ? "true" : "false");
	}
	EIO_BUF_ADD_LIT(&body, "],\"metrics\":");
	metrics_write_json(a->options.metrics, &body);
	EIO_BUF_ADD_LIT(&body, "}\n");
	answer(ex, 200, "application/json", &body);
}

static void
on_exchange(void *user, struct eio_exchange *ex, enum eio_stage stage)
{
	struct admin *a = user;
	struct eio_bytes path = ex->req->path;

	if (stage == EIO_STAGE_BEGIN || stage == EIO_STAGE_ABORT) return;
	if (ex->req->method != EIO_HTTP_GET && ex->req->method != EIO_HTTP_HEAD)
		answer_text(ex, 405, "method not allowed\n");
	else if (eio_bytes_eq(path, EIO_LIT("/livez")))
		answer_text(ex, 200, "alive\n");
	else if (eio_bytes_eq(path, EIO_LIT("/readyz")))
		readyz(a, ex);
	else if (eio_bytes_eq(path, EIO_LIT("/metrics")))
		metrics(a, ex);
	else if (eio_bytes_eq(path, EIO_LIT("/stats")))
		stats(a, ex);
	else
		answer_text(ex, 404, "not found\n");
}

struct admin *
admin_new(uv_loop_t *loop, const struct admin_options *options)
{
	struct admin *a = calloc(1, sizeof(*a));
	const struct eio_httpd_handler handler = { .exchange = on_exchange, .user = a };
	const struct eio_httpd_options http = {
		.max_head = options->max_head,
		.header_timeout_ms = options->header_timeout_ms,
		.keep_alive_timeout_ms = options->keep_alive_timeout_ms,
	};
	int fd = eio_listen(options->address);

	if (fd < 0) {
		log_error_errno(fd, "event=listen-failed admin=%s", options->address);
		free(a);
		return NULL;
	}
	if (!a || eio_clock_open(&a->clock, loop)) return NULL;
	a->options = *options;
	a->httpd = eio_httpd_new(loop, &a->clock, &http, &handler);
	if (!a->httpd || eio_httpd_accept(a->httpd, fd)) return NULL;
	log_info("event=listening admin=%s port=%u", options->address, eio_listen_port(fd));
	return a;
}

void
admin_close(struct admin *a)
{
	if (!a) return;
	eio_httpd_close(a->httpd);
	eio_clock_close(&a->clock);
}

void
admin_free(struct admin *a)
{
	free(a);
}

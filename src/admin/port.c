/* SPDX-License-Identifier: MIT */
/* The admin port's answers. */
#include "src/admin/port.h"

#include "eio/check.h"
#include "eio/net/httpd.h"
#include "eio/query.h"
#include "sio/json.h"
#include "src/admin/about.h"
#include "src/admin/capacity.h"
#include "src/admin/hosts.h"
#include "src/admin/listening.h"
#include "src/admin/metrics.h"
#include "src/base/log.h"

#include <stdlib.h>

enum {
	ADMIN_MAGIC = 0xad312c7e,
	ADMIN_CONNECTIONS = 16, /* at once; each keeps a file from clients */
};

struct admin {
	unsigned magic; /* ADMIN_MAGIC */
	struct eio_clock clock;
	struct eio_httpd *httpd;
	struct metrics *metrics;
	struct admin_publish *publish; /* NULL: there is no /publish */
	struct capacity capacity;
	uv_timer_t looks; /* at how busy all are */
	uint64_t started_ms; /* since 1970 */
	bool draining;
	struct admin_listening listening;
	/* Takes connections that leave; NULL until then. */
	void (*leave)(void *user, const struct eio_leaver *l, const char *address);
	void *leave_user;
	struct admin_options options;
};

static void
answer_admin_with(struct eio_exchange *ex, int status, const char *type, struct eio_bytes headers, struct eio_buf *body)
{
	struct eio_response r = { .status = status };
	struct eio_buf head;

	eio_buf_init(&head);
	eio_buf_printf(&head, "Content-Type: %s\r\nCache-Control: no-store\r\n", type);
	eio_buf_add(&head, headers);
	r.headers = eio_block_of_buf(&head);
	r.body = eio_block_of_buf(body);
	r.length = r.body ? r.body->n : 0;
	if (!r.headers || !r.body) r.status = 503;
	eio_exchange_respond(ex, r);
}

static void
answer_admin(struct eio_exchange *ex, int status, const char *type, struct eio_buf *body)
{
	answer_admin_with(ex, status, type, EIO_LIT(""), body);
}

static void
answer_admin_text(struct eio_exchange *ex, int status, const char *text)
{
	struct eio_buf body;

	eio_buf_init(&body);
	eio_buf_add(&body, eio_cstr(text));
	answer_admin(ex, status, "text/plain; charset=utf-8", &body);
}

static void
answer_livez(struct admin *a, struct eio_exchange *ex)
{
	(void)a;
	answer_admin_text(ex, 200, "alive\n");
}

/* Ready: every Redis source is subscribed, and what is retained was read. Clients can connect before that, but would
 * see nothing new. One channel that Redis refuses does not make siocast unready: the feeds of all others work. */
static void
answer_readyz(struct admin *a, struct eio_exchange *ex)
{
	bool ready = feed_ready(a->options.feed) && !a->draining;
	struct eio_buf body;

	eio_buf_init(&body);
	for (size_t i = 0; i < feed_redis_count(a->options.feed); i++) {
		struct feed_redis_status s = feed_redis_status(a->options.feed, i);

		eio_buf_printf(&body, "redis %s %s", s.name, s.subscribed ? "subscribed" : "away");
		if (s.refused) eio_buf_printf(&body, ", refuses %u", s.refused);
		if (s.primes) eio_buf_printf(&body, ", %s", s.primed ? "primed" : "not primed");
		eio_buf_addc(&body, '\n');
	}
	if (a->draining) EIO_BUF_ADD_LIT(&body, "draining\n");
	eio_buf_add(&body, ready ? EIO_LIT("ready\n") : EIO_LIT("not ready\n"));
	answer_admin(ex, ready ? 200 : 503, "text/plain; charset=utf-8", &body);
}

/* What is counted elsewhere, as it is now. */
static void
update_admin_metrics(struct admin *a)
{
	const struct eio_bundle_tally *forms = feed_forms(a->options.feed);

	metrics_put(a->metrics, ADMIN_METRIC_LOG_DROPPED, log_dropped());
#define X(wire, transport, eio, form) \
	metrics_put(a->metrics, ADMIN_METRIC_PLAIN_##wire, \
		atomic_load_explicit(&forms->plain[EIO_WIRE_##wire], memory_order_relaxed)); \
	metrics_put(a->metrics, ADMIN_METRIC_COMPRESSED_##wire, \
		atomic_load_explicit(&forms->compressed[EIO_WIRE_##wire], memory_order_relaxed));
	ADMIN_FORMS(X)
#undef X
}

static struct about
about_now(const struct admin *a)
{
	return (struct about){
		.version = a->options.version,
		.libuv = uv_version_string(),
		.started_ms = a->started_ms,
		.busy_permille = capacity_permille(&a->capacity),
		.process = process_read(),
	};
}

static void
answer_metrics(struct admin *a, struct eio_exchange *ex)
{
	struct about about = about_now(a);
	struct eio_buf body;

	eio_buf_init(&body);
	update_admin_metrics(a);
	about_write_prometheus(&about, &body);
	metrics_write_prometheus(a->options.metrics, &body);
	answer_admin(ex, 200, "text/plain; version=0.0.4; charset=utf-8", &body);
}

static void
write_stats(struct admin *a, struct eio_buf *body)
{
	struct about about = about_now(a);

	update_admin_metrics(a);
	about_write_json(&about, body);
	EIO_BUF_ADD_LIT(body, ",\"workers\":");
	eio_buf_append_u64(body, a->options.workers);
	EIO_BUF_ADD_LIT(body, ",\"redis\":[");
	for (size_t i = 0; i < feed_redis_count(a->options.feed); i++) {
		struct feed_redis_status s = feed_redis_status(a->options.feed, i);

		if (i > 0) eio_buf_addc(body, ',');
		EIO_BUF_ADD_LIT(body, "{\"name\":");
		sio_json_escape(body, eio_cstr(s.name));
		eio_buf_printf(body, ",\"subscribed\":%s,\"refused\":%u", s.subscribed ? "true" : "false", s.refused);
		if (s.primes) eio_buf_printf(body, ",\"primed\":%s", s.primed ? "true" : "false");
		eio_buf_addc(body, '}');
	}
	EIO_BUF_ADD_LIT(body, "],\"metrics\":");
	metrics_write_json(a->options.metrics, body);
}

/* A question for what stands out: the answer waits until the workers have looked. */
struct admin_stats {
	struct admin *admin;
	struct eio_exchange *ex; /* a reference */
	unsigned top;
};

static void
on_surveyed(void *user, const struct clients_top *all, unsigned n)
{
	struct admin_stats *q = user;
	struct eio_buf body;

	CHECK_MAGIC(q->admin, ADMIN_MAGIC);
	eio_buf_init(&body);
	eio_buf_addc(&body, '{');
	write_stats(q->admin, &body);
	EIO_BUF_ADD_LIT(&body, ",\"top\":{");
	admin_top_write(q->admin->options.metrics, all, n, q->top, &body);
	EIO_BUF_ADD_LIT(&body, "}}\n");
	answer_admin(q->ex, 200, "application/json", &body);
	eio_exchange_unref(q->ex);
	free(q);
}

static void
answer_top(struct admin *a, struct eio_exchange *ex, unsigned top)
{
	struct admin_stats *q = malloc(sizeof *q);

	if (q) {
		*q = (struct admin_stats){ .admin = a, .ex = eio_exchange_ref(ex), .top = top };
		if (a->options.survey.take(a->options.survey.ctx, top, on_surveyed, q) == 0) return;
		eio_exchange_unref(q->ex);
	}
	free(q);
	answer_admin_text(ex, 503, "out of memory\n");
}

static void
answer_stats(struct admin *a, struct eio_exchange *ex)
{
	unsigned top = admin_top_wanted(ex->req->query);
	struct eio_buf body;

	if (top) {
		answer_top(a, ex, top);
		return;
	}
	if (eio_query_has(ex->req->query, EIO_LIT("top"))) {
		answer_admin_text(ex, 400, "top is a number from 1 to 100\n");
		return;
	}
	eio_buf_init(&body);
	eio_buf_addc(&body, '{');
	write_stats(a, &body);
	EIO_BUF_ADD_LIT(&body, "}\n");
	answer_admin(ex, 200, "application/json", &body);
}

/* Whether something is sent there instead of asked for. */
static bool
takes_posts(const struct admin *a, struct eio_bytes path)
{
	if (!a->publish) return false;
	return eio_bytes_eq(path, EIO_LIT("/publish")) || (a->options.reload && eio_bytes_eq(path, EIO_LIT("/reload")));
}

static void
answer_room_counts(struct admin *a, struct eio_exchange *ex)
{
	admin_rooms_answer(&a->options.census, ex);
}

static void
answer_list(struct admin *a, struct eio_exchange *ex)
{
	static const char list[] = "/livez    alive\n"
				   "/readyz   whether the feeds are subscribed\n"
				   "/metrics  for Prometheus\n"
				   "/stats    the same as JSON; with ?top= also what stands out\n"
				   "/rooms    how many clients are in a ?namespace= and each room=\n";
	struct eio_buf body;

	eio_buf_init(&body);
	eio_buf_add(&body, eio_cstr(list));
	if (a->publish) EIO_BUF_ADD_LIT(&body, "/publish  takes messages and events by POST\n");
	if (takes_posts(a, EIO_LIT("/reload")))
		EIO_BUF_ADD_LIT(&body, "/reload   has the configuration read anew by POST\n");
	answer_admin(ex, 200, "text/plain; charset=utf-8", &body);
}

/* What is sent to a path that changes something, by those who have a token. */
static void
answer_post(struct admin *a, struct eio_exchange *ex, enum eio_stage stage)
{
	struct admin_publish_answer answer = { .headers = EIO_LIT("") };
	uint64_t now_ms = eio_clock_now(&a->clock);

	if (ex->req->method != EIO_HTTP_POST) {
		eio_exchange_respond_text(ex, 405, "text/plain; charset=utf-8", EIO_LIT("method not allowed\n"),
			EIO_LIT("Allow: POST\r\n"));
		return;
	}
	eio_buf_init(&answer.body);
	if (eio_bytes_eq(ex->req->path, EIO_LIT("/publish")))
		admin_publish_request(a->publish, ex->req, stage == EIO_STAGE_TOO_LARGE, now_ms, &answer);
	else if (admin_publish_allows(a->publish, ex->req, now_ms, &answer))
		answer.status = a->options.reload(a->options.reload_user, &answer.body);
	answer_admin_with(ex, answer.status, "application/json", answer.headers, &answer.body);
}

static const struct admin_page {
	const char *path;
	void (*answer)(struct admin *a, struct eio_exchange *ex);
} admin_pages[] = {
	{ "/", answer_list },
	{ "/livez", answer_livez },
	{ "/readyz", answer_readyz },
	{ "/metrics", answer_metrics },
	{ "/stats", answer_stats },
	{ "/rooms", answer_room_counts },
};

static const struct admin_page *
find_admin_page(struct eio_bytes path)
{
	for (size_t i = 0; i < sizeof admin_pages / sizeof admin_pages[0]; i++)
		if (eio_bytes_eq(path, eio_cstr(admin_pages[i].path))) return &admin_pages[i];
	return NULL;
}

static void
on_admin_exchange(void *user, struct eio_exchange *ex, enum eio_stage stage)
{
	struct admin *a = user;
	const struct admin_page *page;

	CHECK_MAGIC(a, ADMIN_MAGIC);
	if (stage == EIO_STAGE_BEGIN || stage == EIO_STAGE_ABORT) return;
	page = find_admin_page(ex->req->path);
	if (!admin_host_known(eio_request_header(ex->req, EIO_LIT("host")), a->options.hosts, a->options.n_hosts))
		answer_admin_text(ex, 403, "unknown host; name it in adminHosts\n");
	else if (takes_posts(a, ex->req->path))
		answer_post(a, ex, stage);
	else if (ex->req->method != EIO_HTTP_GET && ex->req->method != EIO_HTTP_HEAD)
		answer_admin_text(ex, 405, "method not allowed\n");
	else if (page)
		page->answer(a, ex);
	else
		answer_admin_text(ex, 404, "not found; / lists what there is\n");
}

static bool
on_admin_admit(void *user)
{
	struct admin *a = user;

	CHECK_MAGIC(a, ADMIN_MAGIC);
	return eio_httpd_stats(a->httpd)->open < ADMIN_CONNECTIONS || eio_httpd_make_room(a->httpd);
}

static void
on_admin_leave(void *user, const struct eio_leaver *l)
{
	struct admin *a = user;

	CHECK_MAGIC(a, ADMIN_MAGIC);
	a->leave(a->leave_user, l, ADMIN_ADDRESS);
}

static void
on_admin_look(uv_timer_t *t)
{
	struct admin *a = t->data;

	CHECK_MAGIC(a, ADMIN_MAGIC);
	capacity_tick(&a->capacity, uv_now(t->loop));
}

/* 0 or a libuv error. */
static int
begin_looks(struct admin *a, uv_loop_t *loop)
{
	uv_timeval64_t now;
	int err = uv_gettimeofday(&now);

	if (err) return err;
	a->started_ms = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_usec / 1000;
	if (capacity_init(&a->capacity, a->options.threads, a->options.n_threads)) return UV_ENOMEM;
	uv_timer_init(loop, &a->looks);
	a->looks.data = a;
	return uv_timer_start(&a->looks, on_admin_look, 0, CAPACITY_TICK_MS);
}

/* 0 or a libuv error. */
static int
open_admin(struct admin *a, uv_loop_t *loop)
{
	bool publishes = a->options.publish.token_file != NULL;
	const struct eio_httpd_handler handler = {
		.exchange = on_admin_exchange,
		.admit = on_admin_admit,
		.leave = on_admin_leave,
		.user = a,
	};
	const struct eio_httpd_options http = {
		.max_head = a->options.max_head,
		.max_body = publishes ? a->options.publish.max_bytes : 0,
		.header_timeout_ms = a->options.header_timeout_ms,
		.request_timeout_ms = publishes ? a->options.request_timeout_ms : a->options.header_timeout_ms,
		.keep_alive_timeout_ms = a->options.keep_alive_timeout_ms,
	};
	int err = eio_clock_open(&a->clock, loop);

	if (!err) err = begin_looks(a, loop);
	if (err) return err;
	a->metrics = metrics_new(a->options.metrics, &admin_metrics, NULL);
	if (!a->metrics) return UV_ENOMEM;
	if (publishes) a->publish = admin_publish_new(&a->options.publish, a->options.feed, a->metrics);
	if (publishes && !a->publish) return UV_EINVAL;
	a->httpd = eio_httpd_new(loop, &a->clock, &http, &handler);
	return a->httpd ? admin_listening_open(&a->listening, a->httpd, a->options.address, a->options.fd) : UV_ENOMEM;
}

struct admin *
admin_new(uv_loop_t *loop, const struct admin_options *options)
{
	struct admin *a = calloc(1, sizeof *a);
	int err;

	if (a) *a = (struct admin){ .magic = ADMIN_MAGIC, .options = *options };
	err = a ? open_admin(a, loop) : UV_ENOMEM;
	if (err) {
		/* This ends the program before it began, so nothing is taken apart again. */
		log_error_errno(err, "event=admin-failed");
		return NULL;
	}
	return a;
}

int
admin_listening(const struct admin *a)
{
	CHECK_MAGIC(a, ADMIN_MAGIC);
	return a->listening.now.fd;
}

int
admin_prepare(struct admin *a, const char *address)
{
	CHECK_MAGIC(a, ADMIN_MAGIC);
	return admin_listening_prepare(&a->listening, a->httpd, address);
}

bool
admin_take(struct admin *a)
{
	CHECK_MAGIC(a, ADMIN_MAGIC);
	return admin_listening_take(&a->listening);
}

void
admin_forget(struct admin *a)
{
	CHECK_MAGIC(a, ADMIN_MAGIC);
	admin_listening_forget(&a->listening);
}

void
admin_set_hosts(struct admin *a, const char *const *hosts, size_t n)
{
	if (!a) return;
	CHECK_MAGIC(a, ADMIN_MAGIC);
	a->options.hosts = hosts;
	a->options.n_hosts = n;
}

void
admin_set_draining(struct admin *a)
{
	if (!a) return;
	CHECK_MAGIC(a, ADMIN_MAGIC);
	a->draining = true;
}

void
admin_leave(struct admin *a, void (*leave)(void *user, const struct eio_leaver *l, const char *address), void *user)
{
	if (!a) return;
	CHECK_MAGIC(a, ADMIN_MAGIC);
	a->leave = leave;
	a->leave_user = user;
	eio_httpd_leave(a->httpd);
}

void
admin_join(struct admin *a, const struct eio_leaver *l)
{
	CHECK_MAGIC(a, ADMIN_MAGIC);
	eio_httpd_join(a->httpd, l);
}

void
admin_close(struct admin *a)
{
	if (!a) return;
	CHECK_MAGIC(a, ADMIN_MAGIC);
	eio_httpd_close(a->httpd);
	eio_clock_close(&a->clock);
	uv_close((uv_handle_t *)&a->looks, NULL);
}

void
admin_free(struct admin *a)
{
	if (!a) return;
	CHECK_MAGIC(a, ADMIN_MAGIC);
	admin_publish_free(a->publish);
	capacity_deinit(&a->capacity);
	metrics_free(a->metrics);
	admin_listening_deinit(&a->listening);
	a->magic = 0;
	free(a);
}

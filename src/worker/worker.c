/* SPDX-License-Identifier: MIT */
/*
 * Workers. Stopping takes three steps that all workers make together, because
 * each may still be answering a request of another: after DRAIN nobody has a
 * session and nobody passes anything on, after everybody's CLOSE no connection
 * is left, after END the mailbox is closed and the loop runs out.
 */
#include "src/worker/worker.h"

#include "src/base/log.h"
#include "src/base/mailbox.h"
#include "src/clients/clients.h"
#include "src/worker/server_options.h"

#include <stdatomic.h>
#include <stdlib.h>

enum stop { STOP_DRAIN, STOP_CLOSE, STOP_END };

/* An exchange on its way to the owner of its session and back: what lies in ex->passing. There is no mail to be made for it, so nothing
 * that can fail. Each of the two holds a reference to the exchange. */
struct passing {
	struct mail away, home;
	/* The stages that the owner has not been told of, bit 1 << enum eio_stage: `away` is posted when there is a first one. */
	atomic_uint stages;
};

_Static_assert(
	sizeof(struct passing) <= sizeof((struct eio_exchange *)0)->passing, "struct passing fits into an exchange");

struct upgrade_mail {
	struct mail mail;
	struct eio_upgrade *up; /* owned */
};

struct stop_mail {
	struct mail mail;
	enum stop stop;
};

struct worker {
	struct workers *shared;
	unsigned index;
	uv_loop_t *loop, own_loop; /* loop: its own, or the feed's */
	uv_thread_t thread;
	struct eio_clock clock;
	struct mailbox mailbox;
	struct mail_port deliveries, exchanges, answers, upgrades, stops;
	struct eio_server_options options;
	struct eio_httpd *httpd;
	struct eio_server *server;
	struct clients *clients;
	struct files_cache *cache;
	struct metrics *metrics;
	uv_prepare_t publish_stats;
	uv_sem_t stopped; /* posted after each step of stopping */
	struct stop_mail stop[STOP_END + 1];
	bool draining, started;
};

/* Passing on */

static struct passing *
passing_of(struct eio_exchange *ex)
{
	void *p = ex->passing;

	return p;
}

/* The exchange whose member `passing` begins there. */
static struct eio_exchange *
exchange_of(struct passing *p)
{
	return EIO_CONTAINER(p, struct eio_exchange, passing);
}

/* ex->respond of an exchange that was passed on: the answer travels home. It is called once. */
static void
respond_home(struct eio_exchange *ex)
{
	struct worker *owner = ex->thread;

	eio_exchange_ref(ex);
	mail_post(&owner->shared->all[ex->home]->answers, &passing_of(ex)->home);
}

/* Tells the owner. Mail that he has not read yet takes the stage along. */
static void
tell_owner(struct eio_exchange *ex, enum eio_stage stage)
{
	struct worker *owner = ex->thread;
	struct passing *p = passing_of(ex);

	if (atomic_fetch_or_explicit(&p->stages, 1U << stage, memory_order_acq_rel)) return;
	eio_exchange_ref(ex);
	mail_post(&owner->exchanges, &p->away);
}

/* ex->abort of an exchange that was passed on: the news travels to the owner. */
static void
abort_away(struct eio_exchange *ex)
{
	tell_owner(ex, EIO_STAGE_ABORT);
}

static void
refuse_draining(struct eio_exchange *ex)
{
	eio_exchange_respond(ex, (struct eio_response){ .status = 503, .close = true });
}

static void
forward(void *user, unsigned owner, struct eio_exchange *ex, enum eio_stage stage)
{
	struct worker *w = user;

	if (w->draining) {
		/* One that was passed on before is answered by its owner, which drains as well. */
		if (!ex->thread) refuse_draining(ex);
		return;
	}
	metrics_inc(w->metrics, METRIC_FORWARDED_REQUESTS);
	/* Once passed on, the owner reads these. */
	if (!ex->thread) {
		ex->respond = respond_home;
		ex->abort = abort_away;
		ex->thread = w->shared->all[owner];
	}
	tell_owner(ex, stage);
}

static void
forward_upgrade(void *user, unsigned owner, struct eio_upgrade *up)
{
	struct worker *w = user;
	struct upgrade_mail *m = w->draining ? NULL : malloc(sizeof(*m));

	if (!m) {
		eio_upgrade_free(up);
		return;
	}
	metrics_inc(w->metrics, METRIC_MOVED_UPGRADES);
	m->up = up;
	mail_post(&w->shared->all[owner]->upgrades, &m->mail);
}

/* HTTP that is not Engine.IO */

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
file_headers(struct worker *w, const struct eio_request *req, const struct eio_block *own)
{
	struct eio_buf all;

	eio_buf_init(&all);
	if (own) eio_buf_append(&all, own->data, own->n);
	eio_cors_append(&w->options.cors, req, &all);
	return eio_block_of_buf(&all);
}

static void
serve_file(void *user, struct eio_exchange *ex)
{
	struct worker *w = user;
	struct files_request req = {
		.method = method_name(ex->req->method),
		.path = ex->req->target,
		.if_none_match = eio_request_header(ex->req, EIO_LIT("if-none-match")),
		.accept_encoding = eio_request_header(ex->req, EIO_LIT("accept-encoding")),
	};
	struct files_answer a;

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
static void
on_exchange(void *user, struct eio_exchange *ex, enum eio_stage stage)
{
	struct worker *w = user;
	bool file = stage != EIO_STAGE_ABORT && files_has_client(w->shared->files, ex->req->target);

	if (!file)
		eio_server_exchange(w->server, ex, stage);
	else if (stage != EIO_STAGE_BEGIN)
		serve_file(w, ex);
}

static void
on_upgrade(void *user, struct eio_upgrade *up)
{
	struct worker *w = user;

	if (w->draining)
		eio_upgrade_free(up);
	else
		eio_server_upgrade(w->server, up);
}

static void
on_accept_paused(void *user, int err)
{
	struct worker *w = user;

	if (err)
		log_error_errno(err, "event=accept-paused worker=%u", w->index);
	else
		log_info("event=accept-resumed worker=%u", w->index);
	if (err) metrics_inc(w->metrics, METRIC_ACCEPT_PAUSED);
}

/* Whether another connection is within limits.maxConnections, of which each worker has an equal share. */
static bool
on_admit(void *user)
{
	struct worker *w = user;
	size_t max = w->shared->config->limits.max_connections;
	uint64_t open = eio_httpd_stats(w->httpd)->open + eio_server_stats(w->server)->websockets;

	if (max == 0 || open < (max + w->shared->n - 1) / w->shared->n) return true;
	metrics_inc(w->metrics, METRIC_CONNECTIONS_REFUSED);
	return false;
}

/* Mail */

static void step_drain(struct worker *w);
static void step_close(struct worker *w);

static void
on_stop(struct worker *w, enum stop stop)
{
	switch (stop) {
	case STOP_DRAIN: step_drain(w); break;
	case STOP_CLOSE: step_close(w); break;
	case STOP_END:
		mailbox_close(&w->mailbox);
		eio_clock_close(&w->clock);
		break;
	}
	uv_sem_post(&w->stopped);
}

static void
take_stops(void *user, struct mail *run)
{
	struct mail *next;

	for (struct mail *m = run; m; m = next) {
		next = m->next;
		on_stop(user, EIO_CONTAINER(m, struct stop_mail, mail)->stop);
	}
}

/* The stages that came together, in the order in which they came: that is the order of their numbers. */
static void
on_stages(struct worker *w, struct eio_exchange *ex, unsigned stages)
{
	for (; stages; stages &= stages - 1) eio_server_exchange(w->server, ex, (enum eio_stage)__builtin_ctz(stages));
}

static void
take_exchanges(void *user, struct mail *run)
{
	struct mail *next;

	for (struct mail *m = run; m; m = next) {
		struct passing *p = EIO_CONTAINER(m, struct passing, away);
		struct eio_exchange *ex = exchange_of(p);

		next = m->next; /* from here on it may be posted again */
		on_stages(user, ex, atomic_exchange_explicit(&p->stages, 0, memory_order_acq_rel));
		eio_exchange_unref(ex);
	}
}

/* Answers from other workers, which come many at a time when they are those of a broadcast. */
static void
take_answers(void *user, struct mail *run)
{
	struct worker *w = user;
	struct mail *next;

	if (w->httpd) eio_httpd_gather(w->httpd);
	for (struct mail *m = run; m; m = next) {
		struct eio_exchange *ex = exchange_of(EIO_CONTAINER(m, struct passing, home));

		next = m->next;
		eio_httpd_deliver(ex);
		eio_exchange_unref(ex);
	}
	if (w->httpd) eio_httpd_send_gathered(w->httpd);
}

static void
take_upgrades(void *user, struct mail *run)
{
	struct mail *next;

	for (struct mail *m = run; m; m = next) {
		struct upgrade_mail *u = EIO_CONTAINER(m, struct upgrade_mail, mail);

		next = m->next;
		on_upgrade(user, u->up);
		free(u);
	}
}

/* Deliveries that piled up while the worker was busy go out together: what goes to the same room leaves in one write. */
static void
take_deliveries(void *user, struct mail *run)
{
	struct worker *w = user;

	while (run) {
		struct delivery *d = delivery_take(&run);

		eio_server_gather(w->server);
		clients_deliver(w->clients, d);
		eio_server_send_gathered(w->server);
		delivery_free(d);
	}
}

/* Where the feed runs on this loop, it hands deliveries over by a call. */
static void
make_ports(struct worker *w)
{
	struct mailbox *mb = &w->mailbox;

	w->deliveries = (struct mail_port){ w->loop == &w->own_loop ? mb : NULL, take_deliveries, w };
	w->exchanges = (struct mail_port){ mb, take_exchanges, w };
	w->answers = (struct mail_port){ mb, take_answers, w };
	w->upgrades = (struct mail_port){ mb, take_upgrades, w };
	w->stops = (struct mail_port){ mb, take_stops, w };
	feed_set_worker(w->shared->feed, w->index, &w->deliveries);
}

/* Metrics */

/* The layers below count for themselves; what they counted is shown once per turn of the loop. */
static void
on_publish_stats(uv_prepare_t *p)
{
	struct worker *w = p->data;
	const struct eio_httpd_stats *h = eio_httpd_stats(w->httpd);
	const struct eio_server_stats *s = eio_server_stats(w->server);

	/* The turn must be over: after it the loop may sleep for long. */
	eio_httpd_gather(w->httpd);
	eio_server_flush(w->server);
	eio_httpd_send_gathered(w->httpd);
	metrics_put(w->metrics, METRIC_CONNECTIONS_OPEN, h->open + s->websockets);
	metrics_put(w->metrics, METRIC_CONNECTIONS_ACCEPTED, h->accepted);
	metrics_put(w->metrics, METRIC_HTTP_REQUESTS, h->requests);
	metrics_put(w->metrics, METRIC_HTTP_BAD, h->malformed);
	metrics_put(w->metrics, METRIC_SESSIONS_POLLING, s->open - s->open_websocket);
	metrics_put(w->metrics, METRIC_SESSIONS_WEBSOCKET, s->open_websocket);
	metrics_put(w->metrics, METRIC_SESSIONS_OPENED, s->opened);
	metrics_put(w->metrics, METRIC_SESSIONS_OPENED_4, s->opened - s->opened_3);
	metrics_put(w->metrics, METRIC_SESSIONS_OPENED_3, s->opened_3);
	metrics_put(w->metrics, METRIC_SESSIONS_OPEN_4, s->open - s->open_3);
	metrics_put(w->metrics, METRIC_SESSIONS_OPEN_3, s->open_3);
	metrics_put(w->metrics, METRIC_SESSIONS_UPGRADED, s->upgraded);
	metrics_put(w->metrics, METRIC_REQUESTS_REFUSED, s->refused);
	metrics_put(w->metrics, METRIC_CLOSED_TRANSPORT_CLOSE, s->closed[EIO_REASON_TRANSPORT_CLOSE]);
	metrics_put(w->metrics, METRIC_CLOSED_TRANSPORT_ERROR, s->closed[EIO_REASON_TRANSPORT_ERROR]);
	metrics_put(w->metrics, METRIC_CLOSED_PING_TIMEOUT, s->closed[EIO_REASON_PING_TIMEOUT]);
	metrics_put(w->metrics, METRIC_CLOSED_PARSE_ERROR, s->closed[EIO_REASON_PARSE_ERROR]);
	metrics_put(w->metrics, METRIC_CLOSED_FORCED, s->closed[EIO_REASON_FORCED_CLOSE]);
	metrics_put(w->metrics, METRIC_CLOSED_SHUTDOWN, s->closed[EIO_REASON_SHUTDOWN]);
	metrics_put(w->metrics, METRIC_POLLS, s->polls);
	metrics_put(w->metrics, METRIC_POSTS, s->posts);
	metrics_put(w->metrics, METRIC_MESSAGES_IN, s->messages_in);
	metrics_put(w->metrics, METRIC_BYTES_IN, s->bytes_in);
	metrics_put(w->metrics, METRIC_WRITES, s->writes);
	metrics_put(w->metrics, METRIC_BYTES_OUT, s->bytes_out);
	metrics_put(w->metrics, METRIC_DEFLATE_WEBSOCKETS, s->deflate_websockets);
	metrics_put(w->metrics, METRIC_COMPRESSION_BEFORE, s->deflate_plain);
	metrics_put(w->metrics, METRIC_COMPRESSION_AFTER, s->deflate_sent);
}

/* Making */

static bool
make_servers(struct worker *w)
{
	const struct config *c = w->shared->config;
	const struct eio_server_handler engine = { .open = clients_open,
		.message = clients_message,
		.close = clients_close,
		.request = serve_file,
		.forward = forward,
		.forward_upgrade = forward_upgrade,
		.user = w->clients,
		.http_user = w };
	const struct eio_httpd_handler http = { .exchange = on_exchange,
		.upgrade = on_upgrade,
		.accept_paused = on_accept_paused,
		.admit = on_admit,
		.user = w };
	const struct eio_httpd_options options = {
		.home = w->index,
		.max_body = c->engine.max_http_buffer_size,
		.max_head = c->limits.header_bytes,
		.header_timeout_ms = (uint64_t)c->limits.header_seconds * 1000,
		.keep_alive_timeout_ms = (uint64_t)c->limits.keep_alive_seconds * 1000,
	};

	w->server = eio_server_new(w->loop, &w->clock, &w->options, &engine);
	w->httpd = eio_httpd_new(w->loop, &w->clock, &options, &http);
	return w->server && w->httpd;
}

/* A single worker runs the feed on its loop: a thread for it would have to wake the worker for each message. */
static int
take_loop(struct worker *w)
{
	w->loop = feed_loop(w->shared->feed);
	if (w->loop) return 0;
	w->loop = &w->own_loop;
	return uv_loop_init(w->loop);
}

static bool
make_parts(struct worker *w)
{
	const struct config *c = w->shared->config;
	struct clients_options clients = {
		.interest = w->shared->interest,
		.feed = w->shared->feed,
		.metrics = w->metrics,
		.clock = &w->clock,
		.worker = w->index,
	};

	if (take_loop(w) || uv_sem_init(&w->stopped, 0) || eio_clock_open(&w->clock, w->loop) ||
		mailbox_open(&w->mailbox, w->loop))
		return false;
	make_ports(w);
	if (server_options_init(&w->options, c, w->index)) return false;
	config_fill_clients(c, &clients);
	w->clients = clients_new(&clients);
	w->cache = files_cache_new();
	if (!w->clients || !w->cache || !make_servers(w)) return false;
	uv_prepare_init(w->loop, &w->publish_stats);
	w->publish_stats.data = w;
	uv_prepare_start(&w->publish_stats, on_publish_stats);
	return true;
}

struct worker *
worker_new(struct workers *ws, unsigned index, const int *fds, size_t n)
{
	struct worker *w = calloc(1, sizeof(*w));
	int err = 0;

	/* A failure ends the program before it began, so nothing is taken apart again. */
	if (!w) return NULL;
	w->shared = ws;
	w->index = index;
	w->metrics = &ws->metrics->rows[index];
	if (!make_parts(w)) {
		log_error("event=worker-failed worker=%u", index);
		return NULL;
	}
	for (size_t i = 0; i < n && !err; i++) err = eio_httpd_accept(w->httpd, fds[i]);
	if (!err) return w;
	log_error_errno(err, "event=worker-failed worker=%u", index);
	return NULL;
}

static void
run(void *arg)
{
	struct worker *w = arg;
	bool ring = w->shared->config->engine.io_uring;
	int err = ring ? eio_server_use_uring(w->server) : 0;

	/* Where there is one ring there is memory for another, or answers are sent one by one. */
	if (ring && !err) (void)eio_httpd_use_uring(w->httpd);
	/* What one worker is refused, all are. */
	if (err && w->index == 0) log_info("event=no-io-uring error=\"%s\"", uv_strerror(err));
	uv_run(w->loop, UV_RUN_DEFAULT);
}

int
worker_start(struct worker *w)
{
	int err = uv_thread_create(&w->thread, run, w);

	w->started = !err;
	return err;
}

/* Stopping */

static void
step_drain(struct worker *w)
{
	w->draining = true;
	eio_httpd_stop_accepting(w->httpd);
	eio_server_shutdown(w->server);
}

static void
step_close(struct worker *w)
{
	eio_server_close(w->server);
	eio_httpd_close(w->httpd);
	w->httpd = NULL; /* it frees itself; answers may still come from a worker that is not here yet */
	uv_close((uv_handle_t *)&w->publish_stats, NULL);
}

static void
step_all(struct workers *ws, enum stop stop)
{
	for (unsigned i = 0; i < ws->n; i++) {
		struct stop_mail *m = &ws->all[i]->stop[stop];

		m->stop = stop;
		if (ws->all[i]->started) mail_post(&ws->all[i]->stops, &m->mail);
	}
	for (unsigned i = 0; i < ws->n; i++)
		if (ws->all[i]->started) uv_sem_wait(&ws->all[i]->stopped);
}

void
workers_drain(struct workers *ws)
{
	step_all(ws, STOP_DRAIN);
}

void
workers_stop(struct workers *ws)
{
	step_all(ws, STOP_CLOSE);
	step_all(ws, STOP_END);
	for (unsigned i = 0; i < ws->n; i++) {
		if (!ws->all[i]->started) continue;
		uv_thread_join(&ws->all[i]->thread);
		ws->all[i]->started = false;
	}
}

void
worker_free(struct worker *w)
{
	if (!w) return;
	eio_server_free(w->server);
	if (w->loop == &w->own_loop) uv_loop_close(w->loop);
	uv_sem_destroy(&w->stopped);
	clients_free(w->clients);
	files_cache_free(w->cache);
	server_options_deinit(&w->options);
	free(w);
}

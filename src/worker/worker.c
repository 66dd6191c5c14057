/* SPDX-License-Identifier: MIT */
/* A worker from its making to its end: its servers, the deliveries it takes, the end of each turn of its loop. */
#include "src/worker/worker.h"

#include "eio/list.h"
#include "src/base/log.h"
#include "src/clients/clients.h"
#include "src/worker/changing.h"
#include "src/worker/connections.h"
#include "src/worker/counters.h"
#include "src/worker/elsewhere.h"
#include "src/worker/forward.h"
#include "src/worker/joining.h"
#include "src/worker/relaying.h"
#include "src/worker/relisten.h"
#include "src/worker/site.h"
#include "src/worker/stopping.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

/* Callbacks of the HTTP server */

static void
on_accept_paused(void *user, int err)
{
	struct worker *w = user;

	CHECK_MAGIC(w, WORKER_MAGIC);
	/* All workers share the files, and one line is enough for all. */
	if (err && atomic_fetch_add(&w->shared->paused, 1) == 0) log_error_errno(err, "event=accept-paused");
	if (!err && atomic_fetch_sub(&w->shared->paused, 1) == 1) log_info("event=accept-resumed");
	if (err) metrics_inc(w->metrics, WORKER_METRIC_ACCEPT_PAUSED);
}

static bool
on_admit(void *user)
{
	struct worker *w = user;

	CHECK_MAGIC(w, WORKER_MAGIC);
	if (connections_admit(w) || (eio_httpd_make_room(w->httpd) && connections_admit(w))) return true;
	metrics_inc(w->metrics, WORKER_METRIC_CONNECTIONS_REFUSED);
	return false;
}

/* Mail, and the turns of the loop */

/* Deliveries that piled up while the worker was busy go out together: what goes to the same room leaves in one
 * write. */
static void
take_deliveries(void *user, struct mail *run)
{
	struct worker *w = user;

	CHECK_MAGIC(w, WORKER_MAGIC);
	while (run) {
		struct delivery *d = delivery_take(&run);
		uint64_t begun_ns = d->begun_ns ? uv_hrtime() : 0;

		eio_server_gather(w->server, d->n > 1);
		clients_deliver(w->clients, d);
		eio_server_send_gathered(w->server);
		if (begun_ns) clients_time_delivery(w->clients, d, begun_ns);
		delivery_free(d);
	}
}

static void
take_presences(void *user, struct mail *run)
{
	struct worker *w = user;
	struct mail *next;

	CHECK_MAGIC(w, WORKER_MAGIC);
	eio_server_gather(w->server, run->next != NULL);
	for (struct mail *m = run; m; m = next) {
		struct presence_delivery *d = EIO_CONTAINER(m, struct presence_delivery, mail);

		next = m->next;
		clients_take_presence(w->clients, d);
		presence_delivery_free(d);
	}
	eio_server_send_gathered(w->server);
}

static void
take_worker_recalls(void *user, struct mail *run)
{
	struct worker *w = user;
	struct mail *next;

	CHECK_MAGIC(w, WORKER_MAGIC);
	eio_server_gather(w->server, true);
	for (struct mail *m = run; m; m = next) {
		next = m->next;
		clients_take_recall(w->clients, EIO_CONTAINER(m, struct feed_recall, mail));
	}
	eio_server_send_gathered(w->server);
}

static void
take_worker_stows(void *user, struct mail *run)
{
	struct worker *w = user;
	struct mail *next;

	CHECK_MAGIC(w, WORKER_MAGIC);
	for (struct mail *m = run; m; m = next) {
		next = m->next;
		clients_take_stow(w->clients, EIO_CONTAINER(m, struct feed_stow, mail));
	}
}

static void
take_worker_moves(void *user, struct mail *run)
{
	struct worker *w = user;
	struct mail *next;

	CHECK_MAGIC(w, WORKER_MAGIC);
	for (struct mail *m = run; m; m = next) {
		struct feed_move *move = EIO_CONTAINER(m, struct feed_move, mail);

		next = m->next;
		clients_take_move(w->clients, move);
		feed_move_free(move);
	}
}

static void
take_worker_logins(void *user, struct mail *run)
{
	struct worker *w = user;
	struct mail *next;

	CHECK_MAGIC(w, WORKER_MAGIC);
	for (struct mail *m = run; m; m = next) {
		next = m->next;
		clients_take_login(w->clients, EIO_CONTAINER(m, struct auth_check, mail));
	}
}

/* What has to be done in the loop's own thread. */
static void
take_worker_start(void *user, struct mail *run)
{
	struct worker *w = user;
	bool ring = w->shared->config->io_uring;
	int err;

	CHECK_MAGIC(w, WORKER_MAGIC);
	CHECK(!run->next);
	if (w->peers) peers_start(w->peers);
	err = ring ? eio_server_use_uring(w->server) : 0;
	/* Where there is one ring there is memory for another, or answers are sent one by one. */
	if (ring && !err) (void)eio_httpd_use_uring(w->httpd);
	/* What one worker is refused, all are. */
	if (err && w->index == 0) log_info("event=no-io-uring error=\"%s\"", uv_strerror(err));
}

/* The turn must be over before the loop sleeps, maybe for long: what is due leaves, and what was counted is shown. */
static void
on_turn_end(uv_prepare_t *p)
{
	struct worker *w = p->data;

	CHECK_MAGIC(w, WORKER_MAGIC);
	clients_turn(w->clients);
	eio_httpd_gather(w->httpd);
	eio_server_flush(w->server);
	eio_httpd_send_gathered(w->httpd);
	connections_tell(w);
	counters_show(w);
}

/* Making */

static void
open_ports(struct worker *w)
{
	w->starts = worker__port(w, take_worker_start);
	w->deliveries = worker__port(w, take_deliveries);
	w->recalls = worker__port(w, take_worker_recalls);
	w->stows = worker__port(w, take_worker_stows);
	w->moves = worker__port(w, take_worker_moves);
	/* Who runs the feed would have to be woken by itself for each message: it takes deliveries by a call. */
	if (!w->shared->config->feed_apart)
		w->deliveries.mailbox = w->recalls.mailbox = w->stows.mailbox = w->moves.mailbox = NULL;
	feed_set_worker(w->shared->feed, w->index, &w->deliveries);
	feed_set_recalls(w->shared->feed, w->index, &w->recalls);
	feed_set_stows(w->shared->feed, w->index, &w->stows);
	feed_set_moves(w->shared->feed, w->index, &w->moves);
	w->logins = worker__port(w, take_worker_logins);
	w->presences = worker__port(w, take_presences);
	if (w->shared->presence) presence_set_worker(w->shared->presence, w->index, &w->presences);
	forward_open(w);
	joining_open(w);
	stopping_open(w);
	changing_open(w);
	relisten_open(w);
}

static struct clients *
make_clients(struct worker *w)
{
	struct clients_options options = {
		.interest = w->shared->interest,
		.feed = w->shared->feed,
		.presence = w->shared->presence,
		.adapter = w->shared->adapter,
		.hook = w->hook,
		.login = w->shared->login,
		.ui = w->shared->ui,
		.logins = &w->logins,
		.metrics = w->thread->metrics,
		.clock = &w->thread->clock,
		.random = &w->thread->random,
		.worker = w->index,
		.takers = w->shared->n + (w->shared->hub != NULL),
	};

	config_fill_clients(w->shared->config, &options);
	return clients_new(&options);
}

static struct eio_server *
make_server(struct worker *w)
{
	const struct eio_server_handler handler = {
		.open = clients_open,
		.message = clients_message,
		.close = clients_close,
		.upgraded = w->shared->ui && w->shared->ui->watches ? clients_upgraded : NULL,
		.room = clients_room,
		.refused = clients_refused,
		.request = site_file,
		.forward = forward_exchange,
		.forward_upgrade = forward_upgrade,
		.elsewhere = w->peers ? elsewhere_exchange : NULL,
		.elsewhere_upgrade = w->peers ? elsewhere_upgrade : NULL,
		.user = w->clients,
		.http_user = w,
	};

	return eio_server_new(&w->thread->loop, &w->thread->clock, &w->options, &handler);
}

/* What is said first to all WebSockets that came in a turn leaves in one system call. */
static void
on_burst(void *user, bool begins)
{
	struct worker *w = user;

	CHECK_MAGIC(w, WORKER_MAGIC);
	if (begins)
		eio_server_gather(w->server, false);
	else
		eio_server_send_gathered(w->server);
}

static struct eio_httpd *
make_httpd(struct worker *w)
{
	const struct eio_httpd_options options = changing_httpd_options(w, w->shared->config);
	const struct eio_httpd_handler handler = {
		.exchange = w->peers ? elsewhere_arrived : site_exchange,
		.upgrade = relaying_upgrades(w),
		.accept_paused = on_accept_paused,
		.admit = on_admit,
		.burst = on_burst,
		.leave = joining_leave,
		.user = w,
	};

	return eio_httpd_new(&w->thread->loop, &w->thread->clock, &options, &handler);
}

/* It does not tell; mostly there are no files left. */
static const char *
why_no_server(void)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC), err = errno;

	if (fd < 0) return uv_strerror(-err);
	close(fd);
	return "out of memory";
}

/* NULL, or why it failed. */
static const char *
make_parts(struct worker *w)
{
	static const char no_memory[] = "out of memory";

	w->metrics = metrics_new_numbered(w->thread->metrics, &worker_metrics, w->index);
	if (!w->metrics || uv_sem_init(&w->stepped, 0)) return no_memory;
	w->options.index = w->index;
	config_fill_server(w->shared->config, &w->options);
	if (w->shared->config->hooks) {
		w->hook = hook_new(&w->thread->loop, &w->thread->clock, w->thread->metrics);
		if (!w->hook) return no_memory;
	}
	w->clients = make_clients(w);
	w->cache = files_cache_new();
	if (!w->clients || !w->cache || elsewhere_open(w)) return no_memory;
	w->server = make_server(w);
	if (!w->server) return why_no_server();
	w->httpd = make_httpd(w);
	if (!w->httpd) return no_memory;
	open_ports(w);
	/* Those that were started last run first: this one before the server's own. */
	uv_prepare_init(&w->thread->loop, &w->turn_end);
	w->turn_end.data = w;
	uv_prepare_start(&w->turn_end, on_turn_end);
	return NULL;
}

/* NULL, or why it failed. */
static const char *
accept_from(struct worker *w, struct listeners *all)
{
	const struct doors *doors = w->shared->doors;
	int err = 0;

	for (size_t i = 0; i < all->n && !err; i++) {
		struct listening *one = &all->v[i];

		if (one->worker != w->index) continue;
		err = eio_httpd_listener_new(
			w->httpd, one->fd, doors ? doors_at(doors, one->address) : NULL, &one->taken);
		if (!err) eio_httpd_listener_begin(one->taken);
	}
	return err ? uv_strerror(err) : NULL;
}

struct worker *
worker_new(struct workers *ws, unsigned index, struct listeners *listeners)
{
	struct worker *w = calloc(1, sizeof *w);
	const char *failed = w ? NULL : "out of memory";

	CHECK(index < ws->n);
	if (w) {
		w->magic = WORKER_MAGIC;
		w->shared = ws;
		w->index = index;
		w->thread = &ws->threads[index];
		failed = make_parts(w);
	}
	if (!failed) failed = accept_from(w, listeners);
	if (!failed) return w;
	/* A failure ends the program before it began, so nothing is taken apart again. */
	log_error("event=worker-failed worker=%u error=\"%s\"", index, failed);
	return NULL;
}

void
worker_start(struct worker *w)
{
	clients_begin(w->clients);
	mail_post(&w->starts, &w->start);
}

void
worker_free(struct worker *w)
{
	if (!w) return;
	CHECK_MAGIC(w, WORKER_MAGIC);
	CHECK(!w->httpd && !w->thread->running);
	eio_server_free(w->server);
	uv_sem_destroy(&w->stepped);
	clients_free(w->clients);
	files_cache_free(w->cache);
	metrics_free(w->metrics);
	w->magic = 0;
	free(w);
}

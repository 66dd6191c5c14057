/* SPDX-License-Identifier: MIT */
/*
 * Makes everything, starts the threads, waits for a signal, and takes everything
 * down in the opposite order. What fails before the threads run ends the program
 * with a line that says why, and is not taken apart.
 */
#include "src/daemon.h"

#include "eio/check.h"
#include "eio/net/httpd.h"
#include "src/admin/port.h"
#include "src/adopting.h"
#include "src/base/inherited.h"
#include "src/base/log.h"
#include "src/base/log_watch.h"
#include "src/base/memory.h"
#include "src/base/version.h"
#include "src/beside.h"
#include "src/handed.h"
#include "src/handing.h"
#include "src/hook/hook.h"
#include "src/opening.h"
#include "src/reload.h"
#include "src/rights.h"
#include "src/service/service.h"
#include "src/source/kinds.h"
#include "src/state_file.h"
#include "src/successor.h"
#include "src/worker/census.h"
#include "src/worker/doors.h"
#include "src/worker/survey.h"
#include "src/worker/worker.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	DAEMON_MAGIC = 0xdae30f17,
	DRAIN_TICK_MS = 50,
	DRAIN_SPARE_MS = 2000, /* for the last clients, after the time that was set */
};

struct daemon {
	unsigned magic; /* DAEMON_MAGIC */
	uv_loop_t loop; /* of the main thread: signals and the admin port */
	uv_signal_t sigint, sigterm;
	uv_timer_t drain;
	uint64_t drained_by_ms; /* on the loop's clock; 0: it does not drain */
	struct memory_watch memory;
	struct log_watch log;
	const struct config *config; /* of the start: what changes live is asked of the next */
	struct reload *reload;
	struct files *files;
	struct interest_table *interest;
	struct metrics_set metrics; /* of all threads */
	struct thread *threads; /* one for each worker; the last one is the feed's, which may be the only worker's */
	unsigned n_threads;
	struct feed *feed;
	struct beside beside;
	struct doors *doors;
	struct workers workers;
	struct inherited inherited; /* what was open before, until all is made */
	struct listeners listeners;
	struct admin *admin;
	struct service *service; /* NULL: no service manager wants to be told */
	struct adopting *adopting; /* connections from processes before; NULL: there are none */
	struct successor *successor; /* who goes on when this one is started anew */
	struct handing handing; /* what it gets */
	int parent; /* the way to the process before; -1: there is none, or it has ended */
};

/* Making */

static int
no_memory(const char *what)
{
	log_error("event=%s-failed error=\"out of memory\"", what);
	return -1;
}

static int
make_thread(struct daemon *d, unsigned i)
{
	char name[32] = "siocast-feed";
	int err;

	if (i < d->config->workers) snprintf(name, sizeof name, "siocast-work-%u", i);
	err = thread_init(&d->threads[i], name, &d->metrics);
	if (err) log_error_errno(err, "event=thread-failed thread=%s", name);
	return err;
}

static int
make_threads(struct daemon *d)
{
	d->n_threads = d->config->workers + d->config->feed_apart;
	d->threads = calloc(d->n_threads, sizeof *d->threads);
	if (!d->threads || metrics_set_init(&d->metrics)) return no_memory("thread");
	for (unsigned i = 0; i < d->n_threads; i++)
		if (make_thread(d, i)) return -1;
	return 0;
}

static int
make_feed(struct daemon *d)
{
	struct feed_options o = { .thread = &d->threads[d->n_threads - 1],
		.inherited = &d->inherited,
		.interest = d->interest,
		.metrics = &d->metrics };

	config_fill_feed(d->config, &o);
	source_kinds(&o);
	d->feed = feed_new(&o);
	return d->feed ? 0 : no_memory("feed");
}

static int
make_beside(struct daemon *d)
{
	const struct beside_place place = { &d->threads[d->n_threads - 1], d->feed, d->interest, &d->inherited };

	return beside_make(&d->beside, d->config, &place);
}

static int
make_workers(struct daemon *d)
{
	if (listeners_open(d->config, &d->inherited, &d->listeners)) return -1;
	for (unsigned i = 0; i < d->workers.n; i++) {
		d->workers.all[i] = worker_new(&d->workers, i, &d->listeners);
		if (!d->workers.all[i]) return -1;
	}
	return 0;
}

static int
make_worker_group(struct daemon *d)
{
	d->workers = (struct workers){
		.config = d->config,
		.files = d->files,
		.interest = d->interest,
		.feed = d->feed,
		.presence = d->beside.presence,
		.adapter = d->beside.adapter,
		.login = d->beside.login,
		.ui = beside_ui_line(&d->beside),
		.hub = d->beside.hub,
		.edge = d->beside.edge,
		.doors = d->doors,
		.threads = d->threads,
		.loop = &d->loop,
		.all = calloc(d->config->workers, sizeof *d->workers.all),
		.n = d->config->workers,
	};
	return d->workers.all ? make_workers(d) : no_memory("worker");
}

static int
on_reload_request(void *user, struct eio_buf *answer)
{
	struct daemon *d = user;

	CHECK_MAGIC(d, DAEMON_MAGIC);
	return reload_now(d->reload, answer);
}

static int
make_admin(struct daemon *d)
{
	const struct config_limits *l = &d->config->limits;
	const struct admin_options options = {
		.address = d->config->admin->text,
		.fd = inherited_take_listening(&d->inherited, d->config->admin->text, "admin", &(bool){ false }),
		.workers = d->config->workers,
		.hosts = d->config->admin_hosts,
		.n_hosts = d->config->n_admin_hosts,
		.max_head = l->header_bytes,
		.header_timeout_ms = (uint64_t)l->header_seconds * 1000,
		.request_timeout_ms = (uint64_t)l->request_seconds * 1000,
		.keep_alive_timeout_ms = (uint64_t)l->keep_alive_seconds * 1000,
		.publish = {
			.token_file = d->config->publish.token_file,
			.max_bytes = d->config->publish.max_bytes,
			.window_ms = (uint64_t)d->config->publish.idempotency_seconds * 1000,
		},
		.reload = on_reload_request,
		.reload_user = d,
		.census = { census_take, &d->workers, d->interest,
			d->beside.hub ? UINT64_C(1) << d->config->workers : 0 },
		.survey = { survey_take, &d->workers },
		.feed = d->feed,
		.metrics = &d->metrics,
		.threads = d->threads,
		.n_threads = d->n_threads,
		.version = PACKAGE_VERSION,
	};

	d->admin = admin_new(&d->loop, &options);
	return d->admin ? 0 : -1;
}

/* Of who goes on: what this one listens on. */
static int
on_successor_sockets(void *user, struct inherited *out)
{
	const struct daemon *d = user;

	CHECK_MAGIC(d, DAEMON_MAGIC);
	if (reload_is_busy(d->reload)) return -EAGAIN;
	return handing_sockets(&d->listeners, d->admin, &d->beside, out);
}

/* After the start, and whenever these are others; also when another address of Redis is about to be gone over to. */
static void
keep_sockets(void *user)
{
	struct daemon *d = user;
	struct inherited all = { .n = 0 };

	CHECK_MAGIC(d, DAEMON_MAGIC);
	if (!service_keeps(d->service)) return;
	if (handing_sockets(&d->listeners, d->admin, &d->beside, &all) == 0) service_keep(d->service, &all);
	inherited_discard(&all);
}

static int
make_service(struct daemon *d)
{
	const struct service_options o = {
		.loop = &d->loop,
		.threads = d->threads,
		.n_threads = d->n_threads,
		.metrics = &d->metrics,
		.feed = d->feed,
	};
	struct reload_parts parts;

	if (service_new(&o, &d->service)) return no_memory("service");
	parts = (struct reload_parts){
		.workers = &d->workers,
		.listeners = &d->listeners,
		.doors = d->doors,
		.admin = d->admin,
		.service = d->service,
		.successor = d->successor,
		.moved = keep_sockets,
		.user = d,
	};
	reload_set_parts(d->reload, &parts);
	return 0;
}

/* Before there are threads: libcurl starts once for all. */
static int
check_hooks(void)
{
	const char *why = hook_init();

	if (why) log_error("event=no-hooks error=\"%s\"", why);
	return why ? -1 : 0;
}

static int
make_all(struct daemon *d)
{
	if (d->config->hooks && check_hooks()) return -1;
	opening_limit(d->config);
	if (opening_files(d->config, &d->files)) return -1;
	if (!(d->doors = doors_new(d->config, &d->loop))) return -1;
	d->interest = interest_table_new();
	if (!d->interest) return no_memory("feed");
	if (make_threads(d) || make_feed(d) || make_beside(d) || make_worker_group(d)) return -1;
	if (d->config->admin && make_admin(d)) return -1;
	return make_service(d);
}

/* Running */

/* From the process before, or from a file. What nobody has wanted of all that was open before is told. */
static int
load_state(struct daemon *d)
{
	int fd;

	if (d->parent >= 0 && handed_wait(d->parent, &d->inherited)) return -1;
	fd = inherited_take(&d->inherited, INHERITED_STATE);
	if (fd >= 0)
		state_memory_take(fd, d->feed);
	else
		state_file_load(d->config->state_file, d->feed);
	d->adopting = adopting_new(&d->inherited);
	inherited_close(&d->inherited);
	return 0;
}

/* Workers first: a message that Redis sends at once finds them ready. */
static int
start_all(struct daemon *d)
{
	int err;

	d->workers.max_connections = opening_share(d->config);
	if (rights_drop(d->config, d->files, &d->listeners, d->beside.held)) return -1;
	if (load_state(d)) return -1;
	for (unsigned i = 0; i < d->workers.n; i++) worker_start(d->workers.all[i]);
	feed_start(d->feed);
	if (beside_start(&d->beside)) return -1;
	for (unsigned i = 0; i < d->n_threads; i++) {
		err = thread_start(&d->threads[i]);
		if (!err) continue;
		log_error_errno(err, "event=thread-failed thread=%s", d->threads[i].name);
		return -1;
	}
	return 0;
}

/* The end */

static void
stop_all(struct daemon *d)
{
	bool hands = successor_waiting(d->successor) > 0;

	if (hands) handing_begin(&d->handing);
	/* The last sessions' handlers may publish, and the feed may deliver until it is stopped. */
	workers_drain(&d->workers);
	beside_stop_sending(&d->beside);
	feed_stop(d->feed);
	beside_stop(&d->beside);
	if (hands) handing_end(&d->handing);
	if (hands) handing_leave(&d->handing);
	workers_close(&d->workers);
	for (unsigned i = 0; i < d->n_threads; i++) thread_stop(&d->threads[i]);
	if (!hands || !d->handing.goes_on) state_file_save(d->config->state_file, d->feed);
}

static void
free_all(struct daemon *d)
{
	for (unsigned i = 0; i < d->workers.n; i++) worker_free(d->workers.all[i]);
	free(d->workers.all);
	doors_free(d->doors);
	feed_free(d->feed);
	if (!successor_waiting(d->successor)) beside_remove_file(&d->beside, d->config);
	beside_free(&d->beside);
	for (unsigned i = 0; i < d->n_threads; i++) thread_deinit(&d->threads[i]);
	free(d->threads);
	interest_table_free(d->interest);
	admin_free(d->admin);
	reload_free(d->reload);
	metrics_set_deinit(&d->metrics);
	files_close(d->files);
	if (!successor_waiting(d->successor) && !service_keeps(d->service)) listeners_remove_files(&d->listeners);
	listeners_deinit(&d->listeners);
	service_free(d->service);
	adopting_free(d->adopting);
	successor_free(d->successor);
}

static void
begin_end(struct daemon *d)
{
	uv_close((uv_handle_t *)&d->sigint, NULL);
	uv_close((uv_handle_t *)&d->sigterm, NULL);
	uv_close((uv_handle_t *)&d->drain, NULL);
	/* Who asks once more may not cost what is being saved. When there is a next process, which has yet to get it, a
	 * manager that ends all of them tells that one, too. */
	signal(SIGTERM, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	memory_watch_stop(&d->memory);
	log_watch_stop(&d->log);
	reload_close(d->reload);
	doors_stop(d->doors);
	successor_close(d->successor);
	adopting_stop(d->adopting);
	admin_close(d->admin);
	service_stopping(d->service);
}

/* The end comes when the last client has gone, or after the time for that. */
static void
on_drain_tick(uv_timer_t *t)
{
	struct daemon *d = t->data;
	bool late = uv_now(t->loop) >= d->drained_by_ms;

	CHECK_MAGIC(d, DAEMON_MAGIC);
	if (!late && atomic_load(&d->workers.empty) < d->workers.n) return;
	log_info("event=drained%s", late ? " reason=\"time is over\"" : "");
	begin_end(d);
}

static void
begin_drain(struct daemon *d)
{
	unsigned seconds = reload_config(d->reload)->drain_seconds, ms = seconds * 1000;

	log_info("event=draining seconds=%u", seconds);
	reload_stop(d->reload);
	successor_stop(d->successor);
	d->drained_by_ms = uv_now(&d->loop) + ms + DRAIN_SPARE_MS;
	admin_set_draining(d->admin);
	service_draining(d->service, seconds);
	workers_shut(&d->workers, ms);
	uv_timer_start(&d->drain, on_drain_tick, DRAIN_TICK_MS, DRAIN_TICK_MS);
}

/* Who asks twice, or from a keyboard, does not want to wait. */
static void
on_signal(uv_signal_t *sig, int signum)
{
	struct daemon *d = sig->data;

	CHECK_MAGIC(d, DAEMON_MAGIC);
	log_info("event=stopping signal=%s", signum == SIGINT ? "SIGINT" : "SIGTERM");
	if (signum == SIGTERM && reload_config(d->reload)->drain_seconds && !d->drained_by_ms)
		begin_drain(d);
	else
		begin_end(d);
}

static void
on_successor_ready(void *user)
{
	struct daemon *d = user;

	CHECK_MAGIC(d, DAEMON_MAGIC);
	log_info("event=handing-over pid=%d", (int)successor_waiting(d->successor));
	service_hand_over(d->service, successor_waiting(d->successor));
	d->handing = (struct handing){
		.successor = d->successor, .workers = &d->workers, .feed = d->feed, .adopting = d->adopting
	};
	admin_leave(d->admin, handing_connection, &d->handing);
	begin_end(d);
}

static int
watch_signals(struct daemon *d, const struct config_flags *flags)
{
	const struct reload_options o = { .loop = &d->loop, .flags = flags, .config = d->config };
	const struct successor_options successor = { &d->loop, on_successor_sockets, on_successor_ready, d };

	uv_signal_init(&d->loop, &d->sigint);
	uv_signal_init(&d->loop, &d->sigterm);
	uv_timer_init(&d->loop, &d->drain);
	d->drain.data = d->sigint.data = d->sigterm.data = d;
	uv_signal_start(&d->sigint, on_signal, SIGINT);
	uv_signal_start(&d->sigterm, on_signal, SIGTERM);
	d->reload = reload_new(&o);
	d->successor = successor_new(&successor);
	return d->reload && d->successor ? 0 : no_memory("reload");
}

int
daemon_run(const struct config *config, const struct config_flags *flags)
{
	/* Not on the stack: a start that fails leaves what there is to the end of the process. */
	static struct daemon d;
	int err;

	d = (struct daemon){ .magic = DAEMON_MAGIC, .config = config };
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN); /* a file that grows beyond RLIMIT_FSIZE: to be told as any other error of writing */
	if (opening_log(config)) return 1;
	err = uv_loop_init(&d.loop);
	if (err) {
		log_error_errno(err, "event=start-failed");
		return 1;
	}
	/* Before anybody can see it: a signal that comes while it starts ends it in order, once the loop runs. */
	err = watch_signals(&d, flags) || inherited_open(&d.inherited);
	d.parent = inherited_take(&d.inherited, INHERITED_PARENT);
	memory_watch_start(&d.memory, &d.loop);
	log_watch_start(&d.log, &d.loop);
	if (err || make_all(&d) || start_all(&d)) {
		log_error("event=start-failed");
		return 1;
	}
	opening_warn(config);
	log_info("event=started workers=%u pid=%d", config->workers, (int)getpid());
	service_ready(d.service);
	keep_sockets(&d);
	adopting_start(d.adopting, &d.loop, &d.workers, d.admin);
	uv_run(&d.loop, UV_RUN_DEFAULT);
	stop_all(&d);
	free_all(&d);
	uv_loop_close(&d.loop);
	log_info("event=stopped");
	return d.handing.successor && !d.handing.goes_on; /* nobody works: whoever started this one is to do so again */
}

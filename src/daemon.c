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
#include "src/base/file_limit.h"
#include "src/base/log.h"
#include "src/base/memory.h"
#include "src/base/privileges.h"
#include "src/hook/hook.h"
#include "src/service/service.h"
#include "src/source/psync.h"
#include "src/source/pubsub.h"
#include "src/source/streams.h"
#include "src/state_file.h"
#include "src/web/install.h"
#include "src/worker/listeners.h"
#include "src/worker/worker.h"

#include <errno.h>
#include <inttypes.h>
#include <libgen.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { DAEMON_MAGIC = 0xdae30f17 };

struct daemon {
	unsigned magic; /* DAEMON_MAGIC */
	uv_loop_t loop; /* of the main thread: signals and the admin port */
	uv_signal_t sigint, sigterm;
	struct memory_watch memory;
	const struct config *config;
	struct files *files;
	struct interest_table *interest;
	struct metrics_set metrics; /* of all threads */
	struct thread *threads; /* one for each worker; the last one is the feed's, which may be the only worker's */
	unsigned n_threads;
	struct feed *feed;
	struct presence *presence; /* NULL: no namespace has any */
	struct workers workers;
	struct admin *admin;
	struct service *service; /* NULL: no service manager wants to be told */
};

/* Making */

static int
no_memory(const char *what)
{
	log_error("event=%s-failed error=\"out of memory\"", what);
	return -1;
}

static int
open_files(const struct config *c, struct files **out)
{
	const struct install_options o = {
		.www = c->www,
		.path = c->path,
		.serve_client = c->serve_client,
		.legacy = c->compat != CONFIG_COMPAT_4,
		.version = c->client.version,
		.dir = c->client.dir,
	};

	return install_open_files(out, &o);
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
	struct feed_options o = {
		.thread = &d->threads[d->n_threads - 1],
		.published = &source_pubsub,
		.replicated = &source_psync,
		.streams = &source_streams,
		.interest = d->interest,
		.metrics = &d->metrics,
	};

	config_fill_feed(d->config, &o);
	d->feed = feed_new(&o);
	return d->feed ? 0 : no_memory("feed");
}

static int
make_presence(struct daemon *d)
{
	struct presence_options o = {
		.thread = &d->threads[d->n_threads - 1],
		.metrics = &d->metrics,
	};

	if (!config_fill_presence(d->config, &o)) return 0;
	d->presence = presence_new(&o);
	return d->presence ? 0 : no_memory("presence");
}

/* fds and first have room for a descriptor for each address; first keeps those of worker 0. */
static int
make_workers(struct daemon *d, int *fds, int *first)
{
	size_t n = d->config->n_listen;

	for (unsigned i = 0; i < d->workers.n; i++) {
		if (listeners_open(d->config, i ? first : NULL, fds)) return -1;
		if (i == 0) memcpy(first, fds, n * sizeof *fds);
		d->workers.all[i] = worker_new(&d->workers, i, fds, n);
		if (!d->workers.all[i]) return -1;
	}
	for (size_t i = 0; i < n; i++)
		log_info("event=listening address=%s port=%u", d->config->listen[i].text, eio_listen_port(first[i]));
	return 0;
}

static int
make_worker_group(struct daemon *d)
{
	size_t n = d->config->n_listen;
	int *fds = calloc(2 * n, sizeof *fds);
	int err;

	d->workers = (struct workers){
		.config = d->config,
		.files = d->files,
		.interest = d->interest,
		.feed = d->feed,
		.presence = d->presence,
		.threads = d->threads,
		.all = calloc(d->config->workers, sizeof *d->workers.all),
		.n = d->config->workers,
	};
	err = fds && d->workers.all ? make_workers(d, fds, fds + n) : no_memory("worker");
	free(fds);
	return err;
}

static int
make_admin(struct daemon *d)
{
	const struct config_limits *l = &d->config->limits;
	const struct admin_options options = {
		.address = d->config->admin->text,
		.workers = d->config->workers,
		.redis = (unsigned)d->config->n_redis,
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
		.feed = d->feed,
		.metrics = &d->metrics,
	};

	d->admin = admin_new(&d->loop, &options);
	return d->admin ? 0 : -1;
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
		.redis = (unsigned)d->config->n_redis,
	};

	return service_new(&o, &d->service) ? no_memory("service") : 0;
}

/* libwebsockets reads it, and crashes where it is not, as in a chroot. */
static int
check_random(void)
{
	static const char file[] = "/dev/urandom";

	if (access(file, R_OK) == 0) return 0;
	log_error_errno(errno, "event=no-random-numbers file=%s", file);
	return -1;
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
	if (check_random() || (d->config->hooks && check_hooks())) return -1;
	file_limit_set(d->config->limits.max_connections);
	if (open_files(d->config, &d->files)) return -1;
	d->interest = interest_table_new();
	if (!d->interest) return no_memory("feed");
	if (make_threads(d) || make_feed(d) || make_presence(d) || make_worker_group(d)) return -1;
	if (d->config->admin && make_admin(d)) return -1;
	return make_service(d);
}

/* The files that are open now stay: what is left of the limit is for connections, but for a spare. */
static void
share_files(struct daemon *d)
{
	uint64_t limit = file_limit_now(), wanted = d->config->limits.max_connections;
	uint64_t got = limit ? file_limit_connections(limit, file_limit_used(), wanted) : wanted;

	d->workers.max_connections = got;
	log_info("event=files limit=%" PRIu64 " connections=%" PRIu64, limit, got);
	if (got < wanted)
		log_warn("event=few-files limits.maxConnections=%" PRIu64 " connections=%" PRIu64
			 " hint=\"the hard limit on open files is %" PRIu64 "\"",
			wanted, got, limit);
}

/* Privileges */

/* Sockets that root made are no use to others: who becomes a user has the user own them. */
static int
give_sockets(const struct config *c, const struct account *a)
{
	for (size_t i = 0; i < c->n_listen; i++) {
		if (!c->listen[i].path || lchown(c->listen[i].path, a->uid, a->gid) == 0) continue;
		log_error_errno(errno, "event=privileges-failed address=%s", c->listen[i].text);
		return -1;
	}
	return 0;
}

/* Keys were read before: with one that cannot be read again siocast works, but does not notice when it changes. */
static void
check_keys(const struct daemon *d)
{
	const char *file;

	for (size_t i = 0; (file = config_next_key_file(d->config, &i));)
		if (access(file, R_OK))
			log_warn(
				"event=key-file-unreadable file=\"%s\" user=%s error=\"%s\" hint=\"a change of it will not "
				"be noticed\"",
				LOG_ESCAPE(eio_cstr(file)), d->config->user, uv_strerror(-errno));
}

/* What is opened or removed later on, by the user that this is now. */
static int
check_later(const struct daemon *d)
{
	const char *token_file = d->config->publish.token_file, *unreadable = NULL;
	char folder[PATH_MAX];
	int err = files_check_rights(d->files);

	if (err) {
		unreadable = d->config->www;
	} else if (token_file && access(token_file, R_OK)) {
		err = errno;
		unreadable = token_file;
	}
	if (unreadable) {
		log_error_errno(err, "event=privileges-failed user=%s file=\"%s\"", d->config->user,
			LOG_ESCAPE(eio_cstr(unreadable)));
		return -1;
	}
	check_keys(d);
	for (size_t i = 0; i < d->config->n_listen; i++) {
		if (!d->config->listen[i].path) continue;
		snprintf(folder, sizeof folder, "%s", d->config->listen[i].path);
		if (access(dirname(folder), W_OK | X_OK))
			log_warn("event=socket-stays address=%s user=%s hint=\"the folder is another user's: nobody "
				 "removes the socket at the end; the next start replaces it\"",
				d->config->listen[i].text, d->config->user);
	}
	return 0;
}

static void
tell_privileges(const struct privileges *p)
{
	log_info("event=privileges uid=%u gid=%u capabilities=%" PRIx64 " bounding=%" PRIx64 " no-new-privileges=%d",
		(unsigned)p->uid, (unsigned)p->gid, p->capabilities, p->bounding, p->no_new);
	if (p->uid == 0)
		log_warn("event=runs-as-root hint=\"set user in the configuration, or start it as another user\"");
	if (p->capabilities)
		log_warn("event=privileges-remain capabilities=%" PRIx64 " hint=\"something forbids to give them up\"",
			p->capabilities);
	if (!p->no_new) log_warn("event=privileges-remain no-new-privileges=0");
}

static int
become_user(struct daemon *d, const struct account *a)
{
	bool root = geteuid() == 0;
	struct privileges left;
	int err;

	if (a && root && give_sockets(d->config, a)) return -1;
	err = privileges_drop(a, &left);
	if (err) {
		log_error_errno(err, "event=privileges-failed user=%s", d->config->user ? d->config->user : "");
		return -1;
	}
	tell_privileges(&left);
	if (a && !root && left.uid != a->uid)
		log_warn("event=user-kept uid=%u user=%s hint=\"only root can become another user\"",
			(unsigned)left.uid, d->config->user);
	return a && root ? check_later(d) : 0;
}

/* All that needs privileges is open, and no thread has started: what is given up now, none of them has. */
static int
drop_privileges(struct daemon *d)
{
	const struct config *c = d->config;
	enum account_fault fault;
	struct account account;
	int err;

	if (!c->user) return become_user(d, NULL);
	fault = account_find(&account, c->user, c->group);
	if (fault) {
		log_error("event=privileges-failed user=%s error=\"%s\"", c->user, account_fault_text(fault));
		return -1;
	}
	err = become_user(d, &account);
	account_deinit(&account);
	return err;
}

/* Running */

/* Workers first: a message that Redis sends at once finds them ready. */
static int
start_all(struct daemon *d)
{
	int err;

	share_files(d);
	if (drop_privileges(d)) return -1;
	state_file_load(d->config->state_file, d->feed);
	for (unsigned i = 0; i < d->workers.n; i++) worker_start(d->workers.all[i]);
	feed_start(d->feed);
	if (d->presence) presence_start(d->presence);
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
	/* The last sessions' handlers may publish, and the feed may deliver until it is stopped. */
	workers_drain(&d->workers);
	feed_stop(d->feed);
	if (d->presence) presence_stop(d->presence);
	workers_close(&d->workers);
	for (unsigned i = 0; i < d->n_threads; i++) thread_stop(&d->threads[i]);
	state_file_save(d->config->state_file, d->feed);
}

static void
free_all(struct daemon *d)
{
	for (unsigned i = 0; i < d->workers.n; i++) worker_free(d->workers.all[i]);
	free(d->workers.all);
	feed_free(d->feed);
	presence_free(d->presence);
	for (unsigned i = 0; i < d->n_threads; i++) thread_deinit(&d->threads[i]);
	free(d->threads);
	interest_table_free(d->interest);
	admin_free(d->admin);
	service_free(d->service);
	metrics_set_deinit(&d->metrics);
	files_close(d->files);
	for (size_t i = 0; i < d->config->n_listen; i++)
		if (d->config->listen[i].path) unlink(d->config->listen[i].path);
}

static void
on_signal(uv_signal_t *sig, int signum)
{
	struct daemon *d = sig->data;

	CHECK_MAGIC(d, DAEMON_MAGIC);
	log_info("event=stopping signal=%s", signum == SIGINT ? "SIGINT" : "SIGTERM");
	uv_close((uv_handle_t *)&d->sigint, NULL);
	uv_close((uv_handle_t *)&d->sigterm, NULL);
	memory_watch_stop(&d->memory);
	admin_close(d->admin);
	service_stopping(d->service);
}

static void
watch_signals(struct daemon *d)
{
	uv_signal_init(&d->loop, &d->sigint);
	uv_signal_init(&d->loop, &d->sigterm);
	d->sigint.data = d->sigterm.data = d;
	uv_signal_start(&d->sigint, on_signal, SIGINT);
	uv_signal_start(&d->sigterm, on_signal, SIGTERM);
}

int
daemon_run(const struct config *config)
{
	struct daemon d = { .magic = DAEMON_MAGIC, .config = config };
	int err;

	signal(SIGPIPE, SIG_IGN);
	log_open();
	log_set_level((enum log_level)config->log_level);
	err = uv_loop_init(&d.loop);
	if (err) {
		log_error_errno(err, "event=start-failed");
		return 1;
	}
	/* Before anybody can see it: a signal that comes while it starts ends it in order, once the loop runs. */
	watch_signals(&d);
	memory_watch_start(&d.memory, &d.loop);
	if (make_all(&d) || start_all(&d)) {
		log_error("event=start-failed");
		return 1;
	}
	if (config->warnings)
		log_warn("event=configuration-warnings count=%u hint=\"siocast -t tells them\"", config->warnings);
	log_info("event=started workers=%u pid=%d", config->workers, (int)getpid());
	service_ready(d.service);
	uv_run(&d.loop, UV_RUN_DEFAULT);
	stop_all(&d);
	free_all(&d);
	uv_loop_close(&d.loop);
	log_info("event=stopped");
	return 0;
}

int
daemon_test(const struct config *config, const char *file)
{
	struct files *files;

	log_set_level((enum log_level)config->log_level);
	if (open_files(config, &files)) return 1;
	files_close(files);
	printf("%s: ok", file ? file : "siocast");
	if (config->warnings) printf(", with %u warning%s", config->warnings, config->warnings > 1 ? "s" : "");
	printf("\n");
	return 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * The daemon: reads the configuration, makes everything, starts the threads,
 * waits for a signal, and takes everything down in the opposite order. What
 * fails before the threads run ends the program with a line that says why.
 */
#include "eio/net/httpd.h"
#include "src/admin/port.h"
#include "src/base/file_limit.h"
#include "src/base/log.h"
#include "src/config/cli.h"
#include "src/worker/worker.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct daemon {
	uv_loop_t loop;
	uv_signal_t sigint, sigterm;
	struct config *config;
	struct files *files;
	struct interest_table *interest;
	struct metrics_set metrics;
	struct feed *feed;
	struct workers workers;
	struct admin *admin;
};

/* Where the client files are: beside the program when it runs from its build tree, or as installed. */
static void
client_paths(char *base, char *js, char *mjs, size_t n)
{
	char exe[4096];
	ssize_t len = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
	char *slash;

	exe[len > 0 ? len : 0] = '\0';
	slash = strrchr(exe, '/');
	if (slash) *slash = '\0';
	snprintf(js, n, "%s/client-js/siocast.js", exe);
	if (access(js, R_OK) == 0) {
		snprintf(base, n, "%s/client-js/official/node_modules", exe);
		snprintf(mjs, n, "%s/client-js/siocast.mjs", exe);
	} else {
		snprintf(base, n, "%s", SIOCAST_CLIENT_DIR);
		snprintf(js, n, "%s/siocast.js", SIOCAST_CLIENT_DIR);
		snprintf(mjs, n, "%s/siocast.mjs", SIOCAST_CLIENT_DIR);
	}
}

/* The version that was asked for by name must be there; else the official client is served if it is. */
static int
choose_client(const struct config_client *c, const char *base, struct files_config *fc,
	const struct files_versions *installed)
{
	fc->versions = installed->v;
	fc->versions_n = installed->n;
	fc->version = files_versions_choose(installed, c->version);
	fc->client_dir = c->dir;
	if (fc->version || !c->version_given) return 0;
	log_error("event=no-client-version version=%s dir=\"%s\" hint=\"it is not installed\"", c->version, base);
	return -1;
}

static int
open_client_files(struct daemon *d, struct files_config *fc, char *err, size_t err_size)
{
	const struct config_client *c = &d->config->client;
	char base[4200], js[4200], mjs[4200];
	struct files_versions installed;
	int e;

	client_paths(base, js, mjs, sizeof(js));
	fc->decoder_js = js;
	fc->decoder_mjs = mjs;
	fc->legacy = d->config->compat != CONFIG_COMPAT_4;
	e = files_versions_find(&installed, base);
	if (e == 0) e = choose_client(c, base, fc, &installed);
	if (e == 0) e = files_open(&d->files, fc, err, err_size);
	files_versions_deinit(&installed);
	if (e == 0 && files_official_count(d->files) == 0)
		log_warn("event=no-client-files dir=\"%s\" version=%s hint=\"socket.io.js is not served\"",
			c->dir ? c->dir : base, c->version);
	return e;
}

static int
open_files(struct daemon *d)
{
	struct files_config fc = { .client_path = d->config->path, .www_dir = d->config->www };
	char err[256] = "";
	int e;

	if (d->config->serve_client)
		e = open_client_files(d, &fc, err, sizeof(err));
	else
		e = files_open(&d->files, &fc, err, sizeof(err));
	if (e != 0 && *err) log_error("event=files-failed error=\"%s\"", err);
	return e ? -1 : 0;
}

/* "host:port" with the port of an earlier worker's socket, when the configured one is 0: all must share it. */
static int
listen_again(const struct config_listen *l, unsigned port)
{
	char address[300];

	if (l->path || l->port) return eio_listen(l->text);
	snprintf(address, sizeof(address), strchr(l->host, ':') ? "[%s]:%u" : "%s:%u", l->host, port);
	return eio_listen(address);
}

/* The listening sockets of one worker. A Unix socket can be bound once only: the others get a copy of the first one's. */
static int
open_listeners(const struct config *c, unsigned worker, int *fds, int *first)
{
	for (size_t i = 0; i < c->n_listen; i++) {
		const struct config_listen *l = &c->listen[i];

		if (worker == 0) {
			fds[i] = eio_listen_check(l->text);
			if (fds[i] == 0) fds[i] = eio_listen(l->text);
		} else {
			fds[i] = l->path ? dup(first[i]) : listen_again(l, eio_listen_port(first[i]));
		}
		if (fds[i] < 0) {
			log_error_errno(fds[i], "event=listen-failed address=%s", l->text);
			return -1;
		}
		if (worker == 0) first[i] = fds[i];
	}
	return 0;
}

static int
make_workers(struct daemon *d)
{
	size_t n = d->config->n_listen;
	int *fds = calloc(2 * n, sizeof(int));
	int err = 0;

	d->workers = (struct workers){
		.config = d->config,
		.files = d->files,
		.interest = d->interest,
		.feed = d->feed,
		.metrics = &d->metrics,
		.all = calloc(d->config->workers, sizeof(struct worker *)),
		.n = d->config->workers,
	};
	if (!fds || !d->workers.all) return -1;
	for (unsigned i = 0; i < d->workers.n && !err; i++) {
		err = open_listeners(d->config, i, fds, fds + n);
		if (!err) d->workers.all[i] = worker_new(&d->workers, i, fds, n);
		if (!d->workers.all[i]) err = -1;
	}
	for (size_t i = 0; i < n && !err; i++)
		log_info("event=listening address=%s port=%u", d->config->listen[i].text, eio_listen_port(fds[n + i]));
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
		.max_head = l->header_bytes,
		.header_timeout_ms = (uint64_t)l->header_seconds * 1000,
		.keep_alive_timeout_ms = (uint64_t)l->keep_alive_seconds * 1000,
		.feed = d->feed,
		.metrics = &d->metrics,
	};

	d->admin = admin_new(&d->loop, &options);
	return d->admin ? 0 : -1;
}

static int
make_all(struct daemon *d)
{
	struct feed_options fo = { 0 };

	config_fill_feed(d->config, &fo);
	file_limit_set(d->config->limits.max_connections);
	if (open_files(d)) return -1;
	d->interest = interest_table_new();
	if (!d->interest || metrics_set_init(&d->metrics, d->config->workers + 1)) return -1;
	fo.interest = d->interest;
	fo.metrics = &d->metrics.rows[d->config->workers];
	d->feed = feed_new(&fo);
	if (!d->feed || make_workers(d)) return -1;
	return d->config->admin ? make_admin(d) : 0;
}

/* Workers first: a message that Redis sends at once finds them ready. */
static int
start_all(struct daemon *d)
{
	for (unsigned i = 0; i < d->workers.n; i++)
		if (worker_start(d->workers.all[i])) return -1;
	return feed_start(d->feed) ? -1 : 0;
}

static void
stop_all(struct daemon *d)
{
	/* The last sessions' handlers may publish, and the feed may deliver until it is stopped. */
	workers_drain(&d->workers);
	feed_stop(d->feed);
	workers_stop(&d->workers);
	for (unsigned i = 0; i < d->workers.n; i++) worker_free(d->workers.all[i]);
	free(d->workers.all);
	feed_free(d->feed);
	interest_table_free(d->interest);
	metrics_set_deinit(&d->metrics);
	files_close(d->files);
	for (size_t i = 0; i < d->config->n_listen; i++)
		if (d->config->listen[i].path) unlink(d->config->listen[i].path);
}

static void
on_signal(uv_signal_t *sig, int signum)
{
	struct daemon *d = sig->data;

	log_info("event=stopping signal=%s", signum == SIGINT ? "SIGINT" : "SIGTERM");
	uv_close((uv_handle_t *)&d->sigint, NULL);
	uv_close((uv_handle_t *)&d->sigterm, NULL);
	admin_close(d->admin);
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

static int
run_daemon(struct config *config)
{
	struct daemon d = { .config = config };

	signal(SIGPIPE, SIG_IGN);
	log_set_level((enum log_level)config->log_level);
	if (uv_loop_init(&d.loop)) return 1;
	/* Before anybody can see that siocast is there: a signal that comes while it starts ends it in order, as soon as the loop
	 * runs. */
	watch_signals(&d);
	if (make_all(&d) || start_all(&d)) {
		log_error("event=start-failed");
		return 1;
	}
	log_info("event=started workers=%u pid=%d", config->workers, (int)getpid());
	uv_run(&d.loop, UV_RUN_DEFAULT);
	stop_all(&d);
	admin_free(d.admin);
	uv_loop_close(&d.loop);
	log_info("event=stopped");
	return 0;
}

/* -t: the folders that the configuration names must be there, too. */
static int
test_daemon(struct config *config, const char *file)
{
	struct daemon d = { .config = config };

	log_set_level((enum log_level)config->log_level);
	if (open_files(&d)) return 1;
	files_close(d.files);
	printf("%s: ok\n", file ? file : "siocast");
	return 0;
}

int
main(int argc, char **argv)
{
	struct config *config = NULL;
	struct cli cli;
	int status = 0;

	cli_parse(&cli, argc, argv);
	if (cli.action == CLI_RUN || cli.action == CLI_TEST) {
		config = cli_load(&cli);
		if (!config)
			status = 1;
		else if (cli.action == CLI_RUN)
			status = run_daemon(config);
		else
			status = test_daemon(config, cli.flags.file);
	} else if (cli.action == CLI_ERROR) {
		status = 1;
	}
	config_free(config);
	cli_deinit(&cli);
	return status;
}

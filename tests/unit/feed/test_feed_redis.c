/* SPDX-License-Identifier: MIT */
/*
 * The feed thread with a real redis-server of its own, on a unix socket in a
 * temporary folder: from PUBLISH to deliveries on two workers, through a restart
 * of Redis. Skipped (exit 77) where there is no redis-server. Run under TSan too.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "eio/list.h"
#include "src/base/log.h"
#include "src/feed/feed.h"
#include "src/feed/metrics.h"
#include "src/source/pubsub.h"
#include "tests/unit/configured.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { WORKERS = 2, PATIENCE_MS = 20000 };

extern char **environ;

/* A worker that only notes what it is given, in one text. */
struct worker {
	struct mail_port port; /* it takes at once, on the feed thread */
	uv_mutex_t lock;
	struct eio_buf got; /* {lock} */
	unsigned deliveries; /* {lock} */
};

struct fixture {
	char folder[64], socket[96];
	pid_t redis; /* 0: not running */
	struct config *config;
	struct interest_table *interest;
	struct metrics_set metrics;
	struct worker workers[WORKERS];
	struct thread thread;
	struct feed *feed;
};

static void
nap(void)
{
	nanosleep(&(struct timespec){ .tv_nsec = 5000000 }, NULL);
}

/* 0, or the error of starting it. */
static int
start_redis(struct fixture *x)
{
	char *argv[] = { (char *)"redis-server", (char *)"--port", (char *)"0", (char *)"--unixsocket", x->socket,
		(char *)"--dir", x->folder, (char *)"--save", (char *)"", (char *)"--appendonly", (char *)"no",
		(char *)"--logfile", (char *)"/dev/null", NULL };

	return posix_spawnp(&x->redis, argv[0], NULL, NULL, argv, environ);
}

static void
stop_redis(struct fixture *x)
{
	if (!x->redis) return;
	kill(x->redis, SIGKILL);
	waitpid(x->redis, NULL, 0);
	x->redis = 0;
	unlink(x->socket);
}

static void
take_delivery(void *user, struct mail *run)
{
	struct delivery *d = EIO_CONTAINER(run, struct delivery, mail);
	struct worker *to = user;

	uv_mutex_lock(&to->lock);
	to->deliveries++;
	for (size_t i = 0; i < d->n; i++) {
		struct eio_block *b = eio_bundle_wire(d->items[i].bundle, EIO_WIRE_POLLING);

		if (b) eio_buf_append(&to->got, b->data, b->n);
		eio_buf_addc(&to->got, '\n');
	}
	uv_mutex_unlock(&to->lock);
	delivery_free(d);
}

static const char config_text[] =
	"{\"redis\": \"unix://%s\", \"feeds\": ["
	"{\"channel\": \"end\", \"encode\": \"text\", \"batch\": {\"interval\": 0}},"
	"{\"pattern\": \"n.*\", \"event\": \"n\", \"room\": \"{1}\", \"encode\": \"json\", \"batch\": {\"interval\": 20}}]}";

static const struct eio_bytes nsp = { "/", 1 }, room_a = { "a", 1 };

static int
set_up(void **state)
{
	struct fixture *x = calloc(1, sizeof *x);
	struct feed_options o;
	char text[1024];

	if (!x) return -1;
	*state = x;
	log_set_level(LOG_LEVEL_ERROR);
	strcpy(x->folder, "/tmp/test_feed_redis.XXXXXX");
	if (!mkdtemp(x->folder)) return -1;
	snprintf(x->socket, sizeof x->socket, "%s/sock", x->folder);
	snprintf(text, sizeof text, config_text, x->socket);
	x->config = configured(text);
	x->interest = interest_table_new();
	if (!x->interest || metrics_set_init(&x->metrics) < 0) return -1;
	for (int w = 0; w < WORKERS; w++) uv_mutex_init(&x->workers[w].lock);
	interest_set(x->interest, 0, sio_room_everyone(nsp));
	interest_set(x->interest, 1, sio_room_everyone(nsp));
	interest_set(x->interest, 1, sio_room_named(nsp, room_a));
	if (thread_init(&x->thread, "test-feed", &x->metrics)) return -1;
	o = (struct feed_options){
		.thread = &x->thread, .published = &source_pubsub, .interest = x->interest, .metrics = &x->metrics
	};
	config_fill_feed(x->config, &o);
	o.workers = WORKERS;
	x->feed = feed_new(&o);
	if (!x->feed) return -1;
	for (unsigned w = 0; w < WORKERS; w++) {
		x->workers[w].port = (struct mail_port){ .take = take_delivery, .user = &x->workers[w] };
		feed_set_worker(x->feed, w, &x->workers[w].port);
	}
	return 0;
}

static void
start(struct fixture *x)
{
	feed_start(x->feed);
	assert_int_equal(thread_start(&x->thread), 0);
}

static int
tear_down(void **state)
{
	struct fixture *x = *state;

	feed_stop(x->feed);
	thread_stop(&x->thread);
	interest_clear(x->interest, 0, sio_room_everyone(nsp));
	interest_clear(x->interest, 1, sio_room_everyone(nsp));
	interest_clear(x->interest, 1, sio_room_named(nsp, room_a));
	feed_free(x->feed);
	thread_deinit(&x->thread);
	stop_redis(x);
	rmdir(x->folder);
	interest_table_free(x->interest);
	for (int w = 0; w < WORKERS; w++) {
		eio_buf_deinit(&x->workers[w].got);
		uv_mutex_destroy(&x->workers[w].lock);
	}
	metrics_set_deinit(&x->metrics);
	config_free(x->config);
	free(x);
	return 0;
}

static void
wait_ready(const struct fixture *x, bool ready)
{
	for (int ms = 0; feed_ready(x->feed) != ready; ms += 5) {
		if (ms > PATIENCE_MS) fail_msg("never became %s", ready ? "ready" : "not ready");
		nap();
	}
	assert_int_equal(feed_redis_status(x->feed, 0).subscribed, ready);
}

/* Waits until the worker has got text. */
static void
wait_for(struct worker *w, const char *text)
{
	bool there = false;

	for (int ms = 0; !there; ms += 5) {
		if (ms > PATIENCE_MS) fail_msg("never came: %s", text);
		nap();
		uv_mutex_lock(&w->lock);
		there = w->got.n && memmem(w->got.p, w->got.n, text, strlen(text));
		uv_mutex_unlock(&w->lock);
	}
}

static void
publish(struct fixture *x, const char *channel, const char *payload)
{
	assert_int_equal(feed_publish(x->feed, eio_cstr(channel), eio_cstr(payload)), 0);
}

/* Numbers 0 … n-1 for room a, then one message for everyone: both go out through Redis and come back. */
static void
round_trip(struct fixture *x, int n, const char *end)
{
	char text[32];

	for (int i = 0; i < n; i++) {
		snprintf(text, sizeof text, "%d", i);
		publish(x, "n.a", text);
		if (i % 50 == 0) publish(x, "n.nobody", text);
	}
	publish(x, "end", end);
	wait_for(&x->workers[0], end);
	wait_for(&x->workers[1], end);
}

/* Every number once and in order, over however many batches they were spread. */
static void
check_numbers(struct worker *w, int n)
{
	int next = 0;

	eio_buf_addc(&w->got, '\0');
	assert_false(eio_buf_failed(&w->got));
	for (const char *p = w->got.p; (p = strstr(p, "42[\"n\",[")); p++) {
		p += 8;
		for (;;) {
			char *e;

			assert_int_equal(strtol(p, &e, 10), next++);
			p = e;
			if (*p != ',') break;
			p++;
		}
		assert_memory_equal(p, "]]\n", 3);
	}
	assert_int_equal(next, n);
}

static void
there_and_back(void **state)
{
	struct fixture *x = *state;
	struct worker *w0 = &x->workers[0], *w1 = &x->workers[1];

	/* Redis is away at the start. */
	start(x);
	while (metrics_sum(&x->metrics, &redis_metrics, REDIS_METRIC_LOST) < 2) nap();
	assert_false(feed_ready(x->feed));
	assert_int_equal(start_redis(x), 0);
	wait_ready(x, true);
	round_trip(x, 2000, "first end");
	/* The last batch may come after the message that was sent alone. */
	wait_for(w1, "1999]]");
	uv_mutex_lock(&w1->lock);
	check_numbers(w1, 2000);
	assert_true(w1->deliveries < 500);
	uv_mutex_unlock(&w1->lock);
	uv_mutex_lock(&w0->lock);
	assert_null(memmem(w0->got.p, w0->got.n, "\"n\"", 3));
	uv_mutex_unlock(&w0->lock);
	assert_int_equal(metrics_sum(&x->metrics, &feed_metrics, FEED_METRIC_UNHEARD), 40);
	assert_int_equal(metrics_sum(&x->metrics, &redis_metrics, REDIS_METRIC_PUBLISH_DROPPED), 0);

	/* Redis dies; what is published meanwhile waits for it. */
	stop_redis(x);
	wait_ready(x, false);
	assert_int_equal(start_redis(x), 0);
	wait_ready(x, true);
	round_trip(x, 1, "second end");
	assert_true(metrics_sum(&x->metrics, &redis_metrics, REDIS_METRIC_CONNECTS) >= 4);
}

/* Never started: nothing to stop, everything to free. */
static void
never_started(void **state)
{
	(void)state;
}

static void
only_its_thread_was_started(void **state)
{
	struct fixture *x = *state;

	assert_int_equal(thread_start(&x->thread), 0);
}

static bool
have_redis(void)
{
	char *argv[] = { (char *)"redis-server", (char *)"--version", NULL };
	pid_t pid;
	int status;

	if (posix_spawnp(&pid, argv[0], NULL, NULL, argv, environ)) return false;
	return waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(there_and_back, set_up, tear_down),
		cmocka_unit_test_setup_teardown(never_started, set_up, tear_down),
		cmocka_unit_test_setup_teardown(only_its_thread_was_started, set_up, tear_down),
	};

	if (!have_redis()) return 77;
	return cmocka_run_group_tests(tests, NULL, NULL);
}

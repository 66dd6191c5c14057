/* SPDX-License-Identifier: MIT */
/*
 * Two workers, and requests on a connection of the one for a session of the other: how far they have come, their
 * answers, their connection's end, and stopping while one worker is slow. Linked with
 * -Wl,--wrap=eio_server_exchange. Run under TSan too.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "eio/net/httpd.h"
#include "eio/net/server.h"
#include "src/worker/worker_int.h"
#include "tests/unit/configured.h"

#include <arpa/inet.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { HOME, OWNER, WORKERS };
enum { HOME_LATE_MS = 100, OWNER_LATE_MS = 300 };

static const char config_text[] = "{\"workers\": 2, \"serveClient\": false, \"feeds\": []}";

/* Stopping: whether the next exchange is the one that takes long. */
static atomic_int slow;
static uv_thread_t home_thread;
static uv_sem_t on_its_way;

/* Passing on: what servers were told of exchanges of worker HOME, in order; and a gate that worker OWNER waits at with
 * an exchange of its own. */
static atomic_bool gated;
static uv_sem_t at_gate, gate;
static uv_mutex_t told_lock;
static struct {
	struct eio_server *server;
	enum eio_stage stage;
} told[16]; /* {told_lock} */
static unsigned n_told; /* {told_lock} */

void __real_eio_server_exchange(struct eio_server *s, struct eio_exchange *ex, enum eio_stage stage);
void __wrap_eio_server_exchange(struct eio_server *s, struct eio_exchange *ex, enum eio_stage stage);

/* The home passes it on when the owner has drained; the owner looks at it when the home has closed. */
static void
take_long(void)
{
	uv_thread_t self = uv_thread_self();

	if (atomic_load(&slow) == 1) {
		home_thread = self;
		atomic_store(&slow, 2);
		uv_sem_post(&on_its_way);
		uv_sleep(HOME_LATE_MS);
	} else if (atomic_load(&slow) == 2 && !uv_thread_equal(&self, &home_thread)) {
		atomic_store(&slow, 3);
		uv_sleep(OWNER_LATE_MS);
	}
}

void
__wrap_eio_server_exchange(struct eio_server *s, struct eio_exchange *ex, enum eio_stage stage)
{
	take_long();
	if (ex->home == OWNER && atomic_exchange(&gated, false)) {
		uv_sem_post(&at_gate);
		uv_sem_wait(&gate);
	}
	if (ex->home == HOME) {
		uv_mutex_lock(&told_lock);
		assert_true(n_told < 16);
		told[n_told].server = s;
		told[n_told++].stage = stage;
		uv_mutex_unlock(&told_lock);
	}
	__real_eio_server_exchange(s, ex, stage);
}

struct test {
	struct config *config;
	struct files *files;
	struct interest_table *interest;
	struct metrics_set metrics;
	struct thread threads[WORKERS + 1]; /* the last one is the feed's, never started */
	struct feed *feed; /* never started */
	struct workers workers;
	struct worker *all[WORKERS];
	unsigned ports[WORKERS];
};

/* Each worker listens on a port of its own, so that the test knows whom it speaks to. */
static void
start_worker(struct test *t, unsigned i)
{
	struct listening one = { .fd = eio_listen("127.0.0.1:0"), .worker = i };
	struct listeners all = { .v = &one, .n = 1 };

	assert_true(one.fd >= 0);
	t->ports[i] = eio_listen_port(one.fd);
	t->all[i] = worker_new(&t->workers, i, &all);
	assert_non_null(t->all[i]);
}

static void
start(struct test *t)
{
	struct files_config files = { .client_path = "/socket.io/" };
	struct feed_options feed = { 0 };
	char err[256];

	memset(t, 0, sizeof *t);
	t->config = configured(config_text);
	assert_int_equal(files_open(&t->files, &files, err, sizeof err), 0);
	t->interest = interest_table_new();
	assert_int_equal(metrics_set_init(&t->metrics), 0);
	for (unsigned i = 0; i <= WORKERS; i++) assert_int_equal(thread_init(&t->threads[i], "test", &t->metrics), 0);
	config_fill_feed(t->config, &feed);
	feed.thread = &t->threads[WORKERS];
	feed.interest = t->interest;
	feed.metrics = feed.thread->metrics;
	t->feed = feed_new(&feed);
	assert_non_null(t->feed);
	t->workers = (struct workers){ .config = t->config,
		.files = t->files,
		.interest = t->interest,
		.feed = t->feed,
		.threads = t->threads,
		.all = t->all,
		.n = WORKERS };
	for (unsigned i = 0; i < WORKERS; i++) start_worker(t, i);
	for (unsigned i = 0; i < WORKERS; i++) {
		worker_start(t->all[i]);
		assert_int_equal(thread_start(&t->threads[i]), 0);
	}
}

static void
stop(struct test *t)
{
	workers_drain(&t->workers);
	feed_stop(t->feed);
	workers_close(&t->workers);
	for (unsigned i = 0; i <= WORKERS; i++) thread_stop(&t->threads[i]);
}

static void
finish(struct test *t)
{
	for (unsigned i = 0; i < WORKERS; i++) worker_free(t->all[i]);
	feed_free(t->feed);
	for (unsigned i = 0; i <= WORKERS; i++) thread_deinit(&t->threads[i]);
	metrics_set_deinit(&t->metrics);
	interest_table_free(t->interest);
	files_close(t->files);
	config_free(t->config);
}

static int
dial(unsigned port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof a), 0);
	return fd;
}

static void
say(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), 0), strlen(text));
}

static int
ask(unsigned port, const char *sid)
{
	char text[300];
	int fd = dial(port);

	snprintf(text, sizeof text, "GET /socket.io/?EIO=4&transport=polling%s%s HTTP/1.1\r\nHost: t\r\n\r\n",
		*sid ? "&sid=" : "", sid);
	say(fd, text);
	return fd;
}

/* The head of a POST with a body of five bytes. */
static int
ask_post(unsigned port, const char *sid)
{
	char text[300];
	int fd = dial(port);

	snprintf(text, sizeof text,
		"POST /socket.io/?EIO=4&transport=polling&sid=%s HTTP/1.1\r\nHost: t\r\nContent-Length: 5\r\n\r\n",
		sid);
	say(fd, text);
	return fd;
}

/* Waits until servers were called that often. */
static void
wait_told(unsigned n)
{
	for (unsigned seen = 0; seen < n; uv_sleep(2)) {
		uv_mutex_lock(&told_lock);
		seen = n_told;
		uv_mutex_unlock(&told_lock);
	}
}

static void
expect_answer(int fd, const char *begin, const char *end)
{
	char text[2000];
	size_t n = 0;
	ssize_t got;

	do {
		got = recv(fd, text + n, sizeof text - 1 - n, 0);
		assert_true(got > 0);
		n += (size_t)got;
		text[n] = '\0';
	} while (!strstr(text, end));
	assert_memory_equal(text, begin, strlen(begin));
}

static void
wait_metric(struct test *t, enum worker_metric metric, uint64_t value)
{
	while (metrics_sum(&t->metrics, &worker_metrics, metric) != value) uv_sleep(2);
}

/* A session of the worker that listens there. */
static void
open_session(unsigned port, char *sid, size_t size)
{
	char text[2000];
	size_t n = 0;
	ssize_t got;
	int fd = ask(port, "");
	const char *start;

	do {
		got = recv(fd, text + n, sizeof text - 1 - n, 0);
		assert_true(got > 0);
		n += (size_t)got;
		text[n] = '\0';
		start = strstr(text, "\"sid\":\"");
	} while (!start || !strchr(start + 7, '"'));
	snprintf(sid, size, "%.*s", (int)strcspn(start + 7, "\""), start + 7);
	close(fd);
}

/* Two workers and a session of worker OWNER. */
static void
begin(struct test *t, char *sid, size_t size)
{
	n_told = 0;
	atomic_store(&gated, false);
	atomic_store(&slow, 0);
	assert_int_equal(uv_sem_init(&on_its_way, 0), 0);
	assert_int_equal(uv_sem_init(&at_gate, 0), 0);
	assert_int_equal(uv_sem_init(&gate, 0), 0);
	assert_int_equal(uv_mutex_init(&told_lock), 0);
	start(t);
	open_session(t->ports[OWNER], sid, size);
	wait_metric(t, WORKER_METRIC_SESSIONS_POLLING, 1);
}

static void
end(struct test *t)
{
	finish(t);
	uv_sem_destroy(&on_its_way);
	uv_sem_destroy(&at_gate);
	uv_sem_destroy(&gate);
	uv_mutex_destroy(&told_lock);
}

/* The body of a POST comes later than its head: both are passed on, and the answer comes back. */
static void
a_late_body(void **state)
{
	struct test t;
	char sid[64];
	int fd;

	(void)state;
	begin(&t, sid, sizeof sid);
	fd = ask_post(t.ports[HOME], sid);
	wait_told(2);
	say(fd, "40/no");
	wait_told(4);
	expect_answer(fd, "HTTP/1.1 200", "ok");
	assert_int_equal(metrics_sum(&t.metrics, &worker_metrics, WORKER_METRIC_FORWARDED_REQUESTS), 2);
	close(fd);
	stop(&t);
	assert_ptr_equal(told[0].server, told[2].server);
	assert_ptr_equal(told[1].server, told[3].server);
	assert_ptr_not_equal(told[0].server, told[1].server);
	for (unsigned i = 0; i < 4; i++) assert_int_equal(told[i].stage, i < 2 ? EIO_STAGE_BEGIN : EIO_STAGE_COMPLETE);
	end(&t);
}

/* All of a POST's life while its session's worker is busy: that hears of each stage once, in order. */
static void
stages_that_pile_up(void **state)
{
	static const enum eio_stage want[] = { EIO_STAGE_BEGIN, EIO_STAGE_COMPLETE, EIO_STAGE_BEGIN, EIO_STAGE_COMPLETE,
		EIO_STAGE_ABORT };
	struct test t;
	char sid[64];
	int fd, other;

	(void)state;
	begin(&t, sid, sizeof sid);
	atomic_store(&gated, true);
	other = ask(t.ports[OWNER], "");
	uv_sem_wait(&at_gate);
	fd = ask_post(t.ports[HOME], sid);
	wait_told(1);
	say(fd, "40/no");
	wait_told(2);
	wait_metric(&t, WORKER_METRIC_FORWARDED_REQUESTS, 2);
	close(fd);
	while (t.workers.all[HOME]->metrics->v[WORKER_METRIC_CONNECTIONS_OPEN] > 0) uv_sleep(2);
	uv_sem_post(&gate);
	wait_told(5);
	expect_answer(other, "HTTP/1.1 200", "pingTimeout");
	close(other);
	wait_metric(&t, WORKER_METRIC_POSTS, 1);
	assert_int_equal(metrics_sum(&t.metrics, &worker_metrics, WORKER_METRIC_SESSIONS_POLLING),
		2); /* it was answered before it was aborted */
	stop(&t);
	for (unsigned i = 0; i < 5; i++) {
		assert_int_equal(told[i].stage, want[i]);
		assert_int_equal(told[i].server == told[0].server, i < 2);
	}
	end(&t);
}

/* Who held a GET through another worker and goes away is gone. */
static void
a_lost_connection(void **state)
{
	struct test t;
	char sid[64];
	int fd;

	(void)state;
	begin(&t, sid, sizeof sid);
	fd = ask(t.ports[HOME], sid);
	wait_told(2);
	close(fd);
	wait_metric(&t, WORKER_METRIC_SESSIONS_POLLING, 0);
	stop(&t);
	assert_int_equal(n_told, 3);
	assert_int_equal(told[2].stage, EIO_STAGE_ABORT);
	end(&t);
}

static void
an_answer_after_the_close(void **state)
{
	struct test t;
	char sid[64];
	int fd;

	(void)state;
	begin(&t, sid, sizeof sid);
	atomic_store(&slow, 1);
	fd = ask(t.ports[HOME], sid);
	uv_sem_wait(&on_its_way);
	stop(&t);
	assert_int_equal(atomic_load(&slow), 3); /* it was passed on */
	close(fd);
	end(&t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_late_body),
		cmocka_unit_test(stages_that_pile_up),
		cmocka_unit_test(a_lost_connection),
		cmocka_unit_test(an_answer_after_the_close),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

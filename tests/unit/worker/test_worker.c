/* SPDX-License-Identifier: MIT */
/*
 * Two workers that stop while one of them is slow: it answers a request that came on a connection of the other when that one has
 * closed already. Linked with -Wl,--wrap=eio_server_exchange.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "eio/net/httpd.h"
#include "eio/net/server.h"
#include "src/config/config.h"
#include "src/worker/worker.h"

#include <arpa/inet.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { HOME, OWNER, WORKERS };
enum { HOME_LATE_MS = 100, OWNER_LATE_MS = 300 };

static const char config_text[] = "{\"workers\": 2, \"serveClient\": false, \"feeds\": []}";

static atomic_int slow; /* whether the next exchange is the one that takes long */
static uv_thread_t home_thread;
static uv_sem_t on_its_way;

void __real_eio_server_exchange(struct eio_server *s, struct eio_exchange *ex, enum eio_stage stage);
void __wrap_eio_server_exchange(struct eio_server *s, struct eio_exchange *ex, enum eio_stage stage);

/* The home passes it on when the owner has drained; the owner looks at it when the home has closed. */
void
__wrap_eio_server_exchange(struct eio_server *s, struct eio_exchange *ex, enum eio_stage stage)
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
	__real_eio_server_exchange(s, ex, stage);
}

struct test {
	struct config *config;
	struct files *files;
	struct interest_table *interest;
	struct metrics_set metrics;
	struct feed *feed; /* never started */
	struct workers workers;
	struct worker *all[WORKERS];
	unsigned ports[WORKERS];
};

static void
on_config_error(void *user, const char *text)
{
	(void)user;
	fail_msg("%s", text);
}

/* Each worker listens on a port of its own, so that the test knows whom it speaks to. */
static void
start_worker(struct test *t, unsigned i)
{
	int fd = eio_listen("127.0.0.1:0");

	assert_true(fd >= 0);
	t->ports[i] = eio_listen_port(fd);
	t->all[i] = worker_new(&t->workers, i, &fd, 1);
	assert_non_null(t->all[i]);
}

static void
start(struct test *t)
{
	struct files_config files = { .client_path = "/socket.io/" };
	struct feed_options feed = { 0 };
	char err[256];

	memset(t, 0, sizeof(*t));
	t->config = config_load_text("t", eio_cstr(config_text), NULL, on_config_error, NULL);
	assert_non_null(t->config);
	assert_int_equal(files_open(&t->files, &files, err, sizeof(err)), 0);
	t->interest = interest_table_new();
	assert_int_equal(metrics_set_init(&t->metrics, WORKERS + 1), 0);
	config_fill_feed(t->config, &feed);
	feed.interest = t->interest;
	feed.metrics = &t->metrics.rows[WORKERS];
	t->feed = feed_new(&feed);
	assert_non_null(t->feed);
	t->workers = (struct workers){ .config = t->config,
		.files = t->files,
		.interest = t->interest,
		.feed = t->feed,
		.metrics = &t->metrics,
		.all = t->all,
		.n = WORKERS };
	for (unsigned i = 0; i < WORKERS; i++) start_worker(t, i);
	for (unsigned i = 0; i < WORKERS; i++) assert_int_equal(worker_start(t->all[i]), 0);
}

static void
finish(struct test *t)
{
	for (unsigned i = 0; i < WORKERS; i++) worker_free(t->all[i]);
	feed_free(t->feed);
	metrics_set_deinit(&t->metrics);
	interest_table_free(t->interest);
	files_close(t->files);
	config_free(t->config);
}

static int
ask(unsigned port, const char *sid)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	char text[300];
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	snprintf(text, sizeof(text), "GET /socket.io/?EIO=4&transport=polling%s%s HTTP/1.1\r\nHost: t\r\n\r\n",
		*sid ? "&sid=" : "", sid);
	assert_int_equal(send(fd, text, strlen(text), 0), strlen(text));
	return fd;
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
		got = recv(fd, text + n, sizeof(text) - 1 - n, 0);
		assert_true(got > 0);
		n += (size_t)got;
		text[n] = '\0';
		start = strstr(text, "\"sid\":\"");
	} while (!start || !strchr(start + 7, '"'));
	snprintf(sid, size, "%.*s", (int)strcspn(start + 7, "\""), start + 7);
	close(fd);
}

static void
an_answer_after_the_close(void **state)
{
	struct test t;
	char sid[64];
	int fd;

	(void)state;
	assert_int_equal(uv_sem_init(&on_its_way, 0), 0);
	start(&t);
	open_session(t.ports[OWNER], sid, sizeof(sid));
	atomic_store(&slow, 1);
	fd = ask(t.ports[HOME], sid);
	uv_sem_wait(&on_its_way);
	workers_drain(&t.workers);
	workers_stop(&t.workers);
	assert_int_equal(atomic_load(&slow), 3); /* it was passed on */
	close(fd);
	finish(&t);
	uv_sem_destroy(&on_its_way);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_answer_after_the_close),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

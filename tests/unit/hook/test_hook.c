/* SPDX-License-Identifier: MIT */
/* Questions over HTTP against an application played by this test, on the same loop. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "src/hook/hook.h"
#include "src/hook/metrics.h"
#include "tests/unit/failmalloc.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* The application */

enum { MAX_PEERS = 32 };

struct app_conn {
	uv_stream_t *stream;
	struct eio_buf in;
};

static struct {
	union {
		uv_handle_t handle;
		uv_stream_t stream;
		uv_tcp_t tcp;
		uv_pipe_t pipe;
	} listener;
	bool is_pipe;
	struct app_conn conns[MAX_PEERS];
	unsigned n_conns, requests;
	struct eio_buf request; /* the last one, whole */
	const char *answer; /* NULL: none */
	bool hang_up; /* closes behind the answer, or instead of it */
	bool bytewise;
} app;

static void
free_stream(uv_handle_t *h)
{
	free(h);
}

static void
app_close(struct app_conn *c)
{
	if (!c->stream) return;
	uv_close((uv_handle_t *)c->stream, free_stream);
	eio_buf_deinit(&c->in);
	c->stream = NULL;
}

static void
app_write(struct app_conn *c, const char *text)
{
	size_t n = strlen(text), step = app.bytewise ? 1 : n;

	for (size_t i = 0; i < n; i += step) {
		uv_buf_t b = uv_buf_init((char *)text + i, (unsigned)step);

		assert_int_equal(uv_try_write(c->stream, &b, 1), (int)step);
	}
}

/* Answers the request that is whole. */
static void
app_answer(struct app_conn *c)
{
	app.requests++;
	eio_buf_clear(&app.request);
	eio_buf_add(&app.request, eio_buf_bytes(&c->in));
	eio_buf_addc(&app.request, '\0');
	eio_buf_clear(&c->in);
	if (app.answer) app_write(c, app.answer);
	if (app.hang_up) app_close(c);
}

static bool
request_is_whole(struct eio_bytes in)
{
	const char *end = memmem(in.p, in.n, "\r\n\r\n", 4);
	const char *length = memmem(in.p, in.n, "Content-Length: ", 16);

	return end && length && in.n == (size_t)(end + 4 - in.p) + strtoul(length + 16, NULL, 10);
}

static void
app_alloc(uv_handle_t *h, size_t suggested, uv_buf_t *buf)
{
	struct app_conn *c = h->data;

	(void)suggested;
	*buf = uv_buf_init(eio_buf_reserve(&c->in, 65536), 65536);
}

static void
app_read(uv_stream_t *s, ssize_t n, const uv_buf_t *buf)
{
	struct app_conn *c = s->data;

	(void)buf;
	if (n < 0) {
		app_close(c);
		return;
	}
	c->in.n += (size_t)n;
	if (request_is_whole(eio_buf_bytes(&c->in))) app_answer(c);
}

static void
app_accept(uv_stream_t *listener, int status)
{
	struct app_conn *c = &app.conns[app.n_conns++];
	uv_loop_t *loop = ((uv_handle_t *)listener)->loop;

	assert_int_equal(status, 0);
	assert_true(app.n_conns <= MAX_PEERS);
	c->stream = calloc(1, app.is_pipe ? sizeof(uv_pipe_t) : sizeof(uv_tcp_t));
	if (app.is_pipe)
		uv_pipe_init(loop, (uv_pipe_t *)c->stream, 0);
	else
		uv_tcp_init(loop, (uv_tcp_t *)c->stream);
	c->stream->data = c;
	assert_int_equal(uv_accept(listener, c->stream), 0);
	uv_read_start(c->stream, app_alloc, app_read);
}

/* One for each test */

static struct {
	uv_loop_t loop;
	struct eio_clock clock;
	struct metrics_set metrics;
	struct hook *hook;
	struct hook_line *line;
	struct hook_spec spec;
	char dir[32], socket[64];
	unsigned port;
	/* What was heard. */
	unsigned answers, failures;
	unsigned order[16]; /* of the users who heard */
	struct hook_answer last;
	char body[256];
} t;

static unsigned
listen_tcp(void)
{
	struct sockaddr_in sa = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	int n = sizeof sa;

	uv_tcp_init(&t.loop, &app.listener.tcp);
	assert_int_equal(uv_tcp_bind(&app.listener.tcp, (struct sockaddr *)&sa, 0), 0);
	assert_int_equal(uv_tcp_getsockname(&app.listener.tcp, (struct sockaddr *)&sa, &n), 0);
	return ntohs(sa.sin_port);
}

static void
ask_at(const char *url)
{
	const char *why;

	if (hook_spec_set_url(&t.spec, url, &why)) fail_msg("%s: %s", url, why ? why : "out of memory");
	t.line = hook_line_new(t.hook, &t.spec);
	assert_non_null(t.line);
}

static void
begin(bool is_pipe, const char *path)
{
	char url[640];

	memset(&app, 0, sizeof app);
	memset(&t, 0, sizeof t);
	assert_null(hook_init());
	uv_loop_init(&t.loop);
	eio_clock_open(&t.clock, &t.loop);
	metrics_set_init(&t.metrics);
	t.hook = hook_new(&t.loop, &t.clock, &t.metrics);
	assert_non_null(t.hook);
	t.spec = (struct hook_spec){ .timeout_ms = 60000, .concurrent = 8, .queue = 8, .answer_bytes = 4096 };
	app.is_pipe = is_pipe;
	if (is_pipe) {
		strcpy(t.dir, "/tmp/test_hook.XXXXXX");
		assert_non_null(mkdtemp(t.dir));
		snprintf(t.socket, sizeof t.socket, "%s/app.sock", t.dir);
		uv_pipe_init(&t.loop, &app.listener.pipe, 0);
		assert_int_equal(uv_pipe_bind(&app.listener.pipe, t.socket), 0);
		snprintf(url, sizeof url, "http+unix://%%2Ftmp%%2F%s%%2Fapp.sock%s", t.dir + 5, path);
	} else {
		t.port = listen_tcp();
		snprintf(url, sizeof url, "http://127.0.0.1:%u%s", t.port, path);
	}
	assert_int_equal(uv_listen(&app.listener.stream, 128, app_accept), 0);
	ask_at(url);
	app.answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
}

static void
finish(void)
{
	hook_close(t.hook);
	for (unsigned i = 0; i < app.n_conns; i++) app_close(&app.conns[i]);
	if (!uv_is_closing(&app.listener.handle)) uv_close(&app.listener.handle, NULL);
	eio_clock_close(&t.clock);
	uv_run(&t.loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&t.loop), 0);
	assert_int_equal(metrics_sum(&t.metrics, &hook_metrics, HOOK_METRIC_WAITING), 0);
	metrics_set_deinit(&t.metrics);
	hook_spec_deinit(&t.spec);
	eio_buf_deinit(&app.request);
	if (t.dir[0]) {
		unlink(t.socket);
		rmdir(t.dir);
	}
}

static void
heard(void *user, const struct hook_answer *a)
{
	t.last = *a;
	assert_true(a->body.n < sizeof t.body);
	if (a->body.n) memcpy(t.body, a->body.p, a->body.n);
	t.body[a->body.n] = '\0';
	t.order[t.answers % 16] = (unsigned)(uintptr_t)user;
	t.answers++;
	if (!a->status) t.failures++;
}

static struct hook_question *
question(const char *json, unsigned user)
{
	struct eio_buf b;
	struct hook_question *q;

	eio_buf_init(&b);
	eio_buf_add(&b, eio_cstr(json));
	q = hook_ask(t.line, &b, heard, (void *)(uintptr_t)user);
	assert_null(b.p);
	return q;
}

static void
await_answers(unsigned n)
{
	while (t.answers < n) assert_true(uv_run(&t.loop, UV_RUN_ONCE));
}

static void
await_requests(unsigned n)
{
	while (app.requests < n) assert_true(uv_run(&t.loop, UV_RUN_ONCE));
}

static uint64_t
counted(enum hook_metric m)
{
	return metrics_sum(&t.metrics, &hook_metrics, m);
}

/* Tests */

static void
test_asks_and_hears(void **state)
{
	(void)state;
	/* Neither is asked for what clients said. */
	setenv("http_proxy", "http://127.0.0.1:1", 1);
	setenv("ALL_PROXY", "http://127.0.0.1:1", 1);
	begin(false, "/socket/auth?x=1");
	assert_non_null(question("{\"type\":\"connect\"}", 7));
	assert_int_equal(t.answers, 0); /* never from within */
	await_answers(1);
	assert_int_equal(t.last.status, 200);
	assert_null(t.last.why);
	assert_string_equal(t.body, "ok");
	assert_int_equal(t.order[0], 7);
	assert_ptr_equal(strstr(app.request.p, "POST /socket/auth?x=1 HTTP/1.1\r\n"), app.request.p);
	assert_non_null(strstr(app.request.p, "\r\nContent-Type: application/json\r\n"));
	assert_non_null(strstr(app.request.p, "\r\n\r\n{\"type\":\"connect\"}"));
	assert_null(strstr(app.request.p, "Expect:"));
	assert_int_equal(counted(HOOK_METRIC_OK), 1);
	finish();
	unsetenv("http_proxy");
	unsetenv("ALL_PROXY");
}

static void
test_unix_socket(void **state)
{
	(void)state;
	begin(true, "/auth");
	assert_non_null(question("{}", 1));
	await_answers(1);
	assert_int_equal(t.last.status, 200);
	assert_ptr_equal(strstr(app.request.p, "POST /auth HTTP/1.1\r\n"), app.request.p);
	finish();
}

static void
test_connections_are_kept(void **state)
{
	(void)state;
	begin(false, "/");
	for (unsigned i = 1; i <= 5; i++) {
		assert_non_null(question("{}", i));
		await_answers(i);
		assert_int_equal(t.last.status, 200);
	}
	assert_int_equal(app.n_conns, 1);
	/* One that the application closed meanwhile is no mistake. */
	app_close(&app.conns[0]);
	uv_run(&t.loop, UV_RUN_NOWAIT);
	assert_non_null(question("{}", 6));
	await_answers(6);
	assert_int_equal(t.last.status, 200);
	assert_int_equal(app.n_conns, 2);
	finish();
}

static void
test_every_status_is_an_answer(void **state)
{
	static const struct {
		const char *text, *body;
		unsigned status, retry_after_s;
		enum hook_metric metric;
	} rows[] = {
		{ "HTTP/1.1 403 No\r\nContent-Length: 4\r\n\r\n{\"\"}", "{\"\"}", 403, 0, HOOK_METRIC_REFUSED },
		{ "HTTP/1.1 204 Fine\r\n\r\n", "", 204, 0, HOOK_METRIC_OK },
		{ "HTTP/1.1 503 Later\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n", "", 503, 7, HOOK_METRIC_ODD },
		/* Not followed: nobody listens there. */
		{ "HTTP/1.1 302 There\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n", "", 302, 0,
			HOOK_METRIC_ODD },
		{ "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n",
			"abc", 200, 0, HOOK_METRIC_OK },
	};

	(void)state;
	for (int bytewise = 0; bytewise < 2; bytewise++)
		for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
			begin(false, "/");
			app.answer = rows[i].text;
			app.bytewise = bytewise;
			assert_non_null(question("{}", 1));
			await_answers(1);
			assert_int_equal(t.last.status, rows[i].status);
			assert_int_equal(t.last.retry_after_s, rows[i].retry_after_s);
			assert_string_equal(t.body, rows[i].body);
			assert_int_equal(counted(rows[i].metric), 1);
			finish();
		}
}

static void
test_failures(void **state)
{
	static const char *const broken[] = { NULL, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok", "SSH-2.0\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nok" };

	(void)state;
	for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++) {
		begin(false, "/");
		app.answer = broken[i];
		app.hang_up = true;
		assert_non_null(question("{}", 1));
		await_answers(1);
		assert_int_equal(t.failures, 1);
		assert_non_null(t.last.why);
		finish();
	}
	begin(false, "/"); /* nobody listens */
	uv_close(&app.listener.handle, NULL);
	assert_non_null(question("{}", 1));
	await_answers(1);
	assert_int_equal(t.failures, 1);
	assert_int_equal(counted(HOOK_METRIC_FAILED), 1);
	finish();
}

static void
test_large_answers(void **state)
{
	char text[512];

	(void)state;
	for (int in_head = 0; in_head < 2; in_head++) {
		begin(false, "/");
		t.spec.answer_bytes = 200;
		snprintf(text, sizeof text, "HTTP/1.1 200 OK\r\n%s%0*d\r\nContent-Length: 202\r\n\r\n%0202d",
			in_head ? "X: " : "Y: ", in_head ? 200 : 1, 0, 0);
		app.answer = text;
		assert_non_null(question("{}", 1));
		await_answers(1);
		assert_int_equal(t.last.status, 0);
		assert_string_equal(t.last.why, "the answer is too large");
		assert_int_equal(counted(HOOK_METRIC_TOO_LARGE), 1);
		finish();
	}
}

static void
test_turns_and_bounds(void **state)
{
	(void)state;
	begin(false, "/");
	t.spec.concurrent = 1;
	t.spec.queue = 3;
	for (unsigned i = 1; i <= 4; i++) assert_non_null(question("{}", i));
	assert_null(question("{}", 5));
	assert_int_equal(counted(HOOK_METRIC_FULL), 1);
	assert_int_equal(counted(HOOK_METRIC_WAITING), 4);
	await_answers(4);
	for (unsigned i = 0; i < 4; i++) assert_int_equal(t.order[i], i + 1);
	assert_int_equal(app.n_conns, 1);
	finish();
}

static void
test_bytes_that_wait_are_bounded(void **state)
{
	struct eio_buf b;

	(void)state;
	begin(false, "/");
	t.spec.concurrent = 1;
	assert_non_null(question("{}", 1));
	for (int i = 0; i < 3; i++) {
		eio_buf_init(&b);
		b.n = 8 << 20;
		b.p = calloc(1, b.n);
		b.cap = b.n;
		assert_true(!hook_ask(t.line, &b, heard, NULL) == (i == 2));
	}
	finish();
}

static void
test_timeout(void **state)
{
	(void)state;
	begin(false, "/");
	app.answer = NULL;
	t.spec.timeout_ms = 50;
	t.spec.concurrent = 1;
	assert_non_null(question("{}", 1));
	assert_non_null(question("{}", 2)); /* its time runs while it waits for its turn */
	await_answers(2);
	assert_int_equal(t.failures, 2);
	assert_string_equal(t.last.why, "timeout");
	assert_int_equal(counted(HOOK_METRIC_TIMEOUT), 2);
	app.answer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
	t.spec.timeout_ms = 60000;
	assert_non_null(question("{}", 3));
	await_answers(3);
	assert_int_equal(t.last.status, 200);
	finish();
}

static void
test_cancel(void **state)
{
	struct hook_question *q[4];

	(void)state;
	begin(false, "/");
	t.spec.concurrent = 1;
	app.answer = NULL;
	for (unsigned i = 0; i < 4; i++) q[i] = question("{}", i);
	await_requests(1);
	hook_cancel(q[1]); /* waits for its turn */
	app.answer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
	hook_cancel(q[0]); /* on its way */
	await_answers(2);
	assert_int_equal(t.order[0], 2);
	assert_int_equal(t.order[1], 3);
	assert_int_equal(t.answers, 2);
	assert_int_equal(counted(HOOK_METRIC_CANCELLED), 2);
	finish();
}

static struct hook_question *other;

static void
heard_and_asks(void *user, const struct hook_answer *a)
{
	struct eio_buf b;

	heard(user, a);
	if (other) hook_cancel(other);
	other = NULL;
	if (t.answers > 3) return;
	eio_buf_init(&b);
	EIO_BUF_ADD_LIT(&b, "{}");
	assert_non_null(hook_ask(t.line, &b, heard_and_asks, user));
}

static void
test_asking_from_an_answer(void **state)
{
	struct eio_buf b;

	(void)state;
	for (unsigned concurrent = 1; concurrent <= 2; concurrent++) {
		begin(false, "/");
		t.spec.concurrent = concurrent;
		eio_buf_init(&b);
		EIO_BUF_ADD_LIT(&b, "{}");
		assert_non_null(hook_ask(t.line, &b, heard_and_asks, NULL));
		other = question("{}", 9);
		await_answers(4);
		for (unsigned i = 0; i < 4; i++) assert_int_equal(t.order[i], 0);
		finish();
	}
}

static void
test_closing_with_questions(void **state)
{
	(void)state;
	begin(false, "/");
	t.spec.concurrent = 2;
	app.answer = NULL;
	for (unsigned i = 0; i < 4; i++) assert_non_null(question("{}", i));
	await_requests(2);
	finish();
	assert_int_equal(t.answers, 0);
}

/* A line whose application does not answer holds up nobody in another. */
static void
test_lines_are_apart(void **state)
{
	struct hook_line *dead;
	struct hook_spec spec = { .timeout_ms = 60000, .concurrent = 4, .queue = 4, .answer_bytes = 99 };
	const char *why;
	char url[64];
	struct sockaddr_in sa = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t n = sizeof sa;
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	(void)state;
	begin(false, "/");
	/* Takes connections, and says nothing. */
	assert_int_equal(bind(fd, (struct sockaddr *)&sa, n), 0);
	assert_int_equal(listen(fd, 8), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&sa, &n), 0);
	snprintf(url, sizeof url, "http://127.0.0.1:%u/", ntohs(sa.sin_port));
	assert_int_equal(hook_spec_set_url(&spec, url, &why), 0);
	dead = hook_line_new(t.hook, &spec);
	for (int i = 0; i < 8; i++) {
		struct eio_buf b;

		eio_buf_init(&b);
		EIO_BUF_ADD_LIT(&b, "{}");
		assert_non_null(hook_ask(dead, &b, heard, NULL));
	}
	for (unsigned i = 1; i <= 3; i++) {
		assert_non_null(question("{}", i));
		await_answers(i);
		assert_int_equal(t.order[i - 1], i);
	}
	finish();
	close(fd);
	hook_spec_deinit(&spec);
}

static const struct {
	int line;
	const char *url;
	const char *text, *as, *path; /* as NULL: an error */
} urls[] = {
	{ __LINE__, "http://h/", "http://h/", "http://h/", NULL },
	{ __LINE__, "https://h:1/a?b", "https://h:1/a?b", "https://h:1/a?b", NULL },
	{ __LINE__, "http://[::1]:8000/", "http://[::1]:8000/", "http://[::1]:8000/", NULL },
	{ __LINE__, "http://u:p@h/x@y", "http://h/x@y", "http://u:p@h/x@y", NULL },
	{ __LINE__, "http+unix://%2Frun%2Fa%20b/c?d", "http+unix://%2Frun%2Fa%20b/c?d", "http://localhost/c?d",
		"/run/a b" },
	{ __LINE__, "http+unix://%2Fs", "http+unix://%2Fs", "http://localhost/", "/s" },
	{ __LINE__, "http+unix://%2Fs?q", "http+unix://%2Fs?q", "http://localhost/?q", "/s" },
	{ __LINE__, "", NULL, NULL, NULL },
	{ __LINE__, "h:80/x", NULL, NULL, NULL },
	{ __LINE__, "ftp://h/", NULL, NULL, NULL },
	{ __LINE__, "file:///etc/passwd", NULL, NULL, NULL },
	{ __LINE__, "http://", NULL, NULL, NULL },
	{ __LINE__, "http://h:0x1/", NULL, NULL, NULL },
	{ __LINE__, "http://h:99999/", NULL, NULL, NULL },
	{ __LINE__, "http://h/#f", NULL, NULL, NULL },
	{ __LINE__, "http://h/a b", NULL, NULL, NULL },
	{ __LINE__, "http+unix:///run/s", NULL, NULL, NULL },
	{ __LINE__, "http+unix://run%2Fs", NULL, NULL, NULL },
	{ __LINE__, "http+unix://%2Fr%0", NULL, NULL, NULL },
	{ __LINE__, "http+unix://%2Fr%00", NULL, NULL, NULL },
	{ __LINE__, "http+unix://%41", NULL, NULL, NULL },
	{ __LINE__,
		"http+unix://%2Faaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
		NULL, NULL, NULL },
};

static void
test_urls(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
		struct hook_spec s = { 0 };
		const char *why = NULL;
		int rc = hook_spec_set_url(&s, urls[i].url, &why);

		if (!urls[i].as) {
			if (rc != -1 || !why) fail_msg("line %d: taken", urls[i].line);
		} else {
			if (rc) fail_msg("line %d: %s", urls[i].line, why);
			assert_string_equal(s.text, urls[i].text);
			assert_string_equal(s.url, urls[i].as);
			assert_int_equal(!s.socket_path, !urls[i].path);
			if (s.socket_path) assert_string_equal(s.socket_path, urls[i].path);
		}
		hook_spec_deinit(&s);
	}
}

/* 0 when all went well, 1 when memory was out and nothing else. */
static int
ask_once(void)
{
	struct hook *h = hook_new(&t.loop, &t.clock, &t.metrics);
	struct hook_line *l = h ? hook_line_new(h, &t.spec) : NULL;
	struct hook_question *q = NULL;
	struct eio_buf b;

	eio_buf_init(&b);
	EIO_BUF_ADD_LIT(&b, "{}");
	if (l) q = hook_ask(l, &b, heard, NULL);
	eio_buf_deinit(&b);
	hook_close(h);
	uv_run(&t.loop, UV_RUN_NOWAIT);
	return q ? 0 : 1;
}

static void
test_out_of_memory(void **state)
{
	(void)state;
	begin(false, "/");
	failmalloc_every(ask_once, 1, 4);
	finish();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_asks_and_hears),
		cmocka_unit_test(test_unix_socket),
		cmocka_unit_test(test_connections_are_kept),
		cmocka_unit_test(test_every_status_is_an_answer),
		cmocka_unit_test(test_failures),
		cmocka_unit_test(test_large_answers),
		cmocka_unit_test(test_turns_and_bounds),
		cmocka_unit_test(test_bytes_that_wait_are_bounded),
		cmocka_unit_test(test_timeout),
		cmocka_unit_test(test_cancel),
		cmocka_unit_test(test_asking_from_an_answer),
		cmocka_unit_test(test_closing_with_questions),
		cmocka_unit_test(test_lines_are_apart),
		cmocka_unit_test(test_urls),
		cmocka_unit_test(test_out_of_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/*
 * Answers of the HTTP server that are gathered, with the kernel's io_uring and without it: what is shared, what order
 * they leave in, what a full socket does not take, and what a connection that ends still gets.
 */
#define _GNU_SOURCE
#include "eio/net/httpd.h"

#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

enum { PEERS = 3, HELD = 600, BODY = 16384, RECEIVE = 4096 };

static const char request[] = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";

struct test {
	uv_loop_t loop;
	struct eio_clock clock;
	struct eio_httpd *httpd;
	bool ring;
	int peers[PEERS];
	struct eio_exchange *held[HELD]; /* in the order in which they came */
	unsigned n;
	unsigned answered; /* of those, by answer_all_held() */
	bool at_once; /* nothing is held, and n only counts */
};

static void
on_exchange(void *user, struct eio_exchange *ex, enum eio_stage stage)
{
	struct test *t = user;

	if (stage != EIO_STAGE_COMPLETE) return;
	if (t->at_once) {
		t->n++;
		eio_exchange_respond_text(ex, 200, NULL, EIO_LIT("at once"), eio_bytes("", 0));
		return;
	}
	assert_true(t->n < HELD);
	t->held[t->n++] = eio_exchange_ref(ex);
}

static void
turn(struct test *t)
{
	for (int i = 0; i < 5; i++) uv_run(&t->loop, UV_RUN_NOWAIT);
}

static int
listening(struct sockaddr_in *sa)
{
	socklen_t n = sizeof(*sa);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

	*sa = (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	assert_int_equal(bind(fd, (struct sockaddr *)sa, n), 0);
	assert_int_equal(listen(fd, PEERS), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)sa, &n), 0);
	return fd;
}

static void
start(struct test *t, bool ring)
{
	struct eio_httpd_options options = {
		.max_head = 4096, .max_body = 4096, .header_timeout_ms = 60000, .keep_alive_timeout_ms = 60000
	};
	struct eio_httpd_handler handler = { .exchange = on_exchange, .user = t };
	struct sockaddr_in sa;
	int fd = listening(&sa), small = RECEIVE;

	*t = (struct test){ 0 };
	assert_int_equal(uv_loop_init(&t->loop), 0);
	assert_int_equal(eio_clock_open(&t->clock, &t->loop), 0);
	t->httpd = eio_httpd_new(&t->loop, &t->clock, &options, &handler);
	assert_non_null(t->httpd);
	assert_int_equal(eio_httpd_accept(t->httpd, fd), 0);
	if (ring) t->ring = eio_httpd_use_uring(t->httpd) == 0;
	for (int i = 0; i < PEERS; i++) {
		t->peers[i] = socket(AF_INET, SOCK_STREAM, 0);
		setsockopt(t->peers[i], SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
		assert_int_equal(connect(t->peers[i], (struct sockaddr *)&sa, sizeof(sa)), 0);
	}
	turn(t);
}

/* httpd_closed: the test has closed it. */
static void
finish(struct test *t, bool httpd_closed)
{
	for (int i = 0; i < PEERS; i++) close(t->peers[i]);
	for (unsigned i = 0; i < t->n; i++) eio_exchange_unref(t->held[i]);
	if (!httpd_closed) eio_httpd_close(t->httpd);
	eio_clock_close(&t->clock);
	uv_run(&t->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&t->loop), 0);
}

/* One request of a peer, which is held. */
static void
ask(struct test *t, int peer)
{
	unsigned n = t->n;

	assert_int_equal(send(t->peers[peer], request, sizeof(request) - 1, 0), sizeof(request) - 1);
	turn(t);
	assert_int_equal(t->n, n + 1);
}

static struct eio_block *
block_of(const char *text, size_t n, char fill)
{
	struct eio_block *b = eio_block_new(n);

	assert_non_null(b);
	if (text)
		memcpy(b->data, text, n);
	else
		memset(b->data, fill, n);
	return b;
}

static void
respond(struct eio_exchange *ex, int status, struct eio_block *headers, struct eio_block *body)
{
	struct eio_response r = { .status = status, .body = eio_block_ref(body), .length = body->n };

	if (headers) r.headers = eio_block_ref(headers);
	eio_exchange_respond(ex, r);
}

static size_t
received(struct test *t, int peer, char *to, size_t max)
{
	ssize_t n = recv(t->peers[peer], to, max - 1, MSG_DONTWAIT);

	to[n > 0 ? n : 0] = '\0';
	return n > 0 ? (size_t)n : 0;
}

static void
assert_answer(struct test *t, int peer, const char *begin, const char *end)
{
	char text[1024];
	size_t n = received(t, peer, text, sizeof(text));

	assert_memory_equal(text, begin, strlen(begin));
	assert_true(n > strlen(end));
	assert_string_equal(text + n - strlen(end), end);
	assert_non_null(strstr(text, "\r\nDate: "));
}

/* Each gets its own answer, whatever the one before was like, and at the end of the pass. */
static void
check_shared(bool ring)
{
	struct eio_block *x = block_of("X: 1\r\n", 6, 0), *y = block_of("X: 2\r\n", 6, 0);
	struct eio_block *one = block_of("one", 3, 0), *two = block_of("two!", 4, 0);
	struct test t;
	char nothing[8];

	start(&t, ring);
	for (int round = 0; round < 2; round++) {
		unsigned at = t.n;

		for (int i = 0; i < PEERS; i++) ask(&t, i);
		eio_httpd_gather(t.httpd);
		respond(t.held[at], 200, x, one);
		respond(t.held[at + 1], 200, x, one);
		respond(t.held[at + 2], round ? 200 : 404, round ? y : x, round ? two : one);
		if (t.ring) assert_int_equal(received(&t, 0, nothing, sizeof(nothing)), 0);
		eio_httpd_send_gathered(t.httpd);
		for (int i = 0; i < 2; i++)
			assert_answer(&t, i, "HTTP/1.1 200 OK\r\nX: 1\r\n", "\r\nContent-Length: 3\r\n\r\none");
		if (round)
			assert_answer(&t, 2, "HTTP/1.1 200 OK\r\nX: 2\r\n", "\r\nContent-Length: 4\r\n\r\ntwo!");
		else
			assert_answer(&t, 2, "HTTP/1.1 404 Not Found\r\nX: 1\r\n", "\r\nContent-Length: 3\r\n\r\none");
	}
	finish(&t, false);
	eio_block_unref(x);
	eio_block_unref(y);
	eio_block_unref(one);
	eio_block_unref(two);
}

static void
test_shared(void **state)
{
	(void)state;
	check_shared(false);
	check_shared(true);
}

/* Answers what is held from number *answered on, and what comes to be held by that. */
static void
answer_held(struct test *t, unsigned *answered)
{
	eio_httpd_gather(t->httpd);
	for (; *answered < t->n; ++*answered) {
		struct eio_block *body = block_of(NULL, BODY - *answered, (char)('a' + *answered % 26));

		respond(t->held[*answered], 200, NULL, body);
		eio_block_unref(body);
	}
	eio_httpd_send_gathered(t->httpd);
}

/* Pipelined requests are answered in one pass, more than the socket takes: all of it arrives, in order, and while the
 * client does not read no more is made than fits. */
static void
check_full(bool ring)
{
	static char all[HELD * (BODY + 512)];
	unsigned answered = 0;
	struct test t;
	size_t n = 0, got;
	char *at = all;

	start(&t, ring);
	for (int i = 0; i < HELD; i++) assert_true(send(t.peers[0], request, sizeof(request) - 1, 0) > 0);
	turn(&t);
	assert_int_equal(t.n, 1);
	for (int i = 0; i < 100; i++) {
		answer_held(&t, &answered);
		turn(&t);
	}
	assert_true(answered < HELD);
	for (int idle = 0; idle < 100; turn(&t)) {
		answer_held(&t, &answered);
		got = received(&t, 0, all + n, sizeof(all) - n);
		n += got;
		idle = got ? 0 : idle + 1;
	}
	assert_int_equal(answered, HELD);
	for (unsigned i = 0; i < HELD; i++) {
		char length[64];

		snprintf(length, sizeof(length), "Content-Length: %u\r\n\r\n", BODY - i);
		at = strstr(at, length);
		assert_non_null(at);
		at += strlen(length);
		for (unsigned k = 0; k < BODY - i; k++) assert_int_equal(*at++, 'a' + i % 26);
	}
	assert_ptr_equal(at, all + n);
	finish(&t, false);
}

static void
test_full(void **state)
{
	(void)state;
	check_full(false);
	check_full(true);
}

/* What was gathered leaves before the connection ends, and a peer that is gone does no harm. */
static void
check_end(bool ring)
{
	struct eio_block *body = block_of("bye", 3, 0);
	struct linger reset = { 1, 0 };
	struct test t;

	start(&t, ring);
	ask(&t, 0);
	ask(&t, 1);
	setsockopt(t.peers[1], SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	close(t.peers[1]);
	t.peers[1] = -1;
	eio_httpd_gather(t.httpd);
	respond(t.held[0], 200, NULL, body);
	respond(t.held[1], 200, NULL, body);
	eio_httpd_close(t.httpd);
	assert_answer(&t, 0, "HTTP/1.1 200 OK\r\n", "\r\n\r\nbye");
	finish(&t, true);
	eio_block_unref(body);
}

static void
test_end(void **state)
{
	(void)state;
	check_end(false);
	check_end(true);
}

/* Who sends many requests at once has some of them served, then others have their turn. */
static void
test_turns(void **state)
{
	static char many[HELD * sizeof(request)];
	struct test t;
	unsigned before;
	size_t n = 0;

	(void)state;
	start(&t, false);
	t.at_once = true;
	for (int i = 0; i < HELD; i++, n += sizeof(request) - 1) memcpy(many + n, request, sizeof(request) - 1);
	assert_int_equal(send(t.peers[0], many, n, 0), n);
	uv_run(&t.loop, UV_RUN_NOWAIT);
	assert_in_range(t.n, 1, EIO_HTTPD_TURN_REQUESTS * (EIO_HTTPD_TURN_CONNECTIONS + 1));
	assert_int_equal(send(t.peers[1], request, sizeof(request) - 1, 0), sizeof(request) - 1);
	before = t.n;
	for (int i = 0; i < 2; i++) uv_run(&t.loop, UV_RUN_NOWAIT);
	assert_true(t.n < HELD);
	assert_answer(&t, 1, "HTTP/1.1 200 OK\r\n", "\r\n\r\nat once");
	assert_true(t.n > before + 1);
	for (int i = 0; i < HELD; i++) turn(&t);
	assert_int_equal(t.n, HELD + 1);
	t.n = 0;
	finish(&t, false);
}

/* Long heads are more work than short ones, and fewer of them are served. */
static void
test_turns_of_long_heads(void **state)
{
	enum { LONG = 2 * EIO_HTTPD_TURN_BYTES - 64, TIMES = 15 };
	static const char first[] = "GET / HTTP/1.1\r\nHost: x\r\nX: ";
	static char many[TIMES * LONG];
	struct test t;

	(void)state;
	start(&t, false);
	t.at_once = true;
	memset(many, 'x', sizeof many);
	for (int i = 0; i < TIMES; i++) {
		char *head = many + i * LONG, *end = head + LONG - 4;

		memcpy(head, first, sizeof first - 1);
		memcpy(end, "\r\n\r\n", 4);
	}
	assert_int_equal(send(t.peers[0], many, sizeof many, 0), sizeof many);
	for (int i = 0; i < 3 && t.n == 0; i++) uv_run(&t.loop, UV_RUN_NOWAIT);
	assert_in_range(t.n, 1, EIO_HTTPD_TURN_REQUESTS / 2);
	for (int i = 0; i < TIMES; i++) turn(&t);
	assert_int_equal(t.n, TIMES);
	t.n = 0;
	finish(&t, false);
}

/* Answers what is held, and what comes of that, as sessions do at the end of a turn. */
static void
answer_all_held(uv_prepare_t *p)
{
	struct test *t = p->data;

	while (t->answered < t->n)
		eio_exchange_respond_text(t->held[t->answered++], 200, NULL, EIO_LIT("later"), eio_bytes("", 0));
}

/* Answers at the end of a turn do not have the requests behind them taken in the same. */
static void
test_turns_of_late_answers(void **state)
{
	static char many[HELD * sizeof(request)];
	struct test t;
	size_t n = 0;
	uv_prepare_t end;

	(void)state;
	start(&t, false);
	uv_prepare_init(&t.loop, &end);
	end.data = &t;
	uv_prepare_start(&end, answer_all_held);
	for (int i = 0; i < HELD; i++, n += sizeof(request) - 1) memcpy(many + n, request, sizeof(request) - 1);
	assert_int_equal(send(t.peers[0], many, n, 0), n);
	for (int i = 0; i < 4; i++) uv_run(&t.loop, UV_RUN_NOWAIT);
	assert_in_range(t.n, 1, 4 * EIO_HTTPD_TURN_REQUESTS);
	assert_int_equal(send(t.peers[1], request, sizeof(request) - 1, 0), sizeof(request) - 1);
	for (int i = 0; i < 2; i++) uv_run(&t.loop, UV_RUN_NOWAIT);
	assert_answer(&t, 1, "HTTP/1.1 200 OK\r\n", "\r\n\r\nlater");
	assert_true(t.n < HELD);
	shutdown(t.peers[0], SHUT_WR); /* the client hears no more, and is gone */
	uv_close((uv_handle_t *)&end, NULL);
	turn(&t);
	finish(&t, false);
}

/* Requests that come again */

/* Sends the request with that t; there is one exchange more then. With another's the query is checked. */
static struct eio_exchange *
ask_with(struct test *t, const char *stamp, const char *host)
{
	char text[200], query[60];
	struct eio_exchange *ex;
	int n = snprintf(text, sizeof text, "GET /p?sid=x&t=%s&b HTTP/1.1\r\nHost: %s\r\n\r\n", stamp, host);

	assert_int_equal(send(t->peers[0], text, (size_t)n, 0), n);
	turn(t);
	assert_true(t->n > 0);
	ex = t->held[t->n - 1];
	snprintf(query, sizeof query, "sid=x&t=%s&b", stamp);
	assert_true(eio_bytes_eq(ex->req->query, eio_cstr(query)));
	assert_true(eio_bytes_eq(ex->req->path, EIO_LIT("/p")));
	assert_true(eio_bytes_eq(eio_request_header(ex->req, EIO_LIT("host")), eio_cstr(host)));
	assert_int_equal(ex->req->count, 1);
	return ex;
}

static void
answer_asked(struct test *t, bool let_go)
{
	struct eio_exchange **last = &t->held[t->n - 1];
	char text[300];

	eio_exchange_respond_text(*last, 200, NULL, EIO_LIT("x"), eio_bytes("", 0));
	turn(t);
	assert_true(recv(t->peers[0], text, sizeof text, MSG_DONTWAIT) > 0);
	if (!let_go) return;
	eio_exchange_unref(*last);
	*last = NULL;
}

/* A request that comes again has the exchange of the one before, when nobody has that any more; whoever still has it
 * sees no other request in it. */
static void
test_repeats(void **state)
{
	struct eio_exchange *first, *ex;
	struct test t;

	(void)state;
	start(&t, false);
	first = ask_with(&t, "aaaa", "x");
	answer_asked(&t, true);
	assert_ptr_equal(ask_with(&t, "b-_.", "x"), first);
	answer_asked(&t, true);
	assert_ptr_equal(ask_with(&t, "cccc", "x"), first);
	answer_asked(&t, false);
	ex = ask_with(&t, "dddd", "x");
	assert_ptr_not_equal(ex, first);
	assert_true(eio_bytes_eq(first->req->query, EIO_LIT("sid=x&t=cccc&b")));
	answer_asked(&t, true);
	/* A t of another length, or one that is not plain, another header: all are read as ever. */
	ask_with(&t, "eeeee", "x");
	answer_asked(&t, true);
	ask_with(&t, "ff%20", "x");
	answer_asked(&t, true);
	ask_with(&t, "fffff", "x");
	answer_asked(&t, true);
	ask_with(&t, "fffff", "y");
	answer_asked(&t, true);
	finish(&t, false);
}

/* Pipelined, the second while the first is answered; then both lie in what arrives at once. */
static void
test_repeats_pipelined(void **state)
{
	static const char two[] = "GET /p?t=1 HTTP/1.1\r\nHost: x\r\n\r\nGET /p?t=2 HTTP/1.1\r\nHost: x\r\n\r\n";
	struct test t;

	(void)state;
	start(&t, false);
	for (unsigned round = 0; round < 2; round++) {
		assert_int_equal(send(t.peers[0], two, sizeof two - 1, 0), sizeof two - 1);
		turn(&t);
		assert_int_equal(t.n, 2 * round + 1);
		assert_true(eio_bytes_eq(t.held[t.n - 1]->req->query, EIO_LIT("t=1")));
		answer_asked(&t, true);
		assert_int_equal(t.n, 2 * round + 2);
		assert_true(eio_bytes_eq(t.held[t.n - 1]->req->query, EIO_LIT("t=2")));
		answer_asked(&t, true);
	}
	finish(&t, false);
}

/* Answered within the call, as errors are: many in one read, up to the bound of a turn and beyond. */
static void
test_repeats_at_once(void **state)
{
	enum { TIMES = 100 };
	static const char one[] = "GET /p?t=1 HTTP/1.1\r\nHost: x\r\n\r\n";
	char all[TIMES * (sizeof one - 1)];
	struct test t;

	(void)state;
	start(&t, false);
	t.at_once = true;
	for (unsigned i = 0; i < TIMES; i++) {
		memcpy(all + i * (sizeof one - 1), one, sizeof one - 1);
		all[i * (sizeof one - 1) + 9] = (char)('0' + i % 10);
	}
	assert_int_equal(send(t.peers[0], all, sizeof all, 0), sizeof all);
	for (int i = 0; i < 20 && t.n < TIMES; i++) turn(&t);
	assert_int_equal(t.n, TIMES);
	assert_int_equal(eio_httpd_stats(t.httpd)->requests, TIMES);
	t.n = 0; /* nothing is held */
	finish(&t, false);
}

static void
on_due(uv_timer_t *timer)
{
	*(bool *)timer->data = true;
}

/* Lets the loop run for so long. */
static void
run_for(struct test *t, uint64_t ms)
{
	uv_timer_t timer;
	bool due = false;

	uv_timer_init(&t->loop, &timer);
	timer.data = &due;
	uv_update_time(&t->loop);
	uv_timer_start(&timer, on_due, ms, 0);
	while (!due) uv_run(&t->loop, UV_RUN_ONCE);
	uv_close((uv_handle_t *)&timer, NULL);
	turn(t);
}

/* Room is made by who has been silent for the longest; not by one that waits for an answer, nor while it leaves. */
static void
test_room(void **state)
{
	enum { MANY = 16 << 20 };
	struct eio_block *body = block_of(NULL, MANY, 'x'), *small = block_of("one", 3, 0);
	static char some[65536];
	struct test t;

	(void)state;
	start(&t, false);
	assert_false(eio_httpd_make_room(t.httpd)); /* none has been for long */
	for (int i = 0; i < PEERS; i++) ask(&t, i);
	respond(t.held[0], 200, NULL, body);
	respond(t.held[2], 200, NULL, small);
	run_for(&t, EIO_HTTPD_SILENT_MS + 20);
	assert_true(eio_httpd_make_room(t.httpd));
	turn(&t);
	assert_answer(&t, 2, "HTTP/1.1 200 OK\r\n", "\r\n\r\none");
	assert_int_equal(recv(t.peers[2], some, 1, MSG_DONTWAIT), 0);
	assert_false(eio_httpd_make_room(t.httpd));
	for (size_t n = 0; n < MANY;) {
		turn(&t);
		n += received(&t, 0, some, sizeof some);
	}
	turn(&t);
	assert_false(eio_httpd_make_room(t.httpd)); /* it is silent from now on */
	run_for(&t, EIO_HTTPD_SILENT_MS + 20);
	assert_true(eio_httpd_make_room(t.httpd));
	assert_false(eio_httpd_make_room(t.httpd));
	assert_int_equal(eio_httpd_stats(t.httpd)->displaced, 2);
	assert_int_equal(eio_httpd_stats(t.httpd)->open, 1);
	finish(&t, false);
	eio_block_unref(body);
	eio_block_unref(small);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shared),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_end),
		cmocka_unit_test(test_turns),
		cmocka_unit_test(test_turns_of_long_heads),
		cmocka_unit_test(test_turns_of_late_answers),
		cmocka_unit_test(test_repeats),
		cmocka_unit_test(test_repeats_pipelined),
		cmocka_unit_test(test_repeats_at_once),
		cmocka_unit_test(test_room),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

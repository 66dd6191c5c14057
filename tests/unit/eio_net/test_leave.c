/* SPDX-License-Identifier: MIT */
/*
 * Connections that leave a server and join another one, at whatever byte: each request is answered once, by the one or
 * the other, and what was there of the connection is known to the other, too.
 */
#define _GNU_SOURCE
#include "eio/net/httpd.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

enum { ANSWER = 65536, LARGE = 4 << 20 };

struct server {
	struct test *test;
	struct eio_httpd *httpd;
	bool holds; /* requests wait for answer_held() */
	struct eio_exchange *held;
	unsigned answered;
	char *body; /* of each answer after the path; NULL: none */
	struct eio_peer peer; /* of the last request */
};

struct test {
	uv_loop_t loop;
	struct eio_clock clock;
	struct server before, after;
	struct eio_httpd_door *door;
	struct eio_network network;
	int client;
	unsigned left;
	enum eio_leaver_stage stage; /* of the last that left */
};

static void
answer(struct server *s, struct eio_exchange *ex)
{
	struct eio_buf body;

	eio_buf_init(&body);
	eio_buf_add(&body, ex->req->path);
	eio_buf_add(&body, eio_buf_bytes(&ex->req->body));
	eio_buf_add(&body, eio_cstr(s == &s->test->before ? "-before;" : "-after;"));
	if (s->body) eio_buf_add(&body, eio_cstr(s->body));
	s->answered++;
	eio_exchange_respond_text(ex, 200, NULL, eio_buf_bytes(&body), EIO_LIT(""));
	eio_buf_deinit(&body);
}

static void
on_request(void *user, struct eio_exchange *ex, enum eio_stage stage)
{
	struct server *s = user;

	if (stage != EIO_STAGE_COMPLETE) return;
	s->peer = ex->req->peer;
	if (s->holds) {
		assert_null(s->held);
		s->held = eio_exchange_ref(ex);
	} else {
		answer(s, ex);
	}
}

static void
answer_held(struct server *s)
{
	struct eio_exchange *ex = s->held;

	assert_non_null(ex);
	s->held = NULL;
	answer(s, ex);
	eio_exchange_unref(ex);
}

/* As if it had been a message to another process: what is borrowed is gone then. */
static void
on_leave(void *user, const struct eio_leaver *l)
{
	struct server *s = user;
	struct eio_leaver copy = *l;
	char *bytes = malloc(l->begun.n + 1);

	assert_non_null(bytes);
	if (l->begun.n) memcpy(bytes, l->begun.p, l->begun.n);
	copy.begun.p = bytes;
	s->test->left++;
	s->test->stage = l->stage;
	eio_httpd_join(s->test->after.httpd, &copy);
	free(bytes);
}

static void
turn(struct test *t)
{
	for (int i = 0; i < 6; i++) uv_run(&t->loop, UV_RUN_NOWAIT);
}

static void
make_server(struct test *t, struct server *s)
{
	const struct eio_httpd_options options = {
		.max_head = 4096,
		.max_body = 4096,
		.header_timeout_ms = 60000,
		.keep_alive_timeout_ms = 60000,
		.peers = true,
		.proxies = { &t->network, 1 },
	};
	const struct eio_httpd_handler handler = { .exchange = on_request, .leave = on_leave, .user = s };

	s->test = t;
	s->httpd = eio_httpd_new(&t->loop, &t->clock, &options, &handler);
	assert_non_null(s->httpd);
}

static void
start(struct test *t, bool proxied)
{
	/* One without a file. What is sent by it has arrived when send() returns, which is not so with TCP. */
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	socklen_t n = sizeof sa;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	struct eio_httpd_listener *listener;
	bool loose;

	*t = (struct test){ .door = eio_httpd_door_new(&(struct eio_httpd_door_options){ .proxied = proxied }) };
	assert_non_null(t->door);
	assert_null(eio_network_parse(EIO_LIT("unix"), &t->network, &loose));
	assert_int_equal(uv_loop_init(&t->loop), 0);
	assert_int_equal(eio_clock_open(&t->clock, &t->loop), 0);
	make_server(t, &t->before);
	make_server(t, &t->after);
	assert_int_equal(bind(fd, (struct sockaddr *)&sa, sizeof sa.sun_family), 0);
	assert_int_equal(listen(fd, 4), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&sa, &n), 0);
	assert_int_equal(eio_httpd_listener_new(t->before.httpd, fd, t->door, &listener), 0);
	eio_httpd_listener_begin(listener);
	t->client = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(connect(t->client, (struct sockaddr *)&sa, n), 0);
	turn(t);
	assert_int_equal(eio_httpd_staying(t->before.httpd), 1);
}

static void
finish(struct test *t)
{
	close(t->client);
	eio_httpd_door_unref(t->door); /* connections have theirs */
	eio_httpd_close(t->before.httpd);
	eio_httpd_close(t->after.httpd);
	eio_clock_close(&t->clock);
	uv_run(&t->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&t->loop), 0);
}

static void
say(struct test *t, const char *text, size_t n)
{
	assert_int_equal(send(t->client, text, n, MSG_NOSIGNAL), (ssize_t)n);
	turn(t);
}

/* What the bodies of all answers so far are. */
static const char *
heard(struct test *t)
{
	static char all[ANSWER], bodies[ANSWER];
	ssize_t n = recv(t->client, all, sizeof all - 1, MSG_DONTWAIT);
	char *at = all, *out = bodies;

	all[n > 0 ? n : 0] = '\0';
	while ((at = strstr(at, "\r\n\r\n"))) {
		const char *end = strchr(at += 4, ';');

		assert_non_null(end);
		out = mempcpy(out, at, (size_t)(end - at));
		*out++ = ' ';
	}
	*out = '\0';
	return bodies;
}

static void
leave(struct test *t)
{
	eio_httpd_hold(t->before.httpd);
	turn(t);
	assert_int_equal(t->left, 0);
	eio_httpd_leave(t->before.httpd);
	turn(t);
}

static const char request[] = "GET /one HTTP/1.1\r\nHost: x\r\n\r\n";

/* Before its first byte, in the middle of a head, behind its end: with or without requests before, and what comes
 * between the two steps goes along. */
static void
at_every_byte(void **state)
{
	struct test t;

	(void)state;
	for (size_t cut = 0; cut <= sizeof request - 1; cut++)
		for (int form = 0; form < 4; form++) {
			size_t more = form & 1 && cut < sizeof request - 1;

			start(&t, false);
			if (form & 2) {
				say(&t, "GET /zero HTTP/1.1\r\nHost: x\r\n\r\n", 31);
				assert_string_equal(heard(&t), "/zero-before ");
			}
			say(&t, request, cut);
			eio_httpd_hold(t.before.httpd);
			say(&t, request + cut, more);
			assert_int_equal(t.left, 0);
			eio_httpd_leave(t.before.httpd);
			turn(&t);
			assert_int_equal(t.left, 1);
			assert_int_equal(eio_httpd_staying(t.before.httpd), 0);
			say(&t, request + cut + more, sizeof request - 1 - cut - more);
			assert_string_equal(heard(&t), cut == sizeof request - 1 ? "/one-before " : "/one-after ");
			/* And it goes on there. */
			say(&t, request, sizeof request - 1);
			assert_string_equal(heard(&t), "/one-after ");
			assert_int_equal(t.after.peer.kind, EIO_PEER_UNIX);
			finish(&t);
		}
}

/* In pieces of every size, the head's beginning is kept, and only that. */
static void
in_pieces(void **state)
{
	static const char two[] = "GET /one HTTP/1.1\r\nHost: x\r\n\r\nGET /two HTTP/1.1\r\nHost: x\r\n\r\n";
	struct test t;

	(void)state;
	for (size_t piece = 1; piece < 40; piece++)
		for (size_t stop = 0; stop < sizeof two - 1; stop += piece) {
			char all[200] = "";

			start(&t, false);
			for (size_t at = 0; at < sizeof two - 1; at += piece) {
				size_t left = sizeof two - 1 - at;

				if (at == stop) leave(&t);
				say(&t, two + at, left < piece ? left : piece);
				strcat(all, heard(&t));
			}
			assert_int_equal(t.left, 1);
			assert_int_equal(t.before.answered + t.after.answered, 2);
			assert_non_null(strstr(all, "/one-"));
			assert_non_null(strstr(strstr(all, "/one-"), "/two-after "));
			finish(&t);
		}
}

/* Who waits for an answer gets it, and leaves with what came behind the request. */
static void
behind_an_answer(void **state)
{
	static const char three[] = "GET /two HTTP/1.1\r\nHost: x\r\n\r\nGET /three HTTP/1.1\r\nHo";
	struct test t;

	(void)state;
	for (int early = 0; early < 3; early++) {
		start(&t, false);
		t.before.holds = true;
		say(&t, request, sizeof request - 1);
		if (early == 0) say(&t, three, sizeof three - 1);
		eio_httpd_hold(t.before.httpd);
		if (early == 1) say(&t, three, sizeof three - 1);
		turn(&t);
		eio_httpd_leave(t.before.httpd);
		if (early == 2) say(&t, three, sizeof three - 1);
		turn(&t);
		assert_int_equal(t.left, 0);
		assert_int_equal(eio_httpd_staying(t.before.httpd), 1);
		answer_held(&t.before);
		turn(&t);
		assert_int_equal(t.left, 1);
		assert_int_equal(eio_httpd_staying(t.before.httpd), 0);
		assert_string_equal(heard(&t), "/one-before /two-after ");
		say(&t, "st: x\r\n\r\n", 9);
		assert_string_equal(heard(&t), "/three-after ");
		finish(&t);
	}
}

/* The body of a request that has begun is read to its end. */
static void
in_a_body(void **state)
{
	static const char post[] = "POST /p HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\n\r\nabcdef";
	struct test t;

	(void)state;
	for (size_t cut = 1; cut < sizeof post - 1; cut++) {
		bool begun = cut >= sizeof post - 1 - 6;

		start(&t, false);
		say(&t, post, cut);
		leave(&t);
		assert_int_equal(t.left, !begun);
		say(&t, post + cut, sizeof post - 1 - cut);
		assert_string_equal(heard(&t), begun ? "/pabcdef-before " : "/pabcdef-after ");
		assert_int_equal(t.left, 1);
		say(&t, request, sizeof request - 1);
		assert_string_equal(heard(&t), "/one-after ");
		finish(&t);
	}
}

/* An answer that the socket does not take is all written first. */
static void
with_a_large_answer(void **state)
{
	static char large[LARGE];
	static char got[LARGE + ANSWER];
	size_t n = 0;
	struct test t;
	ssize_t some;

	(void)state;
	memset(large, 'x', sizeof large - 1);
	start(&t, false);
	t.before.body = large;
	say(&t, request, sizeof request - 1);
	leave(&t);
	assert_int_equal(t.left, 0);
	while (n < LARGE - 1 && (some = recv(t.client, got + n, sizeof got - n, MSG_DONTWAIT)) != 0) {
		if (some > 0) n += (size_t)some;
		turn(&t);
	}
	turn(&t);
	assert_int_equal(t.left, 1);
	(void)heard(&t);
	say(&t, request, sizeof request - 1);
	assert_string_equal(heard(&t), "/one-after ");
	finish(&t);
}

/* One that ends with its answer ends here. */
static void
that_end(void **state)
{
	static const char last[] = "GET /last HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
	struct test t;
	char c;

	(void)state;
	start(&t, false);
	t.before.holds = true;
	say(&t, last, sizeof last - 1);
	leave(&t);
	answer_held(&t.before);
	turn(&t);
	assert_string_equal(heard(&t), "/last-before ");
	assert_int_equal(recv(t.client, &c, 1, 0), 0);
	close(t.client);
	turn(&t);
	assert_int_equal(t.left, 0);
	assert_int_equal(eio_httpd_staying(t.before.httpd), 0);
	t.client = -1;
	finish(&t);
}

/* Whose it is has to be said first: at every byte of that. */
static void
behind_a_proxy(void **state)
{
	static const char all[] = "PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\nGET /one HTTP/1.1\r\nHost: x\r\n\r\n";
	const size_t header = 36;
	char text[EIO_PEER_TEXT];
	struct test t;

	(void)state;
	for (size_t cut = 0; cut < sizeof all - 1; cut++) {
		start(&t, true);
		say(&t, all, cut);
		leave(&t);
		assert_int_equal(t.left, 1);
		assert_int_equal(t.stage, cut < header ? EIO_LEAVER_ARRIVES : EIO_LEAVER_SPEAKS);
		say(&t, all + cut, sizeof all - 1 - cut);
		assert_string_equal(heard(&t), "/one-after ");
		assert_string_equal(eio_peer_text(&t.after.peer, text), "192.0.2.1");
		finish(&t);
	}
}

/* What only this process knows is no use elsewhere. */
static void
with_a_pass(void **state)
{
	struct test t;
	char c;

	(void)state;
	start(&t, false);
	t.before.holds = true;
	say(&t, request, sizeof request - 1);
	*eio_httpd_pass(t.before.held) = malloc(1);
	leave(&t);
	answer_held(&t.before);
	turn(&t);
	assert_string_equal(heard(&t), "/one-before ");
	assert_int_equal(recv(t.client, &c, 1, 0), 0);
	assert_int_equal(t.left, 0);
	finish(&t);
}

/* Its TLS is elsewhere: one answer, which says so, and whose certificate it was. */
static void
with_its_tls_elsewhere(void **state)
{
	struct eio_leaver l = {
		.stage = EIO_LEAVER_SPEAKS,
		.relayed = true,
		.begun = EIO_LIT("GET /one HT"),
		.subject = EIO_LIT("CN=Ann"),
	};
	char text[300];
	struct test t;
	int pair[2];
	ssize_t n;

	(void)state;
	start(&t, false);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
	l.fd = pair[0];
	t.after.holds = true;
	eio_httpd_join(t.after.httpd, &l);
	assert_int_equal(send(pair[1], "TP/1.1\r\nHost: x\r\n\r\n", 20, 0), 20);
	turn(&t);
	assert_non_null(t.after.held);
	assert_true(eio_bytes_eq(eio_buf_bytes(&t.after.held->req->subject), EIO_LIT("CN=Ann")));
	answer_held(&t.after);
	turn(&t);
	n = recv(pair[1], text, sizeof text - 1, 0);
	assert_true(n > 0);
	text[n] = '\0';
	assert_non_null(strstr(text, "Connection: close\r\n"));
	assert_int_equal(recv(pair[1], text, 1, 0), 0);
	close(pair[1]);
	finish(&t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(at_every_byte),
		cmocka_unit_test(in_pieces),
		cmocka_unit_test(behind_an_answer),
		cmocka_unit_test(in_a_body),
		cmocka_unit_test(with_a_large_answer),
		cmocka_unit_test(that_end),
		cmocka_unit_test(behind_a_proxy),
		cmocka_unit_test(with_a_pass),
		cmocka_unit_test(with_its_tls_elsewhere),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/*
 * Listeners of the HTTP server that begin and close while it runs, and their doors: who is accepted when, by which
 * door, and what a connection keeps.
 */
#define _GNU_SOURCE
#include "eio/net/httpd.h"

#include "eio/net/behind.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

static const char request[] = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";

struct test {
	uv_loop_t loop;
	struct eio_clock clock;
	struct eio_httpd *httpd;
	struct eio_httpd_listener *listener;
	struct sockaddr_in at;
	unsigned asked;
};

static void
on_exchange(void *user, struct eio_exchange *ex, enum eio_stage stage)
{
	struct test *t = user;

	if (stage != EIO_STAGE_COMPLETE) return;
	t->asked++;
	eio_exchange_respond_text(ex, 200, NULL, EIO_LIT("here"), EIO_LIT(""));
}

static void
turn(struct test *t)
{
	for (int i = 0; i < 6; i++) uv_run(&t->loop, UV_RUN_NOWAIT);
}

static void
start(struct test *t, struct eio_httpd_door *door)
{
	const struct eio_httpd_options options = {
		.max_head = 4096, .max_body = 4096, .header_timeout_ms = 60000, .keep_alive_timeout_ms = 60000
	};
	const struct eio_httpd_handler handler = { .exchange = on_exchange, .user = t };
	socklen_t n = sizeof t->at;
	int fd = eio_listen("127.0.0.1:0");

	*t = (struct test){ .asked = 0 };
	assert_true(fd >= 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&t->at, &n), 0);
	assert_int_equal(uv_loop_init(&t->loop), 0);
	assert_int_equal(eio_clock_open(&t->clock, &t->loop), 0);
	t->httpd = eio_httpd_new(&t->loop, &t->clock, &options, &handler);
	assert_non_null(t->httpd);
	assert_int_equal(eio_httpd_listener_new(t->httpd, fd, door, &t->listener), 0);
}

static void
finish(struct test *t)
{
	eio_httpd_close(t->httpd);
	eio_clock_close(&t->clock);
	uv_run(&t->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&t->loop), 0);
}

/* -1: nobody listens there. */
static int
dial(const struct test *t)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_true(fd >= 0);
	if (connect(fd, (const struct sockaddr *)&t->at, sizeof t->at) == 0) return fd;
	close(fd);
	return -1;
}

/* What is answered to a request; "": nothing yet. */
static const char *
ask(struct test *t, int fd)
{
	static char text[4096];
	ssize_t n;

	assert_int_equal(send(fd, request, sizeof request - 1, MSG_NOSIGNAL), sizeof request - 1);
	turn(t);
	n = recv(fd, text, sizeof text - 1, MSG_DONTWAIT);
	text[n > 0 ? n : 0] = '\0';
	return text;
}

static struct eio_httpd_door *
door_with(const char *name, const char *headers)
{
	struct eio_httpd_door *d = eio_httpd_door_new(
		&(struct eio_httpd_door_options){ .name = name, .headers = headers });

	assert_non_null(d);
	return d;
}

/* Our end of a connection: the descriptor whose peer has this one's address. */
static int
end_of(int peer)
{
	struct sockaddr_in at = { .sin_port = 0 }, of = { .sin_port = 0 };
	socklen_t n = sizeof at, m = sizeof of;

	assert_int_equal(getsockname(peer, (struct sockaddr *)&at, &n), 0);
	for (int fd = 3; fd < 256; fd++, m = sizeof of) {
		if (fd == peer || getpeername(fd, (struct sockaddr *)&of, &m) || m != sizeof of) continue;
		if (of.sin_family == AF_INET && of.sin_port == at.sin_port) return fd;
	}
	fail_msg("no end of it");
	return -1;
}

static void
assert_options_of(int fd)
{
	int value = 0;
	socklen_t n = sizeof value;

	assert_int_equal(getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &value, &n), 0);
	assert_true(value);
	assert_int_equal(getsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &value, &n), 0);
	assert_int_equal(value, EIO__UNSENT_MOST);
}

/* Who was in its queue before it was given to us has none of its options; who comes later has them from the kernel. */
static void
every_connection_has_its_options(void **state)
{
	struct test t;
	int fds[4], fd = eio_listen("127.0.0.1:0");
	socklen_t n = sizeof t.at;

	(void)state;
	start(&t, NULL);
	eio_httpd_listener_close(t.listener);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&t.at, &n), 0);
	for (int i = 0; i < 2; i++) fds[i] = dial(&t);
	assert_int_equal(eio_httpd_listener_new(t.httpd, fd, NULL, &t.listener), 0);
	eio_httpd_listener_begin(t.listener);
	turn(&t);
	for (int i = 2; i < 4; i++) {
		fds[i] = dial(&t);
		turn(&t);
	}
	for (int i = 0; i < 4; i++) {
		assert_options_of(end_of(fds[i]));
		assert_non_null(strstr(ask(&t, fds[i]), "here"));
		close(fds[i]);
	}
	finish(&t);
}

static void
who_comes_before_it_begins_waits(void **state)
{
	struct test t;
	int fd;

	(void)state;
	start(&t, NULL);
	fd = dial(&t);
	assert_string_equal(ask(&t, fd), "");
	assert_int_equal(eio_httpd_stats(t.httpd)->accepted, 0);
	eio_httpd_listener_begin(t.listener);
	turn(&t);
	assert_int_equal(t.asked, 1);
	close(fd);
	finish(&t);
}

static void
who_has_come_when_it_closes_is_served(void **state)
{
	struct test t;
	int fds[3];

	(void)state;
	start(&t, NULL);
	eio_httpd_listener_begin(t.listener);
	for (int i = 0; i < 3; i++) fds[i] = dial(&t);
	eio_httpd_listener_close(t.listener);
	assert_int_equal(dial(&t), -1);
	for (int i = 0; i < 3; i++) {
		assert_non_null(strstr(ask(&t, fds[i]), "here"));
		close(fds[i]);
	}
	finish(&t);
}

static void
one_that_never_began_takes_nobody(void **state)
{
	struct test t;
	int fd;

	(void)state;
	start(&t, NULL);
	fd = dial(&t);
	eio_httpd_listener_close(t.listener);
	turn(&t);
	assert_int_equal(eio_httpd_stats(t.httpd)->accepted, 0);
	close(fd);
	finish(&t);
}

/* A connection keeps the door that it came by, also when nobody else has it any more. */
static void
another_door(void **state)
{
	struct eio_httpd_door *first = door_with("one", "X-Door: first\r\n"), *second = door_with("two", NULL);
	struct test t;
	int fds[3];

	(void)state;
	start(&t, first);
	eio_httpd_door_unref(first);
	eio_httpd_listener_begin(t.listener);
	fds[0] = dial(&t);
	turn(&t);
	eio_httpd_listener_set_door(t.listener, second);
	eio_httpd_door_unref(second);
	fds[1] = dial(&t);
	turn(&t);
	eio_httpd_listener_set_door(t.listener, NULL);
	fds[2] = dial(&t);
	turn(&t);
	eio_httpd_listener_close(t.listener);
	turn(&t);
	assert_non_null(strstr(ask(&t, fds[0]), "X-Door: first"));
	for (int i = 1; i < 3; i++) assert_null(strstr(ask(&t, fds[i]), "X-Door"));
	for (int i = 0; i < 3; i++) close(fds[i]);
	assert_int_equal(t.asked, 3);
	finish(&t);
}

static void
names(void **state)
{
	struct eio_httpd_door *d = door_with("unix:/run/x", NULL), *none = door_with(NULL, NULL);

	(void)state;
	assert_string_equal(eio_httpd_door_name(d), "unix:/run/x");
	assert_string_equal(eio_httpd_door_name(none), "");
	assert_string_equal(eio_httpd_door_name(NULL), "");
	assert_null(eio_httpd_door_ref(NULL));
	eio_httpd_door_unref(NULL);
	eio_httpd_door_unref(none);
	eio_httpd_door_unref(d);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_connection_has_its_options),
		cmocka_unit_test(who_comes_before_it_begins_waits),
		cmocka_unit_test(who_has_come_when_it_closes_is_served),
		cmocka_unit_test(one_that_never_began_takes_nobody),
		cmocka_unit_test(another_door),
		cmocka_unit_test(names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

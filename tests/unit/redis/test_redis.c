/* SPDX-License-Identifier: MIT */
/* Redis: addresses, and a connection against a server played by this test. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "src/base/log.h"
#include "src/redis/marker.h"
#include "src/redis/pacing.h"
#include "tests/unit/redis/seen.h"
#include "tests/unit/redis/server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Addresses */

static const struct {
	int line;
	const char *text, *name, *user, *password; /* name NULL: an error */
} urls[] = {
	{ __LINE__, "redis://127.0.0.1:6379/0", "127.0.0.1:6379", NULL, NULL },
	{ __LINE__, "redis://h", "h:6379", NULL, NULL },
	{ __LINE__, "redis://h/", "h:6379", NULL, NULL },
	{ __LINE__, "redis://h:1/15", "h:1/15", NULL, NULL },
	{ __LINE__, "h", "h:6379", NULL, NULL },
	{ __LINE__, "h:7000", "h:7000", NULL, NULL },
	{ __LINE__, "redis://:secret@h", "h:6379", NULL, "secret" },
	{ __LINE__, "redis://me:s%3Ae%40c%2F@h:1", "h:1", "me", "s:e@c/" },
	{ __LINE__, "redis://me:a@b@h", "h:6379", "me", "a@b" },
	{ __LINE__, "redis://[::1]:7/2", "[::1]:7/2", NULL, NULL },
	{ __LINE__, "redis://[fe80::1]", "[fe80::1]:6379", NULL, NULL },
	{ __LINE__, "unix:///run/r.sock", "unix:/run/r.sock", NULL, NULL },
	{ __LINE__, "unix:///run/r%20s?db=3", "unix:/run/r s#3", NULL, NULL },
	{ __LINE__, "redis+unix://:pw@/r", "unix:/r", NULL, "pw" },
	{ __LINE__, "", NULL, NULL, NULL },
	{ __LINE__, "redis://", NULL, NULL, NULL },
	{ __LINE__, "redis://:@h", "h:6379", NULL, NULL },
	{ __LINE__, "redis://user@h", NULL, NULL, NULL },
	{ __LINE__, "redis://h:0", NULL, NULL, NULL },
	{ __LINE__, "redis://h:65536", NULL, NULL, NULL },
	{ __LINE__, "redis://h:x", NULL, NULL, NULL },
	{ __LINE__, "redis://h:", NULL, NULL, NULL },
	{ __LINE__, "redis://h/x", NULL, NULL, NULL },
	{ __LINE__, "redis://h/0?x=1", NULL, NULL, NULL },
	{ __LINE__, "redis://h?db=1", NULL, NULL, NULL },
	{ __LINE__, "redis://:%zz@h", NULL, NULL, NULL },
	{ __LINE__, "redis://:%00@h", NULL, NULL, NULL },
	{ __LINE__, "redis://:%4@h", NULL, NULL, NULL },
	{ __LINE__, "redis://[::1", NULL, NULL, NULL },
	{ __LINE__, "redis://[::1]7", NULL, NULL, NULL },
	{ __LINE__, "rediss://me:pw@h:1/2", "h:1/2", "me", "pw" },
	{ __LINE__, "rediss:///run/r.sock", NULL, NULL, NULL },
	{ __LINE__, "http://h", NULL, NULL, NULL },
	{ __LINE__, "unix://run/r", NULL, NULL, NULL },
	{ __LINE__, "unix://", NULL, NULL, NULL },
	{ __LINE__, "unix:///r?x=1", NULL, NULL, NULL },
};

static bool
same(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static void
addresses(void **state)
{
	struct redis_url u;
	char err[160];

	(void)state;
	for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
		int e = redis_url_parse(&u, urls[i].text, err, sizeof err);

		if ((e == 0) != (urls[i].name != NULL)) fail_msg("line %d: %d", urls[i].line, e);
		if (e == 0 && !same(u.name, urls[i].name)) fail_msg("line %d: %s", urls[i].line, u.name);
		if (e == 0 && (!same(u.user, urls[i].user) || !same(u.password, urls[i].password)))
			fail_msg("line %d: user or password", urls[i].line);
		if (e < 0) assert_true(*err && !u.host && !u.path && !u.password);
		redis_url_deinit(&u);
	}
	assert_int_equal(redis_url_parse(&u, "redis://:hunter2@h:x", err, sizeof err), -1);
	assert_null(strstr(err, "hunter2"));
}

/* A password from elsewhere is taken as it is, and there is one only. */
static void
passwords_from_elsewhere(void **state)
{
	struct redis_url u;
	char err[160];

	(void)state;
	assert_int_equal(redis_url_parse_with(&u, "unix://me@/r", "%41@", err, sizeof err), 0);
	assert_string_equal(u.user, "me");
	assert_string_equal(u.password, "%41@");
	assert_null(strstr(u.name, "41"));
	redis_url_deinit(&u);
	assert_int_equal(redis_url_parse_with(&u, "h", "x", err, sizeof err), 0);
	assert_null(u.user);
	assert_string_equal(u.password, "x");
	redis_url_deinit(&u);
	assert_int_equal(redis_url_parse_with(&u, "redis://:a@h", "hunter2", err, sizeof err), -1);
	assert_null(u.password);
	assert_null(strstr(err, "hunter2"));
}

/* A connection */

/* A minute ago at most, which is less than a machine is slow. */
static void
on_test_gap(void *user, bool is_pattern, struct eio_bytes name, uint64_t from_ms, uint64_t to_ms)
{
	struct server *s = user;
	uint64_t now = (uint64_t)time(NULL) * 1000;

	assert_int_equal(s->connections, 2);
	assert_true(from_ms <= to_ms && now - from_ms + 60000 < 120000 && now - to_ms + 60000 < 120000);
	see("gap %s %.*s;", is_pattern ? "pattern" : "channel", (int)name.n, name.p);
}

/* Says hello, subscribes, and does it all again on a new connection when the old one is lost. */
static void
subscribes_again(void **state)
{
	struct server *s = server_new("me:pw@", "/3");
	struct redis_subscriber_options o = server_options(s);

	(void)state;
	o.gap = on_test_gap;
	s->wait_for = "PSUBSCRIBE\r\n$2\r\np*\r\n";
	s->answer = "+OK\r\n+OK\r\n-ERR unknown command\r\n" CONFIRMED "*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$1\r\n1\r\n";
	s->stop_at_messages = 1;
	s->subscriber = redis_subscriber_open(&s->loop, &o);
	assert_non_null(s->subscriber);
	uv_run(&s->loop, UV_RUN_DEFAULT);
	assert_true(has_received(s,
		"*3\r\n$4\r\nAUTH\r\n$2\r\nme\r\n$2\r\npw\r\n*2\r\n$6\r\nSELECT\r\n$1\r\n3\r\n" HELLO SUBSCRIBE_A
			SUBSCRIBE_B SUBSCRIBE_P));
	assert_int_equal(s->ready, 1);
	s->answer = "+OK\r\n+OK\r\n+OK\r\n" CONFIRMED;
	s->stop_at_messages = 0;
	s->stop_at_ready = 2;
	drop_client(s);
	uv_run(&s->loop, UV_RUN_DEFAULT);
	assert_int_equal(s->ready, 2);
	assert_int_equal(s->not_ready, 1);
	assert_int_equal(s->connections, 2);
	assert_string_equal(seen, "m(a,a,1)gap channel a;gap channel b c;gap pattern p*;");
	assert_int_equal(metrics_sum(&s->metrics, &redis_metrics, REDIS_METRIC_CONNECTS), 2);
	assert_int_equal(metrics_sum(&s->metrics, &redis_metrics, REDIS_METRIC_LOST), 1);
	server_free(s);
}

/* What came in one read with an error is still told; then the connection is given up, whatever else is in it. */
static void
error_among_messages(void **state)
{
	struct server *s = server_new("", "");
	struct redis_subscriber_options o = server_options(s);

	(void)state;
	s->wait_for = "PSUBSCRIBE";
	s->answer = "+OK\r\n" CONFIRMED A_MESSAGE "-ERR first\r\n" A_MESSAGE "-ERR second\r\n" A_MESSAGE;
	s->stop_at_connections = 2;
	s->subscriber = redis_subscriber_open(&s->loop, &o);
	uv_run(&s->loop, UV_RUN_DEFAULT);
	assert_int_equal(s->messages, 3);
	assert_int_equal(s->ready, 0); /* it was lost before it could be */
	assert_int_equal(s->not_ready, 0);
	server_free(s);
}

/* Messages that nobody asked for do a publisher no harm. */
static void
publisher_ignores_messages(void **state)
{
	struct server *s = server_new("", "");
	const struct redis_publisher_options o = { .url = &s->url, .metrics = s->counters, .queue_bytes = 1000 };

	(void)state;
	s->wait_for = HELLO;
	s->answer = "+OK\r\n" A_MESSAGE;
	s->publisher = redis_publisher_open(&s->loop, &o);
	while (count(s, REDIS_METRIC_CONNECTED) == 0) uv_run(&s->loop, UV_RUN_ONCE);
	assert_int_equal(redis_publisher_publish(s->publisher, EIO_LIT("up"), EIO_LIT("1")), 0);
	redis_publisher_flush(s->publisher);
	while (!has_received(s, "PUBLISH")) uv_run(&s->loop, UV_RUN_ONCE);
	say(s, A_MESSAGE ":0\r\n");
	while (count(s, REDIS_METRIC_PUBLISH_SENT) == 0) uv_run(&s->loop, UV_RUN_ONCE);
	assert_int_equal(count(s, REDIS_METRIC_LOST), 0);
	server_free(s);
}

/* A refused password, or no password where one is wanted, is tried again, and again. */
static void
keeps_trying(void **state)
{
	static const char *const answers[] = { "-WRONGPASS invalid\r\n-NOAUTH x\r\n",
		"-NOAUTH Authentication required.\r\n", "+OK\r\n-NOAUTH Authentication required.\r\n",
		"hello, this is not Redis\r\n" };

	(void)state;
	for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
		struct server *s = server_new(i == 0 ? ":bad@" : "", "");
		struct redis_subscriber_options o = server_options(s);

		s->wait_for = "PSUBSCRIBE";
		s->answer = answers[i];
		s->stop_at_connections = 2;
		s->subscriber = redis_subscriber_open(&s->loop, &o);
		uv_run(&s->loop, UV_RUN_DEFAULT);
		assert_int_equal(s->connections, 2);
		assert_int_equal(s->ready, 0);
		server_free(s);
	}
}

/* Nobody listens at first. */
static void
server_comes_later(void **state)
{
	struct server *s = server_new("", ""), *other = server_new("", "");
	struct redis_subscriber_options o = server_options(s);

	(void)state;
	/* A port that nothing listens on: bound and closed again. */
	uv_close((uv_handle_t *)&s->listener, NULL);
	uv_run(&s->loop, UV_RUN_NOWAIT);
	s->subscriber = redis_subscriber_open(&s->loop, &o);
	while (metrics_sum(&s->metrics, &redis_metrics, REDIS_METRIC_LOST) < 2) uv_run(&s->loop, UV_RUN_ONCE);
	server_listen(s, s->url.port);
	s->wait_for = "PSUBSCRIBE";
	s->answer = "+OK\r\n" CONFIRMED;
	s->stop_at_ready = 1;
	uv_run(&s->loop, UV_RUN_DEFAULT);
	assert_int_equal(s->ready, 1);
	server_free(s);
	other->publisher = redis_publisher_open(
		&other->loop, &(struct redis_publisher_options){ .url = &other->url, .metrics = other->counters });
	server_free(other); /* closed while it connects */
}

/* How many answers were timed. */
static uint64_t
pings_answered(struct server *s)
{
	uint64_t n = 0;

	for (unsigned i = 0; i <= redis_ping_buckets.n; i++) n += count(s, REDIS_METRIC_PING + 1 + i);
	return n;
}

/* A server that accepts and then says nothing any more is found out. */
static void
silent_server(void **state)
{
	struct server *s = server_new("", "");
	struct redis_subscriber_options o = server_options(s);

	(void)state;
	o.silent_ms = 40;
	o.dead_ms = 40;
	s->wait_for = "PSUBSCRIBE";
	s->answer = "+OK\r\n" CONFIRMED;
	s->stop_at_ready = 1;
	s->subscriber = redis_subscriber_open(&s->loop, &o);
	uv_run(&s->loop, UV_RUN_DEFAULT);
	/* One answered PING, in the form subscribers get, keeps it. */
	s->wait_for = "*1\r\n$4\r\nPING\r\n";
	s->answer = "*2\r\n$4\r\npong\r\n$0\r\n\r\n";
	while (s->answer || !pings_answered(s)) uv_run(&s->loop, UV_RUN_ONCE);
	assert_int_equal(s->not_ready, 0);
	assert_int_equal(pings_answered(s), 1);
	s->stop_at_connections = 2;
	uv_run(&s->loop, UV_RUN_DEFAULT);
	assert_int_equal(s->not_ready, 1);
	server_free(s);
}

/* Publishing: queued while there is no connection, written in one go, answers counted, bounded. */
static void
publishes(void **state)
{
	struct server *s = server_new("", "");
	const struct redis_publisher_options o = { .url = &s->url, .metrics = s->counters, .queue_bytes = 1000 };
	char big[900];

	(void)state;
	memset(big, 'x', sizeof big);
	s->publisher = redis_publisher_open(&s->loop, &o);
	assert_int_equal(redis_publisher_publish(s->publisher, EIO_LIT("up"), EIO_LIT("{\"a\":1}")), 0);
	assert_int_equal(redis_publisher_publish(s->publisher, EIO_LIT("up"), eio_bytes(big, sizeof big)), 0);
	assert_int_equal(redis_publisher_publish(s->publisher, EIO_LIT("up"), eio_bytes(big, sizeof big)), -1);
	assert_int_equal(count(s, REDIS_METRIC_PUBLISH_DROPPED), 1);
	redis_publisher_flush(s->publisher); /* not yet: it only connects */
	s->wait_for = HELLO;
	s->answer = "+OK\r\n";
	while (!has_received(s, "xxx\r\n")) uv_run(&s->loop, UV_RUN_ONCE);
	assert_true(has_received(s, HELLO
		"*3\r\n$7\r\nPUBLISH\r\n$2\r\nup\r\n$7\r\n{\"a\":1}\r\n*3\r\n$7\r\nPUBLISH\r\n$2\r\nup\r\n$900\r\nx"));
	say(s, ":1\r\n-ERR no\r\n");
	while (count(s, REDIS_METRIC_PUBLISH_FAILED) == 0) uv_run(&s->loop, UV_RUN_ONCE);
	assert_int_equal(count(s, REDIS_METRIC_PUBLISH_SENT), 1);
	assert_int_equal(count(s, REDIS_METRIC_PUBLISH_FAILED), 1);
	/* Sent and never answered, because the connection went: failed too. What was only queued waits. */
	assert_int_equal(redis_publisher_publish(s->publisher, EIO_LIT("up"), EIO_LIT("2")), 0);
	redis_publisher_flush(s->publisher);
	assert_int_equal(redis_publisher_publish(s->publisher, EIO_LIT("up"), EIO_LIT("three")), 0);
	drop_client(s);
	s->answer = "+OK\r\n";
	while (!has_received(s, "three")) uv_run(&s->loop, UV_RUN_ONCE);
	assert_int_equal(count(s, REDIS_METRIC_CONNECTS), 2);
	assert_int_equal(count(s, REDIS_METRIC_PUBLISH_FAILED), 2);
	server_free(s);
}

/* Before it goes to another address it publishes on the connection that there is only. */
static void
publisher_stays(void **state)
{
	struct server *s = server_new("", "");
	const struct redis_publisher_options o = { .url = &s->url, .metrics = s->counters, .queue_bytes = 1000 };

	(void)state;
	s->publisher = redis_publisher_open(&s->loop, &o);
	await_words(s, HELLO, "+OK\r\n");
	while (count(s, REDIS_METRIC_CONNECTED) == 0) uv_run(&s->loop, UV_RUN_ONCE);
	redis_publisher_stay(s->publisher);
	assert_int_equal(redis_publisher_publish(s->publisher, EIO_LIT("up"), EIO_LIT("one")), 0);
	redis_publisher_flush(s->publisher);
	await_words(s, "one", ":1\r\n");
	while (count(s, REDIS_METRIC_PUBLISH_SENT) == 0) uv_run(&s->loop, UV_RUN_ONCE);
	drop_client(s);
	await_words(s, HELLO, "+OK\r\n");
	while (count(s, REDIS_METRIC_CONNECTS) < 2) uv_run(&s->loop, UV_RUN_ONCE);
	assert_int_equal(redis_publisher_publish(s->publisher, EIO_LIT("up"), EIO_LIT("two")), 0);
	redis_publisher_flush(s->publisher);
	for (int i = 0; i < 20; i++) uv_run(&s->loop, UV_RUN_NOWAIT);
	assert_int_equal(s->in.n, 0);
	redis_publisher_move(s->publisher, false);
	assert_false(redis_publisher_moves(s->publisher));
	await_words(s, HELLO, "+OK\r\n");
	await_words(s, "two", ":1\r\n");
	/* One that has no connection yet. */
	redis_publisher_move(s->publisher, true);
	redis_publisher_stay(s->publisher);
	await_words(s, HELLO, "+OK\r\n");
	assert_int_equal(redis_publisher_publish(s->publisher, EIO_LIT("up"), EIO_LIT("three")), 0);
	while (count(s, REDIS_METRIC_CONNECTS) < 4) uv_run(&s->loop, UV_RUN_ONCE);
	redis_publisher_flush(s->publisher);
	for (int i = 0; i < 20; i++) uv_run(&s->loop, UV_RUN_NOWAIT);
	assert_int_equal(s->in.n, 0);
	redis_publisher_move(s->publisher, false);
	await_words(s, HELLO, "+OK\r\n");
	await_words(s, "three", NULL);
	server_free(s);
}

/* It does not wait for ever for what is not answered, though nobody publishes any more. */
static void
publisher_moves_by_itself(void **state)
{
	struct server *s = server_new("", "");
	const struct redis_publisher_options o = { .url = &s->url, .metrics = s->counters, .queue_bytes = 1000 };
	uint64_t began;

	(void)state;
	s->publisher = redis_publisher_open(&s->loop, &o);
	await_words(s, HELLO, "+OK\r\n");
	while (count(s, REDIS_METRIC_CONNECTED) == 0) uv_run(&s->loop, UV_RUN_ONCE);
	assert_int_equal(redis_publisher_publish(s->publisher, EIO_LIT("up"), EIO_LIT("one")), 0);
	redis_publisher_flush(s->publisher);
	await_words(s, "one", NULL);
	assert_int_equal(redis_publisher_publish(s->publisher, EIO_LIT("up"), EIO_LIT("two")), 0);
	began = uv_now(&s->loop);
	redis_publisher_move(s->publisher, false);
	assert_true(redis_publisher_moves(s->publisher));
	await_words(s, HELLO, "+OK\r\n");
	assert_in_range(uv_now(&s->loop) - began, REDIS_PUBLISHER_MOVE_MS, 4 * REDIS_PUBLISHER_MOVE_MS);
	await_words(s, "two", ":1\r\n");
	assert_int_equal(count(s, REDIS_METRIC_PUBLISH_FAILED), 1);
	server_free(s);
}

/* A name, not an address: it is looked up, and each address is tried. */
static void
resolves_names(void **state)
{
	struct server *s = server_new("", "");
	struct redis_subscriber_options o = server_options(s);

	(void)state;
	free(s->url.host);
	s->url.host = strdup("localhost");
	s->wait_for = "PSUBSCRIBE";
	s->answer = "+OK\r\n" CONFIRMED;
	s->stop_at_ready = 1;
	s->subscriber = redis_subscriber_open(&s->loop, &o);
	uv_run(&s->loop, UV_RUN_DEFAULT);
	assert_int_equal(s->ready, 1);
	server_free(s);
	/* Closed while the name is looked up. */
	s = server_new("", "");
	o = server_options(s);
	free(s->url.host);
	s->url.host = strdup("localhost");
	s->subscriber = redis_subscriber_open(&s->loop, &o);
	server_free(s);
}

/* Reading that pauses */

static void
on_number(void *user, const struct redis_message *m)
{
	struct server *s = user;

	assert_int_equal(strtoul(m->payload.p, NULL, 10), s->messages); /* a line's end follows it */
	s->messages++;
	stop_if_done(s);
}

/* A server with a subscriber whose messages are numbers. */
static struct server *
server_subscribed(bool may_pause, unsigned silent_ms)
{
	struct server *s = server_new("", "");
	struct redis_subscriber_options o = server_options(s);

	o.may_pause = may_pause;
	o.message = on_number;
	o.silent_ms = o.dead_ms = silent_ms;
	s->wait_for = "PSUBSCRIBE";
	s->answer = "+OK\r\n" CONFIRMED;
	s->stop_at_ready = 1;
	s->subscriber = redis_subscriber_open(&s->loop, &o);
	assert_non_null(s->subscriber);
	uv_run(&s->loop, UV_RUN_DEFAULT);
	return s;
}

/* Sends one more number and lets the loop look at what is there. Whether it was not taken at once. */
static bool
send_number(struct server *s, unsigned *sent)
{
	char text[80];
	int digits = snprintf(NULL, 0, "%u", *sent);

	snprintf(text, sizeof text, "*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$%d\r\n%u\r\n", digits, *sent);
	say(s, text);
	++*sent;
	uv_run(&s->loop, UV_RUN_NOWAIT);
	return s->messages < *sent;
}

/* Sends numbers in quick succession until some of them have been held back: the last one, too. */
static unsigned
send_until_held(struct server *s)
{
	unsigned sent = s->messages, held = 0;

	for (bool last = false; held < 100 || !last; held += last) last = send_number(s, &sent);
	return sent;
}

static void
run_until(struct server *s, unsigned messages)
{
	while (s->messages < messages) uv_run(&s->loop, UV_RUN_ONCE);
}

/* Messages in quick succession are taken together, soon and in order; to a server that never answers a PING. */
static void
pauses_when_busy(void **state)
{
	struct server *s = server_subscribed(true, 40);
	uint64_t start = uv_now(&s->loop);

	(void)state;
	while (uv_now(&s->loop) - start < 150) run_until(s, send_until_held(s));
	assert_int_equal(s->not_ready, 0);
	server_free(s);
}

/* After a pause, and when they are few, they are taken at once. */
static void
takes_few_at_once(void **state)
{
	struct server *s = server_subscribed(true, 40);
	unsigned sent = send_until_held(s), held = 0;

	(void)state;
	run_until(s, sent);
	for (int i = 0; i < 20; i++) {
		uv_sleep(2 * REDIS_PAUSE_MS);
		uv_run(&s->loop, UV_RUN_NOWAIT); /* finds nothing */
		held += send_number(s, &sent);
	}
	assert_in_range(held, 0, 10); /* a busy kernel brings some of them late; one that pauses holds all */
	server_free(s);
}

/* A look that fills the buffer, and nothing after it: the loop comes round soon, for those who got the messages. */
static void
comes_round_after_a_full_buffer(void **state)
{
	enum { MESSAGE = 64, BUFFER = 65536 };
	static char text[BUFFER + 1];
	struct server *s = server_subscribed(true, 40);
	unsigned sent = send_until_held(s);

	(void)state;
	run_until(s, sent);
	for (unsigned i = 0; i < BUFFER / MESSAGE; i++)
		assert_int_equal(snprintf(text + (size_t)i * MESSAGE, MESSAGE + 1,
					 "*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$33\r\n%033u\r\n", sent + i),
			MESSAGE);
	say(s, text);
	uv_sleep(2 * REDIS_PAUSE_MS);
	uv_run(&s->loop, UV_RUN_NOWAIT);
	assert_int_equal(s->messages, sent + BUFFER / MESSAGE);
	assert_in_range(uv_backend_timeout(&s->loop), 0, REDIS_PAUSE_MS);
	server_free(s);
}

static void
never_pauses_unasked(void **state)
{
	struct server *s = server_subscribed(false, 10000);
	unsigned sent = 0, held = 0;

	(void)state;
	for (int i = 0; i < 1000; i++) held += send_number(s, &sent);
	/* A busy kernel brings some of them late; one that pauses holds nearly all. */
	assert_in_range(held, 0, 500);
	server_free(s);
}

/* What came before the end is taken, also when nobody looks at that moment. */
static void
lost_while_pausing(void **state)
{
	struct server *s = server_subscribed(true, 40);
	unsigned sent = send_until_held(s);

	(void)state;
	drop_client(s);
	while (!s->not_ready) uv_run(&s->loop, UV_RUN_ONCE);
	assert_int_equal(s->messages, sent);
	/* And on the next connection it is as on the first. */
	s->answer = "+OK\r\n" CONFIRMED;
	s->stop_at_ready = 2;
	uv_run(&s->loop, UV_RUN_DEFAULT);
	send_until_held(s);
	server_free(s); /* closed while it pauses */
}

static void
markers(void **state)
{
	static const char *const others[] = { "", "siocast:", "siocast:0123456789abcde", "siocast:0123456789abcdef0",
		"siocast:0123456789abcdeF", "siocast:0123456789abcdeg", "Siocast:0123456789abcdef",
		"siocast-0123456789abcdef" };
	char one[REDIS_MARKER_NAME], other[REDIS_MARKER_NAME];

	(void)state;
	assert_int_equal(redis_marker_name(one), 0);
	assert_int_equal(redis_marker_name(other), 0);
	assert_true(redis_is_marker(eio_cstr(one)));
	assert_true(redis_is_marker(EIO_LIT("siocast:0123456789abcdef")));
	assert_string_not_equal(one, other);
	for (size_t i = 0; i < sizeof others / sizeof *others; i++) assert_false(redis_is_marker(eio_cstr(others[i])));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses),
		cmocka_unit_test(markers),
		cmocka_unit_test(passwords_from_elsewhere),
		cmocka_unit_test(subscribes_again),
		cmocka_unit_test(error_among_messages),
		cmocka_unit_test(publisher_ignores_messages),
		cmocka_unit_test(keeps_trying),
		cmocka_unit_test(server_comes_later),
		cmocka_unit_test(silent_server),
		cmocka_unit_test(publishes),
		cmocka_unit_test(publisher_stays),
		cmocka_unit_test(publisher_moves_by_itself),
		cmocka_unit_test(resolves_names),
		cmocka_unit_test(pauses_when_busy),
		cmocka_unit_test(takes_few_at_once),
		cmocka_unit_test(comes_round_after_a_full_buffer),
		cmocka_unit_test(never_pauses_unasked),
		cmocka_unit_test(lost_while_pausing),
	};

	log_set_level(LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

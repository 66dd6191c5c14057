/* SPDX-License-Identifier: MIT */
/* Playing Redis. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/redis/server.h"

#include "tests/unit/redis/seen.h"

#include <stdio.h>
#include <stdlib.h>

static void
on_watchdog(uv_timer_t *t)
{
	(void)t;
	fail_msg("nothing happened for ten seconds; seen: %s", seen);
}

void
stop_if_done(struct server *s)
{
	if ((s->stop_at_ready && s->ready == s->stop_at_ready) ||
		(s->stop_at_messages && s->messages == s->stop_at_messages) ||
		(s->stop_at_connections && s->connections == s->stop_at_connections))
		uv_stop(&s->loop);
}

static void
on_client_closed(uv_handle_t *h)
{
	free(h);
}

void
drop_client(struct server *s)
{
	if (s->client) uv_close((uv_handle_t *)s->client, on_client_closed);
	s->client = NULL;
}

void
say(struct server *s, const char *text)
{
	uv_buf_t b = uv_buf_init((char *)(uintptr_t)text, (unsigned)strlen(text));

	assert_int_equal(uv_try_write((uv_stream_t *)s->client, &b, 1), (int)b.len);
}

static void
on_server_alloc(uv_handle_t *h, size_t suggested, uv_buf_t *buf)
{
	static char bytes[65536];

	(void)h;
	(void)suggested;
	*buf = uv_buf_init(bytes, sizeof bytes);
}

bool
has_received(const struct server *s, const char *text)
{
	return s->in.n && memmem(s->in.p, s->in.n, text, strlen(text)) != NULL;
}

static void
on_server_read(uv_stream_t *stream_, ssize_t n, const uv_buf_t *buf)
{
	struct server *s = stream_->data;
	const char *answer = s->answer;

	if (n < 0) {
		if ((uv_stream_t *)s->client == stream_) drop_client(s);
		return;
	}
	eio_buf_append(&s->in, buf->base, (size_t)n);
	if (!answer || s->answered || !has_received(s, s->wait_for)) return;
	if (!s->always) s->answer = NULL;
	s->answered = s->always;
	say(s, answer);
	if (s->drop) drop_client(s);
}

static void
on_server_connection(uv_stream_t *listener, int status)
{
	struct server *s = listener->data;

	assert_int_equal(status, 0);
	drop_client(s);
	s->connections++;
	s->client = malloc(sizeof *s->client);
	assert_non_null(s->client);
	uv_tcp_init(&s->loop, s->client);
	s->client->data = s;
	assert_int_equal(uv_accept(listener, (uv_stream_t *)s->client), 0);
	eio_buf_clear(&s->in);
	s->answered = false;
	uv_read_start((uv_stream_t *)s->client, on_server_alloc, on_server_read);
	if (s->last_words) {
		say(s, s->last_words);
		drop_client(s);
	}
	stop_if_done(s);
}

static void
on_test_too_long(void *user, const struct redis_message *m, uint64_t n)
{
	struct server *s = user;

	see("long %llu:", (unsigned long long)n);
	see_message(m);
	s->too_long++;
}

static void
on_test_refused(void *user, bool is_pattern, struct eio_bytes name, bool refused)
{
	struct server *s = user;

	see("%s %s %.*s;", refused ? "refused" : "allowed", is_pattern ? "pattern" : "channel", (int)name.n, name.p);
	s->refused += refused ? 1 : -1;
	stop_if_done(s);
}

static void
on_test_message(void *user, const struct redis_message *m)
{
	struct server *s = user;

	see_message(m);
	s->messages++;
	stop_if_done(s);
}

static void
on_test_state(void *user, bool ready)
{
	struct server *s = user;

	if (ready)
		s->ready++;
	else
		s->not_ready++;
	stop_if_done(s);
}

void
server_listen(struct server *s, unsigned port)
{
	struct sockaddr_in a;

	uv_tcp_init(&s->loop, &s->listener);
	s->listener.data = s;
	uv_ip4_addr("127.0.0.1", (int)port, &a);
	assert_int_equal(uv_tcp_bind(&s->listener, (struct sockaddr *)&a, 0), 0);
	assert_int_equal(uv_listen((uv_stream_t *)&s->listener, 8, on_server_connection), 0);
}

struct server *
server_new(const char *userinfo, const char *db)
{
	struct server *s = calloc(1, sizeof *s);
	struct sockaddr_in a;
	int n = sizeof a;
	char text[128], err[160];

	assert_non_null(s);
	*seen = '\0';
	assert_int_equal(uv_loop_init(&s->loop), 0);
	server_listen(s, 0);
	uv_tcp_getsockname(&s->listener, (struct sockaddr *)&a, &n);
	uv_timer_init(&s->loop, &s->watchdog);
	uv_timer_start(&s->watchdog, on_watchdog, 10000, 0);
	snprintf(text, sizeof text, "redis://%s127.0.0.1:%d%s", userinfo, ntohs(a.sin_port), db);
	assert_int_equal(redis_url_parse(&s->url, text, err, sizeof err), 0);
	assert_int_equal(metrics_set_init(&s->metrics), 0);
	s->counters = metrics_new(&s->metrics, &redis_metrics, "test");
	assert_non_null(s->counters);
	return s;
}

void
server_free(struct server *s)
{
	if (s->subscriber) redis_subscriber_close(s->subscriber);
	if (s->publisher) redis_publisher_close(s->publisher);
	drop_client(s);
	uv_close((uv_handle_t *)&s->listener, NULL);
	uv_close((uv_handle_t *)&s->watchdog, NULL);
	uv_run(&s->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&s->loop), 0);
	assert_int_equal(metrics_sum(&s->metrics, &redis_metrics, REDIS_METRIC_CONNECTED), 0);
	eio_buf_deinit(&s->in);
	redis_url_deinit(&s->url);
	metrics_free(s->counters);
	metrics_set_deinit(&s->metrics);
	free(s);
}

static const char *const channels[] = { "a", "b c" }, *const patterns[] = { "p*" };

struct redis_subscriber_options
server_options(struct server *s)
{
	return (struct redis_subscriber_options){ .url = &s->url,
		.metrics = s->counters,
		.channels = channels,
		.patterns = patterns,
		.n_channels = 2,
		.n_patterns = 1,
		.message_bytes = 1000,
		.message = on_test_message,
		.too_long = on_test_too_long,
		.state = on_test_state,
		.refused = on_test_refused,
		.user = s };
}

void
await_words(struct server *s, const char *text, const char *answer)
{
	RUN_UNTIL(s, has_received(s, text));
	eio_buf_clear(&s->in);
	if (answer) say(s, answer);
}

uint64_t
count(struct server *s, enum redis_metric m)
{
	return metrics_sum(&s->metrics, &redis_metrics, m);
}

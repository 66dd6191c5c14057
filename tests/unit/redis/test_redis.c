/* SPDX-License-Identifier: MIT */
/* Redis: addresses, the reader at every split, and a connection against a server played by this test. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "eio/buf.h"
#include "src/base/log.h"
#include "src/redis/pacing.h"
#include "src/redis/publisher.h"
#include "src/redis/reader.h"
#include "src/redis/subscriber.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
	{ __LINE__, "rediss://h", NULL, NULL, NULL },
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

/* The reader: everything that comes out, as text */

static char seen[4096];

static void
see(const char *fmt, ...)
{
	size_t n = strlen(seen);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(seen + n, sizeof seen - n, fmt, ap);
	va_end(ap);
}

static void
see_message(void *user, const struct redis_message *m)
{
	(void)user;
	see("%c(%.*s,%.*s,%.*s)", m->is_pattern ? 'p' : 'm', (int)m->name.n, m->name.p, (int)m->channel.n, m->channel.p,
		(int)m->payload.n, m->payload.p);
}

static void
see_reply(const struct redis_event *e)
{
	static const char letters[] = "+-:S?";

	see("%c%.*s", letters[e->reply], (int)e->text.n, e->text.p);
}

/* Sees all that is complete. 0, or -1 with the reason. */
static int
pull(struct redis_reader *r, const char **why)
{
	struct redis_event e;
	enum redis_read got;

	while ((got = redis_reader_next(r, &e)) == REDIS_READ_MESSAGE || got == REDIS_READ_REPLY) {
		if (got == REDIS_READ_MESSAGE)
			see_message(NULL, &e.message);
		else
			see_reply(&e);
	}
	if (got == REDIS_READ_NONE) return 0;
	*why = e.why;
	assert_int_equal(redis_reader_next(r, &e), REDIS_READ_ERROR); /* and so it stays */
	assert_ptr_equal(e.why, *why);
	return -1;
}

static const char stream[] =
	"+OK\r\n-ERR no\r\n:12\r\n$5\r\nhello\r\n$-1\r\n*-1\r\n"
	"*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n"
	"*3\r\n$10\r\npsubscribe\r\n$2\r\nb*\r\n:2\r\n"
	"*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$7\r\n{\"x\":1}\r\n"
	"*4\r\n$8\r\npmessage\r\n$2\r\nb*\r\n$5\r\nb\r\n.c\r\n$0\r\n\r\n"
	"*2\r\n$4\r\npong\r\n$0\r\n\r\n"
	"*3\r\n$7\r\nunknown\r\n$1\r\na\r\n$1\r\nb\r\n"
	"*2\r\n*1\r\n$7\r\nmessage\r\n$1\r\nx\r\n*0\r\n"
	"*3\r\n$7\r\nmessage\r\n$0\r\n\r\n$3\r\nend\r\n"
	/* No server sends a number there; the pattern of the message before must not be taken for it. */
	"*4\r\n$8\r\npmessage\r\n$9\r\nlong.name\r\n$1\r\nc\r\n$1\r\ny\r\n"
	"*4\r\n$8\r\npmessage\r\n:1\r\n$1\r\nb\r\n$1\r\nz\r\n";
static const char stream_seen[] =
	"+OK-ERR no:?hello??SSm(a,a,{\"x\":1})p(b*,b\r\n.c,)+PONGm(,,end)p(long.name,c,y)p(,b,z)";

/* In an allocation of its own, so that what is read outside is found. */
static int
feed_copy(struct redis_reader *r, const char *from, size_t n, const char **why)
{
	char *copy = malloc(n ? n : 1);
	int rc;

	assert_non_null(copy);
	memcpy(copy, from, n);
	redis_reader_feed(r, eio_bytes(copy, n));
	rc = pull(r, why);
	free(copy);
	return rc;
}

static void
feed(struct redis_reader *r, const char *from, size_t n)
{
	const char *why = NULL;

	if (feed_copy(r, from, n, &why) < 0) fail_msg("%s", why);
}

static void
reader_at_every_split(void **state)
{
	size_t n = sizeof stream - 1;

	(void)state;
	for (size_t split = 0; split <= n + 1; split++) {
		struct redis_reader *r = redis_reader_new();

		assert_non_null(r);
		*seen = '\0';
		if (split <= n) {
			feed(r, stream, split);
			feed(r, stream + split, n - split);
		} else {
			for (size_t i = 0; i < n; i++) feed(r, stream + i, 1);
		}
		assert_string_equal(seen, stream_seen);
		redis_reader_free(r);
	}
}

/* What published messages may look like, and almost: the way past hiredis must see the same as hiredis. */
#define A_MESSAGE "*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$7\r\n{\"x\":1}\r\n"
static const char *const pushes[] = {
	A_MESSAGE A_MESSAGE A_MESSAGE,
	A_MESSAGE "+OK\r\n" A_MESSAGE ":1\r\n",
	"*3\r\n$7\r\nmessage\r\n$3\r\na\nb\r\n$4\r\n\r\n\r\n\r\n" A_MESSAGE,
	"*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$1\r\nxYZ" A_MESSAGE,
	"*3\r\n$7\r\nmessage\r\n$1\r\naYZ$1\r\nx\r\n" A_MESSAGE,
	"*3\r\n$7\r\nmessage\r\n$01\r\na\r\n$1\r\nx\r\n" A_MESSAGE,
	"*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$0000000001\r\nx\r\n" A_MESSAGE,
	"*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$-1\r\n" A_MESSAGE,
	"*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$\r\n" A_MESSAGE,
	"*3\r\n$7\r\nmessage\r\n$1\r\na\r\n:5\r\n" A_MESSAGE,
	"*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$1x\r\nb\r\n" A_MESSAGE,
	"*3\r\n$7\r\nmessagE\r\n$1\r\na\r\n$1\r\nb\r\n" A_MESSAGE,
	"*4\r\n$7\r\nmessage\r\n$1\r\na\r\n$1\r\nb\r\n$1\r\nc\r\n" A_MESSAGE,
	"*4\r\n$8\r\npmessage\r\n$2\r\na*\r\n$2\r\nab\r\n$0\r\n\r\n" A_MESSAGE,
	"*4\r\n$8\r\npmessage\r\n$0\r\n\r\n$1\r\n\n\r\n$12\r\n0123456789\r\n\r\n" A_MESSAGE,
	"*3\r\n$8\r\npmessage\r\n$2\r\na*\r\n$2\r\nab\r\n" A_MESSAGE,
	"*3\r\n$8\r\nsmessage\r\n$1\r\na\r\n$1\r\nx\r\n" A_MESSAGE,
	"*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$1\r\nx\r\n?" A_MESSAGE,
	"*2\r\n*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$1\r\nx\r\n+z\r\n" A_MESSAGE,
};

/* Feeds in two pieces, or byte by byte when split is beyond the end; an error is seen as '!'. */
static void
feed_split(const char *text, size_t split)
{
	struct redis_reader *r = redis_reader_new();
	size_t n = strlen(text), at, piece;
	const char *why = NULL;
	int rc = 0;

	assert_non_null(r);
	*seen = '\0';
	for (at = 0; at < n && rc == 0; at += piece) {
		piece = split > n ? 1 : at == 0 && split ? split : n - at;
		rc = feed_copy(r, text + at, piece, &why);
	}
	if (rc) see("!");
	redis_reader_free(r);
}

static void
reader_agrees_with_hiredis(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof pushes / sizeof pushes[0]; i++) {
		struct redis_reader *r = redis_reader_new();
		const char *why = NULL;
		char want[sizeof seen];

		assert_non_null(r);
		*seen = '\0';
		redis_reader_feed_hiredis(r, eio_cstr(pushes[i]));
		if (pull(r, &why) < 0) see("!");
		redis_reader_free(r);
		strcpy(want, seen);
		assert_non_null(strstr(want, i == 0 ? "m(a,a,{\"x\":1})m(a,a,{\"x\":1})m(a,a,{\"x\":1})" : ""));
		for (size_t split = 0; split <= strlen(pushes[i]) + 1; split++) {
			feed_split(pushes[i], split);
			if (strcmp(seen, want) != 0) fail_msg("%zu at %zu: %s, not %s", i, split, seen, want);
		}
	}
}

/* How long the payload is that is complete now and is as it should be; 0 when there is none. */
static size_t
pull_big(struct redis_reader *r)
{
	struct redis_event e;
	const struct redis_message *m = &e.message;

	if (redis_reader_next(r, &e) != REDIS_READ_MESSAGE) return 0;
	for (size_t i = 0; i < m->payload.n; i += 1000) assert_int_equal(m->payload.p[i], 'x');
	assert_true(eio_bytes_eq(m->channel, EIO_LIT("chan")));
	assert_int_equal(redis_reader_next(r, &e), REDIS_READ_NONE);
	return m->payload.n;
}

static void
reader_big_payload(void **state)
{
	struct redis_reader *r = redis_reader_new();
	size_t n = 3 << 20;
	char *payload = malloc(n);

	(void)state;
	assert_true(r && payload);
	*seen = '\0';
	memset(payload, 'x', n);
	for (int round = 0; round < 2; round++) {
		char head[64];

		sprintf(head, "*3\r\n$7\r\nmessage\r\n$4\r\nchan\r\n$%zu\r\n", n);
		feed(r, head, strlen(head));
		for (size_t at = 0; at < n; at += 60000) feed(r, payload + at, n - at < 60000 ? n - at : 60000);
		assert_string_equal(seen, "");
		redis_reader_feed(r, EIO_LIT("\r\n"));
		assert_int_equal(pull_big(r), n);
	}
	free(payload);
	redis_reader_free(r);
}

static void
reader_refuses(void **state)
{
	static const char *const bad[] = { "HTTP/1.1 400\r\n", "*1\r\n!\r\n", "\r\n",
		"*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n",
		/* RESP3 */
		">2\r\n+a\r\n", "%1\r\n+a\r\n", "~1\r\n+a\r\n", "|1\r\n+a\r\n", ",1.5\r\n", "#t\r\n", "(12\r\n",
		"=5\r\ntxt:a\r\n", "*1\r\n#t\r\n" };
	const char *why;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct redis_reader *r = redis_reader_new();

		why = NULL;
		if (feed_copy(r, bad[i], strlen(bad[i]), &why) == 0) fail_msg("accepted: %s", bad[i]);
		assert_string_equal(why, "not the Redis protocol");
		redis_reader_free(r);
	}
}

/* Whatever version of hiredis reads them: arrays in arrays, seven deep. */
static void
reader_takes_nested(void **state)
{
	struct redis_reader *r = redis_reader_new();

	(void)state;
	assert_non_null(r);
	feed(r, "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n", 32);
	redis_reader_free(r);
}

/* A connection, against a server played here on the same loop */

struct server {
	uv_loop_t loop;
	uv_tcp_t listener, *client; /* the connection at hand, or NULL */
	uv_timer_t watchdog;
	struct eio_buf in; /* what the client sent on it */
	unsigned connections;
	const char *wait_for, *answer; /* once `in` holds wait_for, answer is sent */
	bool drop; /* and then the connection is closed */
	struct redis_url url;
	struct metrics_set metrics;
	struct metrics *counters;
	struct redis_subscriber *subscriber; /* or NULL, like the other */
	struct redis_publisher *publisher;
	unsigned ready, not_ready, messages;
	unsigned stop_at_ready, stop_at_messages, stop_at_connections; /* 0: does not matter */
};

static void
on_watchdog(uv_timer_t *t)
{
	(void)t;
	fail_msg("nothing happened for ten seconds");
}

static void
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

static void
drop_client(struct server *s)
{
	if (s->client) uv_close((uv_handle_t *)s->client, on_client_closed);
	s->client = NULL;
}

static void
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

static bool
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
	if (!answer || !has_received(s, s->wait_for)) return;
	s->answer = NULL;
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
	uv_read_start((uv_stream_t *)s->client, on_server_alloc, on_server_read);
	stop_if_done(s);
}

static void
on_test_message(void *user, const struct redis_message *m)
{
	struct server *s = user;

	see_message(NULL, m);
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

static struct server *
server_new(const char *userinfo, const char *db)
{
	struct server *s = calloc(1, sizeof *s);
	struct sockaddr_in a;
	int n = sizeof a;
	char text[128], err[160];

	assert_non_null(s);
	*seen = '\0';
	log_set_level(LOG_LEVEL_ERROR);
	assert_int_equal(uv_loop_init(&s->loop), 0);
	uv_tcp_init(&s->loop, &s->listener);
	s->listener.data = s;
	uv_ip4_addr("127.0.0.1", 0, &a);
	assert_int_equal(uv_tcp_bind(&s->listener, (struct sockaddr *)&a, 0), 0);
	assert_int_equal(uv_listen((uv_stream_t *)&s->listener, 8, on_server_connection), 0);
	uv_tcp_getsockname(&s->listener, (struct sockaddr *)&a, &n);
	uv_timer_init(&s->loop, &s->watchdog);
	uv_timer_start(&s->watchdog, on_watchdog, 10000, 0);
	snprintf(text, sizeof text, "redis://%s127.0.0.1:%d%s", userinfo, ntohs(a.sin_port), db);
	assert_int_equal(redis_url_parse(&s->url, text, err, sizeof err), 0);
	assert_int_equal(metrics_set_init(&s->metrics), 0);
	s->counters = metrics_new(&s->metrics, &redis_metrics, NULL);
	assert_non_null(s->counters);
	return s;
}

static void
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

static struct redis_subscriber_options
options(struct server *s)
{
	return (struct redis_subscriber_options){ .url = &s->url,
		.metrics = s->counters,
		.channels = channels,
		.patterns = patterns,
		.n_channels = 2,
		.n_patterns = 1,
		.message = on_test_message,
		.state = on_test_state,
		.user = s };
}

#define CONFIRMED \
	"*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n*3\r\n$9\r\nsubscribe\r\n$3\r\nb c\r\n:2\r\n" \
	"*3\r\n$10\r\npsubscribe\r\n$2\r\np*\r\n:3\r\n"
#define HELLO "*3\r\n$6\r\nCLIENT\r\n$7\r\nSETNAME\r\n$7\r\nsiocast\r\n"
#define SUBSCRIBE "*3\r\n$9\r\nSUBSCRIBE\r\n$1\r\na\r\n$3\r\nb c\r\n*2\r\n$10\r\nPSUBSCRIBE\r\n$2\r\np*\r\n"

static uint64_t
count(struct server *s, enum redis_metric m)
{
	return metrics_sum(&s->metrics, &redis_metrics, m);
}

/* Says hello, subscribes, and does it all again on a new connection when the old one is lost. */
static void
subscribes_again(void **state)
{
	struct server *s = server_new("me:pw@", "/3");
	struct redis_subscriber_options o = options(s);

	(void)state;
	s->wait_for = "PSUBSCRIBE\r\n$2\r\np*\r\n";
	s->answer = "+OK\r\n+OK\r\n-ERR unknown command\r\n" CONFIRMED "*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$1\r\n1\r\n";
	s->stop_at_messages = 1;
	s->subscriber = redis_subscriber_open(&s->loop, &o);
	assert_non_null(s->subscriber);
	uv_run(&s->loop, UV_RUN_DEFAULT);
	assert_true(has_received(
		s, "*3\r\n$4\r\nAUTH\r\n$2\r\nme\r\n$2\r\npw\r\n*2\r\n$6\r\nSELECT\r\n$1\r\n3\r\n" HELLO SUBSCRIBE));
	assert_int_equal(s->ready, 1);
	s->answer = "+OK\r\n+OK\r\n+OK\r\n" CONFIRMED;
	s->stop_at_messages = 0;
	s->stop_at_ready = 2;
	drop_client(s);
	uv_run(&s->loop, UV_RUN_DEFAULT);
	assert_int_equal(s->ready, 2);
	assert_int_equal(s->not_ready, 1);
	assert_int_equal(s->connections, 2);
	assert_string_equal(seen, "m(a,a,1)");
	assert_int_equal(metrics_sum(&s->metrics, &redis_metrics, REDIS_METRIC_CONNECTS), 2);
	assert_int_equal(metrics_sum(&s->metrics, &redis_metrics, REDIS_METRIC_LOST), 1);
	server_free(s);
}

/* What came in one read with an error is still told; then the connection is given up, whatever else is in it. */
static void
error_among_messages(void **state)
{
	struct server *s = server_new("", "");
	struct redis_subscriber_options o = options(s);

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
		"-NOAUTH Authentication required.\r\n", "+OK\r\n-NOPERM no\r\n", "hello, this is not Redis\r\n" };

	(void)state;
	for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
		struct server *s = server_new(i == 0 ? ":bad@" : "", "");
		struct redis_subscriber_options o = options(s);

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
	struct redis_subscriber_options o = options(s);
	struct sockaddr_in a;

	(void)state;
	/* A port that nothing listens on: bound and closed again. */
	uv_close((uv_handle_t *)&s->listener, NULL);
	uv_run(&s->loop, UV_RUN_NOWAIT);
	s->subscriber = redis_subscriber_open(&s->loop, &o);
	while (metrics_sum(&s->metrics, &redis_metrics, REDIS_METRIC_LOST) < 2) uv_run(&s->loop, UV_RUN_ONCE);
	uv_tcp_init(&s->loop, &s->listener);
	s->listener.data = s;
	uv_ip4_addr("127.0.0.1", (int)s->url.port, &a);
	assert_int_equal(uv_tcp_bind(&s->listener, (struct sockaddr *)&a, 0), 0);
	assert_int_equal(uv_listen((uv_stream_t *)&s->listener, 8, on_server_connection), 0);
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

/* A server that accepts and then says nothing any more is found out. */
static void
silent_server(void **state)
{
	struct server *s = server_new("", "");
	struct redis_subscriber_options o = options(s);

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
	while (s->answer) uv_run(&s->loop, UV_RUN_ONCE);
	assert_int_equal(s->not_ready, 0);
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

/* A name, not an address: it is looked up, and each address is tried. */
static void
resolves_names(void **state)
{
	struct server *s = server_new("", "");
	struct redis_subscriber_options o = options(s);

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
	o = options(s);
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
server_subscribed(bool may_pause)
{
	struct server *s = server_new("", "");
	struct redis_subscriber_options o = options(s);

	o.may_pause = may_pause;
	o.message = on_number;
	o.silent_ms = o.dead_ms = 40;
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
	struct server *s = server_subscribed(true);
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
	struct server *s = server_subscribed(true);
	unsigned sent = send_until_held(s), held = 0;

	(void)state;
	run_until(s, sent);
	for (int i = 0; i < 20; i++) {
		uv_sleep(2 * REDIS_PAUSE_MS);
		uv_run(&s->loop, UV_RUN_NOWAIT); /* finds nothing */
		held += send_number(s, &sent);
	}
	assert_in_range(held, 0, 2); /* the kernel may be late, too */
	server_free(s);
}

/* A look that fills the buffer, and nothing after it: the loop comes round soon, for those who got the messages. */
static void
comes_round_after_a_full_buffer(void **state)
{
	enum { MESSAGE = 64, BUFFER = 65536 };
	static char text[BUFFER + 1];
	struct server *s = server_subscribed(true);
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
	struct server *s = server_subscribed(false);
	unsigned sent = 0, held = 0;

	(void)state;
	for (int i = 0; i < 1000; i++) held += send_number(s, &sent);
	assert_in_range(held, 0, 50);
	server_free(s);
}

/* What came before the end is taken, also when nobody looks at that moment. */
static void
lost_while_pausing(void **state)
{
	struct server *s = server_subscribed(true);
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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses),
		cmocka_unit_test(passwords_from_elsewhere),
		cmocka_unit_test(reader_at_every_split),
		cmocka_unit_test(reader_agrees_with_hiredis),
		cmocka_unit_test(reader_big_payload),
		cmocka_unit_test(reader_refuses),
		cmocka_unit_test(reader_takes_nested),
		cmocka_unit_test(subscribes_again),
		cmocka_unit_test(error_among_messages),
		cmocka_unit_test(publisher_ignores_messages),
		cmocka_unit_test(keeps_trying),
		cmocka_unit_test(server_comes_later),
		cmocka_unit_test(silent_server),
		cmocka_unit_test(publishes),
		cmocka_unit_test(resolves_names),
		cmocka_unit_test(pauses_when_busy),
		cmocka_unit_test(takes_few_at_once),
		cmocka_unit_test(comes_round_after_a_full_buffer),
		cmocka_unit_test(never_pauses_unasked),
		cmocka_unit_test(lost_while_pausing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

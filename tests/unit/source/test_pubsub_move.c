/* SPDX-License-Identifier: MIT */
/*
 * From one server to the other, where the test is both: it says what comes on which connection, and in which order.
 * What is published is sent to nobody by itself.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "src/base/log.h"
#include "src/source/crossing.h"
#include "src/source/pubsub.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINKS = 16, HELD_HEAD = 4 * sizeof(size_t) + 2 /* of a message of channel "a" */, ROOM = 500 };

struct peer;

/* A connection to one of both. */
struct peer_link {
	uv_tcp_t tcp;
	struct peer *of;
	struct eio_buf in;
	bool hears; /* it has subscribed to something */
};

/* One of both servers. */
struct peer {
	uv_tcp_t listener;
	struct peer_link *links[LINKS];
	size_t n;
	char published; /* the number of the marker that came last */
	char url_text[64];
};

static uv_loop_t loop;
static uv_timer_t watchdog;
static struct peer one, two;
static struct redis_url url; /* where the source is, or goes */
static struct metrics_set counters;
static struct metrics *metrics;
static struct source *source;
static char marker[64]; /* the channel */
static char seen[256]; /* messages that were taken; long ones by their length */
static bool ready, switched;
static const char *moved; /* how, and why */
static char moved_text[128];

/* Servers */

static void
on_peer_watchdog(uv_timer_t *t)
{
	(void)t;
	fail_msg("nothing happened for twenty seconds; seen: %s", seen);
}

static void
on_link_closed(uv_handle_t *h)
{
	struct peer_link *l = h->data;

	eio_buf_deinit(&l->in);
	free(l);
}

static void
close_link(struct peer_link *l)
{
	struct peer *p = l->of;

	for (size_t i = 0; i < p->n; i++)
		if (p->links[i] == l) p->links[i] = p->links[--p->n];
	uv_close((uv_handle_t *)&l->tcp, on_link_closed);
}

static void
on_said(uv_write_t *w, int status)
{
	(void)status;
	free(w->data);
	free(w);
}

/* Goes on in the background where it is much. */
static void
say_bytes(struct peer_link *l, struct eio_buf *text)
{
	uv_write_t *w = calloc(1, sizeof *w);
	uv_buf_t b = uv_buf_init(text->p, (unsigned)text->n);

	assert_non_null(w);
	w->data = text->p;
	assert_int_equal(uv_write(w, (uv_stream_t *)&l->tcp, &b, 1, on_said), 0);
	*text = (struct eio_buf){ 0 };
}

static struct peer_link *
subscriber_at(struct peer *p)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->links[i]->hears) return p->links[i];
	fail_msg("nobody subscribes");
	return NULL;
}

static void
say_message(struct peer *p, const char *channel, const char *payload, size_t n)
{
	struct eio_buf b = { 0 };

	eio_buf_printf(&b, "*3\r\n$7\r\nmessage\r\n$%zu\r\n%s\r\n$%zu\r\n", strlen(channel), channel, n);
	eio_buf_append(&b, payload, n);
	EIO_BUF_ADD_LIT(&b, "\r\n");
	say_bytes(subscriber_at(p), &b);
}

static void
say_text(struct peer *p, const char *payload)
{
	say_message(p, "a", payload, strlen(payload));
}

static void
say_marker(struct peer *p, char number)
{
	say_message(p, marker, &number, 1);
}

/* One of n bytes. */
static void
say_long(struct peer *p, size_t n)
{
	char *payload = malloc(n);

	assert_non_null(payload);
	memset(payload, 'x', n);
	say_message(p, "a", payload, n);
	free(payload);
}

static void
answer_words(struct peer_link *l, char words[3][64], struct eio_buf *out)
{
	bool pattern = strcmp(words[0], "PSUBSCRIBE") == 0;

	if (pattern || strcmp(words[0], "SUBSCRIBE") == 0) {
		l->hears = true;
		if (strncmp(words[1], "siocast:", 8) == 0) snprintf(marker, sizeof marker, "%s", words[1]);
		eio_buf_printf(out, "*3\r\n$%d\r\n%s\r\n$%zu\r\n%s\r\n:1\r\n", pattern ? 10 : 9,
			pattern ? "psubscribe" : "subscribe", strlen(words[1]), words[1]);
	} else if (strcmp(words[0], "UNSUBSCRIBE") == 0) {
		eio_buf_printf(out, "*3\r\n$11\r\nunsubscribe\r\n$%zu\r\n%s\r\n:1\r\n", strlen(words[1]), words[1]);
	} else if (strcmp(words[0], "INFO") == 0) {
		eio_buf_printf(out, "$54\r\nmaster_replid:%040d\r\n", l->of == &one ? 1 : 2);
	} else if (strcmp(words[0], "PUBLISH") == 0) {
		l->of->published = *words[2];
		EIO_BUF_ADD_LIT(out, ":1\r\n");
	} else {
		EIO_BUF_ADD_LIT(out, "+OK\r\n");
	}
}

/* A command of at most three short words: how long it is, or 0 when it is not whole. */
static size_t
take_words(struct eio_bytes in, char words[3][64])
{
	size_t at = 0, n = 0, count = 1;

	memset(words, 0, 3 * 64);
	for (size_t i = 0; i < 1 + 2 * count; i++) {
		const char *end = at < in.n ? memmem(in.p + at, in.n - at, "\r\n", 2) : NULL;

		if (!end) return 0;
		if (i == 0) count = strtoul(in.p + 1, NULL, 10);
		assert_in_range(count, 1, 3);
		if (i && i % 2 == 0) snprintf(words[n++], 64, "%.*s", (int)(end - in.p - at), in.p + at);
		at = (size_t)(end - in.p) + 2;
	}
	return at;
}

static void
on_link_alloc(uv_handle_t *h, size_t suggested, uv_buf_t *buf)
{
	static char bytes[65536];

	(void)h;
	(void)suggested;
	*buf = uv_buf_init(bytes, sizeof bytes);
}

static void
on_link_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	struct peer_link *l = stream->data;
	struct eio_buf out = { 0 };
	char words[3][64];
	size_t at = 0, taken;

	if (n < 0) {
		close_link(l);
		return;
	}
	eio_buf_append(&l->in, buf->base, (size_t)n);
	while ((taken = take_words(eio_bytes(l->in.p + at, l->in.n - at), words))) {
		answer_words(l, words, &out);
		at += taken;
	}
	memmove(l->in.p, l->in.p + at, l->in.n - at);
	l->in.n -= at;
	if (out.n) say_bytes(l, &out);
}

static void
on_link(uv_stream_t *listener, int status)
{
	struct peer *p = listener->data;
	struct peer_link *l = calloc(1, sizeof *l);

	assert_int_equal(status, 0);
	assert_non_null(l);
	assert_in_range(p->n, 0, LINKS - 1);
	p->links[p->n++] = l;
	l->of = p;
	uv_tcp_init(&loop, &l->tcp);
	l->tcp.data = l;
	assert_int_equal(uv_accept(listener, (uv_stream_t *)&l->tcp), 0);
	uv_tcp_nodelay(&l->tcp, 1);
	uv_read_start((uv_stream_t *)&l->tcp, on_link_alloc, on_link_read);
}

static void
open_peer(struct peer *p)
{
	struct sockaddr_in a;
	int n = sizeof a;

	*p = (struct peer){ .n = 0 };
	uv_tcp_init(&loop, &p->listener);
	p->listener.data = p;
	uv_ip4_addr("127.0.0.1", 0, &a);
	assert_int_equal(uv_tcp_bind(&p->listener, (struct sockaddr *)&a, 0), 0);
	assert_int_equal(uv_listen((uv_stream_t *)&p->listener, 8, on_link), 0);
	uv_tcp_getsockname(&p->listener, (struct sockaddr *)&a, &n);
	snprintf(p->url_text, sizeof p->url_text, "redis://127.0.0.1:%d", ntohs(a.sin_port));
}

static void
close_peer(struct peer *p)
{
	while (p->n) close_link(p->links[0]);
	uv_close((uv_handle_t *)&p->listener, NULL);
}

/* The source */

static void
on_moved_message(void *user, struct message *m)
{
	size_t at = strlen(seen);

	(void)user;
	if (m->payload.n < 10)
		snprintf(seen + at, sizeof seen - at, "%.*s;", (int)m->payload.n, m->payload.p);
	else
		snprintf(seen + at, sizeof seen - at, "%zu;", m->payload.n);
}

static void
on_moved_gap(void *user, const struct source_gap *gap)
{
	(void)user;
	(void)gap;
}

static void
on_moved_state(void *user, bool is_ready)
{
	(void)user;
	ready = is_ready;
}

static void
on_moved_answered(void *user, bool all)
{
	(void)user;
	(void)all;
}

static void
on_moved_refused(void *user, enum message_kind kind, struct eio_bytes name, bool refused)
{
	(void)user;
	fail_msg("%d %.*s %d", kind, (int)name.n, name.p, refused);
}

static void
on_switched(void *user, bool lost)
{
	(void)user;
	(void)lost;
	assert_false(switched); /* once */
	switched = true;
}

static bool
has_switched(void *user)
{
	(void)user;
	return true;
}

static void
on_moved(void *user, const struct source_moved *how)
{
	(void)user;
	assert_null(moved);
	snprintf(moved_text, sizeof moved_text, "%s%s%s", how->how, how->gap ? ": " : "", how->gap ? how->why : "");
	moved = moved_text;
}

static const struct source_events events = {
	.message = on_moved_message,
	.gap = on_moved_gap,
	.state = on_moved_state,
	.answered = on_moved_answered,
	.refused = on_moved_refused,
};

static const struct source_move_events move_events = {
	.switched = on_switched,
	.has_switched = has_switched,
	.moved = on_moved,
};

#define RUN_UNTIL_THAT(condition) \
	while (!(condition)) uv_run(&loop, UV_RUN_ONCE)

static struct source_options
moving_options(void)
{
	static const char *const channels[] = { "a" };

	return (struct source_options){
		.loop = &loop,
		.url = &url,
		.metrics = metrics,
		.channels = channels,
		.n_channels = 1,
		.message_bytes = CROSSING_HELD_BYTES,
		.events = &events,
		.user = &source,
	};
}

static void
go_to(const struct peer *p)
{
	char err[160];

	assert_int_equal(redis_url_parse(&url, p->url_text, err, sizeof err), 0);
}

/* One that goes over from the one server to the other, which are the same, and is at the cut: neither has it yet. */
static int
begin_cut(void **state)
{
	struct source_options o;
	struct redis_url old;

	(void)state;
	*seen = '\0';
	ready = switched = false;
	moved = NULL;
	assert_int_equal(uv_loop_init(&loop), 0);
	uv_timer_init(&loop, &watchdog);
	uv_timer_start(&watchdog, on_peer_watchdog, 20000, 0);
	assert_int_equal(metrics_set_init(&counters), 0);
	metrics = metrics_new(&counters, &redis_metrics, "test");
	open_peer(&one);
	open_peer(&two);
	go_to(&one);
	o = moving_options();
	source = source_pubsub.open(&o);
	RUN_UNTIL_THAT(ready);
	old = url;
	go_to(&two);
	source_pubsub.move(source, &o, &old, &move_events);
	redis_url_deinit(&old);
	RUN_UNTIL_THAT(two.published == '1');
	say_text(&two, "not yet");
	say_marker(&one, '1');
	RUN_UNTIL_THAT(switched && two.published == '4');
	say_text(&one, "1");
	RUN_UNTIL_THAT(strcmp(seen, "1;") == 0);
	return 0;
}

static int
end_cut(void **state)
{
	(void)state;
	source_pubsub.close(source);
	close_peer(&one);
	close_peer(&two);
	uv_close((uv_handle_t *)&watchdog, NULL);
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&loop), 0);
	redis_url_deinit(&url);
	metrics_free(metrics);
	metrics_set_deinit(&counters);
	return 0;
}

/* Until all that was said has been taken. */
static void
let_it_read(struct peer *p)
{
	RUN_UNTIL_THAT(uv_stream_get_write_queue_size((uv_stream_t *)&subscriber_at(p)->tcp) == 0);
	for (int i = 0; i < 100; i++) uv_run(&loop, UV_RUN_NOWAIT);
}

/* What is held is full but for ROOM bytes. */
static void
fill_held(struct peer *p)
{
	say_long(p, CROSSING_HELD_BYTES / 2 - HELD_HEAD);
	say_long(p, CROSSING_HELD_BYTES / 2 - HELD_HEAD - ROOM);
	let_it_read(p);
}

static void
the_old_one_has_it_first(void **state)
{
	(void)state;
	say_marker(&one, '4');
	say_text(&one, "2");
	say_text(&two, "1");
	let_it_read(&one);
	let_it_read(&two);
	assert_string_equal(seen, "1;");
	say_marker(&two, '4');
	say_text(&two, "2");
	RUN_UNTIL_THAT(moved);
	say_text(&two, "3");
	RUN_UNTIL_THAT(strlen(seen) == 6);
	assert_string_equal(seen, "1;2;3;");
	assert_string_equal(moved, "same");
}

static void
the_new_one_has_it_first(void **state)
{
	(void)state;
	say_marker(&two, '4');
	say_text(&two, "3");
	let_it_read(&two);
	say_text(&one, "2");
	say_marker(&one, '4');
	say_text(&one, "3");
	RUN_UNTIL_THAT(moved);
	let_it_read(&one);
	assert_string_equal(seen, "1;2;3;");
	assert_string_equal(moved, "same");
}

/* What the old one said behind the cut is not lost. */
static void
the_new_one_never_has_it(void **state)
{
	(void)state;
	say_marker(&one, '4');
	say_text(&one, "2");
	say_text(&one, "3");
	RUN_UNTIL_THAT(moved);
	assert_string_equal(seen, "1;2;3;");
	assert_string_equal(moved, "anew: a marker did not come");
}

static void
the_new_one_is_lost(void **state)
{
	(void)state;
	say_marker(&one, '4');
	say_text(&one, "2");
	let_it_read(&one);
	close_link(subscriber_at(&two));
	RUN_UNTIL_THAT(moved);
	assert_string_equal(seen, "1;2;");
	assert_string_equal(moved, "anew: the connection to the new one was lost");
}

static void
the_old_one_is_lost(void **state)
{
	(void)state;
	say_marker(&one, '4');
	say_text(&one, "2");
	let_it_read(&one);
	close_link(subscriber_at(&one));
	RUN_UNTIL_THAT(!ready);
	assert_string_equal(seen, "1;2;");
	RUN_UNTIL_THAT(moved);
	assert_string_equal(moved, "anew: the connection to the old one was lost");
}

static void
too_much_of_the_old_one(void **state)
{
	char expected[sizeof seen];

	(void)state;
	say_marker(&one, '4');
	fill_held(&one);
	assert_string_equal(seen, "1;");
	say_long(&one, ROOM);
	/* Both come in one turn. */
	say_marker(&two, '4');
	RUN_UNTIL_THAT(moved);
	snprintf(expected, sizeof expected, "1;%zu;%zu;%d;", (size_t)CROSSING_HELD_BYTES / 2 - HELD_HEAD,
		(size_t)CROSSING_HELD_BYTES / 2 - HELD_HEAD - ROOM, ROOM);
	assert_string_equal(seen, expected);
	assert_string_equal(moved, "anew: too much came meanwhile");
}

static void
too_much_of_the_new_one(void **state)
{
	(void)state;
	say_marker(&two, '4');
	fill_held(&two);
	say_long(&two, ROOM);
	/* Both come in one turn: the cut is not one any more. */
	say_marker(&one, '4');
	say_text(&one, "2");
	RUN_UNTIL_THAT(moved);
	assert_string_equal(seen, "1;2;");
	assert_string_equal(moved, "anew: too much came meanwhile");
}

#define AT_THE_CUT(f) cmocka_unit_test_setup_teardown(f, begin_cut, end_cut)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		AT_THE_CUT(the_old_one_has_it_first),
		AT_THE_CUT(the_new_one_has_it_first),
		AT_THE_CUT(the_new_one_never_has_it),
		AT_THE_CUT(the_new_one_is_lost),
		AT_THE_CUT(the_old_one_is_lost),
		AT_THE_CUT(too_much_of_the_old_one),
		AT_THE_CUT(too_much_of_the_new_one),
	};

	log_set_level(LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

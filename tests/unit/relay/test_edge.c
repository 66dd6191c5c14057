/* SPDX-License-Identifier: MIT */
/* An edge whose hub is the test: in the place of its line stands one that keeps what is said. */
#include "src/base/clock.h"
#include "src/feed/passing.h"
#include "src/relay/edge_int.h"
#include "tests/unit/relay/rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* The line */

struct relay_line {
	struct relay_line_events events;
	unsigned connects;
	bool up, starves;
	struct eio_buf said;
};

struct relay_line *
relay_line_new(struct thread *thread, const struct relay_line_events *events)
{
	struct relay_line *l = calloc(1, sizeof *l);

	(void)thread;
	assert_non_null(l);
	l->events = *events;
	return l;
}

int
relay_line_start(struct relay_line *l)
{
	(void)l;
	return 0;
}

bool
relay_line_connect(struct relay_line *l, const char *address, unsigned port, const char *host, const char *path)
{
	assert_string_equal(address, "127.0.0.1");
	assert_string_equal(host, "127.0.0.1");
	assert_string_equal(path, RELAY_PATH);
	assert_int_equal(port, 7);
	eio_buf_clear(&l->said);
	l->connects++;
	l->up = true;
	return true;
}

void
relay_line_hang_up(struct relay_line *l)
{
	l->up = false;
}

bool
relay_line_send(struct relay_line *l, struct eio_bytes s)
{
	if (!l->up || l->starves) return false;
	eio_buf_add(&l->said, s);
	return true;
}

size_t
relay_line_unsent(struct relay_line *l)
{
	return l->said.n;
}

void
relay_line_done(struct relay_line *l, struct relay_chunk *c)
{
	(void)l;
	free(c);
}

size_t
relay_line_unread(const struct relay_line *l)
{
	(void)l;
	return 0;
}

void
relay_line_stop(struct relay_line *l)
{
	l->up = false;
}

void
relay_line_free(struct relay_line *l)
{
	eio_buf_deinit(&l->said);
	free(l);
}

/* The hub */

static const char secret[] = "a secret of hub and edge";

struct fixture {
	struct relay_rig rig;
	struct relay_spec spec;
	struct relay_edge *edge;
	struct relay_hello hub;
	unsigned char epoch[RELAY_EPOCH];
	uint64_t session;
};

static int
set_up(void **state)
{
	struct fixture *x = calloc(1, sizeof *x);
	struct relay_edge_options o;

	if (!x) return -1;
	*state = x;
	relay_rig_open(&x->rig, "{}", true, false);
	x->spec = (struct relay_spec){
		.host = "127.0.0.1", .port = 7, .text = "127.0.0.1:7", .secret = eio_cstr(secret), .linger_seconds = 0
	};
	o = (struct relay_edge_options){ .thread = &x->rig.thread,
		.feed = x->rig.feed,
		.interest = x->rig.interest,
		.metrics = &x->rig.metrics,
		.spec = &x->spec,
		.frame_bytes = 1 << 20,
		.publish_queue_bytes = 1000 };
	x->hub = (struct relay_hello){ .version = RELAY_VERSION, .node = "hub", .nonce = "nonce of the hub" };
	memcpy(x->epoch, "the first of all", sizeof x->epoch);
	x->session = 1;
	assert_non_null(x->edge = relay_edge_new(&o));
	assert_int_equal(relay_edge_start(x->edge), 0);
	return 0;
}

static int
tear_down(void **state)
{
	struct fixture *x = *state;

	relay_edge_stop(x->edge);
	relay_rig_stop(&x->rig);
	relay_edge_free(x->edge);
	relay_rig_close(&x->rig);
	free(x);
	return 0;
}

static void
hear(struct fixture *x, unsigned type, struct eio_buf *body)
{
	struct relay_line *l = x->edge->line;
	struct eio_buf frame = { 0 };
	struct relay_chunk *c;

	relay_put_frame(&frame, type, eio_buf_bytes(body));
	assert_non_null(c = malloc(sizeof *c + frame.n + 1));
	c->n = frame.n;
	memcpy(c->data, frame.p, frame.n);
	l->events.received(l->events.user, c);
	eio_buf_deinit(&frame);
	eio_buf_deinit(body);
}

static void
hear_number(struct fixture *x, unsigned type, uint64_t number)
{
	struct eio_buf body = { 0 };

	relay_put_number(&body, number);
	hear(x, type, &body);
}

static void
hear_ping(struct fixture *x, uint64_t complete_ms, uint64_t published)
{
	struct eio_buf body = { 0 };

	relay_put_number(&body, complete_ms);
	relay_put_number(&body, published);
	hear(x, RELAY_PING, &body);
}

/* The next frame that the edge has said, if there is one: its bytes are valid until something more is said. */
static bool
next_said(struct fixture *x, unsigned *type, struct eio_bytes *body)
{
	struct eio_buf *said = &x->edge->line->said;
	struct eio_bytes s = eio_buf_bytes(said);
	static char frame[4096];
	uint64_t n;

	if (!s.n) return false;
	assert_true(relay_take_number(&s, &n) && n && n <= s.n && n <= sizeof frame);
	memcpy(frame, s.p, n);
	*type = (unsigned char)frame[0];
	*body = eio_bytes(frame + 1, n - 1);
	said->n = s.n - n;
	memmove(said->p, s.p + n, said->n);
	return true;
}

/* What it says next of a type; all before it is passed over. False: there is none. */
static bool
said(struct fixture *x, unsigned type, struct eio_bytes *body)
{
	unsigned got;

	while (next_said(x, &got, body))
		if (got == type) return true;
	return false;
}

static void
say_welcome(struct fixture *x, bool resumed, uint64_t received)
{
	struct relay_place place = { .session = x->session, .received = received };
	struct eio_buf body = { 0 };

	memcpy(place.epoch, x->epoch, sizeof place.epoch);
	eio_buf_addc(&body, resumed);
	relay_place_write(&place, &body);
	eio_buf_addc(&body, 0);
	relay_put_number(&body, 1);
	eio_buf_append(&body, x->epoch, sizeof x->epoch);
	relay_put_number(&body, 1);
	relay_put_bytes(&body, EIO_LIT("/"));
	relay_put_bytes(&body, EIO_LIT("news"));
	hear(x, RELAY_WELCOME, &body);
}

/* Waits until it connects, and greets it up to its proof. */
static void
greet(struct fixture *x)
{
	struct relay_line *l = x->edge->line;
	unsigned char proof[AUTH_MAC];
	struct relay_hello hello;
	struct eio_bytes s;
	struct eio_buf body = { 0 };

	relay_rig_turn(&x->rig);
	if (x->edge->state == EDGE_WAITS) x->edge->timer.fire(&x->edge->timer);
	while (x->edge->state != EDGE_CONNECTS) uv_run(&x->rig.thread.loop, UV_RUN_ONCE);
	l->events.opened(l->events.user);
	assert_true(said(x, RELAY_HELLO, &s) && relay_hello_take(&s, &hello));
	relay_hello_write(&x->hub, &body);
	assert_true(relay_prove_hub(eio_cstr(secret), &hello, &x->hub, proof));
	eio_buf_append(&body, proof, sizeof proof);
	hear(x, RELAY_HELLO, &body);
	assert_true(said(x, RELAY_PROOF, &s));
}

/* A connection up to where all rooms are there. */
static void
come(struct fixture *x, bool resumed, uint64_t received)
{
	greet(x);
	say_welcome(x, resumed, received);
	assert_int_equal(x->edge->state, EDGE_OPEN);
	hear_number(x, RELAY_SYNCED, x->edge->syncs);
	assert_true(feed_ready(x->rig.feed));
}

static void
lose(struct fixture *x)
{
	struct relay_line *l = x->edge->line;

	l->up = false;
	l->events.closed(l->events.user, "it was cut");
	assert_int_equal(x->edge->state, EDGE_WAITS);
}

static uint64_t
counted(struct fixture *x, enum relay_edge_metric m)
{
	return metrics_sum(&x->rig.metrics, &relay_edge_metrics, m);
}

/* Tests */

static void
told_nothing(struct feed_ask *a)
{
	(void)a;
}

static void
free_asked(struct feed_ask *a)
{
	free(a);
}

/* A start that fails somewhere else ends what has begun. */
static void
stops_before_it_has_run(void **state)
{
	(void)state;
}

/* The same question of several is one, and its answer the same bundles for all of them. */
static void
answers_are_shared(void **state)
{
	struct fixture *x = *state;
	struct feed_ask *asks[3];
	struct eio_bundle *first = NULL;
	struct eio_bytes s;
	struct eio_buf body = { 0 }, one = { 0 };
	uint64_t number = 0;

	come(x, false, 0);
	for (size_t i = 0; i < 3; i++) {
		assert_non_null(asks[i] = calloc(1, sizeof *asks[i]));
		assert_int_equal(feed_ask_init(asks[i], 0, told_nothing, free_asked), 0);
		asks[i]->nsp = EIO_LIT("/");
		asks[i]->everyone = true;
		edge_asks_take(x->edge, feed_ask_ref(asks[i]));
	}
	assert_true(said(x, RELAY_ASK, &s) && relay_take_number(&s, &number));
	assert_false(said(x, RELAY_ASK, &s));
	relay_put_number(&body, number);
	eio_buf_addc(&body, 0);
	relay_put_number(&body, 1);
	relay_put_number(&body, 2);
	EIO_BUF_ADD_LIT(&one, "\1\2\14"
			      "2[\"hello\",1]");
	one.p[2] = (char)(one.n - 3);
	for (int i = 0; i < 2; i++) relay_put_bytes(&body, eio_buf_bytes(&one));
	eio_buf_deinit(&one);
	hear(x, RELAY_ANSWER, &body);
	assert_int_equal(x->edge->state, EDGE_OPEN);
	assert_int_equal(x->rig.n, 3);
	for (size_t i = 0; i < 3; i++) {
		assert_false(asks[i]->failed);
		assert_int_equal(asks[i]->n, 2);
		assert_int_equal(asks[i]->done, 1);
		if (!first) first = asks[i]->bundles[0];
		assert_ptr_equal(asks[i]->bundles[0], first);
	}
	for (size_t i = 0; i < 3; i++) feed_ask_unref(asks[i]);
}

/* The session before is gone. Returns `from` of what clients are told. */
static uint64_t
gap_from(struct fixture *x)
{
	char text[200];
	unsigned long long from = 0;

	lose(x);
	x->session++;
	come(x, false, 0);
	relay_rig_last(&x->rig, text, sizeof text);
	assert_int_equal(sscanf(text, "42[\"siocast:gap\",{\"channel\":\"news\",\"from\":%llu", &from), 1);
	return from;
}

static void
gaps_begin_when_all_was_there(void **state)
{
	struct fixture *x = *state;
	uint64_t now = clock_wall_ms();

	assert_int_equal(interest_set(x->rig.interest, 0, sio_room_everyone(EIO_LIT("/"))), 0);
	come(x, false, 0);
	assert_int_equal(x->rig.n, 0);
	/* What waited at the hub, or was not looked at, was published long before the connection was lost. */
	x->edge->begun_wall_ms = now - 60000;
	hear_ping(x, now - 9000, 0);
	hear_ping(x, 0, 0);
	assert_int_equal(gap_from(x), now - 9000);
	/* Clocks that differ: neither before it began, nor behind what came last. */
	now = clock_wall_ms();
	x->edge->begun_wall_ms = now - 5000;
	hear_ping(x, now - 9000, 0);
	assert_int_equal(gap_from(x), now - 5000);
	now = clock_wall_ms();
	hear_ping(x, now + 100000, 0);
	assert_in_range(gap_from(x), now, now + 50000);
	/* A hub that does not say it. */
	now = clock_wall_ms();
	x->edge->begun_wall_ms = now - 60000;
	hear(x, RELAY_PING, &(struct eio_buf){ 0 });
	assert_in_range(gap_from(x), now, now + 50000);
	assert_int_equal(counted(x, RELAY_EDGE_METRIC_GAPS), 4);
	interest_clear(x->rig.interest, 0, sio_room_everyone(EIO_LIT("/")));
}

/* Nothing is left to silence. */
static void
without_memory_the_connection_ends(void **state)
{
	struct fixture *x = *state;
	struct eio_bytes s;

	come(x, false, 0);
	x->edge->line->starves = true;
	assert_int_equal(interest_set(x->rig.interest, 0, sio_room_named(EIO_LIT("/"), EIO_LIT("a"))), 0);
	for (int i = 0; i < 200 && x->edge->state == EDGE_OPEN; i++) {
		uv_sleep(1);
		relay_rig_turn(&x->rig);
	}
	assert_int_equal(x->edge->state, EDGE_WAITS);
	assert_int_equal(counted(x, RELAY_EDGE_METRIC_MEMORY), 1);
	x->edge->line->starves = false;
	greet(x);
	say_welcome(x, true, x->edge->place.received);
	assert_true(said(x, RELAY_JOIN, &s));
	interest_clear(x->rig.interest, 0, sio_room_named(EIO_LIT("/"), EIO_LIT("a")));
}

static void
left_out_rooms_are_looked_at(void **state)
{
	struct fixture *x = *state;
	struct eio_bytes s;
	struct sio_room_key key;

	come(x, false, 0);
	while (said(x, RELAY_TYPE_END, &s)) continue;
	interest_unwatch(x->rig.interest, x->edge);
	assert_int_equal(interest_set(x->rig.interest, 0, sio_room_named(EIO_LIT("/"), EIO_LIT("a"))), 0);
	atomic_store(&x->edge->unnoted, 1);
	x->edge->timer.fire(&x->edge->timer);
	assert_true(said(x, RELAY_JOIN, &s) && relay_take_key(&s, &key));
	assert_true(eio_bytes_eq(key.name, EIO_LIT("a")));
	interest_clear(x->rig.interest, 0, sio_room_named(EIO_LIT("/"), EIO_LIT("a")));
}

/* The channels of what is published, one behind the other. */
static void
expect_published(struct fixture *x, const char *want)
{
	struct eio_buf got = { 0 };
	struct eio_bytes s, channel;

	while (said(x, RELAY_PUBLISH, &s)) {
		assert_true(relay_take_bytes(&s, &channel));
		eio_buf_add(&got, channel);
	}
	eio_buf_addc(&got, '\0');
	assert_string_equal(got.p, want);
	eio_buf_deinit(&got);
}

static void
publish(struct fixture *x, const char *channels)
{
	for (; *channels; channels++) edge_publish(x->edge, eio_bytes(channels, 1), EIO_LIT("1"));
}

static void
what_is_published_comes_once(void **state)
{
	struct fixture *x = *state;

	publish(x, "-");
	assert_int_equal(counted(x, RELAY_EDGE_METRIC_UNPUBLISHED), 1);
	come(x, false, 0);
	hear_ping(x, 0, 0);
	publish(x, "abcd");
	expect_published(x, "abcd");
	hear_ping(x, 0, 1);
	lose(x);
	/* What comes before the hub has said what it has waits for that. */
	come(x, true, x->edge->place.received);
	publish(x, "e");
	expect_published(x, "");
	hear_ping(x, 0, 2);
	expect_published(x, "cde");
	hear_ping(x, 0, 5);
	assert_true(eio_list_empty(&x->edge->publications));
	assert_int_equal(x->edge->publish_bytes, 0);
	assert_int_equal(counted(x, RELAY_EDGE_METRIC_UNPUBLISHED), 1);
	/* Of a session that is no more nobody knows. */
	publish(x, "fg");
	hear_ping(x, 0, 6);
	lose(x);
	x->session++;
	come(x, false, 0);
	hear_ping(x, 0, 0);
	expect_published(x, "");
	assert_int_equal(counted(x, RELAY_EDGE_METRIC_UNPUBLISHED), 2);
	publish(x, "h");
	expect_published(x, "h");
	/* More than was said is no number. */
	hear_ping(x, 0, 2);
	assert_int_equal(x->edge->state, EDGE_WAITS);
}

static void
what_is_kept_has_a_bound(void **state)
{
	struct fixture *x = *state;
	unsigned n = 0;

	come(x, false, 0);
	hear_ping(x, 0, 0);
	while (counted(x, RELAY_EDGE_METRIC_UNPUBLISHED) == 0 && n < 10000) {
		publish(x, "a");
		n++;
	}
	assert_in_range(n, 2, 1000);
	hear_ping(x, 0, n - 1);
	publish(x, "b");
	assert_int_equal(counted(x, RELAY_EDGE_METRIC_UNPUBLISHED), 1);
}

/* A hub of before: it says nothing, so what was said is as good as there until its connection is lost. */
static void
a_plain_hub_gets_all_once(void **state)
{
	struct fixture *x = *state;
	struct eio_buf nothing = { 0 };

	come(x, false, 0);
	publish(x, "ab");
	hear(x, RELAY_PING, &nothing);
	publish(x, "c");
	lose(x);
	come(x, true, x->edge->place.received);
	publish(x, "d");
	expect_published(x, "d");
	assert_int_equal(counted(x, RELAY_EDGE_METRIC_UNPUBLISHED), 1);
	/* It is not known to be one before it has pinged. */
	lose(x);
	x->session++;
	come(x, false, 0);
	publish(x, "e");
	lose(x);
	come(x, true, x->edge->place.received);
	publish(x, "f");
	expect_published(x, "");
	hear(x, RELAY_PING, &nothing);
	expect_published(x, "f");
}

/* It would have to be kept until the next ping, which comes every 5 s: what bounds it is how much the line takes. */
static void
for_a_plain_hub_nothing_is_kept(void **state)
{
	struct fixture *x = *state;
	struct eio_buf nothing = { 0 };
	unsigned n = 0;

	come(x, false, 0);
	publish(x, "a");
	hear(x, RELAY_PING, &nothing);
	expect_published(x, "a");
	for (; n < 10000; n++) {
		publish(x, "b");
		expect_published(x, "b");
	}
	assert_true(eio_list_empty(&x->edge->publications));
	assert_int_equal(x->edge->publish_bytes, 0);
	assert_int_equal(counted(x, RELAY_EDGE_METRIC_UNPUBLISHED), 0);
	hear(x, RELAY_PING, &nothing);
	/* It does not read. */
	for (n = 0; n < 10000 && counted(x, RELAY_EDGE_METRIC_UNPUBLISHED) == 0; n++) publish(x, "c");
	assert_in_range(n, 100, 1000);
	/* Of those behind the last ping nobody knows. */
	lose(x);
	come(x, true, x->edge->place.received);
	expect_published(x, "");
	assert_int_equal(counted(x, RELAY_EDGE_METRIC_UNPUBLISHED), n);
	x->edge->line->starves = true;
	publish(x, "d");
	assert_int_equal(counted(x, RELAY_EDGE_METRIC_UNPUBLISHED), n + 1);
}

/* Edges of this one wait for what it has asked since. */
static void
edges_below_wait_for_the_hub_above(void **state)
{
	struct fixture *x = *state;
	struct eio_bytes s;
	uint64_t number = 0;

	feed_settle(x->rig.feed);
	assert_false(feed_is_settled(x->rig.feed));
	come(x, false, 0);
	assert_true(feed_is_settled(x->rig.feed));
	while (said(x, RELAY_SYNC, &s)) continue;
	feed_settle(x->rig.feed);
	assert_false(feed_is_settled(x->rig.feed));
	assert_true(said(x, RELAY_SYNC, &s) && relay_take_number(&s, &number));
	hear_number(x, RELAY_SYNCED, number - 1);
	assert_false(feed_is_settled(x->rig.feed));
	hear_number(x, RELAY_SYNCED, number);
	assert_true(feed_is_settled(x->rig.feed));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(stops_before_it_has_run, set_up, tear_down),
		cmocka_unit_test_setup_teardown(answers_are_shared, set_up, tear_down),
		cmocka_unit_test_setup_teardown(gaps_begin_when_all_was_there, set_up, tear_down),
		cmocka_unit_test_setup_teardown(without_memory_the_connection_ends, set_up, tear_down),
		cmocka_unit_test_setup_teardown(left_out_rooms_are_looked_at, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_is_published_comes_once, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_is_kept_has_a_bound, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_plain_hub_gets_all_once, set_up, tear_down),
		cmocka_unit_test_setup_teardown(for_a_plain_hub_nothing_is_kept, set_up, tear_down),
		cmocka_unit_test_setup_teardown(edges_below_wait_for_the_hub_above, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

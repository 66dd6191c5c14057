/* SPDX-License-Identifier: MIT */
/* A hub whose edges are the test: in the place of WebSockets stand such that keep what is written. */
#include "src/base/clock.h"
#include "src/feed/delivery.h"
#include "src/feed/feed_self.h"
#include "src/relay/hub_int.h"
#include "tests/unit/failmalloc.h"
#include "tests/unit/relay/rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* WebSockets */

struct eio_ws {
	struct hub_link *link; /* NULL: it is closed */
	struct eio_buf written;
	bool full;
};

static const int server; /* any address */

/* Linked with -Wl,--wrap for each of them. */
struct eio_ws_server *__wrap_eio_ws_server_new(
	uv_loop_t *loop, size_t max_payload, const struct eio_ws_handler *handler);
void __wrap_eio_ws_server_close(struct eio_ws_server *s);
void __wrap_eio_ws_server_free(struct eio_ws_server *s);
void __wrap_eio_ws_server_gather(struct eio_ws_server *s, bool wide);
void __wrap_eio_ws_server_send_gathered(struct eio_ws_server *s);
void __wrap_eio_ws_adopt(struct eio_ws_server *s, const struct eio_ws_adoption *adoption);
bool __wrap_eio_ws_writable(struct eio_ws *ws);
int __wrap_eio_ws_write(struct eio_ws *ws, struct eio_block *b);
void __wrap_eio_ws_close(struct eio_ws *ws, int code);

struct eio_ws_server *
__wrap_eio_ws_server_new(uv_loop_t *loop, size_t max_payload, const struct eio_ws_handler *handler)
{
	(void)loop;
	(void)max_payload;
	(void)handler;
	return (struct eio_ws_server *)(uintptr_t)&server;
}

void
__wrap_eio_ws_server_close(struct eio_ws_server *s)
{
	(void)s;
}

void
__wrap_eio_ws_server_free(struct eio_ws_server *s)
{
	(void)s;
}

void
__wrap_eio_ws_server_gather(struct eio_ws_server *s, bool wide)
{
	(void)s;
	(void)wide;
}

void
__wrap_eio_ws_server_send_gathered(struct eio_ws_server *s)
{
	(void)s;
}

void
__wrap_eio_ws_adopt(struct eio_ws_server *s, const struct eio_ws_adoption *adoption)
{
	(void)s;
	(void)adoption;
	abort();
}

bool
__wrap_eio_ws_writable(struct eio_ws *ws)
{
	return !ws->full;
}

/* Without the header of the WebSocket's message. */
int
__wrap_eio_ws_write(struct eio_ws *ws, struct eio_block *b)
{
	size_t head = (b->data[1] & 127) == 127 ? 10 : (b->data[1] & 127) == 126 ? 4 : 2;

	eio_buf_append(&ws->written, b->data + head, b->n - head);
	return 0;
}

void
__wrap_eio_ws_close(struct eio_ws *ws, int code)
{
	(void)code;
	ws->full = true;
}

/* Edges */

static const char secret[] = "a secret of hub and edge";

struct edge {
	struct fixture *of;
	struct eio_ws ws;
	struct hub_link *link;
	struct relay_place place;
	const char *name;
};

struct fixture {
	struct relay_rig rig;
	struct relay_spec spec;
	struct relay_hub *hub;
	struct edge edges[2];
};

static const char config[] =
	"{\"namespaces\": {\"/\": {}, \"/n\": {}}, \"feedDefaults\": {\"gapEvent\": true, \"batch\": {\"interval\": 100}},"
	" \"feeds\": ["
	"{\"channel\": [\"news\", \"more\"], \"event\": \"a\"}, {\"channel\": \"news\", \"event\": \"b\"},"
	"{\"channel\": \"news\", \"event\": \"c\", \"namespace\": \"/n\"},"
	"{\"channel\": \"other\", \"event\": \"d\", \"gapEvent\": false}]}";

/* above: the hub is an edge itself. */
static void
open_hub(struct fixture *x, bool above)
{
	struct relay_hub_options o;

	relay_rig_open(&x->rig, config, above, true);
	x->spec = (struct relay_spec){
		.edges = true, .queue_bytes = 1 << 20, .resume_seconds = 60, .secret = eio_cstr(secret), .node = "hub"
	};
	o = (struct relay_hub_options){ .thread = &x->rig.thread,
		.feed = x->rig.feed,
		.interest = x->rig.interest,
		.metrics = &x->rig.metrics,
		.spec = &x->spec,
		.feeds = above ? NULL : config_feeds(x->rig.config),
		.taker = 1,
		.message_bytes = 1000 };
	assert_non_null(x->hub = relay_hub_new(&o));
	relay_hub_start(x->hub);
	relay_rig_turn(&x->rig);
	for (int i = 0; i < 2; i++) {
		x->edges[i].of = x;
		x->edges[i].name = i ? "other" : "edge";
	}
}

static int
set_up(void **state)
{
	return (*state = calloc(1, sizeof(struct fixture))) ? 0 : -1;
}

static void
hang_up(struct edge *e)
{
	if (e->link) hub_link_handler.closed(e->link, &e->ws, true);
	e->link = NULL;
	eio_buf_deinit(&e->ws.written);
	e->ws.full = false;
}

static int
tear_down(void **state)
{
	struct fixture *x = *state;

	for (int i = 0; i < 2; i++) hang_up(&x->edges[i]);
	relay_hub_stop(x->hub);
	relay_rig_stop(&x->rig);
	relay_hub_free(x->hub);
	relay_rig_close(&x->rig);
	free(x);
	return 0;
}

static void
say(struct edge *e, unsigned type, struct eio_buf *body)
{
	struct eio_buf frame = { 0 };

	relay_put_frame(&frame, type, eio_buf_bytes(body));
	hub_link_handler.message(e->link, &e->ws, true, frame.p, frame.n);
	eio_buf_deinit(&frame);
	eio_buf_deinit(body);
}

static void
say_number(struct edge *e, unsigned type, uint64_t number)
{
	struct eio_buf body = { 0 };

	relay_put_number(&body, number);
	say(e, type, &body);
}

static bool
next_heard(struct edge *e, unsigned *type, struct eio_bytes *body)
{
	struct eio_buf *w = &e->ws.written;
	struct eio_bytes s = eio_buf_bytes(w);
	static char frame[4096];
	uint64_t n;

	if (!s.n) return false;
	assert_true(relay_take_number(&s, &n) && n && n <= s.n && n <= sizeof frame);
	memcpy(frame, s.p, n);
	*type = (unsigned char)frame[0];
	*body = eio_bytes(frame + 1, n - 1);
	w->n = s.n - n;
	memmove(w->p, s.p + n, w->n);
	if (relay_is_counted(*type)) e->place.received++;
	return true;
}

/* What it hears next of a type; all before it is passed over. False: there is none. */
static bool
heard(struct edge *e, unsigned type, struct eio_bytes *body)
{
	unsigned got;

	while (next_heard(e, &got, body))
		if (got == type) return true;
	return false;
}

/* Makes what an upgrade makes. */
static void
begin_link(struct edge *e)
{
	struct relay_hub *h = e->of->hub;
	struct hub_link *l = calloc(1, sizeof *l);

	assert_non_null(l);
	*l = (struct hub_link){ .magic = RELAY_LINK_MAGIC, .hub = h, .reader.most = RELAY_GREETING_MAX };
	l->begun_ms = l->heard_ms = l->pinged_ms = hub_now(h);
	eio_list_add_tail(&h->links, &l->link);
	h->n_links++;
	h->n_strangers++;
	e->link = l;
	hub_link_handler.open(l, &e->ws);
}

/* Returns what its welcome says of feeds. */
static struct eio_bytes
greet(struct edge *e, bool resumed)
{
	struct relay_hello own = { .version = RELAY_VERSION, .nonce = "nonce of edges" };
	struct relay_hello hub;
	unsigned char proof[AUTH_MAC];
	struct eio_buf body = { 0 };
	struct eio_bytes s;
	unsigned same = 2;

	begin_link(e);
	snprintf(own.node, sizeof own.node, "%s", e->name);
	relay_hello_write(&own, &body);
	say(e, RELAY_HELLO, &body);
	assert_true(heard(e, RELAY_HELLO, &s) && relay_hello_take(&s, &hub));
	assert_true(relay_prove_edge(eio_cstr(secret), &own, &hub, &e->place, proof));
	eio_buf_append(&body, proof, sizeof proof);
	relay_place_write(&e->place, &body);
	say(e, RELAY_PROOF, &body);
	assert_true(heard(e, RELAY_WELCOME, &s) && relay_take_byte(&s, &same) && relay_place_take(&s, &e->place));
	assert_int_equal(same, resumed);
	return s;
}

static void
join_room(struct edge *e, const char *room)
{
	struct eio_buf body = { 0 };
	struct eio_bytes s;

	relay_put_key(&body, sio_room_named(EIO_LIT("/"), eio_cstr(room)));
	say(e, RELAY_JOIN, &body);
	assert_true(heard(e, RELAY_ROOM, &s));
}

static void
expect_ping(struct edge *e, uint64_t *complete_ms, uint64_t published)
{
	struct eio_bytes s;
	uint64_t got = 0;

	assert_true(heard(e, RELAY_PING, &s));
	assert_true(relay_take_number(&s, complete_ms) && relay_take_number(&s, &got) && !s.n);
	assert_int_equal(got, published);
}

static void
second(struct fixture *x)
{
	for (int i = 0; i < 2; i++)
		if (x->edges[i].link) x->edges[i].link->pinged_ms -= RELAY_PING_MS;
	x->hub->second.fire(&x->hub->second);
}

/* Sends something to a room, as the feed does. */
static void
broadcast(struct fixture *x, const char *room)
{
	struct interest *pair = interest_get(x->rig.interest, sio_room_named(EIO_LIT("/"), eio_cstr(room)));
	const struct sio_broadcast b = {
		.nsp = EIO_LIT("/"), .event = EIO_LIT("e"), .encode = SIO_ENCODE_JSON, .payload = EIO_LIT("1")
	};
	struct delivery_item item = { .target = pair };

	assert_int_equal(sio_broadcast_bundle(&b, &item.bundle), 0);
	feed_out_hand(&x->rig.feed->out, UINT64_C(2), &item, true);
	eio_bundle_unref(item.bundle);
	interest_unref(pair);
	relay_rig_turn(&x->rig);
}

/* Tests */

/* Each channel once in a namespace, of those that tell. */
static void
gaps_are_told_of_each_channel_once(void **state)
{
	struct fixture *x = *state;
	const char *const want[] = { "/", "more", "/", "news", "/n", "news" };
	unsigned char epoch[RELAY_EPOCH];
	struct eio_bytes s, one;
	unsigned flags;
	uint64_t n;

	open_hub(x, false);
	s = greet(&x->edges[0], false);
	assert_true(relay_take_byte(&s, &flags) && relay_take_number(&s, &n) && n == 1);
	assert_true(relay_take_fixed(&s, epoch, sizeof epoch) && relay_take_number(&s, &n));
	assert_int_equal(n, 3);
	for (size_t i = 0; i < 6; i++) assert_true(relay_take_bytes(&s, &one) && eio_bytes_eq(one, eio_cstr(want[i])));
	assert_int_equal(s.n, 0);
}

/* Without memory edges have what they had, and hear the other a second later. */
static void
feeds_change_whole(void **state)
{
	struct fixture *x = *state;
	struct eio_bytes s;

	open_hub(x, false);
	greet(&x->edges[0], false);
	for (long n = 0; n < 3; n++) {
		struct eio_buf before = { 0 };

		eio_buf_add(&before, eio_buf_bytes(&x->hub->feeds));
		relay_hub_change(x->hub, config_feeds(x->rig.config));
		failmalloc_arm(n);
		relay_rig_turn(&x->rig);
		assert_true(failmalloc_disarm());
		assert_true(eio_bytes_eq(eio_buf_bytes(&x->hub->feeds), eio_buf_bytes(&before)));
		eio_buf_deinit(&before);
		/* One without which it cannot be said at all ends the connection. */
		if (!x->edges[0].link->session) {
			hang_up(&x->edges[0]);
			greet(&x->edges[0], true);
			continue;
		}
		assert_false(heard(&x->edges[0], RELAY_FEEDS, &s));
		second(x);
		assert_true(heard(&x->edges[0], RELAY_FEEDS, &s));
	}
}

/* What would be lost while it is not ready nobody else tells. */
static void
rooms_are_ready_when_the_hub_is(void **state)
{
	struct fixture *x = *state;
	struct edge *e = x->edges;
	struct eio_bytes s;
	uint64_t number = 0;

	open_hub(x, true);
	feed_set_hub_retains(x->rig.feed, true);
	greet(&e[0], false);
	say_number(&e[0], RELAY_SYNC, 3);
	relay_rig_turn(&x->rig);
	assert_false(heard(&e[0], RELAY_SYNCED, &s));
	greet(&e[1], false);
	say_number(&e[1], RELAY_SYNC, 7);
	say_number(&e[1], RELAY_SYNC, 8);
	x->hub->settle.fire(&x->hub->settle);
	relay_rig_turn(&x->rig);
	assert_false(heard(&e[0], RELAY_SYNCED, &s) || heard(&e[1], RELAY_SYNCED, &s));
	feed_set_hub_ready(x->rig.feed, true);
	x->hub->settle.fire(&x->hub->settle);
	assert_true(heard(&e[0], RELAY_SYNCED, &s) && relay_take_number(&s, &number) && number == 3);
	relay_rig_turn(&x->rig);
	assert_true(heard(&e[1], RELAY_SYNCED, &s) && relay_take_number(&s, &number) && number == 8);
	assert_false(heard(&e[1], RELAY_SYNCED, &s));
	say_number(&e[0], RELAY_SYNC, 4);
	relay_rig_turn(&x->rig);
	assert_true(heard(&e[0], RELAY_SYNCED, &s) && relay_take_number(&s, &number) && number == 4);
}

static unsigned rounds;

static void
begin_round(void *user)
{
	(void)user;
	rounds++;
}

static bool
settles_at_once(void *user)
{
	(void)user;
	return true;
}

/* The mail that begins a round is in front of what the rooms post of who asks behind it. */
static void
who_asks_behind_another_has_his_own_round(void **state)
{
	struct fixture *x = *state;
	struct eio_bytes s;

	open_hub(x, true);
	x->rig.feed->hub.settle = begin_round;
	x->rig.feed->hub.is_settled = settles_at_once;
	feed_set_hub_ready(x->rig.feed, true);
	rounds = 0;
	for (int i = 0; i < 2; i++) {
		greet(&x->edges[i], false);
		say_number(&x->edges[i], RELAY_SYNC, 1);
	}
	for (int i = 0; i < 3; i++) relay_rig_turn(&x->rig);
	assert_true(heard(&x->edges[0], RELAY_SYNCED, &s) && heard(&x->edges[1], RELAY_SYNCED, &s));
	assert_int_equal(rounds, 2);
	/* The same of one edge: the first mail is in front of its second question. */
	say_number(&x->edges[0], RELAY_SYNC, 2);
	say_number(&x->edges[0], RELAY_SYNC, 3);
	for (int i = 0; i < 3; i++) relay_rig_turn(&x->rig);
	assert_true(heard(&x->edges[0], RELAY_SYNCED, &s));
	assert_false(heard(&x->edges[0], RELAY_SYNCED, &s));
	assert_int_equal(rounds, 3);
}

static bool
never_settles(void *user)
{
	(void)user;
	return false;
}

/* One that is ready answers in the end. */
static void
rooms_do_not_wait_for_ever(void **state)
{
	struct fixture *x = *state;
	struct eio_bytes s;

	open_hub(x, true);
	x->rig.feed->hub.is_settled = never_settles;
	feed_set_hub_ready(x->rig.feed, true);
	greet(&x->edges[0], false);
	say_number(&x->edges[0], RELAY_SYNC, 1);
	relay_rig_turn(&x->rig);
	assert_false(heard(&x->edges[0], RELAY_SYNCED, &s));
	assert_in_range(
		x->hub->settle_until_ms, hub_now(x->hub) + RELAY_SETTLE_MS - 1000, hub_now(x->hub) + RELAY_SETTLE_MS);
	x->hub->settle_until_ms = hub_now(x->hub);
	x->hub->settle.fire(&x->hub->settle);
	assert_true(heard(&x->edges[0], RELAY_SYNCED, &s));
}

/* Channels on demand: at each look there is one more, and the answers are behind by some. */
enum { ANSWERS_BEHIND = 3 };

static bool there_is_always_one_more;
static uint64_t wanted, marked;

void __wrap_feed_intakes_mark(struct feed_intakes *all);
bool __wrap_feed_intakes_passed_mark(struct feed_intakes *all);
void __real_feed_intakes_mark(struct feed_intakes *all);
bool __real_feed_intakes_passed_mark(struct feed_intakes *all);

void
__wrap_feed_intakes_mark(struct feed_intakes *all)
{
	marked = wanted;
	__real_feed_intakes_mark(all);
}

bool
__wrap_feed_intakes_passed_mark(struct feed_intakes *all)
{
	if (!there_is_always_one_more) return __real_feed_intakes_passed_mark(all);
	return ++wanted >= marked + ANSWERS_BEHIND;
}

/* What is wanted behind the beginning of a round is not waited for: there may be something all the time. */
static void
rooms_wait_for_what_was_wanted_before(void **state)
{
	struct fixture *x = *state;
	struct eio_bytes s;

	open_hub(x, false);
	there_is_always_one_more = true;
	greet(&x->edges[0], false);
	for (uint64_t i = 1; i < 3; i++) {
		say_number(&x->edges[0], RELAY_SYNC, i);
		relay_rig_turn(&x->rig);
		for (int n = 1; n < ANSWERS_BEHIND; n++) {
			assert_false(heard(&x->edges[0], RELAY_SYNCED, &s));
			x->hub->settle.fire(&x->hub->settle);
		}
		assert_true(heard(&x->edges[0], RELAY_SYNCED, &s));
	}
	there_is_always_one_more = false;
}

static void
pings_say_what_is_complete(void **state)
{
	struct fixture *x = *state;
	struct edge *e = &x->edges[0];
	uint64_t complete, before = clock_wall_ms();

	open_hub(x, false);
	greet(e, false);
	expect_ping(e, &complete, 0);
	assert_int_equal(complete, 0);
	join_room(e, "a");
	second(x);
	second(x);
	expect_ping(e, &complete, 0);
	assert_int_equal(complete, 0); /* there was no second before it */
	expect_ping(e, &complete, 0);
	/* A message may have waited for others. */
	assert_in_range(complete, before - 100, clock_wall_ms() - 100);
	/* While something waits, nothing newer is said. */
	x->hub->tick_wall_ms = before + 1000;
	e->ws.full = true;
	broadcast(x, "a");
	second(x);
	e->ws.full = false;
	hub_ping(e->link);
	expect_ping(e, &before, 0);
	assert_int_equal(before, complete);
	hub_session_pump(e->link->session);
	second(x);
	expect_ping(e, &before, 0);
	assert_true(before >= complete);
}

/* One that always has something to be sent knows when what there was at some time has been. */
static void
pings_of_a_busy_one_go_on(void **state)
{
	struct fixture *x = *state;
	struct edge *e = &x->edges[0];
	uint64_t complete = 0;

	open_hub(x, false);
	greet(e, false);
	join_room(e, "a");
	second(x);
	expect_ping(e, &complete, 0);
	for (int i = 0; i < 3; i++) {
		e->ws.full = true;
		broadcast(x, "a");
		x->hub->tick_wall_ms = 1000000 + (uint64_t)i * 1000;
		second(x);
		e->ws.full = false;
		hub_session_pump(e->link->session);
		e->ws.full = true;
		broadcast(x, "a");
		x->hub->tick_wall_ms += 500;
		second(x);
		e->ws.full = false;
		hub_ping(e->link);
		expect_ping(e, &complete, 0);
		assert_int_equal(complete, 1000000 + (uint64_t)i * 1000 - 100);
		hub_session_pump(e->link->session);
	}
	/* What it has not said to have is sent again to who comes back: it is not complete before that. */
	hang_up(e);
	e->place.received -= 1;
	greet(e, true);
	expect_ping(e, &complete, 0);
	assert_int_equal(complete, 0);
}

static void
say_publish(struct edge *e, size_t n)
{
	struct eio_buf body = { 0 };

	relay_put_bytes(&body, EIO_LIT("c"));
	for (size_t i = 0; i < n; i++) eio_buf_addc(&body, 'x');
	say(e, RELAY_PUBLISH, &body);
}

static void
edges_know_what_they_published(void **state)
{
	struct fixture *x = *state;
	struct edge *e = &x->edges[0];
	struct eio_bytes s;
	uint64_t complete;

	open_hub(x, false);
	greet(e, false);
	expect_ping(e, &complete, 0);
	/* Not each alone; much at once, and the rest soon. */
	e->link->pinged_ms = hub_now(x->hub);
	say_publish(e, 10);
	assert_false(heard(e, RELAY_PING, &s));
	for (int i = 0; i < 16; i++) say_publish(e, 1023);
	expect_ping(e, &complete, 17);
	assert_false(heard(e, RELAY_PING, &s));
	e->link->pinged_ms -= RELAY_PUBLISHED_MS;
	say_publish(e, 10);
	expect_ping(e, &complete, 18);
	/* Also what it does not take. */
	say_publish(e, 600000);
	second(x);
	expect_ping(e, &complete, 19);
	hang_up(e);
	greet(e, true);
	expect_ping(e, &complete, 19);
	hang_up(e);
	e->place.session = 0;
	greet(e, false);
	expect_ping(e, &complete, 0);
}

/* One that crashes again and again fills nothing, and costs no other one its place. */
static void
sessions_have_a_bound(void **state)
{
	struct fixture *x = *state;
	struct edge *e = x->edges;

	open_hub(x, false);
	greet(&e[1], false);
	hang_up(&e[1]);
	for (int i = 0; i < 20; i++) {
		e[0].place.session = 0;
		greet(&e[0], false);
		hang_up(&e[0]);
	}
	assert_int_equal(x->hub->n_sessions, RELAY_AWAY_OF_NAME + 1);
	greet(&e[1], true);
	e[0].name = "";
	for (int i = 0; i < RELAY_EDGES + 20; i++) {
		e[0].place.session = 0;
		greet(&e[0], false);
		hang_up(&e[0]);
	}
	assert_int_equal(x->hub->n_sessions, RELAY_EDGES);
	greet(&e[0], true);
	hang_up(&e[1]);
	greet(&e[1], true);
}

/* Nobody misses something that he is not told of. */
static void
what_is_lost_is_a_gap(void **state)
{
	struct fixture *x = *state;
	struct edge *e = x->edges;
	struct eio_bytes s;

	open_hub(x, false);
	greet(&e[0], false);
	greet(&e[1], false);
	join_room(&e[0], "a");
	join_room(&e[1], "b");
	broadcast(x, "a");
	assert_true(heard(&e[0], RELAY_BATCH, &s));
	/* It cannot be encoded. */
	eio_buf_deinit(&x->hub->scratch);
	for (long n = 0; n < 2; n++) {
		struct interest *pair = interest_get(x->rig.interest, sio_room_named(EIO_LIT("/"), EIO_LIT("a")));
		const struct sio_broadcast b = {
			.nsp = EIO_LIT("/"), .event = EIO_LIT("e"), .encode = SIO_ENCODE_JSON, .payload = EIO_LIT("1")
		};
		struct delivery_item item = { .target = pair };

		assert_int_equal(sio_broadcast_bundle(&b, &item.bundle), 0);
		feed_out_hand(&x->rig.feed->out, UINT64_C(2), &item, true);
		failmalloc_arm(n);
		relay_rig_turn(&x->rig);
		assert_true(failmalloc_disarm());
		assert_true(heard(&e[0], RELAY_GAP, &s));
		assert_false(heard(&e[1], RELAY_GAP, &s));
		/* It does not even come so far; and there is no memory to say so in its turn. */
		failmalloc_arm(n);
		feed_out_hand(&x->rig.feed->out, UINT64_C(2), &item, true);
		failmalloc_disarm();
		relay_rig_turn(&x->rig);
		if (n == 0) assert_true(heard(&e[0], RELAY_GAP, &s) && heard(&e[1], RELAY_GAP, &s));
		while (heard(&e[1], RELAY_TYPE_END, &s)) continue;
		/* It takes no memory, and of many it is told once. */
		failmalloc_arm(0);
		for (int i = 0; i < 3; i++) x->hub->options.feed->out.gap(x->hub);
		assert_false(failmalloc_disarm());
		relay_rig_turn(&x->rig);
		assert_true(heard(&e[1], RELAY_GAP, &s));
		assert_false(heard(&e[1], RELAY_GAP, &s));
		while (heard(&e[0], RELAY_TYPE_END, &s)) continue;
		eio_bundle_unref(item.bundle);
		interest_unref(pair);
		eio_buf_deinit(&x->hub->scratch);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(gaps_are_told_of_each_channel_once, set_up, tear_down),
		cmocka_unit_test_setup_teardown(feeds_change_whole, set_up, tear_down),
		cmocka_unit_test_setup_teardown(rooms_are_ready_when_the_hub_is, set_up, tear_down),
		cmocka_unit_test_setup_teardown(who_asks_behind_another_has_his_own_round, set_up, tear_down),
		cmocka_unit_test_setup_teardown(rooms_do_not_wait_for_ever, set_up, tear_down),
		cmocka_unit_test_setup_teardown(rooms_wait_for_what_was_wanted_before, set_up, tear_down),
		cmocka_unit_test_setup_teardown(pings_say_what_is_complete, set_up, tear_down),
		cmocka_unit_test_setup_teardown(pings_of_a_busy_one_go_on, set_up, tear_down),
		cmocka_unit_test_setup_teardown(edges_know_what_they_published, set_up, tear_down),
		cmocka_unit_test_setup_teardown(sessions_have_a_bound, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_is_lost_is_a_gap, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

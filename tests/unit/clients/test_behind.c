/* SPDX-License-Identifier: MIT */
/*
 * Clients that fall behind on real sockets, at random and for random times: each gets all messages in their order but
 * those that were replaced, the newest of each key among them; who reads all the time gets everything. And when memory
 * is short, who is behind ends, and nobody else. The same of clients with a pace, of their own or of their room: what
 * has no keys comes whole and in the order in which it was sent.
 */
#define _GNU_SOURCE
#include "eio/net/socket_int.h"
#include "sio/event.h"
#include "sio/json.h"
#include "src/clients/clients.h"
#include "src/feed/stream.h"
#include "tests/unit/configured.h"
#include "tests/unit/dice.h"
#include "tests/unit/failmalloc.h"
#include "tests/unit/peer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

enum {
	ROOMS = 3,
	PEERS = 5,
	KEYS = 6,
	ROUNDS = 12,
	STEPS = 150,
	MESSAGES_MAX = 20000,
	SNDBUF = 4608, /* the least there is */
	SNDBUF_WIDE = 1 << 20,
	FILLER = 300,
	PLAIN = -1,
	QUIET = 5, /* rounds without anything new */
	PACE_US = 20000,
};

static const char config_text[] = "{\"redis\": \"redis://127.0.0.1\", \"namespaces\": {\"/\": {\"on\": {"
				  "\"connection\": [{\"join\": \"{query.room}\"}, {\"join\": \"all\"}]}}},"
				  "\"feeds\": [{\"channel\": \"a\", \"event\": \"a\", \"room\": \"all\"}]}";

static const char config_paced[] =
	"{\"redis\": \"redis://127.0.0.1\", \"namespaces\": {\"/\": {\"on\": {"
	"\"connection\": [{\"join\": \"{query.room}\"}, {\"join\": \"all\"},"
	"{\"pace\": \"{query.pace}\"}]}, \"rooms\": {\"rate\": {\"r1\": {\"perSecond\": 100}}}}},"
	"\"feeds\": [{\"channel\": \"a\", \"event\": \"a\", \"room\": \"all\"}]}";

static const uint64_t hash_key[2] = { 1, 2 };

struct said {
	int room; /* ROOMS - 1 is "all" */
	int key; /* PLAIN: it has none, and its stream no keys */
};

struct peer {
	int fd, room;
	bool pauses, paced;
	struct eio_buf in;
	unsigned *got; /* numbers, as they came */
	size_t n;
	size_t lags, lost; /* events siocast:lag, and the sum of what they say */
	bool gone;
};

struct test {
	uv_loop_t loop;
	struct eio_clock clock;
	struct eio_random random;
	struct config *config;
	struct interest_table *interest;
	struct metrics_set metrics;
	struct eio_server_options options;
	struct eio_server *server;
	struct clients *clients;
	struct delivery_budget budget;
	struct feed_spec feed;
	struct peer peers[PEERS];
	struct said said[MESSAGES_MAX];
	unsigned n;
	int sndbuf;
	bool paced; /* some peers are, and there are messages without a key */
};

static const char *
room_name(int room)
{
	static const char *const names[ROOMS] = { "r0", "r1", "all" };

	return names[room];
}

static void
turn(struct test *t)
{
	for (int i = 0; i < 3; i++) uv_run(&t->loop, UV_RUN_NOWAIT);
	peer_await_opened(t->server);
}

/* Reading */

static void
take_message(struct test *t, struct peer *p, struct eio_bytes m)
{
	struct eio_bytes v;
	unsigned n;

	assert_true(sio_json_find(m, EIO_LIT("/n"), &v));
	n = (unsigned)strtoul(v.p, NULL, 10);
	assert_true(n < t->n && (t->said[n].room == p->room || t->said[n].room == ROOMS - 1));
	p->got[p->n++] = n;
}

static void
take_packet(struct test *t, struct peer *p, struct eio_bytes text)
{
	struct eio_bytes event, v;
	struct sio_json_iter it;

	if (text.n < 2 || memcmp(text.p, "42", 2) != 0) return;
	event = eio_bytes(text.p + 2, text.n - 2);
	assert_int_equal(sio_json_check(event), 0);
	assert_true(sio_json_find(event, EIO_LIT("/1"), &v));
	if (memmem(text.p, text.n, "siocast:lag", 11)) {
		p->lags++;
		assert_true(sio_json_find(v, EIO_LIT("/dropped"), &v));
		p->lost += strtoul(v.p, NULL, 10);
		return;
	}
	for (it = sio_json_iter(v); sio_json_next(&it, NULL, &v);) take_message(t, p, v);
}

/* Takes the frames that are complete. */
static void
take_frames(struct test *t, struct peer *p)
{
	size_t at = 0;

	for (;;) {
		const unsigned char *f = (const unsigned char *)p->in.p + at;
		size_t left = p->in.n - at, head = 2, n;

		if (left < 2) break;
		n = f[1];
		if ((f[0] & 15) == 8) p->gone = true;
		if (left < 10 && n > 125) break;
		if (n == 126) {
			head = 4;
			n = (size_t)f[2] << 8 | f[3];
		} else if (n == 127) {
			head = 10;
			n = (size_t)f[6] << 24 | (size_t)f[7] << 16 | (size_t)f[8] << 8 | f[9];
		}
		if (left < head + n) break;
		take_packet(t, p, eio_bytes((const char *)f + head, n));
		at += head + n;
	}
	memmove(p->in.p, p->in.p + at, p->in.n - at);
	p->in.n -= at;
}

static void
read_some(struct test *t, struct peer *p)
{
	char buf[8192];
	ssize_t n = recv(p->fd, buf, sizeof buf, MSG_DONTWAIT);

	if (n == 0) p->gone = true;
	if (n <= 0) return;
	eio_buf_append(&p->in, buf, (size_t)n);
	take_frames(t, p);
}

/* Begin and end */

static void
open_peer(struct test *t, struct peer *p, int room, const char *pace)
{
	static const char hello[] = "\x81\x82\0\0\0\0"
				    "40";
	char target[100];

	snprintf(target, sizeof target, "/socket.io/?EIO=4&transport=websocket&room=%s&pace=%s", room_name(room), pace);
	*p = (struct peer){ .room = room, .pauses = p > t->peers };
	p->paced = t->paced && (room == 1 || strcmp(pace, "0") != 0);
	p->got = calloc(MESSAGES_MAX, sizeof *p->got);
	p->fd = peer_websocket(t->server, target, "", eio_bytes(hello, sizeof hello - 1), t->sndbuf);
	for (int i = 0; !p->in.n || !memmem(p->in.p, p->in.n, "40{", 3); i++) {
		char buf[500];
		ssize_t n = recv(p->fd, buf, sizeof buf, MSG_DONTWAIT);

		assert_true(i < 20000);
		turn(t);
		if (n > 0) eio_buf_append(&p->in, buf, (size_t)n);
		if (n <= 0 && i) usleep(500);
	}
	eio_buf_clear(&p->in);
}

static void
start(struct test *t, bool paced, int sndbuf)
{
	static const char *const paces[PEERS] = { "0", "0", "50", "100", "0" };
	struct clients_options options = {
		.metrics = &t->metrics, .clock = &t->clock, .random = &t->random, .takers = 1
	};
	struct eio_server_handler handler = {
		.open = clients_open, .message = clients_message, .close = clients_close, .room = clients_room
	};
	static char pointer[] = "/k";

	memset(t, 0, sizeof *t);
	t->paced = paced;
	t->sndbuf = sndbuf;
	t->feed = (struct feed_spec){
		.encode = FEED_ENCODE_JSON, .interval_ms = 200, .latest_per = pointer, .latest_max = 10000
	};
	assert_int_equal(uv_loop_init(&t->loop), 0);
	assert_int_equal(eio_clock_open(&t->clock, &t->loop), 0);
	t->config = configured(paced ? config_paced : config_text);
	options.interest = t->interest = interest_table_new();
	assert_int_equal(metrics_set_init(&t->metrics), 0);
	config_fill_clients(t->config, &options);
	t->clients = handler.user = clients_new(&options);
	config_fill_server(t->config, &t->options);
	t->server = eio_server_new(&t->loop, &t->clock, &t->options, &handler);
	assert_true(t->clients && t->server);
	for (int i = 0; i < PEERS; i++) open_peer(t, &t->peers[i], i % (ROOMS - 1), paces[i]);
}

static void
finish(struct test *t)
{
	eio_server_shutdown(t->server);
	turn(t);
	eio_server_close(t->server);
	eio_clock_close(&t->clock);
	uv_run(&t->loop, UV_RUN_DEFAULT);
	eio_server_free(t->server);
	clients_free(t->clients);
	assert_int_equal(uv_loop_close(&t->loop), 0);
	metrics_set_deinit(&t->metrics);
	interest_table_free(t->interest);
	config_free(t->config);
	for (int i = 0; i < PEERS; i++) {
		close(t->peers[i].fd);
		eio_buf_deinit(&t->peers[i].in);
		free(t->peers[i].got);
	}
}

/* Broadcasts */

static void
put_messages(struct test *t, int room, bool plain, unsigned n, struct eio_buf *body, struct feed_mark *marks)
{
	char filler[FILLER + 1];
	uint64_t key;

	memset(filler, 'x', FILLER);
	filler[FILLER] = '\0';
	eio_buf_addc(body, '[');
	for (unsigned i = 0; i < n; i++) {
		int k = plain ? PLAIN : (int)dice(KEYS);

		if (i) eio_buf_addc(body, ',');
		marks[i].at = body->n;
		t->said[t->n] = (struct said){ room, k };
		eio_buf_printf(body, "{\"k\":%d,\"n\":%u,\"x\":\"%s\"}", k, t->n++, filler);
		assert_true(
			feed_key_of(hash_key, &t->feed, eio_bytes(body->p + marks[i].at, body->n - marks[i].at), &key));
		marks[i].key = key;
	}
	eio_buf_addc(body, ']');
}

/* A batch goes to a room, as the feed makes it. fail: which allocation of the worker fails, or -1. Returns whether it
 * did. */
static bool
deliver(struct test *t, int room, unsigned n, long fail)
{
	struct feed_mark marks[16];
	struct eio_buf body = { 0 };
	struct delivery *d = calloc(1, sizeof *d + sizeof d->items[0]);
	struct sio_broadcast b = { .nsp = EIO_LIT("/"), .event = EIO_LIT("a"), .encode = SIO_ENCODE_JSON };
	struct feed_content content = { .marks = marks, .n_marks = n };
	bool failed = false, plain = t->paced && dice(2);

	put_messages(t, room, plain, n, &body, marks);
	b.payload = content.body = eio_buf_bytes(&body);
	d->budget = &t->budget;
	d->n = 1;
	d->items[0].stream = (uint64_t)room + (plain ? 200 : 100);
	d->items[0].lag_event = true;
	assert_int_equal(sio_broadcast_bundle(&b, &d->items[0].bundle), 0);
	if (!plain) d->items[0].keys = feed_keys_new(&t->feed, &content, d->items[0].bundle, 0);
	d->items[0].target = interest_get(t->interest, sio_room_named(EIO_LIT("/"), eio_cstr(room_name(room))));
	if (fail >= 0) failmalloc_arm(fail);
	eio_server_gather(t->server, dice(2));
	clients_deliver(t->clients, d);
	eio_server_send_gathered(t->server);
	if (fail >= 0) failed = failmalloc_disarm();
	delivery_free(d);
	eio_buf_deinit(&body);
	return failed;
}

/* What each peer got */

/* Whether a message is one of its stream's newest when all was said. */
static bool
is_newest(const struct test *t, unsigned n)
{
	if (t->said[n].key == PLAIN) return true;
	for (unsigned i = n + 1; i < t->n; i++)
		if (t->said[i].room == t->said[n].room && t->said[i].key == t->said[n].key) return false;
	return true;
}

static void
check_peer(const struct test *t, const struct peer *p)
{
	static bool seen[MESSAGES_MAX];
	long last[ROOMS + 1] = { -1, -1, -1, -1 }; /* of each stream with keys, and of all without */
	size_t all = 0;

	memset(seen, 0, sizeof seen);
	for (size_t i = 0; i < p->n; i++) {
		const struct said *said = &t->said[p->got[i]];
		long *before = &last[said->key == PLAIN ? ROOMS : said->room];

		assert_true((long)p->got[i] > *before);
		*before = (long)p->got[i];
		seen[p->got[i]] = true;
	}
	for (unsigned n = 0; n < t->n; n++) {
		if (t->said[n].room != p->room && t->said[n].room != ROOMS - 1) continue;
		all++;
		if ((!p->pauses && !p->paced) || is_newest(t, n)) assert_true(seen[n]);
	}
	assert_true(p->paced ? p->n + p->lost <= all : p->n + p->lost == all);
	if (!p->pauses) assert_int_equal(p->lags, 0);
}

static void
read_all(struct test *t)
{
	for (int quiet = 0; quiet < QUIET;) {
		size_t before = 0, after = 0;

		if (t->paced) usleep(PACE_US);
		for (int i = 0; i < PEERS; i++) before += t->peers[i].n + t->peers[i].lags + t->peers[i].in.n;
		turn(t);
		for (int i = 0; i < PEERS; i++) read_some(t, &t->peers[i]);
		for (int i = 0; i < PEERS; i++) after += t->peers[i].n + t->peers[i].lags + t->peers[i].in.n;
		quiet = before == after ? quiet + 1 : 0;
	}
}

/* Returns how many were told that they lag. */
static size_t
play(bool paced, int rounds)
{
	static struct test t;
	size_t lags = 0;

	for (int round = 0; round < rounds; round++) {
		start(&t, paced, SNDBUF);
		for (int step = 0; step < STEPS; step++) {
			deliver(&t, (int)dice(ROOMS), 1 + dice(4), -1);
			/* Who does not pause reads all that is there. */
			for (size_t n = SIZE_MAX; n != t.peers[0].n;) {
				n = t.peers[0].n;
				turn(&t);
				read_some(&t, &t.peers[0]);
			}
			for (int i = 1; i < PEERS; i++)
				if (dice(1 + 12 * (unsigned)i) == 0) read_some(&t, &t.peers[i]);
		}
		read_all(&t);
		for (int i = 0; i < PEERS; i++) check_peer(&t, &t.peers[i]);
		for (int i = 0; i < PEERS; i++) lags += t.peers[i].lags;
		finish(&t);
	}
	return lags;
}

static void
test_random(void **state)
{
	(void)state;
	dice_state = 5;
	assert_true(play(false, ROUNDS) > ROUNDS);
}

static void
test_paced(void **state)
{
	(void)state;
	dice_state = 11;
	play(true, ROUNDS / 3);
}

/* Nobody lags who reads: a pace alone is no reason to say so. What it missed is replaced. */
static void
test_paced_readers(void **state)
{
	static struct test t;

	(void)state;
	dice_state = 13;
	start(&t, true, SNDBUF_WIDE);
	for (int step = 0; step < STEPS; step++) {
		deliver(&t, (int)dice(ROOMS), 1 + dice(4), -1);
		turn(&t);
		for (int i = 0; i < PEERS; i++) read_some(&t, &t.peers[i]);
		if (step % 10 == 0) usleep(1000);
	}
	read_all(&t);
	for (int i = 0; i < PEERS; i++) check_peer(&t, &t.peers[i]);
	for (int i = 0; i < PEERS; i++) assert_int_equal(t.peers[i].lags, 0);
	assert_true(t.peers[2].room == t.peers[0].room && t.peers[2].n < t.peers[0].n);
	finish(&t);
}

/* The end of a client that is behind gives back all that was kept for it. */
static void
test_ends_behind(void **state)
{
	static struct test t;

	(void)state;
	dice_state = 7;
	start(&t, false, SNDBUF);
	for (int step = 0; step < STEPS; step++) deliver(&t, (int)dice(ROOMS), 2, -1);
	finish(&t);
}

static void
test_nomem(void **state)
{
	static struct test t;
	bool reached = true;
	unsigned ended = 0;

	(void)state;
	for (long fail = 0; reached && fail < 40; fail++) {
		dice_state = 3;
		start(&t, false, SNDBUF);
		for (int step = 0; step < 40; step++) {
			deliver(&t, ROOMS - 1, 2, -1);
			turn(&t);
			read_some(&t, &t.peers[0]);
		}
		t.peers[0].pauses = true; /* it does not read in between any more */
		reached = deliver(&t, 0, 2, fail);
		for (int i = 0; i < 6; i++) deliver(&t, ROOMS - 1, 2, -1);
		read_all(&t);
		for (int i = 0; i < PEERS; i++) {
			if (t.peers[i].gone)
				ended++;
			else
				check_peer(&t, &t.peers[i]);
		}
		finish(&t);
	}
	assert_true(ended > 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_paced),
		cmocka_unit_test(test_paced_readers),
		cmocka_unit_test(test_ends_behind),
		cmocka_unit_test(test_nomem),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

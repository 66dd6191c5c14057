/* SPDX-License-Identifier: MIT */
/*
 * The fan-out with compression, on real sockets: deliveries that piled up are joined, leave in one write for each
 * client, and are compressed once for all clients of all workers; and what was joined is not kept. Linked with
 * -Wl,--wrap=eio_deflate and --wrap=eio_zip_add, which count.
 */
#define _GNU_SOURCE
#include "eio/bundle_int.h"
#include "eio/net/socket_int.h"
#include "src/clients/clients.h"
#include "tests/unit/configured.h"
#include "tests/unit/peer.h"

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

enum { WORKERS = 2, BUNDLES = 4, MAX_PEERS = 8, THRESHOLD = 1024, MESSAGE = 3000 };

static const char config_text[] = "{\"workers\": 2, \"redis\": \"redis://127.0.0.1\","
				  "\"engine\": {\"perMessageDeflate\": true, \"httpCompression\": true},"
				  "\"limits\": {\"clientQueueBytes\": 5000},"
				  "\"feeds\": [{\"channel\": \"a\", \"event\": \"a\", \"slow\": \"disconnect\"}]}";

/* Counting */

static unsigned messages_deflated, parts_deflated;

size_t __real_eio_deflate(char *out, size_t max, struct eio_bytes s, const struct eio_deflate *o);
size_t __wrap_eio_deflate(char *out, size_t max, struct eio_bytes s, const struct eio_deflate *o);
void __real_eio_zip_add(struct eio_zip *z, struct eio_bytes s, const struct eio_deflate *o);
void __wrap_eio_zip_add(struct eio_zip *z, struct eio_bytes s, const struct eio_deflate *o);

size_t
__wrap_eio_deflate(char *out, size_t max, struct eio_bytes s, const struct eio_deflate *o)
{
	messages_deflated++;
	return __real_eio_deflate(out, max, s, o);
}

void
__wrap_eio_zip_add(struct eio_zip *z, struct eio_bytes s, const struct eio_deflate *o)
{
	parts_deflated += s.n >= THRESHOLD; /* the others are separators */
	__real_eio_zip_add(z, s, o);
}

/* Two workers on one loop */

struct worker {
	struct eio_server_options options;
	struct eio_server *server;
	struct clients *clients;
};

struct test {
	uv_loop_t loop;
	struct eio_clock clock;
	struct eio_random random;
	struct config *config;
	struct interest_table *interest;
	struct metrics_set metrics;
	struct worker workers[WORKERS];
	struct delivery_budget budget;
	struct eio_bundle *bundles[BUNDLES];
};

static void
start_worker(struct test *t, unsigned i)
{
	struct worker *w = &t->workers[i];
	struct clients_options options = {
		.interest = t->interest, .metrics = &t->metrics, .clock = &t->clock, .random = &t->random, .worker = i
	};
	struct eio_server_handler handler = {
		.open = clients_open, .message = clients_message, .close = clients_close
	};

	config_fill_clients(t->config, &options);
	w->clients = handler.user = clients_new(&options);
	assert_non_null(w->clients);
	w->options.index = i;
	config_fill_server(t->config, &w->options);
	w->server = eio_server_new(&t->loop, &t->clock, &w->options, &handler);
	assert_non_null(w->server);
}

/* A message with the form of an event, and something binary behind it. */
static struct eio_bundle *
bundle(unsigned i)
{
	static char text[MESSAGE], data[MESSAGE];
	struct eio_message m[2] = { { .data = eio_bytes(text, MESSAGE), .json = true },
		{ .binary = true, .data = eio_bytes(data, MESSAGE) } };

	memset(text, (int)('a' + i), MESSAGE);
	memset(data, (int)('A' + i), MESSAGE);
	return eio_bundle_new(m, 2);
}

static void
start(struct test *t)
{
	memset(t, 0, sizeof *t);
	assert_int_equal(uv_loop_init(&t->loop), 0);
	assert_int_equal(eio_clock_open(&t->clock, &t->loop), 0);
	t->config = configured(config_text);
	t->interest = interest_table_new();
	assert_int_equal(metrics_set_init(&t->metrics), 0);
	for (unsigned i = 0; i < WORKERS; i++) start_worker(t, i);
	for (unsigned i = 0; i < BUNDLES; i++) t->bundles[i] = bundle(i);
	messages_deflated = parts_deflated = 0;
}

static void
turn(struct test *t)
{
	for (int i = 0; i < 5; i++) uv_run(&t->loop, UV_RUN_NOWAIT);
	for (unsigned i = 0; i < WORKERS; i++) peer_await_opened(t->workers[i].server);
}

/* Nobody holds on to a bundle but the test. */
static void
check_released(struct test *t)
{
	for (unsigned i = 0; i < BUNDLES; i++) assert_int_equal(atomic_load(&t->bundles[i]->refs), 1);
}

static void
finish(struct test *t)
{
	for (int i = 0; i < WORKERS; i++) eio_server_shutdown(t->workers[i].server);
	turn(t);
	check_released(t);
	for (int i = 0; i < WORKERS; i++) eio_server_close(t->workers[i].server);
	eio_clock_close(&t->clock);
	uv_run(&t->loop, UV_RUN_DEFAULT);
	for (int i = 0; i < WORKERS; i++) {
		eio_server_free(t->workers[i].server);
		clients_free(t->workers[i].clients);
	}
	assert_int_equal(uv_loop_close(&t->loop), 0);
	assert_int_equal(atomic_load(&t->budget.outstanding), 0);
	for (unsigned i = 0; i < BUNDLES; i++) eio_bundle_unref(t->bundles[i]);
	metrics_set_deinit(&t->metrics);
	interest_table_free(t->interest);
	config_free(t->config);
}

/* A delivery of the bundles from `from` on, for everyone in the main namespace. */
static struct delivery *
deliver(struct test *t, unsigned from, unsigned n)
{
	struct delivery *d = calloc(1, sizeof *d + n * sizeof d->items[0]);

	assert_non_null(d);
	d->budget = &t->budget;
	d->bytes = n;
	d->n = n;
	atomic_fetch_add(&t->budget.outstanding, n);
	for (unsigned i = 0; i < n; i++) {
		d->items[i].bundle = eio_bundle_ref(t->bundles[from + i]);
		d->items[i].target = interest_get(t->interest, sio_room_everyone(EIO_LIT("/")));
		d->items[i].slow = FEED_SLOW_DISCONNECT;
		d->items[i].stream = 1;
	}
	return d;
}

/* As a worker does with two deliveries that piled up. */
static void
take(struct test *t, struct worker *w, struct delivery *first, struct delivery *then)
{
	struct mail *run = &first->mail;
	struct delivery *d;

	first->mail.next = then ? &then->mail : NULL;
	d = delivery_take(&run);
	assert_null(run);
	clients_deliver(w->clients, d);
	delivery_free(d);
	(void)t;
}

/* Clients */

#define OFFER "Sec-WebSocket-Extensions: permessage-deflate\r\n"
#define GZIP "Accept-Encoding: gzip\r\n"
#define POLLING "/socket.io/?EIO=4&transport=polling"

struct peer {
	int fd;
	enum eio_wire wire;
	bool deflate;
};

static void
skip_bytes(int fd)
{
	char buf[65536];

	while (recv(fd, buf, sizeof buf, MSG_DONTWAIT) > 0) continue;
}

/* Connects by WebSocket and joins the main namespace. */
static uint64_t
ws_writes(struct eio_server *s)
{
	const struct eio_sent_stats *sent = eio_server_stats(s)->sent[EIO_TRANSPORT_WEBSOCKET];

	return sent[0].sends + sent[1].sends;
}

static struct peer
connect_one(struct test *t, struct worker *w, int revision, bool deflate, int sndbuf)
{
	static const char join[] = "\x81\x82\0\0\0\0"
				   "40";
	char target[100];
	struct peer p = { .wire = revision == 3 ? EIO_WIRE_WS_3 : EIO_WIRE_WS, .deflate = deflate };

	snprintf(target, sizeof target, "/socket.io/?EIO=%d&transport=websocket", revision);
	p.fd = peer_websocket(w->server, target, deflate ? OFFER : "",
		revision == 3 ? eio_bytes("", 0) : eio_bytes(join, sizeof join - 1), sndbuf);
	turn(t);
	skip_bytes(p.fd);
	return p;
}

/* A session by polling that has joined; gives its held poll. */
static struct eio_exchange *
poll_one(struct test *t, struct worker *w)
{
	struct eio_exchange *ex = peer_request(w->server, POLLING, GZIP, NULL);
	const char *sid;
	char target[100];

	turn(t);
	assert_true(ex->answered);
	sid = memmem(ex->response.body->data, ex->response.body->n, "\"sid\":\"", 7);
	assert_non_null(sid);
	snprintf(target, sizeof target, POLLING "&sid=%.*s", EIO_SID_LEN, sid + 7);
	eio_exchange_unref(ex);
	eio_exchange_unref(peer_request(w->server, target, "", "40"));
	turn(t);
	ex = peer_request(w->server, target, GZIP, NULL);
	turn(t);
	assert_true(ex->answered);
	eio_exchange_unref(ex);
	ex = peer_request(w->server, target, GZIP, NULL);
	turn(t);
	assert_false(ex->answered);
	return ex;
}

/* The bytes of n bundles as a WebSocket has them. */
static struct eio_buf
frames(struct test *t, const struct peer *p, unsigned from, unsigned n)
{
	struct eio_buf all;

	eio_buf_init(&all);
	for (unsigned i = from; i < from + n; i++) {
		const struct eio_block *w = p->deflate ? eio_bundle_deflated(t->bundles[i], p->wire,
								 &t->workers[0].options.ws_deflate, NULL)
						       : eio_bundle_wire(t->bundles[i], p->wire);

		eio_buf_append(&all, w->data, w->n);
	}
	return all;
}

static void
check_frames(struct test *t, const struct peer *p, unsigned from, unsigned n)
{
	struct eio_buf all = frames(t, p, from, n);
	char *got = malloc(all.n + 1);

	assert_int_equal(recv(p->fd, got, all.n + 1, MSG_DONTWAIT), all.n);
	assert_memory_equal(got, all.p, all.n);
	if (p->deflate) assert_true(all.n < n * 500);
	free(got);
	eio_buf_deinit(&all);
}

/* The answer of a poll: a gzip body, whose 10 + 8 bytes around the data are tested elsewhere. */
static void
check_poll(struct test *t, const struct eio_exchange *ex, unsigned from, unsigned n)
{
	const struct eio_block *body = ex->response.body, *head = ex->response.headers;
	struct eio_buf all, got;

	assert_true(ex->answered);
	assert_non_null(memmem(head->data, head->n, "Content-Encoding: gzip\r\n", 24));
	eio_buf_init(&all);
	eio_buf_init(&got);
	for (unsigned i = from; i < from + n; i++) {
		const struct eio_block *w = eio_bundle_wire(t->bundles[i], EIO_WIRE_POLLING);

		if (i > from) eio_buf_addc(&all, 0x1e);
		eio_buf_append(&all, w->data, w->n);
	}
	assert_int_equal(eio_inflate(&got, eio_bytes(body->data + 10, body->n - 18), 1000000), EIO_INFLATE_OK);
	assert_int_equal(got.n, all.n);
	assert_memory_equal(got.p, all.p, all.n);
	eio_buf_deinit(&all);
	eio_buf_deinit(&got);
}

/* Whoever they are and on whichever worker: what piled up is one write for each, and each message is compressed once
 * for each form it has on the wire. */
static void
test_joined(void **state)
{
	enum { PEERS = 6, POLLS = 3 };
	static const struct {
		int revision;
		bool deflate;
	} kinds[PEERS] = { { 4, true }, { 4, true }, { 4, true }, { 4, false }, { 3, true }, { 3, true } };
	struct peer peers[WORKERS][PEERS];
	struct eio_exchange *polls[WORKERS][POLLS];
	struct test t;

	(void)state;
	start(&t);
	for (int w = 0; w < WORKERS; w++) {
		for (int i = 0; i < PEERS; i++)
			peers[w][i] = connect_one(&t, &t.workers[w], kinds[i].revision, kinds[i].deflate, 0);
		for (int i = 0; i < POLLS; i++) polls[w][i] = poll_one(&t, &t.workers[w]);
	}
	assert_int_equal(messages_deflated + parts_deflated, 0);
	for (int w = 0; w < WORKERS; w++) {
		uint64_t writes = ws_writes(t.workers[w].server);

		take(&t, &t.workers[w], deliver(&t, 0, BUNDLES - 1), deliver(&t, BUNDLES - 1, 1));
		turn(&t);
		assert_int_equal(ws_writes(t.workers[w].server) - writes, PEERS);
		/* Each message in two forms by WebSocket; each bundle in one as a part of bodies. */
		assert_int_equal(messages_deflated, 2 * 2 * BUNDLES);
		assert_int_equal(parts_deflated, BUNDLES);
	}
	check_released(&t);
	for (int w = 0; w < WORKERS; w++) {
		for (int i = 0; i < PEERS; i++) {
			check_frames(&t, &peers[w][i], 0, BUNDLES);
			close(peers[w][i].fd);
		}
		for (int i = 0; i < POLLS; i++) {
			check_poll(&t, polls[w][i], 0, BUNDLES);
			eio_exchange_unref(polls[w][i]);
		}
	}
	assert_int_equal(metrics_sum(&t.metrics, &clients_metrics, CLIENTS_METRIC_DELIVERED),
		WORKERS * (PEERS + POLLS) * BUNDLES);
	finish(&t);
}

/* As if another worker was just compressing it. */
static void
claim(struct test *t, struct eio_bundle *b)
{
	assert_non_null(eio_bundle_deflated(b, EIO_WIRE_WS_B64, &t->workers[0].options.ws_deflate, NULL));
	atomic_store(&atomic_load(&b->variants)->claimed[EIO_WIRE_WS], true);
}

/* Broadcasts that wait for another worker's compressing are no sign of a slow client, however many they are in one
 * turn. */
static void
test_busy(void **state)
{
	struct test t;
	struct peer p;

	(void)state;
	start(&t);
	p = connect_one(&t, &t.workers[0], 4, true, 0);
	for (unsigned i = 0; i < BUNDLES; i++) {
		claim(&t, t.bundles[i]);
		take(&t, &t.workers[0], deliver(&t, i, 1), NULL);
	}
	turn(&t);
	assert_int_equal(metrics_sum(&t.metrics, &clients_metrics, CLIENTS_METRIC_ENDED_SLOW), 0);
	check_frames(&t, &p, 0, BUNDLES);
	close(p.fd);
	finish(&t);
}

/* Fills the socket of a client that does not read, with something that does not shrink. Gives what was written. */
static size_t
fill(struct test *t, struct eio_socket *s)
{
	static char data[2000000];
	struct eio_message m = { .binary = true, .data = eio_bytes(data, sizeof data) };
	uint64_t v = 88172645463325252;
	struct eio_bundle *b;
	size_t n;

	for (size_t i = 0; i < sizeof data; i++) {
		v ^= v << 13;
		v ^= v >> 7;
		v ^= v << 17;
		data[i] = (char)(v >> 32);
	}
	b = eio_bundle_new(&m, 1);
	n = eio_bundle_wire(b, EIO_WIRE_WS)->n;
	assert_non_null(eio_bundle_deflated(b, EIO_WIRE_WS, &t->workers[0].options.ws_deflate, NULL));
	assert_int_equal(eio_socket_send(s, b, NULL), EIO_SENT);
	assert_false(eio_ws_writable(s->ws));
	eio_bundle_unref(b);
	return n;
}

/* The only session of a worker. */
static struct eio_socket *
only(const struct worker *w)
{
	struct eio_hash_node *n = eio_hash_any(&w->server->sids);

	return n ? EIO_CONTAINER(n, struct eio_socket, node) : NULL;
}

static void
read_bytes(struct test *t, int fd, size_t n)
{
	static char buf[65536];

	for (int idle = 0; n > 0 && idle < 5000;) {
		ssize_t k = recv(fd, buf, n < sizeof buf ? n : sizeof buf, MSG_DONTWAIT);

		turn(t);
		if (k > 0) {
			n -= (size_t)k;
			idle = 0;
		} else {
			idle++;
			usleep(1000);
		}
	}
	assert_int_equal(n, 0);
}

/* What was joined for a slow client, and what it was joined of, is held while it waits and no longer: until the
 * client takes it, is over its limit, or goes. */
static void
test_held(void **state)
{
	enum { TAKES, OVER, GOES, ENDINGS };

	(void)state;
	for (int ending = TAKES; ending < ENDINGS; ending++) {
		struct eio_socket *s;
		struct test t;
		struct peer p;
		size_t n;

		start(&t);
		p = connect_one(&t, &t.workers[0], 4, true, 4096);
		s = only(&t.workers[0]);
		n = fill(&t, s);
		/* Whatever its size, one broadcast may wait. */
		take(&t, &t.workers[0], deliver(&t, 0, 1), deliver(&t, 1, 1));
		turn(&t);
		assert_int_equal(eio_socket_queued(s),
			eio_bundle_size(t.bundles[0]) + eio_bundle_size(t.bundles[1]) + EIO_QUEUED_COST);
		for (int i = 0; i < BUNDLES; i++) assert_int_equal(atomic_load(&t.bundles[i]->refs), i < 2 ? 2 : 1);
		if (ending == TAKES) {
			read_bytes(&t, p.fd, n);
			turn(&t);
			check_frames(&t, &p, 0, 2);
		} else if (ending == OVER) {
			take(&t, &t.workers[0], deliver(&t, 2, 1), deliver(&t, 3, 1));
			assert_int_equal(metrics_sum(&t.metrics, &clients_metrics, CLIENTS_METRIC_ENDED_SLOW), 1);
		} else {
			struct linger cut = { .l_onoff = 1 };

			setsockopt(p.fd, SOL_SOCKET, SO_LINGER, &cut, sizeof cut);
		}
		if (ending == GOES) close(p.fd);
		for (int i = 0; i < 100 && atomic_load(&t.bundles[0]->refs) > 1; i++) {
			turn(&t);
			usleep(1000);
		}
		check_released(&t);
		if (ending != GOES) close(p.fd);
		finish(&t);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_joined),
		cmocka_unit_test(test_busy),
		cmocka_unit_test(test_held),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

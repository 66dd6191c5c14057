/* SPDX-License-Identifier: MIT */
/*
 * Snapshots from end to end within one process: a feed's router, and workers with clients on real sessions. The mail
 * between them lies in queues, and the dice say whose turn it is: what is a race elsewhere is a sequence here. What a
 * client reads is compared with all that was ever sent: no gap, no repeat.
 *
 * Linked with --wrap=feed_ask and its like, which stand for the feed's thread, and with --wrap=malloc and its like.
 */
#define _GNU_SOURCE
#include "eio/net/socket_int.h"
#include "src/clients/clients.h"
#include "src/feed/feed_int.h"
#include "tests/unit/configured.h"
#include "tests/unit/dice.h"
#include "tests/unit/failmalloc.h"
#include "tests/unit/peer.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

enum { WORKERS = 3, CLIENTS = 9, QUEUE = 4096, STREAMS = 7, ROOMS = 4, KEYS = 5 };

/* Everything that a stream ever had is retained, so what a client has of it must be all from 0 on. Those of "k" have the
 * newest message of each key. */
static const char config_text[] =
	"{\"redis\": \"redis://127.0.0.1\", \"workers\": 3, \"limits\": {\"clientReplyBytes\": 2000000},"
	"\"namespaces\": {\"/\": {\"on\": {\"enter\": [{\"join\": \"{1}\"}], \"exit\": [{\"leave\": \"{1}\"}]}}},"
	"\"feeds\": [{\"channel\": \"c\", \"event\": \"{/e}\", \"room\": \"{/to}\", \"encode\": \"json\","
	"\"retain\": 100000, \"snapshotEvent\": \"s{event}\", \"batch\": {\"interval\": 50, \"maxMessages\": 5}},"
	"{\"channel\": \"all\", \"event\": \"{/e}\", \"encode\": \"json\","
	"\"retain\": 100000, \"snapshotEvent\": \"s{event}\", \"batch\": {\"interval\": 0}},"
	"{\"channel\": \"k\", \"event\": \"{/e}\", \"encode\": \"json\","
	"\"retain\": {\"key\": \"/key\"}, \"remove\": {\"where\": {\"/gone\": true}},"
	"\"snapshotEvent\": \"s{event}\", \"batch\": {\"interval\": 20}}]}";

/* The same where clients come back. */
static const char recovery_text[] =
	"{\"redis\": \"redis://127.0.0.1\", \"workers\": 1, \"connectionStateRecovery\": true,"
	"\"namespaces\": {\"/\": {\"on\": {\"enter\": [{\"join\": \"{1}\"}]}}},"
	"\"feeds\": [{\"channel\": \"c\", \"event\": \"e\", \"room\": \"{/to}\", \"encode\": \"text\","
	"\"retain\": \"last\", \"snapshotEvent\": \"s\", \"batch\": {\"interval\": 0}}]}";

/* Events, and the rooms they go to: one, or several, or everybody. */
static const struct stream {
	const char *channel, *to, *rooms;
} streams[STREAMS] = {
	{ "c", "\"A\"", "A" },
	{ "c", "\"B\"", "B" },
	{ "c", "[\"A\",\"B\"]", "AB" },
	{ "c", "[\"B\",\"C\",\"D\"]", "BCD" },
	{ "c", "[\"A\",\"D\"]", "AD" },
	{ "all", "null", "*" },
	{ "k", "null", "*" },
};

/* What a client knows of a stream. */
struct known {
	bool begun; /* it had a snapshot or a message */
	bool left; /* one of its rooms was left since: both may have the state again */
	int next; /* the number it is to hear next */
	int keys[KEYS]; /* of "k": the newest number of each, -1: none */
};

struct client {
	int fd; /* -1: it is not there */
	unsigned worker;
	bool in[ROOMS];
	struct known known[STREAMS];
	char text[1 << 18]; /* what it has read and not understood yet */
	size_t n;
};

struct worker {
	struct mail_port port;
	struct eio_server_options options;
	struct eio_server *server;
	struct clients *clients;
	struct mail *first, **last; /* deliveries on their way */
};

struct test {
	uv_loop_t loop;
	struct eio_clock clock;
	struct eio_random random;
	struct config *config;
	struct interest_table *interest;
	struct metrics_set metrics;
	struct feed_options options;
	struct feed_out out;
	struct feed_router router;
	unsigned n_workers;
	struct worker workers[WORKERS];
	struct feed_ask *asks[QUEUE];
	size_t first_ask, n_asks;
	uint64_t now;
	struct client clients[CLIENTS];
	int sent[STREAMS]; /* how many messages each has had */
	int keys[KEYS];
	struct feed_session *kept; /* the last one that was given to the feed; owned */
	struct feed_recall *recall; /* the last question for one; owned */
};

static struct test *running;

/* Nobody looks into it: what is called with it is wrapped. */
static const char some_feed;

/* The feed's thread, when it is its turn */

void __wrap_feed_ask(struct feed *f, struct feed_ask *a);
bool __wrap_feed_retains(const struct feed *f, struct sio_room_key key);
bool __wrap_feed_retains_widely(const struct feed *f);

void
__wrap_feed_ask(struct feed *f, struct feed_ask *a)
{
	(void)f;
	assert_true(running->n_asks < QUEUE);
	running->asks[running->n_asks++] = feed_ask_ref(a);
}

bool
__wrap_feed_retains(const struct feed *f, struct sio_room_key key)
{
	(void)f;
	return feed_specs_retain(running->options.specs, key);
}

bool
__wrap_feed_retains_widely(const struct feed *f)
{
	(void)f;
	return atomic_load(&running->router.snapshots.wide);
}

struct feed_returning *__wrap_feed_returning_of(struct feed *f);
uint64_t __wrap_feed_serial(struct feed_returning *r);
uint64_t __wrap_feed_lost(const struct feed_returning *r, unsigned w);
void __wrap_feed_keep(struct feed_returning *r, struct feed_session *s);
void __wrap_feed_recall(struct feed_returning *r, struct feed_recall *recall);

struct feed_returning *
__wrap_feed_returning_of(struct feed *f)
{
	(void)f;
	return NULL;
}

uint64_t
__wrap_feed_serial(struct feed_returning *r)
{
	(void)r;
	return ledger_serial(running->out.ledger);
}

uint64_t
__wrap_feed_lost(const struct feed_returning *r, unsigned w)
{
	(void)r;
	return atomic_load(&running->out.budgets[w].lost);
}

void
__wrap_feed_keep(struct feed_returning *r, struct feed_session *s)
{
	(void)r;
	feed_session_free(running->kept);
	running->kept = s;
}

void
__wrap_feed_recall(struct feed_returning *r, struct feed_recall *recall)
{
	(void)r;
	if (running->recall) feed_recall_free(running->recall);
	running->recall = recall;
}

static void
answer_one(struct test *t)
{
	struct feed_ask *a;

	if (t->first_ask == t->n_asks) return;
	a = t->asks[t->first_ask++];
	if (t->first_ask == t->n_asks) t->first_ask = t->n_asks = 0;
	feed_router_ask(&t->router, a, t->now);
	feed_out_answer(&t->out, a);
}

static void
tick(struct test *t, unsigned ms)
{
	t->now += ms;
	if (t->router.deadline_ms <= t->now) feed_router_tick(&t->router, t->now);
	if (dice(2)) feed_out_post(&t->out);
}

/* Mail to a worker. A single one takes it at once. */
static void
take_delivery(void *user, struct mail *run)
{
	struct worker *w = user;

	run->next = NULL;
	*w->last = run;
	w->last = &run->next;
}

static void
take_mail(struct worker *w)
{
	struct delivery *d;
	struct mail *run = w->first;

	w->first = NULL;
	w->last = &w->first;
	while (run) {
		d = delivery_take(&run);
		clients_deliver(w->clients, d);
		delivery_free(d);
	}
}

static void
take_at_once(void *user, struct mail *run)
{
	take_delivery(user, run);
	take_mail(user);
}

/* Making */

static void
start_worker(struct test *t, unsigned i)
{
	struct worker *w = &t->workers[i];
	struct clients_options options = { .interest = t->interest,
		.metrics = &t->metrics,
		.clock = &t->clock,
		.random = &t->random,
		.worker = i,
		.takers = t->n_workers,
		.feed = (struct feed *)(uintptr_t)&some_feed };
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
	w->last = &w->first;
	w->port = (struct mail_port){ .take = t->n_workers == 1 ? take_at_once : take_delivery, .user = w };
	t->out.workers[i] = &w->port;
}

static void
start_as(struct test *t, const char *config, unsigned workers, uint64_t seed)
{
	memset(t, 0, sizeof *t);
	running = t;
	dice_state = seed;
	t->n_workers = workers;
	t->now = 1000;
	assert_int_equal(uv_loop_init(&t->loop), 0);
	assert_int_equal(eio_clock_open(&t->clock, &t->loop), 0);
	t->config = configured(config);
	t->interest = interest_table_new();
	assert_int_equal(metrics_set_init(&t->metrics), 0);
	t->options = (struct feed_options){ .interest = t->interest, .metrics = &t->metrics };
	config_fill_feed(t->config, &t->options);
	t->options.workers = workers;
	assert_int_equal(feed_out_init(&t->out, &t->options), 0);
	if (t->options.recovery.on)
		assert_non_null(
			t->out.ledger = ledger_new(&t->options.recovery, t->options.specs, workers, &t->metrics));
	assert_int_equal(feed_router_init(&t->router, &t->options, &t->out), 0);
	for (unsigned i = 0; i < workers; i++) start_worker(t, i);
	for (int i = 0; i < CLIENTS; i++) t->clients[i].fd = -1;
	for (int i = 0; i < KEYS; i++) t->keys[i] = -1;
}

static void
start(struct test *t, unsigned workers, uint64_t seed)
{
	start_as(t, config_text, workers, seed);
}

static void
turn(struct test *t)
{
	for (int i = 0; i < 3; i++) uv_run(&t->loop, UV_RUN_NOWAIT);
}

static void
finish(struct test *t)
{
	for (unsigned i = 0; i < t->n_workers; i++) eio_server_shutdown(t->workers[i].server);
	for (int i = 0; i < CLIENTS; i++)
		if (t->clients[i].fd >= 0) close(t->clients[i].fd);
	turn(t);
	/* Questions of sockets that have gone are answered, too; or not, where the feed ends first. */
	answer_one(t);
	while (t->first_ask < t->n_asks) feed_ask_unref(t->asks[t->first_ask++]);
	for (unsigned i = 0; i < t->n_workers; i++) {
		take_mail(&t->workers[i]);
		eio_server_close(t->workers[i].server);
	}
	eio_clock_close(&t->clock);
	uv_run(&t->loop, UV_RUN_DEFAULT);
	for (unsigned i = 0; i < t->n_workers; i++) {
		eio_server_free(t->workers[i].server);
		clients_free(t->workers[i].clients);
		assert_int_equal(atomic_load(&t->out.budgets[i].outstanding), 0);
	}
	assert_int_equal(uv_loop_close(&t->loop), 0);
	feed_session_free(t->kept);
	if (t->recall) feed_recall_free(t->recall);
	feed_router_deinit(&t->router);
	ledger_free(t->out.ledger);
	feed_out_deinit(&t->out);
	metrics_set_deinit(&t->metrics);
	interest_table_free(t->interest);
	config_free(t->config);
}

/* What clients hear */

static bool
hears(const struct client *c, const struct stream *s)
{
	if (*s->rooms == '*') return true;
	for (int r = 0; r < ROOMS; r++)
		if (c->in[r] && strchr(s->rooms, 'A' + r)) return true;
	return false;
}

/* Takes the number out of a message: {"e":"0","n":7,… */
static int
number_in(const char *message, const char *name)
{
	const char *at = strstr(message, name);

	assert_non_null(at);
	return atoi(at + strlen(name));
}

static void
hear_key(struct known *k, const char *message, const char *end)
{
	const char *gone = strstr(message, "\"gone\":true");

	k->keys[number_in(message, "\"key\":")] = gone && gone < end ? -1 : number_in(message, "\"n\":");
}

static void
hear_message(struct test *t, struct known *k, int stream, bool snapshot, const char *message)
{
	int n = number_in(message, "\"n\":");

	(void)t;
	if (stream == STREAMS - 1) {
		hear_key(k, message, strchr(message, '}'));
		if (snapshot) {
			k->next = n + 1 > k->next ? n + 1 : k->next;
			return;
		}
		/* What a state no longer shows may have been before it. */
		if (n < k->next) fail_msg("stream k: %d behind %d", n, k->next - 1);
		k->next = n + 1;
		return;
	}
	if (n != k->next)
		fail_msg("stream %d: %d in place of %d, %s", stream, n, k->next, snapshot ? "snapshot" : "live");
	k->next++;
}

/* One event, of one or more messages. */
static void
hear(struct test *t, struct client *c, const char *event)
{
	bool snapshot = event[4] == 's';
	int stream = event[4 + snapshot] - '0';
	struct known *k = &c->known[stream];

	assert_memory_equal(event, "42[\"", 4);
	assert_true(stream >= 0 && stream < STREAMS);
	if (!hears(c, &streams[stream])) fail_msg("stream %d: the client is in none of its rooms", stream);
	/* Alone, messages are events of their own, in the snapshot, too. */
	if (snapshot && k->begun && k->left) *k = (struct known){ .next = 0 };
	if (snapshot && k->begun && streams[stream].channel[0] != 'a') fail_msg("stream %d: a second snapshot", stream);
	if (snapshot && stream == STREAMS - 1)
		for (int i = 0; i < KEYS; i++) k->keys[i] = -1;
	k->left = false;
	for (event = strchr(event, '{'); event; event = strchr(event + 1, '{'))
		hear_message(t, k, stream, snapshot, event);
	k->begun = true;
}

/* Understands frames that are there whole. */
static void
hear_frames(struct test *t, struct client *c)
{
	unsigned char *p = (unsigned char *)c->text, *end = p + c->n;
	char event[65536];

	while (end - p >= 4) {
		size_t n = p[1], head = 2;

		assert_int_equal(p[0], 0x81);
		if (n == 126) {
			n = (size_t)p[2] << 8 | p[3];
			head = 4;
		}
		assert_true(n < sizeof event);
		if ((size_t)(end - p) < head + n) break;
		memcpy(event, p + head, n);
		event[n] = '\0';
		if (event[0] == '4' && event[1] == '2') hear(t, c, event);
		p += head + n;
	}
	c->n = (size_t)(end - p);
	memmove(c->text, p, c->n);
}

static void
listen_to(struct test *t, struct client *c)
{
	ssize_t n;

	while ((n = recv(c->fd, c->text + c->n, sizeof c->text - c->n, MSG_DONTWAIT)) > 0) {
		c->n += (size_t)n;
		hear_frames(t, c);
	}
}

static void
listen_all(struct test *t)
{
	turn(t);
	for (int i = 0; i < CLIENTS; i++)
		if (t->clients[i].fd >= 0) listen_to(t, &t->clients[i]);
}

/* What they do */

static void
say(struct test *t, struct client *c, const char *text)
{
	char frame[128] = { (char)0x81, (char)(0x80 | strlen(text)) };

	memcpy(frame + 6, text, strlen(text));
	assert_int_equal(send(c->fd, frame, 6 + strlen(text), MSG_NOSIGNAL), 6 + strlen(text));
	turn(t);
}

static void
come_as(struct test *t, struct client *c, const char *connect)
{
	c->worker = dice(t->n_workers);
	c->fd = peer_websocket(
		t->workers[c->worker].server, "/socket.io/?EIO=4&transport=websocket", "", eio_bytes("", 0), 0);
	peer_await_opened(t->workers[c->worker].server);
	while (recv(c->fd, c->text, sizeof c->text, MSG_DONTWAIT) > 0) continue; /* the answer to the handshake */
	say(t, c, connect);
	memset(c->known, 0, sizeof c->known);
	memset(c->in, 0, sizeof c->in);
	for (int i = 0; i < KEYS; i++) c->known[STREAMS - 1].keys[i] = -1;
}

static void
come(struct test *t, struct client *c)
{
	come_as(t, c, "40");
}

static void
go(struct test *t, struct client *c)
{
	close(c->fd);
	c->fd = -1;
	c->n = 0;
	turn(t);
}

static void
enter(struct test *t, struct client *c, int room)
{
	char text[32];

	snprintf(text, sizeof text, "42[\"enter\",\"%c\"]", 'A' + room);
	c->in[room] = true;
	say(t, c, text);
}

static void
leave(struct test *t, struct client *c, int room)
{
	char text[32];

	/* What was written before it leaves is told apart from what would come afterwards. */
	listen_to(t, c);
	snprintf(text, sizeof text, "42[\"exit\",\"%c\"]", 'A' + room);
	c->in[room] = false;
	say(t, c, text);
	for (int i = 0; i < STREAMS; i++) {
		if (!strchr(streams[i].rooms, 'A' + room)) continue;
		c->known[i].left = true;
		if (!hears(c, &streams[i])) memset(&c->known[i], 0, sizeof c->known[i]);
	}
}

static void
publish(struct test *t, int stream)
{
	const struct stream *s = &streams[stream];
	int n = t->sent[stream]++, key = (int)dice(KEYS);
	bool gone = !dice(4);
	char text[160];
	struct message m = { .name = eio_cstr(s->channel), .channel = eio_cstr(s->channel), .now_ms = t->now };

	snprintf(text, sizeof text, "{\"e\":\"%d\",\"n\":%d,\"to\":%s,\"key\":%d,\"gone\":%s}", stream, n, s->to, key,
		gone ? "true" : "false");
	if (stream == STREAMS - 1) t->keys[key] = gone ? -1 : n;
	m.payload = eio_cstr(text);
	feed_router_message(&t->router, &m);
}

/* Everybody who hears a stream has all of it, and no other has any. */
static void
check_quiet(struct test *t)
{
	for (int i = 0; i < CLIENTS; i++) {
		struct client *c = &t->clients[i];

		for (int s = 0; c->fd >= 0 && s < STREAMS - 1; s++)
			if (c->known[s].next != (hears(c, &streams[s]) ? t->sent[s] : 0))
				fail_msg("client %d, stream %d: %d of %d", i, s, c->known[s].next, t->sent[s]);
		for (int k = 0; c->fd >= 0 && k < KEYS; k++)
			assert_int_equal(c->known[STREAMS - 1].keys[k], t->keys[k]);
	}
}

static void
quiet(struct test *t)
{
	for (int i = 0; i < 50; i++) {
		tick(t, 60);
		feed_out_post(&t->out);
		while (t->first_ask < t->n_asks) answer_one(t);
		for (unsigned w = 0; w < t->n_workers; w++) take_mail(&t->workers[w]);
		listen_all(t);
	}
	check_quiet(t);
}

static void
do_something(struct test *t)
{
	struct client *c = &t->clients[dice(CLIENTS)];
	int room = (int)dice(ROOMS);

	switch (dice(16)) {
	case 0: c->fd < 0 ? come(t, c) : dice(6) ? (void)0 : go(t, c); break;
	case 1:
	case 2:
	case 3:
	case 4:
		if (c->fd < 0) break;
		if (c->in[room])
			leave(t, c, room);
		else
			enter(t, c, room);
		break;
	case 5:
	case 6:
	case 7:
	case 8: publish(t, (int)dice(STREAMS)); break;
	case 9: tick(t, dice(40)); break;
	case 10: feed_out_post(&t->out); break;
	case 11:
	case 12: answer_one(t); break;
	case 13:
	case 14: take_mail(&t->workers[dice(t->n_workers)]); break;
	default:
		if (c->fd >= 0) listen_to(t, c);
	}
}

static void
run_random(unsigned workers, uint64_t seed)
{
	struct test *t = calloc(1, sizeof *t);

	assert_non_null(t);
	start(t, workers, seed);
	for (int i = 0; i < 2000; i++) {
		do_something(t);
		if (i % 500 == 499) quiet(t);
	}
	assert_true(metrics_sum(&t->metrics, &feed_metrics, FEED_METRIC_SNAPSHOTS) > 20);
	finish(t);
	free(t);
}

static void
one_worker(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 3; seed++) run_random(1, seed);
}

static void
several_workers(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 5; seed++) run_random(WORKERS, seed);
}

/* Who comes between two flushes shares one encoding. */
static void
encoded_once(void **state)
{
	struct test *t = calloc(1, sizeof *t);
	struct delivery *d;

	(void)state;
	assert_non_null(t);
	start(t, 2, 1);
	publish(t, 5);
	publish(t, 5);
	for (int i = 0; i < CLIENTS; i++) come(t, &t->clients[i]);
	for (size_t i = 0; i < CLIENTS; i++) feed_router_ask(&t->router, t->asks[i], t->now);
	for (size_t i = 0; i < CLIENTS; i++) {
		assert_int_equal(t->asks[i]->n, 1);
		assert_ptr_equal(t->asks[i]->bundles[0], t->asks[0]->bundles[0]);
		feed_out_answer(&t->out, t->asks[i]);
	}
	t->n_asks = 0;
	d = EIO_CONTAINER(t->workers[0].first ? t->workers[0].first : t->workers[1].first, struct delivery, mail);
	assert_non_null(d->items[0].ask);
	for (unsigned w = 0; w < 2; w++) take_mail(&t->workers[w]);
	listen_all(t);
	check_quiet(t);
	/* After a while without anybody it is forgotten. */
	assert_true(t->router.snapshots.warm_bytes > 0);
	t->now += FEED_SNAPSHOT_WARM_MS;
	assert_true(t->router.deadline_ms <= t->now);
	feed_router_tick(&t->router, t->now);
	assert_int_equal(t->router.snapshots.warm_bytes, 0);
	finish(t);
	free(t);
}

/* Wherever memory is out: who joins gets all, or ends. */
static void
without_memory(void **state)
{
	struct test *t = calloc(1, sizeof *t);
	struct client *c = &t->clients[0];
	bool failed = true;

	(void)state;
	assert_non_null(t);
	start(t, 1, 1);
	for (int i = 0; i < 5; i++) publish(t, 0);
	for (int i = 0; i < 3; i++) publish(t, 2);
	tick(t, 60);
	for (long nth = 0; failed; nth++) {
		assert_true(nth < 1000);
		come(t, c);
		while (t->first_ask < t->n_asks) answer_one(t);
		/* Warm from before, it would need less. */
		t->now += FEED_SNAPSHOT_WARM_MS;
		feed_router_tick(&t->router, t->now);
		failmalloc_arm(nth);
		enter(t, c, 0);
		while (t->first_ask < t->n_asks) answer_one(t);
		failed = failmalloc_disarm();
		turn(t);
		listen_to(t, c);
		if (metrics_sum(&t->metrics, &namespace_metrics, NAMESPACE_METRIC_SOCKETS)) check_quiet(t);
		go(t, c);
	}
	finish(t);
	free(t);
}

/* Clients that come back */

static void
publish_text(struct test *t, const char *text)
{
	struct message m = { .kind = MESSAGE_OF_CHANNEL,
		.name = EIO_LIT("c"),
		.channel = EIO_LIT("c"),
		.payload = eio_cstr(text),
		.now_ms = t->now };

	feed_router_message(&t->router, &m);
	feed_out_post(&t->out);
}

/* Whether a client was sent a text since this was asked last. */
static bool
heard(struct test *t, struct client *c, const char *text)
{
	ssize_t n;

	turn(t);
	c->n = 0;
	while ((n = recv(c->fd, c->text + c->n, sizeof c->text - c->n, MSG_DONTWAIT)) > 0) c->n += (size_t)n;
	return memmem(c->text, c->n, text, strlen(text)) != NULL;
}

/* The line of a client breaks. Whether there is a session of it. */
static bool
kept_when_gone(struct test *t, struct client *c)
{
	feed_session_free(t->kept);
	t->kept = NULL;
	go(t, c);
	turn(t);
	return t->kept != NULL;
}

/* Comes, and has been told that nothing is retained for all. */
static void
come_settled(struct test *t, struct client *c)
{
	come(t, c);
	answer_one(t);
	assert_int_equal(t->n_asks, t->first_ask);
}

static const char state[] = "{\"to\":\"A\"}", snapshot[] = "42[\"s\",\"{\\\"to\\\":\\\"A\\\"}\",null]";

/* What is retained is not remembered: who awaits it, or has nothing that came behind it, begins anew. It does not end
 * in a text, which would be taken for an offset. */
static void
what_is_kept(void **unused)
{
	struct test *t = calloc(1, sizeof *t);
	struct client *c = &t->clients[0];

	(void)unused;
	assert_non_null(t);
	start_as(t, recovery_text, 1, 1);
	publish_text(t, state);
	come_settled(t, c);
	assert_true(kept_when_gone(t, c));
	assert_int_equal(t->kept->last.own, 0);

	come_settled(t, c);
	enter(t, c, 0);
	assert_int_equal(t->n_asks - t->first_ask, 1);
	assert_false(kept_when_gone(t, c));
	answer_one(t);

	come_settled(t, c);
	enter(t, c, 0);
	answer_one(t);
	assert_true(heard(t, c, snapshot));
	publish_text(t, state);
	assert_true(heard(t, c, "42[\"e\",\"{\\\"to\\\":\\\"A\\\"}\",\""));
	assert_true(kept_when_gone(t, c));
	assert_int_equal(t->kept->last.own, 1);
	assert_int_equal(t->kept->last.serial + 1, ledger_serial(t->out.ledger));
	finish(t);
	free(t);
}

/* Who comes back gets what it missed, and does not ask for the state of its rooms; of others it does. */
static void
back_without_asking(void **unused)
{
	struct test *t = calloc(1, sizeof *t);
	struct client *c = &t->clients[0];
	char connect[128], pid[64];
	struct feed_recall *r;

	(void)unused;
	assert_non_null(t);
	start_as(t, recovery_text, 1, 1);
	publish_text(t, state);
	come_settled(t, c);
	enter(t, c, 0);
	answer_one(t);
	assert_true(kept_when_gone(t, c));
	snprintf(pid, sizeof pid, "\"pid\":\"%.*s\"", FEED_PID_LEN, t->kept->pid);
	snprintf(connect, sizeof connect, "40{%s,\"offset\":\"1\"}", pid);
	come_as(t, c, connect);
	assert_non_null(t->recall);
	r = t->recall;
	t->recall = NULL;
	r->step = FEED_RECALL_ANSWER;
	r->session = t->kept;
	t->kept = NULL;
	clients_take_recall(t->workers[0].clients, r);
	assert_true(heard(t, c, pid));
	assert_int_equal(t->n_asks, t->first_ask);
	enter(t, c, 0);
	assert_int_equal(t->n_asks, t->first_ask);
	publish_text(t, state);
	assert_true(heard(t, c, "42[\"e\""));
	enter(t, c, 1);
	assert_int_equal(t->n_asks - t->first_ask, 1);
	answer_one(t);
	finish(t);
	free(t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_worker),
		cmocka_unit_test(several_workers),
		cmocka_unit_test(encoded_once),
		cmocka_unit_test(without_memory),
		cmocka_unit_test(what_is_kept),
		cmocka_unit_test(back_without_asking),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

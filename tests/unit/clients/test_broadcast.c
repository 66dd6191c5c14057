/* SPDX-License-Identifier: MIT */
/*
 * What handlers broadcast, on real sockets: who gets it, once, on this worker and on the other. Linked with
 * -Wl,--wrap=feed_hand, which stands in for the mailboxes.
 */
#define _GNU_SOURCE
#include "eio/net/socket_int.h"
#include "src/clients/clients.h"
#include "tests/unit/configured.h"
#include "tests/unit/peer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

enum { WORKERS = 2 };

static const char config_text[] =
	"{\"workers\": 2, \"namespaces\": {\"/\": {\"on\": {"
	"\"join\": [{\"join\": \"{1}\"}],"
	"\"say\": [{\"broadcast\": {\"room\": \"{1}\", \"event\": \"said\", \"args\": [\"{2}\"]}}],"
	"\"tell\": [{\"broadcast\": {\"room\": \"{1}\", \"event\": \"told\", \"self\": true}}, {\"ack\": []}],"
	"\"but\": [{\"broadcast\": {\"room\": \"{1}\", \"except\": \"{2}\", \"event\": \"said\"}}],"
	"\"all\": [{\"broadcast\": {\"event\": \"said\", \"args\": [\"...{args}\"]}}],"
	"\"all but\": [{\"broadcast\": {\"event\": \"said\", \"except\": \"{1}\"}}],"
	"\"me\": [{\"emit\": [\"me\", \"{sid}\"]}],"
	"\"disconnect\": [{\"broadcast\": {\"room\": \"r\", \"event\": \"left\", \"args\": [\"{reason}\"], \"self\": true}}]"
	"}}, \"/b\": {\"on\": {\"me\": [{\"emit\": [\"me\"]}]}}}}";

struct test {
	uv_loop_t loop;
	struct eio_clock clock;
	struct eio_random random;
	struct config *config;
	struct interest_table *interest;
	struct metrics_set metrics;
	struct eio_server_options options[WORKERS];
	struct eio_server *servers[WORKERS];
	struct clients *clients[WORKERS];
};

/* The other worker's mailbox */

static struct test *at_hand;
static uint64_t handed_to; /* the bits of the last call */
static unsigned handed, refuse;
static struct delivery_budget budget;

unsigned __wrap_feed_hand(struct feed *f, uint64_t workers, const struct delivery_item *item);

unsigned
__wrap_feed_hand(struct feed *f, uint64_t workers, const struct delivery_item *item)
{
	struct delivery *d;

	assert_null(f);
	handed++;
	handed_to = workers;
	if (refuse) return refuse;
	for (unsigned w = 0; w < WORKERS; w++) {
		if (!(workers >> w & 1)) continue;
		d = calloc(1, sizeof *d + sizeof d->items[0]);
		assert_non_null(d);
		d->budget = &budget;
		d->n = 1;
		d->items[0] = *item;
		eio_bundle_ref(item->bundle);
		audience_ref(item->audience);
		clients_deliver(at_hand->clients[w], d);
		delivery_free(d);
	}
	return 0;
}

/* Two workers on one loop */

static void
start_worker(struct test *t, unsigned i)
{
	struct clients_options options = { .interest = t->interest,
		.metrics = &t->metrics,
		.clock = &t->clock,
		.random = &t->random,
		.worker = i,
		.takers = WORKERS };
	struct eio_server_handler handler = {
		.open = clients_open, .message = clients_message, .close = clients_close
	};

	config_fill_clients(t->config, &options);
	t->clients[i] = handler.user = clients_new(&options);
	assert_non_null(t->clients[i]);
	t->options[i].index = i;
	config_fill_server(t->config, &t->options[i]);
	t->servers[i] = eio_server_new(&t->loop, &t->clock, &t->options[i], &handler);
	assert_non_null(t->servers[i]);
}

static int
setup(void **state)
{
	struct test *t = calloc(1, sizeof *t);

	assert_int_equal(uv_loop_init(&t->loop), 0);
	assert_int_equal(eio_clock_open(&t->clock, &t->loop), 0);
	t->config = configured(config_text);
	t->interest = interest_table_new();
	assert_int_equal(metrics_set_init(&t->metrics), 0);
	for (unsigned i = 0; i < WORKERS; i++) start_worker(t, i);
	handed = refuse = 0;
	*state = at_hand = t;
	return 0;
}

static void
turn(struct test *t)
{
	for (int i = 0; i < 5; i++) uv_run(&t->loop, UV_RUN_NOWAIT);
	for (unsigned i = 0; i < WORKERS; i++) peer_await_opened(t->servers[i]);
}

static int
teardown(void **state)
{
	struct test *t = *state;

	for (int i = 0; i < WORKERS; i++) eio_server_shutdown(t->servers[i]);
	turn(t);
	for (int i = 0; i < WORKERS; i++) eio_server_close(t->servers[i]);
	eio_clock_close(&t->clock);
	uv_run(&t->loop, UV_RUN_DEFAULT);
	for (int i = 0; i < WORKERS; i++) {
		eio_server_free(t->servers[i]);
		clients_free(t->clients[i]);
	}
	assert_int_equal(uv_loop_close(&t->loop), 0);
	metrics_set_deinit(&t->metrics);
	interest_table_free(t->interest);
	config_free(t->config);
	free(t);
	return 0;
}

/* Clients */

struct peer {
	int fd;
	char sid[64];
};

/* Appends a frame of a client, its mask all zero. */
static size_t
frame(char *out, int opcode, const char *data)
{
	size_t n = strlen(data);

	assert_true(n < 126);
	out[0] = (char)(0x80 | opcode);
	out[1] = (char)(0x80 | n);
	memset(out + 2, 0, 4);
	memcpy(out + 6, data, n);
	return 6 + n;
}

static uint64_t
count(struct test *t, enum namespace_metric m)
{
	return metrics_sum(&t->metrics, &namespace_metrics, m);
}

/* Until a number is no longer what it was; the network between a socket's ends may take its time. */
static void
await_other(struct test *t, enum namespace_metric m, uint64_t was)
{
	for (int i = 0; count(t, m) == was; i++) {
		assert_true(i < 20000);
		turn(t);
		if (i) usleep(500);
	}
	turn(t);
}

static void
send_frame(const struct peer *p, int opcode, const char *data)
{
	char buf[200];
	size_t n = frame(buf, opcode, data);

	assert_int_equal(send(p->fd, buf, n, 0), n);
}

/* An event; its handlers have run afterwards. */
static void
say(struct test *t, const struct peer *p, const char *packet)
{
	uint64_t before = count(t, NAMESPACE_METRIC_EVENTS_IN);

	send_frame(p, 1, packet);
	await_other(t, NAMESPACE_METRIC_EVENTS_IN, before);
}

/* Appends what has come: short frames one behind the other, with a blank between them. */
static void
listen_to(const struct peer *p, struct eio_buf *text)
{
	char buf[4096];
	ssize_t n = recv(p->fd, buf, sizeof buf, MSG_DONTWAIT);

	for (ssize_t i = 0; i + 2 <= n; i += 2 + buf[i + 1]) {
		assert_true(buf[i + 1] >= 0 && buf[i + 1] < 126 && i + 2 + buf[i + 1] <= n);
		if (text->n) eio_buf_addc(text, ' ');
		eio_buf_append(text, buf + i + 2, (size_t)buf[i + 1]);
	}
	eio_buf_addc(text, 0);
	assert_false(eio_buf_failed(text));
	text->n--;
}

/* Until the client has heard something with that in it. */
static void
hear(struct test *t, const struct peer *p, const char *what, struct eio_buf *text)
{
	for (int i = 0; !text->n || !strstr(text->p, what); i++) {
		assert_true(i < 20000);
		turn(t);
		if (i) usleep(500);
		listen_to(p, text);
	}
}

#define ME "42[\"me\",\""

/* What a client has heard since the last look: all that stands before the answer to a question of now. */
static void
expect_at(int line, struct test *t, const struct peer *p, const char *want)
{
	struct eio_buf text = { 0 };
	char *end;

	say(t, p, "42[\"me\"]");
	hear(t, p, ME, &text);
	end = strstr(text.p, ME);
	if (end > text.p) end--; /* the blank */
	*end = '\0';
	if (strcmp(text.p, want) != 0) fail_msg("line %d: \"%s\", not \"%s\"", line, text.p, want);
	eio_buf_deinit(&text);
}

#define expect(t, p, want) expect_at(__LINE__, t, p, want)

/* Joins the main namespace and a room, or a list of them. */
static struct peer
join(struct test *t, unsigned worker, int revision, const char *room)
{
	uint64_t before = count(t, NAMESPACE_METRIC_SOCKETS);
	char target[100], hello[20], packet[100];
	size_t n = revision == 3 ? 0 : frame(hello, 1, "40");
	struct eio_buf head = { 0 };
	struct peer p = { 0 };

	snprintf(target, sizeof target, "/socket.io/?EIO=%d&transport=websocket", revision);
	p.fd = peer_websocket(t->servers[worker], target, "", eio_bytes(hello, n), 0);
	await_other(t, NAMESPACE_METRIC_SOCKETS, before);
	say(t, &p, "42[\"me\"]");
	for (int i = 0; !memmem(head.p ? head.p : "", head.n, ME, strlen(ME)); i++) {
		char buf[4096];
		ssize_t got = recv(p.fd, buf, sizeof buf, MSG_DONTWAIT);

		assert_true(i < 20000);
		turn(t);
		if (got <= 0) usleep(500);
		if (got > 0) eio_buf_append(&head, buf, (size_t)got);
	}
	eio_buf_addc(&head, 0);
	assert_int_equal(sscanf((char *)memmem(head.p, head.n, ME, strlen(ME)) + strlen(ME), "%60[^\"]", p.sid), 1);
	eio_buf_deinit(&head);
	if (room) {
		snprintf(packet, sizeof packet, "42[\"join\",%s]", room);
		say(t, &p, packet);
	}
	return p;
}

static void
leave(struct test *t, struct peer *p)
{
	uint64_t before = count(t, NAMESPACE_METRIC_SOCKETS);

	send_frame(p, 8, "");
	await_other(t, NAMESPACE_METRIC_SOCKETS, before);
	close(p->fd);
}

/* Each client in any of the rooms gets it once, on both workers and in both revisions, but not who sent it. */
static void
test_rooms(void **state)
{
	struct test *t = *state;
	struct peer p[] = { join(t, 0, 4, "[\"r\",\"s\"]"), join(t, 0, 4, "\"r\""), join(t, 0, 3, "[\"s\",\"r\"]"),
		join(t, 1, 4, "[\"r\",\"s\"]"), join(t, 1, 3, "\"s\""), join(t, 0, 4, NULL), join(t, 1, 4, "\"x\"") };

	say(t, &p[0], "42[\"say\",[\"r\",\"s\",\"none\",\"r\"],12345678901234567890]");
	for (int i = 1; i < 5; i++) expect(t, &p[i], "42[\"said\",12345678901234567890]");
	assert_int_equal(handed, 1);
	assert_int_equal(handed_to, 2);
	expect(t, &p[0], "");
	say(t, &p[4], "42[\"say\",\"r\",\"\\u00e9\xc3\xa9\"]");
	for (int i = 0; i < 4; i++)
		expect(t, &p[i], i == 2 ? "42[\"said\",\"\\u00e9\\u00e9\"]" : "42[\"said\",\"\\u00e9\xc3\xa9\"]");
	assert_int_equal(handed_to, 1);
	say(t, &p[0], "42[\"tell\",[\"r\",\"s\"]]");
	for (int i = 0; i < 5; i++) expect(t, &p[i], "42[\"told\"]");
	/* Who is not in the room does not get it, though it asked for it. And what follows comes behind it. */
	say(t, &p[0], "427[\"tell\",\"x\"]");
	expect(t, &p[0], "437[]");
	expect(t, &p[6], "42[\"told\"]");
	say(t, &p[0], "428[\"tell\",\"r\"]");
	expect(t, &p[0], "42[\"told\"] 438[]");
	assert_int_equal(count(t, NAMESPACE_METRIC_BROADCASTS), 5);
	for (int i = 1; i < 4; i++) expect(t, &p[i], "42[\"told\"]");
	for (int i = 4; i < 7; i++) expect(t, &p[i], "");
	for (int i = 0; i < 7; i++) leave(t, &p[i]);
}

/* Another worker is told only when somebody is in the room there. */
static void
test_interest(void **state)
{
	struct test *t = *state;
	struct peer a = join(t, 0, 4, "\"r\""), b = join(t, 1, 4, "\"s\"");

	say(t, &a, "42[\"say\",[\"r\",\"nobody\"]]");
	assert_int_equal(handed, 0);
	say(t, &a, "42[\"say\",[\"s\",\"r\"]]");
	assert_int_equal(handed, 1);
	expect(t, &b, "42[\"said\",null]");
	refuse = 1;
	say(t, &a, "42[\"all\"]");
	assert_int_equal(handed, 2);
	assert_int_equal(handed_to, 2);
	assert_int_equal(count(t, NAMESPACE_METRIC_BROADCASTS_DROPPED), 1);
	expect(t, &b, "");
	refuse = 0;
	leave(t, &b); /* which is told to r */
	assert_int_equal(handed, 3);
	expect(t, &a, "42[\"left\",\"transport close\"]");
	say(t, &a, "42[\"say\",\"s\"]");
	say(t, &a, "42[\"all\"]");
	assert_int_equal(handed, 3);
	leave(t, &a);
}

static void
test_except(void **state)
{
	struct test *t = *state;
	struct peer a = join(t, 0, 4, "[\"r\",\"m\"]"), b = join(t, 0, 4, "\"r\""), c = join(t, 0, 3, "[\"m\",\"r\"]"),
		    d = join(t, 1, 4, "[\"r\",\"s\"]"), e = join(t, 1, 4, "\"r\"");
	char packet[200];

	say(t, &a, "42[\"but\",\"r\",[\"m\",\"nobody\"]]");
	expect(t, &b, "42[\"said\"]");
	expect(t, &c, "");
	expect(t, &d, "42[\"said\"]");
	expect(t, &e, "42[\"said\"]");
	/* By their ids: of both revisions, on both workers. */
	snprintf(packet, sizeof packet, "42[\"but\",[\"r\",\"s\"],[\"%s\",\"%s\"]]", c.sid, d.sid);
	say(t, &a, packet);
	expect(t, &b, "42[\"said\"]");
	expect(t, &c, "");
	expect(t, &d, "");
	expect(t, &e, "42[\"said\"]");
	snprintf(packet, sizeof packet, "42[\"all but\",[\"%s\",\"m\"]]", e.sid);
	say(t, &b, packet);
	expect(t, &a, "");
	expect(t, &b, "");
	expect(t, &c, "");
	expect(t, &d, "42[\"said\"]");
	expect(t, &e, "");
	for (struct peer *p[] = { &a, &b, &c, &d, &e, NULL }, **at = p; *at; at++) leave(t, *at);
}

/* Attachments go along; of another namespace nobody gets it. */
static void
test_everyone(void **state)
{
	struct test *t = *state;
	struct peer a = join(t, 0, 4, NULL), b = join(t, 0, 3, NULL), c = join(t, 1, 4, NULL);
	struct eio_buf text = { 0 };
	uint64_t before;

	send_frame(&c, 1, "40/b,");
	hear(t, &c, "40/b,{", &text);
	eio_buf_deinit(&text);
	send_frame(&a, 1, "451-[\"all\",{\"_placeholder\":true,\"num\":0}]");
	before = count(t, NAMESPACE_METRIC_EVENTS_IN);
	send_frame(&a, 2, "bin");
	await_other(t, NAMESPACE_METRIC_EVENTS_IN, before);
	expect(t, &a, "");
	expect(t, &b, "451-[\"said\",{\"_placeholder\":true,\"num\":0}] \004bin");
	expect(t, &c, "451-[\"said\",{\"_placeholder\":true,\"num\":0}] bin");
	before = count(t, NAMESPACE_METRIC_SOCKETS);
	send_frame(&c, 1, "41");
	await_other(t, NAMESPACE_METRIC_SOCKETS, before);
	say(t, &a, "42[\"all\"]");
	expect(t, &b, "42[\"said\"]");
	say(t, &c, "42/b,[\"me\"]");
	hear(t, &c, "\"me\"", &text);
	assert_string_equal(text.p, "42/b,[\"me\"]");
	eio_buf_deinit(&text);
	for (struct peer *p[] = { &a, &b, &c, NULL }, **at = p; *at; at++) leave(t, *at);
}

/* Who leaves tells the others, unless all are leaving. */
static void
test_leaving(void **state)
{
	struct test *t = *state;
	struct peer a = join(t, 0, 4, "\"r\""), b = join(t, 0, 4, "\"r\""), c = join(t, 1, 4, "\"r\"");

	send_frame(&a, 1, "41");
	await_other(t, NAMESPACE_METRIC_SOCKETS, 3);
	expect(t, &b, "42[\"left\",\"client namespace disconnect\"]");
	expect(t, &c, "42[\"left\",\"client namespace disconnect\"]");
	leave(t, &b);
	expect(t, &c, "42[\"left\",\"transport close\"]");
	for (int i = 0; i < WORKERS; i++) clients_stop(t->clients[i], false);
	handed = 0;
	eio_server_shutdown(t->servers[0]);
	turn(t);
	assert_int_equal(handed, 0);
	expect(t, &c, "");
	leave(t, &c);
	close(a.fd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_rooms, setup, teardown),
		cmocka_unit_test_setup_teardown(test_interest, setup, teardown),
		cmocka_unit_test_setup_teardown(test_except, setup, teardown),
		cmocka_unit_test_setup_teardown(test_everyone, setup, teardown),
		cmocka_unit_test_setup_teardown(test_leaving, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

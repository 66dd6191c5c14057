/* SPDX-License-Identifier: MIT */
/*
 * What clients of one worker ask for, on real sessions, and what becomes of them: each fault has its
 * counter and its debug line, each end has one, and nobody writes more than a few of a kind. Linked with
 * -Wl,--wrap=malloc and its like, and with --wrap=feed_publish and --wrap=interest_set, which fail when
 * told to.
 */
#define _GNU_SOURCE
#include "eio/net/socket_int.h"
#include "src/base/log.h"
#include "src/clients/client.h"
#include "src/clients/clients.h"
#include "src/config/config.h"
#include "tests/unit/configured.h"
#include "tests/unit/failmalloc.h"
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

/* With the times of the engine before it. */
static const char config_text[] =
	"{\"redis\": \"redis://127.0.0.1\", \"engine\": {\"pingInterval\": %u, \"pingTimeout\": %u},"
	"\"limits\": {\"clientReplyBytes\": 1024, \"roomsPerSocket\": 2, \"roomNameLength\": 8},"
	"\"namespaces\": {\"/bare\": {}, \"/\": {\"on\": {"
	"\"connection\": [{\"emit\": [\"hello\", \"{query.a}\"]}],"
	"\"subscribe\": [{\"join\": \"{1}\"}],"
	"\"say\": [{\"publish\": \"up\"}],"
	"\"disconnect\": [{\"publish\": \"left\"}],"
	"\"quit\": [{\"disconnect\": true}]}}}}";

/* Others' functions, which fail when told to */

static bool publish_fails, interest_fails;
static char published[512]; /* the last payload */

int __wrap_feed_publish(struct feed *f, struct eio_bytes channel, struct eio_bytes payload);
int __real_interest_set(struct interest_table *t, unsigned w, struct sio_room_key key);
int __wrap_interest_set(struct interest_table *t, unsigned w, struct sio_room_key key);

int
__wrap_feed_publish(struct feed *f, struct eio_bytes channel, struct eio_bytes payload)
{
	(void)f;
	(void)channel;
	snprintf(published, sizeof published, "%.*s", (int)payload.n, payload.p);
	return publish_fails ? -1 : 0;
}

int
__wrap_interest_set(struct interest_table *t, unsigned w, struct sio_room_key key)
{
	return interest_fails ? -1 : __real_interest_set(t, w, key);
}

/* A worker */

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
	int peer; /* of the client, -1: none */
	size_t known; /* entries of interest that stay to the end */
	int saved_stderr;
	FILE *log;
};

/* What is logged from now on goes to a file. */
static void
catch_log(struct test *t)
{
	t->log = tmpfile();
	assert_non_null(t->log);
	t->saved_stderr = dup(STDERR_FILENO);
	dup2(fileno(t->log), STDERR_FILENO);
}

/* Usually nothing ends by a time, however long the machine lets the test wait. */
static const struct times {
	unsigned ping_interval, ping_timeout, connect_timeout;
} patient = { 25000, 20000, 45000 }, wants_connect = { 25000, 20000, 60 }, wants_pong = { 300, 200, 45000 };

static struct config *
configured_with(struct times times)
{
	char text[sizeof config_text + 20];

	snprintf(text, sizeof text, config_text, times.ping_interval, times.ping_timeout);
	return configured(text);
}

static void
start_with(struct test *t, struct clients_options clients, struct times times)
{
	struct eio_server_handler handler = {
		.open = clients_open, .message = clients_message, .close = clients_close, .refused = clients_refused
	};

	*t = (struct test){ .peer = -1 };
	publish_fails = interest_fails = false;
	assert_int_equal(uv_loop_init(&t->loop), 0);
	assert_int_equal(eio_clock_open(&t->clock, &t->loop), 0);
	t->config = configured_with(times);
	t->interest = interest_table_new();
	assert_int_equal(metrics_set_init(&t->metrics), 0);
	config_fill_clients(t->config, &clients);
	clients.interest = t->interest;
	clients.metrics = &t->metrics;
	clients.clock = &t->clock;
	clients.random = &t->random;
	clients.max_attachment_bytes = 10;
	clients.connect_timeout_ms = times.connect_timeout;
	t->clients = handler.user = clients_new(&clients);
	assert_non_null(t->clients);
	config_fill_server(t->config, &t->options);
	t->server = eio_server_new(&t->loop, &t->clock, &t->options, &handler);
	assert_non_null(t->server);
	catch_log(t);
	log_set_level(LOG_LEVEL_DEBUG);
}

static void
start(struct test *t)
{
	start_with(t, (struct clients_options){ 0 }, patient);
}

static void
turn(struct test *t)
{
	for (int i = 0; i < 5; i++) uv_run(&t->loop, UV_RUN_NOWAIT);
}

/* The only session, or NULL. */
static struct eio_socket *
only(const struct test *t)
{
	for (size_t i = 0; i <= t->server->sids.mask; i++)
		if (t->server->sids.buckets[i])
			return EIO_CONTAINER(t->server->sids.buckets[i], struct eio_socket, node);
	return NULL;
}

static void
wait_for_end(struct test *t)
{
	for (int i = 0; only(t) && i < 2000; i++) {
		turn(t);
		usleep(1000);
	}
	assert_null(only(t));
}

static void
drop_peer(struct test *t)
{
	if (t->peer >= 0) close(t->peer);
	t->peer = -1;
}

static void
finish(struct test *t)
{
	eio_server_shutdown(t->server);
	drop_peer(t);
	turn(t);
	assert_int_equal(metrics_sum(&t->metrics, &namespace_metrics, NAMESPACE_METRIC_SOCKETS), 0);
	assert_int_equal(interest_count(t->interest), t->known);
	eio_server_close(t->server);
	eio_clock_close(&t->clock);
	uv_run(&t->loop, UV_RUN_DEFAULT);
	eio_server_free(t->server);
	clients_free(t->clients);
	assert_int_equal(uv_loop_close(&t->loop), 0);
	metrics_set_deinit(&t->metrics);
	interest_table_free(t->interest);
	config_free(t->config);
	log_set_level(LOG_LEVEL_INFO);
	dup2(t->saved_stderr, STDERR_FILENO);
	close(t->saved_stderr);
	fclose(t->log);
}

/* A client, which has not asked for anything yet. */
static struct eio_socket *
arrive(struct test *t, int revision)
{
	char target[80];

	snprintf(target, sizeof target, "/socket.io/?EIO=%d&transport=websocket&a=b", revision);
	t->peer = peer_websocket(t->server, target, "", eio_bytes("", 0), 0);
	turn(t);
	assert_non_null(only(t));
	return only(t);
}

/* The client says something; the session may be gone after the next turn. */
static void
say(struct test *t, struct eio_socket *s, const char *text)
{
	clients_message(t->clients, s, false, eio_cstr(text));
}

static struct eio_socket *
arrive_and_join(struct test *t)
{
	struct eio_socket *s = arrive(t, 4);

	say(t, s, "0");
	assert_int_equal(metrics_sum(&t->metrics, &namespace_metrics, NAMESPACE_METRIC_SOCKETS), 1);
	return s;
}

/* What was logged so far, without the times. */
static const char *
logged(struct test *t)
{
	static char text[20000];
	char line[4200];
	size_t n = 0;

	rewind(t->log);
	text[0] = '\0';
	while (fgets(line, sizeof line, t->log) && n < sizeof text)
		n += (size_t)snprintf(text + n, sizeof text - n, "%s", line + 25);
	return text;
}

/* Fails the test, where its output goes. */
static void
complain(struct test *t, const char *how, const char *what, const char *text)
{
	dup2(t->saved_stderr, STDERR_FILENO);
	fail_msg("%s %s:\n%s", what, how, text);
}

/* There is exactly one line of an event, and it holds the part. */
static void
check_line(struct test *t, const char *event, const char *part)
{
	const char *text = logged(t), *line = strstr(text, event), *end;

	if (!line) complain(t, "is not in", event, text);
	end = strchr(line, '\n');
	if (!memmem(line, (size_t)(end - line), part, strlen(part))) complain(t, "is not in", part, line);
	if (strstr(end, event)) complain(t, "is twice in", event, text);
	assert_null(strstr(text, "error "));
	assert_null(strstr(text, "info  "));
}

static void
check_count(struct test *t, const char *sample)
{
	struct eio_buf out;

	eio_buf_init(&out);
	metrics_write_prometheus(&t->metrics, &out);
	eio_buf_addc(&out, '\0');
	if (!strstr(out.p, sample)) complain(t, "is not in", sample, out.p);
	eio_buf_deinit(&out);
}

/* Faults */

struct packet {
	bool binary;
	const char *text;
};

#define BINARY_EVENT "51-[\"a\",{\"_placeholder\":true,\"num\":0}]"
#define TEN "[[[[[[[[[["
#define HUNDRED TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN

static const struct {
	struct packet packets[2]; /* the last of them is the fault */
	const char *label, *why;
} faults[] = {
	{ { { false, "" } }, "empty", "empty message" },
	{ { { false, "9" } }, "type", "unknown packet type" },
	{ { { false, "5[\"a\"]" } }, "attachments", "illegal attachment count" },
	{ { { false, "5999-[\"a\"]" } }, "too many attachments", "too many attachments" },
	{ { { false, "2{" } }, "payload", "invalid payload" },
	{ { { false, "2" HUNDRED HUNDRED HUNDRED } }, "depth", "payload nested too deeply" },
	{ { { false, "0/\xff," } }, "namespace", "namespace is not valid UTF-8" },
	{ { { false, BINARY_EVENT }, { false, "2[\"a\"]" } }, "text in binary",
		"text while attachments are outstanding" },
	{ { { true, "x" } }, "stray binary", "binary message when none is expected" },
	{ { { false, "51-[\"a\",{\"_placeholder\":true,\"num\":1}]" }, { true, "x" } }, "placeholder",
		"placeholder without its attachment" },
	{ { { false, BINARY_EVENT }, { true, "12345678901" } }, "attachment bytes", "attachments larger than allowed" },
	{ { { false, "0" } }, "already joined", "second CONNECT to a namespace" },
	{ { { false, "2/bare,[\"a\"]" } }, "not joined", "packet for a namespace not joined" },
	{ { { false, "4{\"message\":\"x\"}" } }, "connect error", "CONNECT_ERROR from a client" },
};

enum { FAULTS = sizeof faults / sizeof faults[0] };

_Static_assert((int)FAULTS == (int)SIO_ERROR_INDEX_LAST_FAULT, "each fault has a row");

/* Each fault is counted under its name, told in the line of the end, and alone. */
static void
test_faults(void **state)
{
	(void)state;
	for (size_t i = 0; i < FAULTS; i++) {
		uint64_t sum = 0;
		struct eio_socket *s;
		char sample[200];
		struct test t;

		start(&t);
		s = arrive_and_join(&t);
		for (int k = 0; k < 2 && faults[i].packets[k].text; k++) {
			const struct packet *p = &faults[i].packets[k];

			clients_message(t.clients, s, p->binary, eio_cstr(p->text));
		}
		wait_for_end(&t);
		snprintf(sample, sizeof sample, "siocast_packets_invalid_total{worker=\"0\",reason=\"%s\"} 1\n",
			faults[i].label);
		check_count(&t, sample);
		for (unsigned m = CLIENTS_METRIC_PACKETS_INVALID_EMPTY;
			m <= CLIENTS_METRIC_PACKETS_INVALID_CONNECT_ERROR; m++)
			sum += metrics_sum(&t.metrics, &clients_metrics, m);
		assert_int_equal(sum, 1);
		snprintf(sample, sizeof sample,
			" reason=\"forced close\" why=\"%s\" transport=websocket eio=4 seconds=", faults[i].why);
		check_line(&t, "event=session-closed sid=", sample);
		finish(&t);
	}
}

/* Ends. Each makes a session that is about to end, or ends at once. */

static void
end_by_client(struct test *t)
{
	arrive_and_join(t);
	assert_int_equal(send(t->peer, "\x88\x80\0\0\0", 6, 0), 6); /* a close frame */
}

static void
end_by_cut(struct test *t)
{
	arrive_and_join(t);
	drop_peer(t);
}

static void
end_by_timeout(struct test *t)
{
	arrive(t, 4);
}

static void
end_by_silence(struct test *t)
{
	arrive_and_join(t);
}

static void
end_by_handler(struct test *t)
{
	say(t, arrive_and_join(t), "2[\"quit\"]");
}

static void
end_by_slowness(struct test *t)
{
	struct eio_message m = { .data = EIO_LIT("2[\"x\"]") };
	struct eio_socket *s = arrive_and_join(t);
	struct eio_bundle *b = eio_bundle_new(&m, 1);

	/* As if the WebSocket took nothing. */
	for (int i = 0; i < 500; i++) eio_session_submit(&s->session, b, NULL);
	eio_bundle_unref(b);
	say(t, s, "0/bare,");
}

static void
end_by_memory_for_interest(struct test *t)
{
	struct eio_socket *s = arrive_and_join(t);

	interest_fails = true;
	say(t, s, "2[\"subscribe\",\"room\"]");
	interest_fails = false;
}

static void
end_by_shutdown(struct test *t)
{
	arrive_and_join(t);
	eio_server_shutdown(t->server);
}

static const struct {
	void (*make)(struct test *t);
	const char *line, *sample; /* sample: NULL when it is counted by the session's reason alone */
	const char *told; /* what the handler of disconnect published; NULL: there was no socket any more, or never */
	const struct times *times;
} ends[] = {
	{ end_by_client, "reason=\"transport close\" transport=", NULL, "[\"transport close\"]", &patient },
	{ end_by_cut, "reason=\"transport error\" transport=", NULL, "[\"transport error\"]", &patient },
	{ end_by_timeout, "reason=\"forced close\" why=\"no CONNECT in time\" transport=websocket eio=4 seconds=",
		"clients_ended_total{worker=\"0\",reason=\"connect timeout\"} 1", NULL, &wants_connect },
	{ end_by_silence, "reason=\"ping timeout\" transport=", NULL, "[\"ping timeout\"]", &wants_pong },
	{ end_by_handler, "reason=\"forced close\" why=\"disconnect by a handler\" transport=",
		"clients_ended_total{worker=\"0\",reason=\"disconnect\"} 1", "[\"server namespace disconnect\"]",
		&patient },
	{ end_by_slowness, "reason=\"forced close\" why=\"too slow\" transport=",
		"slow_disconnected_total{worker=\"0\"} 1", "[\"too slow\"]", &patient },
	{ end_by_memory_for_interest, "reason=\"forced close\" why=\"out of memory\" transport=",
		"clients_ended_total{worker=\"0\",reason=\"memory\"} 1", "[\"out of memory\"]", &patient },
	{ end_by_shutdown, "reason=\"server shutting down\" transport=", NULL, "[\"server shutting down\"]", &patient },
};

static void
test_ends(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
		struct test t;

		start_with(&t, (struct clients_options){ 0 }, *ends[i].times);
		published[0] = '\0';
		ends[i].make(&t);
		wait_for_end(&t);
		check_line(&t, "event=session-closed sid=", ends[i].line);
		if (ends[i].sample) check_count(&t, ends[i].sample);
		if (ends[i].told && !strstr(published, ends[i].told))
			complain(&t, "is not in", ends[i].told, published);
		if (!ends[i].told) assert_string_equal(published, "");
		finish(&t);
	}
}

/* What a client did in vain. */
static const struct {
	const char *text, *event, *line, *sample;
	bool publish_fails;
} vain[] = {
	{ "0/no\"pe,", "event=connect-refused sid=", "nsp=\"/no\\x22pe\" why=\"Invalid namespace\"",
		"connect_refused_total{worker=\"0\",reason=\"namespace\"} 1", false },
	{ "2[\"subscribe\",[\"a\",\"b\",\"c\"]]",
		"event=join-refused sid=", "nsp=\"/\" room=\"c\" limit=limits.roomsPerSocket max=2",
		"joins_refused_total{namespace=\"/\",reason=\"roomsPerSocket\"} 1", false },
	{ "2[\"subscribe\",\"123456789\"]",
		"event=join-refused sid=", "nsp=\"/\" room=\"123456789\" limit=limits.roomNameLength max=8",
		"joins_refused_total{namespace=\"/\",reason=\"roomNameLength\"} 1", false },
	{ "2[\"nobody\\n\",1]", "event=event-unhandled sid=", "nsp=\"/\" name=\"nobody\\x5cn\"",
		"events_unhandled_total{namespace=\"/\"} 1", false },
	{ "2[7]", "event=event-unhandled sid=", "nsp=\"/\" name=\"7\"", "events_unhandled_total{namespace=\"/\"} 1",
		false },
	{ "2[\"subscribe\"]", "event=action-skipped sid=",
		"nsp=\"/\" name=\"subscribe\" action=join target=\"{1}\" why=\"a value is missing\"",
		"handlers_skipped_total{namespace=\"/\"} 1", false },
	{ "2[\"say\",1]", "event=publish-dropped sid=", "nsp=\"/\" channel=\"up\"", NULL, true },
};

static void
test_in_vain(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof vain / sizeof vain[0]; i++) {
		struct eio_socket *s;
		struct test t;

		start(&t);
		s = arrive_and_join(&t);
		publish_fails = vain[i].publish_fails;
		say(&t, s, vain[i].text);
		turn(&t);
		assert_non_null(only(&t)); /* it is no fault */
		check_line(&t, vain[i].event, vain[i].line);
		if (vain[i].sample) check_count(&t, vain[i].sample); /* or the feed counts it */
		finish(&t);
	}
}

/* Requests that the sessions' server refuses, polling and WebSocket. */
static void
test_refused_requests(void **state)
{
	static const char target[] = "/socket.io/?EIO=4&transport=%s&sid=gone";
	char text[80];
	struct test t;

	(void)state;
	start(&t);
	snprintf(text, sizeof text, target, "polling");
	eio_exchange_unref(peer_request(t.server, text, "", NULL));
	check_line(&t, "event=request-refused why=\"Session ID unknown\"",
		"target=\"/socket.io/?EIO=4&transport=polling&sid=gone\"");
	finish(&t);

	start(&t);
	t.peer = peer_websocket(t.server, "/socket.io/?EIO=9&transport=websocket", "", eio_bytes("", 0), 0);
	check_line(&t, "event=request-refused why=\"Unsupported protocol version\"", "suppressed=0");
	assert_int_equal(eio_server_stats(t.server)->refused[EIO_REFUSAL_UNSUPPORTED_PROTOCOL], 1);
	finish(&t);
}

/* A flood of one kind says little and hides no other; at info there is nothing. */
static void
test_bounded(void **state)
{
	struct eio_socket *s;
	struct test t;
	size_t n = 0;

	(void)state;
	start(&t);
	s = arrive_and_join(&t);
	for (int i = 0; i < 1000; i++) say(&t, s, "2[\"nobody\"]");
	say(&t, s, "2[\"subscribe\"]");
	for (const char *p = logged(&t); (p = strstr(p, "event=event-unhandled")); p++) n++;
	assert_int_equal(n, LOG_LIMIT_BURST);
	check_line(&t, "event=action-skipped", "suppressed=0");
	finish(&t);

	start(&t);
	log_set_level(LOG_LEVEL_INFO);
	s = arrive_and_join(&t);
	say(&t, s, "2[\"nobody\"]");
	say(&t, s, "9");
	wait_for_end(&t);
	assert_string_equal(logged(&t), "");
	check_count(&t, "events_unhandled_total{namespace=\"/\"} 1");
	finish(&t);
}

/* Namespaces at work keep what they were made of. */
static void
test_namespaces(void **state)
{
	struct config *config = configured_with(patient);
	struct clients_options options = { 0 };
	struct metrics_set metrics;
	struct namespaces *all;
	struct namespace *n;

	(void)state;
	assert_int_equal(metrics_set_init(&metrics), 0);
	config_fill_clients(config, &options);
	all = namespaces_new(options.namespaces, &(struct namespaces_options){ .metrics = &metrics });
	assert_non_null(all);
	config_free(config);
	n = namespaces_find(all, EIO_LIT("/"));
	assert_true(n && n->handlers && eio_bytes_eq(n->name, EIO_LIT("/")));
	assert_ptr_equal(namespaces_find(all, EIO_LIT("/")), n);
	n = namespaces_find(all, EIO_LIT("/bare"));
	assert_true(n && !n->handlers);
	assert_null(namespaces_find(all, EIO_LIT("/bar")));
	assert_null(namespaces_find(all, EIO_LIT("")));
	assert_true(handlers_needs_query(namespaces_needs(all)));
	assert_false(handlers_needs_headers(namespaces_needs(all)));
	namespaces_unref(all);
	metrics_set_deinit(&metrics);
}

/* Who asks for a namespace gets that name, or the pattern with the most text before its star. */
static void
test_namespace_patterns(void **state)
{
	static const struct {
		const char *asked, *found;
	} cases[] = {
		{ "/", "/" },
		{ "/site-a", "/site-a" },
		{ "/site-ab", "/site-*" },
		{ "/site-", "/*" },
		{ "/site-a*", "/site-*" },
		{ "/site-x/y", "/site-*/*" },
		{ "/site-/y", "/site-*" },
		{ "/sit", "/*" },
		{ "/site-\xc3\xa9", "/site-*" },
		{ "site-a", NULL },
		{ "", NULL },
	};
	struct config *config = configured("{\"redis\": \"redis://127.0.0.1\", \"namespaces\": {\"/*\": {}, "
					   "\"/site-*\": {}, \"/site-a\": {}, \"/site-*/*\": {}}}");
	struct clients_options options = { 0 };
	const struct namespace_spec *s;
	char name[NAMESPACE_MAX_NAME + 2];

	(void)state;
	config_fill_clients(config, &options);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		s = namespace_specs_match(options.namespaces, eio_cstr(cases[i].asked));
		if (!s != !cases[i].found || (s && strcmp(s->name, cases[i].found) != 0))
			fail_msg("%s: %s", cases[i].asked, s ? s->name : "none");
	}
	memset(name, '/', sizeof name);
	assert_non_null(namespace_specs_match(options.namespaces, eio_bytes(name, NAMESPACE_MAX_NAME)));
	assert_null(namespace_specs_match(options.namespaces, eio_bytes(name, NAMESPACE_MAX_NAME + 1)));
	config_free(config);
}

/* Admission: who is in, with what. */

static void
test_admission(void **state)
{
	struct eio_socket *s;
	struct test t;

	(void)state;
	start(&t);
	s = arrive_and_join(&t);
	say(&t, s, "0/bare,{\"x\":1}");
	assert_int_equal(metrics_sum(&t.metrics, &namespace_metrics, NAMESPACE_METRIC_SOCKETS), 2);
	assert_int_equal(interest_count(t.interest), 2);
	say(&t, s, "2/bare,[\"subscribe\",\"r\"]"); /* of another namespace */
	assert_int_equal(interest_count(t.interest), 2);
	say(&t, s, "2[\"subscribe\",\"r\"]");
	assert_int_equal(interest_count(t.interest), 3);
	say(&t, s, "1"); /* leaves */
	assert_int_equal(metrics_sum(&t.metrics, &namespace_metrics, NAMESPACE_METRIC_SOCKETS), 1);
	assert_int_equal(interest_count(t.interest), 1);
	assert_non_null(strstr(published, "[\"client namespace disconnect\"]"));
	say(&t, s, "0");
	assert_int_equal(metrics_sum(&t.metrics, &namespace_metrics, NAMESPACE_METRIC_SOCKETS), 2);
	finish(&t);

	start(&t);
	arrive(&t, 3);
	assert_int_equal(metrics_sum(&t.metrics, &namespace_metrics, NAMESPACE_METRIC_SOCKETS), 1); /* without asking */
	finish(&t);
}

/* The Admin UI: what happens is told to who looks, and to nobody else. */

static struct eio_buf noted; /* what was told, a line for each item */

static void
take_noted(void *user, struct mail *run)
{
	struct ui_told *told = EIO_CONTAINER(run, struct ui_told, mail);
	struct eio_bytes bytes;
	enum ui_item kind;
	size_t at = 0;

	assert_null(run->next);
	while (ui_told_next(told, &at, &kind, &bytes)) {
		assert_int_equal(kind, UI_ITEM_EVENT);
		eio_buf_add(&noted, bytes);
		eio_buf_addc(&noted, '\n');
	}
	ui_told_free(user, told);
}

/* Has what was noted in this turn told, and looks for its parts, each behind the one before; nothing: NULL. */
static void
expect_noted(struct test *t, const char *const *parts)
{
	const char *p;

	eio_buf_clear(&noted);
	clients_turn(t->clients);
	assert_true((noted.n > 0) == (*parts != NULL));
	eio_buf_addc(&noted, '\0');
	p = noted.p;
	for (; *parts; parts++) {
		p = strstr(p, *parts);
		if (!p) complain(t, "is not in", *parts, noted.p);
		p += strlen(*parts);
	}
}

#define EXPECT_NOTED(t, ...) expect_noted(t, (const char *const[]){ __VA_ARGS__, NULL })
#define EXPECT_NOTHING(t) expect_noted(t, (const char *const[]){ NULL })

static void
test_ui(void **state)
{
	const struct sio_room_key room = sio_room_everyone(EIO_LIT("/admin"));
	struct ui_line line = { .nsp = "/admin", .watches = true, .told = { NULL, take_noted, &line } };
	struct eio_socket *s;
	struct test t;

	(void)state;
	start_with(&t, (struct clients_options){ .ui = &line }, patient);
	t.known = 1;
	s = arrive_and_join(&t);
	EXPECT_NOTHING(&t);
	interest_set(t.interest, 0, room);
	say(&t, s, "0/bare,{\"secret\":1}");
	EXPECT_NOTED(&t, "[\"socket_connected\",{\"id\":", "\"transport\":\"websocket\",\"nsp\":\"/bare\"",
		"\"rooms\":[", "]},\"20", "Z\"]");
	assert_null(strstr(noted.p, "\"auth\""));
	say(&t, s, "2[\"subscribe\",\"r\\u0022\"]");
	EXPECT_NOTED(&t, "[\"event_received\",\"/\",\"", "\",[\"subscribe\",\"r\\u0022\"],\"20",
		"\n[\"room_joined\",\"/\",\"r\\\"\",\"");
	/* Too much is on its way. */
	atomic_store(&line.bytes, UI_LINE_BYTES);
	say(&t, s, "2[\"say\",1]");
	EXPECT_NOTHING(&t);
	assert_int_equal(metrics_sum(&t.metrics, &clients_metrics, CLIENTS_METRIC_UI_DROPPED), 1);
	atomic_store(&line.bytes, 0);
	say(&t, s, "1");
	EXPECT_NOTED(&t, "[\"socket_disconnected\",\"/\",\"", "\",\"client namespace disconnect\",\"20",
		"[\"room_left\",\"/\",\"r\\\"\",\"");
	assert_int_equal(atomic_load(&line.bytes), 0);
	interest_clear(t.interest, 0, room);
	say(&t, s, "0");
	EXPECT_NOTHING(&t);
	finish(&t);
	eio_buf_deinit(&noted);
}

/* Without memory something is not told, which is counted, and nobody else notices. */
static void
test_ui_no_memory(void **state)
{
	const struct sio_room_key room = sio_room_everyone(EIO_LIT("/admin"));
	struct ui_line line = { .nsp = "/admin", .watches = true, .told = { NULL, take_noted, &line } };
	struct eio_socket *s;
	struct test t;
	bool failed = true;

	(void)state;
	start_with(&t, (struct clients_options){ .ui = &line }, patient);
	t.known = 1;
	s = arrive_and_join(&t);
	interest_set(t.interest, 0, room);
	for (long n = 0; failed; n++) {
		failmalloc_arm(n);
		ui_upgraded(client_of_session(s));
		failed = failmalloc_disarm();
		if (failed)
			EXPECT_NOTHING(&t);
		else
			EXPECT_NOTED(
				&t, "[\"socket_updated\",{\"id\":\"", "\",\"nsp\":\"/\",\"transport\":\"websocket\"}]");
		assert_int_equal(metrics_sum(&t.metrics, &clients_metrics, CLIENTS_METRIC_UI_DROPPED), n + failed);
	}
	interest_clear(t.interest, 0, room);
	finish(&t);
	eio_buf_deinit(&noted);
}

/* Without memory for what it asks for, a client ends, and is not left waiting. */
static void
test_no_memory(void **state)
{
	static const char *const texts[] = { "0", "2[\"subscribe\",[\"a\",\"b\"]]", "2[\"say\",\"x\"]" };

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		bool failed = true;

		for (long n = 0; failed; n++) {
			struct eio_socket *s;
			struct test t;

			start(&t);
			s = i ? arrive_and_join(&t) : arrive(&t, 4);
			failmalloc_arm(n);
			say(&t, s, texts[i]);
			failed = failmalloc_disarm();
			if (failed) {
				wait_for_end(&t);
				check_count(&t, "clients_ended_total{worker=\"0\",reason=\"memory\"} 1\n");
				check_line(&t, "event=session-closed sid=", "why=\"out of memory\"");
			} else {
				assert_true(n >= 2);
				assert_int_equal(
					metrics_sum(&t.metrics, &clients_metrics, CLIENTS_METRIC_ENDED_NOMEM), 0);
			}
			finish(&t);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_faults),
		cmocka_unit_test(test_ends),
		cmocka_unit_test(test_in_vain),
		cmocka_unit_test(test_refused_requests),
		cmocka_unit_test(test_bounded),
		cmocka_unit_test(test_namespaces),
		cmocka_unit_test(test_namespace_patterns),
		cmocka_unit_test(test_admission),
		cmocka_unit_test(test_ui),
		cmocka_unit_test(test_ui_no_memory),
		cmocka_unit_test(test_no_memory),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* Handlers that wait: what the application is asked, what its answers do, and where a run goes on. */
#include "src/handlers/answer.h"
#include "src/handlers/handlers.h"
#include "tests/unit/failmalloc.h"

#include <cjson/cJSON.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* ---- a worker that writes down what it is told ---- */

static struct eio_buf heard; /* one line per effect */
static bool deaf; /* writes nothing, to test what happens without memory */
static bool full; /* takes no questions */
static bool all_answered; /* rooms that are asked about are let in at once */

static void
say(const char *what, struct eio_bytes a)
{
	if (deaf) return;
	eio_buf_add(&heard, eio_cstr(what));
	eio_buf_addc(&heard, ' ');
	eio_buf_add(&heard, a);
	eio_buf_addc(&heard, '\n');
}

static void
say_bundle(const char *what, struct eio_bundle *b)
{
	struct eio_block *w = deaf ? NULL : eio_bundle_wire(b, EIO_WIRE_POLLING);

	if (w) say(what, eio_bytes(w->data, w->n));
	eio_bundle_unref(b);
}

static void
op_broadcast(void *ctx, struct sio_socket *s, const struct handlers_broadcast *b)
{
	(void)ctx;
	(void)s;
	say_bundle(b->self ? "to all" : "to others", b->bundle);
	for (size_t i = 0; i < b->n_rooms; i++) say("- room", b->rooms[i]);
	for (size_t i = 0; i < b->n_except; i++) say("- not", b->except[i]);
}

static void
op_send(void *ctx, struct sio_socket *s, struct eio_bundle *b)
{
	(void)ctx;
	(void)s;
	say_bundle("send", b);
}

/* Rooms that begin with '?' are asked about, those with '!' refused. */
static enum handlers_joined
op_join(void *ctx, struct sio_socket *s, const struct handlers_join *join, struct handlers_refusal *why)
{
	(void)ctx;
	(void)s;
	if (join->room.n && join->room.p[0] == '?' && join->asked && !all_answered) {
		say("ask about", join->room);
		say("- of", join->args);
		return HANDLERS_ASKED;
	}
	if (join->room.n && join->room.p[0] == '!') {
		*why = (struct handlers_refusal){ "too_many_rooms", { ",\"n\":1", 6 } };
		return HANDLERS_OUT;
	}
	say(join->asked ? "join" : "put into", join->room);
	return HANDLERS_IN;
}

static void
op_leave(void *ctx, struct sio_socket *s, struct eio_bytes room)
{
	(void)ctx;
	(void)s;
	say("leave", room);
}

static void
op_publish(void *ctx, struct sio_socket *s, struct eio_bytes channel, struct eio_bytes payload)
{
	(void)ctx;
	(void)s;
	(void)payload;
	say("publish", channel);
}

static void
op_close(void *ctx, struct sio_socket *s, bool whole)
{
	(void)ctx;
	(void)s;
	say("close", whole ? EIO_LIT("all") : EIO_LIT("nsp"));
}

static void
op_over_rate(void *ctx, struct sio_socket *s, enum handlers_over then)
{
	(void)ctx;
	(void)s;
	(void)then;
	say("over", EIO_LIT("rate"));
}

static void
op_skipped(void *ctx, struct sio_socket *s, const struct handlers_skip *skip)
{
	(void)ctx;
	(void)s;
	say(skip->action, eio_cstr(skip->why));
}

static bool
op_ask(void *ctx, struct sio_socket *s, size_t i, struct eio_buf *json)
{
	(void)ctx;
	(void)s;
	assert_true(i < 10);
	say((const char *[]){ "ask 0", "ask 1", "ask 2" }[i], eio_buf_bytes(json));
	eio_buf_deinit(json);
	return !full;
}

static void
op_tell(void *ctx, struct sio_socket *s, size_t i, struct eio_buf *json)
{
	(void)ctx;
	(void)s;
	(void)i;
	say("tell", eio_buf_bytes(json));
	eio_buf_deinit(json);
}

static void
op_called(void *ctx, struct sio_socket *s, enum handlers_called how, const char *why)
{
	static const char *const names[] = { "called", "refused", "failed" };

	(void)ctx;
	(void)s;
	say(names[how], eio_cstr(why ? why : ""));
}

static const struct handlers_ops ops = {
	.broadcast = op_broadcast,
	.send = op_send,
	.join = op_join,
	.leave = op_leave,
	.publish = op_publish,
	.close = op_close,
	.over_rate = op_over_rate,
	.skipped = op_skipped,
	.ask = op_ask,
	.tell = op_tell,
	.called = op_called,
};

static const struct sio_client_config config = { 0, 1000 };

struct fixture {
	struct handlers *h;
	struct sio_client client;
	struct handlers_call call;
	struct handlers_rest *rest;
	struct sio_event ev;
};

static void
fail_error(void *user, const struct handlers_error *e)
{
	(void)user;
	fail_msg("%s: %s", e->path, e->text);
}

static bool
no_where(void *user, const cJSON *item, struct where *out)
{
	(void)user;
	(void)item;
	(void)out;
	return true;
}

static void
setup(struct fixture *f, const char *on)
{
	static const unsigned char random[SIO_ID_RANDOM];
	cJSON *json = cJSON_Parse(on);
	struct sio_socket *s;
	struct eio_bundle *b;

	assert_non_null(json);
	*f = (struct fixture){ .h = handlers_compile(json, 0, fail_error, no_where, NULL) };
	assert_non_null(f->h);
	cJSON_Delete(json);
	sio_client_init(&f->client, &config, 0);
	assert_int_equal(sio_client_accept(&f->client, EIO_LIT("/"), EIO_LIT("{\"t\":1}"), random, &s, &b), 0);
	eio_bundle_unref(b);
	f->call = (struct handlers_call){
		.ops = &ops,
		.rest = &f->rest,
		.socket = s,
		.query = EIO_LIT("a=1"),
		.headers = EIO_LIT("{\"header\":{\"cookie\":\"c=1\",\"x\":\"y\"},\"cookie\":{}}"),
		.claims = EIO_LIT("{\"sub\":12345678901234567890}"),
	};
	full = all_answered = false;
	eio_buf_clear(&heard);
}

static void
teardown(struct fixture *f)
{
	handlers_rest_free(f->rest);
	handlers_free(f->h);
	sio_client_deinit(&f->client);
}

static void
expect_heard(const char *want)
{
	eio_buf_addc(&heard, 0);
	assert_false(eio_buf_failed(&heard));
	assert_string_equal(heard.p, want);
	eio_buf_clear(&heard);
}

/* The client sends a packet, with an attachment if it asks for one. */
static enum handlers_result
event(struct fixture *f, const char *packet)
{
	int rc = sio_client_recv(&f->client, false, eio_cstr(packet), &f->ev);

	if (rc == 0) rc = sio_client_recv(&f->client, true, EIO_LIT("one"), &f->ev);
	assert_int_equal(rc, 1);
	return handlers_run_event(f->h, &f->call, &f->ev);
}

static enum handlers_result
go_on(struct fixture *f, const struct sio_event *ev, const struct handlers_outcome *o)
{
	struct handlers_rest *rest = f->rest;

	f->rest = NULL;
	return handlers_go_on(rest, &f->call, ev, o);
}

static enum handlers_result
answer(struct fixture *f, unsigned status, const char *body)
{
	const struct hook_answer a = { .status = status, .why = status ? NULL : "timeout", .body = eio_cstr(body) };

	return go_on(f, &f->ev, &(struct handlers_outcome){ .answer = &a });
}

#define SID "AAAAAAAAAAAAAAAAAAAA"
#define HEADERS ",\"headers\":{\"cookie\":\"c=1\"}}\n"
#define KNOWN ",\"claims\":{\"sub\":12345678901234567890},\"rooms\":[]"
#define QUESTION(args) \
	"{\"type\":\"event\",\"event\":\"m\",\"args\":[" args "],\"sid\":\"" SID "\",\"nsp\":\"/\"" KNOWN HEADERS

/* One event, and an answer to its call. */
static void
run(const char *on, const char *packet, unsigned status, const char *body, enum handlers_result result,
	const char *want)
{
	struct fixture f;

	setup(&f, on);
	assert_int_equal(event(&f, packet), HANDLERS_WAITS);
	assert_true(handlers_rest_bytes(f.rest) > 0);
	eio_buf_clear(&heard);
	assert_int_equal(answer(&f, status, body), result);
	expect_heard(want);
	teardown(&f);
}

/* ---- questions ---- */

static void
test_question(void **state)
{
	struct fixture f;

	(void)state;
	setup(&f, "{\"m\":[{\"join\":\"a\"},{\"call\":\"http://h/\"},{\"join\":\"b\"}],"
		  "\"n\":[{\"call\":{\"url\":\"http://h/\",\"headers\":[\"x\",\"none\"]}}],"
		  "\"o\":[{\"call\":{\"url\":\"http://h/\",\"timeout\":50}},{\"call\":\"http+unix://%2Fs/\"}]}");
	assert_int_equal(handlers_calls(f.h), 3); /* the same place is there once */
	assert_int_equal(handlers_call_to(f.h, 0)->timeout_ms, 5000);
	assert_int_equal(handlers_call_to(f.h, 1)->timeout_ms, 50);
	assert_string_equal(handlers_call_to(f.h, 2)->socket_path, "/s");
	assert_int_equal(event(&f, "2[\"m\",{\"n\":12345678901234567890},\"\\u0000\"]"), HANDLERS_WAITS);
	expect_heard("put into a\nask 0 " QUESTION("{\"n\":12345678901234567890},\"\\u0000\""));
	assert_int_equal(answer(&f, 204, ""), HANDLERS_DONE);
	expect_heard("called \nput into b\n");
	assert_int_equal(event(&f, "51-[\"n\",{\"_placeholder\":true,\"num\":0}]"), HANDLERS_WAITS);
	expect_heard(
		"ask 0 {\"type\":\"event\",\"event\":\"n\",\"args\":[{\"_placeholder\":true,\"num\":0}],\"sid\":\"" SID
		"\",\"nsp\":\"/\",\"attachments\":[\"b25l\"]" KNOWN ",\"headers\":{\"x\":\"y\"}}\n");
	assert_int_equal(answer(&f, 200, " {} "), HANDLERS_DONE);
	expect_heard("called \n");
	teardown(&f);
}

/* At both ends of a life: who has left is not waited for. */
static void
test_life_cycle(void **state)
{
	const struct hook_answer a = { .status = 200, .body = EIO_LIT("{\"join\":[\"x\"],\"ack\":[1]}") };
	struct fixture f;

	(void)state;
	setup(&f, "{\"connection\":[{\"call\":\"http://h/\"},{\"emit\":[\"hello\",\"{auth.t}\"]}],"
		  "\"disconnect\":[{\"call\":\"http://h/\"},{\"publish\":\"left\"}]}");
	assert_int_equal(handlers_run_connection(f.h, &f.call), HANDLERS_WAITS);
	expect_heard("ask 0 {\"type\":\"connection\",\"event\":\"connection\",\"args\":[],\"sid\":\"" SID
		     "\",\"nsp\":\"/\"" KNOWN ",\"auth\":{\"t\":1},\"query\":{\"a\":\"1\"}" HEADERS);
	assert_int_equal(go_on(&f, NULL, &(struct handlers_outcome){ .answer = &a }), HANDLERS_DONE);
	expect_heard("put into x\ncalled \nsend 42[\"hello\",1]\n");
	f.call.rest = NULL;
	assert_int_equal(handlers_run_disconnect(f.h, &f.call, "ping timeout"), HANDLERS_DONE);
	expect_heard("tell {\"type\":\"disconnect\",\"event\":\"disconnect\",\"args\":[\"ping timeout\"],\"sid\":\"" SID
		     "\",\"nsp\":\"/\"" KNOWN HEADERS "publish left\n");
	teardown(&f);
}

/* ---- answers ---- */

static const char one_call[] = "{\"m\":[{\"call\":\"http://h/\"},{\"ack\":[\"mine\"]},{\"leave\":\"behind\"}]}";

static void
test_answers(void **state)
{
	(void)state;
	run(one_call, "27[\"m\"]", 200,
		"{\"disconnect\":false,\"ack\":[ {\"n\":12345678901234567890} ,\"\\u0000\"],\"emit\":[[\"a\\u0062\", 1.0 ],[7]],"
		"\"broadcast\":[{\"event\":\"b\"},{\"room\":\"r\",\"except\":[\"x\",\"\\u00e9\",5],\"event\":\"c\",\"args\":[ 1, [2] ],\"self\":true},"
		"{\"room\":[],\"event\":\"nobody\"},{\"room\":[\"p\",\"q\"],\"event\":\"d\",\"args\":[]}],"
		"\"join\":[\"in\",7,\"!no\"],\"leave\":[\"out\"],\"more\":1,\"nothing\":null}",
		HANDLERS_DONE,
		"leave out\nput into in\nput into 7\nsend 42[\"a\\u0062\", 1.0 ]\nsend 42[7]\n"
		"to others 42[\"b\"]\n"
		"to all 42[\"c\",1, [2]]\n- room r\n- not x\n- not \xc3\xa9\n- not 5\n"
		"to others 42[\"d\"]\n- room p\n- room q\n"
		"send 437[ {\"n\":12345678901234567890} ,\"\\u0000\"]\ncalled \nleave behind\n");
	/* Without an ack of its own the handler's is sent. */
	run(one_call, "27[\"m\"]", 200, "{\"ack\":null}", HANDLERS_DONE, "called \nsend 437[\"mine\"]\nleave behind\n");
	run(one_call, "2[\"m\"]", 200, "{\"ack\":[1]}", HANDLERS_DONE, "called \nleave behind\n");
	run(one_call, "27[\"m\"]", 200, "{\"disconnect\":true,\"ack\":[]}", HANDLERS_DONE,
		"send 437[]\nclose all\ncalled \n");
}

static void
test_refusals(void **state)
{
	(void)state;
	run(one_call, "27[\"m\"]", 403, "{\"message\":\"n\\u006f\",\"data\":[1]}", HANDLERS_DONE,
		"send 437[{\"error\":\"refused\",\"status\":403,\"message\":\"n\\u006f\",\"data\":[1]}]\nrefused the status\n");
	run(one_call, "27[\"m\"]", 404, "<html>", HANDLERS_DONE,
		"send 437[{\"error\":\"refused\",\"status\":404}]\nrefused the status\n");
	run(one_call, "27[\"m\"]", 404, "{\"message\":5}", HANDLERS_DONE,
		"send 437[{\"error\":\"refused\",\"status\":404}]\nrefused the status\n");
	run(one_call, "2[\"m\"]", 403, "{}", HANDLERS_DONE, "refused the status\n");
	run(one_call, "27[\"m\"]", 500, "{\"ack\":[1]}", HANDLERS_DONE,
		"send 437[{\"error\":\"unavailable\",\"retryAfter\":5}]\nfailed the status\n");
	run(one_call, "27[\"m\"]", 302, "", HANDLERS_DONE,
		"send 437[{\"error\":\"unavailable\",\"retryAfter\":5}]\nfailed the status\n");
	run(one_call, "2[\"m\"]", 0, "", HANDLERS_DONE, "failed timeout\n");
	run(one_call, "27[\"m\"]", 200, "ok", HANDLERS_DONE,
		"send 437[{\"error\":\"unavailable\",\"retryAfter\":5}]\nfailed the body is no JSON object\n");
}

static void
test_full(void **state)
{
	struct fixture f;

	(void)state;
	setup(&f, one_call);
	full = true;
	assert_int_equal(event(&f, "27[\"m\"]"), HANDLERS_DONE);
	expect_heard("ask 0 " QUESTION(
		"") "send 437[{\"error\":\"unavailable\",\"retryAfter\":5}]\nfailed too many wait already\n");
	teardown(&f);
}

/* One mistake, and nothing of the answer is done. */
static void
test_odd_answers(void **state)
{
	static const struct {
		const char *body, *why;
	} odd[] = {
		{ "[]", "the body is no JSON object" },
		{ "{\"join\":[\"a\"]", "the body is no JSON object" },
		{ "{\"leave\":\"a\"}", "\"leave\" is no list of at most 1000 rooms" },
		{ "{\"join\":[\"a\",{}]}", "\"join\" is no list of at most 1000 rooms" },
		{ "{\"join\":[null]}", "\"join\" is no list of at most 1000 rooms" },
		{ "{\"ack\":\"ok\"}", "\"ack\" is no list of arguments" },
		{ "{\"disconnect\":1}", "\"disconnect\" is neither true nor false" },
		{ "{\"emit\":[\"a\",1]}",
			"\"emit\" is no list of at most 1000 events, each a list of a name and its arguments" },
		{ "{\"emit\":[[]]}",
			"\"emit\" is no list of at most 1000 events, each a list of a name and its arguments" },
		{ "{\"emit\":[[\"disconn\\u0065ct\"]]}",
			"\"emit\" is no list of at most 1000 events, each a list of a name and its arguments" },
		{ "{\"broadcast\":{\"event\":\"x\"}}",
			"\"broadcast\" is no list of at most 100 objects with an \"event\"" },
		{ "{\"broadcast\":[{}]}", "\"broadcast\" is no list of at most 100 objects with an \"event\"" },
		{ "{\"broadcast\":[{\"event\":\"connect\"}]}",
			"\"broadcast\" is no list of at most 100 objects with an \"event\"" },
		{ "{\"broadcast\":[{\"event\":[7]}]}",
			"\"broadcast\" is no list of at most 100 objects with an \"event\"" },
		{ "{\"broadcast\":[{\"event\":\"x\",\"args\":{}}]}",
			"\"broadcast\" is no list of at most 100 objects with an \"event\"" },
		{ "{\"broadcast\":[{\"event\":\"x\",\"room\":true}]}",
			"\"broadcast\" is no list of at most 100 objects with an \"event\"" },
		{ "{\"broadcast\":[{\"event\":\"x\",\"except\":[[]]}]}",
			"\"broadcast\" is no list of at most 100 objects with an \"event\"" },
		{ "{\"broadcast\":[{\"event\":\"x\",\"self\":\"yes\"}]}",
			"\"broadcast\" is no list of at most 100 objects with an \"event\"" },
	};
	struct handlers_answer a;

	(void)state;
	for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++) {
		const char *why = handlers_answer_read(eio_cstr(odd[i].body), &a);

		if (!why || strcmp(why, odd[i].why) != 0) fail_msg("%s: %s", odd[i].body, why ? why : "taken");
	}
	assert_null(handlers_answer_read(EIO_LIT(""), &a));
	assert_null(handlers_answer_read(EIO_LIT(" {\"emit\":[],\"join\":null} \n"), &a));
}

/* A list with n elements of a kind in a member. */
static const char *
read_many(const char *member, const char *element, size_t n)
{
	struct eio_buf b = { 0 };
	struct handlers_answer a;
	const char *why;

	eio_buf_printf(&b, "{\"%s\":[%s", member, element);
	for (size_t i = 1; i < n; i++) eio_buf_printf(&b, ",%s", element);
	EIO_BUF_ADD_LIT(&b, "]}");
	why = handlers_answer_read(eio_buf_bytes(&b), &a);
	eio_buf_deinit(&b);
	return why;
}

static void
test_bounds(void **state)
{
	(void)state;
	assert_null(read_many("join", "\"a\"", HANDLERS_ANSWER_ROOMS));
	assert_non_null(read_many("join", "\"a\"", HANDLERS_ANSWER_ROOMS + 1));
	assert_null(read_many("emit", "[\"a\"]", HANDLERS_ANSWER_EMITS));
	assert_non_null(read_many("emit", "[\"a\"]", HANDLERS_ANSWER_EMITS + 1));
	assert_null(read_many("broadcast", "{\"event\":\"a\"}", HANDLERS_ANSWER_BROADCASTS));
	assert_non_null(read_many("broadcast", "{\"event\":\"a\"}", HANDLERS_ANSWER_BROADCASTS + 1));
}

/* ---- waiting ---- */

static void
test_two_calls(void **state)
{
	struct fixture f;

	(void)state;
	setup(&f, "{\"m\":[{\"call\":\"http://h/\"},{\"emit\":[\"between\"]},{\"call\":\"http://i/\"},{\"ack\":[2]}]}");
	assert_int_equal(event(&f, "27[\"m\",1]"), HANDLERS_WAITS);
	expect_heard("ask 0 " QUESTION("1"));
	assert_int_equal(answer(&f, 200, "{\"ack\":[1]}"), HANDLERS_WAITS);
	expect_heard("send 437[1]\ncalled \nsend 42[\"between\"]\nask 1 " QUESTION("1"));
	assert_int_equal(answer(&f, 200, "{\"ack\":[3]}"), HANDLERS_DONE); /* one ack is enough */
	expect_heard("called \n");
	teardown(&f);
}

/* In each branch of a condition it goes on where it was. */
static void
test_joins(void **state)
{
	const struct handlers_refusal no = { "forbidden", EIO_LIT(",\"message\":\"x\"") };
	struct fixture f;

	(void)state;
	setup(&f, "{\"m\":[{\"join\":[\"first\",\"{1}\",\"last{2}\"]},{\"ack\":[true]},{\"emit\":[\"done\"]}]}");
	assert_int_equal(event(&f, "27[\"m\",[\"a\",\"?b\",\"c\",\"!d\",\"?e\",\"?f\"],\"?\"]"), HANDLERS_WAITS);
	expect_heard("put into first\njoin a\nask about ?b\n- of [\"a\",\"?b\",\"c\",\"!d\",\"?e\",\"?f\"],\"?\"\n");
	assert_true(handlers_rest_bytes(f.rest) > 10);
	assert_int_equal(go_on(&f, &f.ev, &(struct handlers_outcome){ .answer = NULL }), HANDLERS_WAITS);
	expect_heard("join c\nsend 437[{\"error\":\"too_many_rooms\",\"room\":\"!d\",\"n\":1}]\n"
		     "ask about ?e\n- of [\"a\",\"?b\",\"c\",\"!d\",\"?e\",\"?f\"],\"?\"\n");
	all_answered = true;
	assert_int_equal(go_on(&f, &f.ev, &(struct handlers_outcome){ .refusal = &no }), HANDLERS_DONE);
	expect_heard("join ?f\njoin last?\nsend 42[\"done\"]\n");
	all_answered = false;
	/* The refusal of the one that was asked about is the ack. */
	assert_int_equal(event(&f, "27[\"m\",\"?\\u00e9\",1]"), HANDLERS_WAITS);
	eio_buf_clear(&heard);
	assert_int_equal(go_on(&f, &f.ev, &(struct handlers_outcome){ .refusal = &no }), HANDLERS_DONE);
	expect_heard("send 437[{\"error\":\"forbidden\",\"room\":\"?\xc3\xa9\",\"message\":\"x\"}]\n"
		     "join last1\nsend 42[\"done\"]\n");
	teardown(&f);
}

/* Names that wait are bounded, whatever a client sends. */
static void
test_long_joins(void **state)
{
	struct eio_buf packet = { 0 };
	struct fixture f;

	(void)state;
	setup(&f, "{\"m\":[{\"join\":\"?{1}{2}\"},{\"emit\":[\"done\"]}]}");
	EIO_BUF_ADD_LIT(&packet, "2[\"m\",[0");
	for (int i = 0; i < 5000; i++) eio_buf_printf(&packet, ",%d", i);
	EIO_BUF_ADD_LIT(&packet, "],\"");
	for (int i = 0; i < 1000; i++) eio_buf_addc(&packet, 'x');
	EIO_BUF_ADD_LIT(&packet, "\"]");
	eio_buf_addc(&packet, 0);
	deaf = true;
	assert_int_equal(event(&f, packet.p), HANDLERS_WAITS);
	deaf = false;
	assert_in_range(handlers_rest_bytes(f.rest), 900 << 10, 1100 << 10);
	eio_buf_clear(&heard);
	all_answered = true;
	deaf = true;
	assert_int_equal(go_on(&f, &f.ev, &(struct handlers_outcome){ .answer = NULL }), HANDLERS_SKIPPED);
	deaf = false;
	eio_buf_deinit(&packet);
	teardown(&f);
}

/* ---- without memory ---- */

static struct fixture *running;
static const char *answered;

static int
run_and_go_on(void)
{
	const struct hook_answer a = { .status = answered[0] == '{' ? 200 : 400, .body = eio_cstr(answered) };
	enum handlers_result r = handlers_run_event(running->h, &running->call, &running->ev);

	while (r == HANDLERS_WAITS) {
		struct handlers_rest *rest = running->rest;

		running->rest = NULL;
		r = handlers_go_on(rest, &running->call, &running->ev,
			answered[0] == '?' ? &(struct handlers_outcome){ .answer = NULL }
					   : &(struct handlers_outcome){ .answer = &a });
	}
	return r == HANDLERS_NOMEM ? -1 : r == HANDLERS_DONE ? 0 : 1;
}

static void
without_memory(const char *on, const char *packet, const char *body, long least)
{
	struct fixture f;

	setup(&f, on);
	running = &f;
	answered = body;
	deaf = true;
	assert_int_equal(event(&f, packet), HANDLERS_WAITS);
	handlers_rest_free(f.rest);
	f.rest = NULL;
	failmalloc_every(run_and_go_on, -1, least);
	deaf = false;
	teardown(&f);
}

static void
test_no_memory(void **state)
{
	(void)state;
	without_memory(one_call, "51-7[\"m\",{\"_placeholder\":true,\"num\":0}]", "{\"ack\":[1]}", 3);
	without_memory("{\"m\":[{\"call\":\"http://h/\"},{\"call\":\"http://i/\"}]}", "21[\"m\",1]",
		"{\"join\":[\"a\\u0062\",2],\"leave\":[\"abc\"],\"emit\":[[\"a\\u0062\",1]],\"broadcast\":[{\"event\":\"x\",\"room\":[\"a\"],\"except\":\"b\",\"args\":[1]}],\"ack\":[1]}",
		8);
	without_memory(one_call, "21[\"m\",1]", "no", 3);
	without_memory("{\"m\":[{\"join\":\"{1}\"}]}", "21[\"m\",[\"?a\",\"b\",\"?c\"]]", "?", 2);
}

static cJSON *everything;

static void
keep_memory(void *user, const struct handlers_error *e)
{
	bool *memory = user;

	*memory = !strcmp(e->text, "out of memory");
}

static int
compiling(void)
{
	bool memory = false;
	struct handlers *h = handlers_compile(everything, 0, keep_memory, no_where, &memory);

	handlers_free(h);
	return h ? 0 : memory ? -1 : 1;
}

static void
test_compile_without_memory(void **state)
{
	(void)state;
	everything = cJSON_Parse(
		"{\"m\":[{\"call\":{\"url\":\"http+unix://%2Fs/a\",\"headers\":[\"a\",\"b\"]}},{\"call\":\"http+unix://%2Fs/a\"},"
		"{\"call\":\"http://h/\"}]}");
	failmalloc_every(compiling, -1, 20);
	cJSON_Delete(everything);
}

static int
free_heard(void **state)
{
	(void)state;
	eio_buf_deinit(&heard);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_question),
		cmocka_unit_test(test_life_cycle),
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_odd_answers),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_two_calls),
		cmocka_unit_test(test_joins),
		cmocka_unit_test(test_long_joins),
		cmocka_unit_test(test_no_memory),
		cmocka_unit_test(test_compile_without_memory),
	};

	return cmocka_run_group_tests(tests, NULL, free_heard);
}

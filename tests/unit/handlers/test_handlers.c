/* SPDX-License-Identifier: MIT */
/* Configured handlers: every action and variable, what is left out, and every mistake a configuration can hold. */
#include "src/handlers/handlers.h"

#include "sio/event.h"
#include "sio/json.h"
#include "src/handlers/request.h"
#include "src/template/template.h"
#include "src/where/where.h"
#include "tests/unit/canon.h"
#include "tests/unit/failmalloc.h"

#include <cjson/cJSON.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

/* ---- a worker that writes down what it is told ---- */

static struct eio_buf heard; /* one line per effect */
static bool deaf; /* writes nothing, to test what happens without memory */

static void
say(const char *what, struct eio_bytes a, struct eio_bytes b)
{
	if (deaf) return;
	eio_buf_add(&heard, eio_cstr(what));
	eio_buf_addc(&heard, ' ');
	eio_buf_add(&heard, a);
	if (b.p) {
		eio_buf_addc(&heard, ' ');
		eio_buf_add(&heard, b);
	}
	eio_buf_addc(&heard, '\n');
}

static void
say_names(const char *what, const struct eio_bytes *v, size_t n)
{
	for (size_t i = 0; i < n; i++) say(what, v[i], eio_bytes(NULL, 0));
}

static void
op_broadcast(void *ctx, struct sio_socket *s, const struct handlers_broadcast *b)
{
	struct eio_block *w = deaf ? NULL : eio_bundle_wire(b->bundle, EIO_WIRE_POLLING);

	(void)ctx;
	(void)s;
	if (w) say(b->self ? "to all" : "to others", eio_bytes(w->data, w->n), eio_bytes(NULL, 0));
	say_names("- room", b->rooms, b->n_rooms);
	say_names("- not", b->except, b->n_except);
	eio_bundle_unref(b->bundle);
}

static void
op_send(void *ctx, struct sio_socket *s, struct eio_bundle *b)
{
	struct eio_block *w = deaf ? NULL : eio_bundle_wire(b, EIO_WIRE_POLLING);

	assert_ptr_equal(ctx, &heard);
	assert_non_null(s);
	if (w) say("send", eio_bytes(w->data, w->n), eio_bytes(NULL, 0));
	eio_bundle_unref(b);
}

static enum handlers_joined
op_join(void *ctx, struct sio_socket *s, const struct handlers_join *join, struct handlers_refusal *why)
{
	(void)ctx;
	(void)s;
	if (eio_bytes_eq(join->room, EIO_LIT("no\"")) && join->asked) {
		*why = (struct handlers_refusal){ "forbidden", { "", 0 } };
		return HANDLERS_OUT;
	}
	say("join", join->room, eio_bytes(NULL, 0));
	return HANDLERS_IN;
}

static void
op_leave(void *ctx, struct sio_socket *s, struct eio_bytes room)
{
	(void)ctx;
	(void)s;
	say("leave", room, eio_bytes(NULL, 0));
}

static void
op_publish(void *ctx, struct sio_socket *s, struct eio_bytes channel, struct eio_bytes payload)
{
	(void)ctx;
	(void)s;
	say("publish", channel, payload);
}

static void
op_close(void *ctx, struct sio_socket *s, bool whole)
{
	(void)ctx;
	(void)s;
	say("close", whole ? EIO_LIT("all") : EIO_LIT("nsp"), eio_bytes(NULL, 0));
}

static void
op_pace(void *ctx, struct sio_socket *s, unsigned per_second)
{
	char number[20];

	(void)ctx;
	(void)s;
	snprintf(number, sizeof number, "%u", per_second);
	say("pace", eio_cstr(number), eio_bytes(NULL, 0));
}

static void
op_over_rate(void *ctx, struct sio_socket *s, enum handlers_over then)
{
	static const char *const names[] = { "drop", "count", "disconnect" };

	(void)ctx;
	(void)s;
	say("over", eio_cstr(names[then]), eio_bytes(NULL, 0));
}

static void
op_skipped(void *ctx, struct sio_socket *s, const struct handlers_skip *skip)
{
	(void)ctx;
	(void)s;
	if (!deaf) {
		eio_buf_printf(&heard, "skip %.*s.%s ", (int)skip->event.n, skip->event.p, skip->action);
		eio_buf_add(&heard, skip->target);
	}
	say(":", eio_cstr(skip->why), eio_bytes(NULL, 0));
}

static const struct handlers_ops ops = { op_broadcast, op_send, op_join, op_leave, op_publish, op_close, op_pace,
	op_over_rate, op_skipped, NULL, NULL, NULL };
static const struct sio_client_config config = { 0, 1000 };
static const char auth[] =
	"{\"token\":\"t\\n1\",\"big\":12345678901234567890,\"deep\":{\"a-b\":[1]},\"ph\":{\"_placeholder\":"
	"true,\"num\":0}}";

static uint64_t rates[4];

struct fixture {
	struct handlers *h;
	struct sio_client client;
	struct handlers_call call;
	struct sio_event ev;
};

/* The first mistake goes into a struct that is all zero. */
static void
keep_error(void *user, const struct handlers_error *e)
{
	struct handlers_error *first = user;

	if (!*first->text) *first = *e;
}

/* Strings that are wanted, and with a boolean whether there is something: enough of the language, which is the
 * configuration's. */
static bool
read_pair(const cJSON *m, struct where_pair *p)
{
	p->pointer = strdup(m->string);
	if (cJSON_IsBool(m)) {
		p->match.operators = calloc(1, sizeof *p->match.operators);
		if (!p->match.operators) return false;
		*p->match.operators = (struct where_operator){ .exists = cJSON_IsTrue(m) };
		p->match.n_operators = 1;
	} else {
		p->match.values = calloc(1, sizeof *p->match.values);
		if (!p->match.values) return false;
		p->match.n = 1;
		p->match.values->kind = WHERE_SCALAR_STRING;
		p->match.values->text.p = strdup(m->valuestring);
		p->match.values->text.n = strlen(m->valuestring);
		if (!p->match.values->text.p) return false;
	}
	return p->pointer;
}

/* Tells that memory is out. */
static bool
read_where(void *user, const cJSON *item, struct where *out)
{
	struct handlers_error *err = user;
	bool ok;

	out->v = calloc((size_t)cJSON_GetArraySize(item) + 1, sizeof *out->v);
	ok = out->v;
	for (const cJSON *m = item->child; ok && m; m = m->next) ok = read_pair(m, &out->v[out->n++]);
	if (!ok) strcpy(err->text, "out of memory");
	return ok;
}

static void
setup(struct fixture *f, const char *on, const char *nsp)
{
	static const unsigned char random[SIO_ID_RANDOM];
	struct handlers_error err = { .item = NULL };
	struct sio_socket *s;
	struct eio_bundle *b;
	cJSON *json = cJSON_Parse(on);

	assert_non_null(json);
	f->h = handlers_compile(json, 0, keep_error, read_where, &err);
	if (!f->h) fail_msg("%s: %s", err.path, err.text);
	cJSON_Delete(json);
	sio_client_init(&f->client, &config, 0);
	assert_int_equal(sio_client_accept(&f->client, eio_cstr(nsp), eio_cstr(auth), random, &s, &b), 0);
	eio_bundle_unref(b);
	f->call = (struct handlers_call){ .rates = rates,
		.ops = &ops,
		.ctx = &heard,
		.socket = s,
		.query = EIO_LIT("EIO=4&x=a%20b%22&t=1&x=last+one&bad=%ff&e="),
		.headers = EIO_LIT(
			"{\"header\":{\"x-user\":\"ann\",\"a/b~\":\"h\"},\"cookie\":{\"connect.sid\":\"s:1\"}}"),
		.address = EIO_LIT("\"192.0.2.7\""),
		.claims = EIO_LIT("{\"sub\":\"u1\",\"in\":[\"a\",7],\"id\":12345678901234567890}") };
	memset(rates, 0, sizeof rates);
	eio_buf_clear(&heard);
}

static void
teardown(struct fixture *f)
{
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

/* The client sends a packet, with attachments "one" and "two" if it asks for them. */
static enum handlers_result
event(struct fixture *f, const char *packet)
{
	static const char *const attachments[] = { "one", "two" };
	size_t i;
	int rc = sio_client_recv(&f->client, false, eio_cstr(packet), &f->ev);

	for (i = 0; rc == 0 && i < 2; i++) rc = sio_client_recv(&f->client, true, eio_cstr(attachments[i]), &f->ev);
	assert_int_equal(rc, 1);
	assert_int_equal(f->ev.type, SIO_EVENT_MESSAGE);
	return handlers_run_event(f->h, &f->call, &f->ev);
}

static void
run(const char *on, const char *packet, enum handlers_result result, const char *want)
{
	struct fixture f;

	setup(&f, on, "/");
	assert_int_equal(event(&f, packet), result);
	expect_heard(want);
	teardown(&f);
}

#define SID "AAAAAAAAAAAAAAAAAAAA"
#define PH(num) "{\"_placeholder\":true,\"num\":" #num "}"

static void
test_emit(void **state)
{
	(void)state;
	run("{\"m\":[{\"emit\":[\"back\",\"...{args}\"]}]}",
		"2[\"m\",12345678901234567890,\"\\u0000\",{\"a\":1,\"a\":2}]", HANDLERS_DONE,
		"send 42[\"back\",12345678901234567890,\"\\u0000\",{\"a\":1,\"a\":2}]\n");
	run("{\"m\":[{\"emit\":[\"back\",\"...{args}\"]}]}", "2[\"m\"]", HANDLERS_DONE, "send 42[\"back\"]\n");
	run("{\"m\":[{\"emit\":[\"x\",\"{args}\",\"...{args}\",\"{2}\",\"{9}\"]}]}", "2[\"m\", 1 , [2] ]",
		HANDLERS_DONE, "send 42[\"x\",[1 , [2]],1 , [2],[2],null]\n");
	run("{\"m\":[{\"emit\":[\"x\",[\"...{args}\",\"...{args}\"],[\"...{args}\",\"z\"],[\"[\",\"...{args}\"]]}]}",
		"2[\"m\"]", HANDLERS_DONE, "send 42[\"x\",[],[\"z\"],[\"[\"]]\n");
	run("{\"m\":[{\"emit\":[\"x\",[\"...{args}\",\"...{args}\"],[\"...{args}\",\"z\"],[\"[\",\"...{args}\"]]}]}",
		"2[\"m\",1]", HANDLERS_DONE, "send 42[\"x\",[1,1],[1,\"z\"],[\"[\",1]]\n");
	run("{\"m\":[{\"emit\":[\"x\",{\"{1}\":\"{1}\",\"a\\n\":[true,null,-1.5,{}],\"s\":\"{sid}\",\"n\":\"{nsp}\"}]}]}",
		"2[\"m\",\"v\"]", HANDLERS_DONE,
		"send 42[\"x\",{\"{1}\":\"v\",\"a\\n\":[true,null,-1.5,{}],\"s\":\"" SID "\",\"n\":\"/\"}]\n");
	run("{\"m\":[{\"emit\":[\"x\",\"{auth.token}\",\"{auth.big}\",\"{auth.deep.a-b}\",\"{auth.none}\",\"{auth.token.x}\"]}]}",
		"2[\"m\"]", HANDLERS_DONE, "send 42[\"x\",\"t\\n1\",12345678901234567890,[1],null,null]\n");
	run("{\"m\":[{\"emit\":[\"x\",\"{query.x}\",\"{query.y}\",\"{query.bad}\",\"{query.e}\"]}]}", "2[\"m\"]",
		HANDLERS_DONE, "send 42[\"x\",\"last one\",null,\"\xef\xbf\xbd\",\"\"]\n");
}

static void
test_emit_mixed_text(void **state)
{
	(void)state;
	run("{\"m\":[{\"emit\":[\"x\",\"<{1}> \\\"{2}\\\" {{1}} {$}{3} {4}.{5}\",\"$\",\"{$}{$}\",\"{$}\",\"US$ 5\",\"$10$\"]}]}",
		"2[\"m\",\"a\\u00e9\\\"\",7,null,[\"q\"],{}]", HANDLERS_DONE,
		"send 42[\"x\",\"<a\\u00e9\\\"> \\\"7\\\" {1} $ [\\\"q\\\"].{}\",\"$\",\"$$\",\"$\",\"US$ 5\",\"$10$\"]\n");
	run("{\"m\":[{\"emit\":[\"x\",\"-{args}-\",\"...{args}.\",\"{sid}{nsp}\",\"{query.x}.{auth.token}.\"]}]}",
		"2[\"m\",\"a\"]", HANDLERS_DONE,
		"send 42[\"x\",\"-[\\\"a\\\"]-\",\"...[\\\"a\\\"].\",\"" SID "/\",\"last one.t\\n1.\"]\n");
	run("{\"m\":[{\"emit\":[\"to {1}\",1]}]}", "2[\"m\",\"you\"]", HANDLERS_DONE, "send 42[\"to you\",1]\n");
}

/* A name that clients refuse is not sent, and later actions still run. */
static void
test_emit_bad_name(void **state)
{
	static const char on[] = "{\"m\":[{\"emit\":[\"{1}\",2]},{\"join\":\"r\"}]}";

	(void)state;
	run(on, "2[\"m\",\"ok\"]", HANDLERS_DONE, "send 42[\"ok\",2]\njoin r\n");
	run(on, "2[\"m\",\"disconnect\"]", HANDLERS_SKIPPED,
		"skip m.emit {1}: event name missing or reserved\njoin r\n");
	run(on, "2[\"m\"]", HANDLERS_SKIPPED, "skip m.emit {1}: event name missing or reserved\njoin r\n");
	run(on, "2[\"m\",{}]", HANDLERS_SKIPPED, "skip m.emit {1}: event name missing or reserved\njoin r\n");
}

static void
test_emit_binary(void **state)
{
	(void)state;
	run("{\"m\":[{\"emit\":[\"b\",\"...{args}\"]}]}", "52-[\"m\"," PH(1) ",{\"x\":" PH(0) "}]", HANDLERS_DONE,
		"send 452-[\"b\"," PH(0) ",{\"x\":" PH(1) "}]\x1e"
							  "bdHdv\x1e"
							  "bb25l\n");
	run("{\"m\":[{\"emit\":[\"b\",{\"second\":\"{2}\"},\"{1}\",[\"...{args}\",1]]}]}", "52-[\"m\",5," PH(1) "]",
		HANDLERS_DONE,
		"send 452-[\"b\",{\"second\":" PH(0) "},5,[5," PH(1) ",1]]\x1e"
								     "bdHdv\x1e"
								     "bdHdv\n");
	/* Nothing binary is used; and what looks like a placeholder elsewhere stays what it is. */
	run("{\"m\":[{\"emit\":[\"b\",\"{2}\"]}]}", "52-[\"m\"," PH(0) ",\"p\"]", HANDLERS_DONE,
		"send 42[\"b\",\"p\"]\n");
	run("{\"m\":[{\"emit\":[\"b\",\"{auth.ph}\"]}]}", "52-[\"m\"," PH(1) "]", HANDLERS_DONE,
		"send 42[\"b\"," PH(0) "]\n");
}

static void
test_ack(void **state)
{
	(void)state;
	run("{\"m\":[{\"ack\":[\"...{args}\",true]},{\"ack\":[2]}]}", "27[\"m\",1]", HANDLERS_DONE,
		"send 437[1,true]\n");
	run("{\"m\":[{\"ack\":[]}]}", "20[\"m\",1]", HANDLERS_DONE, "send 430[]\n");
	run("{\"m\":[{\"ack\":[1]}]}", "2[\"m\",1]", HANDLERS_DONE, "");
	run("{\"m\":[{\"ack\":[\"{1}\"]}]}", "52-3[\"m\"," PH(1) "]", HANDLERS_DONE,
		"send 461-3[" PH(0) "]\x1e"
				    "bdHdv\n");
}

/* A room's name is bytes with a length: nothing is lost behind a NUL. */
static void
test_name_with_nul(void **state)
{
	struct fixture f;

	(void)state;
	setup(&f, "{\"s\":[{\"join\":\"{1}\"}]}", "/");
	assert_int_equal(event(&f, "2[\"s\",\"a\\u0000b\"]"), HANDLERS_DONE);
	assert_int_equal(heard.n, 9);
	assert_memory_equal(heard.p, "join a\0b\n", 9);
	teardown(&f);
}

static void
test_targets(void **state)
{
	(void)state;
	run("{\"s\":[{\"join\":\"{1}\"}]}", "2[\"s\",\"a\\u0062\"]", HANDLERS_DONE, "join ab\n");
	run("{\"s\":[{\"join\":\"{1}\"}]}", "2[\"s\",[\"a\",7,true,\"\"]]", HANDLERS_DONE,
		"join a\njoin 7\njoin true\njoin \n");
	run("{\"s\":[{\"join\":\"{1}\"}]}", "2[\"s\",[\"a\",null,{},[\"b\"],\"c\"]]", HANDLERS_SKIPPED,
		"join a\njoin c\nskip s.join {1}: a value is missing\n");
	run("{\"s\":[{\"join\":\"{1}\"}]}", "2[\"s\"]", HANDLERS_SKIPPED, "skip s.join {1}: a value is missing\n");
	run("{\"s\":[{\"join\":\"{1}\"}]}", "2[\"s\",{\"a\":1}]", HANDLERS_SKIPPED,
		"skip s.join {1}: a list or an object is no name\n");
	run("{\"s\":[{\"join\":[\"{args}\",\"x\",\"...{args}\",\"{sid}\"]}]}", "2[\"s\",\"a\",\"b\"]", HANDLERS_DONE,
		"join a\njoin b\njoin x\njoin a\njoin b\njoin " SID "\n");
	run("{\"s\":[{\"leave\":\"room:{1}:{2}\"},{\"join\":\"${nsp} {query.x}\"}]}", "2[\"s\",\"a\",3]", HANDLERS_DONE,
		"leave room:a:3\njoin $/ last one\n");
	run("{\"s\":[{\"leave\":\"room:{1}\"}]}", "2[\"s\"]", HANDLERS_SKIPPED,
		"skip s.leave room:{1}: a value is missing\n");
	run("{\"s\":[{\"leave\":\"{auth.deep.a-b}\"},{\"leave\":\"{query.none}\"}]}", "2[\"s\"]", HANDLERS_SKIPPED,
		"leave 1\nskip s.leave {query.none}: a value is missing\n");
}

/* A list makes one name for each of its elements, whatever stands around it. */
static void
test_lists(void **state)
{
	(void)state;
	run("{\"s\":[{\"join\":\"sym.{1}\"}]}", "2[\"s\",[\"A\",\"B\\u00e9\",7]]", HANDLERS_DONE,
		"join sym.A\njoin sym.B\xc3\xa9\njoin sym.7\n");
	run("{\"s\":[{\"join\":\"{nsp}{1}-{2}\"}]}", "2[\"s\",[\"A\",\"B\"],\"x\"]", HANDLERS_DONE,
		"join /A-x\njoin /B-x\n");
	run("{\"s\":[{\"join\":\"{1}-{2}\"}]}", "2[\"s\",\"x\",[\"A\"]]", HANDLERS_DONE, "join x-A\n");
	run("{\"s\":[{\"leave\":\"s.{args}.{query.x}\"}]}", "2[\"s\",\"A\",\"B\"]", HANDLERS_DONE,
		"leave s.A.last one\nleave s.B.last one\n");
	run("{\"s\":[{\"join\":\"s.{1}\"},{\"join\":\"s.{args}\"}]}", "2[\"s\",[]]", HANDLERS_SKIPPED,
		"skip s.join s.{args}: a list or an object is no name\n");
	run("{\"s\":[{\"join\":\"s.{args}\"}]}", "2[\"s\"]", HANDLERS_DONE, "");
	run("{\"s\":[{\"join\":\"{1}.{2}\"}]}", "2[\"s\",[\"A\"],[\"B\"]]", HANDLERS_SKIPPED,
		"skip s.join {1}.{2}: two lists in one name\n");
	run("{\"s\":[{\"join\":\"{1}.{2}\"}]}", "2[\"s\",[\"A\"]]", HANDLERS_SKIPPED,
		"skip s.join {1}.{2}: a value is missing\n");
	run("{\"s\":[{\"join\":\"{1.list}\"}]}", "2[\"s\",{\"list\":[\"A\",\"B\"]}]", HANDLERS_DONE,
		"join A\njoin B\n");
}

/* The ack of a refused join says so, whatever it was to be; the rest is carried out. */
static void
test_refused_joins(void **state)
{
	(void)state;
	run("{\"s\":[{\"join\":\"{1}\"},{\"ack\":[true]},{\"leave\":\"x\"}]}", "23[\"s\",[\"a\",\"no\\\"\",\"b\"]]",
		HANDLERS_DONE, "join a\nsend 433[{\"error\":\"forbidden\",\"room\":\"no\\\"\"}]\njoin b\nleave x\n");
	run("{\"s\":[{\"join\":\"{1}\"},{\"ack\":[true]}]}", "2[\"s\",\"no\\\"\"]", HANDLERS_DONE, "");
	run("{\"s\":[{\"join\":\"no\\\"\"},{\"ack\":[true]}]}", "23[\"s\"]", HANDLERS_DONE,
		"join no\"\nsend 433[true]\n");
}

static void
test_claims(void **state)
{
	(void)state;
	run("{\"s\":[{\"emit\":[\"x\",\"{claims.sub}\",\"{claims.id}\",\"{claims.none}\"]},{\"join\":\"r.{claims.in}\"}]}",
		"2[\"s\"]", HANDLERS_DONE, "send 42[\"x\",\"u1\",12345678901234567890,null]\njoin r.a\njoin r.7\n");
}

static void
test_members(void **state)
{
	(void)state;
	run("{\"s\":[{\"join\":\"{1.symbol}\"},{\"emit\":[\"x\",\"{1.a.b}\",\"{1/a~1b}\",\"{1.a/b/0}\",\"{2/0}\"]}]}",
		"2[\"s\",{\"symbol\":\"A\",\"a\":{\"b\":[12345678901234567890]},\"a/b\":\"\\u0061\"},[{}]]",
		HANDLERS_DONE, "join A\nsend 42[\"x\",[12345678901234567890],\"\\u0061\",12345678901234567890,{}]\n");
	run("{\"s\":[{\"join\":\"{1.symbol}\"}]}", "2[\"s\",\"symbol\"]", HANDLERS_SKIPPED,
		"skip s.join {1.symbol}: a value is missing\n");
	run("{\"s\":[{\"emit\":[\"x\",\"{header.X-User}\",\"{header/a~1b~0}\",\"{header.none}\",\"{header}\"]}]}",
		"2[\"s\"]", HANDLERS_DONE, "send 42[\"x\",\"ann\",\"h\",null,{\"x-user\":\"ann\",\"a/b~\":\"h\"}]\n");
	run("{\"s\":[{\"emit\":[\"x\",\"{cookie.connect.sid}\",\"{cookie.none}\",\"<{cookie.connect.sid}>\"]}]}",
		"2[\"s\"]", HANDLERS_DONE, "send 42[\"x\",\"s:1\",null,\"<s:1>\"]\n");
	run("{\"s\":[{\"emit\":[\"x\",\"{query}\",\"{auth}\"]}]}", "2[\"s\"]", HANDLERS_DONE,
		"send 42[\"x\",{\"EIO\":\"4\",\"t\":\"1\",\"x\":\"last one\",\"bad\":\"\xef\xbf\xbd\",\"e\":\"\"},"
		"{\"token\":\"t\\n1\",\"big\":12345678901234567890,\"deep\":{\"a-b\":[1]},\"ph\":" PH(0) "}]\n");
	run("{\"*\":[{\"emit\":[\"x\",\"{event}\",\"<{event}>\"]},{\"publish\":\"e.{event}\"}]}", "2[7]", HANDLERS_DONE,
		"send 42[\"x\",7,\"<7>\"]\npublish e.7 {\"event\":7,\"args\":[],\"sid\":\"" SID "\",\"nsp\":\"/\"}\n");
}

/* The rooms a socket is in, at the time the action runs and when it has left. */
static void
test_rooms(void **state)
{
	struct sio_rooms_config limits = { .max_per_member = 10, .max_name = 100 };
	struct sio_rooms rooms;
	struct fixture f;
	struct sio_member *m;

	(void)state;
	setup(&f,
		"{\"r\":[{\"emit\":[\"x\",\"{rooms}\"]},{\"leave\":\"{rooms}\"},{\"leave\":\"old.{rooms}\"}],"
		"\"disconnect\":[{\"publish\":\"{reason}\"}]}",
		"/");
	m = &f.call.socket->member;
	assert_int_equal(sio_rooms_init(&rooms, &limits), 0);
	assert_int_equal(sio_rooms_join(&rooms, m, sio_room_everyone(EIO_LIT("/"))), 1);
	assert_int_equal(event(&f, "2[\"r\"]"), HANDLERS_DONE);
	expect_heard("send 42[\"x\",[]]\n");
	assert_int_equal(sio_rooms_join(&rooms, m, sio_room_named(EIO_LIT("/"), EIO_LIT("a\"b"))), 1);
	assert_int_equal(sio_rooms_join(&rooms, m, sio_room_named(EIO_LIT("/"), EIO_LIT(SID))), 1);
	assert_int_equal(sio_rooms_join(&rooms, m, sio_room_named(EIO_LIT("/"), EIO_LIT("c"))), 1);
	assert_int_equal(event(&f, "2[\"r\"]"), HANDLERS_DONE);
	expect_heard("send 42[\"x\",[\"a\\\"b\",\"c\"]]\nleave a\"b\nleave c\nleave old.a\"b\nleave old.c\n");
	sio_rooms_leave_all(&rooms, m);
	sio_rooms_deinit(&rooms);
	teardown(&f);
}

static void
test_broadcast(void **state)
{
	(void)state;
	run("{\"b\":[{\"broadcast\":{\"room\":\"{1}\",\"event\":\"news\",\"args\":[\"{sid}\",\"...{args}\"]}}]}",
		"2[\"b\",\"r\",12345678901234567890]", HANDLERS_DONE,
		"to others 42[\"news\",\"" SID "\",\"r\",12345678901234567890]\n- room r\n");
	run("{\"b\":[{\"broadcast\":{\"event\":\"{event}.{1}\"}}]}", "2[\"b\",1]", HANDLERS_DONE,
		"to others 42[\"b.1\"]\n");
	run("{\"b\":[{\"broadcast\":{\"event\":\"e\",\"args\":[\"{1?}\",{\"a\":\"{2}\"}],\"self\":true}}]}", "2[\"b\"]",
		HANDLERS_DONE, "to all 42[\"e\",{\"a\":null}]\n");
	run("{\"b\":[{\"broadcast\":{\"event\":\"e\",\"args\":[\"...{args}\"],\"self\":false}}]}", "2[\"b\"]",
		HANDLERS_DONE, "to others 42[\"e\"]\n");
	run("{\"b\":[{\"broadcast\":{\"room\":[\"a\",\"x.{1}\",\"{2}\"],\"except\":[\"{sid}\",\"m.{3}\"],\"event\":\"e\"}}]}",
		"2[\"b\",[\"p\",\"q\"],\"\",[\"m\"]]", HANDLERS_DONE,
		"to others 42[\"e\"]\n- room a\n- room x.p\n- room x.q\n- room \n- not " SID "\n- not m.m\n");
	run("{\"b\":[{\"broadcast\":{\"event\":\"e\",\"args\":[\"...{args}\"]}}]}", "52-[\"b\"," PH(1) "," PH(0) "]",
		HANDLERS_DONE,
		"to others 452-[\"e\"," PH(0) "," PH(1) "]\x1e"
							"bdHdv\x1e"
							"bb25l\n");
}

/* Rooms that cannot be made are left out; and when none is left, nobody is meant, not everyone. */
/* With "joined" only to rooms that the client is in. */
static void
test_broadcast_joined(void **state)
{
	static const char on[] = "{\"b\":[{\"broadcast\":{\"room\":[\"{1}\",\"lobby\"],\"event\":\"e\",\"joined\":true,"
				 "\"except\":\"x\"}}]}";
	static const struct {
		const char *event, *heard;
	} cases[] = {
		{ "2[\"b\",\"a\"]",
			"skip b.broadcast lobby: the client is not in that room\nto others 42[\"e\"]\n- room a\n- not x\n" },
		{ "2[\"b\",[\"z\",\"a\",\"b\"]]", "skip b.broadcast {1}: the client is not in that room\n"
						  "skip b.broadcast lobby: the client is not in that room\n"
						  "to others 42[\"e\"]\n- room a\n- room b\n- not x\n" },
		{ "2[\"b\",\"z\"]", "skip b.broadcast {1}: the client is not in that room\n"
				    "skip b.broadcast lobby: the client is not in that room\n" },
	};
	struct sio_rooms_config own = { .max_per_member = 10, .max_name = 100 };
	struct sio_rooms rooms;
	struct sio_event ev;
	struct fixture f;

	(void)state;
	assert_int_equal(sio_rooms_init(&rooms, &own), 0);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		setup(&f, on, "/");
		assert_int_equal(
			sio_rooms_join(&rooms, &f.call.socket->member, sio_room_named(EIO_LIT("/"), EIO_LIT("a"))), 1);
		assert_int_equal(
			sio_rooms_join(&rooms, &f.call.socket->member, sio_room_named(EIO_LIT("/"), EIO_LIT("b"))), 1);
		assert_int_equal(sio_client_recv(&f.client, false, eio_cstr(cases[i].event), &ev), 1);
		assert_int_equal(handlers_run_event(f.h, &f.call, &ev), HANDLERS_SKIPPED);
		expect_heard(cases[i].heard);
		sio_rooms_leave_all(&rooms, &f.call.socket->member);
		teardown(&f);
	}
	sio_rooms_deinit(&rooms);
}

static void
test_broadcast_left_out(void **state)
{
	static const char on[] =
		"{\"b\":[{\"broadcast\":{\"room\":[\"{1}\",\"{2}\"],\"except\":\"{3}\",\"event\":\"{4}\"}},"
		"{\"join\":\"r\"}]}";

	(void)state;
	run(on, "2[\"b\",{},\"r\",\"x\",\"e\"]", HANDLERS_SKIPPED,
		"skip b.broadcast {1}: a list or an object is no name\nto others 42[\"e\"]\n- room r\n- not x\njoin r\n");
	run(on, "2[\"b\",null,[],\"x\",\"e\"]", HANDLERS_SKIPPED, "skip b.broadcast {1}: a value is missing\njoin r\n");
	run(on, "2[\"b\",[],[],\"x\",\"e\"]", HANDLERS_DONE, "join r\n");
	run(on, "2[\"b\",\"a\",[],null,\"e\"]", HANDLERS_SKIPPED,
		"skip b.broadcast {3}: a value is missing\nto others 42[\"e\"]\n- room a\njoin r\n");
	run(on, "2[\"b\",\"a\",[],[],\"connect\"]", HANDLERS_SKIPPED,
		"skip b.broadcast {4}: event name missing or reserved\njoin r\n");
}

/* Each of them is looked up in a table that all workers share. */
static void
test_broadcast_to_many(void **state)
{
	enum { MOST = 1000 };
	struct eio_buf packet = { 0 };
	struct fixture f;
	size_t lines = 0;

	(void)state;
	EIO_BUF_ADD_LIT(&packet, "2[\"b\",[1");
	for (int i = 0; i < MOST; i++) EIO_BUF_ADD_LIT(&packet, ",1");
	eio_buf_append(&packet, "]]", 3);
	setup(&f, "{\"b\":[{\"broadcast\":{\"room\":\"{1}\",\"event\":\"e\"}}]}", "/");
	assert_int_equal(event(&f, packet.p), HANDLERS_SKIPPED);
	for (size_t i = 0; i < heard.n; i++) lines += heard.p[i] == '\n';
	assert_int_equal(lines, MOST + 2);
	eio_buf_addc(&heard, 0);
	assert_non_null(strstr(heard.p, "skip b.broadcast {1}: too many names\n"));
	eio_buf_deinit(&packet);
	teardown(&f);
}

static void
test_if(void **state)
{
	static const char on[] =
		"{\"i\":[{\"if\":{\"/args/0/type\":\"x\"},\"join\":\"a\",\"else\":[{\"join\":\"b\"},{\"join\":\"c\"}]},"
		"{\"if\":{\"/args/1\":true},\"then\":[{\"if\":{\"/args/1\":\"y\"},\"join\":\"y\"},{\"join\":\"d\"}]},"
		"{\"join\":\"end\"}]}";
	static const char last[] =
		"{\"i\":[{\"if\":{\"/args/0\":\"x\"},\"then\":[],\"else\":[{\"disconnect\":true}]},{\"join\":\"r\"}]}";

	(void)state;
	run(on, "2[\"i\",{\"type\":\"\\u0078\"}]", HANDLERS_DONE, "join a\njoin end\n");
	run(on, "2[\"i\",{\"type\":\"y\"},\"y\"]", HANDLERS_DONE, "join b\njoin c\njoin y\njoin d\njoin end\n");
	run(on, "2[\"i\",[\"x\"],null]", HANDLERS_DONE, "join b\njoin c\njoin d\njoin end\n");
	run(on, "2[\"i\"]", HANDLERS_DONE, "join b\njoin c\njoin end\n");
	run(last, "2[\"i\",\"x\"]", HANDLERS_DONE, "join r\n");
	run(last, "2[\"i\",\"y\"]", HANDLERS_DONE, "close all\n");
	/* Every kind of value there is. */
	run("{\"*\":[{\"if\":{\"/event\":\"e\",\"/auth/token\":\"t\\n1\",\"/query/x\":\"last one\",\"/header/x-user\":\"ann\","
	    "\"/cookie/connect.sid\":\"s:1\",\"/nsp\":\"/\",\"/args\":true,\"/rooms\":true,\"/claims/role\":false,\"/query/y\":false},"
	    "\"join\":\"r\"}]}",
		"2[\"e\"]", HANDLERS_DONE, "join r\n");
	run("{\"*\":[{\"if\":{\"/event\":\"e\",\"/query/x\":\"first\"},\"join\":\"r\"}]}", "2[\"e\"]", HANDLERS_DONE,
		"");
}

static void
expect_rate(struct fixture *f, uint64_t now_ms, const char *packet, const char *want)
{
	f->call.now_ms = now_ms;
	assert_int_equal(event(f, packet), HANDLERS_DONE);
	expect_heard(want);
}

/* So many at once, then one more for each share of the time; each rate for itself. */
static void
test_rate(void **state)
{
	struct fixture f;

	(void)state;
	setup(&f,
		"{\"a\":[{\"rate\":{\"events\":3,\"per\":900}},{\"join\":\"r\"}],"
		"\"b\":[{\"join\":\"r\"},{\"rate\":{\"events\":1,\"per\":10,\"then\":\"count\"}},{\"join\":\"s\"}],"
		"\"c\":[{\"rate\":{\"events\":1,\"per\":10,\"then\":\"disconnect\"}},{\"join\":\"r\"}]}",
		"/");
	assert_int_equal(handlers_rates(f.h), 3);
	for (int i = 0; i < 3; i++) expect_rate(&f, 0, "2[\"a\"]", "join r\n");
	expect_rate(&f, 0, "2[\"a\"]", "over drop\n");
	expect_rate(&f, 299, "2[\"a\"]", "over drop\n");
	expect_rate(&f, 300, "2[\"a\"]", "join r\n");
	expect_rate(&f, 300, "2[\"a\"]", "over drop\n");
	for (int i = 0; i < 3; i++) expect_rate(&f, 100000, "2[\"a\"]", "join r\n");
	expect_rate(&f, 100000, "2[\"a\"]", "over drop\n");
	expect_rate(&f, 100000, "2[\"b\"]", "join r\njoin s\n");
	expect_rate(&f, 100000, "2[\"b\"]", "join r\nover count\njoin s\n");
	expect_rate(&f, 100000, "2[\"c\"]", "join r\n");
	expect_rate(&f, 100000, "2[\"c\"]", "over disconnect\nclose all\n");
	teardown(&f);
}

/* No more names than that are made of one list. */
static void
test_many_names(void **state)
{
	struct eio_buf packet = { 0 };
	struct fixture f;
	size_t lines = 0;

	(void)state;
	EIO_BUF_ADD_LIT(&packet, "2[\"s\",[1");
	for (int i = 0; i < TEMPLATE_MAX_NAMES; i++) EIO_BUF_ADD_LIT(&packet, ",1");
	eio_buf_append(&packet, "]]", 3);
	setup(&f, "{\"s\":[{\"join\":\"{1}\"}]}", "/");
	assert_int_equal(event(&f, packet.p), HANDLERS_SKIPPED);
	for (size_t i = 0; i < heard.n; i++) lines += heard.p[i] == '\n';
	assert_int_equal(lines, TEMPLATE_MAX_NAMES + 1);
	eio_buf_addc(&heard, 0);
	assert_non_null(strstr(heard.p, "skip s.join {1}: too many names\n"));
	eio_buf_deinit(&packet);
	teardown(&f);
}

static void
test_publish(void **state)
{
	struct fixture f;

	(void)state;
	run("{\"p\":[{\"publish\":\"up\"}]}", "2[\"p\",12345678901234567890 , {\"a\":1}]", HANDLERS_DONE,
		"publish up {\"event\":\"p\",\"args\":[12345678901234567890 , {\"a\":1}],\"sid\":\"" SID
		"\",\"nsp\":\"/\"}\n");
	run("{\"*\":[{\"publish\":\"up.{1}\"}]}", "52-[\"any\",\"x\"," PH(1) "," PH(0) "]", HANDLERS_DONE,
		"publish up.x {\"event\":\"any\",\"args\":[\"x\"," PH(1) "," PH(
			0) "],\"sid\":\"" SID "\",\"nsp\":\"/\",\"attachments\":[\"b25l\",\"dHdv\"]}\n");
	run("{\"*\":[{\"publish\":\"{1}\"}]}", "2[\"any\",[\"x\"]]", HANDLERS_SKIPPED,
		"skip any.publish {1}: a list or an object is no name\n");
	setup(&f, "{\"*\":[{\"publish\":\"up\"}]}", "/adm\"in");
	assert_int_equal(event(&f, "2/adm\"in,[7]"), HANDLERS_DONE);
	expect_heard("publish up {\"event\":7,\"args\":[],\"sid\":\"" SID "\",\"nsp\":\"/adm\\\"in\"}\n");
	teardown(&f);
}

static void
test_publish_made(void **state)
{
	static const char value[] = "{\"p\":[{\"publish\":{\"channel\":\"c.{2}\",\"message\":\"{1}\"}}]}";
	static const char json[] =
		"{\"p\":[{\"publish\":{\"channel\":\"c\",\"message\":{\"a\":\"{1}\",\"b\":[\"{2}\",\"{sid}\"],\"q\":\"{query.x}\"}}}]}";
	struct fixture f;

	(void)state;
	run(value, "2[\"p\",\"te\\u0078t\",1]", HANDLERS_DONE, "publish c.1 text\n");
	run(value, "2[\"p\",{\"n\" : 12345678901234567890},1]", HANDLERS_DONE,
		"publish c.1 {\"n\" : 12345678901234567890}\n");
	run(value, "2[\"p\",1e3,true]", HANDLERS_DONE, "publish c.true 1e3\n");
	run(value, "52-[\"p\"," PH(1) ",2," PH(0) "]", HANDLERS_DONE, "publish c.2 two\n");
	run(value, "2[\"p\"," PH(1) ",2]", HANDLERS_DONE, "publish c.2 " PH(1) "\n");
	run(value, "2[\"p\",null,2]", HANDLERS_SKIPPED, "skip p.publish c.{2}: a value is missing\n");
	run(value, "2[\"p\",1]", HANDLERS_SKIPPED, "skip p.publish c.{2}: a value is missing\n");
	run("{\"p\":[{\"publish\":{\"channel\":\"c\",\"message\":\"<{1}> \\\"{query.x}\\\" {2}.\"}}]}",
		"2[\"p\",\"\\u0041\\\"\",[1]]", HANDLERS_DONE, "publish c <A\"> \"last one\" [1].\n");
	run("{\"p\":[{\"publish\":{\"channel\":\"c\",\"message\":\"{args}\"}}]}", "2[\"p\",1, 2]", HANDLERS_DONE,
		"publish c [1, 2]\n");
	run("{\"p\":[{\"publish\":{\"channel\":\"c\",\"message\":\"{query.x}\"}}]}", "2[\"p\"]", HANDLERS_DONE,
		"publish c last one\n");
	run(json, "2[\"p\",{\"x\":[12345678901234567890]}]", HANDLERS_DONE,
		"publish c {\"a\":{\"x\":[12345678901234567890]},\"b\":[null,\"" SID "\"],\"q\":\"last one\"}\n");
	run(json, "52-[\"p\",[" PH(1) "]," PH(0) "]", HANDLERS_DONE,
		"publish c {\"a\":[" PH(1) "],\"b\":[" PH(0) ",\"" SID "\"],\"q\":\"last one\"}\n");
	run("{\"p\":[{\"publish\":{\"channel\":\"c\"}}]}", "2[\"p\",1]", HANDLERS_DONE,
		"publish c {\"event\":\"p\",\"args\":[1],\"sid\":\"" SID "\",\"nsp\":\"/\"}\n");
	setup(&f,
		"{\"connection\":[{\"publish\":{\"channel\":\"c\",\"headers\":[\"X-User\",\"none\"]}},{\"publish\":\"d\"}]}",
		"/");
	f.call.query = EIO_LIT("a=1&b=%22");
	assert_int_equal(handlers_run_connection(f.h, &f.call), HANDLERS_DONE);
	eio_buf_addc(&heard, 0);
	assert_non_null(strstr(heard.p, "publish c {\"event\":\"connection\",\"args\":[],\"sid\":\"" SID
					"\",\"nsp\":\"/\",\"auth\":{\"token\":"));
	assert_non_null(strstr(heard.p,
		",\"query\":{\"a\":\"1\",\"b\":\"\\\"\"},\"address\":\"192.0.2.7\",\"headers\":{\"X-User\":\"ann\"}}\n"
		"publish d {\"event\":\"connection\",\"args\":[],\"sid\":\"" SID "\",\"nsp\":\"/\"}\n"));
	eio_buf_clear(&heard);
	teardown(&f);
	run("{\"p\":[{\"publish\":{\"channel\":\"ip.{address}\",\"message\":[\"{address}\",\"from {address}\"]}},"
	    "{\"if\":{\"/address\":\"192.0.2.7\"},\"join\":\"home\"}]}",
		"2[\"p\"]", HANDLERS_DONE, "publish ip.192.0.2.7 [\"192.0.2.7\",\"from 192.0.2.7\"]\njoin home\n");
	/* Who comes by a Unix socket. */
	setup(&f, "{\"connection\":[{\"publish\":{\"channel\":\"c\",\"headers\":[]}},{\"join\":\"ip.{address}\"}]}",
		"/");
	f.call.address = eio_bytes("", 0);
	assert_int_equal(handlers_run_connection(f.h, &f.call), HANDLERS_SKIPPED);
	eio_buf_addc(&heard, 0);
	assert_null(strstr(heard.p, "\"address\""));
	eio_buf_clear(&heard);
	teardown(&f);
}

static void
test_disconnect_action(void **state)
{
	(void)state;
	run("{\"bye\":[{\"join\":\"a\"},{\"disconnect\":true},{\"join\":\"b\"}]}", "2[\"bye\"]", HANDLERS_DONE,
		"join a\nclose all\n");
	run("{\"bye\":[{\"disconnect\":false}]}", "2[\"bye\"]", HANDLERS_DONE, "close nsp\n");
}

static void
test_pace_action(void **state)
{
	static const char chosen[] = "{\"pace\":[{\"pace\":\"{1}\"}]}";
	static const char skipped[] = "skip pace.pace {1}: it is no whole number from 0 to 1000\n";

	(void)state;
	run("{\"pace\":[{\"pace\":5},{\"pace\":0}]}", "2[\"pace\"]", HANDLERS_DONE, "pace 5\npace 0\n");
	run(chosen, "2[\"pace\",2]", HANDLERS_DONE, "pace 2\n");
	run(chosen, "2[\"pace\",\"1000\"]", HANDLERS_DONE, "pace 1000\n");
	run(chosen, "2[\"pace\",0]", HANDLERS_DONE, "pace 0\n");
	run(chosen, "2[\"pace\",1001]", HANDLERS_SKIPPED, skipped);
	run(chosen, "2[\"pace\",-1]", HANDLERS_SKIPPED, skipped);
	run(chosen, "2[\"pace\",1.5]", HANDLERS_SKIPPED, skipped);
	run(chosen, "2[\"pace\",18446744073709551617]", HANDLERS_SKIPPED, skipped);
	run(chosen, "2[\"pace\",\"\"]", HANDLERS_SKIPPED, skipped);
	run(chosen, "2[\"pace\",{}]", HANDLERS_SKIPPED, "skip pace.pace {1}: a list or an object is no name\n");
	run(chosen, "2[\"pace\"]", HANDLERS_SKIPPED, "skip pace.pace {1}: a value is missing\n");
}

static void
test_life_cycle(void **state)
{
	static const char on[] =
		"{\"connection\":[{\"emit\":[\"hello\",\"{auth.big}\",\"{rooms}\"]},{\"join\":\"all\"},"
		"{\"publish\":\"in\"}],\"disconnect\":[{\"publish\":\"out.{reason}\"}],\"x\":[]}";
	struct fixture f;

	(void)state;
	setup(&f, on, "/n");
	assert_int_equal(handlers_run_connection(f.h, &f.call), HANDLERS_DONE);
	expect_heard("send 42/n,[\"hello\",12345678901234567890,[]]\njoin all\n"
		     "publish in {\"event\":\"connection\",\"args\":[],\"sid\":\"" SID "\",\"nsp\":\"/n\"}\n");
	assert_int_equal(event(&f, "2/n,[\"connection\"]"), HANDLERS_NONE);
	assert_int_equal(event(&f, "2/n,[\"x\"]"), HANDLERS_DONE);
	assert_int_equal(event(&f, "2/n,[\"y\"]"), HANDLERS_NONE);
	expect_heard("");
	assert_int_equal(handlers_run_disconnect(f.h, &f.call, "transport close"), HANDLERS_DONE);
	expect_heard(
		"publish out.transport close {\"event\":\"disconnect\",\"args\":[\"transport close\"],\"sid\":\"" SID
		"\",\"nsp\":\"/n\"}\n");
	teardown(&f);
}

/* Which entry an event finds. */
static void
test_names(void **state)
{
	static const char on[] = "{\"a\":[{\"join\":\"a\"}],\"*\":[{\"join\":\"any\"}],\"7\":[{\"join\":\"seven\"}]}";

	(void)state;
	run(on, "2[\"a\"]", HANDLERS_DONE, "join a\n");
	run(on, "2[\"\\u0061\"]", HANDLERS_DONE, "join a\n");
	run(on, "2[\"b\"]", HANDLERS_DONE, "join any\n");
	run(on, "2[\"*\"]", HANDLERS_DONE, "join any\n");
	run(on, "2[7]", HANDLERS_DONE, "join seven\n");
	run(on, "2[\"7\"]", HANDLERS_DONE, "join seven\n");
	run(on, "2[8]", HANDLERS_DONE, "join any\n");
	run(on, "2[\"connection\"]", HANDLERS_NONE, "");
	run("{}", "2[\"a\"]", HANDLERS_NONE, "");
}

static void
test_nothing_configured(void **state)
{
	struct handlers_error err = { .item = NULL };
	struct handlers *h = handlers_compile(NULL, 0, keep_error, read_where, &err);
	struct handlers_call call = { .ops = &ops };

	(void)state;
	assert_non_null(h);
	assert_int_equal(handlers_run_connection(h, &call), HANDLERS_NONE);
	assert_int_equal(handlers_run_disconnect(h, &call, "x"), HANDLERS_NONE);
	handlers_free(h);
	handlers_free(NULL);
}

/* What is kept of a request: only what is named, or all where it is named as a whole. */
static const char request[] =
	"GET /socket.io/?EIO=4 HTTP/1.1\r\nHost: h\r\nX-User: ann\r\nCookie: a=1; b=%41+b%zz; a=2\r\n"
	"x-user: bob \r\nCookie: \"; c = \"q\\\"\"; connect.sid=s%3A1;d; \xe9=\xfc%20%C3%A9\r\nX-Raw: \xff\"\xc3\xa9\r\n\r\n";

static void
expect_kept(const char *on, const char *want)
{
	struct handlers_needs needs = { 0 };
	struct eio_http *http = eio_http_new(10000, 10000);
	struct eio_request *req;
	struct eio_buf out = { 0 };
	struct fixture f;
	size_t used;

	setup(&f, on, "/");
	assert_int_equal(handlers_needs_add(&needs, f.h), 0);
	assert_int_equal(handlers_needs_query(&needs), strstr(on, "{query") != NULL);
	assert_int_equal(handlers_needs_headers(&needs), want != NULL);
	assert_int_equal(needs.address, strstr(on, "{address}") != NULL);
	assert_int_equal(eio_http_feed(http, request, sizeof request - 1, &used), EIO_HTTP_COMPLETE);
	req = eio_http_take(http);
	handlers_keep(&needs, req, &out);
	assert_int_equal(sio_json_check(eio_buf_bytes(&out)), 0);
	eio_buf_addc(&out, 0);
	assert_string_equal(out.p, want ? want : "{\"header\":{},\"cookie\":{}}");
	eio_buf_deinit(&out);
	eio_request_free(req);
	eio_http_free(http);
	handlers_needs_deinit(&needs);
	teardown(&f);
}

static void
test_kept_request(void **state)
{
	(void)state;
	expect_kept("{\"a\":[{\"emit\":[\"x\",\"{query.x}\",\"{auth.x}\"]}]}", NULL);
	expect_kept("{\"a\":[{\"join\":\"from.{address}\"}]}", NULL);
	expect_kept(
		"{\"a\":[{\"emit\":[\"x\",{\"k\":[\"{header.X-USER}\",\"{header.x-user}\"]}]},{\"join\":[\"a\",\"{cookie.b}\"]}]}",
		"{\"header\":{\"x-user\":\"ann, bob\"},\"cookie\":{\"b\":\"A+b%zz\"}}");
	expect_kept(
		"{\"disconnect\":[{\"publish\":\"{cookie.a}{cookie.connect.sid}{header.none}{cookie.none}{cookie.c}\"}]}",
		"{\"header\":{},\"cookie\":{\"a\":\"1\",\"c\":\"q\\\\\\\"\",\"connect.sid\":\"s:1\"}}");
	expect_kept("{\"a\":[{\"emit\":[\"x\",\"{header.host}\",\"{header}\",\"{header.x}\"]}]}",
		"{\"header\":{\"host\":\"h\",\"x-user\":\"ann, bob\",\"cookie\":\"a=1; b=%41+b%zz; a=2; \\\"; c = "
		"\\\"q\\\\\\\"\\\"; connect.sid=s%3A1;d; é=ü%20%C3%A9\",\"x-raw\":\"ÿ\\\"Ã©\"},\"cookie\":{}}");
	expect_kept("{\"a\":[{\"emit\":[\"x\",\"{cookie}\"]}]}",
		"{\"header\":{},\"cookie\":{\"a\":\"1\",\"b\":\"A+b%zz\",\"c\":\"q\\\\\\\"\",\"connect.sid\":\"s:1\","
		"\"é\":\"ü é\"}}");
}

static const struct {
	const char *on, *path, *text; /* text: part of the message */
} mistakes[] = {
	{ "[]", "", "must be an object" },
	{ "{\"a\":{}}", "/a", "must be an array of actions" },
	{ "{\"a\":[1]}", "/a/0", "one action" },
	{ "{\"a\":[{}]}", "/a/0", "one action" },
	{ "{\"a\":[{\"join\":\"x\",\"leave\":\"y\"}]}", "/a/0", "one action" },
	{ "{\"a\":[{\"join\":\"x\"},{\"joim\":\"x\"}]}", "/a/1/joim", "unknown action \"joim\"" },
	{ "{\"a\":[],\"b\":[],\"a\":[]}", "/a", "given twice" },
	{ "{\"connect\":[]}", "/connect", "cannot send" },
	{ "{\"newListener\":[]}", "/newListener", "cannot send" },
	{ "{\"a/b~\":[{\"emit\":\"x\"}]}", "/a~1b~0/0/emit", "array" },
	{ "{\"a\":[{\"emit\":[]}]}", "/a/0/emit", "event name" },
	{ "{\"a\":[{\"emit\":[1]}]}", "/a/0/emit/0", "string" },
	{ "{\"a\":[{\"emit\":[\"connect\"]}]}", "/a/0/emit/0", "clients refuse" },
	{ "{\"a\":[{\"emit\":[\"{args}\"]}]}", "/a/0/emit/0", "{args} is a list" },
	{ "{\"a\":[{\"emit\":[\"{auth}\"]}]}", "/a/0/emit/0", "{auth.name}" },
	{ "{\"a\":[{\"emit\":[\"x\",\"{nope}\"]}]}", "/a/0/emit/1", "unknown placeholder {nope}" },
	{ "{\"a\":[{\"emit\":[\"x\",{\"k\":[0,\"a {10}\"]}]}]}", "/a/0/emit/1/k/1", "unknown placeholder {10}" },
	{ "{\"a\":[{\"emit\":[\"x\",\"$1\"]}]}", "/a/0/emit/1", "\"{1}\" now" },
	{ "{\"a\":[{\"emit\":[\"x\",\"cost: $$\"]}]}", "/a/0/emit/1", "\"$\" now" },
	{ "{\"a\":[{\"emit\":[\"x\",\"...{1}\"]}]}", "/a/0/emit/1", "spread" },
	{ "{\"a\":[{\"emit\":[\"x\",{\"k\":\"...{args}\"}]}]}", "/a/0/emit/1/k", "spread" },
	{ "{\"a\":[{\"emit\":[\"x\",9007199254740994]}]}", "/a/0/emit/1", "2^53" },
	{ "{\"a\":[{\"ack\":true}]}", "/a/0/ack", "array" },
	{ "{\"a\":[{\"join\":1}]}", "/a/0/join", "string or an array" },
	{ "{\"a\":[{\"join\":[\"x\",1]}]}", "/a/0/join/1", "string" },
	{ "{\"a\":[{\"leave\":\"\"}]}", "/a/0/leave", "empty" },
	{ "{\"a\":[{\"leave\":\"x}\"}]}", "/a/0/leave", "twice" },
	{ "{\"a\":[{\"leave\":\"x$args\"}]}", "/a/0/leave", "{args}" },
	{ "{\"a\":[{\"leave\":\"...{1}\"}]}", "/a/0/leave", "spread" },
	{ "{\"a\":[{\"join\":\"{args}{rooms}\"}]}", "/a/0/join", "two lists" },
	{ "{\"a\":[{\"join\":\"x.{query}\"}]}", "/a/0/join", "{query.name}" },
	{ "{\"a\":[{\"join\":\"{channel}\"}]}", "/a/0/join", "in the handler of an event" },
	{ "{\"a\":[{\"join\":\"{/a}\"}]}", "/a/0/join", "in a feed's message" },
	{ "{\"a\":[{\"publish\":\"{args}\"}]}", "/a/0/publish", "list" },
	{ "{\"a\":[{\"publish\":\"{rooms}\"}]}", "/a/0/publish", "list" },
	{ "{\"a\":[{\"publish\":[\"x\"]}]}", "/a/0/publish", "must be a string or an object" },
	{ "{\"a\":[{\"publish\":{\"message\":1}}]}", "/a/0/publish", "needs a \"channel\"" },
	{ "{\"a\":[{\"publish\":{\"channel\":1}}]}", "/a/0/publish/channel", "must be a string" },
	{ "{\"a\":[{\"publish\":{\"channel\":\"x\",\"text\":1}}]}", "/a/0/publish/text",
		"channel, message and headers" },
	{ "{\"a\":[{\"publish\":{\"channel\":\"x\",\"message\":{\"a\":\"{b}\"}}}]}", "/a/0/publish/message/a",
		"unknown placeholder" },
	{ "{\"a\":[{\"publish\":{\"channel\":\"x\",\"headers\":[]}}]}", "/a/0/publish/headers",
		"only the envelope of \"connection\"" },
	{ "{\"connection\":[{\"publish\":{\"channel\":\"x\",\"headers\":1}}]}", "/connection/0/publish/headers",
		"array" },
	{ "{\"connection\":[{\"publish\":{\"channel\":\"x\",\"headers\":[\"a\",1]}}]}", "/connection/0/publish/headers",
		"name of a header" },
	{ "{\"connection\":[{\"publish\":{\"channel\":\"x\",\"headers\":[\"a} {sid\"]}}]}", "/connection/0/publish",
		"no name of a header" },
	{ "{\"connection\":[{\"publish\":{\"channel\":\"x\",\"message\":1,\"headers\":[]}}]}",
		"/connection/0/publish/headers", "replaces" },
	{ "{\"a\":[{\"disconnect\":1}]}", "/a/0/disconnect", "true" },
	{ "{\"connection\":[{\"emit\":[\"x\",\"{1}\"]}]}", "/connection/0/emit/1", "at \"connection\"" },
	{ "{\"connection\":[{\"emit\":[\"x\",\"...{args}\"]}]}", "/connection/0/emit/1", "at \"connection\"" },
	{ "{\"connection\":[{\"join\":\"{event}\"}]}", "/connection/0/join", "at \"connection\"" },
	{ "{\"connection\":[{\"join\":\"{reason}\"}]}", "/connection/0/join", "at \"connection\"" },
	{ "{\"disconnect\":[{\"publish\":\"{1}\"}]}", "/disconnect/0/publish", "{reason}" },
	{ "{\"connection\":[{\"ack\":[]}]}", "/connection/0/ack", "no ack" },
	{ "{\"a\":[{\"broadcast\":{\"room\":\"x\",\"event\":\"x\",\"joined\":1}}]}", "/a/0/broadcast/joined",
		"must be true or false" },
	{ "{\"a\":[{\"broadcast\":{\"event\":\"x\",\"joined\":true}}]}", "/a/0/broadcast", "which is not given" },
	{ "{\"disconnect\":[{\"emit\":[\"x\"]}]}", "/disconnect/0/emit", "only broadcast, call and publish" },
	{ "{\"a\":[{\"pace\":true}]}", "/a/0/pace", "from 0 to 1000" },
	{ "{\"a\":[{\"pace\":1001}]}", "/a/0/pace", "from 0 to 1000" },
	{ "{\"a\":[{\"pace\":0.5}]}", "/a/0/pace", "from 0 to 1000" },
	{ "{\"a\":[{\"pace\":\"{b}\"}]}", "/a/0/pace", "unknown placeholder" },
	{ "{\"disconnect\":[{\"pace\":1}]}", "/disconnect/0/pace", "only broadcast, call and publish" },
	{ "{\"a\":[{\"rate\":1}]}", "/a/0/rate", "an object such as" },
	{ "{\"a\":[{\"rate\":{\"events\":1}}]}", "/a/0/rate", "an object such as" },
	{ "{\"a\":[{\"rate\":{\"events\":0,\"per\":1}}]}", "/a/0/rate/events", "from 1 to 1000000" },
	{ "{\"a\":[{\"rate\":{\"events\":1,\"per\":1.5}}]}", "/a/0/rate/per", "from 1 to 86400000" },
	{ "{\"a\":[{\"rate\":{\"events\":1,\"per\":1,\"then\":\"x\"}}]}", "/a/0/rate/then", "\"drop\", \"count\"" },
	{ "{\"a\":[{\"rate\":{\"events\":1,\"each\":1}}]}", "/a/0/rate/each", "events, per and then" },
	{ "{\"connection\":[{\"rate\":{\"events\":1,\"per\":1}}]}", "/connection/0/rate", "only events" },
	{ "{\"disconnect\":[{\"rate\":{\"events\":1,\"per\":1}}]}", "/disconnect/0/rate", "only events" },
	{ "{\"a\":[{\"if\":1,\"join\":\"x\"}]}", "/a/0/if", "an object such as" },
	{ "{\"a\":[{\"if\":{},\"join\":\"x\"}]}", "/a/0/if", "an object such as" },
	{ "{\"a\":[{\"if\":{\"/args/0\":\"x\"}}]}", "/a/0", "\"then\", a list" },
	{ "{\"a\":[{\"if\":{\"/args/0\":\"x\"},\"join\":\"x\",\"leave\":\"x\"}]}", "/a/0", "one action" },
	{ "{\"a\":[{\"if\":{\"/args/0\":\"x\"},\"then\":{}}]}", "/a/0/then", "array" },
	{ "{\"a\":[{\"if\":{\"/args/0\":\"x\"},\"then\":[{\"joim\":1}]}]}", "/a/0/then/0/joim", "unknown action" },
	{ "{\"a\":[{\"if\":{\"/args/0\":\"x\"},\"join\":\"x\",\"else\":{}}]}", "/a/0/else", "array" },
	{ "{\"a\":[{\"join\":\"x\",\"else\":[]}]}", "/a/0", "no \"if\"" },
	{ "{\"a\":[{\"then\":[]}]}", "/a/0", "no \"if\"" },
	{ "{\"a\":[{\"if\":{\"/args/9\":\"x\"},\"join\":\"x\"}]}", "/a/0/if", "/args/0 to /args/8" },
	{ "{\"a\":[{\"if\":{\"/args/01\":\"x\"},\"join\":\"x\"}]}", "/a/0/if", "names no value" },
	{ "{\"a\":[{\"if\":{\"/a}{b\":\"x\"},\"join\":\"x\"}]}", "/a/0/if", "names no value" },
	{ "{\"a\":[{\"if\":{\"/type\":\"x\"},\"join\":\"x\"}]}", "/a/0/if", "unknown placeholder {type}" },
	{ "{\"a\":[{\"if\":{\"/reason\":\"x\"},\"join\":\"x\"}]}", "/a/0/if", "in the handler of an event" },
	{ "{\"connection\":[{\"if\":{\"/args/0\":\"x\"},\"join\":\"x\"}]}", "/connection/0/if", "at \"connection\"" },
	{ "{\"disconnect\":[{\"if\":{\"/reason\":\"x\"},\"join\":\"x\"}]}", "/disconnect/0/join", "only broadcast" },
	{ "{\"a\":[{\"broadcast\":\"x\"}]}", "/a/0/broadcast", "an object such as" },
	{ "{\"a\":[{\"broadcast\":{\"room\":\"x\"}}]}", "/a/0/broadcast", "needs an \"event\"" },
	{ "{\"a\":[{\"broadcast\":{\"event\":\"x\",\"rooms\":\"y\"}}]}", "/a/0/broadcast/rooms",
		"there are room, except" },
	{ "{\"a\":[{\"broadcast\":{\"event\":\"x\",\"event\":\"y\"}}]}", "/a/0/broadcast/event", "twice" },
	{ "{\"a\":[{\"broadcast\":{\"event\":1}}]}", "/a/0/broadcast/event", "string" },
	{ "{\"a\":[{\"broadcast\":{\"event\":\"disconnect\"}}]}", "/a/0/broadcast/event", "clients refuse" },
	{ "{\"a\":[{\"broadcast\":{\"event\":\"x\",\"args\":{}}}]}", "/a/0/broadcast/args", "array" },
	{ "{\"a\":[{\"broadcast\":{\"event\":\"x\",\"args\":[1,\"{x}\"]}}]}", "/a/0/broadcast/args/1",
		"unknown placeholder" },
	{ "{\"a\":[{\"broadcast\":{\"event\":\"x\",\"self\":1}}]}", "/a/0/broadcast/self", "true or false" },
	{ "{\"a\":[{\"broadcast\":{\"event\":\"x\",\"room\":[]}}]}", "/a/0/broadcast/room", "empty list" },
	{ "{\"a\":[{\"broadcast\":{\"event\":\"x\",\"room\":{}}}]}", "/a/0/broadcast/room", "string or an array" },
	{ "{\"a\":[{\"broadcast\":{\"event\":\"x\",\"except\":[\"a\",\"{args\"]}}]}", "/a/0/broadcast/except/1",
		"stands alone" },
	{ "{\"disconnect\":[{\"broadcast\":{\"event\":\"x\",\"args\":[\"{1}\"]}}]}", "/disconnect/0/broadcast/args/0",
		"{reason}" },
};

static void
test_mistakes(void **state)
{
	struct handlers_error err = { .item = NULL };
	cJSON *json;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(mistakes) / sizeof(mistakes[0]); i++) {
		json = cJSON_Parse(mistakes[i].on);
		assert_non_null(json);
		*err.text = '\0';
		assert_null(handlers_compile(json, 0, keep_error, read_where, &err));
		if (strcmp(err.path, mistakes[i].path) != 0 || !strstr(err.text, mistakes[i].text))
			fail_msg("%s: %s: %s", mistakes[i].on, err.path, err.text);
		assert_non_null(err.item);
		cJSON_Delete(json);
	}
}

static void
add_path(void *user, const struct handlers_error *e)
{
	strcat(strcat(user, e->path), " ");
}

/* One mistake of each action and of each entry. */
static void
test_all_mistakes(void **state)
{
	cJSON *json = cJSON_Parse("{\"a\":[{\"jion\":1},{\"join\":\"x\"},{\"join\":\"{\"},5],\"b\":1,\"connect\":[],"
				  "\"a\":[{\"ack\":1}],\"c\":[{\"emit\":[]}]}");
	char paths[400] = "";

	(void)state;
	assert_non_null(json);
	assert_null(handlers_compile(json, 0, add_path, read_where, paths));
	assert_string_equal(paths, "/a/0/jion /a/2/join /a/3 /b /connect /a/0/ack /a /c/0/emit ");
	cJSON_Delete(json);
}

/* Arguments may be nested as deep as clients read them, and no deeper; the list of arguments itself counts. */
static void
test_depth(void **state)
{
	(void)state;
	for (int depth = SIO_JSON_MAX_DEPTH - 1; depth <= SIO_JSON_MAX_DEPTH; depth++) {
		struct eio_buf on = { 0 };
		struct handlers_error err = { .item = NULL };
		struct handlers *h;
		cJSON *json;

		EIO_BUF_ADD_LIT(&on, "{\"a\":[{\"ack\":[");
		for (int i = 0; i < depth; i++) eio_buf_addc(&on, '[');
		for (int i = 0; i < depth; i++) eio_buf_addc(&on, ']');
		eio_buf_append(&on, "]}]}", 5);
		json = cJSON_Parse(on.p);
		assert_non_null(json);
		h = handlers_compile(json, 0, keep_error, read_where, &err);
		assert_int_equal(h != NULL, depth < SIO_JSON_MAX_DEPTH);
		if (!h) assert_non_null(strstr(err.text, "nested deeper than 256"));
		handlers_free(h);
		cJSON_Delete(json);
		eio_buf_deinit(&on);
	}
}

/* A path longer than its place is cut, not overrun. */
static void
test_long_path(void **state)
{
	struct handlers_error err = { .item = NULL };
	cJSON *json = cJSON_CreateObject();
	char name[400];

	(void)state;
	memset(name, '~', sizeof(name) - 1);
	name[sizeof(name) - 1] = 0;
	cJSON_AddNumberToObject(json, name, 1);
	assert_null(handlers_compile(json, 0, keep_error, read_where, &err));
	assert_int_equal(strlen(err.path), sizeof(err.path) - 1);
	cJSON_Delete(json);
}

/* ---- without memory ---- */

static cJSON *everything;
static struct fixture *running;

static int
compiling(void)
{
	struct handlers_error err = { .item = NULL };
	struct handlers *h = handlers_compile(everything, 0, keep_error, read_where, &err);

	if (!h && strcmp(err.text, "out of memory") != 0) return 1;
	handlers_free(h);
	return h ? 0 : -1;
}

static int
running_it(void)
{
	enum handlers_result r = handlers_run_event(running->h, &running->call, &running->ev);

	return r == HANDLERS_NOMEM ? -1 : r == HANDLERS_DONE ? 0 : 1;
}

static int
leaving(void)
{
	enum handlers_result r = handlers_run_disconnect(running->h, &running->call, "ping timeout");

	return r == HANDLERS_NOMEM ? -1 : r == HANDLERS_DONE ? 0 : 1;
}

static void
expect_kept_query(const char *on, const char *query, const char *want)
{
	struct handlers_needs needs = { 0 };
	struct eio_buf out = { 0 };
	struct fixture f;

	setup(&f, on, "/");
	assert_int_equal(handlers_needs_add(&needs, f.h), 0);
	handlers_keep_query(&needs, eio_cstr(query), &out);
	eio_buf_addc(&out, 0);
	assert_string_equal(out.p, want);
	eio_buf_deinit(&out);
	handlers_needs_deinit(&needs);
	teardown(&f);
}

/* Of a query, too, which may be as long as a head. */
static void
test_kept_query(void **state)
{
	static const char on[] = "{\"a\":[{\"emit\":[\"x\",\"{query.a-b}\",\"{query.c}\"]}]}";

	(void)state;
	expect_kept_query("{\"a\":[{\"emit\":[\"x\",\"{auth.x}\"]}]}", "a=1", "");
	expect_kept_query(on, "d=4&a%2Db=1&x=5&c=%20&a-b=2", "a%2Db=2&c=%20");
	expect_kept_query(on, "c", "c=");
	expect_kept_query(on, "", "");
	expect_kept_query("{\"a\":[{\"emit\":[\"x\",\"{query}\",\"{query.a}\"]}]}", "a=1&b=2", "a=1&b=2");
}

static struct eio_request *kept;

static int
keeping(void)
{
	struct handlers_needs needs = { 0 };
	struct eio_buf out = { 0 };
	int rc = handlers_needs_add(&needs, running->h);

	if (rc == 0) {
		handlers_keep(&needs, kept, &out);
		rc = eio_buf_failed(&out) ? -1 : 0;
		eio_buf_deinit(&out);
	}
	handlers_needs_deinit(&needs);
	return rc;
}

static void
test_keep_without_memory(void **state)
{
	struct eio_http *http = eio_http_new(10000, 10000);
	struct fixture f;
	size_t used;

	(void)state;
	setup(&f, "{\"a\":[{\"emit\":[\"x\",\"{header.x-user}\",\"{cookie.a}\",\"{cookie.c}\",\"{header.cookie}\"]}]}",
		"/");
	running = &f;
	assert_int_equal(eio_http_feed(http, request, sizeof request - 1, &used), EIO_HTTP_COMPLETE);
	kept = eio_http_take(http);
	failmalloc_every(keeping, -1, 5);
	eio_request_free(kept);
	eio_http_free(http);
	teardown(&f);
}

static void
test_no_memory(void **state)
{
	static const char on[] =
		"{\"m\":[{\"if\":{\"/query/x\":\"last one\",\"/nsp\":\"/\"},\"then\":[],\"else\":[{\"join\":\"z\"}]},"
		"{\"emit\":[\"x\",{\"a\":[\"...{args}\",\"{query.x}\",\"-{args}-{query.x}-\",\"{query}\",\"{rooms}\"]},\"{sid}\"]},"
		"{\"ack\":[\"{args}\"]},{\"join\":[\"{args}\",\"r {query.x}\",\"{rooms}\",\"r.{args}.{query.x}\"]},{\"publish\":\"{query.x}\"},"
		"{\"publish\":{\"channel\":\"c\",\"message\":\"{query.x}\"}},{\"publish\":{\"channel\":\"c\",\"message\":\"<{1}>\"}},"
		"{\"publish\":{\"channel\":\"c\",\"message\":[\"{1}\",\"{query}\"]}},"
		"{\"broadcast\":{\"room\":[\"{args}\",\"q\"],\"except\":\"{sid}\",\"event\":\"y\",\"args\":[\"...{args}\",{\"a\":\"{1}\"}]}}],"
		"\"disconnect\":[{\"publish\":\"gone\"}]}";
	struct fixture f;

	(void)state;
	everything = cJSON_Parse(on);
	assert_non_null(everything);
	failmalloc_every(compiling, -1, 20);
	cJSON_Delete(everything);
	setup(&f, on, "/");
	running = &f;
	assert_int_equal(event(&f, "52-1[\"m\",\"a\",\"b\"]"), HANDLERS_DONE);
	deaf = true;
	failmalloc_every(running_it, -1, 10);
	failmalloc_every(leaving, -1, 3);
	deaf = false;
	teardown(&f);
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
		cmocka_unit_test(test_claims),
		cmocka_unit_test(test_refused_joins),
		cmocka_unit_test(test_emit),
		cmocka_unit_test(test_emit_mixed_text),
		cmocka_unit_test(test_emit_bad_name),
		cmocka_unit_test(test_emit_binary),
		cmocka_unit_test(test_ack),
		cmocka_unit_test(test_name_with_nul),
		cmocka_unit_test(test_targets),
		cmocka_unit_test(test_lists),
		cmocka_unit_test(test_members),
		cmocka_unit_test(test_rooms),
		cmocka_unit_test(test_many_names),
		cmocka_unit_test(test_if),
		cmocka_unit_test(test_rate),
		cmocka_unit_test(test_broadcast),
		cmocka_unit_test(test_broadcast_joined),
		cmocka_unit_test(test_broadcast_left_out),
		cmocka_unit_test(test_broadcast_to_many),
		cmocka_unit_test(test_publish),
		cmocka_unit_test(test_publish_made),
		cmocka_unit_test(test_disconnect_action),
		cmocka_unit_test(test_pace_action),
		cmocka_unit_test(test_life_cycle),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_nothing_configured),
		cmocka_unit_test(test_kept_request),
		cmocka_unit_test(test_kept_query),
		cmocka_unit_test(test_mistakes),
		cmocka_unit_test(test_all_mistakes),
		cmocka_unit_test(test_depth),
		cmocka_unit_test(test_long_path),
		cmocka_unit_test(test_keep_without_memory),
		cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, free_heard);
}

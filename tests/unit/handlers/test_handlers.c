/* SPDX-License-Identifier: MIT */
/* Configured handlers: every action of a client and variable, and what is left out. */
#include "tests/unit/handlers/doing.h"

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

/* The subject of a certificate is kept beside headers, whatever is in it. */
static void
test_kept_subject(void **state)
{
	struct handlers_needs needs = { 0 };
	struct eio_request req = { .count = 0 };
	struct eio_buf out = { 0 };
	struct fixture f;

	(void)state;
	setup(&f, "{\"a\":[{\"emit\":[\"x\",\"{tls.subject}\"]}]}", "/");
	assert_int_equal(handlers_needs_add(&needs, f.h), 0);
	assert_true(needs.subject && handlers_needs_headers(&needs));
	handlers_keep(&needs, &req, &out);
	assert_true(eio_bytes_eq(eio_buf_bytes(&out), EIO_LIT("{\"header\":{},\"cookie\":{}}")));
	eio_buf_clear(&out);
	EIO_BUF_ADD_LIT(&req.subject, "CN=\"a\\\\\n");
	handlers_keep(&needs, &req, &out);
	assert_true(eio_bytes_eq(
		eio_buf_bytes(&out), EIO_LIT("{\"header\":{},\"cookie\":{},\"subject\":\"CN=\\\"a\\\\\\\\\\n\"}")));
	eio_buf_deinit(&out);
	eio_buf_deinit(&req.subject);
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
		cmocka_unit_test(test_disconnect_action),
		cmocka_unit_test(test_pace_action),
		cmocka_unit_test(test_life_cycle),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_nothing_configured),
		cmocka_unit_test(test_kept_request),
		cmocka_unit_test(test_kept_subject),
		cmocka_unit_test(test_kept_query),
	};

	return cmocka_run_group_tests(tests, NULL, free_heard);
}

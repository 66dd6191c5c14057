/* SPDX-License-Identifier: MIT */
/* Configured handlers: what goes to others, and to Redis. */
#include "tests/unit/handlers/doing.h"

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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_broadcast),
		cmocka_unit_test(test_broadcast_joined),
		cmocka_unit_test(test_broadcast_left_out),
		cmocka_unit_test(test_broadcast_to_many),
		cmocka_unit_test(test_publish),
		cmocka_unit_test(test_publish_made),
	};

	return cmocka_run_group_tests(tests, NULL, free_heard);
}

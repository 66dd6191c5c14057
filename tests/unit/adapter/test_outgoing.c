/* SPDX-License-Identifier: MIT */
/* What we say, in each dialect: as the libraries say it, which were recorded. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "src/adapter/classic.h"
#include "src/adapter/cluster.h"
#include "src/adapter/outgoing.h"
#include "tests/unit/failmalloc.h"

static struct adapter_outgoing out;

static struct adapter_voice
voice_of(enum adapter_dialect dialect, const char *uid)
{
	return (struct adapter_voice){ .dialect = dialect, .key = EIO_LIT("socket.io"), .uid = eio_cstr(uid) };
}

static void
expect_out(const char *channel, struct eio_bytes payload)
{
	assert_false(adapter_outgoing_failed(&out));
	assert_int_equal(out.channel.n, strlen(channel));
	assert_memory_equal(out.channel.p, channel, out.channel.n);
	assert_int_equal(out.payload.n, payload.n);
	assert_memory_equal(out.payload.p, payload.p, payload.n);
}

static void
say(enum adapter_dialect dialect, const struct adapter_asker *who, const struct adapter_reply *reply,
	const char *channel, const char *payload)
{
	const struct adapter_voice v = voice_of(dialect, "me");

	adapter_outgoing_reply(&out, &v, who, reply);
	expect_out(channel, eio_cstr(payload));
}

static void
test_replies(void **state)
{
	struct adapter_asker who = {
		.kind = ADAPTER_SOCKETS, .nsp = EIO_LIT("/"), .request = EIO_LIT("\"x\""), .uid = EIO_LIT("\"you\"")
	};
	const struct adapter_reply none = { .n = 0 }, two = { .json = EIO_LIT("\"a\",\"b\""), .n = 2 };

	(void)state;
	say(ADAPTER_CLASSIC, &who, &two, "socket.io-response#/#", "{\"requestId\":\"x\",\"sockets\":[\"a\",\"b\"]}");
	say(ADAPTER_CLASSIC, &who, &none, "socket.io-response#/#", "{\"requestId\":\"x\",\"sockets\":[]}");
	say(ADAPTER_SHARDED, &who, &two, "socket.io#/#you#",
		"{\"type\":8,\"data\":{\"requestId\":\"x\",\"sockets\":[\"a\",\"b\"]},\"uid\":\"me\",\"nsp\":\"/\"}");
	who.kind = ADAPTER_CALL;
	say(ADAPTER_CLASSIC, &who, &none, "socket.io-response#/#",
		"{\"type\":8,\"requestId\":\"x\",\"clientCount\":0}");
	say(ADAPTER_SHARDED, &who, &two, "socket.io#/#you#",
		"{\"type\":11,\"data\":{\"requestId\":\"x\",\"clientCount\":2},\"uid\":\"me\",\"nsp\":\"/\"}");
	who.kind = ADAPTER_SERVER_EVENT;
	say(ADAPTER_CLASSIC, &who, &none, "socket.io-response#/#", "{\"type\":6,\"requestId\":\"x\",\"data\":null}");
	say(ADAPTER_SHARDED, &who, &none, "socket.io#/#you#",
		"{\"type\":10,\"data\":{\"requestId\":\"x\",\"packet\":null},\"uid\":\"me\",\"nsp\":\"/\"}");
	who.kind = ADAPTER_ROOMS;
	say(ADAPTER_CLASSIC, &who, &two, "socket.io-response#/#", "{\"requestId\":\"x\",\"rooms\":[\"a\",\"b\"]}");
	who.kind = ADAPTER_JOIN;
	say(ADAPTER_CLASSIC, &who, &none, "socket.io-response#/#", "{\"requestId\":\"x\"}");
	who.old = true;
	say(ADAPTER_CLASSIC, &who, &none, "socket.io-response#/#", "{\"requestid\":\"x\"}");
	who.kind = ADAPTER_IDS;
	say(ADAPTER_CLASSIC, &who, &two, "socket.io-response#/#", "{\"requestid\":\"x\",\"clients\":[\"a\",\"b\"]}");
	who.kind = ADAPTER_CUSTOM;
	say(ADAPTER_CLASSIC, &who, &none, "socket.io-response#/#", "{\"requestid\":\"x\",\"data\":null}");
}

/* Of streams all answers are MessagePack, of the others acks, and what has binary. */
static void
test_packed(void **state)
{
	const struct adapter_asker who = { .kind = ADAPTER_CALL,
		.acked = true,
		.nsp = EIO_LIT("/"),
		.request = EIO_LIT("\"x\""),
		.uid = EIO_LIT("\"you\"") };
	const struct eio_bytes binary[] = { EIO_LIT("ab") };
	const struct adapter_reply plain = { .json = EIO_LIT("7") }, ab = {
		.json = EIO_LIT("{\"_placeholder\":true,\"num\":0}"), .attachments = binary, .n_attachments = 1
	};
	const struct adapter_voice classic = voice_of(ADAPTER_CLASSIC, "me"), sharded = voice_of(ADAPTER_SHARDED, "me"),
				   streams = voice_of(ADAPTER_STREAMS, "me");

	(void)state;
	adapter_outgoing_reply(&out, &classic, &who, &plain);
	expect_out("socket.io-response#/#", EIO_LIT("\203\244type\011\251requestId\241x\246packet\007"));
	adapter_outgoing_reply(&out, &classic, &who, &ab);
	expect_out("socket.io-response#/#", EIO_LIT("\203\244type\011\251requestId\241x\246packet\304\002ab"));
	adapter_outgoing_reply(&out, &sharded, &who, &plain);
	expect_out("socket.io#/#you#",
		EIO_LIT("{\"type\":12,\"data\":{\"requestId\":\"x\",\"packet\":7},\"uid\":\"me\",\"nsp\":\"/\"}"));
	adapter_outgoing_reply(&out, &sharded, &who, &ab);
	expect_out("socket.io#/#you#",
		EIO_LIT("\204\244type\014\244data\202\251requestId\241x\246packet\304\002ab\243uid\242me\243nsp\241/"));
	adapter_outgoing_reply(&out, &streams, &who, &plain);
	expect_out("socket.io#/#you#",
		EIO_LIT("\204\244type\014\244data\202\251requestId\241x\246packet\007\243uid\242me\243nsp\241/"));
}

/* What redis-adapter 8 publishes for io.to("rb").except("zz").emit("e", 1). */
static void
test_classic_event(void **state)
{
	const struct adapter_voice v = voice_of(ADAPTER_CLASSIC, "abcdef");
	const struct eio_bytes rooms[] = { EIO_LIT("rb"), EIO_LIT("rc") }, except[] = { EIO_LIT("zz") };
	struct adapter_event e = { .nsp = EIO_LIT("/"),
		.data = EIO_LIT("[\"e\",1]"),
		.rooms = rooms,
		.n_rooms = 1,
		.except = except,
		.n_except = 1 };

	(void)state;
	adapter_outgoing_event(&out, &v, &e, 1);
	expect_out("socket.io#/#rb#", EIO_LIT("\x93\xa6"
					      "abcdef\x83\xa4type\x02\xa4"
					      "data\x92\xa1"
					      "e\x01\xa3nsp\xa1/\x83\xa5rooms\x91\xa2rb\xa6"
					      "except\x91\xa2zz\xa5"
					      "flags\x80"));
	e.n_rooms = 2;
	adapter_outgoing_event(&out, &v, &e, 1);
	assert_int_equal(out.channel.n, strlen("socket.io#/#"));
	e.n_rooms = e.n_except = 0;
	e.nsp = EIO_LIT("/chat");
	adapter_outgoing_event(&out, &v, &e, 1);
	expect_out("socket.io#/chat#", EIO_LIT("\x93\xa6"
					       "abcdef\x83\xa4type\x02\xa4"
					       "data\x92\xa1"
					       "e\x01\xa3nsp\xa5/chat\x83\xa5rooms\x90\xa6"
					       "except\x90\xa5"
					       "flags\x80"));
}

/* Which channel: as ShardedRedisAdapter.computeChannel() chooses. */
static void
expect_channel(enum adapter_rooms_mode mode, const char *room, const char *channel)
{
	struct adapter_voice v = voice_of(ADAPTER_SHARDED, "me");
	const struct eio_bytes rooms[] = { eio_cstr(room) };
	const struct adapter_event e = {
		.nsp = EIO_LIT("/"), .data = EIO_LIT("[\"e\"]"), .rooms = rooms, .n_rooms = 1
	};

	v.rooms = mode;
	adapter_outgoing_event(&out, &v, &e, 1);
	assert_int_equal(out.channel.n, strlen(channel));
	assert_memory_equal(out.channel.p, channel, out.channel.n);
}

static void
test_sharded_event(void **state)
{
	const struct adapter_voice v = voice_of(ADAPTER_SHARDED, "me");
	const struct eio_bytes binary[] = { EIO_LIT("ab") };
	struct adapter_event e = { .nsp = EIO_LIT("/"), .data = EIO_LIT("[\"e\"]") };

	(void)state;
	adapter_outgoing_event(&out, &v, &e, 1);
	expect_out("socket.io#/#",
		EIO_LIT("{\"type\":3,\"data\":{\"packet\":{\"type\":2,\"data\":[\"e\"]},\"opts\":{\"rooms\":[],\"except\":[],\"flags\":{}}},\"uid\":\"me\",\"nsp\":\"/\"}"));
	e.data = EIO_LIT("[\"e\",{\"_placeholder\":true,\"num\":0}]");
	e.attachments = binary;
	e.n_attachments = 1;
	adapter_outgoing_event(&out, &v, &e, 1);
	assert_int_equal((unsigned char)*out.payload.p, 0x84);
	expect_channel(ADAPTER_ROOMS_DYNAMIC, "r", "socket.io#/#r#");
	expect_channel(ADAPTER_ROOMS_DYNAMIC, "12345678901234567890", "socket.io#/#");
	expect_channel(ADAPTER_ROOMS_DYNAMIC, "1234567890123456789\xc3\xa9", "socket.io#/#");
	expect_channel(ADAPTER_ROOMS_DYNAMIC, "123456789012345678\xf0\x9f\x98\x80", "socket.io#/#");
	expect_channel(ADAPTER_ROOMS_DYNAMIC_PRIVATE, "12345678901234567890", "socket.io#/#12345678901234567890#");
	expect_channel(ADAPTER_ROOMS_STATIC, "r", "socket.io#/#");
}

static void
expect_stream(const char *nsp, unsigned streams, const char *name)
{
	struct eio_buf b = { 0 };

	adapter_stream_name(&b, EIO_LIT("s"), eio_cstr(nsp), streams);
	eio_buf_addc(&b, '\0');
	assert_string_equal(b.p, name);
	eio_buf_deinit(&b);
}

/* As computeStreamName() of the package says, run in Node. */
static void
test_streams(void **state)
{
	const struct adapter_voice v = voice_of(ADAPTER_STREAMS, "me");
	const struct eio_bytes binary[] = { EIO_LIT("ab") };
	struct adapter_event e = { .nsp = EIO_LIT("/"), .data = EIO_LIT("[\"e\"]") };

	(void)state;
	expect_stream("/", 1, "s");
	expect_stream("/", 3, "s-2");
	expect_stream("/chat", 3, "s-1");
	expect_stream("/notifications", 3, "s--2");
	expect_stream("/a long name", 7, "s-3");
	expect_stream("/\xc3\xa9\xf0\x9f\x98\x80", 5, "s-4");
	adapter_outgoing_event(&out, &v, &e, 1);
	expect_out("socket.io",
		EIO_LIT("{\"packet\":{\"type\":2,\"data\":[\"e\"]},\"opts\":{\"rooms\":[],\"except\":[],\"flags\":{}}}"));
	e.data = EIO_LIT("[\"e\",{\"_placeholder\":true,\"num\":0}]");
	e.attachments = binary;
	e.n_attachments = 1;
	adapter_outgoing_event(&out, &v, &e, 1);
	assert_memory_equal(out.payload.p, "gqZwYWNrZXSCpHR5cGUC", 20);
}

/* What we say is understood by us. */
static void
test_again(void **state)
{
	const struct eio_bytes rooms[] = { EIO_LIT("a"), EIO_LIT("b") };
	const struct adapter_event e = {
		.nsp = EIO_LIT("/chat"), .data = EIO_LIT("[\"e\",{\"x\":[1.5]}]"), .rooms = rooms, .n_rooms = 2
	};
	struct adapter_message m;

	(void)state;
	adapter_message_init(&m);
	for (unsigned d = ADAPTER_CLASSIC; d <= ADAPTER_STREAMS; d++) {
		const struct adapter_voice v = voice_of((enum adapter_dialect)d, "me");
		const struct eio_bytes key = v.key;

		adapter_outgoing_event(&out, &v, &e, 1);
		const struct eio_bytes channel = eio_buf_bytes(&out.channel), payload = eio_buf_bytes(&out.payload);
		const struct adapter_entry entry = {
			.uid = v.uid, .nsp = e.nsp, .type = EIO_LIT("3"), .data = payload
		};

		assert_int_equal(d == ADAPTER_CLASSIC	? adapter_classic_read(key, channel, payload, &m)
				 : d == ADAPTER_SHARDED ? adapter_cluster_read(key, channel, payload, &m)
							: adapter_entry_read(&entry, &m),
			ADAPTER_UNDERSTOOD);
		assert_int_equal(m.kind, ADAPTER_EVENT);
		assert_int_equal(m.data.n, e.data.n);
		assert_memory_equal(m.data.p, e.data.p, e.data.n);
	}
	adapter_message_deinit(&m);
}

static int
say_without_memory(void)
{
	const struct adapter_voice v = voice_of(ADAPTER_STREAMS, "me");
	const struct adapter_asker who = {
		.kind = ADAPTER_SOCKETS, .nsp = EIO_LIT("/"), .request = EIO_LIT("\"x\""), .uid = EIO_LIT("\"y\\n\"")
	};
	const struct adapter_event e = { .nsp = EIO_LIT("/"), .data = EIO_LIT("[\"e\"]") };
	struct adapter_outgoing o = { .channel = { 0 } };
	bool failed;

	adapter_outgoing_reply(&o, &v, &who, &(struct adapter_reply){ .n = 0 });
	failed = adapter_outgoing_failed(&o);
	adapter_outgoing_event(&o, &v, &e, 2);
	failed |= adapter_outgoing_failed(&o);
	adapter_outgoing_deinit(&o);
	return failed ? -1 : 0;
}

static void
test_nomem(void **state)
{
	(void)state;
	failmalloc_every(say_without_memory, -1, 3);
}

static int
teardown(void **state)
{
	(void)state;
	adapter_outgoing_deinit(&out);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_replies),
		cmocka_unit_test(test_packed),
		cmocka_unit_test(test_classic_event),
		cmocka_unit_test(test_sharded_event),
		cmocka_unit_test(test_streams),
		cmocka_unit_test(test_again),
		cmocka_unit_test(test_nomem),
	};

	return cmocka_run_group_tests(tests, NULL, teardown);
}

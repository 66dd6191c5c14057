/* SPDX-License-Identifier: MIT */
/* What emitters of all versions publish, as tests/adapters/make-vectors.mjs wrote it down; and what is none of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "sio/json.h"
#include "src/adapter/classic.h"
#include "src/feed/posting.h"
#include "src/feed/targets.h"
#include "tests/unit/canon.h"
#include "tests/unit/failmalloc.h"
#include "tests/unit/vector.h"

#define KEY EIO_LIT("socket.io")

static struct adapter_message message;

static int
setup(void **state)
{
	(void)state;
	adapter_message_init(&message);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	adapter_message_deinit(&message);
	return 0;
}

static void
check_names(struct eio_bytes packed, struct eio_bytes list)
{
	struct sio_json_iter it = sio_json_iter(list);
	struct eio_bytes name, wanted;

	while (sio_json_next(&it, NULL, &wanted)) {
		CHECK(feed_names_next(&packed, &name));
		CHECK(sio_json_string_eq(wanted, name));
	}
	CHECK(packed.n == 0);
}

/* The same value and the same attachments, whatever the spelling. */
static void
check_data(struct eio_bytes vector)
{
	struct sio_json_iter it = sio_json_iter(vector_get(vector, "/attachments"));
	struct eio_buf text = { 0 }, wanted = { 0 }, got = { 0 }, bytes = { 0 };
	struct eio_bytes hex;
	size_t n = 0;

	vector_get_string(&text, vector, "/data");
	CHECK(sio_json_check(message.data) == 0);
	canon_value(&wanted, eio_buf_bytes(&text), NULL, 0);
	canon_value(&got, message.data, NULL, 0);
	CHECK(eio_bytes_eq(eio_buf_bytes(&wanted), eio_buf_bytes(&got)));
	for (; sio_json_next(&it, NULL, &hex); n++) {
		eio_buf_clear(&bytes);
		canon_unhex(&bytes, eio_bytes(hex.p + 1, hex.n - 2));
		CHECK(n < message.json.n_attachments);
		CHECK(eio_bytes_eq(message.json.attachments[n], eio_buf_bytes(&bytes)));
	}
	CHECK(n == message.json.n_attachments && message.has_placeholders == (n > 0));
	eio_buf_deinit(&text);
	eio_buf_deinit(&wanted);
	eio_buf_deinit(&got);
	eio_buf_deinit(&bytes);
}

static void
load_payload(struct eio_bytes vector, struct eio_buf *channel, struct eio_buf *payload)
{
	struct eio_bytes hex = vector_get(vector, "/payload");

	vector_get_string(channel, vector, "/channel");
	eio_buf_clear(payload);
	canon_unhex(payload, eio_bytes(hex.p + 1, hex.n - 2));
}

static void
run_vector(struct eio_bytes vector)
{
	struct eio_buf channel = { 0 }, payload = { 0 };

	load_payload(vector, &channel, &payload);
	CHECK(adapter_classic_read(KEY, eio_buf_bytes(&channel), eio_buf_bytes(&payload), &message) ==
		ADAPTER_UNDERSTOOD);
	CHECK(message.kind == ADAPTER_EVENT);
	CHECK(sio_json_string_eq(vector_get(vector, "/nsp"), message.nsp));
	CHECK(message.fleeting == vector_is_true(vector, "/fleeting"));
	check_names(eio_buf_bytes(&message.rooms), vector_get(vector, "/rooms"));
	check_names(eio_buf_bytes(&message.except), vector_get(vector, "/except"));
	check_data(vector);
	/* Without its end it is none, wherever that is. */
	for (size_t n = 0; n < payload.n; n++)
		CHECK(adapter_classic_read(KEY, eio_buf_bytes(&channel), eio_bytes(payload.p, n), &message) !=
			ADAPTER_UNDERSTOOD);
	eio_buf_addc(&payload, '\xc0');
	CHECK(adapter_classic_read(KEY, eio_buf_bytes(&channel), eio_buf_bytes(&payload), &message) !=
		ADAPTER_UNDERSTOOD);
	eio_buf_deinit(&channel);
	eio_buf_deinit(&payload);
}

/* Each allocation fails once: it is said, and nothing is lost. */
static void
run_without_memory(struct eio_bytes vector)
{
	struct eio_buf channel = { 0 }, payload = { 0 };
	enum adapter_result r;

	load_payload(vector, &channel, &payload);
	for (long n = 0, more = true; more; n++) {
		struct adapter_message m;

		adapter_message_init(&m);
		failmalloc_arm(n);
		r = adapter_classic_read(KEY, eio_buf_bytes(&channel), eio_buf_bytes(&payload), &m);
		more = failmalloc_disarm();
		adapter_message_deinit(&m);
		/* Without memory in the one dialect the other one may do. */
		CHECK(r == ADAPTER_UNDERSTOOD || (more && r == ADAPTER_REFUSED_MEMORY));
	}
	eio_buf_deinit(&channel);
	eio_buf_deinit(&payload);
}

static size_t
each_vector(void (*run)(struct eio_bytes vector))
{
	const char *top = getenv("srcdir");
	struct eio_buf file = { 0 };
	struct sio_json_iter it;
	struct eio_bytes vector;
	char path[4096];
	size_t n = 0;

	snprintf(path, sizeof path, "%s/tests/vectors/adapter-vectors.json", top ? top : ".");
	canon_read_file(&file, path);
	it = sio_json_iter(vector_get(eio_buf_bytes(&file), "/vectors"));
	for (; sio_json_next(&it, NULL, &vector); n++) {
		struct eio_buf id = { 0 };

		vector_get_string(&id, vector, "/id");
		snprintf(vector_id, sizeof vector_id, "%.*s", (int)id.n, id.p);
		eio_buf_deinit(&id);
		run(vector);
	}
	eio_buf_deinit(&file);
	return n;
}

static void
test_vectors(void **state)
{
	(void)state;
	assert_true(each_vector(run_vector) > 100);
}

static void
test_nomem(void **state)
{
	(void)state;
	each_vector(run_without_memory);
}

/* Requests: what they say, as "kind nsp rooms-except>names", or why not. */

static void
show_packed(struct eio_buf *out, const struct eio_buf *packed)
{
	struct eio_bytes rest = eio_buf_bytes(packed), name;

	while (feed_names_next(&rest, &name)) eio_buf_printf(out, "%.*s,", (int)name.n, name.p);
}

static void
show_message(struct eio_buf *out, enum adapter_result r)
{
	static const char *const kinds[ADAPTER_KINDS] = { "nothing", "event", "join", "leave", "disconnect", "call",
		"ids", "sockets", "rooms", "rooms-of", "server", "custom" };

	if (r != ADAPTER_UNDERSTOOD) {
		eio_buf_printf(out, "%d", (int)r);
		return;
	}
	eio_buf_printf(
		out, "%s%s %.*s ", kinds[message.kind], message.close ? "!" : "", (int)message.nsp.n, message.nsp.p);
	show_packed(out, &message.rooms);
	eio_buf_addc(out, '-');
	show_packed(out, &message.except);
	eio_buf_addc(out, '>');
	show_packed(out, &message.names);
	if (message.data.p) eio_buf_add(out, message.data);
	if (message.request.p)
		eio_buf_printf(out, " %s%.*s", message.old ? "old " : "", (int)message.request.n, message.request.p);
}

static void
expect_read(const char *channel, struct eio_bytes payload, const char *wanted)
{
	struct eio_buf got = { 0 };

	show_message(&got, adapter_classic_read(KEY, eio_cstr(channel), payload, &message));
	eio_buf_addc(&got, '\0');
	assert_string_equal(got.p, wanted);
	eio_buf_deinit(&got);
}

static void
test_requests(void **state)
{
	static const struct {
		const char *channel, *payload, *says;
	} cases[] = {
		{ "/#", "{\"uid\":\"abcdef\",\"type\":2,\"opts\":{\"rooms\":[\"a\",7],\"except\":[\"b\"]},\"rooms\":[\"c\"]}",
			"join / a,7,-b,>c," },
		{ "/chat#", "{\"type\":3,\"opts\":{\"rooms\":[]},\"rooms\":[]}", "leave /chat ->" },
		{ "/#", "{\"type\":4,\"opts\":{\"rooms\":[],\"except\":[]},\"close\":true}", "disconnect! / ->" },
		{ "/#", "{\"type\":2,\"sid\":\"s\",\"room\":\"r\",\"requestId\":\"x\"}", "join / s,->r, \"x\"" },
		{ "/#", "{\"type\":4,\"sid\":\"s\",\"close\":false}", "disconnect / s,->" },
		{ "/#", "{\"requestid\":\"x\",\"type\":0,\"rooms\":[\"r\"]}", "ids / r,-> old \"x\"" },
		{ "/#", "{\"requestid\":\"x\",\"type\":1,\"sid\":\"s\"}", "rooms-of / s,-> old \"x\"" },
		{ "/#", "{\"requestid\":\"x\",\"type\":3,\"sid\":\"s\",\"room\":\"r\"}", "join / s,->r, old \"x\"" },
		{ "/#", "{\"requestid\":\"x\",\"type\":4,\"sid\":\"s\",\"room\":\"r\"}", "leave / s,->r, old \"x\"" },
		{ "/#", "{\"requestid\":\"x\",\"type\":6,\"sid\":\"s\",\"close\":true}",
			"disconnect! / s,-> old \"x\"" },
		{ "/#", "{\"requestid\":\"x\",\"type\":2}", "rooms / -> old \"x\"" },
		{ "/#", "{\"requestid\":\"x\",\"type\":5,\"data\":1}", "custom / -> old \"x\"" },
		{ "/#", "{\"requestid\":\"x\",\"type\":7}", "nothing / -> old \"x\"" },
		{ "/#", "{\"requestId\":\"x\",\"type\":0,\"rooms\":[]}", "ids / -> \"x\"" },
		{ "/#", "{\"requestId\":\"x\",\"type\":1}", "rooms / -> \"x\"" },
		{ "/#", "{\"requestId\":\"x\",\"type\":5,\"opts\":{\"rooms\":[\"a\"],\"except\":[\"b\"]}}",
			"sockets / a,-b,> \"x\"" },
		{ "/#", "{\"type\":6,\"data\":[\"e\",1]}", "server / ->[\"e\",1]" },
		{ "/#", "{\"type\":6,\"data\":[\"e\"],\"requestId\":\"x\"}", "server / ->[\"e\"] \"x\"" },
		{ "/#", "{\"type\":99}", "nothing / ->" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char channel[64];

		snprintf(channel, sizeof channel, "socket.io-request#%s", cases[i].channel);
		expect_read(channel, eio_cstr(cases[i].payload), cases[i].says);
	}
}

static void
expect_refused(const char *channel, struct eio_bytes payload, enum adapter_result why)
{
	assert_int_equal(adapter_classic_read(KEY, eio_cstr(channel), payload, &message), why);
}

static void
test_refusals(void **state)
{
	/* [uid, {type, data: ["t"], nsp: "/chat"}, {}] */
	static const char chat[] = "\223\241u\203\244type\002\244data\221\241t\243nsp\245/chat\200";

	(void)state;
	expect_read("socket.io#/chat#", EIO_LIT(chat), "event /chat ->[\"t\"]");
	expect_read("socket.io#/chat#room#", EIO_LIT(chat), "event /chat ->[\"t\"]");
	expect_refused("socket.io#/#", EIO_LIT(chat), ADAPTER_REFUSED_NAMESPACE);
	expect_refused("socket.io#/chat", EIO_LIT(chat), ADAPTER_REFUSED_NAMESPACE);
	expect_refused("socket.io#/chatter#", EIO_LIT(chat), ADAPTER_REFUSED_NAMESPACE);
	expect_refused("socket.iox#/chat#", EIO_LIT(chat), ADAPTER_REFUSED_UNKNOWN);
	expect_refused("socket", EIO_LIT(chat), ADAPTER_REFUSED_UNKNOWN);
	expect_refused("socket.io-request##", EIO_LIT("{\"type\":2}"), ADAPTER_REFUSED_NAMESPACE);
	expect_refused("socket.io-request#/", EIO_LIT("{\"type\":2}"), ADAPTER_REFUSED_UNKNOWN);
	expect_refused("socket.io-request#/#", EIO_LIT("{\"type\":2"), ADAPTER_REFUSED_UNREADABLE);
	expect_refused("socket.io-request#/#", EIO_LIT("{\"type\":\"2\"}"), ADAPTER_REFUSED_UNKNOWN);
	expect_refused("socket.io-request#/#", EIO_LIT("{\"type\":2,\"opts\":[]}"), ADAPTER_REFUSED_UNKNOWN);
	expect_refused(
		"socket.io-request#/#", EIO_LIT("{\"type\":2,\"opts\":{\"rooms\":[{}]}}"), ADAPTER_REFUSED_UNKNOWN);
	expect_refused("socket.io-request#/#", EIO_LIT(""), ADAPTER_REFUSED_UNREADABLE);
	/* Nobody could be answered. */
	expect_refused("socket.io-request#/#", EIO_LIT("{\"type\":1}"), ADAPTER_REFUSED_UNKNOWN);
	expect_refused("socket.io-request#/#", EIO_LIT("{\"type\":1,\"requestId\":7}"), ADAPTER_REFUSED_UNKNOWN);
	expect_refused("socket.io-request#/#", EIO_LIT("{\"type\":6,\"data\":[1]}"), ADAPTER_REFUSED_UNKNOWN);
	/* An ack, which no broadcast is; no list; a name that clients refuse. */
	expect_refused(
		"socket.io#/#", EIO_LIT("\223\241u\202\244type\003\244data\221\241t\200"), ADAPTER_REFUSED_UNKNOWN);
	expect_refused("socket.io#/#", EIO_LIT("\223\241u\202\244type\002\244data\200\200"), ADAPTER_REFUSED_UNKNOWN);
	expect_refused("socket.io#/#", EIO_LIT("\223\241u\202\244type\002\244data\220\200"), ADAPTER_REFUSED_EVENT);
	expect_refused(
		"socket.io#/#", EIO_LIT("\223\241u\202\244type\002\244data\221\247connect\200"), ADAPTER_REFUSED_EVENT);
	/* A fourth element; another list than it says to be. */
	expect_refused("socket.io#/#", EIO_LIT("\224\241u\200\200\300"), ADAPTER_REFUSED_UNREADABLE);
	expect_refused("socket.io#/#", EIO_LIT("\223\001\200\200"), ADAPTER_REFUSED_UNKNOWN);
}

/* Eleven attachments; placeholders that nobody made, where there are others. */
static void
test_binary(void **state)
{
	struct eio_buf b = { 0 };

	(void)state;
	EIO_BUF_ADD_LIT(&b, "\223\241u\202\244type\002\244data\234\241t");
	for (int i = 0; i < 11; i++) EIO_BUF_ADD_LIT(&b, "\304\001x");
	EIO_BUF_ADD_LIT(&b, "\200");
	expect_refused("socket.io#/#", eio_buf_bytes(&b), ADAPTER_REFUSED_BINARY);
	eio_buf_deinit(&b);
	expect_refused("socket.io#/#",
		EIO_LIT("\223\241u\202\244type\002\244data\223\241t\304\001x\202\254_placeholder\303\243num\007\200"),
		ADAPTER_REFUSED_BINARY);
	expect_read("socket.io#/#",
		EIO_LIT("\223\241u\202\244type\002\244data\222\241t\202\254_placeholder\303\243num\007\200"),
		"event / ->[\"t\",{\"_placeholder\":true,\"num\":7}]");
}

/* A broadcast with acks is a request, in MessagePack. */
static void
test_acked(void **state)
{
	(void)state;
	expect_read("socket.io-request#/#",
		EIO_LIT("\205\243uid\241u\251requestId\241r\244type\007\246packet\203\244type\002\244data\222\241t\001\243nsp\241/"
			"\244opts\202\245rooms\221\241a\246except\220"),
		"call / a,->[\"t\",1] \"r\"");
	assert_int_equal(message.timeout_ms, ADAPTER_TIMEOUT_MS);
}

static void
expect_pattern(const char *key, bool requests, const char *wanted)
{
	struct eio_buf b = { 0 };

	adapter_classic_pattern(key, requests, &b);
	eio_buf_addc(&b, '\0');
	assert_string_equal(b.p, wanted);
	eio_buf_deinit(&b);
}

static void
test_patterns(void **state)
{
	(void)state;
	expect_pattern("socket.io", false, "socket.io#*");
	expect_pattern("socket.io", true, "socket.io-request#*");
	expect_pattern("a*[b]?\\", false, "a\\*\\[b\\]\\?\\\\#*");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_vectors, setup, teardown),
		cmocka_unit_test_setup_teardown(test_nomem, setup, teardown),
		cmocka_unit_test_setup_teardown(test_requests, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refusals, setup, teardown),
		cmocka_unit_test_setup_teardown(test_binary, setup, teardown),
		cmocka_unit_test_setup_teardown(test_acked, setup, teardown),
		cmocka_unit_test_setup_teardown(test_patterns, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

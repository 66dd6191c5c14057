/* SPDX-License-Identifier: MIT */
/* Messages of sharded Pub/Sub and of streams; and what is none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "src/adapter/cluster.h"

static struct adapter_message m;

static enum adapter_result
read_on(const char *channel, const char *payload)
{
	return adapter_cluster_read(EIO_LIT("k"), eio_cstr(channel), eio_cstr(payload), &m);
}

static void
expect_kind(const char *payload, enum adapter_kind kind)
{
	assert_int_equal(read_on("k#/#", payload), ADAPTER_UNDERSTOOD);
	assert_int_equal(m.kind, kind);
	assert_int_equal(m.nsp.n, 1);
}

#define HEAD "{\"uid\":\"u\",\"nsp\":\"/\",\"type\":"
#define OPTS "\"opts\":{\"rooms\":[\"a\"],\"except\":[],\"flags\":{\"timeout\":700}}"

static void
test_kinds(void **state)
{
	(void)state;
	expect_kind(HEAD "3,\"data\":{\"packet\":{\"type\":2,\"data\":[\"t\",1]}," OPTS "}}", ADAPTER_EVENT);
	assert_int_equal(m.data.n, 7);
	assert_null(m.request.p);
	expect_kind(HEAD "3,\"data\":{\"packet\":{\"type\":2,\"data\":[\"t\"]}," OPTS ",\"requestId\":\"x\"}}",
		ADAPTER_CALL);
	assert_int_equal(m.timeout_ms, 700);
	assert_int_equal(m.request.n, 3);
	expect_kind(HEAD "4,\"data\":{" OPTS ",\"rooms\":[\"b\",7]}}", ADAPTER_JOIN);
	expect_kind(HEAD "5,\"data\":{" OPTS ",\"rooms\":[\"b\"]}}", ADAPTER_LEAVE);
	expect_kind(HEAD "6,\"data\":{" OPTS ",\"close\":true}}", ADAPTER_DISCONNECT);
	assert_true(m.close);
	expect_kind(HEAD "7,\"data\":{" OPTS ",\"requestId\":\"x\"}}", ADAPTER_SOCKETS);
	expect_kind(HEAD "9,\"data\":{\"packet\":[\"e\",1]}}", ADAPTER_SERVER_EVENT);
	expect_kind(HEAD "8,\"data\":{\"requestId\":\"x\",\"sockets\":[]}}", ADAPTER_NOTHING);
	expect_kind(HEAD "2}", ADAPTER_NOTHING);
}

static void
test_channels(void **state)
{
	static const char payload[] = "{\"type\":2,\"nsp\":\"/a\"}";

	(void)state;
	assert_int_equal(read_on("k#/a#", payload), ADAPTER_UNDERSTOOD);
	assert_int_equal(read_on("k#/a#room#", payload), ADAPTER_UNDERSTOOD);
	assert_int_equal(read_on("k#/a#room", payload), ADAPTER_REFUSED_NAMESPACE);
	assert_int_equal(read_on("k#/ab#", payload), ADAPTER_REFUSED_NAMESPACE);
	assert_int_equal(read_on("k#/a", payload), ADAPTER_REFUSED_NAMESPACE);
	assert_int_equal(read_on("k", payload), ADAPTER_REFUSED_NAMESPACE);
	assert_int_equal(read_on("x#/a#", payload), ADAPTER_REFUSED_NAMESPACE);
}

static void
test_refusals(void **state)
{
	(void)state;
	assert_int_equal(read_on("k#/#", ""), ADAPTER_REFUSED_UNREADABLE);
	assert_int_equal(read_on("k#/#", "{\"type\":"), ADAPTER_REFUSED_UNREADABLE);
	assert_int_equal(read_on("k#/#", "x"), ADAPTER_REFUSED_UNKNOWN); /* the number 120 */
	assert_int_equal(read_on("k#/#", "{\"type\":3}"), ADAPTER_REFUSED_UNKNOWN);
	assert_int_equal(read_on("k#/#", HEAD "\"3\"}"), ADAPTER_REFUSED_UNKNOWN);
	assert_int_equal(read_on("k#/#", HEAD "3}"), ADAPTER_REFUSED_UNKNOWN);
	assert_int_equal(read_on("k#/#", HEAD "4,\"data\":{" OPTS "}}"), ADAPTER_REFUSED_UNKNOWN);
	assert_int_equal(read_on("k#/#", HEAD "7,\"data\":{" OPTS "}}"), ADAPTER_REFUSED_UNKNOWN);
	assert_int_equal(read_on("k#/#", HEAD "7,\"data\":{" OPTS ",\"requestId\":7}}"), ADAPTER_REFUSED_UNKNOWN);
	assert_int_equal(read_on("k#/#", HEAD "9,\"data\":{\"packet\":[1]}}"), ADAPTER_REFUSED_UNKNOWN);
	assert_int_equal(read_on("k#/#", HEAD "3,\"data\":{\"packet\":{\"type\":2,\"data\":[\"connect\"]}," OPTS "}}"),
		ADAPTER_REFUSED_EVENT);
}

static enum adapter_result
read_entry(const char *type, const char *data)
{
	const struct adapter_entry e = {
		.uid = EIO_LIT("u"), .nsp = EIO_LIT("/a"), .type = eio_cstr(type), .data = eio_cstr(data)
	};

	return adapter_entry_read(&e, &m);
}

static void
test_entries(void **state)
{
	const struct adapter_entry other = { .uid = { 0 } };

	(void)state;
	assert_int_equal(read_entry("3", "{\"packet\":{\"type\":2,\"data\":[\"t\"],\"nsp\":\"/a\"}," OPTS "}"),
		ADAPTER_UNDERSTOOD);
	assert_int_equal(m.kind, ADAPTER_EVENT);
	/* {packet: {type: 2, data: ["b", <Buffer 01 02>]}, opts: {rooms: [], except: [], flags: {}}} */
	assert_int_equal(
		read_entry("3", "gqZwYWNrZXSCpHR5cGUCpGRhdGGSoWLEAgECpG9wdHODpXJvb21zkKZleGNlcHSQpWZsYWdzgA=="),
		ADAPTER_UNDERSTOOD);
	assert_int_equal(m.json.n_attachments, 1);
	assert_memory_equal(m.json.attachments[0].p, "\001\002", 2);
	assert_true(m.has_placeholders);
	assert_int_equal(read_entry("13", ""), ADAPTER_UNDERSTOOD);
	assert_int_equal(m.kind, ADAPTER_NOTHING);
	assert_int_equal(adapter_entry_read(&other, &m), ADAPTER_UNDERSTOOD);
	assert_int_equal(m.kind, ADAPTER_NOTHING);
	assert_int_equal(read_entry("x", "{}"), ADAPTER_REFUSED_UNKNOWN);
	assert_int_equal(read_entry("3", "{}"), ADAPTER_REFUSED_UNKNOWN);
	assert_int_equal(read_entry("3", "{"), ADAPTER_REFUSED_UNREADABLE);
	assert_int_equal(read_entry("3", "!"), ADAPTER_REFUSED_UNREADABLE);
	assert_int_equal(read_entry("3", "3/8="), ADAPTER_REFUSED_UNREADABLE);
}

static int
setup(void **state)
{
	(void)state;
	adapter_message_init(&m);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	adapter_message_deinit(&m);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_channels),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_entries),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}

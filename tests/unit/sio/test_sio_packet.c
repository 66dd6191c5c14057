/* SPDX-License-Identifier: MIT */
/* The packet grammar beyond what the vectors record, and the packets a server makes. */
#include "sio/error.h"
#include "sio/event.h"
#include "sio/json.h"
#include "sio/number_int.h"
#include "sio/packet.h"
#include "tests/unit/canon.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define L(s) \
	{ \
		(s), sizeof(s) - 1 \
	}

struct decode_case {
	struct eio_bytes text;
	int rc;
	enum sio_packet_type type;
	unsigned attachments;
	const char *nsp, *id, *data; /* id and data: NULL for none */
};

/* All of these were tried on socket.io-parser 4.2.7. */
static const struct decode_case cases[] = {
	{ L("2[\"a\"]"), 0, SIO_PACKET_EVENT, 0, "/", NULL, "[\"a\"]" },
	{ L("2 12 [\"a\"]"), 0, SIO_PACKET_EVENT, 0, "/", "12", "[\"a\"]" },
	{ L("2\t[\"a\"]"), 0, SIO_PACKET_EVENT, 0, "/", "0", "[\"a\"]" },
	{ L("2\xc2\xa0[\"a\"]"), 0, SIO_PACKET_EVENT, 0, "/", "0", "[\"a\"]" },
	{ L("2\xe3\x80\x80\x31\xef\xbb\xbf[\"a\"]"), 0, SIO_PACKET_EVENT, 0, "/", "1", "[\"a\"]" },
	{ L("2000[\"a\"]"), 0, SIO_PACKET_EVENT, 0, "/", "0", "[\"a\"]" },
	{ L("2/x,0012[\"a\"]"), 0, SIO_PACKET_EVENT, 0, "/x", "12", "[\"a\"]" },
	{ L("21 2[\"a\"]"), 0, SIO_PACKET_EVENT, 0, "/", NULL, "[\"a\"]" }, /* NaN there */
	{ L("2[\"a\"] \n"), 0, SIO_PACKET_EVENT, 0, "/", NULL, "[\"a\"] \n" },
	{ L(" "), 0, SIO_PACKET_CONNECT, 0, "/", NULL, NULL },
	{ L(" {\"a\":1}"), 0, SIO_PACKET_CONNECT, 0, "/", NULL, "{\"a\":1}" },
	{ L("0/"), 0, SIO_PACKET_CONNECT, 0, "/", NULL, NULL },
	{ L("0/a,b"), SIO_ERR_PAYLOAD, 0, 0, NULL, NULL, NULL },
	{ L("15"), 0, SIO_PACKET_DISCONNECT, 0, "/", "5", NULL },
	{ L("5 1 -[\"a\"]"), 0, SIO_PACKET_BINARY_EVENT, 1, "/", NULL, "[\"a\"]" },
	{ L("5+2-[\"a\"]"), 0, SIO_PACKET_BINARY_EVENT, 2, "/", NULL, "[\"a\"]" },
	{ L("51.0-[\"a\"]"), 0, SIO_PACKET_BINARY_EVENT, 1, "/", NULL, "[\"a\"]" },
	{ L("5.1e1-[\"a\"]"), 0, SIO_PACKET_BINARY_EVENT, 1, "/", NULL, "[\"a\"]" },
	{ L("50010-7[\"a\"]"), 0, SIO_PACKET_BINARY_EVENT, 10, "/", "7", "[\"a\"]" },
	{ L("51-"), 0, SIO_PACKET_BINARY_EVENT, 1, "/", NULL, NULL },
	{ L("5000-[\"a\"]"), 0, SIO_PACKET_BINARY_EVENT, 0, "/", NULL, "[\"a\"]" }, /* refused there */
	{ L("60-3[]"), 0, SIO_PACKET_BINARY_ACK, 0, "/", "3", "[]" }, /* refused there */
	{ L("6"), SIO_ERR_ATTACHMENTS, 0, 0, NULL, NULL, NULL },
	{ L("51"), SIO_ERR_ATTACHMENTS, 0, 0, NULL, NULL, NULL },
	{ L("51x-[]"), SIO_ERR_ATTACHMENTS, 0, 0, NULL, NULL, NULL },
	{ L("51e-[]"), SIO_ERR_ATTACHMENTS, 0, 0, NULL, NULL, NULL },
	{ L("5 -[]"), SIO_ERR_ATTACHMENTS, 0, 0, NULL, NULL, NULL },
	{ L("5.-[]"), SIO_ERR_ATTACHMENTS, 0, 0, NULL, NULL, NULL },
	{ L("51e99999999999999999999-[]"), SIO_ERR_TOO_MANY_ATTACHMENTS, 0, 0, NULL, NULL, NULL },
	{ L("5100-[\"a\"]"), SIO_ERR_TOO_MANY_ATTACHMENTS, 0, 0, NULL, NULL, NULL },
	{ L("2[\"disconn\\u0065ct\"]"), SIO_ERR_PAYLOAD, 0, 0, NULL, NULL, NULL },
	{ L("2[\"disconnecting\"]"), SIO_ERR_PAYLOAD, 0, 0, NULL, NULL, NULL },
	{ L("2[\"removeListener\"]"), SIO_ERR_PAYLOAD, 0, 0, NULL, NULL, NULL },
	{ L("2[\"Connect\"]"), 0, SIO_PACKET_EVENT, 0, "/", NULL, "[\"Connect\"]" },
	{ L("2[-1.5e3]"), 0, SIO_PACKET_EVENT, 0, "/", NULL, "[-1.5e3]" },
	{ L("2[[\"a\"]]"), SIO_ERR_PAYLOAD, 0, 0, NULL, NULL, NULL },
	{ L("4\"x\""), 0, SIO_PACKET_CONNECT_ERROR, 0, "/", NULL, "\"x\"" },
	{ L("4{}"), 0, SIO_PACKET_CONNECT_ERROR, 0, "/", NULL, "{}" },
	{ L("41"), 0, SIO_PACKET_CONNECT_ERROR, 0, "/", "1", NULL },
	{ L("1true"), SIO_ERR_PAYLOAD, 0, 0, NULL, NULL, NULL },
	{ L("0/\xff,"), SIO_ERR_NSP, 0, 0, NULL, NULL, NULL },
	{ L("2[\"\xff\"]"), SIO_ERR_PAYLOAD, 0, 0, NULL, NULL, NULL },
	{ L("\xc3"), SIO_ERR_TYPE, 0, 0, NULL, NULL, NULL },
	{ L("-1"), SIO_ERR_TYPE, 0, 0, NULL, NULL, NULL },
};

static void
expect_span(struct eio_bytes got, const char *want)
{
	if (!want)
		assert_null(got.p);
	else
		assert_true(eio_bytes_eq(got, eio_cstr(want)));
}

static void
expect_decoded(const struct decode_case *c, int (*decode)(struct eio_bytes, struct sio_packet *))
{
	struct sio_packet p;
	int rc = decode(c->text, &p);

	if (rc != c->rc) fail_msg("%.*s: %s", (int)c->text.n, c->text.p, sio_strerror(rc));
	if (rc) return;
	assert_int_equal(p.type, c->type);
	assert_int_equal(p.attachments, c->attachments);
	expect_span(p.nsp, c->nsp);
	expect_span(p.data, c->data);
	assert_int_equal(p.has_id, c->id != NULL);
	expect_span(p.id, c->id);
}

static void
test_decode(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) expect_decoded(&cases[i], sio_packet_decode);
}

/* What is different in revision 4, as tried on socket.io-parser 3.4.5, and the ACKs of revision 3. */
static const struct decode_case cases_4[] = {
	{ L("0"), 0, SIO_PACKET_CONNECT, 0, "/", NULL, NULL },
	{ L("0/x?a=1&b=/2,"), 0, SIO_PACKET_CONNECT, 0, "/x?a=1&b=/2", NULL, NULL },
	{ L("0{}"), 0, SIO_PACKET_CONNECT, 0, "/", NULL, "{}" },
	{ L("0null"), 0, SIO_PACKET_CONNECT, 0, "/", NULL, "null" },
	{ L("0[1]"), 0, SIO_PACKET_CONNECT, 0, "/", NULL, "[1]" },
	{ L("0\"x\""), SIO_ERR_PAYLOAD, 0, 0, NULL, NULL, NULL },
	{ L("0true"), SIO_ERR_PAYLOAD, 0, 0, NULL, NULL, NULL },
	{ L("1{}"), SIO_ERR_PAYLOAD, 0, 0, NULL, NULL, NULL },
	{ L("1null"), SIO_ERR_PAYLOAD, 0, 0, NULL, NULL, NULL },
	{ L("2[\"connect\"]"), 0, SIO_PACKET_EVENT, 0, "/", NULL, "[\"connect\"]" },
	{ L("2[\"disconn\\u0065ct\",1]"), 0, SIO_PACKET_EVENT, 0, "/", NULL, "[\"disconn\\u0065ct\",1]" },
	{ L("51-[\"newListener\"]"), 0, SIO_PACKET_BINARY_EVENT, 1, "/", NULL, "[\"newListener\"]" },
	{ L("2[7]"), 0, SIO_PACKET_EVENT, 0, "/", NULL, "[7]" },
	{ L("2[]"), SIO_ERR_PAYLOAD, 0, 0, NULL, NULL, NULL },
	{ L("2[null]"), SIO_ERR_PAYLOAD, 0, 0, NULL, NULL, NULL },
	{ L("2{\"0\":\"a\"}"), SIO_ERR_PAYLOAD, 0, 0, NULL, NULL, NULL },
	{ L("51-[{}]"), SIO_ERR_PAYLOAD, 0, 0, NULL, NULL, NULL },
	{ L("31{}"), SIO_ERR_PAYLOAD, 0, 0, NULL, NULL, NULL },
	{ L("4\"x\""), 0, SIO_PACKET_CONNECT_ERROR, 0, "/", NULL, "\"x\"" },
	{ L("4[]"), 0, SIO_PACKET_CONNECT_ERROR, 0, "/", NULL, "[]" },
	{ L("4null"), 0, SIO_PACKET_CONNECT_ERROR, 0, "/", NULL, "null" },
	{ L("4false"), SIO_ERR_PAYLOAD, 0, 0, NULL, NULL, NULL },
	{ L("4-5"), SIO_ERR_PAYLOAD, 0, 0, NULL, NULL, NULL },
	{ L("50-[\"a\"]"), 0, SIO_PACKET_BINARY_EVENT, 0, "/", NULL, "[\"a\"]" }, /* refused there */
	{ L("5-0-[\"a\"]"), SIO_ERR_ATTACHMENTS, 0, 0, NULL, NULL, NULL },
	{ L("6[]"), SIO_ERR_ATTACHMENTS, 0, 0, NULL, NULL, NULL },
	{ L("511-[\"a\"]"), SIO_ERR_TOO_MANY_ATTACHMENTS, 0, 0, NULL, NULL, NULL },
	{ L("7"), SIO_ERR_TYPE, 0, 0, NULL, NULL, NULL },
	{ L("x"), SIO_ERR_TYPE, 0, 0, NULL, NULL, NULL },
	{ L("2/\xff,[\"a\"]"), SIO_ERR_NSP, 0, 0, NULL, NULL, NULL },
	/* Revision 3 */
	{ L("30-12[]"), 0, SIO_PACKET_ACK, 0, "/", "12", "[]" },
	{ L("30-/x,007[1]"), 0, SIO_PACKET_ACK, 0, "/x", "7", "[1]" },
	{ L("32-/x,7[1]"), 0, SIO_PACKET_ACK, 2, "/x", "7", "[1]" },
	{ L("310-7[1]"), 0, SIO_PACKET_ACK, 10, "/", "7", "[1]" },
	{ L("30-"), 0, SIO_PACKET_ACK, 0, "/", NULL, NULL },
	{ L("311-7[1]"), SIO_ERR_TOO_MANY_ATTACHMENTS, 0, 0, NULL, NULL, NULL },
	{ L("300-7[1]"), 0, SIO_PACKET_ACK, 0, "/", "7", "[1]" },
	{ L("30-12{}"), SIO_ERR_PAYLOAD, 0, 0, NULL, NULL, NULL },
	/* No count: what stands before the dash is not all digits, or there is no dash. */
	{ L("3-1[1]"), SIO_ERR_PAYLOAD, 0, 0, NULL, NULL, NULL },
	{ L("3 1-[1]"), SIO_ERR_PAYLOAD, 0, 0, NULL, NULL, NULL },
	{ L("312[-1]"), 0, SIO_PACKET_ACK, 0, "/", "12", "[-1]" },
	{ L("3/a-b,1[1]"), 0, SIO_PACKET_ACK, 0, "/a-b", "1", "[1]" },
	{ L("20-1[\"a\"]"), SIO_ERR_PAYLOAD, 0, 0, NULL, NULL, NULL },
};

static void
test_decode_4(void **state)
{
	struct sio_packet p;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases_4) / sizeof(cases_4[0]); i++)
		expect_decoded(&cases_4[i], sio_packet_decode_protocol_4);
	assert_int_equal(sio_packet_decode(EIO_LIT("30-12[]"), &p), SIO_ERR_PAYLOAD);
}

static void
test_too_deep(void **state)
{
	struct sio_packet p;
	struct eio_buf b;
	int i;

	(void)state;
	eio_buf_init(&b);
	EIO_BUF_ADD_LIT(&b, "2[\"a\",");
	for (i = 0; i < SIO_JSON_MAX_DEPTH; i++) eio_buf_addc(&b, '[');
	assert_int_equal(sio_packet_decode(eio_buf_bytes(&b), &p), SIO_ERR_DEPTH);
	eio_buf_deinit(&b);
}

static void
test_number(void **state)
{
	static const struct {
		const char *text;
		enum sio__number kind;
		unsigned value;
	} numbers[] = { { "0", SIO__NUMBER_SMALL, 0 }, { "-0", SIO__NUMBER_SMALL, 0 },
		{ "0.00e99", SIO__NUMBER_SMALL, 0 }, { "7", SIO__NUMBER_SMALL, 7 }, { "70e-1", SIO__NUMBER_SMALL, 7 },
		{ "0.07E2", SIO__NUMBER_SMALL, 7 }, { "42", SIO__NUMBER_SMALL, 42 },
		{ "99.000", SIO__NUMBER_SMALL, 99 }, { "100", SIO__NUMBER_LARGE, 0 }, { "1e2", SIO__NUMBER_LARGE, 0 },
		{ "123456789012345678901234567890", SIO__NUMBER_LARGE, 0 }, { "0.5", SIO__NUMBER_FRACTION, 0 },
		{ "1.5", SIO__NUMBER_FRACTION, 1 }, { "12.01", SIO__NUMBER_FRACTION, 12 },
		{ "5e-400", SIO__NUMBER_FRACTION, 0 }, { "-1", SIO__NUMBER_NEGATIVE, 0 },
		{ "-0.1", SIO__NUMBER_NEGATIVE, 0 }, { "", SIO__NUMBER_NONE, 0 }, { ".", SIO__NUMBER_NONE, 0 },
		{ "1.2.3", SIO__NUMBER_NONE, 0 }, { "1e", SIO__NUMBER_NONE, 0 }, { "e1", SIO__NUMBER_NONE, 0 },
		{ "1x", SIO__NUMBER_NONE, 0 } };
	unsigned value;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		enum sio__number kind = sio__number_read(eio_cstr(numbers[i].text), &value);

		if (kind != numbers[i].kind) fail_msg("%s: %d", numbers[i].text, kind);
		if (kind == SIO__NUMBER_SMALL || kind == SIO__NUMBER_FRACTION)
			assert_int_equal(value, numbers[i].value);
	}
}

static void
test_strerror(void **state)
{
	(void)state;
	assert_string_equal(sio_strerror(0), "no error");
	assert_string_equal(sio_strerror(SIO_ERR_PAYLOAD), "invalid payload");
	assert_string_equal(sio_strerror(SIO_ERR_INVALID_ARGUMENT), "invalid argument");
	assert_string_equal(sio_strerror(SIO_ERR_CONNECT_ERROR), "CONNECT_ERROR from a client");
	assert_string_equal(sio_strerror(SIO_ERR_NOMEM), "out of memory");
}

static const struct eio_bytes bufs[] = { L("\x01"), L("\x02"), L("\x03") };

/* Makes a packet of these pieces and compares its polling form. */
static void
expect_emit(const struct sio_emit *base, const struct sio_piece *pieces, size_t n, const char *want)
{
	struct sio_emit e = *base;
	struct eio_bundle *b;

	e.pieces = pieces;
	e.n_pieces = n;
	assert_int_equal(sio_emit_bundle(&e, &b), 0);
	canon_expect(b, want);
}

#define PIECES(...) \
	(const struct sio_piece[]){ __VA_ARGS__ }, \
		sizeof((const struct sio_piece[]){ __VA_ARGS__ }) / sizeof(struct sio_piece)
#define PH(num) "{\"_placeholder\":true,\"num\":" #num "}"

static void
test_emit(void **state)
{
	struct sio_emit e = { .nsp = L("/") }, nsp = { .nsp = L("/admin") },
			ack = { .nsp = L("/"), .ack = true, .id = L("7") };
	struct sio_emit bin = { .nsp = L("/"), .attachments = bufs, .n_attachments = 3 };

	(void)state;
	expect_emit(&e, PIECES({ L("[\"a\",12345678901234567890]"), false }), "42[\"a\",12345678901234567890]");
	expect_emit(&nsp, PIECES({ L("[\"a\","), false }, { L("{}"), true }, { L("]"), false }), "42/admin,[\"a\",{}]");
	nsp.id = EIO_LIT("3");
	expect_emit(&nsp, PIECES({ L("[7]"), false }), "42/admin,3[7]");
	expect_emit(&ack, PIECES({ L("[]"), false }), "437[]");
	/* Without attachments a placeholder is plain data, and text keeps its own spelling. */
	expect_emit(&e, PIECES({ L("[\"a\", " PH(5) " ]"), true }), "42[\"a\", " PH(5) " ]");
	/* In order of first visit, unused ones dropped, each occurrence its own number. */
	expect_emit(&bin, PIECES({ L("[\"a\","), false }, { L(PH(2)), true }, { L("]"), false }),
		"451-[\"a\"," PH(0) "]\x1e"
				    "bAw==");
	expect_emit(&bin, PIECES({ L("[\"a\",{\"x\" : [" PH(1) ",1] , \"y\":" PH(0) "}," PH(1) "]"), true }),
		"453-[\"a\",{\"x\" : [" PH(0) ",1] , \"y\":" PH(1) "}," PH(2) "]\x1e"
									      "bAg==\x1e"
									      "bAQ==\x1e"
									      "bAg==");
	/* Spread over pieces, several values in one. */
	expect_emit(&bin,
		PIECES({ L("[\"a\","), false }, { L(PH(1)), true }, { L(",[" PH(2) "],"), false },
			{ L(PH(2) ",null"), true }, { L("]"), false }),
		"452-[\"a\"," PH(0) ",[" PH(2) "]," PH(1) ",null]\x1e"
							  "bAg==\x1e"
							  "bAw==");
	/* Nothing binary is left: a plain packet. */
	expect_emit(&bin, PIECES({ L("[\"a\",1]"), true }), "42[\"a\",1]");
	bin.ack = true;
	bin.id = EIO_LIT("0");
	expect_emit(&bin, PIECES({ L("[" PH(0) "]"), true }),
		"461-0[" PH(0) "]\x1e"
			       "bAQ==");
}

static void
test_emit_placeholders(void **state)
{
	struct sio_emit e = { .nsp = L("/"), .attachments = bufs, .n_attachments = 2 };
	static const char *const bad[] = { "2", "-1", "2.5", "\"0\"", "null", "{}", "[0]", "1e1", "true" };
	struct eio_bundle *b;
	char text[80];
	size_t i;

	(void)state;
	expect_emit(&e, PIECES({ L("[\"a\",{\"num\":1e0,\"_placeholder\":true,\"x\":[{}]}]"), true }),
		"451-[\"a\"," PH(0) "]\x1e"
				    "bAg==");
	expect_emit(&e,
		PIECES({ L("[\"a\",{\"_placeholder\":true,\"num\":0.5},{\"_placeholder\":true,\"num\":-0}]"), true }),
		"451-[\"a\",null," PH(0) "]\x1e"
					 "bAQ==");
	/* Only exactly true counts, only directly in an object, and the last of equal keys. */
	expect_emit(&e,
		PIECES({ L("[\"_placeholder\",{\"_placeholder\":false,\"num\":9},{\"_placeholder\":\"true\",\"num\":9},"
			   "{\"_placeholder\":1},{\"_placeholder\":[true]},{\"_placeholder\":true,\"_placeholder\":0}]"),
			true }),
		"42[\"_placeholder\",{\"_placeholder\":false,\"num\":9},{\"_placeholder\":\"true\",\"num\":9},"
		"{\"_placeholder\":1},{\"_placeholder\":[true]},{\"_placeholder\":true,\"_placeholder\":0}]");
	expect_emit(&e, PIECES({ L("[\"a\",{\"\\u005fplaceholder\":true,\"n\\u0075m\":7,\"num\":1}]"), true }),
		"451-[\"a\"," PH(0) "]\x1e"
				    "bAg==");
	/* What lies inside a placeholder goes away with it. */
	expect_emit(&e,
		PIECES({ L("[\"a\",{\"x\":[" PH(0) "," PH(0) "],\"_placeholder\":true,\"num\":1}," PH(0) "]"), true }),
		"452-[\"a\"," PH(0) "," PH(1) "]\x1e"
					      "bAg==\x1e"
					      "bAQ==");
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		int n = snprintf(text, sizeof(text), "[\"a\",{\"_placeholder\":true,\"num\":%s}]", bad[i]);
		struct sio_piece p = { { text, (size_t)n }, true };

		e.pieces = &p;
		e.n_pieces = 1;
		assert_int_equal(sio_emit_bundle(&e, &b), SIO_ERR_PLACEHOLDER);
		assert_null(b);
		assert_int_equal(sio_placeholders_check(p.json, 2), SIO_ERR_PLACEHOLDER);
	}
	assert_int_equal(sio_placeholders_check(EIO_LIT("[{\"_placeholder\":true}]"), 2), SIO_ERR_PLACEHOLDER);
	assert_int_equal(sio_placeholders_check(EIO_LIT("[" PH(0) "," PH(1) "," PH(1) "]"), 2), 0);
}

/* More occurrences than clients take attachments: equal ones share a number. */
static void
test_emit_shared(void **state)
{
	struct sio_emit e = { .nsp = L("/"), .attachments = bufs, .n_attachments = 3 };
	struct sio_piece piece;
	struct eio_buf in, want;
	struct eio_bundle *b;
	int i;

	(void)state;
	eio_buf_init(&in);
	eio_buf_init(&want);
	EIO_BUF_ADD_LIT(&in, "[\"a\"");
	EIO_BUF_ADD_LIT(&want, "452-[\"a\"");
	for (i = 0; i <= SIO_MAX_ATTACHMENTS; i++) {
		eio_buf_printf(&in, ",{\"_placeholder\":true,\"num\":%d}", i % 2 ? 0 : 2);
		eio_buf_printf(&want, ",{\"_placeholder\":true,\"num\":%d}", i % 2);
	}
	eio_buf_addc(&in, ']');
	eio_buf_append(&want,
		"]\x1e"
		"bAw==\x1e"
		"bAQ==",
		sizeof("]\x1e"
		       "bAw==\x1e"
		       "bAQ=="));
	piece = (struct sio_piece){ eio_buf_bytes(&in), true };
	e.pieces = &piece;
	e.n_pieces = 1;
	assert_int_equal(sio_emit_bundle(&e, &b), 0);
	canon_expect(b, want.p);
	eio_buf_deinit(&in);
	eio_buf_deinit(&want);
}

static void
test_emit_refused(void **state)
{
	static const struct eio_bytes names[] = { L("[]"), L("[null]"), L("[{}]"), L("[\"connect\"]"),
		L("[\"\\u0063onnect\"]"), L("[" PH(0) "]") };
	struct eio_bytes many[SIO_MAX_ATTACHMENTS + 1] = { { NULL, 0 } };
	struct sio_piece piece = { L("[\"a\"]"), true };
	struct sio_emit e = { .nsp = L("/"), .pieces = &piece, .n_pieces = 1, .attachments = many };
	struct eio_bundle *b;
	size_t i;

	(void)state;
	e.n_attachments = SIO_MAX_ATTACHMENTS + 1;
	assert_int_equal(sio_emit_bundle(&e, &b), SIO_ERR_INVALID_ARGUMENT);
	e.n_attachments = 1;
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		piece.json = names[i];
		assert_int_equal(sio_emit_bundle(&e, &b), SIO_ERR_EVENT_NAME);
		assert_null(b);
	}
	e.ack = true;
	assert_int_equal(sio_emit_bundle(&e, &b), SIO_ERR_INVALID_ARGUMENT);
}

static void
test_broadcast(void **state)
{
	struct sio_broadcast c = { .nsp = L("/nsp"), .event = L("ti\"cks"), .payload = L("[1,2]") };
	struct eio_bundle *b;

	(void)state;
	/* In one piece or with its ends apart, it is the same. */
	assert_int_equal(sio_broadcast_bundle(&c, &b), 0);
	canon_expect(b, "451-/nsp,[\"ti\\\"cks\"," PH(0) "]\x1e"
							 "bWzEsMl0=");
	c.payload = EIO_LIT("1,2");
	c.before = EIO_LIT("[");
	c.after = EIO_LIT("]");
	assert_int_equal(sio_broadcast_bundle(&c, &b), 0);
	canon_expect(b, "451-/nsp,[\"ti\\\"cks\"," PH(0) "]\x1e"
							 "bWzEsMl0=");
	c.nsp = EIO_LIT("/");
	c.encode = SIO_ENCODE_JSON;
	assert_int_equal(sio_broadcast_bundle(&c, &b), 0);
	canon_expect(b, "42[\"ti\\\"cks\",[1,2]]");
	c.encode = SIO_ENCODE_TEXT;
	assert_int_equal(sio_broadcast_bundle(&c, &b), 0);
	canon_expect(b, "42[\"ti\\\"cks\",\"[1,2]\"]");
	c.before = c.after = eio_bytes("", 0);
	c.payload = EIO_LIT("a\"\n\xc3\xa9\x1e");
	assert_int_equal(sio_broadcast_bundle(&c, &b), 0);
	canon_expect(b, "42[\"ti\\\"cks\",\"a\\\"\\n\xc3\xa9\\u001e\"]");
	c.event = EIO_LIT("disconnect");
	assert_int_equal(sio_broadcast_bundle(&c, &b), SIO_ERR_EVENT_NAME);
	assert_null(b);
}

/* Fails unless the bundle without its extras is this payload; b stays. */
static void
expect_bare(struct eio_bundle *b, const char *payload)
{
	canon_expect(eio_bundle_ref(eio_bundle_bare(b)), payload);
}

/* Where clients come back, each event ends in an offset, however it was made. */
static void
test_offset(void **state)
{
	struct sio_broadcast c = { .nsp = L("/nsp"), .event = L("e"), .payload = L("1"), .offset = L("Q8.1") };
	struct eio_bytes bytes = L("xy");
	const struct sio_piece event = { L("[\"e\"," PH(0) ",2]"), true }, ack = { L("[1]"), false };
	struct sio_emit emit = {
		.nsp = L("/"), .pieces = &event, .n_pieces = 1, .attachments = &bytes, .n_attachments = 1
	};
	struct eio_bundle *b, *with;

	(void)state;
	assert_int_equal(sio_broadcast_bundle(&c, &b), 0);
	expect_bare(b, "451-/nsp,[\"e\"," PH(0) "]\x1e"
						"bMQ==");
	canon_expect(b, "451-/nsp,[\"e\"," PH(0) ",\"Q8.1\"]\x1e"
						 "bMQ==");
	c.encode = SIO_ENCODE_JSON;
	assert_int_equal(sio_broadcast_bundle(&c, &b), 0);
	expect_bare(b, "42/nsp,[\"e\",1]");
	canon_expect(b, "42/nsp,[\"e\",1,\"Q8.1\"]");
	c.encode = SIO_ENCODE_ARGUMENTS;
	c.payload = eio_bytes("", 0);
	assert_int_equal(sio_broadcast_bundle(&c, &b), 0);
	expect_bare(b, "42/nsp,[\"e\"]");
	canon_expect(b, "42/nsp,[\"e\",\"Q8.1\"]");
	assert_int_equal(sio_emit_bundle(&emit, &b), 0);
	assert_ptr_equal(eio_bundle_bare(b), b);
	assert_int_equal(sio_event_add_offset(b, c.offset, &with), 0);
	expect_bare(with, "451-[\"e\"," PH(0) ",2]\x1e"
					      "beHk=");
	eio_bundle_unref(b);
	canon_expect(with, "451-[\"e\"," PH(0) ",2,\"Q8.1\"]\x1e"
					       "beHk=");
	emit = (struct sio_emit){ .nsp = L("/"), .ack = true, .id = L("7"), .pieces = &ack, .n_pieces = 1 };
	assert_int_equal(sio_emit_bundle(&emit, &b), 0);
	assert_int_equal(sio_event_add_offset(b, c.offset, &with), SIO_ERR_INVALID_ARGUMENT);
	assert_null(with);
	canon_expect(b, "437[1]");
}

/* Where they do, and an event has none, no text of its own is taken for one. */
static void
test_no_offset(void **state)
{
	static const struct {
		enum sio_encode encode;
		struct eio_bytes before, payload, after;
		const char *expected;
	} ends[] = {
		{ SIO_ENCODE_TEXT, L(""), L("a"), L(""), "42[\"e\",\"a\",null]" },
		{ SIO_ENCODE_TEXT, L("["), L("1"), L("]"), "42[\"e\",\"[1]\",null]" },
		{ SIO_ENCODE_JSON, L(""), L("\"a\""), L(""), "42[\"e\",\"a\",null]" },
		{ SIO_ENCODE_JSON, L(""), L("\"a\" \n"), L(""), "42[\"e\",\"a\" \n,null]" },
		{ SIO_ENCODE_JSON, L("["), L("\"a\""), L("]"), "42[\"e\",[\"a\"]]" },
		{ SIO_ENCODE_JSON, L(""), L("{\"a\":1}"), L(""), "42[\"e\",{\"a\":1}]" },
		{ SIO_ENCODE_ARGUMENTS, L(""), L("\"a\",1"), L(""), "42[\"e\",\"a\",1]" },
		{ SIO_ENCODE_ARGUMENTS, L(""), L("1,\"a\""), L(""), "42[\"e\",1,\"a\",null]" },
		{ SIO_ENCODE_ARGUMENTS, L(""), L(""), L(""), "42[\"e\",null]" },
		{ SIO_ENCODE_BINARY, L(""), L("\""), L(""),
			"451-[\"e\"," PH(0) "]\x1e"
					    "bIg==" },
	};
	struct eio_bundle *b;

	(void)state;
	for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
		const struct sio_broadcast c = { .nsp = L("/"),
			.event = L("e"),
			.encode = ends[i].encode,
			.before = ends[i].before,
			.payload = ends[i].payload,
			.after = ends[i].after,
			.no_offset = true };

		assert_int_equal(sio_broadcast_bundle(&c, &b), 0);
		if (strstr(ends[i].expected, ",null]")) {
			char *without = strdup(ends[i].expected);

			strcpy(strstr(without, ",null]"), "]");
			expect_bare(b, without);
			free(without);
		} else {
			assert_ptr_equal(eio_bundle_bare(b), b);
		}
		canon_expect(b, ends[i].expected);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_decode),
		cmocka_unit_test(test_decode_4),
		cmocka_unit_test(test_too_deep),
		cmocka_unit_test(test_number),
		cmocka_unit_test(test_strerror),
		cmocka_unit_test(test_emit),
		cmocka_unit_test(test_emit_placeholders),
		cmocka_unit_test(test_emit_shared),
		cmocka_unit_test(test_emit_refused),
		cmocka_unit_test(test_broadcast),
		cmocka_unit_test(test_offset),
		cmocka_unit_test(test_no_offset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

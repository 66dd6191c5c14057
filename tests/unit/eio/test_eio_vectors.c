/* SPDX-License-Identifier: MIT */
/*
 * The Engine.IO vectors of revisions 4 and 3, made by the reference's own parsers,
 * run against packets, payloads and bundles: decoding for what clients send,
 * encoding for what servers send. Recorded server reactions (srv-*) are played
 * against a real server in tests/e2e.
 */
#include "eio/jsonp.h"
#include "eio/packet.h"
#include "eio/utf8.h"
#include "tests/unit/canon.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <cjson/cJSON.h>

static struct eio_buf vectors_text;
static cJSON *vectors;

static const char *const types[] = { "open", "close", "ping", "pong", "message", "upgrade", "noop" };

static const char *
text_of(const cJSON *o, const char *key)
{
	const cJSON *v = cJSON_GetObjectItemCaseSensitive(o, key);

	return v && v->valuestring ? v->valuestring : "";
}

/* Where siocast differs on purpose. */
static bool
differs(const char *id)
{
	static const char *const ids[] = {
		"eio4-poll-bad-b64-junk", /* Node turns base64 junk into an empty buffer, siocast refuses it */
		"eio3-poll-bad-b64-junk", "eio3-poll-bad-exp", /* "1e0" as a length: no client writes that */
		"eio3-cross-2x-text-read-as-1x", /* a 1.x server would fail here; siocast serves both generations */
		"eio3b-poll-msg-lone", /* half a surrogate pair: U+FFFD, because it cannot be UTF-8 */
	};

	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++)
		if (strcmp(ids[i], id) == 0) return true;
	return false;
}

/* The data of these hold a NUL, where cJSON ends a string, or two UTF-16 units that are no character: only their
 * number of packets and types are compared here. */
static bool
data_unreadable(const char *id)
{
	return strstr(id, "-nul") || strstr(id, "-lone");
}

/* The data of a vector's packet as bytes; false when the packet has none. cJSON cuts strings at NUL, so a vector
 * with one in its data is taken from the wire. */
static bool
data_of(const cJSON *packet, struct eio_buf *out)
{
	const cJSON *data = cJSON_GetObjectItemCaseSensitive(packet, "data");

	if (!data) return false;
	if (cJSON_IsString(data))
		eio_buf_add(out, eio_cstr(data->valuestring));
	else
		canon_unhex(out, eio_cstr(text_of(data, "$hex")));
	return true;
}

static bool
is_binary(const cJSON *packet)
{
	return cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItemCaseSensitive(packet, "data"), "$hex") != NULL;
}

static void
check_packet(const char *id, const cJSON *expected, const struct eio_packet *got)
{
	struct eio_buf data;

	eio_buf_init(&data);
	data_of(expected, &data);
	/* A type that the reference does not know either is passed over as a noop. */
	if (strcmp(text_of(expected, "type"), "") == 0 && got->type == EIO_PACKET_NOOP)
		;
	else if (strcmp(text_of(expected, "type"), types[got->type]))
		fail_msg("%s: type %s", id, types[got->type]);
	if (got->binary != is_binary(expected)) fail_msg("%s: binary %d", id, got->binary);
	if (!data_unreadable(id) && !eio_bytes_eq(eio_buf_bytes(&data), got->data))
		fail_msg("%s: data \"%.*s\"", id, (int)got->data.n, got->data.p);
	eio_buf_deinit(&data);
}

/* Decodes a polling body and compares packet for packet; an "error" packet stands for a refusal. */
static void
check_payload(const char *id, const cJSON *packets, struct eio_payload y)
{
	const cJSON *expected = packets->child;
	struct eio_packet p;
	int rc;

	while ((rc = eio_payload_next(&y, &p)) != 0) {
		if (!expected) fail_msg("%s: more packets than expected", id);
		if (rc < 0) {
			if (strcmp(text_of(expected, "type"), "error")) fail_msg("%s: refused", id);
			return;
		}
		check_packet(id, expected, &p);
		expected = expected->next;
	}
	if (expected) fail_msg("%s: packets are missing", id);
}

static void
check_message(const char *id, const cJSON *packets, char *data, size_t n, int revision, enum eio_text rule, bool binary)
{
	struct eio_packet p;
	int rc;

	if (binary && revision == 4) return; /* the bytes are the message */
	rc = binary ? eio_packet_decode_binary_3(&p, eio_bytes(data, n))
		    : eio_packet_decode(&p, data, n, revision, &rule);
	if (rc) {
		if (strcmp(text_of(packets->child, "type"), "error")) fail_msg("%s: refused", id);
	} else {
		check_packet(id, packets->child, &p);
	}
}

static bool
is(const cJSON *v, const char *key, const char *value)
{
	return strcmp(text_of(v, key), value) == 0;
}

static int
revision_of(const cJSON *v)
{
	const cJSON *revision = cJSON_GetObjectItemCaseSensitive(v, "revision");

	return revision ? revision->valueint : 0;
}

static bool
ours(const cJSON *v)
{
	return is(v, "layer", "eio") && strncmp(text_of(v, "id"), "srv-", 4) && !is(v, "transport", "jsonp");
}

/* The generation whose text rule a vector follows is told by its id. */
static enum eio_text
rule_of(const cJSON *v)
{
	const char *id = text_of(v, "id");

	return strncmp(id, "eio3b-", 6) == 0 || strncmp(id, "eio3a-", 6) == 0 ? EIO_TEXT_TWICE : EIO_TEXT_ONCE;
}

static void
wire_of(const cJSON *v, struct eio_buf *out)
{
	canon_unhex(out, eio_cstr(text_of(cJSON_GetObjectItemCaseSensitive(v, "wire"), "hex")));
}

static void
decode_one(const cJSON *v)
{
	const cJSON *packets = cJSON_GetObjectItemCaseSensitive(v, "packets");
	struct eio_payload y = { .text = rule_of(v) };
	struct eio_buf wire;

	eio_buf_init(&wire);
	wire_of(v, &wire);
	eio_buf_addc(&wire, 'x'); /* so that an empty body is a pointer too */
	y.p = wire.p;
	y.n = wire.n - 1;
	y.form = revision_of(v) == 4			? EIO_PAYLOAD_4
		 : is(v, "transport", "polling-binary") ? EIO_PAYLOAD_3_BINARY
							: EIO_PAYLOAD_3_STRING;
	if (is(v, "transport", "websocket"))
		check_message(text_of(v, "id"), packets, y.p, y.n, revision_of(v),
			/* Only 1.0.x encodes WebSocket text twice. */
			strncmp(text_of(v, "id"), "eio3a-", 6) ? EIO_TEXT_ONCE : EIO_TEXT_TWICE,
			is(v, "frame", "binary"));
	else
		check_payload(text_of(v, "id"), packets, y);
	eio_buf_deinit(&wire);
}

static void
test_decode(void **state)
{
	const cJSON *v;
	int run[5] = { 0 };

	(void)state;
	cJSON_ArrayForEach(v, vectors)
	{
		if (!ours(v) || differs(text_of(v, "id"))) continue;
		decode_one(v);
		run[revision_of(v)]++;
	}
	assert_true(run[4] >= 50);
	assert_true(run[3] >= 80);
}

/* Bundles are sequences of messages; the vectors that are, and that a server may send, are built and compared. */
static bool
build(const cJSON *packets, struct eio_message *m, struct eio_buf *store, size_t *n)
{
	const cJSON *p;

	*n = 0;
	cJSON_ArrayForEach(p, packets)
	{
		struct eio_buf *data = &store[*n];

		if (strcmp(text_of(p, "type"), "message") || *n == 32) return false;
		eio_buf_init(data);
		data_of(p, data);
		m[*n] = (struct eio_message){ .binary = is_binary(p), .data = eio_buf_bytes(data) };
		++*n;
	}
	return *n > 0;
}

static void
check_encode(const cJSON *v, enum eio_wire wire, size_t skip)
{
	struct eio_message m[32];
	struct eio_buf store[32], expected;
	struct eio_bundle *b;
	struct eio_block *w;
	size_t n;
	bool built = build(cJSON_GetObjectItemCaseSensitive(v, "packets"), m, store, &n);

	eio_buf_init(&expected);
	wire_of(v, &expected);
	if (built) {
		b = eio_bundle_new(m, n);
		assert_non_null(b);
		w = eio_bundle_wire(b, wire);
		assert_non_null(w);
		assert_ptr_equal(w, eio_bundle_wire(b, wire));
		if (w->n != expected.n + skip || memcmp(w->data + skip, expected.p ? expected.p : "", expected.n))
			fail_msg("%s: encoded \"%.*s\"", text_of(v, "id"), (int)w->n, w->data);
		eio_bundle_unref(b);
	}
	for (size_t i = 0; i < n; i++) eio_buf_deinit(&store[i]);
	eio_buf_deinit(&expected);
}

static enum eio_wire
wire_form(const cJSON *v)
{
	bool b64 = strstr(text_of(v, "id"), "-ws-bin-b64") != NULL;

	if (is(v, "transport", "polling-binary")) return EIO_WIRE_POLLING_3;
	if (revision_of(v) == 4)
		return is(v, "transport", "polling") ? EIO_WIRE_POLLING : b64 ? EIO_WIRE_WS_B64 : EIO_WIRE_WS;
	return is(v, "transport", "polling") ? EIO_WIRE_POLLING_B64_3 : b64 ? EIO_WIRE_WS_B64_3 : EIO_WIRE_WS_3;
}

/* Text is sent as 2.x has it, and as JSON in ASCII, so the vectors of 1.x's encoders have no counterpart. */
static bool
is_sent(const cJSON *v)
{
	const char *id = text_of(v, "id");

	return ours(v) && !is(v, "direction", "client->server") && rule_of(v) == EIO_TEXT_ONCE &&
	       !data_unreadable(id) && strcmp(id, "eio4-poll-rs-in-data") && !strstr(id, "-cross-") && !differs(id);
}

static void
test_encode(void **state)
{
	const cJSON *v;
	int run[5] = { 0 };

	(void)state;
	cJSON_ArrayForEach(v, vectors)
	{
		size_t n = strlen(text_of(cJSON_GetObjectItemCaseSensitive(v, "wire"), "hex")) / 2;

		if (!is_sent(v)) continue;
		/* The header of a frame is 2 bytes, or 4 from 126 bytes of payload on. */
		check_encode(v, wire_form(v), !is(v, "transport", "websocket") ? 0 : n > 125 ? 4 : 2);
		run[revision_of(v)]++;
	}
	assert_true(run[4] >= 25);
	assert_true(run[3] >= 25);
}

/* The payload of a GET's answer is what stands between the quotes; here it is made from the packets and compared. */
static void
check_jsonp_get(const cJSON *v, struct eio_bytes wire)
{
	const cJSON *p = cJSON_GetObjectItemCaseSensitive(v, "packets")->child;
	struct eio_bytes j = eio_bytes(wire.p + 7, (size_t)((const char *)memchr(wire.p, ']', wire.n) - wire.p - 7));
	struct eio_message m = { .binary = is_binary(p) };
	struct eio_buf data, out;
	struct eio_bundle *b;
	struct eio_block *w;

	eio_buf_init(&data);
	eio_buf_init(&out);
	data_of(p, &data);
	m.data = eio_buf_bytes(&data);
	b = is(p, "type", "message") ? eio_bundle_new(&m, 1) : eio_bundle_packet(EIO_PACKET_NOOP, m.data);
	w = eio_bundle_wire(b, revision_of(v) == 4 ? EIO_WIRE_POLLING : EIO_WIRE_POLLING_B64_3);
	eio_jsonp_append(&out, j, eio_bytes(w->data, w->n));
	if (!eio_bytes_eq(eio_buf_bytes(&out), wire)) fail_msg("%s: \"%.*s\"", text_of(v, "id"), (int)out.n, out.p);
	eio_bundle_unref(b);
	eio_buf_deinit(&data);
	eio_buf_deinit(&out);
}

static void
check_jsonp_post(const cJSON *v, struct eio_buf *wire)
{
	ssize_t n = eio_jsonp_decode(wire->p, wire->n);
	struct eio_payload y = { .p = wire->p,
		.n = (size_t)n,
		.form = revision_of(v) == 4 ? EIO_PAYLOAD_4 : EIO_PAYLOAD_3_STRING,
		.text = rule_of(v) };

	if (n < 0) fail_msg("%s: no form", text_of(v, "id"));
	check_payload(text_of(v, "id"), cJSON_GetObjectItemCaseSensitive(v, "packets"), y);
}

static void
test_jsonp(void **state)
{
	const cJSON *v;
	int run = 0;

	(void)state;
	cJSON_ArrayForEach(v, vectors)
	{
		struct eio_buf wire;

		if (!is(v, "layer", "eio") || !is(v, "transport", "jsonp") || rule_of(v) == EIO_TEXT_TWICE) continue;
		eio_buf_init(&wire);
		wire_of(v, &wire);
		if (is(v, "direction", "server->client"))
			check_jsonp_get(v, eio_buf_bytes(&wire));
		else
			check_jsonp_post(v, &wire);
		eio_buf_deinit(&wire);
		run++;
	}
	assert_true(run >= 20);
}

static void
test_jsonp_form(void **state)
{
	char none[] = "x=1", twice[] = "d=1&d=2", escaped[] = "x=y&d=a%5Cnb%5C%5Cnc%0D%0A&z=";
	ssize_t n;

	(void)state;
	assert_int_equal(eio_jsonp_decode(none, strlen(none)), -1);
	assert_int_equal(eio_jsonp_decode(twice, strlen(twice)), -1);
	n = eio_jsonp_decode(escaped, strlen(escaped));
	assert_true(eio_bytes_eq(eio_bytes(escaped, (size_t)n), EIO_LIT("a\nb\\nc\r\n")));
}

/* What a client of revision 3 gets of JSON text: pure ASCII, whatever the form. */
static void
test_ascii(void **state)
{
	struct eio_message m = { .data = EIO_LIT("2[\"h\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\x7f\"]"), .json = true };
	struct eio_bundle *b = eio_bundle_new(&m, 1);
	struct eio_block *w = eio_bundle_wire(b, EIO_WIRE_POLLING_B64_3);

	(void)state;
	assert_int_equal(w->n, 40);
	assert_memory_equal(w->data, "37:42[\"h\\u00e9\\u20ac\\ud83d\\ude00\\u007f\"]", w->n);
	w = eio_bundle_wire(b, EIO_WIRE_WS_3);
	assert_memory_equal(w->data,
		"\x81\x25"
		"42[\"h\\u00e9",
		13);
	w = eio_bundle_wire(b, EIO_WIRE_POLLING_3);
	assert_memory_equal(w->data,
		"\0\3\7\xff"
		"42[\"h\\u00e9",
		15);
	w = eio_bundle_wire(b, EIO_WIRE_WS);
	assert_memory_equal(w->data + 2, "42[\"h\xc3\xa9", 7);
	eio_bundle_unref(b);
}

static void
check_wire(struct eio_bundle *b, enum eio_wire wire, struct eio_bytes expected)
{
	const struct eio_block *w = eio_bundle_wire(b, wire);

	assert_int_equal(w->n, expected.n);
	assert_memory_equal(w->data, expected.p, expected.n);
}

/* Text is looked at eight bytes at a time: wherever in it a character stands that must be escaped, or may just not. */
static void
test_ascii_anywhere(void **state)
{
	static const struct {
		const char *in, *out;
	} odd[] = { { "\x7e", "\x7e" }, { "\x7f", "\\u007f" }, { "\x01", "\x01" }, { "\xc2\x80", "\\u0080" },
		{ "\xff", "\\ufffd" }, { "\xf0\x9f\x98\x80", "\\ud83d\\ude00" } };
	char in[64], out[64], wire[96];

	(void)state;
	for (size_t n = 0; n < 26; n++)
		for (size_t at = 0; at <= n; at++)
			for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++) {
				int before = (int)at, behind = (int)(n - at);
				struct eio_message m = { .json = true };
				struct eio_bundle *b;

				snprintf(in, sizeof in, "2[%.*s%s%.*s", before, "abcdefghijklmnopqrstuvwxyz", odd[i].in,
					behind, "ABCDEFGHIJKLMNOPQRSTUVWXYZ");
				snprintf(out, sizeof out, "2[%.*s%s%.*s", before, "abcdefghijklmnopqrstuvwxyz",
					odd[i].out, behind, "ABCDEFGHIJKLMNOPQRSTUVWXYZ");
				m.data = eio_cstr(in);
				b = eio_bundle_new(&m, 1);
				snprintf(wire, sizeof wire, "%zu:4%s", strlen(out) + 1, out);
				check_wire(b, EIO_WIRE_POLLING_B64_3, eio_cstr(wire));
				check_wire(b, EIO_WIRE_POLLING_B64_3_TWICE, eio_cstr(wire));
				eio_bundle_unref(b);
			}
}

/* A namespace is no JSON: to be known again it stays as it is, and in the string form as the client's generation
 * encodes it. */
static void
test_ascii_namespace(void **state)
{
	struct eio_message m[2] = { { .data = EIO_LIT("0/\xc3\xbc"), .json = true },
		{ .data = EIO_LIT("2/\xc3\xbc,[\"\xc3\xbc\"]"), .json = true } };
	struct eio_bundle *b = eio_bundle_new(m, 2);

	(void)state;
	check_wire(b, EIO_WIRE_POLLING_B64_3,
		EIO_LIT("4:40/\xc3\xbc"
			"15:42/\xc3\xbc,[\"\\u00fc\"]"));
	check_wire(b, EIO_WIRE_POLLING_B64_3_TWICE,
		EIO_LIT("5:40/\xc3\x83\xc2\xbc"
			"16:42/\xc3\x83\xc2\xbc,[\"\\u00fc\"]"));
	check_wire(b, EIO_WIRE_POLLING_3,
		EIO_LIT("\0\5\xff"
			"40/\xc3\xbc"
			"\0\1\6\xff"
			"42/\xc3\xbc,[\"\\u00fc\"]"));
	for (enum eio_wire wire = EIO_WIRE_WS_3; wire <= EIO_WIRE_WS_B64_3; wire++)
		check_wire(b, wire,
			EIO_LIT("\x81\5"
				"40/\xc3\xbc"
				"\x81\x10"
				"42/\xc3\xbc,[\"\\u00fc\"]"));
	eio_bundle_unref(b);
}

/* How a client encodes text is learned from what it sends, and never unlearned (doc/design.md section 5). */
static void
test_text_rule(void **state)
{
	static const struct {
		const char *in, *out;
		enum eio_text before, after;
	} cases[] = {
		{ "4abc", "abc", EIO_TEXT_UNKNOWN, EIO_TEXT_UNKNOWN },
		{ "4h\xc3\x83\xc2\xa9", "h\xc3\xa9", EIO_TEXT_UNKNOWN, EIO_TEXT_TWICE },
		{ "4h\xc3\xa9", "h\xc3\xa9", EIO_TEXT_UNKNOWN, EIO_TEXT_ONCE },
		{ "4\xe2\x82\xac", "\xe2\x82\xac", EIO_TEXT_UNKNOWN, EIO_TEXT_ONCE },
		{ "4h\xc3\x83\xc2\xa9", "h\xc3\x83\xc2\xa9", EIO_TEXT_ONCE, EIO_TEXT_ONCE },
		{ "4\xc3\xad\xc2\xa0\xc2\x80", "\xef\xbf\xbd", EIO_TEXT_UNKNOWN, EIO_TEXT_TWICE }, /* WTF-8 */
		{ "4h\xc3\x83\xc2\xa9", "h\xc3\xa9", EIO_TEXT_TWICE, EIO_TEXT_TWICE },
		/* Who should encode twice, and does not. */
		{ "4h\xc3\xa9", "h\xc3\xa9", EIO_TEXT_TWICE, EIO_TEXT_ONCE },
		{ "4\xe2\x82\xac", "\xe2\x82\xac", EIO_TEXT_TWICE, EIO_TEXT_ONCE },
		{ "4\xc3\xa9\xe2\x82\xac", "\xc3\xa9\xe2\x82\xac", EIO_TEXT_TWICE, EIO_TEXT_ONCE },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		enum eio_text rule = cases[i].before;
		struct eio_packet p;
		char in[32];

		strcpy(in, cases[i].in);
		assert_int_equal(eio_packet_decode(&p, in, strlen(in), 3, &rule), 0);
		if (!eio_bytes_eq(p.data, eio_cstr(cases[i].out)) || rule != cases[i].after)
			fail_msg("case %zu: \"%.*s\", rule %d", i, (int)p.data.n, p.data.p, rule);
	}
}

/* Text below U+0100 that was encoded once, by a client that says it encodes twice: each character, each pair of them,
 * and between ASCII, but for pairs that are what the other would have made. */
static void
test_once_below_u0100(void **state)
{
	(void)state;
	for (uint32_t a = 0x80; a < 0x100; a++)
		for (uint32_t b = 0x7f; b < 0x100; b++) {
			char in[16] = "4x", expected[16];
			size_t n = 2;
			enum eio_text rule = EIO_TEXT_TWICE;
			struct eio_packet p;

			n += eio_utf8_put(in + n, a);
			n += eio_utf8_put(in + n, b);
			memcpy(expected, in, n);
			if (a >= 0xc2 && a <= 0xdf && b >= 0x80 && b <= 0xbf) continue;
			assert_int_equal(eio_packet_decode(&p, in, n, 3, &rule), 0);
			if (!eio_bytes_eq(p.data, eio_bytes(expected + 1, n - 1)) || rule != EIO_TEXT_ONCE)
				fail_msg("U+%04X U+%04X", (unsigned)a, (unsigned)b);
		}
}

/* Text that is no JSON cannot be escaped: it is written as the client's generation reads it. */
static void
test_raw_text(void **state)
{
	struct eio_message m[2] = { { .data = EIO_LIT("\xe2\x82\xac") }, { .binary = true, .data = EIO_LIT("\1\2") } };
	struct eio_bundle *b = eio_bundle_new(m, 2);

	(void)state;
	check_wire(b, EIO_WIRE_POLLING_B64_3,
		EIO_LIT("2:4\xe2\x82\xac"
			"6:b4AQI="));
	check_wire(b, EIO_WIRE_POLLING_B64_3_TWICE,
		EIO_LIT("4:4\xc3\xa2\xc2\x82\xc2\xac"
			"6:b4AQI="));
	check_wire(b, EIO_WIRE_POLLING_3,
		EIO_LIT("\0\4\xff"
			"4\xe2\x82\xac\1\3\xff\4\1\2"));
	check_wire(b, EIO_WIRE_WS_3,
		EIO_LIT("\x81\4"
			"4\xe2\x82\xac\x82\3\4\1\2"));
	check_wire(b, EIO_WIRE_WS_3_TWICE,
		EIO_LIT("\x81\7"
			"4\xc3\xa2\xc2\x82\xc2\xac\x82\3\4\1\2"));
	check_wire(b, EIO_WIRE_WS_B64_3_TWICE,
		EIO_LIT("\x81\7"
			"4\xc3\xa2\xc2\x82\xc2\xac\x81\6"
			"b4AQI="));
	eio_bundle_unref(b);
}

/* Joined bundles are the packets of all of them, in every form. */
static void
test_join(void **state)
{
	struct eio_message a[2] = { { .data = EIO_LIT("51-[]") }, { .binary = true, .data = EIO_LIT("\1\2") } };
	struct eio_message b = { .data = EIO_LIT("2[\"\xc3\xa9\"]"), .json = true };
	struct eio_bundle *parts[2] = { eio_bundle_new(a, 2), eio_bundle_new(&b, 1) }, *all = eio_bundle_join(parts, 2);
	struct eio_block *w;

	(void)state;
	assert_non_null(all);
	assert_int_equal(eio_bundle_size(all), eio_bundle_size(parts[0]) + eio_bundle_size(parts[1]));
	eio_bundle_unref(parts[0]);
	eio_bundle_unref(parts[1]);
	w = eio_bundle_wire(all, EIO_WIRE_POLLING);
	assert_true(eio_bytes_eq(eio_bytes(w->data, w->n), EIO_LIT("451-[]\x1e"
								   "bAQI=\x1e"
								   "42[\"\xc3\xa9\"]")));
	w = eio_bundle_wire(all, EIO_WIRE_WS);
	assert_true(eio_bytes_eq(eio_bytes(w->data, w->n), EIO_LIT("\x81\x06"
								   "451-[]"
								   "\x82\x02\1\2"
								   "\x81\x08"
								   "42[\"\xc3\xa9\"]")));
	w = eio_bundle_wire(all, EIO_WIRE_POLLING_B64_3);
	assert_true(eio_bytes_eq(eio_bytes(w->data, w->n), EIO_LIT("6:451-[]6:b4AQI=12:42[\"\\u00e9\"]")));
	eio_bundle_unref(all);
}

/* What is joined has the extras of all, and is without them in every form; it and its bare one live as long as one of
 * them is wanted. */
static void
test_bare(void **state)
{
	struct eio_message a[2] = { { .data = EIO_LIT("51-[\"a\",\"Q8\"]"), .json = true, .extra = 5 },
		{ .binary = true, .data = EIO_LIT("\1\2") } };
	struct eio_message b = { .data = EIO_LIT("2[\"\xc3\xa9\"]"), .json = true };
	struct eio_bundle *parts[2] = { eio_bundle_new(a, 2), eio_bundle_new(&b, 1) }, *all, *bare;
	struct eio_block *w;

	(void)state;
	assert_ptr_equal(eio_bundle_bare(parts[1]), parts[1]);
	assert_ptr_not_equal(eio_bundle_bare(parts[0]), parts[0]);
	all = eio_bundle_join(parts, 2);
	eio_bundle_unref(parts[0]);
	bare = eio_bundle_bare(all);
	assert_ptr_equal(eio_bundle_bare(all), bare);
	assert_ptr_equal(eio_bundle_bare(bare), bare);
	w = eio_bundle_wire(all, EIO_WIRE_POLLING);
	assert_true(eio_bytes_eq(eio_bytes(w->data, w->n), EIO_LIT("451-[\"a\",\"Q8\"]\x1e"
								   "bAQI=\x1e"
								   "42[\"\xc3\xa9\"]")));
	eio_bundle_ref(bare);
	eio_bundle_unref(all);
	w = eio_bundle_wire(bare, EIO_WIRE_POLLING_B64_3);
	assert_true(eio_bytes_eq(eio_bytes(w->data, w->n), EIO_LIT("9:451-[\"a\"]6:b4AQI=12:42[\"\\u00e9\"]")));
	eio_bundle_unref(bare);
	all = eio_bundle_join(&parts[1], 1);
	assert_ptr_equal(eio_bundle_bare(all), all);
	eio_bundle_unref(all);
	eio_bundle_unref(parts[1]);
}

/* Frame headers at every size where their form changes (RFC 6455 section 5.2). */
static void
test_frames(void **state)
{
	static const size_t sizes[] = { 0, 1, 124, 125, 126, 65534, 65535, 65536, 70000 };
	char *data = calloc(1, 70000);

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct eio_message m[2] = { { .binary = true, .data = eio_bytes(data, sizes[i]) },
			{ .data = EIO_LIT("x") } };
		struct eio_bundle *b = eio_bundle_new(m, 2);
		const unsigned char *w = (const unsigned char *)eio_bundle_wire(b, EIO_WIRE_WS)->data;
		size_t header = sizes[i] < 126 ? 2 : sizes[i] < 65536 ? 4 : 10, n = w[1];

		if (n == 126) n = (size_t)w[2] << 8 | w[3];
		if (n == 127) n = (size_t)w[6] << 24 | (size_t)w[7] << 16 | (size_t)w[8] << 8 | w[9];
		assert_int_equal(w[0], 0x82);
		assert_int_equal(n, sizes[i]);
		assert_memory_equal(w + header + n,
			"\x81\x02"
			"4x",
			4);
		assert_int_equal(eio_bundle_wire(b, EIO_WIRE_WS)->n, header + n + 4);
		assert_int_equal(eio_bundle_size(b), sizes[i] + 2);
		eio_bundle_unref(b);
	}
	free(data);
}

static int
setup(void **state)
{
	cJSON *all;

	(void)state;
	canon_read_vectors(&vectors_text);
	all = cJSON_ParseWithLength(vectors_text.p, vectors_text.n);
	vectors = cJSON_DetachItemFromObjectCaseSensitive(all, "vectors");
	cJSON_Delete(all);
	return vectors ? 0 : -1;
}

static int
teardown(void **state)
{
	(void)state;
	cJSON_Delete(vectors);
	eio_buf_deinit(&vectors_text);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_decode),
		cmocka_unit_test(test_encode),
		cmocka_unit_test(test_join),
		cmocka_unit_test(test_bare),
		cmocka_unit_test(test_frames),
		cmocka_unit_test(test_jsonp),
		cmocka_unit_test(test_jsonp_form),
		cmocka_unit_test(test_ascii),
		cmocka_unit_test(test_ascii_anywhere),
		cmocka_unit_test(test_ascii_namespace),
		cmocka_unit_test(test_text_rule),
		cmocka_unit_test(test_once_below_u0100),
		cmocka_unit_test(test_raw_text),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}

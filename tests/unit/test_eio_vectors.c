/* SPDX-License-Identifier: MIT */
/*
 * The Engine.IO vectors of revision 4, made by the reference's own parser, run
 * against packets, payloads and bundles: decoding for what clients send,
 * encoding for what servers send. Recorded server reactions (srv-*) are played
 * against a real server in tests/e2e.
 */
#include "eio/packet.h"
#include "tests/unit/canon.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
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

/* Where the vectors differ on purpose: Node turns base64 junk into an empty buffer, siocast refuses it. */
static bool
differs(const char *id)
{
	return strcmp(id, "eio4-poll-bad-b64-junk") == 0;
}

/* The data of a vector's packet as bytes; false when the packet has none. cJSON cuts strings at NUL, so a vector with one in its
 * data is taken from the wire. */
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
	return cJSON_IsObject(cJSON_GetObjectItemCaseSensitive(packet, "data"));
}

static void
check_packet(const char *id, const cJSON *expected, const struct eio_packet *got)
{
	struct eio_buf data;

	eio_buf_init(&data);
	data_of(expected, &data);
	if (strcmp(text_of(expected, "type"), types[got->type])) fail_msg("%s: type %s", id, types[got->type]);
	if (got->binary != is_binary(expected)) fail_msg("%s: binary %d", id, got->binary);
	if (strcmp(id, "eio4-poll-msg-nul") && !eio_bytes_eq(eio_buf_bytes(&data), got->data))
		fail_msg("%s: data \"%.*s\"", id, (int)got->data.n, got->data.p);
	eio_buf_deinit(&data);
}

/* Decodes a polling body and compares packet for packet; an "error" packet stands for a refusal. */
static void
check_payload(const char *id, const cJSON *packets, char *body, size_t n)
{
	const cJSON *expected = packets->child;
	struct eio_packet p;
	char *text;
	size_t len;

	while (eio_payload_next(&body, &n, &text, &len)) {
		if (!expected) fail_msg("%s: more packets than expected", id);
		if (eio_packet_decode(&p, text, len)) {
			if (strcmp(text_of(expected, "type"), "error")) fail_msg("%s: refused", id);
			return;
		}
		check_packet(id, expected, &p);
		expected = expected->next;
	}
	if (expected) fail_msg("%s: packets are missing", id);
}

static bool
is(const cJSON *v, const char *key, const char *value)
{
	return strcmp(text_of(v, key), value) == 0;
}

static bool
ours(const cJSON *v)
{
	const cJSON *revision = cJSON_GetObjectItemCaseSensitive(v, "revision");

	return is(v, "layer", "eio") && revision && revision->valueint == 4 && strncmp(text_of(v, "id"), "srv-", 4) &&
	       !is(v, "transport", "jsonp");
}

static void
wire_of(const cJSON *v, struct eio_buf *out)
{
	canon_unhex(out, eio_cstr(text_of(cJSON_GetObjectItemCaseSensitive(v, "wire"), "hex")));
}

static void
test_decode(void **state)
{
	const cJSON *v;
	int run = 0;

	(void)state;
	cJSON_ArrayForEach(v, vectors)
	{
		const cJSON *packets = cJSON_GetObjectItemCaseSensitive(v, "packets");
		const char *id = text_of(v, "id");
		struct eio_buf wire;

		if (!ours(v) || differs(id) || (is(v, "transport", "websocket") && is(v, "frame", "binary"))) continue;
		eio_buf_init(&wire);
		wire_of(v, &wire);
		eio_buf_addc(&wire, 'x'); /* so that an empty body is a pointer too */
		check_payload(id, packets, wire.p, wire.n - 1);
		eio_buf_deinit(&wire);
		run++;
	}
	assert_true(run >= 50);
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
		m[*n] = (struct eio_message){ is_binary(p), eio_buf_bytes(data) };
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

static void
test_encode(void **state)
{
	const cJSON *v;
	int run = 0;

	(void)state;
	cJSON_ArrayForEach(v, vectors)
	{
		const char *id = text_of(v, "id");

		if (!ours(v) || is(v, "direction", "client->server") || strcmp(id, "eio4-poll-msg-nul") == 0 ||
			strcmp(id, "eio4-poll-rs-in-data") == 0)
			continue;
		if (is(v, "transport", "polling")) check_encode(v, EIO_WIRE_POLLING, 0);
		/* The header of a frame is 2 bytes, or 4 from 126 bytes of payload on. */
		if (is(v, "transport", "websocket"))
			check_encode(v, is(v, "id", "eio4-ws-bin-b64") ? EIO_WIRE_WS_B64 : EIO_WIRE_WS,
				strlen(text_of(cJSON_GetObjectItemCaseSensitive(v, "wire"), "hex")) / 2 > 125 ? 4 : 2);
		run++;
	}
	assert_true(run >= 25);
}

/* Frame headers at every size where their form changes (RFC 6455 section 5.2). */
static void
test_frames(void **state)
{
	static const size_t sizes[] = { 0, 1, 124, 125, 126, 65534, 65535, 65536, 70000 };
	char *data = calloc(1, 70000);

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct eio_message m[2] = { { true, eio_bytes(data, sizes[i]) }, { false, EIO_LIT("x") } };
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
		cmocka_unit_test(test_frames),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}

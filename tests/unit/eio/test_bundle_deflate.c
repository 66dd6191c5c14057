/* SPDX-License-Identifier: MIT */
/*
 * Compression, read back by zlib as a client would: messages and bodies, the
 * compressed variants of all wire forms, also of joined bundles and from several threads, and
 * what is negotiated.
 */
#include "eio/bundle.h"
#include "eio/collect.h"
#include "eio/deflate.h"
#include "eio/negotiate.h"
#include "tests/unit/failmalloc.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <zlib.h>

#include <cmocka.h>

static const struct eio_deflate options = { .on = true, .threshold = 1024, .level = 3, .window_bits = 15 };
static const char tail[4] = { 0, 0, (char)0xff, (char)0xff };

/* Text of n bytes that shrinks, different for each seed. The caller frees it. */
static char *
text(size_t n, unsigned seed)
{
	char *s = malloc(n + 1);

	for (size_t i = 0; i < n; i++) {
		seed = i % 8 ? seed : seed * 1103515245 + 12345;
		s[i] = (char)('a' + (seed >> 16) % 7 + i % 3);
	}
	s[n] = '\0';
	return s;
}

static struct eio_bundle *
bundle_of(const char *s, size_t n)
{
	struct eio_message m = { .data = eio_bytes(s, n) };

	return eio_bundle_new(&m, 1);
}

/* Appends what zlib makes of the bytes; bits as for inflateInit2. whole: there must be an end. */
static void
append_inflated(struct eio_buf *out, const char *p, size_t n, int bits, bool whole)
{
	char *to = eio_buf_reserve(out, 1 << 20);
	z_stream z = { 0 };
	int rc;

	assert_int_equal(inflateInit2(&z, bits), Z_OK);
	z.next_in = (unsigned char *)(uintptr_t)p;
	z.avail_in = (unsigned)n;
	z.next_out = (unsigned char *)to;
	z.avail_out = 1 << 20;
	rc = inflate(&z, Z_SYNC_FLUSH);
	assert_int_equal(rc, whole ? Z_STREAM_END : Z_OK);
	assert_int_equal(z.avail_in, 0);
	out->n += z.total_out;
	inflateEnd(&z);
}

/* Messages */

static void
test_message(void **state)
{
	static const size_t sizes[] = { 40, 100, 249, 250, 251, 1024, 3000, 32506, 32507, 70000, 300000 };

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		for (int bits = EIO_DEFLATE_WINDOW_MIN; bits <= EIO_DEFLATE_WINDOW_MAX; bits++) {
			struct eio_deflate o = { .level = 1 + bits % 9, .window_bits = bits };
			char *in = text(sizes[i], 7), *out = malloc(sizes[i] + EIO_DEFLATE_SLACK);
			size_t n = eio_deflate(out, sizes[i], eio_bytes(in, sizes[i]), &o);
			struct eio_buf whole, back;

			assert_true(n > 0 && n <= sizes[i]);
			eio_buf_init(&whole);
			eio_buf_init(&back);
			eio_buf_append(&whole, out, n);
			eio_buf_append(&whole, tail, 4);
			/* A receiver with no more than the window that was promised. */
			append_inflated(&back, whole.p, whole.n, -bits, false);
			assert_true(eio_bytes_eq(eio_buf_bytes(&back), eio_bytes(in, sizes[i])));
			eio_buf_clear(&back);
			assert_int_equal(eio_inflate(&back, eio_bytes(out, n), sizes[i]), EIO_INFLATE_OK);
			assert_true(eio_bytes_eq(eio_buf_bytes(&back), eio_bytes(in, sizes[i])));
			eio_buf_clear(&back);
			assert_int_equal(eio_inflate(&back, eio_bytes(out, n), sizes[i] - 1), EIO_INFLATE_TOO_BIG);
			/* One byte short, it does not fit. */
			assert_int_equal(eio_deflate(out, n - 1, eio_bytes(in, sizes[i]), &o), 0);
			eio_buf_deinit(&whole);
			eio_buf_deinit(&back);
			free(in);
			free(out);
		}
	}
}

static void
test_inflate_peers(void **state)
{
	/* The examples of RFC 7692 section 7.2.3, and what none may send. */
	static const struct {
		struct eio_bytes in;
		enum eio_inflated rc;
		const char *out;
	} cases[] = {
		{ { "\xf2\x48\xcd\xc9\xc9\x07\x00", 7 }, EIO_INFLATE_OK, "Hello" },
		{ { "\xf2\x00\x11\x00\x00", 5 }, EIO_INFLATE_BAD, "" }, /* needs the window of the message before */
		{ { "\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00", 11 }, EIO_INFLATE_OK, "Hello" },
		{ { "\xf3\x48\xcd\xc9\xc9\x07\x00\x00", 8 }, EIO_INFLATE_OK, "Hello" }, /* a final block */
		{ { "\xf3\x48\xcd\xc9\xc9\x07\x00", 7 }, EIO_INFLATE_OK, "Hello" }, /* and nothing behind it */
		{ { "\xf3\x48\xcd\xc9\xc9\x07\x00\xf2\x48\xcd\xc9\xc9\x07\x00", 14 }, EIO_INFLATE_OK, "HelloHello" },
		{ { "\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00", 13 }, EIO_INFLATE_OK, "Hello" },
		{ { "\x00", 1 }, EIO_INFLATE_OK, "" },
		{ { "\x02\x00", 2 }, EIO_INFLATE_OK, "" },
		{ { "", 0 }, EIO_INFLATE_BAD, "" },
		{ { "\xf2\x48\xcd\xc9\xc9\x07", 6 }, EIO_INFLATE_BAD, "Hello" },
		{ { "\xf2\x48\xcd\xc9", 4 }, EIO_INFLATE_BAD, "" },
		{ { "\x06", 1 }, EIO_INFLATE_BAD, "" },
		{ { "\xff\xff\xff", 3 }, EIO_INFLATE_BAD, "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct eio_buf out;
		enum eio_inflated rc;

		eio_buf_init(&out);
		rc = eio_inflate(&out, cases[i].in, 100);
		if (rc != cases[i].rc) fail_msg("case %zu: %d", i, rc);
		if (rc == EIO_INFLATE_OK && !eio_bytes_eq(eio_buf_bytes(&out), eio_cstr(cases[i].out)))
			fail_msg("case %zu: \"%.*s\"", i, (int)out.n, out.p);
		eio_buf_deinit(&out);
	}
}

/* What a bomb may cost before it is refused is bounded. */
static void
test_bomb(void **state)
{
	struct eio_deflate o = { .level = 9, .window_bits = 15 };
	size_t n = EIO_DEFLATE_MOST, k;
	char *zeros = calloc(1, n), *out = malloc(n);
	struct eio_buf back;

	(void)state;
	k = eio_deflate(out, n - EIO_DEFLATE_SLACK, eio_bytes(zeros, n), &o);
	assert_true(k > 0 && k < 6000);
	eio_buf_init(&back);
	assert_int_equal(eio_inflate(&back, eio_bytes(out, k), 1000000), EIO_INFLATE_TOO_BIG);
	assert_int_equal(back.n, 1000001);
	assert_true(back.cap <= 2097152);
	eio_buf_deinit(&back);
	free(zeros);
	free(out);
}

/* Twins */

/* Appends the frames with their data inflated: opcode, length and data of each. Returns how many were compressed. */
static unsigned
append_frames(struct eio_buf *out, const struct eio_block *b)
{
	unsigned deflated = 0;

	for (size_t at = 0; at < b->n;) {
		const unsigned char *h = (const unsigned char *)b->data + at;
		size_t n = h[1] & 0x7f, header = n < 126 ? 2 : n == 126 ? 4 : 10;
		struct eio_buf whole, data;

		if (header == 4) n = (size_t)h[2] << 8 | h[3];
		for (size_t i = 2, v = 0; header == 10 && i < 10; i++) n = v = v << 8 | h[i];
		assert_int_equal(h[0] & 0xb0, 0x80);
		assert_false(h[1] & 0x80);
		assert_true(at + header + n <= b->n);
		eio_buf_init(&whole);
		eio_buf_init(&data);
		eio_buf_append(&whole, b->data + at + header, n);
		if (h[0] & 0x40) {
			deflated++;
			/* The shortest header there is. */
			assert_true(header == 2 || (header == 4 && n > 125) || n > 65535);
			eio_buf_append(&whole, tail, 4);
			append_inflated(&data, whole.p, whole.n, -15, false);
		} else {
			eio_buf_append(&data, whole.p, whole.n);
		}
		eio_buf_printf(out, "%d %zu ", h[0] & 15, data.n);
		eio_buf_append(out, data.p, data.n);
		eio_buf_deinit(&whole);
		eio_buf_deinit(&data);
		at += header + n;
	}
	return deflated;
}

static void
check_frames(struct eio_bundle *b, enum eio_wire wire, unsigned deflated)
{
	struct eio_block *variant = eio_bundle_deflated(b, wire, &options, NULL), *plain = eio_bundle_wire(b, wire);
	struct eio_buf got, expected;

	assert_non_null(variant);
	eio_buf_init(&got);
	eio_buf_init(&expected);
	assert_int_equal(append_frames(&got, variant), deflated);
	assert_int_equal(append_frames(&expected, plain), 0);
	assert_true(eio_bytes_eq(eio_buf_bytes(&got), eio_buf_bytes(&expected)));
	if (deflated) assert_true(variant->n < plain->n);
	if (!deflated) assert_ptr_equal(variant, plain);
	assert_ptr_equal(eio_bundle_deflated(b, wire, &options, NULL), variant);
	eio_buf_deinit(&got);
	eio_buf_deinit(&expected);
}

static void
check_payload(struct eio_bundle *b, enum eio_wire wire)
{
	for (int coding = EIO_CODING_GZIP; coding <= EIO_CODING_DEFLATE; coding++) {
		struct eio_block *plain = eio_bundle_wire(b, wire), *body;
		struct eio_zip z;
		struct eio_buf back;

		eio_zip_begin(&z, (enum eio_coding)coding);
		eio_zip_add_part(&z, eio_bundle_deflated(b, wire, &options, NULL), plain->n);
		body = eio_zip_end(&z);
		assert_non_null(body);
		eio_buf_init(&back);
		append_inflated(&back, body->data, body->n, coding == EIO_CODING_GZIP ? 31 : 15, true);
		assert_true(eio_bytes_eq(eio_buf_bytes(&back), eio_bytes(plain->data, plain->n)));
		eio_buf_deinit(&back);
		eio_block_unref(body);
	}
}

static const enum eio_wire websocket_wires[] = { EIO_WIRE_WS, EIO_WIRE_WS_B64, EIO_WIRE_WS_3, EIO_WIRE_WS_B64_3 };
static const enum eio_wire polling_wires[] = { EIO_WIRE_POLLING, EIO_WIRE_POLLING_3, EIO_WIRE_POLLING_B64_3,
	EIO_WIRE_POLLING_B64_3_TWICE };

/* A binary event: its text and two attachments, of which the longer one is worth compressing. */
static void
test_variants(void **state)
{
	static const size_t sizes[] = { 1023, 1024, 1025, 4000, 65535, 65536, 200000 };

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		char *s = text(sizes[i], 3);
		struct eio_message m[] = { { .data = EIO_LIT("52-[\"x\"]") },
			{ .binary = true, .data = eio_bytes(s, sizes[i]) },
			{ .binary = true, .data = EIO_LIT("\1\2") } };
		struct eio_bundle *b = eio_bundle_new(m, 3);

		/* The type byte and base64 make the message longer. */
		check_frames(b, EIO_WIRE_WS, sizes[i] >= 1024);
		check_frames(b, EIO_WIRE_WS_3, 1);
		check_frames(b, EIO_WIRE_WS_B64, 1);
		check_frames(b, EIO_WIRE_WS_B64_3, 1);
		for (int w = 0; w < 4; w++) check_payload(b, polling_wires[w]);
		eio_bundle_unref(b);
		free(s);
	}
}

/* The threshold is that of the message with its type. */
static void
test_threshold(void **state)
{
	char *s = text(1100, 3);

	(void)state;
	for (size_t n = 1022; n <= 1024; n++) {
		struct eio_bundle *b = bundle_of(s, n);

		for (int w = 0; w < 4; w++) check_frames(b, websocket_wires[w], n + 1 >= 1024);
		eio_bundle_unref(b);
	}
	free(s);
}

/* What is very long goes as it is, on all ways: to compress it would hold up a thread. */
static void
test_most(void **state)
{
	char *s = text(EIO_DEFLATE_MOST + 1, 3);

	(void)state;
	for (size_t n = EIO_DEFLATE_MOST - 1; n <= EIO_DEFLATE_MOST; n++) {
		struct eio_bundle *b = bundle_of(s, n); /* and a byte for its type */
		bool too_long = n + 1 > EIO_DEFLATE_MOST;
		enum eio_coding coding = EIO_CODING_GZIP;
		struct eio_queue q = { 0 };
		struct eio_block *body;
		size_t plain_n;

		for (int w = 0; w < 4; w++) {
			struct eio_block *plain = eio_bundle_wire(b, websocket_wires[w]);

			assert_int_equal(eio_bundle_deflated(b, websocket_wires[w], &options, NULL) == plain, too_long);
		}
		assert_int_equal(eio_queue_put(&q, b, NULL), 0);
		body = eio_collect(&q, EIO_WIRE_POLLING, &options, &coding, &plain_n);
		assert_int_equal(coding, too_long ? EIO_CODING_IDENTITY : EIO_CODING_GZIP);
		assert_int_equal(plain_n, n + 1);
		assert_int_equal(body->n == plain_n, too_long);
		eio_block_unref(body);
	}
	free(s);
}

static void
test_noise(void **state)
{
	char noise[5000] = { 0 };
	struct eio_message m = { .binary = true, .data = eio_bytes(noise, sizeof(noise)) };
	uint64_t v = 88172645463325252u;
	struct eio_bundle *b;

	(void)state;
	for (size_t i = 0; i < sizeof(noise); i++) {
		v ^= v << 13;
		v ^= v >> 7;
		v ^= v << 17;
		noise[i] = (char)(v >> 32);
	}
	b = eio_bundle_new(&m, 1);
	check_frames(b, EIO_WIRE_WS, 0);
	check_frames(b, EIO_WIRE_WS_B64, 1);
	for (int w = 0; w < 4; w++) check_payload(b, polling_wires[w]);
	eio_bundle_unref(b);
}

/* A joined bundle with and without its sources, which must be read alike; with them nothing is compressed twice. */
static void
test_joined(void **state)
{
	static const size_t sizes[] = { 3000, 10, 1024, 900, 70000 };
	struct eio_bundle *parts[5], *plain, *joined;
	size_t n = sizeof(sizes) / sizeof(sizes[0]);

	(void)state;
	for (size_t i = 0; i < n; i++) {
		char *s = text(sizes[i], (unsigned)i);

		parts[i] = bundle_of(s, sizes[i]);
		free(s);
	}
	plain = eio_bundle_join(parts, n);
	joined = eio_bundle_join(parts, n);
	eio_bundle_remember(joined, parts, n);
	for (int w = 0; w < 4; w++) {
		check_frames(plain, websocket_wires[w], 3);
		check_frames(joined, websocket_wires[w], 3);
	}
	for (int w = 0; w < 4; w++) {
		check_payload(plain, polling_wires[w]);
		check_payload(joined, polling_wires[w]);
	}
	for (size_t i = 0; i < n; i++) eio_bundle_unref(parts[i]);
	eio_bundle_unref(plain);
	eio_bundle_unref(joined);
}

/* Polls: what waits, as one payload. */

static void
fill(struct eio_queue *q, const size_t *sizes, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		char *s = text(sizes[i], (unsigned)i);

		assert_int_equal(eio_queue_put(q, bundle_of(s, sizes[i]), NULL), 0);
		free(s);
	}
}

static void
test_collect(void **state)
{
	static const size_t sizes[] = { 10, 5000, 100, 1, 40000, 999 };

	(void)state;
	for (int w = 0; w < 4; w++) {
		for (int coding = EIO_CODING_GZIP; coding <= EIO_CODING_DEFLATE; coding++) {
			for (size_t n = 1; n <= 6; n++) {
				enum eio_coding c = (enum eio_coding)coding, none = c;
				struct eio_block *body, *plain;
				struct eio_queue q = { 0 };
				struct eio_buf back;
				size_t plain_n, same;

				fill(&q, sizes, n);
				body = eio_collect(&q, polling_wires[w], &options, &c, &plain_n);
				assert_int_equal(q.count, 0);
				fill(&q, sizes, n);
				plain = eio_collect(&q, polling_wires[w], NULL, &none, &same);
				assert_int_equal(none, EIO_CODING_IDENTITY);
				assert_int_equal(plain_n, plain->n);
				assert_int_equal(same, plain->n);
				/* The first packet alone is below the threshold. */
				assert_int_equal(c, n == 1 ? EIO_CODING_IDENTITY : (enum eio_coding)coding);
				eio_buf_init(&back);
				if (n == 1)
					eio_buf_append(&back, body->data, body->n);
				else
					append_inflated(
						&back, body->data, body->n, c == EIO_CODING_GZIP ? 31 : 15, true);
				assert_true(eio_bytes_eq(eio_buf_bytes(&back), eio_bytes(plain->data, plain->n)));
				eio_buf_deinit(&back);
				eio_block_unref(body);
				eio_block_unref(plain);
			}
		}
	}
}

/* Threads */

enum { THREADS = 4, BUNDLES = 200 };

struct race {
	struct eio_bundle *bundles[BUNDLES];
	struct eio_block *seen[THREADS][BUNDLES];
	atomic_uint ready, busy;
};

struct racer {
	struct race *race;
	unsigned index;
};

static void *
run_racer(void *arg)
{
	struct racer *r = arg;
	struct race *race = r->race;

	atomic_fetch_add(&race->ready, 1);
	while (atomic_load(&race->ready) < THREADS) continue;
	for (unsigned i = 0; i < BUNDLES; i++) {
		bool busy = false;
		struct eio_block *b = eio_bundle_deflated(race->bundles[i], EIO_WIRE_WS, &options, &busy);

		assert_true(busy == !b);
		if (busy) {
			atomic_fetch_add(&race->busy, 1);
			b = eio_bundle_deflated(race->bundles[i], EIO_WIRE_WS, &options, NULL);
		}
		race->seen[r->index][i] = b;
	}
	return NULL;
}

static void
test_threads(void **state)
{
	struct race *race = calloc(1, sizeof(*race));
	struct racer racers[THREADS];
	pthread_t threads[THREADS];
	char *s = text(5000, 3);

	(void)state;
	for (int i = 0; i < BUNDLES; i++) race->bundles[i] = bundle_of(s, 5000);
	for (unsigned i = 0; i < THREADS; i++) {
		racers[i] = (struct racer){ race, i };
		assert_int_equal(pthread_create(&threads[i], NULL, run_racer, &racers[i]), 0);
	}
	for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
	for (int i = 0; i < BUNDLES; i++) {
		for (int k = 0; k < THREADS; k++) assert_ptr_equal(race->seen[k][i], race->seen[0][i]);
		check_frames(race->bundles[i], EIO_WIRE_WS, 1);
		eio_bundle_unref(race->bundles[i]);
	}
	free(s);
	free(race);
}

/* Memory */

enum { NOMEM = -1 };

/* Whether each step did what it should; what cannot be compressed for lack of memory may be sent plain. */
static int
scenario(void)
{
	static char s[4000];
	struct eio_message m = { .data = eio_bytes(s, sizeof(s)) };
	struct eio_bundle *parts[2] = { eio_bundle_new(&m, 1), eio_bundle_new(&m, 1) }, *all = NULL;
	struct eio_block *b = NULL, *body;
	enum eio_coding coding = EIO_CODING_GZIP;
	struct eio_queue q = { 0 };
	struct eio_buf out;
	size_t plain_n;
	int rc = NOMEM;

	eio_buf_init(&out);
	if (parts[0] && parts[1]) all = eio_bundle_join(parts, 2);
	if (all && eio_bundle_remember(all, parts, 2) == 0) b = eio_bundle_deflated(all, EIO_WIRE_WS, &options, NULL);
	if (b && b->n < 1000 && eio_inflate(&out, eio_bytes(b->data + 2, b->n / 2 - 2), 10000) == EIO_INFLATE_OK) {
		assert_int_equal(out.n, sizeof(s) + 1);
		rc = 0;
	}
	if (rc == 0 && eio_queue_put(&q, eio_bundle_ref(all), NULL)) rc = NOMEM;
	if (rc == 0 && eio_queue_put(&q, eio_bundle_ref(parts[0]), NULL)) rc = NOMEM;
	if (rc == 0) {
		body = eio_collect(&q, EIO_WIRE_POLLING, &options, &coding, &plain_n);
		if (!body || body->n > 1000) rc = NOMEM;
		eio_block_unref(body);
	}
	eio_queue_clear(&q);
	eio_buf_deinit(&out);
	eio_bundle_unref(parts[0]);
	eio_bundle_unref(parts[1]);
	eio_bundle_unref(all);
	return rc;
}

static void
test_nomem(void **state)
{
	(void)state;
	failmalloc_every(scenario, NOMEM, 20);
}

/* Negotiation */

#define ANSWER "permessage-deflate; server_no_context_takeover; client_no_context_takeover"

static void
test_negotiate_deflate(void **state)
{
	static const struct {
		const char *offers;
		int bits;
		const char *answer;
	} cases[] = {
		{ "permessage-deflate", 15, ANSWER },
		{ "permessage-deflate; client_max_window_bits", 15, ANSWER }, /* Chromium, ws */
		{ "permessage-deflate;client_max_window_bits=8", 15, ANSWER },
		{ " permessage-deflate ;\tclient_max_window_bits = \"15\" ; client_no_context_takeover ", 15, ANSWER },
		{ "permessage-deflate; server_no_context_takeover; client_no_context_takeover", 15, ANSWER },
		{ "permessage-deflate; server_max_window_bits=15", 15, ANSWER "; server_max_window_bits=15" },
		{ "permessage-deflate; server_max_window_bits=\"12\"", 12, ANSWER "; server_max_window_bits=12" },
		{ "permessage-deflate; server_max_window_bits=13", 12, ANSWER "; server_max_window_bits=12" },
		{ "permessage-deflate", 9, ANSWER "; server_max_window_bits=9" },
		{ "permessage-deflate; server_max_window_bits=14", 15, NULL },
		{ "permessage-deflate; server_max_window_bits=8", 9, NULL },
		{ "permessage-deflate; server_max_window_bits=10, permessage-deflate", 15, ANSWER },
		{ "foo, bar; a=\"x,y;z\", permessage-deflate; q, permessage-deflate", 15, ANSWER },
		{ "permessage-deflate; server_max_window_bits", 15, NULL },
		{ "permessage-deflate; server_max_window_bits=", 15, NULL },
		{ "permessage-deflate; server_max_window_bits=16", 15, NULL },
		{ "permessage-deflate; server_max_window_bits=015", 15, NULL },
		{ "permessage-deflate; server_max_window_bits=1x", 15, NULL },
		{ "permessage-deflate; server_max_window_bits=15; server_max_window_bits=15", 15, NULL },
		{ "permessage-deflate; client_max_window_bits=7", 15, NULL },
		{ "permessage-deflate; client_max_window_bits; client_max_window_bits=10", 15, NULL },
		{ "permessage-deflate; client_no_context_takeover=true", 15, NULL },
		{ "permessage-deflate; server_no_context_takeover; server_no_context_takeover", 15, NULL },
		{ "permessage-deflate; unknown", 15, NULL },
		{ "permessage-deflate;", 15, ANSWER },
		{ "permessage-deflate; ; client_max_window_bits", 15, NULL },
		{ "Permessage-Deflate", 15, NULL },
		{ "permessage-deflate-frame", 15, NULL },
		{ "x-webkit-deflate-frame", 15, NULL },
		{ "", 15, NULL },
		{ ",,;=\"", 15, NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct eio_buf out;
		bool found;

		eio_buf_init(&out);
		found = eio_negotiate_deflate(eio_cstr(cases[i].offers), cases[i].bits, &out);
		if (found != !!cases[i].answer ||
			!eio_bytes_eq(eio_buf_bytes(&out), eio_cstr(cases[i].answer ? cases[i].answer : "")))
			fail_msg("\"%s\": \"%.*s\"", cases[i].offers, (int)out.n, out.n ? out.p : "");
		eio_buf_deinit(&out);
	}
}

/* What the library that the reference asks says to [gzip, deflate]. */
static void
test_negotiate_coding(void **state)
{
	enum { NONE = EIO_CODING_IDENTITY, GZIP = EIO_CODING_GZIP, DEFLATE = EIO_CODING_DEFLATE };
	static const struct {
		const char *accept;
		int coding;
	} cases[] = {
		{ "", NONE },
		{ "gzip", GZIP },
		{ "GZip", GZIP },
		{ "deflate", DEFLATE },
		{ "gzip, deflate, br", GZIP },
		{ "deflate, gzip", DEFLATE },
		{ "deflate;q=0.5, gzip;q=0.4", DEFLATE },
		{ "deflate;q=0.4,gzip ; q=0.5", GZIP },
		{ "*", GZIP },
		{ "*;q=0", NONE },
		{ "gzip;q=0, *", DEFLATE },
		{ "deflate, *", DEFLATE },
		{ "deflate;q=0.1, *", GZIP },
		{ "identity", NONE },
		{ "br, zstd", NONE },
		{ "gzip;q=0", NONE },
		{ "gzip;q=0.000", NONE },
		{ "gzip;q=0.001", GZIP },
		{ "identity;q=1, gzip;q=0.5", GZIP },
		{ "x-gzip", NONE },
		{ ",;q=,", NONE },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if ((int)eio_negotiate_coding(eio_cstr(cases[i].accept)) != cases[i].coding)
			fail_msg("\"%s\": not %d", cases[i].accept, cases[i].coding);
}

/* Each form and variant counts once, when it is made, for a bundle and for what it is joined into. */
static void
test_tally(void **state)
{
	static struct eio_bundle_tally tally;
	char *long_text = text(3000, 1);
	struct eio_bundle *both[2] = { bundle_of(long_text, 3000), bundle_of("short", 5) }, *joined;

	(void)state;
	eio_bundle_wire(both[1], EIO_WIRE_POLLING); /* before it counts */
	eio_bundle_count_in(both[0], &tally);
	for (int i = 0; i < 2; i++) {
		assert_non_null(eio_bundle_wire(both[0], EIO_WIRE_WS));
		assert_non_null(eio_bundle_wire(both[0], EIO_WIRE_WS_3));
		assert_non_null(eio_bundle_deflated(both[0], EIO_WIRE_POLLING, &options, NULL));
		assert_int_equal(tally.plain[EIO_WIRE_WS], 1);
		assert_int_equal(tally.plain[EIO_WIRE_WS_3], 1);
		assert_int_equal(tally.plain[EIO_WIRE_POLLING], 1);
		assert_int_equal(tally.compressed[EIO_WIRE_POLLING], 1);
	}
	joined = eio_bundle_join(both, 2);
	assert_int_equal(tally.plain[EIO_WIRE_WS], 2);
	assert_non_null(eio_bundle_wire(joined, EIO_WIRE_WS_3));
	assert_int_equal(tally.plain[EIO_WIRE_WS_3], 2);
	assert_int_equal(tally.plain[EIO_WIRE_WS_B64], 0);
	for (int i = 0; i < 2; i++) eio_bundle_unref(both[i]);
	eio_bundle_unref(joined);
	free(long_text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_message),
		cmocka_unit_test(test_inflate_peers),
		cmocka_unit_test(test_bomb),
		cmocka_unit_test(test_variants),
		cmocka_unit_test(test_threshold),
		cmocka_unit_test(test_most),
		cmocka_unit_test(test_noise),
		cmocka_unit_test(test_joined),
		cmocka_unit_test(test_collect),
		cmocka_unit_test(test_threads),
		cmocka_unit_test(test_nomem),
		cmocka_unit_test(test_tally),
		cmocka_unit_test(test_negotiate_deflate),
		cmocka_unit_test(test_negotiate_coding),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

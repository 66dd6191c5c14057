/* SPDX-License-Identifier: MIT */
/*
 * The compact format: what the encoder makes of the vectors, and what a decoder that follows doc/columns.md gives back;
 * batches that are to be refused; random messages there and back; and memory that runs out at each place.
 */
#include "sio/json.h"
#include "src/columns/columns.h"
#include "tests/unit/canon.h"
#include "tests/unit/dice.h"
#include "tests/unit/failmalloc.h"
#include "tests/unit/rebuild.h"
#include "tests/unit/vector.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static void
read_vectors(struct eio_buf *out)
{
	const char *top = getenv("srcdir");
	char path[512];
	size_t n;
	FILE *f;

	snprintf(path, sizeof path, "%s/tests/vectors/columns-vectors.json", top ? top : ".");
	f = fopen(path, "r");
	assert_non_null(f);
	do {
		char *p = eio_buf_reserve(out, 65536);

		assert_non_null(p);
		n = fread(p, 1, 65536, f);
		out->n += n;
	} while (n);
	fclose(f);
	assert_int_equal(sio_json_check(eio_buf_bytes(out)), 0);
}

/* The bytes of a vector's batch; a decoder must not read beyond them, so they lie at the end of their memory. */
static struct eio_bytes
batch_of(struct eio_bytes vector)
{
	struct eio_bytes hex = vector_get(vector, "/batch");
	struct eio_buf bytes = { 0 };
	char *exact;

	canon_unhex(&bytes, eio_bytes(hex.p + 1, hex.n - 2));
	exact = malloc(bytes.n ? bytes.n : 1);
	assert_non_null(exact);
	if (bytes.n) memcpy(exact, bytes.p, bytes.n);
	hex = eio_bytes(exact, bytes.n);
	eio_buf_deinit(&bytes);
	return hex;
}

static void
name_vector(struct eio_bytes vector)
{
	struct eio_bytes name = vector_get(vector, "/name");

	snprintf(vector_id, sizeof vector_id, "%.*s", (int)name.n, name.p);
}

static void
test_vectors(void **state)
{
	struct columns *c = columns_new();
	struct eio_buf file = { 0 };
	struct sio_json_iter it;
	struct eio_bytes v;
	int n = 0;

	(void)state;
	read_vectors(&file);
	it = sio_json_iter(vector_get(eio_buf_bytes(&file), "/batches"));
	for (; sio_json_next(&it, NULL, &v); n++) {
		struct eio_bytes batch = batch_of(v), made;
		struct eio_buf array = { 0 }, back = { 0 };

		name_vector(v);
		vector_get_string(&array, v, "/array");
		CHECK(rebuild_columns(batch, &back));
		CHECK(eio_bytes_eq(eio_buf_bytes(&back), eio_buf_bytes(&array)));
		if (!vector_is_true(v, "/byHand")) {
			CHECK(columns_encode(c, eio_buf_bytes(&array), &made));
			CHECK(eio_bytes_eq(made, batch));
		}
		/* Cut at any place it is none. */
		for (size_t k = 0; k < batch.n; k++) {
			eio_buf_clear(&back);
			CHECK(!rebuild_columns(eio_bytes(batch.p, k), &back));
		}
		free((char *)batch.p);
		eio_buf_deinit(&array);
		eio_buf_deinit(&back);
	}
	assert_true(n > 20);
	eio_buf_deinit(&file);
	columns_free(c);
}

static void
test_refused(void **state)
{
	struct eio_buf file = { 0 }, back = { 0 };
	struct sio_json_iter it;
	struct eio_bytes v;
	int n = 0;

	(void)state;
	read_vectors(&file);
	it = sio_json_iter(vector_get(eio_buf_bytes(&file), "/refused"));
	for (; sio_json_next(&it, NULL, &v); n++) {
		struct eio_bytes batch = batch_of(v);

		name_vector(v);
		eio_buf_clear(&back);
		CHECK(!rebuild_columns(batch, &back) || vector_is_true(v, "/text"));
		free((char *)batch.p);
	}
	assert_true(n > 20);
	eio_buf_deinit(&back);
	eio_buf_deinit(&file);
}

static void
test_stays_array(void **state)
{
	static const char *const arrays[] = { "[]", "[ \n ]", "[1]", "[{\"a\":1}]", "[null,true]",
		"[1,\"two\",[3],{\"4\":4}]" };
	struct columns *c = columns_new();
	struct eio_buf same = { 0 };
	struct eio_bytes batch;

	(void)state;
	for (size_t i = 0; i < sizeof arrays / sizeof arrays[0]; i++)
		assert_false(columns_encode(c, eio_cstr(arrays[i]), &batch));
	/* More than a decoder follows: a million times the same. */
	eio_buf_addc(&same, '[');
	for (int i = 0; i < 1000000; i++) eio_buf_append(&same, i ? ",12345678" : "12345678", i ? 9 : 8);
	eio_buf_addc(&same, ']');
	assert_false(columns_encode(c, eio_buf_bytes(&same), &batch));
	eio_buf_deinit(&same);
	columns_free(c);
}

/* Random messages */

static void
add_number(struct eio_buf *out)
{
	static const char *const odd[] = { "-0", "0.0", "1e5", "-1E-2", "1.50", "12345678901234567890",
		"0.1234567890123456", "-999999999999999", "999999999999999", "0.000000000000001", "100", "10.10" };

	switch (dice(6)) {
	case 0: eio_buf_add(out, eio_cstr(odd[dice(sizeof odd / sizeof odd[0])])); break;
	case 1: eio_buf_printf(out, "%d", (int)dice(2000000) - 1000000); break;
	default: eio_buf_printf(out, "%u.%02u", dice(300), dice(100));
	}
}

static void
add_value(struct eio_buf *out, unsigned depth)
{
	static const char *const texts[] = { "\"\"", "\"a\"", "\"\\\"\\\\\"", "\"ż\"", "\"𝄞 \\ud834\"", "null", "true",
		"false", "{}", "[]", "[ ]", "\"north\"", "\"a long text that comes again and again\"" };
	unsigned n = dice(12), list = dice(3);

	if (depth > 10 || dice(3) == 0) {
		eio_buf_add(out, eio_cstr(texts[dice(sizeof texts / sizeof texts[0])]));
	} else if (dice(2)) {
		add_number(out);
	} else {
		eio_buf_addc(out, list ? '[' : '{');
		for (unsigned i = 0; i < n; i++) {
			if (i) eio_buf_append(out, ", ", 1 + dice(2));
			if (!list) eio_buf_printf(out, "\"%c\":", 'a' + (int)dice(4));
			if (list == 1)
				add_number(out);
			else
				add_value(out, depth + 1 + n / 4);
		}
		eio_buf_addc(out, list ? ']' : '}');
	}
}

static void
add_message(struct eio_buf *out, unsigned kind, unsigned i)
{
	switch (kind) {
	case 0:
		eio_buf_printf(out, "{\"id\":%u,\"name\":\"n%u\",\"price\":", i, dice(9));
		add_number(out);
		eio_buf_printf(out, ",\"at\":%llu,\"list\":[", 1700000000000ULL + i * 7 + dice(5));
		for (unsigned k = 0, n = dice(4) * 5; k < n; k++)
			eio_buf_printf(out, "%s[%u,%u]", k ? "," : "", k, dice(99));
		eio_buf_append(out, "]}", 2);
		break;
	case 1: eio_buf_printf(out, "{\"t\": \"%08x\", \"v\": [%u, %u]}", dice(1u << 30), dice(7), dice(999)); break;
	default: add_value(out, 0);
	}
}

static void
test_random(void **state)
{
	struct columns *c = columns_new();
	struct eio_buf array = { 0 }, back = { 0 };
	struct eio_bytes batch;
	unsigned encoded = 0;

	(void)state;
	dice_state = 15;
	for (int round = 0; round < 3000; round++) {
		unsigned n = 1 + dice(round % 10 ? 20 : 200), kinds = 1 + dice(3), first = dice(3);

		eio_buf_clear(&array);
		eio_buf_addc(&array, '[');
		for (unsigned i = 0; i < n; i++) {
			if (i) eio_buf_addc(&array, ',');
			add_message(&array, (first + dice(kinds)) % 3, i);
		}
		eio_buf_addc(&array, ']');
		assert_int_equal(sio_json_check(eio_buf_bytes(&array)), 0);
		if (!columns_encode(c, eio_buf_bytes(&array), &batch)) continue;
		encoded++;
		eio_buf_clear(&back);
		assert_true(rebuild_columns(batch, &back));
		assert_true(eio_bytes_eq(eio_buf_bytes(&back), eio_buf_bytes(&array)));
	}
	assert_true(encoded > 1500);
	eio_buf_deinit(&array);
	eio_buf_deinit(&back);
	columns_free(c);
}

/* What somebody changed on the way is a batch or refused, and nothing else happens. */
static void
test_damaged(void **state)
{
	struct columns *c = columns_new();
	struct eio_buf array = { 0 }, back = { 0 };
	struct eio_bytes batch;
	char *copy;

	(void)state;
	dice_state = 16;
	eio_buf_addc(&array, '[');
	for (unsigned i = 0; i < 30; i++) {
		if (i) eio_buf_addc(&array, ',');
		add_message(&array, i % 2, i);
	}
	eio_buf_addc(&array, ']');
	assert_true(columns_encode(c, eio_buf_bytes(&array), &batch));
	copy = malloc(batch.n);
	for (size_t i = 0; i < batch.n * 8; i++) {
		memcpy(copy, batch.p, batch.n);
		copy[i / 8] = (char)(copy[i / 8] ^ 1 << i % 8);
		eio_buf_clear(&back);
		(void)rebuild_columns(eio_bytes(copy, batch.n), &back);
	}
	free(copy);
	eio_buf_deinit(&array);
	eio_buf_deinit(&back);
	columns_free(c);
}

/* Without memory there is no batch, and with memory again there is. */
static void
test_no_memory(void **state)
{
	struct eio_buf array = { 0 }, back = { 0 };
	bool reached = true;
	long refused = 0;

	(void)state;
	dice_state = 17;
	eio_buf_addc(&array, '[');
	for (unsigned i = 0; i < 300; i++) {
		if (i) eio_buf_addc(&array, ',');
		add_message(&array, i % 2, i);
	}
	eio_buf_addc(&array, ']');
	for (long n = 0; reached; n++) {
		struct eio_bytes batch;
		struct columns *c;
		bool good;

		failmalloc_arm(n);
		c = columns_new();
		good = c && columns_encode(c, eio_buf_bytes(&array), &batch);
		reached = failmalloc_disarm();
		refused += !good;
		if (!good && c) good = columns_encode(c, eio_buf_bytes(&array), &batch);
		if (c) {
			assert_true(good);
			eio_buf_clear(&back);
			assert_true(rebuild_columns(batch, &back));
			assert_true(eio_bytes_eq(eio_buf_bytes(&back), eio_buf_bytes(&array)));
		}
		columns_free(c);
	}
	assert_true(refused > 10);
	eio_buf_deinit(&array);
	eio_buf_deinit(&back);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_stays_array),
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

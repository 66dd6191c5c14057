/* SPDX-License-Identifier: MIT */
/* Batches, questions and answers on their way between siocasts: what is written is what is read, and what names places
 * that there are not is refused. */
#include "src/relay/batch.h"

#include "src/feed/keys.h"
#include "src/relay/ask.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static struct eio_bundle *
bundle_of(const char *text, bool attachment)
{
	const struct eio_message m[] = { { .json = true, .data = eio_cstr(text) },
		{ .binary = true, .data = EIO_LIT("\0\xff") } };
	struct eio_bundle *b = eio_bundle_new(m, attachment ? 2 : 1);

	assert_non_null(b);
	return b;
}

static void
assert_same_packets(const struct eio_bundle *a, const struct eio_bundle *b)
{
	struct eio_message x, y;
	size_t i = 0;

	for (; eio_bundle_message(a, i, &x); i++) {
		assert_true(eio_bundle_message(b, i, &y));
		assert_true(eio_bytes_eq(x.data, y.data) && x.binary == y.binary && x.json == y.json);
	}
	assert_false(eio_bundle_message(b, i, &y));
}

static void
test_room(void **state)
{
	struct delivery_item item = { .bundle = bundle_of("2[\"e\",1]", true),
		.slow = FEED_SLOW_LATEST,
		.lag_event = true,
		.retained = true,
		.stream = UINT64_C(0x0102030405060708) };
	struct relay_batch got;
	struct eio_buf out = { 0 };
	bool nomem;

	(void)state;
	assert_true(relay_batch_write(&out, &item, 300));
	assert_memory_equal(out.p, "\xac\x02\x0d\x08\x07\x06\x05\x04\x03\x02\x01\x02\x02\x08", 14);
	assert_true(relay_batch_read(RELAY_BATCH, eio_buf_bytes(&out), &got, &nomem));
	assert_int_equal(got.number, 300);
	assert_int_equal(got.slow, FEED_SLOW_LATEST);
	assert_true(got.lag_event && got.retained && !got.fleeting && !got.keys && !got.audience);
	assert_int_equal(got.stream, item.stream);
	assert_same_packets(got.bundle, item.bundle);
	relay_batch_deinit(&got);
	/* Whatever is cut off of it, it is none any more; nor with something behind it. */
	for (size_t n = 0; n < out.n; n++)
		assert_false(relay_batch_read(RELAY_BATCH, eio_bytes(out.p, n), &got, &nomem));
	eio_buf_addc(&out, 0);
	assert_false(relay_batch_read(RELAY_BATCH, eio_buf_bytes(&out), &got, &nomem));
	assert_false(nomem);
	eio_buf_deinit(&out);
	eio_bundle_unref(item.bundle);
}

/* An offset is of one siocast: it stays there. */
static void
test_bare(void **state)
{
	const struct eio_message m = {
		.data = EIO_LIT("2[\"e\",1"), .more = { EIO_LIT(",\"7\""), EIO_LIT("]") }, .extra = 4
	};
	struct delivery_item item = { .bundle = eio_bundle_new(&m, 1) };
	struct eio_message packet;
	struct relay_batch got;
	struct eio_buf out = { 0 };
	bool nomem;

	(void)state;
	assert_true(relay_batch_write(&out, &item, 1));
	assert_true(relay_batch_read(RELAY_BATCH, eio_buf_bytes(&out), &got, &nomem));
	assert_true(eio_bundle_message(got.bundle, 0, &packet));
	assert_true(eio_bytes_eq(packet.data, EIO_LIT("2[\"e\",1]")));
	relay_batch_deinit(&got);
	eio_buf_deinit(&out);
	eio_bundle_unref(item.bundle);
}

static void
test_audience(void **state)
{
	const struct eio_bytes rooms[] = { EIO_LIT("a"), EIO_LIT("") }, except[] = { EIO_LIT("c") };
	struct audience like = { .nsp = EIO_LIT("/x"), .rooms = rooms, .n_rooms = 2, .except = except, .n_except = 1 };
	struct delivery_item item = {
		.bundle = bundle_of("2[\"e\"]", false), .audience = audience_new(&like), .fleeting = true
	};
	struct relay_batch got;
	struct eio_buf out = { 0 };
	bool nomem;

	(void)state;
	assert_true(relay_batch_write(&out, &item, 0));
	assert_true(relay_batch_read(RELAY_AUDIENCE, eio_buf_bytes(&out), &got, &nomem));
	assert_int_equal(got.number, 0);
	assert_true(got.fleeting);
	assert_int_equal(got.audience->n_rooms, 2);
	assert_true(eio_bytes_eq(got.audience->rooms[0], EIO_LIT("a")));
	assert_true(eio_bytes_eq(got.audience->except[0], EIO_LIT("c")));
	assert_true(eio_bytes_eq(got.audience->nsp, EIO_LIT("/x")));
	relay_batch_deinit(&got);
	for (size_t n = 0; n < out.n; n++)
		assert_false(relay_batch_read(RELAY_AUDIENCE, eio_bytes(out.p, n), &got, &nomem));
	eio_buf_deinit(&out);
	audience_unref(item.audience);
	eio_bundle_unref(item.bundle);
}

static struct feed_keys *
keys_of(const struct feed_keys *head, const struct feed_mark *v)
{
	struct feed_keys *k = malloc(sizeof *k + head->n * sizeof *v);

	assert_non_null(k);
	*k = *head;
	atomic_init(&k->refs, 1);
	memcpy(k->v, v, head->n * sizeof *v);
	return k;
}

/* Whether keys that are said to be of `2["e",[1,22]]` are taken. */
static bool
takes_keys(const struct feed_keys *head, const struct feed_mark *v, struct feed_keys **out)
{
	struct delivery_item item = { .bundle = bundle_of("2[\"e\",[1,22]]", false), .keys = keys_of(head, v) };
	struct relay_batch got;
	struct eio_buf wire = { 0 };
	bool nomem, good;

	assert_true(relay_batch_write(&wire, &item, 1));
	good = relay_batch_read(RELAY_BATCH, eio_buf_bytes(&wire), &got, &nomem);
	if (good && out) *out = feed_keys_ref(got.keys);
	if (good) relay_batch_deinit(&got);
	eio_buf_deinit(&wire);
	feed_keys_unref(item.keys);
	eio_bundle_unref(item.bundle);
	return good;
}

static void
test_keys(void **state)
{
	static const struct feed_mark v[] = { { 7, 11 }, { 9, 12 } }, wild[] = { { 7, 1 }, { 70, 2 } };
	static const struct feed_keys right = { .max = 5, .list = true, .begin = 7, .end = 11, .last = 11, .n = 2 };
	struct feed_keys k = right, *got;

	(void)state;
	assert_true(takes_keys(&right, v, &got));
	assert_int_equal(got->n, 2);
	assert_memory_equal(got->v, v, sizeof v);
	assert_true(got->list && !got->whole && !got->columns && got->max == 5 && got->begin == 7 && got->end == 11);
	feed_keys_unref(got);
	assert_false(takes_keys(&right, wild, NULL));
	k.last = 40;
	assert_false(takes_keys(&k, v, NULL));
	k = right;
	k.end = 40;
	assert_false(takes_keys(&k, v, NULL));
	k = right;
	k.begin = 12;
	assert_false(takes_keys(&k, v, NULL));
	k = right;
	k.packet = 1;
	assert_false(takes_keys(&k, v, NULL));
	k = right;
	k.max = 0;
	assert_false(takes_keys(&k, v, NULL));
	k = right;
	k.whole = true;
	assert_false(takes_keys(&k, v, NULL));
	k = (struct feed_keys){ .max = 1, .whole = true, .n = 1 };
	assert_true(takes_keys(&k, v, NULL));
	k.list = k.columns = true;
	assert_false(takes_keys(&k, v, NULL));
}

/* Whether columns of `[1,22]` are taken, which stand beside the packet where array says so. */
static bool
takes_columns(const char *data, const char *array, const struct feed_mark *v)
{
	const struct eio_message m[] = { { .json = true,
						 .data = EIO_LIT("51-[\"e\",{\"_placeholder\":true,\"num\":0}]") },
		{ .binary = true, .data = eio_cstr(data) } };
	const size_t last = strlen(array ? array : data) - 1;
	const struct feed_keys head = { .max = 5,
		.list = true,
		.columns = true,
		.packet = 1,
		.end = strlen(data),
		.last = last,
		.array = (char *)(uintptr_t)array,
		.array_n = array ? last + 1 : 0,
		.n = 2 };
	struct delivery_item item = { .bundle = eio_bundle_new(m, 2), .keys = keys_of(&head, v) };
	struct relay_batch got;
	struct eio_buf wire = { 0 };
	bool nomem, good;

	assert_true(relay_batch_write(&wire, &item, 1));
	good = relay_batch_read(RELAY_BATCH, eio_buf_bytes(&wire), &got, &nomem);
	assert_false(nomem);
	if (good) relay_batch_deinit(&got);
	eio_buf_deinit(&wire);
	item.keys->array = NULL;
	feed_keys_unref(item.keys);
	eio_bundle_unref(item.bundle);
	return good;
}

/* Whoever puts columns together does not look where a message ends. */
static void
test_columns(void **state)
{
	static const struct feed_mark v[] = { { 1, 11 }, { 3, 12 } };

	(void)state;
	assert_true(takes_columns("[1,22]", NULL, v));
	assert_true(takes_columns("\1columns", "[1,22]", v));
	assert_false(takes_columns("[1,\"2]", NULL, v));
	assert_false(takes_columns("[{,22]", NULL, v));
	assert_false(takes_columns("\1columns", "[1,\"2]", v));
	assert_false(takes_columns("\1columns", "[1,  ]", v));
}

/* An offset is put behind the arguments of what is passed on. */
static void
test_what_is_no_event(void **state)
{
	static const char *const none[] = { "", "2", "2[", "2[]x", "0{}]", "6[1]", "]", "3[1]" };
	struct relay_batch got;
	bool nomem;

	(void)state;
	for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
		struct delivery_item item = { .bundle = bundle_of(none[i], false) };
		struct eio_buf out = { 0 };

		assert_true(relay_batch_write(&out, &item, 1));
		if (relay_batch_read(RELAY_BATCH, eio_buf_bytes(&out), &got, &nomem)) fail_msg("\"%s\"", none[i]);
		assert_false(nomem);
		eio_buf_deinit(&out);
		eio_bundle_unref(item.bundle);
	}
}

static void
test_binary_is_no_event(void **state)
{
	const struct eio_message m = { .binary = true, .data = EIO_LIT("2[1]") };
	struct delivery_item item = { .bundle = eio_bundle_new(&m, 1) };
	struct relay_batch got;
	struct eio_buf out = { 0 };
	bool nomem;

	(void)state;
	assert_true(relay_batch_write(&out, &item, 1));
	assert_false(relay_batch_read(RELAY_BATCH, eio_buf_bytes(&out), &got, &nomem));
	eio_buf_deinit(&out);
	eio_bundle_unref(item.bundle);
}

static void
test_question(void **state)
{
	const struct eio_bytes rooms[] = { EIO_LIT("a"), EIO_LIT("b") }, has[] = { EIO_LIT("c") };
	const struct feed_ask asked = { .nsp = EIO_LIT("/x"),
		.everyone = true,
		.rooms = rooms,
		.n_rooms = 2,
		.has = has,
		.n_has = 1,
		.id = EIO_LIT("id") };
	struct feed_ask got = { .magic = 0 };
	struct eio_bytes *names;
	struct eio_buf out = { 0 };
	bool nomem;

	(void)state;
	relay_question_write(&out, &asked, true);
	assert_true(relay_question_read(eio_buf_bytes(&out), &got, &names, &nomem));
	assert_true(got.everyone && got.n_rooms == 2 && got.n_has == 1);
	assert_true(eio_bytes_eq(got.nsp, EIO_LIT("/x")) && eio_bytes_eq(got.id, EIO_LIT("id")));
	assert_true(eio_bytes_eq(got.rooms[1], EIO_LIT("b")) && eio_bytes_eq(got.has[0], EIO_LIT("c")));
	free(names);
	for (size_t n = 0; n < out.n; n++) assert_false(relay_question_read(eio_bytes(out.p, n), &got, &names, &nomem));
	eio_buf_clear(&out);
	relay_question_write(&out, &asked, false);
	assert_true(relay_question_read(eio_buf_bytes(&out), &got, &names, &nomem));
	assert_int_equal(got.id.n, 0);
	free(names);
	eio_buf_deinit(&out);
}

static void
forget_bundles(struct feed_ask *a)
{
	for (size_t i = 0; i < a->n; i++) eio_bundle_unref(a->bundles[i]);
	free(a->bundles);
	a->bundles = NULL;
	a->n = 0;
}

static void
test_answer(void **state)
{
	struct eio_bundle *bundles[] = { bundle_of("2[\"a\"]", false), bundle_of("51-[\"b\"]", true) };
	struct feed_ask told = { .bundles = bundles, .n = 2, .done = 3 }, got = { .n_rooms = 2, .everyone = true };
	struct eio_buf out = { 0 };

	(void)state;
	relay_answer_write(&out, &told);
	assert_true(relay_answer_read(eio_buf_bytes(&out), &got));
	assert_true(got.n == 2 && got.done == 3 && !got.failed);
	for (size_t i = 0; i < 2; i++) assert_same_packets(got.bundles[i], bundles[i]);
	forget_bundles(&got);
	for (size_t n = 0; n < out.n; n++) {
		assert_false(relay_answer_read(eio_bytes(out.p, n), &got));
		forget_bundles(&got);
	}
	/* About more than was asked, or about nothing. */
	got.n_rooms = 1;
	assert_false(relay_answer_read(eio_buf_bytes(&out), &got));
	forget_bundles(&got);
	told.done = 0;
	eio_buf_clear(&out);
	relay_answer_write(&out, &told);
	assert_false(relay_answer_read(eio_buf_bytes(&out), &got));
	forget_bundles(&got);
	told.failed = true;
	eio_buf_clear(&out);
	relay_answer_write(&out, &told);
	assert_true(relay_answer_read(eio_buf_bytes(&out), &got) && got.failed);
	forget_bundles(&got);
	eio_buf_deinit(&out);
	eio_bundle_unref(bundles[0]);
	eio_bundle_unref(bundles[1]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_room),
		cmocka_unit_test(test_bare),
		cmocka_unit_test(test_audience),
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_columns),
		cmocka_unit_test(test_what_is_no_event),
		cmocka_unit_test(test_binary_is_no_event),
		cmocka_unit_test(test_question),
		cmocka_unit_test(test_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

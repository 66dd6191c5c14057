/* SPDX-License-Identifier: MIT */
/*
 * The newest message of each key: random streams in every format and encoding, looked at by clients that fell behind
 * anywhere, against a model that keeps all messages in a list.
 */
#include "sio/event.h"
#include "sio/json.h"
#include "src/clients/newest.h"
#include "src/feed/format.h"
#include "src/feed/stream.h"
#include "tests/unit/dice.h"
#include "tests/unit/failmalloc.h"
#include "tests/unit/rebuild.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum {
	KEYS = 12,
	MESSAGES_MAX = 3000,
	ROUNDS = 60,
	BATCHES = 80,
};

static const uint64_t hash_key[2] = { 7, 9 };

/* A message as the model knows it. */
struct said {
	int key; /* -1: none */
	unsigned n;
};

struct test {
	struct feed_spec feed;
	struct feed_streams streams;
	struct feed_stream *stream;
	struct newest newest;
	struct said all[MESSAGES_MAX + 1]; /* from 1 on */
	size_t heads[MESSAGES_MAX + 1]; /* where each batch ended */
	size_t n, n_heads;
	uint64_t now_ms;
	bool begun;
	bool failed; /* a batch was lost for want of memory */
	bool offset; /* broadcasts have one behind their payload */
	bool large; /* batches are so large that they are held, not copied */
};

static const struct eio_bytes offset = { "Zz9", 3 };

static void
on_flush(void *user, struct feed_stream *stream, const struct feed_content *content, unsigned count, uint64_t now_ms)
{
	static const enum sio_encode encodes[] = { SIO_ENCODE_BINARY, SIO_ENCODE_JSON, SIO_ENCODE_TEXT };
	struct test *t = user;
	struct sio_broadcast b = { .nsp = EIO_LIT("/n"),
		.event = stream->event,
		.encode = encodes[t->feed.encode],
		.payload = content->body,
		.before = content->before,
		.after = content->after };
	struct eio_bundle *bundle;
	struct feed_keys *keys;

	(void)now_ms;
	if (t->offset) b.offset = offset;
	assert_int_equal(content->n_marks, count);
	if (sio_broadcast_bundle(&b, &bundle) < 0) {
		t->failed = true;
		return;
	}
	keys = feed_keys_new(&t->feed, content, bundle, sio_offset_size(b.offset));
	if (keys) {
		newest_add(&t->newest, bundle, keys);
		t->heads[++t->n_heads] = t->newest.head;
	} else {
		t->failed = true;
	}
	feed_keys_unref(keys);
	eio_bundle_unref(bundle);
}

static void
on_release(void *user, struct feed_stream *stream)
{
	(void)user;
	(void)stream;
}

static bool
start(struct test *t, enum feed_encode encode, enum feed_format format, unsigned interval)
{
	static char pointer[] = "/s";
	bool made;

	memset(t, 0, sizeof *t);
	t->feed = (struct feed_spec){ .encode = encode,
		.format = format,
		.interval_ms = interval,
		.max_messages = 1000000,
		.max_bytes = 200,
		.latest_per = pointer,
		.latest_max = 1000 };
	if (newest_init(&t->newest)) return false;
	if (feed_streams_init(&t->streams, &t->feed, hash_key, on_flush, on_release, t)) {
		newest_deinit(&t->newest);
		return false;
	}
	t->begun = true;
	t->stream = feed_streams_get(&t->streams, EIO_LIT("a\"e"), sio_room_everyone(EIO_LIT("/n")), 0, &made);
	return t->stream != NULL;
}

static void
finish(struct test *t)
{
	feed_streams_deinit(&t->streams);
	newest_deinit(&t->newest);
}

/* Keys are strings, some with escapes and more than ASCII in them; or there is none. */
static bool
say(struct test *t, int key)
{
	static const char *const fillers[] = { "", "\xc3\xa9\\n\\u0041", "\\\"]},[{",
		"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" };
	unsigned n = (unsigned)++t->n, pad = t->large ? 100 + n * 11 % 500 : 0;
	struct message m = { .now_ms = t->now_ms };
	char text[1000];

	t->all[n] = (struct said){ key, n };
	if (key < 0)
		snprintf(text, sizeof text, "{\"n\":%u}", n);
	else
		snprintf(text, sizeof text, "{\"n\":%u,\"x\":\"%s%*s\",\"s\":\"k%s%d\"}", n, fillers[n * 7 % 4],
			(int)pad, "", n % 2 ? "\\u0062" : "b", key);
	m.payload = eio_cstr(text);
	if (feed_key_of(hash_key, &t->feed, m.payload, &m.key) &&
		feed_streams_append(&t->streams, t->stream, &m) == FEED_FATE_TAKEN)
		return true;
	t->n--;
	return false;
}

/* Time goes by, and what is due leaves. */
static void
pass(struct test *t)
{
	t->now_ms += 300;
	feed_streams_tick(&t->streams, t->now_ms);
}

/* Reading what a client gets */

static unsigned
number_of(struct eio_bytes message)
{
	struct eio_bytes v;

	assert_int_equal(sio_json_check(message), 0);
	assert_true(sio_json_find(message, EIO_LIT("/n"), &v));
	return (unsigned)strtoul(v.p, NULL, 10);
}

static unsigned n_columns; /* batches that were */

static size_t
read_batch(const struct feed_spec *f, struct eio_bytes s, unsigned *out)
{
	struct eio_buf array = { 0 };
	struct sio_json_iter it;
	struct eio_bytes v;
	size_t n = 0;

	if (feed_format_is_list(f->format)) {
		if (s.p[0] == COLUMNS_FIRST) {
			assert_true(rebuild_columns(s, &array));
			s = eio_buf_bytes(&array);
			n_columns++;
		}
		assert_int_equal(sio_json_check(s), 0);
		for (it = sio_json_iter(s); sio_json_next(&it, NULL, &v);) out[n++] = number_of(v);
		eio_buf_deinit(&array);
		return n;
	}
	while (s.n) {
		const char *end = f->format == FEED_FORMAT_LINES ? memchr(s.p, '\n', s.n) : NULL;
		size_t skip = f->format == FEED_FORMAT_LINES ? 0 : 4, length;

		if (f->format == FEED_FORMAT_LINES) {
			assert_non_null(end);
			length = (size_t)(end - s.p);
		} else {
			length = (size_t)(unsigned char)s.p[2] << 8 | (unsigned char)s.p[3];
		}
		out[n++] = number_of(eio_bytes(s.p + skip, length));
		skip += length + (f->format == FEED_FORMAT_LINES);
		s = eio_bytes(s.p + skip, s.n - skip);
	}
	return n;
}

/* An event without its offset, in mem. */
static struct eio_bytes
take_offset(struct eio_bytes text, char *mem)
{
	static const char end[] = ",\"Zz9\"]";
	size_t n = sizeof end - 1;

	assert_true(text.n > n && memcmp(text.p + text.n - n, end, n) == 0);
	memcpy(mem, text.p, text.n - n);
	mem[text.n - n] = ']';
	return eio_bytes(mem, text.n - n + 1);
}

/* The numbers of all messages of an event. */
static size_t
read_event(const struct feed_spec *f, struct eio_bytes text, struct eio_bytes attachment, unsigned *out)
{
	static const char binary[] = "51-/n,[\"a\\\"e\",{\"_placeholder\":true,\"num\":0}]",
			  event[] = "2/n,[\"a\\\"e\",";
	struct eio_buf plain = { 0 };
	struct eio_bytes arg;
	size_t n;

	if (f->encode == FEED_ENCODE_BINARY) {
		assert_true(eio_bytes_eq(text, eio_cstr(binary)));
		return read_batch(f, attachment, out);
	}
	assert_true(text.n > sizeof event && memcmp(text.p, event, sizeof event - 1) == 0);
	assert_int_equal(text.p[text.n - 1], ']');
	arg = eio_bytes(text.p + sizeof event - 1, text.n - sizeof event);
	if (f->encode == FEED_ENCODE_TEXT) {
		assert_int_equal(sio_json_check(arg), 0);
		sio_json_unescape(&plain, arg);
		arg = eio_buf_bytes(&plain);
	}
	if (feed_is_bare(f)) {
		*out = number_of(arg);
		n = 1;
	} else {
		n = read_batch(f, arg, out);
	}
	eio_buf_deinit(&plain);
	return n;
}

static size_t
read_bundle(const struct feed_spec *f, bool with_offset, const struct eio_bundle *b, unsigned *out)
{
	static char mem[1 << 18];
	struct eio_message m, attachment = { 0 };
	size_t n = 0;

	for (size_t i = 0; eio_bundle_message(b, i, &m); i++) {
		assert_true(m.data.n < sizeof mem);
		if (with_offset) m.data = take_offset(m.data, mem);
		if (f->encode == FEED_ENCODE_BINARY) assert_true(eio_bundle_message(b, ++i, &attachment));
		n += read_event(f, m.data, attachment.data, out + n);
	}
	return n;
}

/* The model */

static bool
replaced(const struct test *t, size_t i)
{
	if (t->all[i].key < 0) return false;
	for (size_t k = i + 1; k <= t->newest.head; k++)
		if (t->all[k].key == t->all[i].key) return true;
	return false;
}

static bool
is_batch(const struct test *t, size_t from, size_t to)
{
	/* Those of old are taken apart, and a client that missed one of them gets what is the newest of it. */
	for (size_t i = 1; i <= t->n_heads; i++)
		if (t->heads[i - 1] == from && t->heads[i] == to)
			for (unsigned k = 0; k < t->newest.n_recent; k++)
				if (t->newest.recent[k].last == to) return true;
	return false;
}

static void
check(struct test *t, size_t from, size_t to)
{
	static unsigned got[MESSAGES_MAX];
	bool whole = is_batch(t, from, to);
	struct newest_news news;
	size_t n = 0, k = 0;

	assert_int_equal(newest_take(&t->newest, from, to, &news), 0);
	if (news.bundle) n = read_bundle(&t->feed, t->offset, news.bundle, got);
	assert_int_equal(news.messages, n);
	for (size_t i = from + 1; i <= to; i++) {
		if (!whole && replaced(t, i)) continue;
		assert_true(k < n);
		assert_int_equal(got[k], t->all[i].n);
		k++;
	}
	assert_int_equal(k, n);
	eio_bundle_unref(news.bundle);
}

static void
play(struct test *t, int keys)
{
	for (int b = 0; b < BATCHES && t->n < MESSAGES_MAX - 64; b++) {
		unsigned messages = 1 + dice(dice(4) ? 4 : 40);

		while (messages--) say(t, (int)dice((unsigned)keys + 1) - 1);
		pass(t);
		if (!t->n_heads || dice(3)) continue;
		check(t, t->heads[dice((unsigned)t->n_heads + 1)], t->newest.head);
		/* Who was no member any more when the last came. */
		if (dice(2)) {
			size_t i = dice((unsigned)t->n_heads + 1), k = i + dice((unsigned)(t->n_heads - i) + 1);

			check(t, t->heads[i], t->heads[k]);
		}
	}
}

static void
test_model(void **state)
{
	static const struct {
		enum feed_encode encode;
		enum feed_format format;
		unsigned interval;
	} kinds[] = {
		{ FEED_ENCODE_BINARY, FEED_FORMAT_ARRAY, 200 },
		{ FEED_ENCODE_BINARY, FEED_FORMAT_LINES, 200 },
		{ FEED_ENCODE_BINARY, FEED_FORMAT_FRAMES, 200 },
		{ FEED_ENCODE_BINARY, FEED_FORMAT_FRAMES, 0 },
		{ FEED_ENCODE_BINARY, FEED_FORMAT_COLUMNS, 200 },
		{ FEED_ENCODE_BINARY, FEED_FORMAT_COLUMNS, 0 },
		{ FEED_ENCODE_JSON, FEED_FORMAT_ARRAY, 200 },
		{ FEED_ENCODE_JSON, FEED_FORMAT_ARRAY, 0 },
		{ FEED_ENCODE_TEXT, FEED_FORMAT_ARRAY, 200 },
		{ FEED_ENCODE_TEXT, FEED_FORMAT_LINES, 200 },
		{ FEED_ENCODE_TEXT, FEED_FORMAT_LINES, 0 },
	};
	static struct test t;

	(void)state;
	dice_state = 1;
	for (unsigned round = 0; round < ROUNDS; round++) {
		for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
			assert_true(start(&t, kinds[i].encode, kinds[i].format, kinds[i].interval));
			t.offset = round % 2;
			t.large = round % 3 == 2;
			if (t.large) t.feed.max_bytes = 20000;
			play(&t, (int)(round % KEYS) + 1);
			finish(&t);
		}
	}
	assert_true(n_columns > 100);
}

/* With more keys than are kept the oldest go, and are counted. */
static void
test_bound(void **state)
{
	static struct test t;
	struct newest_news news;
	unsigned got[64];

	(void)state;
	assert_true(start(&t, FEED_ENCODE_JSON, FEED_FORMAT_ARRAY, 200));
	t.feed.latest_max = 3;
	for (int i = 0; i < 10; i++) {
		say(&t, i % 5);
		pass(&t);
	}
	assert_int_equal(newest_take(&t.newest, 0, 10, &news), 0);
	assert_int_equal(read_bundle(&t.feed, false, news.bundle, got), 3);
	for (unsigned i = 0; i < 3; i++) assert_int_equal(got[i], 8 + i);
	assert_true(t.newest.given_up > 0);
	assert_int_equal(t.newest.stock.count, 3);
	eio_bundle_unref(news.bundle);
	/* And so they do when there is not enough memory for them all. */
	newest_trim(&t.newest, 0, false);
	assert_int_equal(t.newest.stock.count, 0);
	assert_int_equal(t.newest.stock.bytes, 0);
	assert_int_equal(newest_take(&t.newest, 0, 10, &news), 0);
	assert_null(news.bundle);
	finish(&t);
}

/* One batch may always wait, whatever its size. */
static void
test_last_stays(void **state)
{
	static struct test t;
	struct newest_news news;
	unsigned got[64];

	(void)state;
	assert_true(start(&t, FEED_ENCODE_JSON, FEED_FORMAT_ARRAY, 200));
	for (int i = 0; i < 9; i++) {
		say(&t, i);
		if (i % 3 == 2) pass(&t);
	}
	newest_trim(&t.newest, 1, true);
	assert_int_equal(t.newest.n_recent, 1);
	assert_int_equal(t.newest.given_up, 6);
	assert_int_equal(newest_take(&t.newest, 0, 9, &news), 0);
	assert_int_equal(read_bundle(&t.feed, false, news.bundle, got), 3);
	for (unsigned i = 0; i < 3; i++) assert_int_equal(got[i], 7 + i);
	eio_bundle_unref(news.bundle);
	finish(&t);
}

/* However long somebody is behind, no more is kept than the keys. */
static void
test_memory(void **state)
{
	static struct test t;
	size_t most = 0;

	(void)state;
	assert_true(start(&t, FEED_ENCODE_BINARY, FEED_FORMAT_LINES, 200));
	for (int i = 0; i < 2000; i++) {
		t.n = 0;
		say(&t, i % KEYS);
		pass(&t);
		t.n_heads = 0;
		if (newest_cost(&t.newest) > most) most = newest_cost(&t.newest);
	}
	assert_true(most < 16000);
	newest_settle(&t.newest);
	assert_int_equal(t.newest.stock.count, KEYS);
	assert_int_equal(t.newest.given_up, 0);
	finish(&t);
}

/* The bytes of messages that are kept; *held: of those that are in batches. */
static size_t
kept_bytes(const struct stock *k, size_t *held)
{
	size_t n = 0;

	*held = 0;
	for (const struct eio_list *l = k->order.next; l != &k->order; l = l->next) {
		const struct stock_message *m = EIO_CONTAINER(l, struct stock_message, link);

		n += m->bytes.n;
		if (m->hold) *held += m->bytes.n;
	}
	return n;
}

static void
settled_batch(struct test *t, int from, int to)
{
	for (int i = from; i < to; i++) say(t, i);
	pass(t);
	newest_settle(&t->newest);
}

/* A large batch is not copied, but held while half of it is of use. */
static void
test_held(void **state)
{
	static const enum feed_format formats[] = { FEED_FORMAT_LINES, FEED_FORMAT_ARRAY, FEED_FORMAT_COLUMNS };
	static struct test t;
	size_t held, n, before;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		assert_true(start(&t, FEED_ENCODE_BINARY, formats[i], 200));
		t.large = true;
		t.feed.max_bytes = 100000;
		settled_batch(&t, 0, 100);
		n = kept_bytes(&t.newest.stock, &held);
		assert_true(n > 20000);
		assert_int_equal(held, n);
		/* All of it is replaced: the next is in its place. */
		before = t.newest.stock.bytes;
		settled_batch(&t, 0, 100);
		n = kept_bytes(&t.newest.stock, &held);
		assert_int_equal(held, n);
		assert_in_range(t.newest.stock.bytes, before / 10 * 9, before / 9 * 10);
		/* A quarter is replaced: both are held. */
		settled_batch(&t, 0, 25);
		n = kept_bytes(&t.newest.stock, &held);
		assert_int_equal(held, n);
		/* Most is replaced: what is left of the first is copied. */
		settled_batch(&t, 20, 80);
		n = kept_bytes(&t.newest.stock, &held);
		assert_true(held < n);
		assert_true(t.newest.stock.bytes < 2 * n + 100 * (sizeof(struct stock_message) + 48) + 2000);
		check(&t, 0, t.newest.head);
		finish(&t);
	}
}

/* One key of each of many large batches stays: the batches do not. */
static void
test_held_no_longer(void **state)
{
	static struct test t;
	size_t held, n;

	(void)state;
	assert_true(start(&t, FEED_ENCODE_JSON, FEED_FORMAT_ARRAY, 200));
	t.large = true;
	t.feed.max_bytes = 100000;
	for (int i = 0; i < 25; i++) {
		say(&t, 1000 + i);
		settled_batch(&t, 0, 60);
	}
	n = kept_bytes(&t.newest.stock, &held);
	assert_int_equal(t.newest.stock.count, 85);
	assert_true(t.newest.stock.bytes < 2 * n + 85 * (sizeof(struct stock_message) + 48) + 2000);
	check(&t, 0, t.newest.head);
	/* And when there is too little memory, what goes takes its batch along. */
	newest_trim(&t.newest, n / 3, false);
	assert_true(newest_cost(&t.newest) <= n / 3);
	assert_true(t.newest.stock.count > 0);
	newest_trim(&t.newest, 0, false);
	assert_int_equal(t.newest.stock.bytes, 0);
	finish(&t);
}

static void
test_no_key(void **state)
{
	struct feed_spec f = { .latest_per = (char[]){ "/a/b" } };
	const struct {
		const char *a, *b;
		bool same;
	} pairs[] = {
		{ "{\"a\":{\"b\":\"x\"}}", "{\"a\":{\"b\":\"\\u0078\"},\"c\":1}", true },
		{ "{\"a\":{\"b\":1}}", "{\"a\":{\"b\":1.0}}", false },
		{ "{\"a\":{\"b\":\"1\"}}", "{\"a\":{\"b\":1}}", false },
		{ "{\"a\":{\"b\":null}}", "{\"a\":{\"b\":false}}", false },
		{ "{\"a\":{\"b\":[1]}}", "{\"a\":{\"b\":[1]}}", true },
	};
	uint64_t a, b;

	(void)state;
	assert_true(feed_key_of(hash_key, &f, EIO_LIT("{\"a\":1}"), &a));
	assert_int_equal(a, FEED_KEY_NONE);
	assert_true(feed_key_of(hash_key, &f, EIO_LIT("[]"), &a));
	assert_int_equal(a, FEED_KEY_NONE);
	for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
		assert_true(feed_key_of(hash_key, &f, eio_cstr(pairs[i].a), &a));
		assert_true(feed_key_of(hash_key, &f, eio_cstr(pairs[i].b), &b));
		assert_int_not_equal(a, FEED_KEY_NONE);
		assert_int_equal(a == b, pairs[i].same);
	}
}

/* Whatever allocation fails: what comes is right, or it is said that it cannot be. */
static void
test_nomem(void **state)
{
	static const enum feed_encode encodes[] = { FEED_ENCODE_BINARY, FEED_ENCODE_JSON, FEED_ENCODE_TEXT };
	static struct test t;
	bool reached = true;

	(void)state;
	for (long n = 0; reached; n++) {
		struct newest_news news = { 0 };
		unsigned got[256];
		int rc = -1;

		failmalloc_arm(n);
		if (start(&t, encodes[n % 3], n % 3 ? FEED_FORMAT_ARRAY : FEED_FORMAT_COLUMNS, 200)) {
			t.large = n / 3 % 2;
			if (t.large) t.feed.max_bytes = 20000;
			for (int i = 0; i < 60; i++) {
				say(&t, i % 7);
				if (i % (t.large ? 15 : 3) == 2) pass(&t);
			}
			pass(&t);
			rc = newest_take(&t.newest, 0, t.newest.head, &news);
		}
		reached = failmalloc_disarm();
		if (rc == 0 && news.bundle) {
			size_t k = read_bundle(&t.feed, false, news.bundle, got);

			assert_in_range(k, 1, 7);
			for (size_t i = 1; i < k; i++) assert_true(got[i - 1] < got[i]);
			if (!t.failed && t.n == 60) assert_int_equal(got[k - 1], 60);
		}
		eio_bundle_unref(news.bundle);
		if (t.begun) finish(&t);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_model),
		cmocka_unit_test(test_bound),
		cmocka_unit_test(test_last_stays),
		cmocka_unit_test(test_memory),
		cmocka_unit_test(test_held),
		cmocka_unit_test(test_held_no_longer),
		cmocka_unit_test(test_no_key),
		cmocka_unit_test(test_nomem),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

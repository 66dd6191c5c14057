/* SPDX-License-Identifier: MIT */
/* Batches: every format byte for byte, every reason to flush and to refuse, and what is kept and freed when. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "src/feed/stream.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const uint64_t key[2] = { 1, 2 };

/* What was flushed, one after the other: "event/room:count:content;". */
static char flushed[4096];
static size_t flushed_n, n_flushed, n_released;
static uint64_t flushed_ms;
static const char *flushed_body;

/* What does not fit is only counted. */
static void
append(const char *p, size_t n)
{
	if (n == 0 || flushed_n + n >= sizeof flushed) return;
	memcpy(flushed + flushed_n, p, n);
	flushed_n += n;
	flushed[flushed_n] = '\0';
}

static void
on_flush(void *user, struct feed_stream *b, const struct feed_content *content, unsigned count, uint64_t now_ms)
{
	char head[64];
	struct sio_room_key t = b->target;
	int n = snprintf(head, sizeof head, "%.*s%s%.*s:%u:", (int)b->event.n, b->event.p, t.everyone ? "" : "/",
		t.everyone ? 0 : (int)t.name.n, t.name.p, count);

	flushed_ms = now_ms;
	flushed_body = content->body.p;
	assert_ptr_equal(user, flushed);
	n_flushed++;
	append(head, (size_t)n);
	append(content->before.p, content->before.n);
	if (content->array.n) {
		/* Columns: what they stand for, behind their length. */
		assert_true(content->body.n < content->array.n);
		assert_int_equal(content->body.p[0], COLUMNS_FIRST);
		assert_int_equal(content->body.p[content->body.n - 1], COLUMNS_LAST);
		append("columns of ", 11);
		append(content->array.p, content->array.n);
	} else {
		append(content->body.p, content->body.n);
	}
	append(content->after.p, content->after.n);
	append(";", 1);
}

static void
on_release(void *user, struct feed_stream *b)
{
	assert_ptr_equal(user, flushed);
	assert_null(b->interest);
	n_released++;
}

/* The lists point at themselves, so a set stays where it was made. */
#define START(s, f) \
	struct feed_streams s; \
	flushed_n = n_flushed = n_released = 0; \
	*flushed = '\0'; \
	assert_int_equal(feed_streams_init(&s, f, key, on_flush, on_release, flushed), 0)

static struct feed_stream *
stream(struct feed_streams *s, const char *event, const char *room, uint64_t now)
{
	struct eio_bytes nsp = EIO_LIT("/");
	bool made;
	struct feed_stream *b = feed_streams_get(
		s, eio_cstr(event), room ? sio_room_named(nsp, eio_cstr(room)) : sio_room_everyone(nsp), now, &made);

	assert_non_null(b);
	return b;
}

static enum feed_fate
add_bytes(struct feed_streams *s, const char *event, const char *room, struct eio_bytes m, uint64_t now)
{
	struct message message = { .payload = m, .now_ms = now };

	return feed_streams_append(s, stream(s, event, room, now), &message);
}

static void
add(struct feed_streams *s, const char *event, const char *m, uint64_t now)
{
	assert_int_equal(add_bytes(s, event, NULL, eio_cstr(m), now), FEED_FATE_TAKEN);
}

static struct feed_spec
feed(enum feed_encode encode, enum feed_format format)
{
	return (struct feed_spec){
		.encode = encode, .format = format, .interval_ms = 200, .max_messages = 1000, .max_bytes = 262144
	};
}

static void
formats(void **state)
{
	struct feed_spec f = feed(FEED_ENCODE_BINARY, FEED_FORMAT_ARRAY);
	static const char frames[] = "e:2:\0\0\0\1a\0\0\0\2\n\0;";

	(void)state;
	{
		START(s, &f);
		add(&s, "e", "{\"a\":9007199254740993}", 1000);
		add(&s, "e", " [1 ,\n2] ", 1100);
		feed_streams_tick(&s, 1199);
		assert_int_equal(n_flushed, 0);
		feed_streams_tick(&s, 1200);
		assert_string_equal(flushed, "e:2:[{\"a\":9007199254740993}, [1 ,\n2] ];");
		feed_streams_deinit(&s);
	}
	f.format = FEED_FORMAT_LINES;
	{
		START(s, &f);
		add(&s, "e", "a", 0);
		add(&s, "e", "", 0);
		add(&s, "e", "\xff", 0);
		feed_streams_tick(&s, 200);
		assert_string_equal(flushed, "e:3:a\n\n\xff\n;");
		feed_streams_deinit(&s);
	}
	f.format = FEED_FORMAT_FRAMES;
	{
		START(s, &f);
		add(&s, "e", "a", 0);
		assert_int_equal(add_bytes(&s, "e", NULL, EIO_LIT("\n\0"), 0), FEED_FATE_TAKEN);
		feed_streams_tick(&s, 200);
		assert_int_equal(flushed_n, sizeof frames - 1);
		assert_memory_equal(flushed, frames, sizeof frames - 1);
		feed_streams_deinit(&s);
	}
}

static void
columns(void **state)
{
	struct feed_spec f = feed(FEED_ENCODE_BINARY, FEED_FORMAT_COLUMNS);

	(void)state;
	START(s, &f);
	assert_int_equal(add_bytes(&s, "e", NULL, EIO_LIT("{\"symbol\":"), 0), FEED_FATE_JSON);
	for (int i = 0; i < 3; i++) add(&s, "e", " {\"symbol\":\"ACME\",\"price\":1.50}", 0);
	feed_streams_tick(&s, 200);
	assert_string_equal(flushed,
		"e:3:columns of [ {\"symbol\":\"ACME\",\"price\":1.50}, {\"symbol\":\"ACME\",\"price\":1.50},"
		" {\"symbol\":\"ACME\",\"price\":1.50}];");
	/* What would not get shorter is an array. */
	flushed_n = 0;
	add(&s, "e", "1", 300);
	add(&s, "e", "{}", 300);
	feed_streams_tick(&s, 500);
	assert_string_equal(flushed, "e:2:[1,{}];");
	feed_streams_deinit(&s);
	/* And what goes out by itself. */
	f.interval_ms = 0;
	{
		START(alone, &f);
		add(&alone, "e", "{\"list\":[100,101,102,103,104,105,106,107,108,109,110,111]}", 0);
		assert_string_equal(flushed, "e:1:[{\"list\":[100,101,102,103,104,105,106,107,108,109,110,111]}];");
		feed_streams_deinit(&alone);
	}
}

static void
bad_messages(void **state)
{
	static char big[FEED_FRAME_MAX + 1];
	static const struct {
		int line;
		enum feed_encode encode;
		enum feed_format format;
		struct eio_bytes m;
		enum feed_fate want;
	} cases[] = {
		{ __LINE__, FEED_ENCODE_BINARY, FEED_FORMAT_ARRAY, { "{", 1 }, FEED_FATE_JSON },
		{ __LINE__, FEED_ENCODE_BINARY, FEED_FORMAT_ARRAY, { "", 0 }, FEED_FATE_JSON },
		{ __LINE__, FEED_ENCODE_BINARY, FEED_FORMAT_ARRAY, { "1,2", 3 }, FEED_FATE_JSON },
		{ __LINE__, FEED_ENCODE_BINARY, FEED_FORMAT_ARRAY, { "\"\xff\"", 3 }, FEED_FATE_UTF8 },
		{ __LINE__, FEED_ENCODE_JSON, FEED_FORMAT_ARRAY, { "]", 1 }, FEED_FATE_JSON },
		{ __LINE__, FEED_ENCODE_JSON, FEED_FORMAT_ARRAY, { "\"\xed\xa0\x80\"", 5 }, FEED_FATE_UTF8 },
		{ __LINE__, FEED_ENCODE_TEXT, FEED_FORMAT_ARRAY, { "x", 1 }, FEED_FATE_JSON },
		{ __LINE__, FEED_ENCODE_TEXT, FEED_FORMAT_LINES, { "\xc3", 1 }, FEED_FATE_UTF8 },
		{ __LINE__, FEED_ENCODE_TEXT, FEED_FORMAT_LINES, { "a\nb", 3 }, FEED_FATE_LINE },
		{ __LINE__, FEED_ENCODE_BINARY, FEED_FORMAT_LINES, { "a\n", 2 }, FEED_FATE_LINE },
		{ __LINE__, FEED_ENCODE_BINARY, FEED_FORMAT_LINES, { "\0a", 2 }, FEED_FATE_LINE },
		{ __LINE__, FEED_ENCODE_BINARY, FEED_FORMAT_FRAMES, { big, sizeof big }, FEED_FATE_SIZE },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct feed_spec f = feed(cases[i].encode, cases[i].format);
		enum feed_fate got;
		char before[sizeof flushed];
		START(s, &f);

		/* Refused in an empty batch, and in one that holds something: which is as if nothing had happened. */
		got = add_bytes(&s, "e", NULL, cases[i].m, 0);
		if (got != cases[i].want) fail_msg("line %d: %d", cases[i].line, got);
		assert_true(feed_streams_deadline(&s) > 200);
		add(&s, "e", "1", 0);
		got = add_bytes(&s, "e", NULL, cases[i].m, 0);
		if (got != cases[i].want) fail_msg("line %d: %d", cases[i].line, got);
		add(&s, "e", "2", 0);
		feed_streams_tick(&s, 200);
		memcpy(before, flushed, sizeof before);
		flushed_n = 0;
		add(&s, "e", "1", 300);
		add(&s, "e", "2", 300);
		feed_streams_tick(&s, 500);
		assert_memory_equal(before, flushed, flushed_n);
		assert_int_equal(n_flushed, 2);
		feed_streams_deinit(&s);
	}
}

/* The largest frame there is. */
static void
frame_limit(void **state)
{
	struct feed_spec f = feed(FEED_ENCODE_BINARY, FEED_FORMAT_FRAMES);
	char *big = calloc(1, FEED_FRAME_MAX);
	START(s, &f);

	(void)state;
	assert_non_null(big);
	assert_int_equal(add_bytes(&s, "e", NULL, eio_bytes(big, FEED_FRAME_MAX), 0), FEED_FATE_TAKEN);
	assert_int_equal(n_flushed, 1); /* above maxBytes: alone, at once */
	assert_memory_equal(flushed, "e:1:\x00\xff\xff\xff;", 9);
	assert_ptr_equal(flushed_body, big); /* and not copied */
	feed_streams_deinit(&s);
	free(big);
}

static void
max_messages(void **state)
{
	struct feed_spec f = feed(FEED_ENCODE_BINARY, FEED_FORMAT_ARRAY);
	START(s, &f);

	(void)state;
	f.max_messages = 2;
	for (int i = 0; i < 5; i++) add(&s, "e", "1", 7);
	assert_string_equal(flushed, "e:2:[1,1];e:2:[1,1];");
	assert_int_equal(feed_streams_deadline(&s), 207);
	feed_streams_tick(&s, 207);
	assert_string_equal(flushed, "e:2:[1,1];e:2:[1,1];e:1:[1];");
	assert_int_equal(flushed_ms, 207);
	feed_streams_deinit(&s);
}

/* A batch never gets longer than maxBytes, its end included; a longer message goes alone. */
static void
max_bytes(void **state)
{
	struct feed_spec f = feed(FEED_ENCODE_BINARY, FEED_FORMAT_ARRAY);

	(void)state;
	f.max_bytes = 8;
	{
		START(s, &f);
		add(&s, "e", "111", 0);
		assert_string_equal(flushed, "");
		add(&s, "e", "22", 0); /* [111,22] is 8 */
		assert_string_equal(flushed, "e:2:[111,22];");
		add(&s, "e", "111", 0);
		add(&s, "e", "222", 0); /* would be 9 */
		assert_string_equal(flushed, "e:2:[111,22];e:1:[111];");
		add(&s, "e", "123456789", 0);
		assert_string_equal(flushed, "e:2:[111,22];e:1:[111];e:1:[222];e:1:[123456789];");
		assert_true(feed_streams_deadline(&s) > 200);
		feed_streams_deinit(&s);
	}
	f.format = FEED_FORMAT_LINES;
	{
		START(s, &f);
		add(&s, "e", "111", 0);
		add(&s, "e", "222", 0);
		assert_string_equal(flushed, "e:2:111\n222\n;");
		feed_streams_deinit(&s);
	}
	f.format = FEED_FORMAT_FRAMES;
	f.max_bytes = 11;
	{
		START(s, &f);
		add(&s, "e", "12", 0);
		add(&s, "e", "12", 0); /* would be 12 */
		assert_int_equal(n_flushed, 1);
		add(&s, "e", "1", 0); /* exactly 11 */
		assert_int_equal(n_flushed, 2);
		feed_streams_deinit(&s);
	}
}

/* Without an interval: binary keeps its format, json and text are the message itself. */
static void
interval_zero(void **state)
{
	struct feed_spec f = feed(FEED_ENCODE_BINARY, FEED_FORMAT_ARRAY);

	(void)state;
	f.interval_ms = 0;
	{
		START(s, &f);
		add(&s, "e", "1", 0);
		add(&s, "e", "2", 0);
		assert_string_equal(flushed, "e:1:[1];e:1:[2];");
		feed_streams_deinit(&s);
	}
	f.encode = FEED_ENCODE_JSON;
	{
		START(s, &f);
		add(&s, "e", "{\"a\":1}", 0);
		assert_int_equal(add_bytes(&s, "e", NULL, EIO_LIT("{"), 0), FEED_FATE_JSON);
		assert_string_equal(flushed, "e:1:{\"a\":1};");
		feed_streams_deinit(&s);
	}
	f.encode = FEED_ENCODE_TEXT;
	{
		START(s, &f);
		add(&s, "e", "not\njson", 0);
		assert_int_equal(add_bytes(&s, "e", NULL, EIO_LIT("\xff"), 0), FEED_FATE_UTF8);
		assert_string_equal(flushed, "e:1:not\njson;");
		feed_streams_deinit(&s);
	}
}

/* Streams are told apart by event and room, and become due together, in the order they began. */
static void
streams(void **state)
{
	struct feed_spec f = feed(FEED_ENCODE_BINARY, FEED_FORMAT_ARRAY);
	START(s, &f);

	(void)state;
	assert_int_equal(add_bytes(&s, "e", "b", EIO_LIT("1"), 10), FEED_FATE_TAKEN);
	assert_int_equal(add_bytes(&s, "e", "a", EIO_LIT("2"), 20), FEED_FATE_TAKEN);
	assert_int_equal(add_bytes(&s, "e", NULL, EIO_LIT("3"), 30), FEED_FATE_TAKEN);
	assert_int_equal(add_bytes(&s, "e", "", EIO_LIT("4"), 30), FEED_FATE_TAKEN);
	assert_int_equal(add_bytes(&s, "eb", "", EIO_LIT("5"), 40), FEED_FATE_TAKEN);
	assert_int_equal(add_bytes(&s, "e", "b", EIO_LIT("6"), 50), FEED_FATE_TAKEN);
	assert_int_equal(feed_streams_deadline(&s), 210);
	feed_streams_tick(&s, 209);
	assert_string_equal(flushed, "");
	feed_streams_tick(&s, 210);
	assert_string_equal(flushed, "e/b:2:[1,6];e/a:1:[2];e:1:[3];e/:1:[4];eb/:1:[5];");
	assert_true(stream(&s, "e", "a", 0)->hash != stream(&s, "e", "b", 0)->hash);
	feed_streams_deinit(&s);
	assert_int_equal(n_released, 5);
}

/* Two feeds with one interval are due at one moment; what begins behind it, or is late, waits for the next. */
static void
one_tick(void **state)
{
	struct feed_spec f = feed(FEED_ENCODE_BINARY, FEED_FORMAT_ARRAY);
	START(s, &f);
	struct feed_streams other;

	(void)state;
	assert_int_equal(feed_streams_init(&other, &f, key, on_flush, on_release, flushed), 0);
	feed_streams_share_tick(&other, &s);
	add(&other, "o", "1", 1000);
	assert_int_equal(add_bytes(&s, "e", "a", EIO_LIT("2"), 1199), FEED_FATE_TAKEN);
	assert_int_equal(feed_streams_deadline(&s), 1200);
	assert_int_equal(feed_streams_deadline(&other), 1200);
	/* The loop is late: this one begins when the others were due. */
	assert_int_equal(add_bytes(&s, "e", "b", EIO_LIT("3"), 1210), FEED_FATE_TAKEN);
	add(&other, "o", "4", 1210);
	feed_streams_tick(&s, 1211);
	feed_streams_tick(&other, 1211);
	assert_string_equal(flushed, "e/a:1:[2];o:2:[1,4];");
	assert_int_equal(feed_streams_deadline(&s), 1410);
	add(&other, "o", "5", 1300);
	assert_int_equal(feed_streams_deadline(&other), 1410);
	feed_streams_deinit(&s);
	feed_streams_deinit(&other);
}

/* The same stream has the same number every time it is made, and in another feed a different one. */
static void
hashes(void **state)
{
	struct feed_spec f = feed(FEED_ENCODE_BINARY, FEED_FORMAT_ARRAY);
	uint64_t first;

	(void)state;
	{
		START(s, &f);
		first = stream(&s, "e", "r", 0)->hash;
		feed_streams_deinit(&s);
	}
	{
		START(s, &f);
		assert_true(stream(&s, "e", "r", 0)->hash == first);
		feed_streams_deinit(&s);
	}
	{
		struct feed_streams other;

		assert_int_equal(feed_streams_init(&other, &f, (const uint64_t[2]){ key[0], key[1] ^ 1 }, on_flush,
					 on_release, flushed),
			0);
		assert_true(stream(&other, "e", "r", 0)->hash != first);
		feed_streams_deinit(&other);
	}
}

static void
idle_streams_are_freed(void **state)
{
	struct feed_spec f = feed(FEED_ENCODE_BINARY, FEED_FORMAT_ARRAY);
	struct feed_stream *b;
	START(s, &f);

	(void)state;
	assert_true(feed_streams_deadline(&s) == UINT64_MAX);
	add(&s, "used", "1", 0);
	b = stream(&s, "used", NULL, 0);
	stream(&s, "unheard", NULL, 0);
	feed_streams_tick(&s, 200);
	assert_non_null(b->body.p);
	feed_streams_tick(&s, 200 + FEED_STREAM_WARM_MS);
	assert_null(b->body.p);
	feed_streams_tick(&s, FEED_STREAM_COLD_MS - 1);
	assert_int_equal(n_released, 0);
	feed_streams_touch(&s, b, FEED_STREAM_COLD_MS - 1);
	feed_streams_tick(&s, FEED_STREAM_COLD_MS);
	assert_int_equal(n_released, 1);
	add(&s, "used", "2", 2 * FEED_STREAM_COLD_MS); /* filling streams are never freed */
	feed_streams_tick(&s, 2 * FEED_STREAM_COLD_MS + 199);
	assert_int_equal(n_released, 1);
	feed_streams_tick(&s, 2 * FEED_STREAM_COLD_MS + 200);
	assert_string_equal(flushed, "used:1:[1];used:1:[2];");
	/* Waking up whenever asked to is enough to get rid of everything. */
	for (int i = 0; i < 4 && feed_streams_deadline(&s) != UINT64_MAX; i++)
		feed_streams_tick(&s, feed_streams_deadline(&s));
	assert_int_equal(n_released, 2);
	assert_true(feed_streams_deadline(&s) == UINT64_MAX);
	feed_streams_deinit(&s);
}

/* Of thousands that are idle a few hundred go in one turn, and the next turn is at once. */
static void
idle_streams_go_bit_by_bit(void **state)
{
	struct feed_spec f = feed(FEED_ENCODE_BINARY, FEED_FORMAT_ARRAY);
	const uint64_t late = 10 + 2 * FEED_STREAM_COLD_MS;
	size_t turns = 0;
	char name[16];
	START(s, &f);

	(void)state;
	for (unsigned i = 0; i < 5000; i++) {
		snprintf(name, sizeof name, "%u", i);
		stream(&s, name, NULL, 10);
	}
	for (; feed_streams_deadline(&s) <= late; turns++) {
		size_t before = n_released;

		feed_streams_tick(&s, late);
		assert_in_range(n_released - before, 0, 500);
	}
	assert_int_equal(n_released, 5000);
	assert_in_range(turns, 20, 100);
	feed_streams_deinit(&s);
}

/* What nobody hears need not wait, nor what is much; what is heard does. */
static void
some_are_flushed(void **state)
{
	struct feed_spec f = feed(FEED_ENCODE_BINARY, FEED_FORMAT_ARRAY);
	struct interest_table *table = interest_table_new();
	const char *const names[] = { "heard", "unheard", "much" };
	struct feed_stream *b;
	START(s, &f);

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		b = stream(&s, names[i], names[i], 0);
		b->interest = interest_get(table, b->target);
		if (i != 1) assert_int_equal(interest_set(table, 0, b->target), 0);
		add_bytes(&s, names[i], names[i], EIO_LIT("1"), 0);
	}
	add_bytes(&s, "much", "much", EIO_LIT("2"), 0);
	feed_streams_flush_some(&s, 2, 1);
	assert_string_equal(flushed, "much/much:2:[1,2];unheard/unheard:1:[1];");
	feed_streams_tick(&s, 200);
	assert_string_equal(flushed, "much/much:2:[1,2];unheard/unheard:1:[1];heard/heard:1:[1];");
	for (size_t i = 0; i < 3; i++) {
		b = stream(&s, names[i], names[i], 200);
		if (i != 1) interest_clear(table, 0, b->target);
		interest_unref(b->interest);
		b->interest = NULL;
	}
	feed_streams_deinit(&s);
	interest_table_free(table);
}

static void
many_streams(void **state)
{
	struct feed_spec f = feed(FEED_ENCODE_BINARY, FEED_FORMAT_LINES);
	char name[16];
	START(s, &f);

	(void)state;
	for (unsigned i = 0; i < 20000; i++) {
		snprintf(name, sizeof name, "%u", i % 5000);
		add(&s, name, "x", i / 100);
	}
	feed_streams_tick(&s, 400);
	assert_int_equal(n_flushed, 5000);
	feed_streams_deinit(&s);
	assert_int_equal(n_released, 5000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(formats),
		cmocka_unit_test(columns),
		cmocka_unit_test(bad_messages),
		cmocka_unit_test(frame_limit),
		cmocka_unit_test(max_messages),
		cmocka_unit_test(max_bytes),
		cmocka_unit_test(interval_zero),
		cmocka_unit_test(streams),
		cmocka_unit_test(one_tick),
		cmocka_unit_test(hashes),
		cmocka_unit_test(idle_streams_are_freed),
		cmocka_unit_test(idle_streams_go_bit_by_bit),
		cmocka_unit_test(some_are_flushed),
		cmocka_unit_test(many_streams),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

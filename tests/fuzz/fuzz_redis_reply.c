/* SPDX-License-Identifier: MIT */
/* Any bytes from Redis, whole, in small pieces, and through hiredis alone: the same messages and replies must come
 * out. With a small limit for strings, whole and in pieces alike, and none that is longer. The same as answers about
 * streams. */
#include "eio/buf.h"
#include "src/redis/reader.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SHORT = 7 }; /* as long as "message" */

static size_t longest, longest_string; /* nothing that comes out can be longer; of a message */
static bool entries; /* answers about streams are what is expected */

static void
note(struct eio_buf *to, struct eio_bytes b)
{
	if (b.n > longest) abort();
	eio_buf_append_u64(to, b.n);
	eio_buf_addc(to, ':');
	eio_buf_add(to, b);
}

static void
note_string(struct eio_buf *to, struct eio_bytes b)
{
	if (b.n > longest_string) abort();
	note(to, b);
}

/* An entry, whose words are no more than may be kept; and what is said of a stream. */
static void
note_entry(struct eio_buf *to, const struct redis_entry *e)
{
	struct eio_bytes field, value;
	size_t at = 0, sum = 0;

	note_string(to, e->stream);
	note_string(to, e->id);
	eio_buf_append_u64(to, e->skipped > 0);
	while (redis_entry_next(e->words, &at, &field, &value)) {
		note_string(to, field);
		note_string(to, value);
		sum += field.n + value.n;
	}
	if (sum > longest_string || (e->skipped && at)) abort();
}

static void
note_info(struct eio_buf *to, const struct redis_stream_info *info)
{
	eio_buf_append_u64(to, info->length);
	eio_buf_append_u64(to, info->last.ms);
	eio_buf_append_u64(to, info->first.seq);
	eio_buf_append_u64(to, info->deleted.seq);
	eio_buf_append_u64(to, info->counts ? info->added : 0);
}

static void
note_message(struct eio_buf *to, const struct redis_message *m)
{
	eio_buf_addc(to, m->is_pattern ? 'P' : 'M');
	note_string(to, m->name);
	note_string(to, m->channel);
	note_string(to, m->payload);
}

/* All that is complete. Whether it goes on. */
static bool
pull(struct redis_reader *r, struct eio_buf *to)
{
	struct redis_event e;

	for (;;) {
		switch (redis_reader_next(r, &e)) {
		case REDIS_READ_NONE: return true;
		case REDIS_READ_MESSAGE: note_message(to, &e.message); break;
		case REDIS_READ_SKIPPED:
			if (e.skipped <= longest_string) abort();
			eio_buf_append_u64(to, e.skipped);
			note_message(to, &e.message);
			break;
		case REDIS_READ_REPLY:
			eio_buf_addc(to, (char)('0' + e.reply));
			note(to, e.text);
			if (e.reply == REDIS_REPLY_IS_INFO) note_info(to, e.info);
			break;
		case REDIS_READ_ENTRY: note_entry(to, &e.entry); break;
		case REDIS_READ_ERROR:
			if (!e.why) abort();
			return false;
		}
	}
}

typedef void (*feed_fn)(struct redis_reader *r, struct eio_bytes bytes);

static void
run(struct eio_buf *out, feed_fn feed, size_t max_string, const uint8_t *data, size_t size, size_t piece)
{
	struct redis_reader *r = redis_reader_new(max_string);
	bool goes_on = true;
	size_t n;

	longest_string = max_string;
	if (!r) return;
	if (entries) redis_reader_expect_entries(r);
	for (size_t at = 0; at < size && goes_on; at += n) {
		n = size - at < piece ? size - at : piece;
		feed(r, eio_bytes(data + at, n));
		goes_on = pull(r, out);
	}
	eio_buf_addc(out, goes_on ? '.' : '!');
	redis_reader_free(r);
}

static void
check_same(const struct eio_buf *a, const struct eio_buf *b)
{
	if (!eio_bytes_eq(eio_buf_bytes(a), eio_buf_bytes(b))) abort();
}

/* hiredis from 1.0 on takes the types of RESP3, which nobody asks for, where the reader ends. Up to there both are the
 * same. */
static void
check_hiredis(const struct eio_buf *whole, struct eio_buf *hiredis)
{
	if (whole->p[whole->n - 1] == '!' && hiredis->n > whole->n - 1) {
		hiredis->n = whole->n;
		hiredis->p[hiredis->n - 1] = '!';
	}
	check_same(whole, hiredis);
}

static void
check_entries(size_t max_string, const uint8_t *data, size_t size)
{
	struct eio_buf whole = { 0 }, pieces = { 0 };

	entries = true;
	run(&whole, redis_reader_feed, max_string, data, size, size);
	run(&pieces, redis_reader_feed, max_string, data, size, 1);
	check_same(&whole, &pieces);
	eio_buf_deinit(&whole);
	eio_buf_deinit(&pieces);
	entries = false;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct eio_buf whole = { 0 }, pieces = { 0 }, hiredis = { 0 }, short_whole = { 0 }, short_pieces = { 0 };

	if (size > REDIS_LINE_BYTES) return 0; /* a line that comes at once may be longer */
	longest = size + 4; /* "PONG" is the reader's own word */
	run(&whole, redis_reader_feed, SIZE_MAX, data, size, size);
	run(&pieces, redis_reader_feed, SIZE_MAX, data, size, 1);
	run(&hiredis, redis_reader_feed_hiredis, SIZE_MAX, data, size, size);
	check_same(&whole, &pieces);
	check_hiredis(&whole, &hiredis);
	run(&short_whole, redis_reader_feed, SHORT, data, size, size);
	run(&short_pieces, redis_reader_feed, SHORT, data, size, 1);
	check_same(&short_whole, &short_pieces);
	check_entries(SIZE_MAX, data, size);
	check_entries(SHORT, data, size);
	eio_buf_deinit(&whole);
	eio_buf_deinit(&pieces);
	eio_buf_deinit(&hiredis);
	eio_buf_deinit(&short_whole);
	eio_buf_deinit(&short_pieces);
	return 0;
}

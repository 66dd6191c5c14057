/* SPDX-License-Identifier: MIT */
/*
 * The reader. Published messages are taken out of the bytes as they come (push.h); one that is cut by the end of the
 * bytes waits in `part` for its rest. All else, and published messages that do not look as usual or are too long, goes
 * to hiredis (replies.h) in pieces: a line, or as much of a string as is there. A line says how long the string behind
 * it is. So one that is too long need not be collected: hiredis gets an empty one in its place.
 *
 * As each reply ends with a piece, hiredis never holds bytes of what comes behind it.
 */
#include "src/redis/reader.h"

#include "eio/buf.h"
#include "eio/check.h"

#include <stdlib.h>

/* A buffer that was needed for a long message is not kept. */
enum { KEEP_BYTES = 65536 };

enum { DIGITS_MAX = 19 }; /* of a length, which is at most INT64_MAX, as hiredis has it */

static const char not_redis[] = "not the Redis protocol", no_memory[] = "out of memory";

struct redis_reader {
	size_t max_string, max_answer; /* of an answer that is one string, which nobody publishes */
	bool between; /* nothing is kept of what came before: rest begins a reply */
	struct eio_bytes rest; /* fed and not looked at yet; borrowed */
	struct eio_buf part; /* the beginning of a published message */
	size_t part_needs; /* how long it will be, or 0 when that is not known yet */
	bool part_done; /* it was handed out complete */
	struct eio_bytes again; /* of part: is no message as usual, and goes to hiredis before rest does */
	struct eio_buf line; /* the beginning of a line */
	uint64_t string_n; /* of the string at hand: how many bytes are still to come, its line's end among them */
	bool skips; /* they are not kept */
	struct redis_replies *replies;
	bool more; /* replies may hold another one, or there is an error to tell */
	const char *why; /* the error, or NULL */
};

static enum redis_read
fail_reader(struct redis_reader *r, struct redis_event *event, const char *why)
{
	r->why = event->why = why;
	r->more = true;
	r->rest.n = r->again.n = 0;
	return REDIS_READ_ERROR;
}

static void
consume(struct eio_bytes *from, size_t n)
{
	from->p += n;
	from->n -= n;
}

static struct eio_bytes
first_line(struct eio_bytes bytes)
{
	const char *end = memchr(bytes.p, '\n', bytes.n);

	return end ? eio_bytes(bytes.p, (size_t)(end + 1 - bytes.p)) : bytes;
}

/* By way of hiredis */

static enum redis_read
next_reply(struct redis_reader *r, struct redis_event *event)
{
	enum redis_read got;

	if (r->why) return fail_reader(r, event, r->why);
	got = redis_replies_next(r->replies, event, &r->more);
	return got == REDIS_READ_ERROR ? fail_reader(r, event, event->why) : got;
}

static enum redis_read
feed_piece(struct redis_reader *r, struct redis_event *event, struct eio_bytes piece)
{
	if (redis_replies_feed(r->replies, piece) < 0) return fail_reader(r, event, no_memory);
	return next_reply(r, event);
}

static bool
is_inside(const struct redis_reader *r)
{
	return r->string_n || r->line.n || redis_replies_inside(r->replies);
}

/* What of the string at hand is there. */
static enum redis_read
read_bulk(struct redis_reader *r, struct redis_event *event, struct eio_bytes *from)
{
	struct eio_bytes piece = *from;

	if (piece.n > r->string_n) piece.n = r->string_n;
	consume(from, piece.n);
	r->string_n -= piece.n;
	return r->skips ? REDIS_READ_NONE : feed_piece(r, event, piece);
}

/* The length in "$<n> CRLF". Whether there is one, as Redis writes it: what else there may be, hiredis judges. */
static bool
string_length(struct eio_bytes line, uint64_t *n)
{
	size_t digits = line.n - 3;

	*n = 0;
	if (digits == 0 || digits > DIGITS_MAX || (line.p[1] == '0' && digits > 1)) return false;
	for (size_t i = 1; i <= digits; i++) {
		if (line.p[i] < '0' || line.p[i] > '9') return false;
		*n = *n * 10 + (uint64_t)(line.p[i] - '0');
	}
	return *n <= INT64_MAX;
}

/* A whole line. */
static enum redis_read
take_line(struct redis_reader *r, struct redis_event *event, struct eio_bytes line)
{
	uint64_t n;

	if (line.p[0] != '$') return feed_piece(r, event, line);
	if (!string_length(line, &n))
		return line.p[1] == '-' ? feed_piece(r, event, line) : fail_reader(r, event, not_redis);
	r->string_n = n + 2;
	r->skips = n > (redis_replies_inside(r->replies) ? r->max_string : r->max_answer);
	if (!r->skips) return feed_piece(r, event, line);
	if (redis_replies_feed(r->replies, EIO_LIT("$0\r\n\r\n")) < 0) return fail_reader(r, event, no_memory);
	redis_replies_skipped(r->replies, n);
	return next_reply(r, event);
}

static bool
is_whole_line(struct eio_bytes line)
{
	return line.n >= 2 && line.p[line.n - 2] == '\r' && line.p[line.n - 1] == '\n';
}

/* What of a line is there: to hiredis it ends with CR LF, a lone LF is part of it. */
static enum redis_read
read_line(struct redis_reader *r, struct redis_event *event, struct eio_bytes *from)
{
	struct eio_bytes line = first_line(*from);
	enum redis_read got;

	if (!r->line.n && !memchr("+-:$*", line.p[0], 5)) return fail_reader(r, event, not_redis);
	consume(from, line.n);
	if (!r->line.n && is_whole_line(line)) return take_line(r, event, line);
	eio_buf_add(&r->line, line);
	if (eio_buf_failed(&r->line)) return fail_reader(r, event, no_memory);
	if (r->line.n > REDIS_LINE_BYTES) return fail_reader(r, event, "a line of more than 64 KB");
	if (!is_whole_line(eio_buf_bytes(&r->line))) return REDIS_READ_NONE;
	got = take_line(r, event, eio_buf_bytes(&r->line));
	eio_buf_clear(&r->line);
	return got;
}

static enum redis_read
read_piece(struct redis_reader *r, struct redis_event *event, struct eio_bytes *from)
{
	return r->string_n ? read_bulk(r, event, from) : read_line(r, event, from);
}

/* Published messages */

static void
drop_part(struct redis_reader *r)
{
	if (r->part.cap > KEEP_BYTES) eio_buf_deinit(&r->part);
	eio_buf_clear(&r->part);
	r->part_needs = 0;
	r->part_done = false;
}

/* What waited and is no message as usual. */
static enum redis_read
read_again(struct redis_reader *r, struct redis_event *event)
{
	enum redis_read got = read_piece(r, event, &r->again);

	if (!r->again.n) drop_part(r);
	return got;
}

/* Adds to the message that waits, no more than belongs to it. */
static enum redis_read
read_on(struct redis_reader *r, struct redis_event *event)
{
	struct eio_bytes more = r->part_needs ? r->rest : first_line(r->rest), part;

	if (r->part_needs && more.n > r->part_needs - r->part.n) more.n = r->part_needs - r->part.n;
	eio_buf_add(&r->part, more);
	if (eio_buf_failed(&r->part)) return fail_reader(r, event, no_memory);
	consume(&r->rest, more.n);
	if (r->part.n < r->part_needs) return REDIS_READ_NONE;
	part = eio_buf_bytes(&r->part);
	switch (redis_push_take(&part, r->max_string, &event->message, &r->part_needs)) {
	case REDIS_PUSH_MESSAGE: r->part_done = true; return REDIS_READ_MESSAGE;
	case REDIS_PUSH_PARTIAL: return REDIS_READ_NONE;
	case REDIS_PUSH_OTHER: break;
	}
	r->again = part;
	return REDIS_READ_NONE;
}

/* What the bytes begin with. */
static enum redis_read
read_fresh(struct redis_reader *r, struct redis_event *event)
{
	size_t needs;

	switch (redis_push_take(&r->rest, r->max_string, &event->message, &needs)) {
	case REDIS_PUSH_MESSAGE: return REDIS_READ_MESSAGE;
	case REDIS_PUSH_PARTIAL:
		eio_buf_add(&r->part, r->rest);
		if (eio_buf_failed(&r->part)) return fail_reader(r, event, no_memory);
		r->part_needs = needs;
		r->rest.n = 0;
		return REDIS_READ_NONE;
	case REDIS_PUSH_OTHER: break;
	}
	return read_line(r, event, &r->rest);
}

/* Pulling */

static enum redis_read
next_slowly(struct redis_reader *r, struct redis_event *event)
{
	enum redis_read got = REDIS_READ_NONE;

	if (r->part_done) drop_part(r);
	while (got == REDIS_READ_NONE && (r->more || r->again.n || r->rest.n)) {
		if (r->more)
			got = next_reply(r, event);
		else if (r->again.n)
			got = read_again(r, event);
		else if (r->part.n)
			got = read_on(r, event);
		else if (is_inside(r))
			got = read_piece(r, event, &r->rest);
		else
			got = read_fresh(r, event);
	}
	r->between = !r->more && !r->part.n && !is_inside(r);
	return got;
}

enum redis_read
redis_reader_next(struct redis_reader *r, struct redis_event *event)
{
	size_t needs;

	/* The way of nearly all that comes. */
	if (r->between && r->rest.n &&
		redis_push_take(&r->rest, r->max_string, &event->message, &needs) == REDIS_PUSH_MESSAGE)
		return REDIS_READ_MESSAGE;
	return next_slowly(r, event);
}

bool
redis_reader_begun(const struct redis_reader *r, struct eio_bytes *begun)
{
	if (r->why || r->more || r->again.n || r->part_done || is_inside(r)) return false;
	*begun = eio_buf_bytes(&r->part);
	return true;
}

void
redis_reader_feed(struct redis_reader *r, struct eio_bytes bytes)
{
	CHECK(r->rest.n == 0);
	r->rest = bytes;
}

void
redis_reader_feed_hiredis(struct redis_reader *r, struct eio_bytes bytes)
{
	if (bytes.n && redis_replies_feed(r->replies, bytes) < 0) r->why = no_memory;
	r->more = true;
	r->between = false;
}

struct redis_reader *
redis_reader_new(size_t max_string)
{
	struct redis_reader *r = calloc(1, sizeof *r);

	if (!r) return NULL;
	r->max_string = r->max_answer = max_string;
	r->between = true;
	r->replies = redis_replies_new();
	if (r->replies) return r;
	free(r);
	return NULL;
}

void
redis_reader_free(struct redis_reader *r)
{
	if (!r) return;
	redis_replies_free(r->replies);
	eio_buf_deinit(&r->part);
	eio_buf_deinit(&r->line);
	free(r);
}

void
redis_reader_expect_entries(struct redis_reader *r)
{
	if (r->max_answer < REDIS_ANSWER_BYTES) r->max_answer = REDIS_ANSWER_BYTES;
	redis_replies_expect_entries(r->replies, r->max_string);
}

void
redis_reader_expect_values(struct redis_reader *r, size_t reply_bytes)
{
	redis_replies_expect_values(r->replies, reply_bytes);
}
